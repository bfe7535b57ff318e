//! `hanok optimize`.

use std::time::Duration;

use hanok_engine::{OptimizeReport, OptimizeRequest};

use crate::args::OptimizeArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration, number};
use crate::status::ExitStatus;

const DAY: Duration = Duration::from_hours(24);

/// Joins small files and says which.
pub(crate) async fn optimize(context: &Context, args: OptimizeArgs) -> Result<ExitStatus, CliError> {
    let vacuum_older_than = args.vacuum_days.map(|days| DAY.saturating_mul(days));
    let request = OptimizeRequest { tables: args.tables, vacuum_older_than };
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let report = engine.optimize(request, &progress.observer()).await?;
    drop(progress);
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &OptimizeReport) -> String {
    if report.tables.is_empty() {
        return "nothing to optimize: there are no tables yet (`hanok load` makes some)\n".to_owned();
    }
    let deletes = report.tables.iter().any(|table| table.files_deleted > 0);
    let rows = report.tables.iter().map(|table| {
        let news = match table.files_removed {
            0 => Cell::left("nothing to join").tone(Tone::Faint),
            files => {
                Cell::left(format!("{} joined into {}", counted(files, "file"), number(table.files_added)))
            }
        };
        let mut cells = vec![Cell::left(&table.table), news];
        cells.extend(
            deletes.then(|| Cell::right(format!("{} deleted", counted(table.files_deleted, "file")))),
        );
        cells
    });
    let rows: Vec<_> = rows.collect();
    let tables = counted(report.tables.len() as u64, "table");
    format!("{}\n{tables} looked at in {}\n", columns(console, &rows), duration(report.seconds))
}
