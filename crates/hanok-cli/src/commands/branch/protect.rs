//! `hanok branch protect`, `hanok branch unprotect`.

use crate::context::Context;
use crate::error::CliError;
use crate::status::ExitStatus;

/// Sets or takes away a branch's protection.
pub(crate) async fn protect(context: &Context, name: &str, protected: bool) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let report = engine.protect_branch(name, protected).await?;
    context.console.report(&report, || {
        let state = if protected { "protected" } else { "no longer protected" };
        format!("{} is {state}\n", report.branch.name)
    })?;
    Ok(ExitStatus::Success)
}
