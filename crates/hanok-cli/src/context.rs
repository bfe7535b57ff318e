//! What every command is given.

use hanok_config::{FlagLayer, Project};
use hanok_engine::{Engine, MAIN_BRANCH};

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

    /// The engine of that project on `main`, whatever branch the settings name: for commands about branches, which may
    /// make the one that is named.
    pub(crate) async fn engine_on_main(&self) -> Result<Engine, CliError> {
        let mut project = self.project()?;
        MAIN_BRANCH.clone_into(&mut project.branch.value);
        Ok(Engine::open(project).await?)
    }

    /// The engine of that project on the branch that the settings name.
    pub(crate) async fn engine(&self) -> Result<Engine, CliError> {
        Ok(Engine::open(self.project()?).await?)
    }
}
