//! What can go wrong in the catalog.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use hanok_error::{Code, Coded, code};
use hanok_types::TableName;

/// A failure of the catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The folder of the catalog cannot be made.
    #[error("cannot create the folder {}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("the catalog {} failed to {action}", .path.display())]
    Database {
        /// The catalog's file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// The disk has no room for what SQLite must write, even to read.
    #[error("the catalog {} failed to {action}: no room left on the disk", .path.display())]
    Full {
        /// The catalog's file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
    },
    /// The file or its file system is read-only.
    #[error("the catalog {} failed to {action}: it is read-only", .path.display())]
    ReadOnly {
        /// The catalog's file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
    },
    /// The file was written by a later version of Hanok.
    #[error("the catalog {} has schema version {found}, this binary knows {known}", .path.display())]
    Newer {
        /// The catalog's file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Highest version that this binary knows.
        known: i64,
    },
    /// No table or view has this name.
    #[error("there is no table `{table}` on branch `{branch}`")]
    UnknownTable {
        /// The name asked for.
        table: TableName,
        /// The branch asked on.
        branch: String,
    },
    /// No branch or tag has this name.
    #[error("there is no branch or tag `{branch}`")]
    UnknownBranch {
        /// The name asked for.
        branch: String,
        /// Names that are spelt nearly so; without any, some names that there are.
        near: Vec<String>,
    },
    /// The name is taken.
    #[error("there is a branch or tag `{branch}` already")]
    BranchExists {
        /// The name.
        branch: String,
    },
    /// The branch must not be dropped or reset.
    #[error("the branch `{branch}` must stay as it is: {reason}")]
    BranchInUse {
        /// Its name.
        branch: String,
        /// Why.
        reason: String,
    },
    /// Too many branches above each other.
    #[error("`{branch}` would stand above {most} other branches, and that is the most")]
    BranchDepth {
        /// The name of the branch to be made.
        branch: String,
        /// The limit.
        most: usize,
    },
    /// A row of the catalog does not have the shape that this version writes.
    #[error("the catalog's record of {what} is not understood: {reason}")]
    Record {
        /// Which record.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

// SQLite's result codes; the low byte is the primary one.
const READ_ONLY: u32 = 8;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
/// The index beside the write-ahead log could not grow.
const INDEX_SIZE: u32 = 0x130A;

impl CatalogError {
    pub(crate) fn database(path: &Path, action: &'static str, source: sqlx::Error) -> Self {
        let code = source.as_database_error().and_then(|error| error.code());
        let code: Option<u32> = code.and_then(|text| text.parse().ok());
        let path = path.to_owned();
        match code {
            Some(FULL | INDEX_SIZE) => Self::Full { path, action },
            Some(code) if code & 0xFF == READ_ONLY => Self::ReadOnly { path, action },
            Some(CANNOT_OPEN) if is_read_only(&path) => Self::ReadOnly { path, action },
            _ => Self::Database { path, action, source },
        }
    }
}

/// Names that somebody may have meant by `name`, the nearest first; without any, the first of all names.
pub(crate) fn near(name: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    const NAMES_MAX: usize = 5;
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    let mut all: Vec<(usize, String)> = names
        .map(|known| {
            let spelt: Vec<char> = known.to_lowercase().chars().collect();
            let distance = distance(&wanted, &spelt);
            let alike = known.contains(name) || distance * 2 <= wanted.len().max(spelt.len());
            (if alike { distance } else { usize::MAX }, known)
        })
        .collect();
    all.sort();
    if all.iter().any(|(distance, _)| *distance < usize::MAX) {
        all.retain(|(distance, _)| *distance < usize::MAX);
    }
    all.into_iter().take(NAMES_MAX).map(|(_, known)| known).collect()
}

/// How many characters must be put in, taken out or changed to make one of the other (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

/// Whether the file is there and cannot be written. Not for a file that this process has open in SQLite: closing it here
/// would let go of SQLite's locks.
pub(crate) fn is_read_only(path: &Path) -> bool {
    let refused = |error: io::Error| {
        matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
    };
    path.is_file() && File::options().write(true).open(path).is_err_and(refused)
}

impl Coded for CatalogError {
    fn code(&self) -> Code {
        match self {
            Self::Folder { .. } | Self::Database { .. } | Self::Full { .. } | Self::ReadOnly { .. } => {
                code::CATALOG_IO
            }
            Self::Newer { .. } => code::CATALOG_NEWER,
            Self::UnknownTable { .. } => code::TABLE_UNKNOWN,
            Self::UnknownBranch { .. } => code::BRANCH_UNKNOWN,
            Self::BranchExists { .. } => code::BRANCH_EXISTS,
            Self::BranchInUse { .. } => code::BRANCH_IN_USE,
            Self::BranchDepth { .. } => code::BRANCH_DEPTH,
            Self::Record { .. } => code::RECORD_INVALID,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownBranch { near, .. } if !near.is_empty() => {
                Some(format!("there are: {}", near.join(", ")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first_and_others_only_without_any() {
        let names = || ["main", "ci-12", "ci-13", "feature/x"].map(str::to_owned).into_iter();
        assert_eq!(near("ci-1", names()), ["ci-12", "ci-13"]);
        assert_eq!(near("mian", names()), ["main"]);
        assert_eq!(near("zzzzzzzz", names()).len(), 4);
    }
}
