//! Standard output as a stream of bytes: rows of a query, or one JSON object of them.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hanok_engine::{EngineError, QueryReport};
use hanok_error::Report;

use crate::context::Context;
use crate::error::CliError;
use crate::status::ExitStatus;

const BUFFER_BYTES: usize = 1 << 16;

/// One object: `{"data": [rows], "rows": how many, "seconds": …}`, of the JSON lines that `write` writes.
pub(crate) async fn json_rows(
    context: &Context,
    write: impl AsyncFnOnce(&mut (dyn Write + Send)) -> Result<QueryReport, EngineError>,
) -> Result<ExitStatus, CliError> {
    let mut output = Output::new();
    let state = output.state();
    let mut array = JsonArray { output: &mut output, begun: false, pending: false };
    let written = write(&mut array).await;
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
pub(crate) struct OutputState {
    broken: Arc<AtomicBool>,
}

impl OutputState {
    /// Whether its reader has gone, as `head` does.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

/// Standard output that remembers whether its reader has gone, which the engine's errors do not tell.
pub(crate) struct Output {
    inner: BufWriter<io::Stdout>,
    state: OutputState,
}

impl Output {
    /// Standard output of this process.
    pub(crate) fn new() -> Self {
        Self { inner: BufWriter::with_capacity(BUFFER_BYTES, io::stdout()), state: OutputState::default() }
    }

    /// What became of it, for asking later.
    pub(crate) fn state(&self) -> OutputState {
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
