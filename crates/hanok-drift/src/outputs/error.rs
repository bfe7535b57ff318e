//! What can be wrong with outputs of models.

use hanok_error::{Code, Coded, code};

/// Outputs of models could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum OutputsError {
    /// A list is not of the rows of the predictions.
    #[error("{what} have {found} values; the predictions need {expected}")]
    Lengths {
        /// Which list.
        what: &'static str,
        /// Its values.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A list names a row or a segment that there is not.
    #[error("{what} name the number {found}, but there are only {count}")]
    Place {
        /// Which list.
        what: &'static str,
        /// The number.
        found: usize,
        /// How many there are.
        count: usize,
    },
    /// More rows or classes than can be counted.
    #[error("there are {found} {what}; at most {limit} are allowed")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Fewer than two classes.
    #[error("probabilities of {found} classes; at least 2 are needed")]
    Classes {
        /// How many there are.
        found: usize,
    },
    /// Confidence-based estimation of what has no confidence.
    #[error("performance without labels is estimated from probabilities; these predictions are numbers")]
    NoProbabilities,
    /// Not a probability.
    #[error("row {row} has the probability {value}; it must be from 0 to 1")]
    Probability {
        /// The row.
        row: usize,
        /// Its value.
        value: f64,
    },
    /// A label that the predictions cannot have.
    #[error("row {row} has the label {value}; it must be {allowed}")]
    Label {
        /// The row.
        row: usize,
        /// Its label.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// The sides say different things.
    #[error("one side predicts {0} and the other {1}")]
    Tasks(&'static str, &'static str),
    /// The sides have other classes.
    #[error("the classes of both sides differ: {0} and {1}")]
    OtherClasses(String, String),
    /// Nothing to learn from.
    #[error("the reference has {found} rows with a label and a prediction; at least {needed} are needed")]
    Few {
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
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
}

impl Coded for OutputsError {
    fn code(&self) -> Code {
        match self {
            OutputsError::Lengths { .. } | OutputsError::Place { .. } => code::OUTPUT_ROWS,
            OutputsError::TooMany { .. } => code::DRIFT_LIMIT,
            OutputsError::Classes { .. }
            | OutputsError::NoProbabilities
            | OutputsError::Probability { .. } => code::OUTPUT_PROBABILITY,
            OutputsError::Label { .. } => code::OUTPUT_LABEL,
            OutputsError::Tasks(..) | OutputsError::OtherClasses(..) => code::OUTPUT_TASKS,
            OutputsError::Few { .. } => code::OUTPUT_FEW,
            OutputsError::Option { .. } => code::DRIFT_OPTION,
        }
    }
}
