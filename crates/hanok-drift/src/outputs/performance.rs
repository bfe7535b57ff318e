//! How good predictions are, by labels.

use serde::Serialize;

use super::calibration::of_numbers;
use super::measured::{Measured, around, standard_error, wilson};
use super::model::Model;
use super::one_class::{OneClass, surprise};
use super::rows::{Rows, check_labels};
use super::scores::histogram;
use super::{
    CalibrationBin, Histogram, Interval, Method, Metric, Options, OutputsError, Predictions, Scores, Task,
    numbers, scores,
};

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
    /// The value of a model that knows the labels' distribution and nothing of the rows: that always says the labels' mean or median,
    /// the shares of the classes, the most frequent class; for precision and F1, always yes. `None` where that says nothing.
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
    /// Of a binary model the probabilities of the rows with the label 0 and of those with 1, in the same bins.
    pub by_label: Option<[Histogram; 2]>,
    /// Of a regression the errors, prediction − label.
    pub errors: Option<Scores>,
    /// Of a regression the rows in tenths by their prediction, with the mean of the labels.
    pub by_prediction: Vec<CalibrationBin>,
}

/// One model's performance on the rows that have a label: a number, 0 or 1, or the number of the class; NaN is none.
pub fn performance(
    predictions: Predictions,
    labels: &[f64],
    options: &Options,
) -> Result<Performance, OutputsError> {
    options.checked()?;
    predictions.checked()?;
    check_labels(&predictions, labels)?;
    let rows = Rows::new([predictions], Some(labels));
    let model = Model::new(&rows, 0, options);
    let metrics = Metric::of(model.task()).iter();
    let metrics =
        metrics.map(|metric| model.estimate(*metric, model.measure(*metric).as_ref(), options)).collect();
    Ok(model.performance(&rows, metrics, options))
}

impl Model<'_> {
    fn baseline(&self, metric: Metric) -> Option<f64> {
        let all = self.len() as f64;
        let shares: Vec<f64> = match self {
            Model::Regression { labels, .. } => return numbers::baseline(metric, labels),
            Model::Binary(model) => vec![1.0 - model.positive() / all, model.positive() / all],
            Model::Multiclass { labels, names, .. } => {
                let mut shares = vec![0.0; names.len()];
                labels.iter().for_each(|label| shares[*label as usize] += 1.0 / all);
                shares
            }
        };
        if all == 0.0 {
            return None;
        }
        let is_binary = self.task() == Task::Binary;
        let squares: f64 = shares.iter().map(|share| share * share).sum();
        match metric {
            Metric::Auc => Some(0.5),
            Metric::Accuracy => shares.iter().copied().reduce(f64::max),
            Metric::LogLoss => {
                Some(shares.iter().filter(|share| **share > 0.0).map(|share| share * surprise(*share)).sum())
            }
            Metric::Brier => Some(if is_binary { shares[0] * shares[1] } else { 1.0 - squares }),
            Metric::AveragePrecision | Metric::Precision if is_binary => Some(shares[1]),
            Metric::F1 if is_binary => Some(2.0 * shares[1] / (1.0 + shares[1])),
            _ => None,
        }
    }

    pub(super) fn performance<const MODELS: usize>(
        &self,
        rows: &Rows<MODELS>,
        metrics: Vec<Estimate>,
        options: &Options,
    ) -> Performance {
        let auc = metrics.iter().find(|found| found.metric == Metric::Auc).and_then(|found| found.value);
        let mut out = Performance {
            task: self.task(),
            rows: self.len() as u64,
            left_out: rows.left_out as u64,
            level: options.level,
            metrics,
            threshold: None,
            confusion: None,
            classes: Vec::new(),
            cuts: Vec::new(),
            by_label: None,
            errors: None,
            by_prediction: Vec::new(),
        };
        match self {
            Model::Regression { labels, predictions } => {
                let errors = predictions.iter().zip(*labels).map(|(prediction, label)| prediction - label);
                out.by_prediction = of_numbers(labels, predictions);
                out.errors = Some(scores(Predictions::Numbers(&errors.collect::<Vec<f64>>())));
            }
            Model::Binary(model) => {
                let counts = model.confusion();
                let class = |class: usize| {
                    let predicted = counts[0][class] + counts[1][class];
                    class_scores(
                        class.to_string(),
                        counts[class].iter().sum(),
                        predicted,
                        counts[class][class],
                        auc,
                    )
                };
                out.threshold = Some(options.threshold);
                out.classes = vec![class(0), class(1)];
                out.cuts = cuts(model);
                out.by_label = Some([0.0, 1.0].map(|label| {
                    let of = model.sorted().filter(|row| row.1 == label).map(|row| row.0);
                    histogram(&of.collect::<Vec<f64>>(), Some([0.0, 1.0]))
                }));
                let classes = vec!["0".to_owned(), "1".to_owned()];
                out.confusion = Some(Confusion { classes, counts: counts.map(Vec::from).into() });
            }
            Model::Multiclass { model, labels, names } => {
                let mut counts = vec![vec![0_u64; names.len()]; names.len()];
                for (label, chosen) in labels.iter().zip(&model.chosen) {
                    counts[*label as usize][*chosen] += 1;
                }
                let class = |(class, name): (usize, &String)| {
                    let predicted = counts.iter().map(|row| row[class]).sum();
                    let auc = model.class(class).auc().map(|found| found.value);
                    class_scores(
                        name.clone(),
                        counts[class].iter().sum(),
                        predicted,
                        counts[class][class],
                        auc,
                    )
                };
                out.classes = names.iter().enumerate().map(class).collect();
                out.confusion = Some(Confusion { classes: names.to_vec(), counts });
            }
        }
        out
    }

    pub(super) fn estimate(&self, metric: Metric, found: Option<&Measured>, options: &Options) -> Estimate {
        let mut estimate = Estimate {
            metric,
            value: found.map(|found| found.value),
            interval: None,
            method: self.method(metric),
            baseline: self.baseline(metric),
        };
        if let Some(Measured { share: Some([count, all]), .. }) = found {
            estimate.method = Method::Wilson;
            estimate.interval = wilson(*count, *all, options.level);
        } else if let Some(found) = found {
            let error = standard_error(found.influence.iter().copied());
            estimate.interval =
                error.map(|error| around(found.value, error, options.level).within(metric.range()));
        }
        estimate
    }
}

fn class_scores(class: String, actual: u64, predicted: u64, right: u64, auc: Option<f64>) -> ClassScores {
    let share = |of: u64| (of > 0).then(|| right as f64 / of as f64);
    let f1 = (actual + predicted > 0).then(|| 2.0 * right as f64 / (actual + predicted) as f64);
    ClassScores { class, actual, predicted, precision: share(predicted), recall: share(actual), f1, auc }
}

fn cuts(model: &OneClass) -> Vec<Cut> {
    let (rows, positive) = (model.len() as f64, model.positive());
    let share = |of: f64, all: f64| if all > 0.0 { of / all } else { 0.0 };
    let cut = |(threshold, flagged, right): (f64, usize, f64)| {
        let flagged = flagged as f64;
        Cut {
            threshold,
            flagged: flagged / rows,
            recall: share(right, positive),
            false_positive_rate: share(flagged - right, rows - positive),
            precision: right / flagged,
            f1: 2.0 * right / (flagged + positive),
        }
    };
    model.cuts().into_iter().map(cut).collect()
}
