//! The one place where an error becomes text for people or for machines.

use std::fmt::Write as _;

use crate::Coded;

/// A rendered error: code, what, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// `HKnnnn`.
    pub code: String,
    /// What went wrong, with its causes joined by `: `.
    pub message: String,
    /// Where: a file and line, a table, a request field.
    pub place: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Report {
    /// Renders `error` and its chain of causes.
    pub fn new(error: &dyn Coded) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                let _ = write!(message, ": {text}");
            }
            source = cause.source();
        }
        let code = error.code();
        let hint = error.hint().or_else(|| code.info().map(|info| info.remedy.to_owned()));
        Self { code: code.to_string(), message, place: error.place(), hint }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            write!(f, "\n  where: {place}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}
