//! `hanok sql`.

use std::io::{self, BufWriter, IsTerminal as _, Read as _, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hanok_engine::{Engine, Format, QueryReport};
use hanok_error::Report;

use crate::args::{FormatArg, SqlArgs};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{counted, duration};
use crate::status::ExitStatus;

/// Queries from standard input above this size are refused.
const QUERY_BYTES_MAX: u64 = 4 << 20;
const BUFFER_BYTES: usize = 1 << 16;

/// Runs a query and writes its result to standard output or a file.
pub(crate) async fn sql(context: &Context, args: SqlArgs) -> Result<ExitStatus, CliError> {
    let format = format(context, &args)?;
    let query = if args.query == "-" { read_query()? } else { args.query };
    let engine = context.engine().await?;
    match &args.output {
        Some(path) => to_file(context, &engine, &query, format, path).await,
        None if context.console.json => to_object(context, &engine, &query).await,
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

/// One object: `{"data": [rows], "rows": how many, "seconds": …}`.
async fn to_object(context: &Context, engine: &Engine, query: &str) -> Result<ExitStatus, CliError> {
    let mut output = Output::new();
    let state = output.state();
    let mut array = JsonArray { output: &mut output, begun: false, pending: false };
    let written = engine.query_to(query, Format::Json, &mut array).await;
    if state.is_broken() {
        return Ok(ExitStatus::Success);
    }
    let begun = array.begun;
    match written {
        Ok(QueryReport { rows, seconds }) => {
            let head = if begun { "" } else { "{\"data\":[" };
            let tail = format!("{head}\n],\"rows\":{rows},\"seconds\":{seconds}}}\n");
            output.write_all(tail.as_bytes()).and_then(|()| output.flush()).map_err(CliError::output)?;
            Ok(ExitStatus::Success)
        }
        Err(error) if begun => {
            let error = CliError::from(error);
            // The object has begun, so that standard output cannot hold the error's.
            let _ = output.flush();
            context.console.error_beside_data(&Report::new(&error));
            Ok(error.status())
        }
        Err(error) => Err(error.into()),
    }
}

/// What became of standard output, for whoever gave it away.
#[derive(Clone, Default)]
struct OutputState {
    broken: Arc<AtomicBool>,
}

impl OutputState {
    /// Whether its reader has gone, as `head` does.
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

/// Standard output that remembers whether its reader has gone, which the engine's errors do not tell.
struct Output {
    inner: BufWriter<io::Stdout>,
    state: OutputState,
}

impl Output {
    fn new() -> Self {
        Self { inner: BufWriter::with_capacity(BUFFER_BYTES, io::stdout()), state: OutputState::default() }
    }

    fn state(&self) -> OutputState {
        self.state.clone()
    }

    fn seen<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.state.broken.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.seen(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.seen(result)
    }
}

/// Makes the elements of an array out of JSON lines: a newline between two objects becomes a comma and a newline.
/// Within objects there are none, because JSON escapes them.
struct JsonArray<'a, W> {
    output: &'a mut W,
    begun: bool,
    pending: bool,
}

impl<W: Write> Write for JsonArray<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let body = line.strip_suffix(b"\n").unwrap_or(line);
            if !body.is_empty() {
                let separator: &[u8] = match (self.begun, self.pending) {
                    (false, _) => b"{\"data\":[\n",
                    (true, true) => b",\n",
                    (true, false) => b"",
                };
                self.output.write_all(separator)?;
                self.output.write_all(body)?;
                (self.begun, self.pending) = (true, false);
            }
            self.pending |= body.len() < line.len();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines_become_elements_however_they_are_cut() {
        let lines = b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
        for size in 1..lines.len() {
            let mut output = Vec::new();
            let mut array = JsonArray { output: &mut output, begun: false, pending: false };
            lines.chunks(size).for_each(|chunk| array.write_all(chunk).unwrap());
            let text = String::from_utf8(output).unwrap();
            assert_eq!(text, "{\"data\":[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}", "in pieces of {size}");
        }
    }
}
