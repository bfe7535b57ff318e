//! What can go wrong in masking. No message carries an original value.

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};

/// A column could not be masked, or a table could not be modelled.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// The name of a treatment, a kind or the like is not known.
    #[error("`{given}` is not a {what}")]
    Unknown {
        /// What should have been named, e.g. "treatment".
        what: &'static str,
        /// What was written.
        given: String,
        /// The names there are.
        known: &'static [&'static str],
    },
    /// A parameter has a value it cannot have.
    #[error("parameter `{parameter}` of `{treatment}` is {problem}")]
    Parameter {
        /// The treatment.
        treatment: &'static str,
        /// Its parameter.
        parameter: String,
        /// Why the value is refused, e.g. "not a number".
        problem: &'static str,
    },
    /// A treatment cannot be applied to a type.
    #[error("`{treatment}` cannot be applied to {data_type}")]
    Type {
        /// The treatment.
        treatment: &'static str,
        /// The column's type.
        data_type: Box<DataType>,
    },
    /// A value does not fit a format. The value itself is personal and stays out of the message.
    #[error("the value of row {row} {problem}")]
    Format {
        /// Row within the column given.
        row: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A value is a resident registration number.
    #[error("the value of row {row} is a resident registration number, which `fpe` refuses")]
    Resident {
        /// Row within the column given.
        row: usize,
    },
    /// Two inputs have different numbers of rows.
    #[error("{what} has {found} rows where {expected} are needed")]
    Rows {
        /// Which input.
        what: &'static str,
        /// Its rows.
        found: usize,
        /// The rows of the others.
        expected: usize,
    },
    /// No such column in a synthetic model.
    #[error("the synthetic model has no column `{0}`")]
    UnknownColumn(String),
    /// The treatment works on tables.
    #[error("`synthetic` needs the whole table")]
    WholeTable,
    /// Arrow refused.
    #[error("masked values could not be stored: {0}")]
    Arrow(#[from] ArrowError),
}

impl Coded for MaskError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } | Self::Parameter { .. } => code::MASK_TREATMENT,
            Self::Type { .. } => code::MASK_TYPE,
            Self::Format { .. } => code::MASK_FORMAT,
            Self::Resident { .. } => code::MASK_RESIDENT,
            Self::Rows { .. } | Self::UnknownColumn(_) => code::MASK_SHAPE,
            Self::WholeTable => code::MASK_WHOLE_TABLE,
            Self::Arrow(_) => code::MASK_CONVERT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } => Some(format!("known are {}", known.join(", "))),
            _ => None,
        }
    }
}

pub(crate) type Result<T, E = MaskError> = std::result::Result<T, E>;

/// A [`MaskError::Type`].
pub(crate) fn unsupported(treatment: &'static str, data_type: &DataType) -> MaskError {
    MaskError::Type { treatment, data_type: Box::new(data_type.clone()) }
}
