//! One result of a check: where, what, and how to mend it.

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// `tidy` ends with status 1.
    Failure,
    /// Worth a look; does not fail.
    Note,
}

/// One result of a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// Relative to the repository.
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) remedy: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let note = if self.level == Level::Note { "note: " } else { "" };
        write!(f, "{}:{}: {note}{}; {}", self.path, self.line, self.what, self.remedy)
    }
}

/// Where the checks put what they find.
#[derive(Default, Debug)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl Findings {
    pub(crate) fn fail(
        &mut self,
        path: &str,
        line: usize,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Level::Failure, path, line, what.into(), remedy.into());
    }

    pub(crate) fn note(
        &mut self,
        path: &str,
        line: usize,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Level::Note, path, line, what.into(), remedy.into());
    }

    fn push(&mut self, level: Level, path: &str, line: usize, what: String, remedy: String) {
        self.0.push(Finding { level, path: path.to_owned(), line, what, remedy });
    }
}
