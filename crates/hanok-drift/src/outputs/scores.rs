//! How predictions are distributed.

use serde::Serialize;

/// Counts between edges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Ascending edges, one more than there are counts; evenly spaced.
    pub edges: Vec<f64>,
    /// Rows from one edge to before the next; the last one includes its end.
    pub counts: Vec<u64>,
}

/// The predictions of one model over some rows. Of several classes it is the probability of the predicted class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Rows.
    pub rows: u64,
    /// Of these, NaN.
    pub missing: u64,
    /// Of these, infinite.
    pub infinite: u64,
    /// Different finite values.
    pub distinct: u64,
    /// Mean of the finite predictions; `None` without any.
    pub mean: Option<f64>,
    /// Their standard deviation, divided by their number.
    pub deviation: Option<f64>,
    /// The finite predictions' 0th to 100th percentile, 101 numbers of which the first and the last are the smallest and the largest
    /// (linear between order statistics, as numpy); empty without any.
    pub percentiles: Vec<f64>,
    /// The finite predictions in 40 bins. Of probabilities from 0 to 1, else from the smallest to the largest of all models compared.
    pub histogram: Histogram,
    /// The share of finite predictions at the lower end: of probabilities at most 0.001, else equal to the smallest.
    pub saturated_low: f64,
    /// The share of finite predictions at the upper end: of probabilities at least 0.999, else equal to the largest.
    pub saturated_high: f64,
    /// The share of finite predictions below the reference's first percentile; for the reference itself, about 0.01.
    pub tail_low: f64,
    /// The share of finite predictions above the reference's 99th percentile.
    pub tail_high: f64,
}

/// The predictions of a reference and of something compared with it: another time, or another model on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The reference's, and those compared, over the same bins.
    pub scores: [Scores; 2],
    /// Population stability index over the reference's deciles, with NaN in a bin of its own; as of columns.
    pub psi: Option<f64>,
    /// Jensen–Shannon distance of base 2 over the same bins, 0 to 1.
    pub jensen_shannon: Option<f64>,
    /// Kolmogorov–Smirnov's largest difference of the distribution functions, 0 to 1.
    pub kolmogorov_smirnov: Option<f64>,
    /// Its p-value for independent samples; `None` for two models on the same rows, which are not independent.
    pub kolmogorov_smirnov_p: Option<f64>,
    /// Wasserstein distance of order 1, in the predictions' unit.
    pub wasserstein: Option<f64>,
    /// The same in standard deviations of the reference.
    pub wasserstein_scaled: Option<f64>,
}
