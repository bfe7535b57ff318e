//! What can go wrong when a model is asked.

use hanok_error::{Code, Coded, code};

use super::HierarchyError;

/// Rows cannot be explained by a model's answers. `E` is the model's own error.
#[derive(Debug, thiserror::Error)]
pub enum AgnosticError<E> {
    /// The model failed.
    #[error("{0}")]
    Model(E),
    /// The number of answers is not a multiple of the rows, or another than before.
    #[error("the model gave {found} outputs for {rows} rows{}", expected.map_or(String::new(), |outputs| format!(" where it gave {outputs} a row before")))]
    Outputs {
        /// Numbers in the answer.
        found: usize,
        /// Rows that were given.
        rows: usize,
        /// Outputs of a row in earlier answers.
        expected: Option<usize>,
    },
    /// An output is infinite or no number.
    #[error("the model's output {output} is {value} for the row {row:?}")]
    NotFinite {
        /// Number of the output.
        output: usize,
        /// What it is.
        value: f64,
        /// The first features of the row.
        row: Vec<f64>,
    },
    /// Coefficients do not say what the model answers.
    #[error(
        "the model is not linear: its output {output} is {found} and by its coefficients {expected} for the row {row:?}"
    )]
    NotLinear {
        /// Number of the output.
        output: usize,
        /// The model's answer.
        found: f64,
        /// What it should be.
        expected: f64,
        /// The first features of the row.
        row: Vec<f64>,
    },
    /// There is nothing to compare with.
    #[error("the background has no rows")]
    EmptyBackground,
    /// Rows do not have as many numbers as there are features.
    #[error("{values} numbers are no rows of {features} features")]
    Width {
        /// Numbers given.
        values: usize,
        /// Features of a row.
        features: usize,
    },
    /// The tree of groups does not fit.
    #[error(transparent)]
    Hierarchy(#[from] HierarchyError),
    /// The method looks at too many coalitions.
    #[error(
        "a row differs from the background in {found} features; at most {limit} are allowed with this method"
    )]
    TooManyFeatures {
        /// Features in which a row differs from the background.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The method cannot do with so few coalitions.
    #[error("`max_evals` is {given}, and a row needs at least {least}")]
    MaxEvals {
        /// What the options say.
        given: usize,
        /// What the method needs.
        least: usize,
    },
    /// The work would be too much.
    #[error("the model would be given up to {planned} rows; at most {limit} are allowed (`rows_max`)")]
    TooManyRows {
        /// Upper bound of the rows.
        planned: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The result would not fit.
    #[error(
        "the result would have {found} values; at most {limit} are allowed: explain fewer rows at a time"
    )]
    TooManyValues {
        /// Rows × outputs × features.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl<E: Coded> Coded for AgnosticError<E> {
    fn code(&self) -> Code {
        match self {
            AgnosticError::Model(error) => error.code(),
            AgnosticError::Outputs { .. }
            | AgnosticError::NotFinite { .. }
            | AgnosticError::NotLinear { .. } => code::AGNOSTIC_ANSWER,
            AgnosticError::EmptyBackground | AgnosticError::Width { .. } | AgnosticError::Hierarchy(_) => {
                code::AGNOSTIC_INPUT
            }
            AgnosticError::TooManyFeatures { .. }
            | AgnosticError::MaxEvals { .. }
            | AgnosticError::TooManyRows { .. }
            | AgnosticError::TooManyValues { .. } => code::AGNOSTIC_LIMIT,
        }
    }

    fn hint(&self) -> Option<String> {
        if let AgnosticError::Model(error) = self { error.hint() } else { None }
    }
}
