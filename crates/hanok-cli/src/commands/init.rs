//! `hanok init`.

use hanok_engine::Template;

use crate::args::{InitArgs, TemplateArg};
use crate::context::Context;
use crate::error::CliError;
use crate::render::counted;
use crate::status::ExitStatus;

/// Writes a new project and says what to do next.
pub(crate) fn init(context: &Context, args: &InitArgs) -> Result<ExitStatus, CliError> {
    let template = match args.template {
        TemplateArg::Flights => Template::Flights,
        TemplateArg::Blank => Template::Blank,
    };
    let files = hanok_engine::init(&args.dir, template)?;
    let report = serde_json::json!({ "folder": args.dir, "files": files });
    context.console.report(&report, || {
        let folder = args.dir.display();
        let count = counted(files.len() as u64, "file");
        format!("wrote {count} to {folder}\n\nnext:\n  cd {folder}\n  hanok load\n  hanok build\n")
    })?;
    Ok(ExitStatus::Success)
}
