//! Two models on the same rows: what changes when the second takes the first one's place. Whatever differs is the models' doing, because
//! the rows are the same.

mod attribution;
mod gates;
mod movers;
mod results;
mod segments;

use serde::Serialize;

use super::calibration::of_model;
use super::measured::wilson;
use super::model::Model;
use super::paired::compare;
use super::rows::{Rows, check_labels, chosen, same_task};
use super::scores::{Distribution, between, percentile, percentiles};
use super::{Metric, OutputsError, Predictions, Task};
use crate::sort::{key, order, sorted};

pub use gates::Limits;
pub use movers::movers;
pub use results::{
    Attribution, Deltas, FeatureShift, Flips, Gate, Mover, SegmentShift, Segmented, Swap, Verdict,
};

/// What both models say of the same rows, and what else is known of these.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The first model's predictions, and the second's.
    pub models: [Predictions<'a>; 2],
    /// Labels: numbers, 0 or 1, or the numbers of classes; NaN is none.
    pub labels: Option<&'a [f64]>,
    /// Columns to divide the rows by.
    pub segments: &'a [Segments<'a>],
    /// Attributions (SHAP values) of some rows.
    pub attributions: Option<Attributions<'a>>,
}

/// A column that rows are divided by.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    /// The column.
    pub column: &'a str,
    /// Its values.
    pub labels: &'a [String],
    /// Of each row the number of its value; `u32::MAX` of a row without one.
    pub rows: &'a [u32],
}

/// Attributions of both models on the same rows, in the unit of the predictions or of their log-odds, as the explainer gives them; both in the
/// same.
#[derive(Clone, Copy, Debug)]
pub struct Attributions<'a> {
    /// The rows that were explained, by their places in the predictions. They are a sample that stands for all; rows that were only
    /// explained because they moved far would not.
    pub rows: &'a [u32],
    /// Each model's features.
    pub features: [&'a [String]; 2],
    /// Each model's attributions, row after row: `values[row * features.len() + feature]`.
    pub values: [&'a [f64]; 2],
}

/// How two models are compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Options {
    /// Levels of intervals, and the threshold of binary models.
    pub performance: super::Options,
    /// The metric that gates and segments look at; `None` for the first of [`Metric::of`]: AUC, accuracy, or RMSE.
    pub metric: Option<Metric>,
    /// How much worse the second model may be in that metric; `None` for 0.01 of metrics from 0 to 1 and of R², and for 2 % of the first
    /// model's value of the others.
    pub margin: Option<f64>,
    /// From which absolute difference on two regressions disagree; `None` for half a standard deviation of the first model's
    /// predictions.
    pub tolerance: Option<f64>,
    /// Level of significance of the tests that gates make, between 0 and 1.
    pub alpha: f64,
    /// The fewest rows of a segment.
    pub segment_rows_min: usize,
    /// The most segments of a column.
    pub segments_max: usize,
    /// Rows that moved the farthest to be listed.
    pub movers: usize,
    /// Features listed with each.
    pub mover_features: usize,
    /// What gates allow.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            performance: super::Options::default(),
            metric: None,
            margin: None,
            tolerance: None,
            alpha: 0.05,
            segment_rows_min: 30,
            segments_max: 50,
            movers: 20,
            mover_features: 5,
            limits: Limits::default(),
        }
    }
}

impl Options {
    fn checked(&self) -> Result<(), OutputsError> {
        self.performance.checked()?;
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(OutputsError::Option {
                name: "alpha",
                value: self.alpha,
                allowed: "between 0 and 1",
            });
        }
        for (name, value) in [("margin", self.margin), ("tolerance", self.tolerance)] {
            if let Some(value) = value.filter(|value| !(*value >= 0.0 && value.is_finite())) {
                return Err(OutputsError::Option { name, value, allowed: "0 or more" });
            }
        }
        Ok(())
    }

    /// How much worse than `first` a metric may be.
    fn margin(&self, metric: Metric, first: f64) -> f64 {
        self.margin.unwrap_or_else(|| match metric {
            Metric::Rmse | Metric::Mae | Metric::Bias | Metric::Mape | Metric::LogLoss | Metric::Brier => {
                0.02 * first.abs()
            }
            _ => 0.01,
        })
    }
}

