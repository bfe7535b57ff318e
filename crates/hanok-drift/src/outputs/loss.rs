//! Performance of regressions without labels: the loss itself is predicted (DLE, as NannyML 0.13).
//!
//! A second model learns on a reference with labels how large the first one's error is on which rows, from the features and the prediction. What it
//! says of other rows, in the mean, is their expected error. What this cannot see: rows of a kind that the reference does not have, and the same
//! rows coming out otherwise (concept drift).

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};

use super::estimates::{Chunk, check_chunks, finished};
use super::measured::standard_error;
use super::rows::check_labels;
use super::{Estimated, Metric, OutputsError, Predictions, numbers};
use crate::classifier::ClassifierError;
use crate::codes::{self, Codes};
use crate::trees::Trees;

/// Rows of the reference that are learnt from, evenly spaced ones if there are more.
const ROWS_MAX: usize = 200_000;
/// The fewest rows of the reference with a label and a prediction.
const ROWS_MIN: usize = 100;
/// What is estimated.
const METRICS: [Metric; 2] = [Metric::Mae, Metric::Rmse];

/// A regression over some time, in the order of the rows.
#[derive(Clone, Copy, Debug)]
pub struct Regressed<'a> {
    /// The rows' features.
    pub features: &'a [RecordBatch],
    /// Predictions.
    pub predictions: &'a [f64],
    /// Labels, of which NaN is none.
    pub labels: Option<&'a [f64]>,
    /// Which rows belong together, e.g. a day; see [`super::chunks`].
    pub chunks: &'a [Range<usize>],
}

/// Estimates MAE and RMSE of each chunk from the named features, of numbers, booleans or texts. The reference has labels.
///
/// As NannyML: thresholds, sampling errors and what is learnt. Not as NannyML: the learner is not LightGBM but this crate's trees (100 of depth 5
/// over 64 bins), so estimates are near NannyML's and not equal to them.
pub fn dle(reference: Regressed, current: Regressed, names: &[&str]) -> Result<Estimated, OutputsError> {
    let sides = [reference, current];
    let rows = sides.map(|side| side.predictions.len());
    for side in &sides {
        side.checked()?;
    }
    let labels = reference.labels.unwrap_or_default();
    let is_known = |row: &usize| {
        labels.get(*row).is_some_and(|label| !label.is_nan()) && reference.predictions[*row].is_finite()
    };
    let known: Vec<usize> = (0..rows[0]).filter(is_known).collect();
    if known.len() < ROWS_MIN {
        return Err(OutputsError::Few { found: known.len(), needed: ROWS_MIN });
    }
    let codes = codes(sides, names)?;
    let step = known.len().div_ceil(ROWS_MAX);
    let taught: Vec<u32> = known.iter().step_by(step).map(|row| *row as u32).collect();
    let mut chunks = sides.map(|side| side.chunks.iter().map(|rows| side.realized(rows)).collect::<Vec<_>>());
    let mut metrics = Vec::new();
    for (at, metric) in METRICS.into_iter().enumerate() {
        let loss = Loss::new(metric, &codes, &taught, &reference);
        for (side, chunks) in chunks.iter_mut().enumerate() {
            // The codes have the reference's rows first.
            let offset = side * rows[0];
            for chunk in chunks {
                let usable = chunk.rows.clone().filter(|row| sides[side].predictions[*row].is_finite());
                chunk.metrics[at].1[0] = loss.estimate(&codes, usable.map(|row| row + offset));
            }
        }
        let [y, p] = [labels, reference.predictions]
            .map(|values| known.iter().map(|row| values[*row]).collect::<Vec<f64>>());
        let spread = numbers::measure(metric, &y, &p)
            .and_then(|found| standard_error(found.influence.iter().copied()))
            .map(|error| error * libm::sqrt(y.len() as f64));
        metrics.push((metric, spread));
    }
    let finish = |(metric, spread)| finished(metric, spread, &chunks);
    Ok(Estimated { calibrated: Vec::new(), metrics: metrics.into_iter().map(finish).collect() })
}

