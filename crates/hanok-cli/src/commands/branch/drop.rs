//! `hanok branch drop`, `hanok tag drop`.

use hanok_engine::BranchKind;

use super::kind;
use crate::context::Context;
use crate::error::CliError;
use crate::status::ExitStatus;

/// Drops a branch or tag.
pub(crate) async fn drop(context: &Context, name: &str, of: BranchKind) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let branch = engine.drop_branch(name, of).await?;
    let report = serde_json::json!({ "dropped": branch.name });
    context.console.report(&report, || format!("{} {} is gone\n", kind(of), branch.name))?;
    Ok(ExitStatus::Success)
}
