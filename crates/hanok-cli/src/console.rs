//! Standard output and standard error: who reads what, in colour or not.

use std::io::{self, IsTerminal as _, Write as _};

use hanok_error::Report;
use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::error::CliError;

/// Colours that have a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
    /// Wants a look.
    Warn,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
    /// More of something: red, as charts of explanations have it.
    Up,
    /// Less of something: blue.
    Down,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Warn => "33",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Up => "31",
            Self::Down => "34",
        }
    }
}

/// Where a command's words go.
pub(crate) struct Console {
    /// One JSON object on standard output, nothing else.
    pub(crate) json: bool,
    quiet: bool,
    colour_output: bool,
    colour_error: bool,
    bars: MultiProgress,
}

impl Console {
    /// The console of this process.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let terminal = io::stderr().is_terminal();
        let target = if terminal && !json && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            json,
            quiet,
            colour_output: colour && io::stdout().is_terminal(),
            colour_error: colour && terminal,
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// The progress bars of this process; hidden unless somebody watches.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// `text` in the colour of standard output.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        painted(self.colour_output, tone, text)
    }

    /// A report: the JSON object, or `text` for people.
    pub(crate) fn report<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json { self.object(value) } else { self.say(&text()) }
    }

    /// The JSON object: on one line, and on a terminal on many.
    pub(crate) fn object<T: Serialize>(&self, value: &T) -> Result<(), CliError> {
        let made = if io::stdout().is_terminal() {
            serde_json::to_vec_pretty(value)
        } else {
            serde_json::to_vec(value)
        };
        let mut line = made.map_err(|error| CliError::output(error.into()))?;
        line.push(b'\n');
        self.data(&line)
    }

    /// Bytes that were asked for, whatever the flags.
    pub(crate) fn data(&self, bytes: &[u8]) -> Result<(), CliError> {
        self.bars
            .suspend(|| {
                let mut output = io::stdout().lock();
                output.write_all(bytes)?;
                output.flush()
            })
            .map_err(CliError::output)
    }

    /// A summary on standard output; `text` ends its own lines.
    pub(crate) fn say(&self, text: &str) -> Result<(), CliError> {
        if self.json || self.quiet { Ok(()) } else { self.data(text.as_bytes()) }
    }

    /// A remark on standard error, where standard output is data.
    pub(crate) fn note(&self, text: &str) {
        if !self.json && !self.quiet {
            self.complain(&painted(self.colour_error, Tone::Faint, text));
        }
    }

    /// An error: an object on standard output for machines, text on standard error for people.
    pub(crate) fn error(&self, report: &Report) {
        if self.json {
            // When standard output is gone too, the exit code has to tell.
            let _ = self.object(&error_object(report));
            return;
        }
        self.complain(&self.painted_report(report));
    }

    /// An error on standard error, even with `--json`: standard output is in the middle of its data.
    pub(crate) fn error_beside_data(&self, report: &Report) {
        self.complain(&self.painted_report(report));
    }

    fn painted_report(&self, report: &Report) -> String {
        let text = report.to_string();
        match text.split_once(": ").filter(|_| self.colour_error) {
            Some((head, rest)) => format!("{}: {rest}", painted(true, Tone::Bad, head)),
            None => text,
        }
    }

    fn complain(&self, line: &str) {
        // Nobody is left to tell when standard error is closed.
        let _ = self.bars.suspend(|| writeln!(io::stderr().lock(), "{line}"));
    }
}

fn error_object(report: &Report) -> serde_json::Value {
    let Report { code, message, place, hint } = report;
    serde_json::json!({"error": {"code": code, "message": message, "place": place, "hint": hint}})
}

/// How a fault of the online store is reported from where nothing can be composed any more, with `--json`.
pub(crate) fn fault_object(report: &Report) -> (i32, Vec<u8>) {
    (1, format!("{}\n", error_object(report)).into_bytes())
}

/// The same for people.
pub(crate) fn fault_text(report: &Report) -> (i32, Vec<u8>) {
    (2, format!("{report}\n").into_bytes())
}

fn painted(colour: bool, tone: Tone, text: &str) -> String {
    if colour { format!("\x1b[{}m{text}\x1b[0m", tone.code()) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_added_only_where_it_is_shown() {
        assert_eq!(painted(false, Tone::Bad, "x"), "x");
        assert_eq!(painted(true, Tone::Bad, "x"), "\x1b[1;31mx\x1b[0m");
    }
}
