//! `hanok branch diff`.

use hanok_engine::Format;

use super::differences;
use crate::args::DiffArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, json_rows};
use crate::render::{counted, duration};
use crate::status::ExitStatus;

/// Shows what one branch has other than another: tables, or with `--rows` the rows of one.
pub(crate) async fn diff(context: &Context, args: &DiffArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let (before, after) = &args.pair;
    let pair = (before.as_str(), after.as_str());
    let (Some(table), true) = (&args.table, args.rows) else {
        let tables = engine.branch_difference(before, after, args.table.as_deref()).await?;
        let report = serde_json::json!({ "before": before, "after": after, "tables": tables });
        context.console.report(&report, || match tables.is_empty() {
            true => "there is no difference\n".to_owned(),
            false => differences(&context.console, &tables),
        })?;
        return Ok(ExitStatus::Success);
    };
    if context.console.json {
        return json_rows(context, async |sink| {
            engine.row_difference(pair, table, &args.key, Format::Json, sink).await
        })
        .await;
    }
    let mut output = Output::new();
    let state = output.state();
    let written = engine.row_difference(pair, table, &args.key, Format::Table, &mut output).await;
    if state.is_broken() {
        return Ok(ExitStatus::Success);
    }
    let report = written?;
    context.console.note(&format!("{} in {}", counted(report.rows, "row"), duration(report.seconds)));
    Ok(ExitStatus::Success)
}
