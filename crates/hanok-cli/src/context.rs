//! What every command is given.

use hanok_config::{FlagLayer, Project};
use hanok_engine::Engine;

use crate::console::Console;
use crate::error::CliError;

/// The console and the flags that set the project's settings.
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) flags: FlagLayer,
}

impl Context {
    /// The project that the flags or the current folder name.
    pub(crate) fn project(&self) -> Result<Project, CliError> {
        Ok(Project::find(&self.flags)?)
    }

    /// The engine of that project.
    pub(crate) async fn engine(&self) -> Result<Engine, CliError> {
        Ok(Engine::open(self.project()?).await?)
    }
}
