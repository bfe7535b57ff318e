//! `hanok branch expire`.

use crate::context::Context;
use crate::error::CliError;
use crate::status::ExitStatus;

/// Drops the branches and tags whose time is over.
pub(crate) async fn expire(context: &Context) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let report = engine.expire_branches().await?;
    context.console.report(&report, || {
        let mut text = match report.dropped.is_empty() {
            true => "no branch has expired\n".to_owned(),
            false => format!("dropped {}\n", report.dropped.join(", ")),
        };
        for (name, reason) in &report.kept {
            text.push_str(&format!("kept {name}: {reason}\n"));
        }
        text
    })?;
    Ok(ExitStatus::Success)
}
