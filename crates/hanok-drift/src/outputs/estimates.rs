//! Performance without labels: confidence-based, of models that say probabilities (CBPE, as NannyML 0.13).
//!
//! Where the probabilities are true, a row with probability p is right p of the time, and every metric can be computed with the probability
//! in place of the label. So the probabilities are calibrated on a reference with labels, when that makes them truer, and each chunk's metrics
//! are estimated from them. What this cannot see: a change of what the same rows come out as (concept drift).

use std::ops::Range;

use serde::Serialize;

use super::isotonic::Isotonic;
use super::measured::{Measured, standard_error};
use super::one_class::OneClass;
use super::performance::Model;
use super::rows::{Rows, check_labels, same_task};
use super::several::{Labels, Several};
use super::{Interval, Metric, Options, OutputsError, Predictions, Task};
use crate::sort::order;
use crate::text::mixed;

/// Standard deviations from the mean at which an alert is raised, and sampling errors of an interval.
const REACH: f64 = 3.0;
/// Parts of the reference, each of which is calibrated by the others to see whether that helps.
const FOLDS: u64 = 10;
/// Bins of the calibration errors that say whether it does.
const BINS: usize = 10;
/// A model that orders rows so well needs no calibration.
const AUC_MAX: f64 = 0.999;

/// A metric of one chunk of rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimatedChunk {
    /// Its first row.
    pub start: u64,
    /// Its rows.
    pub rows: u64,
    /// What the metric is estimated to be; `None` where the rows do not define it.
    pub estimate: Option<f64>,
    /// The standard deviation that the metric by labels has by chance in chunks of so many rows, from the reference.
    pub sampling_error: Option<f64>,
    /// Three sampling errors around the estimate, within the metric's range.
    pub interval: Option<Interval>,
    /// What the metric is by labels, where there are any.
    pub realized: Option<f64>,
    /// The estimate is beyond a threshold.
    pub alert: bool,
}

/// A metric over chunks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimatedMetric {
    /// What is estimated.
    pub metric: Metric,
    /// Below it an alert is raised: mean − 3 standard deviations of the metric by labels over the reference's chunks, within the
    /// metric's range. `None` when it has none there.
    pub lower: Option<f64>,
    /// Above it an alert is raised.
    pub upper: Option<f64>,
    /// The reference's chunks.
    pub reference: Vec<EstimatedChunk>,
    /// The current chunks.
    pub current: Vec<EstimatedChunk>,
}

/// Estimated performance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimated {
    /// Whether the probabilities of each class were calibrated on the reference (one for a binary model; none for a regression).
    pub calibrated: Vec<bool>,
    /// Every metric.
    pub metrics: Vec<EstimatedMetric>,
}

impl Estimated {
    /// A metric, where it was estimated.
    pub fn metric(&self, metric: Metric) -> Option<&EstimatedMetric> {
        self.metrics.iter().find(|found| found.metric == metric)
    }
}

/// One model's predictions over some time, in the order of the rows.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Probabilities.
    pub predictions: Predictions<'a>,
    /// Labels, of which NaN is none.
    pub labels: Option<&'a [f64]>,
    /// Which rows belong together, e.g. a day; see [`chunks`].
    pub chunks: &'a [Range<usize>],
}

/// Chunks of so many rows; the last one has what is left.
pub fn chunks(rows: usize, size: usize) -> Vec<Range<usize>> {
    (0..rows).step_by(size.max(1)).map(|start| start..(start + size.max(1)).min(rows)).collect()
}

