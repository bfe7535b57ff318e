//! `hanok features join`.

use hanok_engine::{Event, Format, JoinReport, JoinRequest};

use super::{row_source, selection};
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
    if !matches!(Format::of_path(&args.output), Some(Format::Parquet | Format::Csv | Format::Json)) {
        let shown = args.output.display();
        return Err(CliError::Usage(format!("the name of {shown} must end in .parquet, .csv or .jsonl")));
    }
    let request = JoinRequest {
        entities: row_source(args.entities, args.entities_sql),
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

fn summary(report: &JoinReport) -> String {
    let rows = counted(report.rows, "row");
    let columns = counted(report.columns.len() as u64, "column");
    format!("{rows} with {columns} written to {} in {}\n", report.output, duration(report.seconds))
}
