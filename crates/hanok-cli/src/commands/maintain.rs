//! `hanok optimize`, `hanok vacuum` and `hanok checkpoint`.

use hanok_engine::{MaintainedTable, Maintenance, MaintenanceReport};

use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration, number};
use crate::status::ExitStatus;

/// Maintains tables and says what that did.
pub(crate) async fn maintain(
    context: &Context,
    what: Maintenance,
    tables: &[String],
) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let report = engine.maintain(what, tables, &progress.observer()).await?;
    drop(progress);
    context.console.report(&report, || summary(&context.console, what, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, what: Maintenance, report: &MaintenanceReport) -> String {
    if report.tables.is_empty() {
        return "there are no tables yet (`hanok load` makes some)\n".to_owned();
    }
    let rows = report.tables.iter().map(|table| vec![Cell::left(&table.table), news(what, table)]);
    let rows: Vec<_> = rows.collect();
    let tables = counted(report.tables.len() as u64, "table");
    format!("{}\n{tables} looked at in {}\n", columns(console, &rows), duration(report.seconds))
}

fn news(what: Maintenance, table: &MaintainedTable) -> Cell {
    match what {
        Maintenance::Optimize if table.files_removed > 0 => {
            let (small, large) = (counted(table.files_removed, "file"), number(table.files_added));
            Cell::left(format!("{small} joined into {large}"))
        }
        Maintenance::Optimize => Cell::left("nothing to join").tone(Tone::Faint),
        Maintenance::Vacuum { .. } if table.files_deleted == 0 => {
            Cell::left("nothing to delete").tone(Tone::Faint)
        }
        Maintenance::Vacuum { dry_run, .. } => {
            let verb = if dry_run { "would be deleted" } else { "deleted" };
            Cell::left(format!("{} {verb}", counted(table.files_deleted, "file")))
        }
        Maintenance::Checkpoint => match table.version {
            Some(version) => Cell::left(format!("version {}", number(version))),
            None => Cell::left("no commit yet").tone(Tone::Faint),
        },
    }
}