impl Regressed<'_> {
    fn checked(&self) -> Result<(), OutputsError> {
        let expected = self.predictions.len();
        let features = self.features.iter().map(RecordBatch::num_rows).sum();
        let lengths = [("features", features), ("labels", self.labels.map_or(expected, <[f64]>::len))];
        for (what, found) in lengths {
            if found != expected {
                return Err(OutputsError::Lengths { what, found, expected });
            }
        }
        let predictions = Predictions::Numbers(self.predictions);
        predictions.checked()?;
        if let Some(labels) = self.labels {
            check_labels(&predictions, labels)?;
        }
        check_chunks(self.chunks, expected)
    }

    /// A chunk with its metrics by labels.
    fn realized(&self, rows: &Range<usize>) -> Chunk {
        let usable: Vec<usize> = rows.clone().filter(|row| self.predictions[*row].is_finite()).collect();
        let labelled = self.labels.map(|labels| {
            let known = usable.iter().filter(|row| !labels[**row].is_nan());
            known.map(|row| (labels[*row], self.predictions[*row])).unzip::<f64, f64, Vec<f64>, Vec<f64>>()
        });
        let metric = |metric: Metric| {
            let found = labelled.as_ref().and_then(|(y, p)| numbers::measure(metric, y, p));
            (metric, [None, found.map(|found| found.value)])
        };
        Chunk { rows: rows.clone(), usable: usable.len(), metrics: METRICS.map(metric).into() }
    }
}

/// The features of both sides and the predictions.
fn codes(sides: [Regressed; 2], names: &[&str]) -> Result<Codes, OutputsError> {
    let rows = sides.map(|side| (0..side.predictions.len()).collect());
    let mut codes = Codes::new(sides.map(|side| side.features), names, rows)?;
    let predictions = sides.map(|side| {
        let known = side.predictions.iter().map(|value| Some(*value).filter(|value| value.is_finite()));
        Arc::new(known.collect::<Float64Array>()) as ArrayRef
    });
    codes.names.push(String::new());
    codes.is_category.push(false);
    codes.of.push(codes::numbers(&predictions).map_err(ClassifierError::from)?);
    Ok(codes)
}

/// A model of a loss, in standard deviations from its mean.
struct Loss {
    metric: Metric,
    mean: f64,
    deviation: f64,
    trees: Option<Trees>,
}

impl Loss {
    fn new(metric: Metric, codes: &Codes, taught: &[u32], reference: &Regressed) -> Loss {
        let labels = reference.labels.unwrap_or_default();
        let of_row = |row: usize| {
            let error = reference.predictions[row] - labels[row];
            if metric == Metric::Rmse { error * error } else { error.abs() }
        };
        let count = taught.len() as f64;
        let mean = taught.iter().map(|row| of_row(*row as usize)).sum::<f64>() / count;
        let squares = taught.iter().map(|row| (of_row(*row as usize) - mean).powi(2)).sum::<f64>();
        let deviation = libm::sqrt(squares / count);
        // A quarter of the squared loss: see `Trees::new`.
        let trees = (deviation > 0.0 && deviation.is_finite()).then(|| {
            Trees::new(codes, taught, 0.0, |row, score| {
                [0.25 * (score - (of_row(row) - mean) / deviation), 0.25]
            })
        });
        Loss { metric, mean, deviation, trees }
    }

    /// The metric of rows; `None` without any.
    fn estimate(&self, codes: &Codes, rows: impl Iterator<Item = usize>) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        for row in rows {
            let score =
                self.trees.as_ref().map_or(0.0, |trees| trees.score(|feature| codes.of[feature][row]));
            sum += (self.mean + self.deviation * f64::from(score)).max(0.0);
            count += 1.0;
        }
        let mean = (count > 0.0).then(|| sum / count)?;
        Some(if self.metric == Metric::Rmse { libm::sqrt(mean) } else { mean })
    }
}
