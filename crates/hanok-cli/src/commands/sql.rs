//! `hanok sql`.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use hanok_engine::{Engine, Format, QueryReport};

use crate::args::{FormatArg, SqlArgs};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, json_rows};
use crate::progress::Progress;
use crate::render::{counted, duration};
use crate::status::ExitStatus;

/// Queries from standard input above this size are refused.
const QUERY_BYTES_MAX: u64 = 4 << 20;

/// Runs a query and writes its result to standard output or a file.
pub(crate) async fn sql(context: &Context, args: SqlArgs) -> Result<ExitStatus, CliError> {
    let format = format(context, &args)?;
    let query = if args.query == "-" { read_query()? } else { args.query };
    let engine = context.engine().await?;
    match &args.output {
        Some(path) => to_file(context, &engine, &query, format, path).await,
        None if context.console.json => {
            json_rows(context, async |sink| engine.query_to(&query, Format::Json, sink).await).await
        }
        None => to_output(context, &engine, &query, format).await,
    }
}

fn format(context: &Context, args: &SqlArgs) -> Result<Format, CliError> {
    let by_extension = args.output.as_deref().and_then(Format::of_path);
    let format = match args.format {
        Some(FormatArg::Table) => Format::Table,
        Some(FormatArg::Csv) => Format::Csv,
        Some(FormatArg::Json) => Format::Json,
        Some(FormatArg::Parquet) => Format::Parquet,
        None => by_extension.unwrap_or(Format::Table),
    };
    if args.output.is_none()
        && args.format.is_some_and(|format| context.console.json && format != FormatArg::Json)
    {
        return Err(CliError::Usage("--json on standard output cannot go with another --format".to_owned()));
    }
    if format == Format::Parquet && args.output.is_none() && io::stdout().is_terminal() {
        return Err(CliError::Usage(
            "Parquet is not for terminals; write it to a file with -o FILE".to_owned(),
        ));
    }
    Ok(format)
}

fn read_query() -> Result<String, CliError> {
    let failed = |source| CliError::Stream { action: "read the query from standard input", source };
    let mut text = String::new();
    io::stdin().lock().take(QUERY_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > QUERY_BYTES_MAX {
        return Err(CliError::Usage("the query on standard input is longer than 4 MiB".to_owned()));
    }
    Ok(text)
}

async fn to_file(
    context: &Context,
    engine: &Engine,
    query: &str,
    format: Format,
    path: &Path,
) -> Result<ExitStatus, CliError> {
    let spinner = Progress::spinner(context.console.bars(), &format!("writing {}", path.display()));
    let report = engine.query_to_file(query, format, path).await?;
    drop(spinner);
    let QueryReport { rows, seconds } = report;
    let object = serde_json::json!({ "output": path, "rows": rows, "seconds": seconds });
    context.console.report(&object, || {
        format!("{} written to {} in {}\n", counted(rows, "row"), path.display(), duration(seconds))
    })?;
    Ok(ExitStatus::Success)
}

async fn to_output(
    context: &Context,
    engine: &Engine,
    query: &str,
    format: Format,
) -> Result<ExitStatus, CliError> {
    // A spinner would stand in the middle of the rows that are written already.
    let spinner = (format == Format::Table).then(|| Progress::spinner(context.console.bars(), "running"));
    let mut output = Output::new();
    let state = output.state();
    let written = engine.query_to(query, format, &mut output).await;
    drop(spinner);
    if state.is_broken() {
        return Ok(ExitStatus::Success);
    }
    let QueryReport { rows, seconds } = written?;
    if format == Format::Table {
        context.console.note(&format!("{} in {}", counted(rows, "row"), duration(seconds)));
    }
    Ok(ExitStatus::Success)
}
