//! Why a staging branch was not made. No message carries a value of a table.

use std::fmt;

use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};
use hanok_mask::MaskError;
use hanok_types::TableName;

/// A staging branch was not made.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The plan cannot be carried out.
    #[error("the plan cannot be carried out:{}", list(.0))]
    Refused(Vec<Problem>),
    /// Something that is kept in memory has grown too large.
    #[error("{what} of {table} would take more than {} MiB of memory", limit / (1024 * 1024))]
    Memory {
        /// What it is, e.g. "the keys of the sample".
        what: &'static str,
        /// The table at which it happened.
        table: TableName,
        /// The limit in bytes.
        limit: usize,
    },
    /// The keys of a sample cannot be read.
    #[error("the sample of {table}: {reason}")]
    Sample {
        /// The table.
        table: TableName,
        /// Why.
        reason: String,
    },
    /// A column could not be masked.
    #[error("{table}.{column}")]
    Mask {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Why.
        source: MaskError,
    },
    /// A table could not be modelled.
    #[error("a synthetic {table}")]
    Synthetic {
        /// The table.
        table: TableName,
        /// Why.
        source: MaskError,
    },
    /// Rows could not be put together.
    #[error("the rows of {table}")]
    Rows {
        /// The table.
        table: TableName,
        /// Why.
        source: ArrowError,
    },
    /// The manifest of a branch is not understood.
    #[error("the manifest of the branch is not understood")]
    Manifest(#[source] serde_json::Error),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] hanok_lake::LakeError),
    /// A query.
    #[error(transparent)]
    Query(#[from] hanok_query::QueryError),
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] hanok_catalog::CatalogError),
}

/// Something that a plan would have to say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The table.
    pub table: TableName,
    /// The column, when it is about one.
    pub column: Option<String>,
    /// What is wrong, a fragment.
    pub message: String,
    /// Whether it is a personal column without a treatment.
    pub is_personal: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}.{column} {}", self.table, self.message),
            None => write!(f, "{} {}", self.table, self.message),
        }
    }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

impl Coded for StagingError {
    fn code(&self) -> Code {
        match self {
            Self::Refused(problems) if problems.iter().all(|problem| problem.is_personal) => {
                code::STAGING_PERSONAL
            }
            Self::Refused(_) => code::STAGING_PLAN,
            Self::Memory { .. } => code::STAGING_MEMORY,
            Self::Sample { .. } => code::STAGING_SAMPLE,
            Self::Mask { source, .. } | Self::Synthetic { source, .. } => source.code(),
            Self::Rows { .. } => code::MASK_CONVERT,
            Self::Manifest(_) => code::STAGING_UNKNOWN,
            Self::Lake(error) => error.code(),
            Self::Query(error) => error.code(),
            Self::Catalog(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Mask { source, .. } | Self::Synthetic { source, .. } => source.hint(),
            Self::Lake(error) => error.hint(),
            Self::Query(error) => error.hint(),
            Self::Catalog(error) => error.hint(),
            _ => None,
        }
    }
}

pub(crate) type Result<T, E = StagingError> = std::result::Result<T, E>;
