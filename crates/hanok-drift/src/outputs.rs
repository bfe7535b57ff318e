//! What predictive models say: the distribution of their predictions, calibration, performance with labels and without, and two models on
//! the same rows. Predictions, labels and attributions come in as slices of numbers; a row whose prediction is NaN or infinite, or whose
//! label is NaN, is left out of what needs it, and counted.
//!
//! Every result is `Serialize`; numbers that JSON does not have become `null`.

mod calibration;
mod estimates;
mod performance;
mod scores;
mod swap;

pub use calibration::{Calibration, CalibrationBin};
pub use estimates::{Estimated, EstimatedChunk, EstimatedMetric};
pub use performance::{ClassScores, Confusion, Cut, Difference, Estimate, Method, Metric, Performance};
pub use scores::{Histogram, Scores, Shift};
pub use swap::{
    Attribution, Deltas, FeatureShift, Flips, Gate, Mover, SegmentShift, Segmented, Swap, Verdict,
};

use serde::Serialize;

/// Predictions of one model, a row each, in an order that all inputs share.
#[derive(Clone, Copy, Debug)]
pub enum Predictions<'a> {
    /// Numbers, of a regression.
    Numbers(&'a [f64]),
    /// Probabilities of the positive class, 0 to 1.
    Probabilities(&'a [f64]),
    /// Probabilities of several classes, row after row: `values[row * names.len() + class]`. The predicted class is the most probable
    /// one, the first of several.
    Classes {
        /// What the classes are called; at least two.
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
