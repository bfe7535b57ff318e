//! Measures of performance.

use serde::Serialize;

use super::Task;

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
    /// the rest, of the classes that some rows are of and some are not.
    Auc,
    /// Average precision: Σ precision · step of recall, over the thresholds.
    AveragePrecision,
    /// Mean of −ln(probability of what came true), probabilities clipped at 2.2e-16.
    LogLoss,
    /// Mean squared error of the probability; of several classes summed over them.
    Brier,
    /// Share of rows with the right class.
    Accuracy,
    /// Share of predicted positives that are positive; of several classes the mean over those that occur as label or prediction, with 0
    /// for one that is never predicted, as sklearn has it; so are recall and F1.
    Precision,
    /// Share of positives that are predicted; of several classes the mean over them.
    Recall,
    /// Share of negatives that are predicted negative.
    Specificity,
    /// Harmonic mean of precision and recall; of several classes the mean over them.
    F1,
}

impl Metric {
    /// Every metric of a task, the one that decides by default first.
    pub fn of(task: Task) -> &'static [Metric] {
        match task {
            Task::Regression => &[Metric::Rmse, Metric::Mae, Metric::Bias, Metric::R2, Metric::Mape],
            Task::Binary => &[
                Metric::Auc,
                Metric::AveragePrecision,
                Metric::LogLoss,
                Metric::Brier,
                Metric::Accuracy,
                Metric::Precision,
                Metric::Recall,
                Metric::Specificity,
                Metric::F1,
            ],
            Task::Multiclass => &[
                Metric::Accuracy,
                Metric::F1,
                Metric::Precision,
                Metric::Recall,
                Metric::Auc,
                Metric::LogLoss,
                Metric::Brier,
            ],
        }
    }

    /// The name in reports and documents, e.g. `log_loss`.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Rmse => "rmse",
            Metric::Mae => "mae",
            Metric::Bias => "bias",
            Metric::R2 => "r2",
            Metric::Mape => "mape",
            Metric::Auc => "auc",
            Metric::AveragePrecision => "average_precision",
            Metric::LogLoss => "log_loss",
            Metric::Brier => "brier",
            Metric::Accuracy => "accuracy",
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::Specificity => "specificity",
            Metric::F1 => "f1",
        }
    }

    /// How much worse a second value is than a first; negative when it is better. A bias is the worse, the farther it is from 0.
    pub fn worse_by(self, values: [f64; 2]) -> f64 {
        let [first, second] = values;
        match self {
            Metric::Rmse | Metric::Mae | Metric::Mape | Metric::LogLoss | Metric::Brier => second - first,
            Metric::Bias => second.abs() - first.abs(),
            _ => first - second,
        }
    }

    /// What values there can be.
    pub(super) fn range(self) -> [f64; 2] {
        match self {
            Metric::Bias => [f64::NEG_INFINITY, f64::INFINITY],
            Metric::R2 => [f64::NEG_INFINITY, 1.0],
            Metric::Rmse | Metric::Mae | Metric::Mape | Metric::LogLoss => [0.0, f64::INFINITY],
            Metric::Brier => [0.0, 2.0],
            _ => [0.0, 1.0],
        }
    }
}

/// Where an interval or a p-value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// DeLong, DeLong and Clarke-Pearson (1988).
    Delong,
    /// Wilson's interval of a share (1927).
    Wilson,
    /// The normal limit by the metric's influence function: how much each row moves it (Hampel 1974).
    Influence,
    /// McNemar's exact test of the rows on which only one model is right; the interval is by the influence function.
    Mcnemar,
}
