//! Why a load failed.

use hanok_catalog::CatalogError;
use hanok_error::{Code, Coded, code};
use hanok_lake::LakeError;
use hanok_types::NameError;

use crate::error::ReadError;

/// A source could not be loaded. No row of the load is in the table.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The catalog refused.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The source's name makes no table name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Another process loads the table and does not finish.
    #[error("another process is loading `{table}` and did not finish within {waited_s} s")]
    Busy {
        /// The table.
        table: String,
        /// How long this load waited.
        waited_s: u64,
    },
    /// The lock file cannot be made.
    #[error("the lock file {path} cannot be used: {source}")]
    Lock {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Arrow refused to add the load id.
    #[error("a batch for `{table}` cannot be put together: {source}")]
    Batch {
        /// The table.
        table: String,
        /// Why.
        source: arrow::error::ArrowError,
    },
}

impl Coded for LoadError {
    fn code(&self) -> Code {
        match self {
            Self::Read(error) => error.code(),
            Self::Lake(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Name(error) => error.code(),
            Self::Busy { .. } => code::LOAD_BUSY,
            Self::Lock { .. } => code::FILE_IO,
            Self::Batch { .. } => code::LOAD_STOPPED,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Lake(error) => error.hint(),
            Self::Catalog(error) => error.hint(),
            _ => None,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Read(error) => error.place(),
            Self::Lake(error) => error.place(),
            Self::Catalog(error) => error.place(),
            _ => None,
        }
    }
}
