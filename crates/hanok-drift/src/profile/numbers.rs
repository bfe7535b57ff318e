//! What is kept of a column's numbers.

use std::borrow::Cow;

use crate::compare::Profile;
use crate::numeric::{Moments, moments};
use crate::profile::distinct::Distinct;
use crate::profile::grid::{Bucket, Grid};
use crate::profile::quantiles::{BLOCK, ERROR, Quantiles};
use crate::sort::{key, sort, value};

/// Numbers, without NaN. They are taken in sorted blocks: one sort serves all sketches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// Keys that no sketch has yet, less than a block.
    pending: Vec<u64>,
    pub(crate) quantiles: Quantiles,
    pub(crate) grid: Grid,
    /// Of the finite ones.
    pub(crate) moments: Option<Moments>,
    /// `None` of lengths.
    pub(crate) distinct: Option<Distinct>,
}

/// Memory that is used again.
#[derive(Default)]
pub(crate) struct Scratch {
    keys: Vec<u64>,
    numbers: Vec<f64>,
}

/// A sample that stands for all numbers, ascending, each with how many it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weighted {
    pub(crate) values: Vec<(f64, u64)>,
    pub(crate) count: u64,
    /// How far a share of values may be from the truth; 0 if the sample is exact.
    pub(crate) error: f64,
    /// The area between the distribution functions of the sample and the numbers is at most this.
    pub(crate) area: f64,
}

impl Numbers {
    pub(crate) fn with_distinct() -> Numbers {
        Numbers { distinct: Some(Distinct::default()), ..Numbers::default() }
    }

    /// Parts that agree on their count, see [`Numbers::is_consistent`].
    pub(crate) fn read(
        quantiles: Quantiles,
        grid: Grid,
        moments: Option<Moments>,
        distinct: Option<Distinct>,
    ) -> Numbers {
        Numbers { pending: Vec::new(), quantiles, grid, moments, distinct }
    }

    /// Whether the moments can be those of the values.
    pub(crate) fn is_consistent(&self) -> bool {
        let Some([low, high]) = self.range() else { return self.moments.is_none() };
        let count = self.quantiles.count();
        let Some(Moments { finite, mean, deviation }) = self.moments else {
            return low.is_infinite() && high.is_infinite();
        };
        // To rounding.
        let slack = 1e-9 * mean.abs().max(deviation) + f64::MIN_POSITIVE;
        let is_within = low - slack <= mean && mean <= high + slack && deviation <= high - low + slack;
        let are_all = low.is_finite() && high.is_finite();
        is_within && finite as u64 <= count && (finite as u64 == count || !are_all)
    }

    pub(crate) fn count(&self) -> u64 {
        self.quantiles.count() + self.pending.len() as u64
    }

    /// Adds numbers; NaN is left out.
    pub(crate) fn add(&mut self, mut numbers: &[f64], scratch: &mut Scratch) {
        while !numbers.is_empty() {
            let (some, rest) = numbers.split_at(numbers.len().min(BLOCK - self.pending.len()));
            self.pending.extend(some.iter().filter(|number| !number.is_nan()).map(|number| key(*number)));
            numbers = rest;
            if self.pending.len() == BLOCK {
                self.settle(scratch);
            }
        }
    }

    /// Adds a number many times.
    pub(crate) fn add_many(&mut self, number: f64, count: u64, scratch: &mut Scratch) {
        for _ in 0..count {
            self.pending.push(key(number));
            if self.pending.len() == BLOCK {
                self.settle(scratch);
            }
        }
    }

    /// Gives what is pending to the sketches.
    pub(crate) fn settle(&mut self, scratch: &mut Scratch) {
        if self.pending.is_empty() {
            return;
        }
        sort(&mut self.pending, &mut scratch.keys);
        let keys = &self.pending;
        self.quantiles.add(keys);
        self.grid.add(keys);
        scratch.numbers.clear();
        scratch.numbers.extend(keys.iter().map(|key| value(*key)));
        if let Some(distinct) = &mut self.distinct {
            for run in scratch.numbers.chunk_by(|a, b| a == b) {
                distinct.add_number(run[0]);
            }
        }
        let numbers = &scratch.numbers;
        let start = numbers.partition_point(|number| *number == f64::NEG_INFINITY);
        let end = numbers.partition_point(|number| *number < f64::INFINITY);
        self.moments = Moments::together(self.moments, moments(&numbers[start..end]));
        self.pending.clear();
    }

