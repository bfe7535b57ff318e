//! Logs on standard error: nothing but warnings unless asked for.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;

/// How much to log, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logging {
    /// `-v` so many times.
    pub(crate) verbose: u8,
    /// `-q`.
    pub(crate) quiet: bool,
    /// A server tells what it does without being asked.
    pub(crate) server: bool,
    /// One JSON object a line.
    pub(crate) json: bool,
}

impl Logging {
    fn filter(self) -> &'static str {
        match (self.quiet, self.verbose, self.server) {
            (true, ..) => "off",
            (_, 0, false) => "off,hanok=warn",
            (_, 0, true) | (_, 1, _) => "error,hanok=info",
            (_, 2, _) => "info,hanok=debug",
            _ => "debug,hanok=trace",
        }
    }

    /// Begins to log. Progress bars step aside for each line.
    pub(crate) fn start(self, bars: MultiProgress) {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(self.filter()))
            .with_writer(move || BesideBars(bars.clone()));
        // The only subscriber of the process; a second start, in tests, keeps the first.
        let _ = if self.json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    }
}

/// Standard error, with the bars out of the way.
struct BesideBars(MultiProgress);

impl Write for BesideBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
