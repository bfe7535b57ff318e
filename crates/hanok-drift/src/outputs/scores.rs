//! How predictions are distributed.

use serde::Serialize;

use super::rows::{chosen, same_task};
use super::{OutputsError, Predictions, Task};
use crate::measure::Measure;
use crate::numeric::{self, Sample};
use crate::sort::{key, sorted};
use crate::verdict;

/// Bins of a histogram.
const BINS: usize = 40;
/// Probabilities so near to 0 or 1 are saturated.
const END: f64 = 0.001;

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

/// The distribution of one model's predictions.
pub fn scores(predictions: Predictions) -> Scores {
    let sample = Distribution::new(predictions);
    sample.summary(sample.edges(), sample.tails())
}

/// The predictions on two samples of rows.
pub fn shift(reference: Predictions, current: Predictions) -> Result<Shift, OutputsError> {
    same_task([reference, current])?;
    Ok(between([reference, current].map(Distribution::new), true))
}

/// `are_independent` of samples of different rows.
pub(super) fn between(sides: [Distribution; 2], are_independent: bool) -> Shift {
    let edges = match (sides[0].edges(), sides[1].edges()) {
        (Some(a), Some(b)) => Some([a[0].min(b[0]), a[1].max(b[1])]),
        (a, b) => a.or(b),
    };
    let tails = sides[0].tails();
    let scores = sides.each_ref().map(|side| side.summary(edges, tails));
    let [reference, current] = sides.map(|side| side.sample);
    let found = numeric::compare(&reference, &current, &verdict::Options::default());
    let statistic = |measure: Measure| {
        let found = found.as_ref()?.statistics.iter().find(|statistic| statistic.measure == measure)?;
        Some(*found)
    };
    let value = |measure: Measure| statistic(measure).map(|statistic| statistic.value);
    Shift {
        scores,
        psi: value(Measure::Psi),
        jensen_shannon: value(Measure::JensenShannon),
        kolmogorov_smirnov: value(Measure::KolmogorovSmirnov),
        kolmogorov_smirnov_p: statistic(Measure::KolmogorovSmirnov)
            .filter(|_| are_independent)
            .and_then(|statistic| statistic.p),
        wasserstein: value(Measure::Wasserstein),
        wasserstein_scaled: value(Measure::WassersteinScaled),
    }
}

/// Predictions in ascending order.
#[derive(Debug)]
pub(super) struct Distribution {
    sample: Sample,
    task: Task,
}

impl Distribution {
    pub(super) fn new(predictions: Predictions) -> Distribution {
        let task = predictions.task();
        let width = predictions.width();
        let (mut keys, mut missing) = (Vec::with_capacity(predictions.rows()), 0);
        let mut add = |value: f64| if value.is_nan() { missing += 1 } else { keys.push(key(value)) };
        if task == Task::Multiclass {
            // Where a probability is missing, nobody knows which one is the largest.
            let confidence = |row: &[f64]| {
                if row.iter().any(|value| value.is_nan()) { f64::NAN } else { row[chosen(row)] }
            };
            predictions.values().chunks_exact(width).map(confidence).for_each(&mut add);
        } else {
            predictions.values().iter().copied().for_each(&mut add);
        }
        Distribution { sample: Sample { sorted: sorted(keys, &mut Vec::new()), missing }, task }
    }

    /// The standard deviation of the finite predictions.
    pub(super) fn deviation(&self) -> Option<f64> {
        self.sample.moments().map(|moments| moments.deviation)
    }

    /// What the histogram spans.
    fn edges(&self) -> Option<[f64; 2]> {
        if self.task != Task::Regression {
            return Some([0.0, 1.0]);
        }
        let values = self.sample.finite();
        Some([*values.first()?, *values.last()?])
    }

    /// The first and the 99th percentile.
    fn tails(&self) -> Option<[f64; 2]> {
        let values = self.sample.finite();
        Some([percentile(values, 1.0)?, percentile(values, 99.0)?])
    }

    fn summary(&self, edges: Option<[f64; 2]>, tails: Option<[f64; 2]>) -> Scores {
        let values = self.sample.finite();
        let moments = self.sample.moments();
        let share = |rows: usize| rows as f64 / values.len().max(1) as f64;
        let below = |value: f64| values.partition_point(|other| *other < value);
        let not_above = |value: f64| values.partition_point(|other| *other <= value);
        let ends = match self.task {
            Task::Regression => values.first().zip(values.last()).map(|(low, high)| [*low, *high]),
            _ => Some([END, 1.0 - END]),
        };
        let tail = |place: usize| tails.map(|tails| tails[place]);
        Scores {
            rows: (self.sample.sorted.len() + self.sample.missing) as u64,
            missing: self.sample.missing as u64,
            infinite: (self.sample.sorted.len() - values.len()) as u64,
            distinct: values.chunk_by(|a, b| a == b).count() as u64,
            mean: moments.map(|moments| moments.mean),
            deviation: moments.map(|moments| moments.deviation),
            percentiles: percentiles(values),
            histogram: histogram(values, edges),
            saturated_low: ends.map_or(0.0, |[low, _]| share(not_above(low))),
            saturated_high: ends.map_or(0.0, |[_, high]| share(values.len() - below(high))),
            tail_low: tail(0).map_or(0.0, |low| share(below(low))),
            tail_high: tail(1).map_or(0.0, |high| share(values.len() - not_above(high))),
        }
    }
}

/// A percentile of ascending finite values, linear between them.
pub(super) fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let place = percent / 100.0 * values.len().checked_sub(1)? as f64;
    let (below, rest) = (values[place as usize], place.fract());
    let above = values[(place as usize + 1).min(values.len() - 1)];
    // Without the difference, which of large numbers is infinite.
    Some(if rest == 0.0 { below } else { below * (1.0 - rest) + above * rest })
}

/// From the smallest to the largest in hundredths.
pub(super) fn percentiles(values: &[f64]) -> Vec<f64> {
    (0..=100).filter_map(|percent| percentile(values, f64::from(percent))).collect()
}

fn histogram(values: &[f64], edges: Option<[f64; 2]>) -> Histogram {
    let Some([low, high]) = edges else { return Histogram { edges: Vec::new(), counts: Vec::new() } };
    let (low, high) = if low < high { (low, high) } else { (low - 0.5, high + 0.5) };
    let edge = |at: usize| {
        let share = at as f64 / BINS as f64;
        low * (1.0 - share) + high * share
    };
    let edges: Vec<f64> = (0..=BINS).map(edge).collect();
    let inner = edges[1..BINS].iter().map(|edge| values.partition_point(|value| value < edge));
    let mut before = 0;
    let counts = inner.chain([values.len()]).map(|end| (end - std::mem::replace(&mut before, end)) as u64);
    let counts = counts.collect();
    Histogram { edges, counts }
}