/// Estimates every metric of each chunk. The reference has labels.
///
/// As NannyML: thresholds, isotonic calibration and when it is used, and the estimates. Not as NannyML: whether calibration helps is decided
/// on ten parts of the reference, each class dealt out evenly, instead of ten random tenths; sampling errors come from the metric's influence
/// function, so that AUC's and F1's count every row (NannyML's leave out the more frequent class, and approximate).
pub fn cbpe(reference: Side, current: Side, options: &Options) -> Result<Estimated, OutputsError> {
    options.checked()?;
    same_task([reference.predictions, current.predictions])?;
    let task = reference.predictions.task();
    if task == Task::Regression {
        return Err(OutputsError::NoProbabilities);
    }
    for side in [&reference, &current] {
        side.checked()?;
    }
    let few = |found: usize| OutputsError::Few { found, needed: 1 };
    let labels = reference.labels.ok_or_else(|| few(0))?;
    let rows = Rows::new([reference.predictions], Some(labels));
    if rows.len() == 0 {
        return Err(few(0));
    }
    let calibrators = calibrators(&rows, options);
    let model = Model::new(&rows, 0, options);
    let estimates = [reference, current].map(|side| {
        side.chunks.iter().map(|chunk| Chunk::new(side, chunk, &calibrators, options)).collect::<Vec<_>>()
    });
    let metric = |metric: &Metric| {
        let spread = model.measure(*metric).and_then(|found| standard_error(found.influence.iter().copied()));
        let spread = spread.map(|error| error * libm::sqrt(rows.len() as f64));
        let realized = estimates[0].iter().filter_map(|chunk| chunk.value(*metric, true));
        finished(*metric, spread, &realized.collect::<Vec<f64>>(), &estimates)
    };
    Ok(Estimated {
        calibrated: calibrators.iter().map(Option::is_some).collect(),
        metrics: Metric::of(task).iter().map(metric).collect(),
    })
}

impl Side<'_> {
    pub(super) fn checked(&self) -> Result<(), OutputsError> {
        if let Some(labels) = self.labels {
            check_labels(&self.predictions, labels)?;
        }
        let rows = self.predictions.rows();
        match self.chunks.iter().find(|chunk| chunk.start > chunk.end || chunk.end > rows) {
            Some(chunk) => {
                Err(OutputsError::Place { what: "chunks", found: chunk.end.max(chunk.start), count: rows })
            }
            None => Ok(()),
        }
    }
}

/// A chunk's metrics.
pub(super) struct Chunk {
    pub(super) rows: Range<usize>,
    /// Rows with a finite prediction.
    pub(super) usable: usize,
    /// Each metric as estimated and by labels.
    pub(super) metrics: Vec<(Metric, [Option<f64>; 2])>,
}

impl Chunk {
    fn new(side: Side, chunk: &Range<usize>, calibrators: &[Option<Isotonic>], options: &Options) -> Chunk {
        let predictions = side.predictions.part(chunk.clone());
        let rows = Rows::new([predictions], None);
        let values = rows.values[0].as_ref();
        let soft = calibrated(values, calibrators);
        let value = |found: Option<Measured>| found.map(|found| found.value);
        let all = Metric::of(predictions.task());
        let estimates: Vec<Option<f64>> = if let Predictions::Classes { names, .. } = predictions {
            let model = Several::new(Labels::Soft(&soft), values, names.len());
            all.iter().map(|metric| value(model.measure(*metric))).collect()
        } else {
            let said: Vec<bool> = values.iter().map(|value| *value >= options.threshold).collect();
            let model = OneClass::new(soft, values, said);
            all.iter().map(|metric| value(model.measure(*metric))).collect()
        };
        let realized: Vec<Option<f64>> = match side.labels {
            Some(labels) => {
                let rows = Rows::new([predictions], Some(&labels[chunk.clone()]));
                let model = Model::new(&rows, 0, options);
                all.iter().map(|metric| value(model.measure(*metric))).collect()
            }
            None => vec![None; all.len()],
        };
        let pairs = estimates.into_iter().zip(realized).map(|(estimate, realized)| [estimate, realized]);
        Chunk { rows: chunk.clone(), usable: rows.len(), metrics: all.iter().copied().zip(pairs).collect() }
    }

    fn value(&self, metric: Metric, is_realized: bool) -> Option<f64> {
        let found = self.metrics.iter().find(|(other, _)| *other == metric)?;
        found.1[usize::from(is_realized)]
    }
}

/// Thresholds from what the metric is by labels in the reference's chunks, and every chunk against them. `spread` is the metric's deviation in a
/// chunk of one row.
pub(super) fn finished(
    metric: Metric,
    spread: Option<f64>,
    realized: &[f64],
    sides: &[Vec<Chunk>; 2],
) -> EstimatedMetric {
    let count = realized.len() as f64;
    let mean = realized.iter().sum::<f64>() / count;
    let variance = realized.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let reach = REACH * libm::sqrt(variance);
    let range = metric.range();
    let threshold = |sign: f64| {
        let value = mean + sign * reach;
        value.is_finite().then(|| value.clamp(range[0], range[1]))
    };
    let (lower, upper) = (threshold(-1.0), threshold(1.0));
    let chunk = |chunk: &Chunk| {
        let estimate = chunk.value(metric, false);
        let error =
            spread.map(|spread| spread / libm::sqrt(chunk.usable as f64)).filter(|error| error.is_finite());
        let interval = estimate.zip(error).map(|(estimate, error)| {
            Interval { low: estimate - REACH * error, high: estimate + REACH * error }.within(range)
        });
        let is_beyond = |estimate: f64| {
            lower.is_some_and(|lower| estimate < lower) || upper.is_some_and(|upper| estimate > upper)
        };
        EstimatedChunk {
            start: chunk.rows.start as u64,
            rows: chunk.rows.len() as u64,
            estimate,
            sampling_error: error,
            interval,
            realized: chunk.value(metric, true),
            alert: estimate.is_some_and(is_beyond),
        }
    };
    let [reference, current] = sides.each_ref().map(|side| side.iter().map(chunk).collect());
    EstimatedMetric { metric, lower, upper, reference, current }
}

