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
    if !matches!(Format::of_path(&args.output), Some(Format::Parquet | Format::Csv | Format::Json)) {
        let shown = args.output.display();
        return Err(CliError::Usage(format!("the name of {shown} must end in .parquet, .csv or .jsonl")));
    }
    let request = PredictRequest { data: data(args.data, None), output: args.output };
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let report = engine.predict(request, Arc::from(progress.observer())).await?;
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
