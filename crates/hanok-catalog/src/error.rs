//! What can go wrong in the catalog.

use std::path::PathBuf;

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

impl Coded for CatalogError {
    fn code(&self) -> Code {
        match self {
            Self::Folder { .. } | Self::Database { .. } => code::CATALOG_IO,
            Self::Newer { .. } => code::CATALOG_NEWER,
            Self::UnknownTable { .. } => code::TABLE_UNKNOWN,
            Self::Record { .. } => code::RECORD_INVALID,
        }
    }
}
