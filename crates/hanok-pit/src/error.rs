//! What can go wrong in a join.

use arrow::datatypes::DataType;
use hanok_error::{Code, Coded, code};

/// A point-in-time join failed.
#[derive(Debug, thiserror::Error)]
pub enum PitError {
    /// A named column is not there.
    #[error("{place} has no column `{column}`")]
    MissingColumn {
        /// The column asked for.
        column: String,
        /// Where it was looked for: the entity rows, a file, a query.
        place: String,
        /// The columns that are there.
        known: Vec<String>,
    },
    /// A column's type cannot play its role.
    #[error("column `{column}` of {place} is {data_type}, which cannot be {role}")]
    UnsupportedType {
        /// The column.
        column: String,
        /// Where it is.
        place: String,
        /// Its type.
        data_type: Box<DataType>,
        /// What it should have been, e.g. "a timestamp".
        role: &'static str,
    },
    /// The two sides of a join key can never be equal.
    #[error("join key `{entity}` ({entity_type}) cannot be compared with `{feature}` ({feature_type})")]
    KeyTypes {
        /// Column of the entity rows.
        entity: String,
        /// Its type.
        entity_type: Box<DataType>,
        /// Column of the feature source.
        feature: String,
        /// Its type.
        feature_type: Box<DataType>,
    },
    /// Two output columns would have one name.
    #[error("the output has two columns named `{0}`")]
    DuplicateColumn(String),
    /// A timestamp does not fit microseconds.
    #[error("a timestamp in column `{column}` of {place} is out of range")]
    TimestampRange {
        /// The column.
        column: String,
        /// Where it is.
        place: String,
    },
    /// An option makes no sense.
    #[error("{0}")]
    InvalidOption(&'static str),
    /// More than the join takes at once.
    #[error("{count} {what} are more than the {max} that one join takes")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many there may be.
        max: u64,
    },
    /// A Parquet file is damaged or uses what the reader does not know.
    #[error("{path} cannot be read as Parquet: {source}")]
    Parquet {
        /// The file.
        path: String,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// The storage failed.
    #[error("{path} cannot be read: {source}")]
    Storage {
        /// The file.
        path: String,
        /// Why.
        source: Box<object_store::Error>,
    },
    /// A local file could not be read.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The stream of a feature source or of the entity rows failed.
    #[error("{place} failed: {source}")]
    Source {
        /// Which source.
        place: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Values could not be converted or copied.
    #[error("column `{column}` cannot be converted: {source}")]
    Convert {
        /// The column.
        column: String,
        /// Why.
        source: arrow::error::ArrowError,
    },
}

impl Coded for PitError {
    fn code(&self) -> Code {
        match self {
            Self::MissingColumn { .. } => code::PIT_COLUMN,
            Self::UnsupportedType { .. } | Self::Convert { .. } => code::PIT_TYPE,
            Self::KeyTypes { .. } => code::PIT_KEY_TYPES,
            Self::DuplicateColumn(_) => code::PIT_NAME,
            Self::TimestampRange { .. } => code::PIT_TIME,
            Self::InvalidOption(_) => code::PIT_OPTION,
            Self::Limit { .. } => code::PIT_LIMIT,
            Self::Parquet { .. } | Self::Storage { .. } | Self::Io { .. } | Self::Source { .. } => {
                code::PIT_READ
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::MissingColumn { known, .. } if !known.is_empty() => {
                Some(format!("the columns there are: {}", known.join(", ")))
            }
            _ => None,
        }
    }
}

pub(crate) type Result<T, E = PitError> = std::result::Result<T, E>;

/// A [`PitError::Convert`] for `column`.
pub(crate) fn convert(column: &str) -> impl FnOnce(arrow::error::ArrowError) -> PitError + '_ {
    move |source| PitError::Convert { column: column.to_owned(), source }
}
