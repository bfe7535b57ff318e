//! What predictive models say: the distribution of their predictions, calibration, performance with labels and without, and two models on
//! the same rows. Predictions, labels and attributions come in as slices of numbers; a row whose prediction is NaN or infinite, or whose
//! label is NaN, is left out of what needs it, and counted.
//!
//! Every result is `Serialize`; numbers that JSON does not have become `null`.

mod calibration;
mod error;
mod estimates;
mod isotonic;
mod measured;
mod numbers;
mod one_class;
mod performance;
mod rows;
mod scores;
mod several;
pub mod swap;

pub use calibration::{Calibration, CalibrationBin, calibration};
pub use error::OutputsError;
pub use estimates::{Estimated, EstimatedChunk, EstimatedMetric, Side, cbpe, chunks};
pub use performance::{
    ClassScores, Confusion, Cut, Difference, Estimate, Method, Metric, Performance, differences, performance,
};
pub use scores::{Histogram, Scores, Shift, scores, shift};
pub use swap::{Swap, swap};

use serde::Serialize;

/// Predictions of one model, a row each, in an order that all inputs share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Predictions<'a> {
    /// Numbers, of a regression.
    Numbers(&'a [f64]),
    /// Probabilities of the positive class, 0 to 1.
    Probabilities(&'a [f64]),
    /// Probabilities of several classes, row after row: `values[row * names.len() + class]`. The predicted class is the most probable
    /// one, the first of several.
    Classes {
        /// What the classes are called; from 2 to 1,000.
        names: &'a [String],
        /// The probabilities.
        values: &'a [f64],
    },
}

/// What kind of predictions they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Numbers.
    Regression,
    /// The probability of one class.
    Binary,
    /// Probabilities of several classes.
    Multiclass,
}

/// Both ends of a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How performance is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Options {
    /// The level of confidence intervals, between 0 and 1.
    pub level: f64,
    /// From which probability on a binary model says yes, 0 to 1.
    pub threshold: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options { level: 0.95, threshold: 0.5 }
    }
}

impl Options {
    fn checked(&self) -> Result<(), OutputsError> {
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(OutputsError::Option {
                name: "level",
                value: self.level,
                allowed: "between 0 and 1",
            });
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(OutputsError::Option {
                name: "threshold",
                value: self.threshold,
                allowed: "from 0 to 1",
            });
        }
        Ok(())
    }
}
