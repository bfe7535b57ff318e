//! A metric with what each row has to do with it.

use super::Interval;
use crate::special::normal_isf;

/// A metric's value, and by how much each row moves it: its influence function at each row, times the number of rows. The influences sum to
/// about 0, and their spread gives the metric's variance (Hampel 1974); two models' influences on the same rows give that of a difference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) influence: Vec<f64>,
    /// A share is so many of so many rows, and has an interval of its own.
    pub(super) share: Option<[f64; 2]>,
}

impl Measured {
    /// The mean of what each row has.
    pub(super) fn mean(mut terms: Vec<f64>) -> Option<Measured> {
        if terms.is_empty() {
            return None;
        }
        let mean = terms.iter().sum::<f64>() / terms.len() as f64;
        terms.iter_mut().for_each(|term| *term -= mean);
        Some(Measured { value: mean, influence: terms, share: None })
    }

    /// What is above of what is below, of sums over rows: Σ `above` / Σ `below`. `None` when there is nothing below.
    pub(super) fn ratio(rows: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Measured> {
        let mut sums = (0.0, 0.0);
        let mut count = 0.0;
        for (above, below) in rows.clone() {
            sums = (sums.0 + above, sums.1 + below);
            count += 1.0;
        }
        if sums.1 <= 0.0 {
            return None;
        }
        let (value, scale) = (sums.0 / sums.1, count / sums.1);
        let influence = rows.map(|(above, below)| (above - value * below) * scale).collect();
        Some(Measured { value, influence, share: None })
    }

    /// A ratio of counts.
    pub(super) fn share(rows: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Measured> {
        let mut found = Measured::ratio(rows.clone())?;
        let below: f64 = rows.map(|(_, below)| below).sum();
        found.share = Some([found.value * below, below]);
        Some(found)
    }
}

/// The standard error of a metric whose rows have these influences; `None` of one row.
pub(super) fn standard_error(influence: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let rows = influence.len() as f64;
    if rows < 2.0 {
        return None;
    }
    let squares: f64 = influence.map(|value| value * value).sum();
    Some(libm::sqrt(squares / (rows * (rows - 1.0)))).filter(|error| error.is_finite())
}

/// The interval of a normal estimate.
pub(super) fn around(value: f64, error: f64, level: f64) -> Interval {
    let reach = normal_isf(0.5 - 0.5 * level) * error;
    Interval { low: value - reach, high: value + reach }
}

impl Interval {
    /// Within what the estimate can be.
    pub(super) fn within(self, range: [f64; 2]) -> Interval {
        Interval { low: self.low.clamp(range[0], range[1]), high: self.high.clamp(range[0], range[1]) }
    }
}

/// Wilson's interval (1927) of a share of `count` of `all`; `None` of nothing.
pub(super) fn wilson(count: f64, all: f64, level: f64) -> Option<Interval> {
    if all <= 0.0 {
        return None;
    }
    let z = normal_isf(0.5 - 0.5 * level);
    let (share, square) = (count / all, z * z / all);
    let middle = (share + 0.5 * square) / (1.0 + square);
    let reach = z * libm::sqrt((share * (1.0 - share) + 0.25 * square) / all) / (1.0 + square);
    Some(Interval { low: middle - reach, high: middle + reach }.within([0.0, 1.0]))
}