/// Compares two models on the same rows.
pub fn swap(inputs: &Inputs, options: &Options) -> Result<Swap, OutputsError> {
    options.checked()?;
    let task = check(inputs)?;
    let metric = options.metric.unwrap_or(Metric::of(task)[0]);
    if !Metric::of(task).contains(&metric) {
        let allowed = "a metric of the models' task";
        return Err(OutputsError::Option { name: "metric", value: f64::NAN, allowed });
    }
    let rows = Rows::new(inputs.models, None);
    let differences = movers::differences(&rows);
    let tolerance = (task == Task::Regression).then(|| tolerance(&rows, options));
    let opinions = Opinions::new(&rows, tolerance, options);
    let disagreeing = opinions.disagree.iter().filter(|disagree| **disagree).count() as f64;
    let paired = rows.len();
    let mut out = Swap {
        task,
        rows: inputs.models[0].rows() as u64,
        paired: paired as u64,
        labelled: 0,
        scores: between(inputs.models.map(Distribution::new), false),
        threshold: (task == Task::Binary).then_some(options.performance.threshold),
        tolerance,
        disagreement: (paired > 0).then(|| disagreeing / paired as f64),
        disagreement_interval: wilson(disagreeing, paired as f64, options.performance.level),
        flips: opinions.flips(&rows),
        deltas: deltas(&differences),
        spearman: spearman(&rows, &opinions),
        calibration: Vec::new(),
        performance: None,
        differences: Vec::new(),
        metric,
        segments: Vec::new(),
        attribution: inputs.attributions.map(|found| attribution::compare(&found)),
        movers: movers::list(inputs, &rows, &differences, options),
        gates: Vec::new(),
        verdict: Verdict::Pass,
    };
    let labelled = inputs.labels.map(|labels| Rows::new(inputs.models, Some(labels)));
    if let Some(labelled) = &labelled {
        judge(&mut out, labelled, options);
    }
    out.segments =
        segments::compare(inputs, &rows, labelled.as_ref(), &differences, &opinions, metric, options);
    out.gates = gates::gates(&out, inputs, options);
    out.verdict = gates::verdict(&out.gates);
    Ok(out)
}

fn check(inputs: &Inputs) -> Result<Task, OutputsError> {
    same_task(inputs.models)?;
    let rows = inputs.models[0].rows();
    let lengths = |what: &'static str, found: usize, expected: usize| {
        if found == expected { Ok(()) } else { Err(OutputsError::Lengths { what, found, expected }) }
    };
    let places = |what: &'static str, found: u32, count: usize| {
        if (found as usize) < count {
            Ok(())
        } else {
            Err(OutputsError::Place { what, found: found as usize, count })
        }
    };
    lengths("the second model's predictions", inputs.models[1].rows(), rows)?;
    if let Some(labels) = inputs.labels {
        check_labels(&inputs.models[0], labels)?;
    }
    for segments in inputs.segments {
        lengths("segments", segments.rows.len(), rows)?;
        for row in segments.rows.iter().filter(|row| **row != u32::MAX) {
            places("segments", *row, segments.labels.len())?;
        }
    }
    if let Some(found) = inputs.attributions {
        for side in [0, 1] {
            lengths("attributions", found.values[side].len(), found.rows.len() * found.features[side].len())?;
        }
        for row in found.rows {
            places("attributions", *row, rows)?;
        }
    }
    Ok(inputs.models[0].task())
}

/// What depends on labels.
fn judge(out: &mut Swap, rows: &Rows<2>, options: &Options) {
    let models = [0, 1].map(|side| Model::new(rows, side, &options.performance));
    let options = &options.performance;
    let mut metrics = [Vec::new(), Vec::new()];
    out.labelled = rows.len() as u64;
    out.differences = compare(&models, options, |metric, measured| {
        for ((model, measured), metrics) in models.iter().zip(measured).zip(&mut metrics) {
            metrics.push(model.estimate(metric, measured.as_ref(), options));
        }
    });
    let [first, second] = metrics;
    out.performance =
        Some([models[0].performance(rows, first, options), models[1].performance(rows, second, options)]);
    let [first, second] = models.each_ref().map(of_model);
    out.calibration = first.into_iter().zip(second).map(|(first, second)| [first, second]).collect();
}

