//! Global views of an explanation file: read block by block into what fits into memory whatever the number of rows.

mod cohorts;
mod importance;
mod order;
mod pairs;
mod partners;
mod sample;

pub use cohorts::{COHORTS_MAX, Cohorts, Rest};
pub(crate) use cohorts::{short, texts};
pub use importance::{Importance, importance};
pub use order::likeness;
pub use pairs::{Pair, pairs, pairs_of};
pub use partners::{Partner, partners};
pub use sample::sample;

use arrow::array::{Float64Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};

use crate::explanation::{Explanation, ExplanationError, numbers};
use crate::row::RowError;

/// Names that are shown when one is not found.
const SHOWN_MAX: usize = 20;

/// A view cannot be had of an explanation.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The file.
    #[error(transparent)]
    Explanation(#[from] ExplanationError),
    /// The row to show.
    #[error(transparent)]
    Row(#[from] RowError),
    /// Something that the explanation does not have.
    #[error("the explanation has no {what} `{name}`")]
    Unknown {
        /// What it would be: a feature, a column, a class.
        what: &'static str,
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The view needs to be told something.
    #[error("{0}")]
    Request(String),
    /// Arrow refused.
    #[error("rows of the explanation could not be put together")]
    Arrow(#[from] ArrowError),
}

impl Coded for ViewError {
    fn code(&self) -> Code {
        match self {
            Self::Explanation(error) => error.code(),
            Self::Row(error) => error.code(),
            Self::Unknown { .. } | Self::Request(_) => code::EXPLANATION_CHART,
            Self::Arrow(_) => code::INTERNAL,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Explanation(error) => error.hint(),
            Self::Row(error) => error.hint(),
            Self::Unknown { known, .. } => {
                let more = if known.len() > SHOWN_MAX { ", …" } else { "" };
                Some(format!("it has: {}{more}", known[..known.len().min(SHOWN_MAX)].join(", ")))
            }
            Self::Request(_) | Self::Arrow(_) => None,
        }
    }
}

/// The place of a feature by its name.
pub(crate) fn feature_place(explanation: &Explanation, name: &str) -> Result<usize, ViewError> {
    let features = &explanation.metadata().features;
    let found = features.iter().position(|feature| feature == name);
    found.ok_or_else(|| ViewError::Unknown {
        what: "feature",
        name: name.to_owned(),
        known: features.clone(),
    })
}

/// The column that a name means: a feature's own values, or a column of the file.
pub(crate) fn input_column<'a>(explanation: &'a Explanation, name: &str) -> Result<&'a str, ViewError> {
    let metadata = explanation.metadata();
    let of_feature = metadata.features.iter().position(|feature| feature == name);
    let of_feature = of_feature.map(|at| &metadata.columns.inputs[at]);
    let column =
        || explanation.schema().fields().iter().map(|field| field.name()).find(|field| *field == name);
    let known = || metadata.columns.keys.iter().chain(&metadata.features).cloned().collect();
    let found = of_feature.or_else(column).map(String::as_str);
    found.ok_or_else(|| ViewError::Unknown { what: "column", name: name.to_owned(), known: known() })
}

/// Whether a column's values have names and no order.
pub(crate) fn is_text(batch: &RecordBatch, column: &str) -> bool {
    let array = batch.column_by_name(column);
    array.is_some_and(|array| !is_ordered(array.data_type()) && *array.data_type() != DataType::Boolean)
}

/// Whether values between two others make sense.
fn is_ordered(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_temporal()
}

/// A column that is numbers in every explanation.
pub(crate) fn floats(batch: &RecordBatch, column: &str) -> Result<Float64Array, ViewError> {
    let missing = || ArrowError::SchemaError(format!("the column `{column}` is not one of numbers"));
    Ok(numbers(batch, column).ok_or_else(missing)?)
}
