//! How good predictions are, by labels.

use serde::Serialize;

use super::measured::{Measured, around, standard_error, wilson};
use super::one_class::{OneClass, surprise};
use super::rows::{Rows, check_labels, same_task};
use super::several::{Labels, Several};
use super::{Interval, Options, OutputsError, Predictions, Scores, Task, numbers, scores};
use crate::special::normal_sf;

/// Rows on which only one model is right, up to which McNemar's test is exact.
const DISCORDANT_MAX: f64 = 10_000.0;

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
    let measured = model.all();
    Ok(model.performance(&rows, &measured, options))
}

/// Every metric of two models on the rows that both have a prediction for, and how sure it is that they differ.
pub fn differences(
    models: [Predictions; 2],
    labels: &[f64],
    options: &Options,
) -> Result<Vec<Difference>, OutputsError> {
    options.checked()?;
    same_task(models)?;
    check_labels(&models[0], labels)?;
    check_labels(&models[1], labels)?;
    let rows = Rows::new(models, Some(labels));
    let pair = [0, 1].map(|side| Model::new(&rows, side, options));
    let measured = pair.each_ref().map(|model| model.all());
    Ok(compare(&pair, &measured, options))
}

/// All differences of two models' metrics.
pub(super) fn compare(
    models: &[Model; 2],
    measured: &[Vec<(Metric, Option<Measured>)>; 2],
    options: &Options,
) -> Vec<Difference> {
    let pairs = measured[0].iter().zip(&measured[1]);
    pairs
        .map(|((metric, first), (_, second))| difference(*metric, models, [first, second], options))
        .collect()
}

/// One metric of both models.
pub(super) fn difference(
    metric: Metric,
    models: &[Model; 2],
    measured: [&Option<Measured>; 2],
    options: &Options,
) -> Difference {
    let mut found = Difference {
        metric,
        values: measured.map(|measured| measured.as_ref().map(|measured| measured.value)),
        difference: None,
        interval: None,
        p: None,
        method: models[0].method(metric),
        is_better: None,
    };
    let [Some(first), Some(second)] = measured else { return found };
    let difference = second.value - first.value;
    let worse = metric.worse_by([first.value, second.value]);
    found.difference = Some(difference);
    found.is_better = (worse != 0.0).then_some(worse < 0.0);
    let influences = first.influence.iter().zip(&second.influence);
    if let Some(error) = standard_error(influences.map(|(first, second)| second - first)) {
        found.interval = Some(around(difference, error, options.level));
        found.p = Some(if difference == 0.0 { 1.0 } else { 2.0 * normal_sf(difference.abs() / error) });
    }
    if metric == Metric::Accuracy {
        found.method = Method::Mcnemar;
        found.p = Some(mcnemar(models[0].right_unlike(&models[1])));
    }
    found
}

/// McNemar's test: of the rows on which one model only is right, each is as likely to be by either. Exact by the binomial distribution, and
/// of very many rows by its normal limit with a half for continuity.
fn mcnemar([only_first, only_second]: [f64; 2]) -> f64 {
    let (few, all) = (only_first.min(only_second), only_first + only_second);
    if all > DISCORDANT_MAX {
        return (2.0 * normal_sf((0.5 * all - few - 0.5) / (0.5 * libm::sqrt(all)))).min(1.0);
    }
    let of = |count: f64| {
        libm::lgamma(all + 1.0)
            - libm::lgamma(count + 1.0)
            - libm::lgamma(all - count + 1.0)
            - all * std::f64::consts::LN_2
    };
    let below: f64 = (0..=few as usize).map(|count| libm::exp(of(count as f64))).sum();
    (2.0 * below).min(1.0)
}

