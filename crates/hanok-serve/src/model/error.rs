//! What can be wrong with a request to a model.

use hanok_error::{Code, Coded, code};
use hanok_infer::GraphError;
use hanok_types::ValueType;

/// Names that a hint lists.
const SHOWN_MAX: usize = 20;

/// A request to a model cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No such model, or no such version.
    #[error("there is no predictive model `{reference}`")]
    Unknown {
        /// What the address names.
        reference: String,
    },
    /// It is registered, but could not be loaded.
    #[error("the predictive model {model} could not be loaded: {reason}")]
    Broken {
        /// Name and version.
        model: String,
        /// Why.
        reason: String,
    },
    /// Not JSON of a documented form.
    #[error("the body cannot be read: {reason}")]
    Malformed {
        /// What is wrong, with line and column where there are.
        reason: String,
    },
    /// A feature of the model is nowhere in the request.
    #[error("the request has no column for the feature `{feature}`")]
    FeatureMissing {
        /// The feature.
        feature: String,
    },
    /// A column that the model knows nothing of.
    #[error("the column `{column}` is none of the model's features")]
    ColumnUnknown {
        /// The column.
        column: String,
        /// The model's features.
        known: Vec<String>,
    },
    /// A column twice.
    #[error("the column `{column}` occurs twice")]
    ColumnTwice {
        /// The column.
        column: String,
    },
    /// A row of another length, or an instance with other names.
    #[error("row {row} has {found} values where {expected} are expected")]
    Width {
        /// Position, from 0.
        row: usize,
        /// Its values.
        found: usize,
        /// Those of the columns, or of the model's features.
        expected: usize,
    },
    /// An instance has other names than the first one.
    #[error("instance {row} and the first one differ: only one of them has `{column}`")]
    Instance {
        /// Position, from 0.
        row: usize,
        /// The name.
        column: String,
    },
    /// A value that is no number.
    #[error("value {column} of row {row} is {found}, not a number")]
    Value {
        /// Position of the row, from 0.
        row: usize,
        /// Position in the row, from 0, or the name of the column.
        column: String,
        /// What it is.
        found: &'static str,
    },
    /// There are not as many entities as rows of values.
    #[error("there are {values} rows of values for {entities} entities")]
    Rows {
        /// Rows of values.
        values: usize,
        /// Entities.
        entities: usize,
    },
    /// Values without names for a model that has names, or the other way round.
    #[error("{reason}")]
    Names {
        /// Which.
        reason: &'static str,
    },
    /// No feature of the store has the name.
    #[error("no feature that is looked up is named like the model's feature `{feature}`")]
    NotLookedUp {
        /// The feature.
        feature: String,
    },
    /// Several features of the store have the name, or a column has it too.
    #[error("the model's feature `{feature}` could be any of {}", .candidates.join(", "))]
    Ambiguous {
        /// The feature.
        feature: String,
        /// What has its name.
        candidates: Vec<String>,
    },
    /// A feature of the store is no number.
    #[error("the feature `{feature}` is of type {value_type}, which is no number")]
    Type {
        /// The feature.
        feature: String,
        /// Its type.
        value_type: ValueType,
    },
    /// The model cannot be explained.
    #[error("{reason}")]
    Explain {
        /// Why.
        reason: String,
    },
    /// The graph cannot be computed for rows of the request.
    #[error("the model cannot be computed for these rows: {0}")]
    Graph(#[from] GraphError),
}

impl ModelError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown { .. } => 404,
            Self::Malformed { .. } => 400,
            Self::Broken { .. } => 503,
            _ => 422,
        }
    }
}

impl Coded for ModelError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } => code::SERVED_MODEL_UNKNOWN,
            Self::Broken { .. } => code::SERVED_MODEL_BROKEN,
            Self::Malformed { .. } => code::MODEL_REQUEST_MALFORMED,
            Self::NotLookedUp { .. } | Self::Ambiguous { .. } | Self::Type { .. } => {
                code::MODEL_REQUEST_FEATURES
            }
            Self::Explain { .. } => code::MODEL_REQUEST_EXPLAIN,
            Self::Graph(error) => error.code(),
            _ => code::MODEL_REQUEST_COLUMNS,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ColumnUnknown { known, .. } => {
                let more = if known.len() > SHOWN_MAX { ", …" } else { "" };
                Some(format!("it has: {}{more}", known[..known.len().min(SHOWN_MAX)].join(", ")))
            }
            Self::Explain { .. } => Some(
                "compare with rows that you choose: `hanok explain MODEL --data … --background …`".to_owned(),
            ),
            Self::NotLookedUp { .. } => {
                Some("name it in `features` as `view:feature`, or send it in `columns` and `rows`".to_owned())
            }
            _ => None,
        }
    }
}