fn tolerance(rows: &Rows<2>, options: &Options) -> f64 {
    options.tolerance.unwrap_or_else(|| {
        let first = Distribution::new(Predictions::Numbers(&rows.values[0]));
        0.5 * first.deviation().unwrap_or(0.0)
    })
}

/// What each model says of each paired row, as a class.
struct Opinions {
    /// Empty for regressions.
    classes: [Vec<u32>; 2],
    disagree: Vec<bool>,
}

impl Opinions {
    fn new(rows: &Rows<2>, tolerance: Option<f64>, options: &Options) -> Opinions {
        let class = |side: usize| -> Vec<u32> {
            let values = rows.values[side].as_ref();
            match rows.kind {
                Predictions::Numbers(_) => Vec::new(),
                Predictions::Probabilities(_) => {
                    values.iter().map(|value| u32::from(*value >= options.performance.threshold)).collect()
                }
                Predictions::Classes { names, .. } => {
                    values.chunks_exact(names.len()).map(|row| chosen(row) as u32).collect()
                }
            }
        };
        let classes = [class(0), class(1)];
        let disagree = if let Some(tolerance) = tolerance {
            let pairs = rows.values[0].iter().zip(rows.values[1].iter());
            pairs.map(|(first, second)| (second - first).abs() > tolerance).collect()
        } else {
            classes[0].iter().zip(&classes[1]).map(|(first, second)| first != second).collect()
        };
        Opinions { classes, disagree }
    }

    fn flips(&self, rows: &Rows<2>) -> Option<Flips> {
        let classes = match rows.kind {
            Predictions::Numbers(_) => return None,
            Predictions::Probabilities(_) => vec!["0".to_owned(), "1".to_owned()],
            Predictions::Classes { names, .. } => names.to_vec(),
        };
        let mut counts = vec![vec![0; classes.len()]; classes.len()];
        for (first, second) in self.classes[0].iter().zip(&self.classes[1]) {
            counts[*first as usize][*second as usize] += 1;
        }
        Some(Flips { classes, counts })
    }
}

fn deltas(differences: &[f64]) -> Option<Deltas> {
    let sort = |values: &mut dyn Iterator<Item = f64>| {
        sorted(values.map(key).collect::<Vec<u64>>(), &mut Vec::new())
    };
    let signed = sort(&mut differences.iter().copied());
    let sizes = sort(&mut differences.iter().map(|difference| difference.abs()));
    let at = |percent: f64| percentile(&sizes, percent);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Some(Deltas {
        mean: mean(&signed),
        mean_absolute: mean(&sizes),
        p50: at(50.0)?,
        p95: at(95.0)?,
        p99: at(99.0)?,
        max: at(100.0)?,
        equal: sizes.partition_point(|size| *size == 0.0) as f64 / sizes.len() as f64,
        percentiles: percentiles(&signed),
    })
}

/// Of the ranks; ties have the middle of theirs.
fn spearman(rows: &Rows<2>, opinions: &Opinions) -> Option<f64> {
    let width = rows.kind.width();
    let rank = |side: usize| {
        if width == 1 {
            return ranks(&rows.values[side]);
        }
        let of_class = opinions.classes[0].iter().enumerate();
        ranks(
            &of_class
                .map(|(row, class)| rows.values[side][row * width + *class as usize])
                .collect::<Vec<f64>>(),
        )
    };
    let (first, second) = (rank(0), rank(1));
    let middle = 0.5 * (first.len() as f64 - 1.0);
    let mut sums = [0.0; 3];
    for (first, second) in first.iter().zip(&second) {
        let (first, second) = (first - middle, second - middle);
        sums[0] += first * second;
        sums[1] += first * first;
        sums[2] += second * second;
    }
    (sums[1] > 0.0 && sums[2] > 0.0).then(|| (sums[0] / libm::sqrt(sums[1] * sums[2])).clamp(-1.0, 1.0))
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let order = order(values);
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tie in order.chunk_by(|a, b| values[*a as usize] == values[*b as usize]) {
        let rank = before as f64 + 0.5 * (tie.len() - 1) as f64;
        for place in tie {
            ranks[*place as usize] = rank;
        }
        before += tie.len();
    }
    ranks
}
