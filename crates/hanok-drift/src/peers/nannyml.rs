//! NannyML's univariate Jensen–Shannon distance in chunks.

use arrow::array::StringViewArray;
use hashbrown::HashMap;
use serde::Serialize;

use super::kind;
use crate::column::{self, Kind};
use crate::compare::Pair;
use crate::divergence::jensen_shannon;
use crate::error::CompareError;
use crate::sort::{key, sorted};

/// The most bins that values can give.
const BINS_MAX: f64 = 10_000.0;
/// Chunks of each side.
const CHUNKS: usize = 10;

/// What NannyML says of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NannyMl {
    /// Alerts are raised above: mean + 3 standard deviations of the reference's own chunks.
    pub threshold: f64,
    /// The reference's chunks against all of it.
    pub reference: Vec<f64>,
    /// The current chunks; NaN of a chunk without values.
    pub current: Vec<f64>,
}

impl NannyMl {
    /// Which current chunks raise an alert.
    pub fn alerts(&self) -> Vec<bool> {
        self.current.iter().map(|value| *value > self.threshold).collect()
    }
}

/// Jensen–Shannon distance by chunk, with NannyML's default bins, chunks and thresholds. The order of rows matters: chunks are tenths of
/// each side, and what is left over is a chunk of its own. `None` where a side has fewer rows than chunks, or no values, and it fails.
pub fn nannyml(pair: &Pair) -> Result<Option<NannyMl>, CompareError> {
    Ok(match kind(pair)? {
        Kind::Numbers => {
            let reference = rows(pair, 0)?;
            let Some(bins) = doane(&reference) else { return Ok(None) };
            let base = histogram(&reference, &bins);
            let score = |chunk: &[Option<f64>]| score(&base, histogram(chunk, &bins));
            result(&reference, &rows(pair, 1)?, score)
        }
        Kind::Booleans => {
            let words = |side: usize| {
                let of = |value: Option<f64>| value.map(|value| if value == 0.0 { "false" } else { "true" });
                Ok::<Vec<_>, CompareError>(rows(pair, side)?.into_iter().map(of).collect())
            };
            by_words(&words(0)?, &words(1)?)
        }
        _ => {
            let sides = [column::texts(&pair.reference)?, column::texts(&pair.current)?];
            let words = |side: &'_ [StringViewArray]| -> Vec<Option<String>> {
                side.iter().flat_map(|chunk| chunk.iter().map(|text| text.map(str::to_owned))).collect()
            };
            let sides = [words(&sides[0]), words(&sides[1])];
            let borrowed = |side: usize| sides[side].iter().map(Option::as_deref).collect::<Vec<_>>();
            by_words(&borrowed(0), &borrowed(1))
        }
    })
}

/// A side's numbers in their order; NaN counts as missing.
fn rows(pair: &Pair, side: usize) -> Result<Vec<Option<f64>>, CompareError> {
    let mut out = Vec::new();
    for chunk in if side == 0 { &pair.reference } else { &pair.current } {
        let numbers = column::numbers(chunk)?;
        out.extend(numbers.iter().map(|value| value.filter(|value| !value.is_nan())));
    }
    Ok(out)
}

/// Shares in bins, and how many values there were.
type Histogram = (Vec<f64>, usize);

fn by_words(reference: &[Option<&str>], current: &[Option<&str>]) -> Option<NannyMl> {
    let mut names: Vec<&str> = reference.iter().copied().flatten().collect();
    names.sort_unstable();
    names.dedup();
    let places: HashMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let histogram = |words: &[Option<&str>]| {
        let mut counts = vec![0.0; names.len()];
        let count = words.iter().flatten().count();
        for place in words.iter().flatten().filter_map(|word| places.get(word)) {
            counts[*place] += 1.0;
        }
        (counts.into_iter().map(|found| found / count.max(1) as f64).collect(), count)
    };
    let base: Histogram = histogram(reference);
    if base.1 == 0 {
        return None;
    }
    result(reference, current, |chunk| score(&base, histogram(chunk)))
}

fn result<T>(reference: &[T], current: &[T], score: impl Fn(&[T]) -> f64) -> Option<NannyMl> {
    let chunks = |rows: &[T]| {
        let size = rows.len() / CHUNKS;
        (size > 0).then(|| rows.chunks(size).map(&score).collect::<Vec<f64>>())
    };
    let (reference, current) = (chunks(reference)?, chunks(current)?);
    let known: Vec<f64> = reference.iter().copied().filter(|value| !value.is_nan()).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let variance = known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / known.len() as f64;
    Some(NannyMl { threshold: mean + 3.0 * libm::sqrt(variance), reference, current })
}

/// The distance of a chunk, with a bin for what the bins do not hold.
fn score((base, _): &Histogram, (mut shares, count): Histogram) -> f64 {
    if count == 0 {
        return f64::NAN;
    }
    let mut base = base.clone();
    let left = 1.0 - shares.iter().sum::<f64>();
    if left > 0.0 {
        base.push(0.0);
        shares.push(left);
    }
    // scipy makes both sum to 1.
    for side in [&mut base, &mut shares] {
        let sum: f64 = side.iter().sum();
        for share in side {
            *share /= sum;
        }
    }
    jensen_shannon(&base, &shares)
}

/// The edges of Doane's bins as numpy makes them. `None` without values, or when they are infinite or too large.
fn doane(rows: &[Option<f64>]) -> Option<Vec<f64>> {
    let values: Vec<f64> = rows.iter().copied().flatten().collect();
    let n = values.len() as f64;
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    if !(low.is_finite() && high.is_finite()) {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let deviation = libm::sqrt(values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n);
    let mut bins = 1.0;
    if n > 2.0 && deviation > 0.0 {
        let skew = values.iter().map(|value| ((value - mean) / deviation).powi(3)).sum::<f64>() / n;
        let spread = libm::sqrt(6.0 * (n - 2.0) / ((n + 1.0) * (n + 3.0)));
        let width = (high - low) / (1.0 + libm::log2(n) + libm::log2(1.0 + skew.abs() / spread));
        bins = ((high - low) / width).ceil();
    }
    // There are a few dozen, unless the values' cubes are beyond numbers.
    if !(1.0..=BINS_MAX).contains(&bins) {
        return None;
    }
    let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
    let step = (high - low) / bins;
    let mut edges: Vec<f64> = (0..=bins as usize).map(|at| at as f64 * step + low).collect();
    if let Some(last) = edges.last_mut() {
        *last = high;
    }
    Some(edges)
}

/// Shares of the bins: closed below, and the last above as well.
fn histogram(rows: &[Option<f64>], edges: &[f64]) -> Histogram {
    let keys: Vec<u64> = rows.iter().copied().flatten().map(key).collect();
    let values = sorted(keys, &mut Vec::new());
    let before = |at: usize| {
        if at + 1 == edges.len() {
            values.partition_point(|value| *value <= edges[at])
        } else {
            values.partition_point(|value| *value < edges[at])
        }
    };
    let ends: Vec<usize> = (0..edges.len()).map(before).collect();
    let count = values.len();
    (ends.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / count.max(1) as f64).collect(), count)
}
