//! `hanok branch rebase`.

use super::merge::{mode, tell};
use crate::args::RebaseArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::status::ExitStatus;

/// Moves a branch to what its parent has now, or says why not.
pub(crate) async fn rebase(context: &Context, args: &RebaseArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let spinner = Progress::spinner(context.console.bars(), "comparing");
    let report = engine.rebase_branch(&args.name, mode(args.mode), args.dry_run).await?;
    drop(spinner);
    tell(context, &report, args.dry_run, "rebased onto", |branch, onto| {
        let verb = if args.dry_run { "would be" } else { "is" };
        format!("{branch} has changed nothing, and {verb} what {onto} is now\n")
    })
}
