//! `hanok branch create`, `hanok tag create`.

use hanok_engine::{BranchKind, BranchReport, BranchRequest};

use super::kind;
use crate::args::CreateArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::render::{counted, time};
use crate::status::ExitStatus;

/// Makes a branch or tag and says what it sees.
pub(crate) async fn create(
    context: &Context,
    args: CreateArgs,
    of: BranchKind,
) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let request = BranchRequest {
        name: args.name,
        kind: of,
        from: Some(args.from.branch),
        as_of: args.from.as_of,
        ttl: args.ttl,
        tables: args.tables,
    };
    let report = engine.create_branch(&request).await?;
    context.console.report(&report, || summary(&report))?;
    Ok(ExitStatus::Success)
}

fn summary(report: &BranchReport) -> String {
    let branch = &report.branch;
    let parent = branch.parent_name.as_deref().unwrap_or_default();
    let tables = counted(report.tables, "table");
    let mut text = format!("{} {} of {parent}: {tables}, nothing copied\n", kind(branch.kind), branch.name);
    if let Some(expires) = branch.expires_us {
        text.push_str(&format!("it may be dropped after {} UTC\n", time(expires)));
    }
    text
}
