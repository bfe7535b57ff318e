//! `hanok gc`.

use std::time::Duration;

use hanok_engine::GarbageReport;

use crate::args::GcArgs;
use crate::console::Console;
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, bytes, columns, counted};
use crate::status::ExitStatus;

const HOUR: Duration = Duration::from_hours(1);

/// Removes what no branch or tag can reach and says what.
pub(crate) async fn gc(context: &Context, args: &GcArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let grace = HOUR.saturating_mul(args.grace_hours);
    let report = engine.collect_garbage(grace, args.dry_run).await?;
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &GarbageReport) -> String {
    if report.removed.is_empty() {
        return "there is nothing that nobody needs\n".to_owned();
    }
    let rows = report.removed.iter().map(|garbage| {
        vec![
            Cell::left(&garbage.path),
            Cell::right(counted(garbage.files, "file")),
            Cell::right(bytes(garbage.bytes)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let folders = counted(rows.len() as u64, "folder");
    let verb = if report.dry_run { "would be removed" } else { "removed" };
    format!("{}\n{folders} {verb}, {}\n", columns(console, &rows), bytes(report.bytes))
}