/// A model on rows with labels.
#[derive(Debug)]
pub(super) enum Model<'a> {
    Regression { labels: &'a [f64], predictions: &'a [f64] },
    Binary(OneClass<'a>),
    Multiclass { model: Several<'a>, labels: &'a [f64], names: &'a [String] },
}

impl<'a> Model<'a> {
    pub(super) fn new<const MODELS: usize>(
        rows: &'a Rows<'_, MODELS>,
        side: usize,
        options: &Options,
    ) -> Model<'a> {
        let (labels, values) = (rows.labels.as_ref(), rows.values[side].as_ref());
        match rows.kind {
            Predictions::Numbers(_) => Model::Regression { labels, predictions: values },
            Predictions::Probabilities(_) => {
                let said: Vec<bool> = values.iter().map(|value| *value >= options.threshold).collect();
                Model::Binary(OneClass::new(labels, values, said))
            }
            Predictions::Classes { names, .. } => {
                let model = Several::new(Labels::Hard(labels), values, names.len());
                Model::Multiclass { model, labels, names }
            }
        }
    }

    fn task(&self) -> Task {
        match self {
            Model::Regression { .. } => Task::Regression,
            Model::Binary(_) => Task::Binary,
            Model::Multiclass { .. } => Task::Multiclass,
        }
    }

    pub(super) fn measure(&self, metric: Metric) -> Option<Measured> {
        match self {
            Model::Regression { labels, predictions } => numbers::measure(metric, labels, predictions),
            Model::Binary(model) => model.measure(metric),
            Model::Multiclass { model, .. } => model.measure(metric),
        }
    }

    /// All metrics of the task.
    pub(super) fn all(&self) -> Vec<(Metric, Option<Measured>)> {
        Metric::of(self.task()).iter().map(|metric| (*metric, self.measure(*metric))).collect()
    }

    fn method(&self, metric: Metric) -> Method {
        match (self, metric) {
            (Model::Binary(_), Metric::Auc) => Method::Delong,
            _ => Method::Influence,
        }
    }

    /// On how many rows only this one is right, and only the other.
    fn right_unlike(&self, other: &Model) -> [f64; 2] {
        let is_right = |model: &Model, row: usize| match model {
            Model::Regression { .. } => false,
            Model::Binary(model) => model.is_right(row),
            Model::Multiclass { model, labels, .. } => model.chosen[row] as f64 == labels[row],
        };
        let mut counts = [0.0, 0.0];
        for row in 0..self.len() {
            match (is_right(self, row), is_right(other, row)) {
                (true, false) => counts[0] += 1.0,
                (false, true) => counts[1] += 1.0,
                _ => {}
            }
        }
        counts
    }

    fn len(&self) -> usize {
        match self {
            Model::Regression { labels, .. } | Model::Multiclass { labels, .. } => labels.len(),
            Model::Binary(model) => model.len(),
        }
    }

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
        measured: &[(Metric, Option<Measured>)],
        options: &Options,
    ) -> Performance {
        let metrics = measured.iter().map(|(metric, found)| self.estimate(*metric, found.as_ref(), options));
        let mut out = Performance {
            task: self.task(),
            rows: self.len() as u64,
            left_out: rows.left_out as u64,
            level: options.level,
            metrics: metrics.collect(),
            threshold: None,
            confusion: None,
            classes: Vec::new(),
            cuts: Vec::new(),
            errors: None,
        };
        match self {
            Model::Regression { labels, predictions } => {
                let errors = predictions.iter().zip(*labels).map(|(prediction, label)| prediction - label);
                out.errors = Some(scores(Predictions::Numbers(&errors.collect::<Vec<f64>>())));
            }
            Model::Binary(model) => {
                let counts = model.confusion();
                let auc = measured.iter().find(|(metric, _)| *metric == Metric::Auc);
                let auc = auc.and_then(|(_, found)| found.as_ref()).map(|found| found.value);
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

    fn estimate(&self, metric: Metric, found: Option<&Measured>, options: &Options) -> Estimate {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mixed;

    fn uniform(seed: u64) -> f64 {
        (mixed(seed) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The standard error by leaving out one row after the other (Quenouille and Tukey's jackknife).
    fn jackknife(rows: &Rows<1>, metric: Metric) -> f64 {
        let count = rows.len() as u32;
        let without = |row: u32| {
            let others: Vec<u32> = (0..count).filter(|other| *other != row).collect();
            let others = rows.only(&others);
            Model::new(&others, 0, &Options::default()).measure(metric).unwrap().value
        };
        let values: Vec<f64> = (0..count).map(without).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        libm::sqrt(squares * f64::from(count - 1) / f64::from(count))
    }

    #[test]
    fn errors_by_influences_are_those_of_the_jackknife() {
        let count = 300;
        let truth: Vec<f64> = (0..count).map(uniform).collect();
        let near =
            |at: usize, seed: u64| (truth[at] + 0.4 * (uniform(seed + at as u64) - 0.5)).clamp(0.0, 1.0);
        let scores: Vec<f64> = (0..truth.len()).map(|at| near(at, 1000)).collect();
        let labels: Vec<f64> =
            (0..truth.len()).map(|at| f64::from(u8::from(uniform(2000 + at as u64) < truth[at]))).collect();
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let three: Vec<f64> = scores
            .iter()
            .flat_map(|score| [0.6 * score, 0.4 * score, 1.0 - score].map(|p| 0.9 * p + 0.03))
            .collect();
        let classes: Vec<f64> = (0..truth.len())
            .map(|at| if uniform(3000 + at as u64) > truth[at] { 2.0 } else { (at % 2) as f64 })
            .collect();
        let numbers: Vec<f64> = scores.iter().map(|score| 3.0 * score - 1.0).collect();
        let values: Vec<f64> = truth.iter().map(|truth| 3.0 * truth - 0.8).collect();
        let models = [
            (Predictions::Numbers(&numbers), &values),
            (Predictions::Probabilities(&scores), &labels),
            (Predictions::Classes { names: &names, values: &three }, &classes),
        ];
        for (predictions, labels) in models {
            let rows = Rows::new([predictions], Some(labels));
            let model = Model::new(&rows, 0, &Options::default());
            for (metric, found) in model.all() {
                let found = found.unwrap();
                let sum: f64 = found.influence.iter().sum();
                assert!(sum.abs() < 1e-6, "{metric:?}: {sum}");
                let error = standard_error(found.influence.iter().copied()).unwrap();
                let expected = jackknife(&rows, metric);
                assert!((error / expected - 1.0).abs() < 0.02, "{metric:?}: {error} is not {expected}");
            }
        }
    }

    #[test]
    fn mcnemar_is_the_binomial_test() {
        // scipy.stats.binomtest
        for (only, expected) in
            [([3.0, 9.0], 0.145_996_093_75), ([0.0, 0.0], 1.0), ([5.0, 5.0], 1.0), ([0.0, 8.0], 0.007_812_5)]
        {
            assert!((mcnemar(only) - expected).abs() < 1e-12, "{only:?}: {}", mcnemar(only));
        }
        let (exact, normal) = (mcnemar([4850.0, 5150.0]), mcnemar([4850.0, 5151.0]));
        assert!((exact / normal - 1.0).abs() < 0.05, "{exact} {normal}");
    }
}
