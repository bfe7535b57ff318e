//! `hanok predict`.

use std::sync::Arc;

use hanok_engine::{ColumnChoice, DataRequest, Format, PredictReport, PredictRequest};

use super::row_source;
use crate::args::{DataArgs, PredictArgs};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{counted, duration};
use crate::status::ExitStatus;

/// Writes predictions.
pub(crate) async fn predict(context: &Context, args: PredictArgs) -> Result<ExitStatus, CliError> {
    let data = data(args.data, None);
    if let Some(path) = &args.output
        && !matches!(Format::of_path(path), Some(Format::Parquet | Format::Csv | Format::Json))
    {
        let shown = path.display();
        return Err(CliError::Usage(format!("the name of {shown} must end in .parquet, .csv or .jsonl")));
    }
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let observer = Arc::from(progress.observer());
    let report = match (args.output, args.table) {
        (Some(output), _) => engine.predict(PredictRequest { data, output }, observer).await?,
        (None, table) => engine.predict_table(data, &table.unwrap_or_default(), observer).await?,
    };
    drop(progress);
    context.console.report(&report, || summary(&report))?;
    Ok(ExitStatus::Success)
}

/// What `--data` and its kind say.
pub(super) fn data(args: DataArgs, label: Option<String>) -> DataRequest {
    DataRequest {
        model: args.model,
        rows: row_source(args.data, args.data_sql),
        columns: ColumnChoice { features: args.columns, keys: args.keys, label },
        rows_max: args.limit,
    }
}

fn summary(report: &PredictReport) -> String {
    let rows = counted(report.rows, "row");
    let model = super::explain::model_name(&report.model);
    format!("{rows} predicted with {model}, written to {} in {}\n", report.output, duration(report.seconds))
}
