//! How good predictions are, by labels.

use serde::Serialize;

use super::{Interval, Scores, Task};

/// A measure of performance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Root mean squared error, in the label's unit.
    Rmse,
    /// Mean absolute error, in the label's unit.
    Mae,
    /// Mean of prediction − label, in the label's unit.
    Bias,
    /// 1 − the squared errors' sum / that of the labels' mean.
    R2,
    /// Mean of |prediction − label| / |label| over the rows whose label is not 0.
    Mape,
    /// Area under the receiver operating characteristic; ties count as halves. Of several classes the mean over one class against
    /// the rest.
    Auc,
    /// Average precision: Σ precision · step of recall, over the thresholds.
    AveragePrecision,
    /// Mean of −ln(probability of what came true), probabilities clipped at 2.2e-16.
    LogLoss,
    /// Mean squared error of the probability; of several classes summed over them.
    Brier,
    /// Share of rows with the right class.
    Accuracy,
    /// Share of predicted positives that are positive; of several classes the mean over them.
    Precision,
    /// Share of positives that are predicted; of several classes the mean over them.
    Recall,
    /// Share of negatives that are predicted negative.
    Specificity,
    /// Harmonic mean of precision and recall; of several classes the mean over them.
    F1,
}

/// Where an interval or a p-value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// DeLong, DeLong and Clarke-Pearson (1988).
    Delong,
    /// Wilson's interval of a share (1927).
    Wilson,
    /// The normal limit by the metric's influence function: how much each row moves it.
    Influence,
    /// McNemar's exact test of the rows on which only one model is right; the interval is by the influence function.
    Mcnemar,
}

/// A metric of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// What was measured.
    pub metric: Metric,
    /// Its value; `None` where the rows do not define it, e.g. AUC of one class only.
    pub value: Option<f64>,
    /// Confidence interval.
    pub interval: Option<Interval>,
    /// What the interval comes from.
    pub method: Method,
    /// The value of a model that always says the same: the labels' mean or median, the shares of the classes, the most frequent
    /// class. `None` where that has none.
    pub baseline: Option<f64>,
}

/// How often each class was predicted for each class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// Classes; of a binary model `0` and `1`.
    pub classes: Vec<String>,
    /// Rows: `counts[actual][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

/// One class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// The class.
    pub class: String,
    /// Rows of it.
    pub actual: u64,
    /// Rows for which it was predicted.
    pub predicted: u64,
    /// Share of the predicted that are of it; `None` without any.
    pub precision: Option<f64>,
    /// Share of its rows that are predicted; `None` without any.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
    /// Area under its receiver operating characteristic; `None` when all rows are of it, or none.
    pub auc: Option<f64>,
}

/// What a threshold of a binary model would do: points of the receiver operating characteristic and of precision over recall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cut {
    /// A row is positive when its probability is at least this.
    pub threshold: f64,
    /// Share of rows that are predicted positive.
    pub flagged: f64,
    /// Share of positives that are found, the true positive rate.
    pub recall: f64,
    /// Share of negatives that are predicted positive.
    pub false_positive_rate: f64,
    /// Share of the predicted positives that are positive.
    pub precision: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

/// One model's performance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Performance {
    /// What kind of model it is.
    pub task: Task,
    /// Rows with a label and a finite prediction.
    pub rows: u64,
    /// Rows without.
    pub left_out: u64,
    /// The level of the intervals, e.g. 0.95.
    pub level: f64,
    /// All metrics of the task.
    pub metrics: Vec<Estimate>,
    /// From which probability on a binary model says yes.
    pub threshold: Option<f64>,
    /// Of models that say a class.
    pub confusion: Option<Confusion>,
    /// Each class; of a binary model both.
    pub classes: Vec<ClassScores>,
    /// Of a binary model at most 101 thresholds, descending from the highest score: the first flags the fewest rows, the last all.
    pub cuts: Vec<Cut>,
    /// Of a regression the errors, prediction − label.
    pub errors: Option<Scores>,
}

/// A metric of two models on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What was measured.
    pub metric: Metric,
    /// Its values of the first and of the second model, on the rows that both have a prediction for.
    pub values: [Option<f64>; 2],
    /// The second less the first.
    pub difference: Option<f64>,
    /// Confidence interval of the difference, which knows that both saw the same rows.
    pub interval: Option<Interval>,
    /// The probability of a difference as large between models that are equally good; two-sided.
    pub p: Option<f64>,
    /// What interval and p come from.
    pub method: Method,
    /// Whether the second model is better (`true`) or worse; `None` when the difference is 0 or not known.
    pub is_better: Option<bool>,
}
