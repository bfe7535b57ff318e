//! What is said of two models on the same rows.

use serde::Serialize;

use crate::outputs::{Calibration, Difference, Interval, Metric, Performance, Shift, Task};

/// What was predicted by both, by class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flips {
    /// Classes; of binary models `0` and `1`.
    pub classes: Vec<String>,
    /// Rows: `counts[by the first model][by the second]`.
    pub counts: Vec<Vec<u64>>,
}

/// How far the second model's predictions are from the first one's, row by row. Of several classes the difference of a row is the total
/// variation distance of the probabilities, which is never negative.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deltas {
    /// Mean of the second less the first.
    pub mean: f64,
    /// Mean of the absolute difference.
    pub mean_absolute: f64,
    /// Median of the absolute difference.
    pub p50: f64,
    /// 95th percentile of the absolute difference.
    pub p95: f64,
    /// 99th percentile of the absolute difference.
    pub p99: f64,
    /// The largest absolute difference.
    pub max: f64,
    /// Share of rows with the same prediction.
    pub equal: f64,
    /// The differences' 0th to 100th percentile, with their signs.
    pub percentiles: Vec<f64>,
}

/// Rows that have one value of a column, or lie in one part of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentShift {
    /// The value.
    pub label: String,
    /// Rows that both models have a prediction for.
    pub rows: u64,
    /// Mean of the second's predictions less the first's; of several classes the mean total variation distance.
    pub delta: f64,
    /// Mean of the absolute difference.
    pub delta_absolute: f64,
    /// Share of rows on which the models disagree.
    pub disagreement: f64,
    /// The segment metric by labels; `None` without labels.
    pub performance: Option<Difference>,
    /// Its p-value adjusted for all segments of all columns together (Benjamini and Hochberg).
    pub p_adjusted: Option<f64>,
    /// The second model is worse by more than the margin, and chance does not explain it.
    pub is_worse: bool,
}

/// The segments of one column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segmented {
    /// The column.
    pub column: String,
    /// Its values with the most rows, in the order of their rows.
    pub segments: Vec<SegmentShift>,
    /// Rows of values that have too few rows, of too many values, or without a value.
    pub other_rows: u64,
}

/// A feature's part in the predictions of both models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureShift {
    /// The feature.
    pub name: String,
    /// Mean absolute attribution in each model; `None` when the model does not have the feature.
    pub importance: [Option<f64>; 2],
    /// The same as a share of the model's sum.
    pub share: [Option<f64>; 2],
    /// Its place in each model, from 1, the most important.
    pub rank: [Option<u64>; 2],
    /// Places that it has moved up in the second model; negative when down.
    pub moved: Option<i64>,
}

/// How the models' reasons differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attribution {
    /// Rows that were explained.
    pub rows: u64,
    /// Features in the order of the larger of both shares.
    pub features: Vec<FeatureShift>,
    /// Normalised discounted cumulative gain of the second model's ranking with the first one's importances as gains (discount
    /// 1 / log2(place + 1)), 0 to 1; a feature that the first does not have gains nothing. Amazon SageMaker Clarify raises an alarm below
    /// 0.9. `None` when the first model has no attributions but zero.
    pub ndcg: Option<f64>,
}

/// A row whose prediction moved far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mover {
    /// Its place in the inputs.
    pub row: u64,
    /// Both predictions: numbers, probabilities, or of several classes the probability of the class in `classes`.
    pub predictions: [f64; 2],
    /// The predicted classes.
    pub classes: Option<[String; 2]>,
    /// The second less the first; of several classes the total variation distance.
    pub delta: f64,
    /// The label, where there is one: a number, or the number of the class.
    pub label: Option<f64>,
    /// Features with both models' attributions, the largest difference first; empty when the row was not explained. A feature that a model
    /// does not have counts as 0.
    pub features: Vec<(String, [f64; 2])>,
}

/// A condition for the swap.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// Its name, e.g. `disagreement`.
    pub name: &'static str,
    /// What was found; `None` when that could not be measured.
    pub value: Option<f64>,
    /// What is allowed.
    pub limit: f64,
    /// The value must not be below the limit, instead of not above.
    pub is_minimum: bool,
    /// Whether it holds; `None` when rows, labels or attributions do not suffice to say.
    pub passed: Option<bool>,
    /// The second model does harm when it does not hold; others only say that it behaves differently.
    pub is_harm: bool,
    /// One sentence on what was compared.
    pub why: String,
}

/// What to make of all gates. The order is that of worry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every gate holds.
    Pass,
    /// The second model behaves differently, or something could not be said.
    Review,
    /// A gate against harm does not hold.
    Fail,
}

/// Two models on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Swap {
    /// What kind of models they are.
    pub task: Task,
    /// Rows.
    pub rows: u64,
    /// Rows for which both have a finite prediction.
    pub paired: u64,
    /// Rows with a label among these.
    pub labelled: u64,
    /// Both models' predictions, the first as the reference.
    pub scores: Shift,
    /// From which probability on binary models say yes.
    pub threshold: Option<f64>,
    /// Of regressions, from which absolute difference on the models disagree.
    pub tolerance: Option<f64>,
    /// Share of paired rows with another class, or with a difference beyond the tolerance.
    pub disagreement: Option<f64>,
    /// Wilson's interval of it.
    pub disagreement_interval: Option<Interval>,
    /// Of models that say a class.
    pub flips: Option<Flips>,
    /// Row by row; `None` without paired rows.
    pub deltas: Option<Deltas>,
    /// Spearman's rank correlation of both models' predictions; of several classes that of the predicted class's probability by the first
    /// model with the second's of the same class. `None` when one is constant.
    pub spearman: Option<f64>,
    /// With labels, of models that say probabilities: of each class the first model's and the second's, on the same rows as the
    /// performance.
    pub calibration: Vec<[Calibration; 2]>,
    /// With labels, each model on the rows that both have a prediction for.
    pub performance: Option<[Performance; 2]>,
    /// With labels, every metric of both on the same rows.
    pub differences: Vec<Difference>,
    /// The metric that gates and segments look at.
    pub metric: Metric,
    /// Columns that rows were divided by.
    pub segments: Vec<Segmented>,
    /// With attributions.
    pub attribution: Option<Attribution>,
    /// Rows that moved the farthest, the farthest first.
    pub movers: Vec<Mover>,
    /// Conditions.
    pub gates: Vec<Gate>,
    /// The worst of the gates.
    pub verdict: Verdict,
}
