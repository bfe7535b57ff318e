//! What can go wrong with a model.

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};

/// A model file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text or the bytes break off or are not of the format.
    #[error("{place}: {problem}")]
    Syntax {
        /// `line 3` in a text, `byte 17` in a binary file.
        place: String,
        /// What is wrong there.
        problem: &'static str,
    },
    /// A part is missing, of the wrong type, or contradicts another.
    #[error("{path}: {problem}")]
    Part {
        /// Path in the document, e.g. `$.learner.gradient_booster.model.trees[3].left_children`, or `line 12`.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Hanok would not reproduce the model exactly.
    #[error("{path}: {what} cannot be computed exactly")]
    Unsupported {
        /// Path in the document, or `line 12`.
        path: String,
        /// The part, e.g. "the booster `gblinear`".
        what: String,
    },
    /// Written by a later version than is known.
    #[error("{path}: version {found} is not read, only {known}")]
    Version {
        /// Path in the document, `line 12` or `byte 0`.
        path: String,
        /// The file's version.
        found: String,
        /// What is read.
        known: &'static str,
    },
    /// A test that several features decide together.
    #[error("{path}: the features {} are tested together, as one statistic of the target", features.join(", "))]
    Combination {
        /// Path in the document.
        path: String,
        /// The features' names, or their numbers.
        features: Vec<String>,
    },
    /// Larger than the limits in `ensemble.rs`.
    #[error("the model has {found} {what}; at most {limit} are allowed")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
}

impl Coded for ReadError {
    fn code(&self) -> Code {
        match self {
            ReadError::Syntax { .. } | ReadError::Part { .. } => code::ENSEMBLE_FORMAT,
            ReadError::Unsupported { .. } => code::ENSEMBLE_UNSUPPORTED,
            ReadError::Limit { .. } => code::ENSEMBLE_LIMIT,
            ReadError::Version { .. } => code::ENSEMBLE_VERSION,
            ReadError::Combination { .. } => code::ENSEMBLE_COMBINATION,
        }
    }
}

/// Data cannot be given to a model.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No column has the name of a feature.
    #[error("no column is named like the feature `{0}`")]
    Missing(String),
    /// Two columns have the name of a feature.
    #[error("two columns are named like the feature `{0}`")]
    Ambiguous(String),
    /// Two features of the model have one name.
    #[error("two features of the model are named `{0}`, so that columns cannot be matched by name")]
    Twice(String),
    /// The model has no feature names, and columns were to be matched by name.
    #[error("the model has no feature names")]
    Unnamed,
    /// By position, the numbers must agree.
    #[error("the data has {found} columns where the model has {expected} features")]
    Count {
        /// Columns of the data.
        found: usize,
        /// Features of the model.
        expected: usize,
    },
    /// A column is no number.
    #[error("the column `{column}` of type {data_type} cannot be a feature")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        data_type: Box<DataType>,
    },
    /// A column cannot be a category that is known by its text.
    #[error(
        "the column `{column}` of type {data_type} cannot be a category; categories of this model are integers or texts"
    )]
    Category {
        /// The column.
        column: String,
        /// Its type.
        data_type: Box<DataType>,
    },
    /// Arrow could not convert a column.
    #[error("a column could not be converted: {0}")]
    Arrow(#[from] ArrowError),
}

impl Coded for DataError {
    fn code(&self) -> Code {
        match self {
            DataError::Type { .. } | DataError::Category { .. } | DataError::Arrow(_) => code::ENSEMBLE_TYPE,
            _ => code::ENSEMBLE_FEATURES,
        }
    }
}

/// A model cannot be explained as asked.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Path-dependent values need covers.
    #[error("the model has no covers, which path-dependent values need; use the interventional method")]
    NoCover,
    /// A leaf is a linear function of features whose means over the leaf's training rows are not known.
    #[error(
        "the model's leaves are linear functions, and path-dependent values need the means of their features, which the file does not \
         have; use the interventional method"
    )]
    LinearLeaves,
    /// Too many distinct features on one path.
    #[error("a path tests {found} distinct features; at most {limit} are allowed")]
    PathFeatures {
        /// Distinct features of the longest path.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Interventional values need something to compare with.
    #[error("the background has no rows")]
    EmptyBackground,
    /// The background was made for another model.
    #[error("the table has {found} features where the model has {expected}")]
    Features {
        /// Features of the table.
        found: usize,
        /// Features of the model.
        expected: usize,
    },
    /// The output is not one that the model's link gives.
    #[error("the model's outputs cannot be explained as {0}")]
    Output(&'static str),
    /// The result would not fit.
    #[error("the result would have {values} values; explain fewer rows at a time")]
    Size {
        /// Rows × outputs × features (× features).
        values: usize,
    },
}

impl Coded for ExplainError {
    fn code(&self) -> Code {
        match self {
            ExplainError::NoCover | ExplainError::LinearLeaves => code::ENSEMBLE_BACKGROUND,
            _ => code::ENSEMBLE_EXPLAIN,
        }
    }
}
