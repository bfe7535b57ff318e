//! `hanok load`.

use hanok_engine::{LoadReport, LoadedTable};

use crate::args::LoadArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration, number};
use crate::status::ExitStatus;

/// Loads sources and says what arrived.
pub(crate) async fn load(context: &Context, args: &LoadArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let report = engine.load(&args.sources, &progress.observer()).await?;
    drop(progress);
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &LoadReport) -> String {
    if report.tables.is_empty() {
        return "nothing to load: the project has no sources (see sources/)\n".to_owned();
    }
    let rows: Vec<_> = report.tables.iter().map(|table| row(table, report.rows_rejected > 0)).collect();
    let table = columns(console, &rows);
    let took = duration(report.seconds);
    if report.tables.iter().all(|table| table.files == 0) {
        return format!("{table}\nnothing new to load, found in {took}\n");
    }
    let loaded = counted(report.rows_loaded, "row");
    let tables = counted(report.tables.len() as u64, "table");
    format!("{table}\n{loaded} loaded into {tables} in {took}{}\n", rejected(console, report))
}

/// How many rows could not be loaded, and where they are.
fn rejected(console: &Console, report: &LoadReport) -> String {
    if report.rows_rejected == 0 {
        return String::new();
    }
    let count = console.paint(Tone::Warn, &format!("{} rejected", number(report.rows_rejected)));
    let places = report.tables.iter().filter(|table| table.rows_rejected > 0);
    let places: Vec<_> = places.map(|table| format!("{}__rejects", table.table)).collect();
    format!(", {count}: see {}", places.join(", "))
}

fn row(table: &LoadedTable, with_rejected: bool) -> Vec<Cell> {
    let files = match (table.files, table.files_skipped) {
        (0, 0) => "no files".to_owned(),
        (0, skipped) => format!("{} loaded before", counted(skipped, "file")),
        (files, 0) => counted(files, "file"),
        (files, skipped) => format!("{}, {} loaded before", counted(files, "file"), number(skipped)),
    };
    let rejected = match table.rows_rejected {
        0 => Cell::right(""),
        rows => Cell::right(format!("{} rejected", number(rows))).tone(Tone::Warn),
    };
    let mut cells = vec![Cell::left(&table.table), Cell::right(counted(table.rows_loaded, "row"))];
    cells.extend(with_rejected.then_some(rejected));
    cells.extend([Cell::right(duration(table.seconds)), Cell::left(files)]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(
        name: &str,
        rows_loaded: u64,
        rows_rejected: u64,
        files: u64,
        files_skipped: u64,
    ) -> LoadedTable {
        LoadedTable {
            table: name.into(),
            rows_loaded,
            rows_rejected,
            files,
            files_skipped,
            seconds: 1.25,
            ..Default::default()
        }
    }

    #[test]
    fn a_load_is_told_in_lines() {
        let report = LoadReport {
            tables: vec![table("raw.flights", 336_776, 3, 1, 0), table("raw.planes", 0, 0, 0, 1)],
            rows_loaded: 336_776,
            rows_rejected: 3,
            seconds: 1.5,
            ..Default::default()
        };
        let expected = "\
raw.flights  336,776 rows  3 rejected  1.2 s  1 file
raw.planes         0 rows              1.2 s  1 file loaded before

336,776 rows loaded into 2 tables in 1.5 s, 3 rejected: see raw.flights__rejects
";
        assert_eq!(summary(&Console::new(false, false), &report), expected);
    }
}
