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
            Self::Record { .. } => code::RECORD_INVALID,
        }
    }
}
