//! What can go wrong with a comparison.

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};

/// Two tables or columns could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// No column is in both tables.
    #[error("the reference and the current table have no column in common")]
    NothingInCommon,
    /// A name occurs twice in one table.
    #[error("two columns are named `{0}`")]
    Ambiguous(String),
    /// A type without statistics.
    #[error("the column `{column}` of type {data_type} cannot be compared")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        data_type: Box<DataType>,
    },
    /// More rows than the exact statistics count.
    #[error("the column `{column}` has {rows} rows; at most {limit} are allowed")]
    Rows {
        /// The column.
        column: String,
        /// Rows of the larger side.
        rows: usize,
        /// How many there may be.
        limit: usize,
    },
    /// An option is out of range.
    #[error("the option `{name}` is {value}; it must be {allowed}")]
    Option {
        /// The option.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// Arrow could not convert a column.
    #[error("a column could not be converted: {0}")]
    Arrow(#[from] ArrowError),
}

impl Coded for CompareError {
    fn code(&self) -> Code {
        match self {
            CompareError::NothingInCommon | CompareError::Ambiguous(_) => code::DRIFT_COLUMNS,
            CompareError::Type { .. } | CompareError::Arrow(_) => code::DRIFT_TYPE,
            CompareError::Rows { .. } => code::DRIFT_LIMIT,
            CompareError::Option { .. } => code::DRIFT_OPTION,
        }
    }
}
