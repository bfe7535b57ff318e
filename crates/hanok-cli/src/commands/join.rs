//! `hanok features join`.

use std::path::Path;

use hanok_engine::{EntityRows, Event, Format, JoinReport, JoinRequest};

use super::selection;
use crate::args::JoinArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::memory::huge_pages;
use crate::progress::Progress;
use crate::render::{counted, duration};
use crate::status::ExitStatus;

/// Entity rows from which on the join's tables outgrow what the processor's caches and its page table cache reach.
const ENTITY_ROWS_LARGE: u64 = 500_000;

/// Writes a training set.
pub(crate) async fn join(context: &Context, args: JoinArgs) -> Result<ExitStatus, CliError> {
    let entities = match (args.entities, args.entities_sql) {
        (Some(name), None) => entity_rows(name),
        (_, sql) => EntityRows::Sql(sql.unwrap_or_default()),
    };
    if !matches!(Format::of_path(&args.output), Some(Format::Parquet | Format::Csv | Format::Json)) {
        let shown = args.output.display();
        return Err(CliError::Usage(format!("the name of {shown} must end in .parquet, .csv or .jsonl")));
    }
    let request = JoinRequest {
        entities,
        selection: selection(&args.selection),
        timestamp: args.timestamp,
        full_feature_names: args.selection.full_feature_names,
        as_known_at: args.as_known_at,
        output: args.output,
    };
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let spinner = Progress::spinner(context.console.bars(), "joining");
    let show = progress.observer();
    let observer = move |event: Event<'_>| {
        if matches!(event, Event::Started { total: Some(rows), .. } if rows >= ENTITY_ROWS_LARGE) {
            huge_pages(true);
        }
        show(event);
    };
    let report = engine.join(request, &observer).await?;
    drop((spinner, progress));
    context.console.report(&report, || summary(&report))?;
    Ok(ExitStatus::Success)
}

/// A name is a file when there is one, or when it looks like one; a table otherwise.
fn entity_rows(name: String) -> EntityRows {
    let path = Path::new(&name);
    if path.is_file() || name.contains(['/', '\\']) || Format::of_path(path).is_some() {
        EntityRows::File(path.to_owned())
    } else {
        EntityRows::Table(name)
    }
}

fn summary(report: &JoinReport) -> String {
    let rows = counted(report.rows, "row");
    let columns = counted(report.columns.len() as u64, "column");
    format!("{rows} with {columns} written to {} in {}\n", report.output, duration(report.seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_tables_are_told_apart() {
        let is_file = |name: &str| matches!(entity_rows(name.to_owned()), EntityRows::File(_));
        assert!(is_file("labels.csv") && is_file("data/labels") && is_file("labels.parquet"));
        assert!(!is_file("mart.departure_labels") && !is_file("labels"));
    }
}