    /// The same with nothing pending.
    pub(crate) fn settled(&self) -> Cow<'_, Numbers> {
        if self.pending.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut settled = self.clone();
        settled.settle(&mut Scratch::default());
        Cow::Owned(settled)
    }

    pub(crate) fn merge(&mut self, other: &Numbers) {
        self.settle(&mut Scratch::default());
        let other = other.settled();
        self.quantiles.merge(&other.quantiles);
        self.grid.merge(&other.grid);
        self.moments = Moments::together(self.moments, other.moments);
        if let (Some(distinct), Some(more)) = (&mut self.distinct, &other.distinct) {
            distinct.merge(more);
        }
    }

    /// The smallest and the largest number.
    pub(crate) fn range(&self) -> Option<[f64; 2]> {
        self.quantiles.range().map(|range| range.map(value))
    }

    /// How far shares of values below a number may be from the truth.
    pub(crate) fn error(&self) -> f64 {
        if self.grid.is_exact() { 0.0 } else { ERROR }
    }

    /// The least kept values at or below which shares of all lie: exactly, or as DataSketches' `get_quantile(share, true)`.
    pub(crate) fn quantiles<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        let range = self.range()?;
        let count = self.quantiles.count() as f64;
        let kept = if self.grid.is_exact() { self.grid.places().to_vec() } else { self.quantiles.weighted() };
        Some(shares.map(|share| {
            let place = (share * count).ceil() as u64;
            let mut before = 0;
            let found = kept.iter().find(|(_, weight)| {
                before += weight;
                before >= place
            });
            found.map_or(range[1], |(key, _)| value(*key))
        }))
    }

    /// How many different numbers there are, and how far that may be from the truth.
    pub(crate) fn distinct(&self) -> Option<(f64, f64)> {
        if self.grid.is_exact() {
            Some((self.grid.len() as f64, 0.0))
        } else {
            Some(self.distinct.as_ref()?.estimate())
        }
    }

    /// Says of a side of a column what these numbers say.
    pub(crate) fn describe(&self, profile: &mut Profile) {
        let finite = self.moments.map_or(0, |moments| moments.finite as u64);
        profile.infinite = self.quantiles.count() - finite;
        profile.range = self.range();
        profile.quantiles = self.quantiles(crate::aspects::QUANTILES);
        profile.mean = self.moments.map(|moments| moments.mean);
        profile.deviation = self.moments.map(|moments| moments.deviation);
    }

    /// The sample: every bucket has exactly as many as the histogram counts, spread as the quantiles in it are.
    pub(crate) fn weighted(&self) -> Weighted {
        let count = self.quantiles.count();
        let mut found = Weighted { values: Vec::new(), count, error: 0.0, area: 0.0 };
        let Some([least, largest]) = self.range() else { return found };
        if self.grid.is_exact() {
            found.values = self.grid.places().iter().map(|(key, count)| (value(*key), *count)).collect();
            return found;
        }
        let kept = self.quantiles.weighted();
        let mut rest = kept.as_slice();
        for place in self.grid.places() {
            let Bucket { low, high, count } = self.grid.bucket(*place);
            let (low, high) = (low.max(least), high.min(largest));
            let before = rest.partition_point(|(key, _)| self.grid.place(*key) < place.0);
            let after = rest.partition_point(|(key, _)| self.grid.place(*key) <= place.0);
            share_out(count, &rest[before..after], 0.5 * low + 0.5 * high, &mut found.values);
            rest = &rest[after..];
            if low < high {
                let share = ERROR.min(count as f64 / found.count as f64);
                found.error = found.error.max(share);
                found.area += (high - low) * share;
            }
        }
        found
    }
}

/// Divides a count among keys in proportion to their weights, in whole numbers; without keys all get one place.
fn share_out(count: u64, kept: &[(u64, u64)], middle: f64, out: &mut Vec<(f64, u64)>) {
    let all: u64 = kept.iter().map(|(_, weight)| weight).sum();
    if all == 0 {
        out.push((middle, count));
        return;
    }
    let (mut weight, mut given) = (0, 0);
    for (key, more) in kept {
        weight += more;
        let end = (u128::from(count) * u128::from(weight) / u128::from(all)) as u64;
        if end > given {
            out.push((value(*key), end - given));
            given = end;
        }
    }
}
