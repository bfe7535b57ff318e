//! Whether predicted probabilities come true as often as they say.

use serde::Serialize;

use super::Interval;

/// Rows of about the same predicted probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Mean of the predicted probabilities.
    pub predicted: f64,
    /// Share of the rows for which it came true.
    pub observed: f64,
    /// Wilson's interval around `observed`.
    pub interval: Interval,
    /// Rows.
    pub count: u64,
}

/// The calibration of one class's probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The class; `None` of a binary model.
    pub class: Option<String>,
    /// Rows with a label and a finite prediction.
    pub rows: u64,
    /// Expected calibration error over bins of equal width: Σ share of rows · |predicted − observed| (Naeini and others 2015). This is
    /// the one that gates look at.
    pub ece: f64,
    /// The same over bins of equally many rows; rows of one probability stay together.
    pub ece_equal_mass: f64,
    /// The largest |predicted − observed| of a bin of equal width.
    pub mce: f64,
    /// Mean squared error of the probabilities (Brier 1950).
    pub brier: f64,
    /// Mean predicted probability less the share that came true: above 0, too much is predicted.
    pub bias: f64,
    /// The p-value of Spiegelhalter's test (1986) that the probabilities are true; `None` when all are 0 or 1.
    pub spiegelhalter_p: Option<f64>,
    /// The bins of equal width that have rows, ascending.
    pub bins: Vec<CalibrationBin>,
    /// The bins of equally many rows.
    pub bins_equal_mass: Vec<CalibrationBin>,
}
