//! `hanok branch reset`.

use crate::args::ResetArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::render::time;
use crate::status::ExitStatus;

/// Forgets what a branch has changed.
pub(crate) async fn reset(context: &Context, args: &ResetArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let report = engine.reset_branch(&args.name, args.to_head).await?;
    context.console.report(&report, || {
        let branch = &report.branch;
        let parent = branch.parent_name.as_deref().unwrap_or_default();
        format!("{} is {parent} as of {} UTC again\n", branch.name, time(branch.fork_us))
    })?;
    Ok(ExitStatus::Success)
}
