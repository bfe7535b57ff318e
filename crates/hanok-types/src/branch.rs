//! Names of branches and tags.

use std::fmt;

use hanok_error::{Code, Coded, code};

/// What follows the name of a branch that is being rebased, in a character that names do not have.
const REBASING: &str = "#rebase";
/// Most characters a branch's name may have.
const BRANCH_CHARS_MAX: usize = 100;

/// A branch's name cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{name}` cannot be the name of a branch: {reason}")]
pub struct BranchNameError {
    /// The name as given, shortened when it is long.
    name: String,
    /// What is wrong with it.
    reason: String,
}

impl Coded for BranchNameError {
    fn code(&self) -> Code {
        code::BRANCH_NAME
    }
}

/// A checked name of a branch or tag: letters of any script, digits, `_`, `-`, `.` and `/`, so that names of CI jobs and
/// of Git branches work (`ci-123`, `feature/x`). Case matters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct BranchName(String);

impl BranchName {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`BranchNameError`] for nothing, more than 100 characters, other characters, a part (between slashes) that is
    /// empty or begins with a dot or a dash, a dot at the end, and `..`, which stands between two branches.
    pub fn new(text: impl Into<String>) -> Result<Self, BranchNameError> {
        let text = text.into();
        match fault(&text) {
            None => Ok(Self(text)),
            Some(reason) => {
                Err(BranchNameError { name: text.chars().take(BRANCH_CHARS_MAX).collect(), reason })
            }
        }
    }

    /// The name under which a branch is made that will take the place of this one. Nobody can give such a name.
    #[must_use]
    pub fn rebasing(&self) -> Self {
        Self(format!("{}{REBASING}", self.0))
    }

    /// Whether a text is such a name.
    pub fn is_rebasing(text: &str) -> bool {
        text.ends_with(REBASING)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it is empty".to_owned());
    }
    if text.chars().count() > BRANCH_CHARS_MAX {
        return Some(format!("it has more than {BRANCH_CHARS_MAX} characters"));
    }
    let bad = text.chars().find(|&c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')));
    if let Some(character) = bad {
        return Some(format!("it has the character `{character}`"));
    }
    if text.split('/').any(|part| part.is_empty() || part.starts_with(['.', '-'])) {
        return Some("a part of it is empty or begins with a dot or a dash".to_owned());
    }
    (text.ends_with('.') || text.contains(".."))
        .then(|| "it has two dots together, or one at its end".to_owned())
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for BranchName {
    type Err = BranchNameError;

    fn from_str(text: &str) -> Result<Self, BranchNameError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jobs_git_branches_and_any_script_pass() {
        for name in ["main", "ci-123", "feature/x", "v1.2", "급식_2026", "a/b-c/d.e"] {
            assert!(BranchName::new(name).is_ok(), "{name}");
        }
        let long = "x".repeat(101);
        for name in
            ["", ".x", "-x", "a/.b", "a//b", "/a", "a/", "a..b", "a.", "a b", "a@b", "a\\b", "../x", &long]
        {
            assert!(BranchName::new(name).is_err(), "{name}");
        }
    }
}