/// Of each class the function that makes its probabilities true, where that is needed.
fn calibrators(rows: &Rows<1>, options: &Options) -> Vec<Option<Isotonic>> {
    match Model::new(rows, 0, options) {
        Model::Regression { .. } => Vec::new(),
        Model::Binary(model) => vec![calibrator(&model)],
        Model::Multiclass { model, names, .. } => {
            (0..names.len()).map(|class| calibrator(&model.class(class))).collect()
        }
    }
}

fn calibrator(model: &OneClass) -> Option<Isotonic> {
    let auc = model.auc()?.value;
    let rows: Vec<(f64, f64)> = model.sorted().collect();
    if auc > AUC_MAX || !does_help(&rows) {
        return None;
    }
    Some(Isotonic::fit(rows.into_iter()))
}

/// Whether the calibration error of rows gets smaller when they are calibrated by others.
fn does_help(rows: &[(f64, f64)]) -> bool {
    let mut seen = [0_u64; 2];
    // Each class is dealt out in rounds, each round from another place on.
    let mut fold = |(_, label): &(f64, f64)| {
        let class = *label as usize;
        let number = seen[class];
        seen[class] += 1;
        (number + mixed(number / FOLDS * 2 + class as u64)) % FOLDS
    };
    let folds: Vec<u64> = rows.iter().map(&mut fold).collect();
    let mut after = vec![0.0; rows.len()];
    for fold in 0..FOLDS {
        let others = rows.iter().zip(&folds).filter(|(_, of)| **of != fold).map(|(row, _)| *row);
        let function = Isotonic::fit(others);
        for ((after, row), of) in after.iter_mut().zip(rows).zip(&folds) {
            if *of == fold {
                *after = function.at(row.0);
            }
        }
    }
    let labels: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let before: Vec<f64> = rows.iter().map(|row| row.0).collect();
    match (error(&before, &labels), error(&after, &labels)) {
        (Some(before), Some(after)) => before > after,
        _ => false,
    }
}

/// Expected calibration error over bins of equally many rows, as NannyML cuts them: ties may be divided.
fn error(probabilities: &[f64], labels: &[f64]) -> Option<f64> {
    let rows = probabilities.len();
    let bins = if rows <= 2 * BINS { rows / 2 } else { BINS };
    if bins < 2 {
        return None;
    }
    let order = order(probabilities);
    let width = rows / bins;
    let of_bin = |bin: usize| {
        let end = if bin + 1 == bins { rows } else { (bin + 1) * width };
        let gap = |place: &u32| probabilities[*place as usize] - labels[*place as usize];
        order[bin * width..end].iter().map(gap).sum::<f64>().abs() / rows as f64
    };
    Some((0..bins).map(of_bin).sum())
}

/// Probabilities as they come true; of several classes each row's sum is 1.
fn calibrated(values: &[f64], calibrators: &[Option<Isotonic>]) -> Vec<f64> {
    let at = |calibrator: &Option<Isotonic>, value: f64| {
        calibrator.as_ref().map_or(value, |function| function.at(value))
    };
    if let [calibrator] = calibrators {
        return values.iter().map(|value| at(calibrator, *value)).collect();
    }
    let classes = calibrators.len().max(1);
    let mut out = Vec::with_capacity(values.len());
    for row in values.chunks_exact(classes) {
        let start = out.len();
        out.extend(row.iter().zip(calibrators).map(|(value, calibrator)| at(calibrator, *value)));
        let sum: f64 = out[start..].iter().sum();
        out[start..]
            .iter_mut()
            .for_each(|value| *value = if sum > 0.0 { *value / sum } else { 1.0 / classes as f64 });
    }
    out
}
