//! A column's values, window by window, against the reference.

use std::ops::{Range, RangeTo};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringViewArray};
use arrow::compute::{cast, kernels::length::length};
use arrow::datatypes::DataType;

use super::Windows;
use crate::bins::Bins;
use crate::categories::{self, Places, compare_rates};
use crate::column::{self, Kind};
use crate::compare::{Pair, What, kinds};
use crate::error::CompareError;
use crate::kolmogorov::one_sample_sf;
use crate::measure::Measure;
use crate::numeric::{Sample, effects, spread};
use crate::ranks::ranks;
use crate::sort::{key, sorted};
use crate::verdict::{Effect, Options};

/// Values of the reference that a window is compared with; of more, every so manieth in ascending order. Their distribution is
/// within a forty thousandth of that of all.
const THINNED_MAX: usize = 20_000;
/// Categories in which changes are looked for; the others count together.
const CATEGORIES_MAX: usize = 20;

/// What the reference and each window have.
pub(super) struct Values {
    /// How many are missing of how many rows: of the reference, of the windows.
    reference_rate: (u64, u64),
    rates: Vec<(u64, u64)>,
    what: What,
    held: Held,
}

enum Held {
    Numbers(Numbers),
    /// How often each category is in the reference and in each window.
    Categories(Vec<u64>, Vec<Vec<u64>>),
    /// Values that only time itself or another kind could be compared by.
    Nothing,
}

struct Numbers {
    reference: Sample,
    thinned: Vec<f64>,
    deviation: f64,
    /// In ascending order.
    windows: Vec<Vec<f64>>,
}

/// What is shown of all windows.
pub(super) struct Shown {
    pub(super) what: What,
    pub(super) measure: Measure,
    pub(super) threshold: f64,
    pub(super) effects: Vec<Option<f64>>,
    /// The largest effect of each window, of any measure, in thresholds.
    ratios: Vec<Option<f64>>,
}

/// Some windows together.
pub(super) struct Segment {
    /// The largest effect in thresholds.
    pub(super) ratio: f64,
    /// Its p-value.
    pub(super) p: f64,
}

/// An effect, and what its p-value comes from.
struct Found {
    effect: Effect,
    chance: Chance,
}

enum Chance {
    Known(f64),
    /// The largest difference of the distribution functions, and n·m / (n + m). Its probability takes longer than all else.
    Kolmogorov(f64, f64),
}

impl Values {
    pub(super) fn new(
        pair: &Pair,
        windows: &Windows,
        options: &Options,
        scratch: &mut Vec<u64>,
    ) -> Result<Values, CompareError> {
        let sides = [pair.reference.as_slice(), pair.current.as_slice()];
        let kind = match kinds(pair)?.0 {
            [kind, other] if kind == other => kind,
            _ => Kind::Nothing,
        };
        let mut what = What::Values;
        let held = match kind {
            Kind::Numbers => numbers(sides, windows, scratch)?,
            Kind::Booleans => {
                let texts = [as_texts(sides[0])?, as_texts(sides[1])?];
                categories(&texts, windows, usize::MAX).unwrap_or(Held::Nothing)
            }
            Kind::Texts => {
                let texts = [column::texts(sides[0])?, column::texts(sides[1])?];
                if let Some(found) = categories(&texts, windows, options.categories) {
                    found
                } else {
                    what = What::Length;
                    let lengths =
                        texts.each_ref().map(|chunks| chunks.iter().map(characters).collect::<Vec<_>>());
                    numbers([&lengths[0], &lengths[1]], windows, scratch)?
                }
            }
            Kind::Lists => {
                what = What::Length;
                let lengths = |chunks: &[ArrayRef]| chunks.iter().map(|chunk| length(chunk)).collect();
                let lengths: [Result<Vec<ArrayRef>, _>; 2] = sides.map(lengths);
                let [reference, current] = lengths;
                numbers([&reference?, &current?], windows, scratch)?
            }
            Kind::Times | Kind::Nothing => Held::Nothing,
        };
        let (rows, nulls) = column::missing(sides[0]);
        let rates = |values: Vec<u64>| {
            windows
                .list
                .iter()
                .zip(values)
                .map(|(window, values)| (window.rows - values, window.rows))
                .collect()
        };
        let (missing, rates) = match &held {
            Held::Numbers(found) => (
                rows - found.reference.sorted.len() as u64,
                rates(found.windows.iter().map(|window| window.len() as u64).collect()),
            ),
            Held::Categories(_, counts) => {
                (nulls, rates(counts.iter().map(|counts| counts.iter().sum()).collect()))
            }
            Held::Nothing => (nulls, rates(valid(sides[1], windows))),
        };
        Ok(Values { reference_rate: (missing, rows), rates, what, held })
    }

    /// Of each window the share that is missing.
    pub(super) fn missing_rates(&self) -> Vec<Option<f64>> {
        let rate = |(missing, rows): &(u64, u64)| (*rows > 0).then(|| *missing as f64 / *rows as f64);
        self.rates.iter().map(rate).collect()
    }

    /// Counts of each window: of bins or categories, last of what is missing.
    pub(super) fn bins(&self) -> Vec<Vec<u64>> {
        let mut counts: Vec<Vec<u64>> = match &self.held {
            Held::Numbers(numbers) => numbers.bins(),
            Held::Categories(_, counts) => frequent(counts),
            Held::Nothing => self.rates.iter().map(|(missing, rows)| vec![rows - missing]).collect(),
        };
        counts.iter_mut().zip(&self.rates).for_each(|(counts, (missing, _))| counts.push(*missing));
        counts
    }

    /// The effects of all windows in the measure that goes farthest.
    pub(super) fn shown(&self, options: &Options) -> Shown {
        let found: Vec<Vec<Found>> =
            (0..self.rates.len()).map(|at| self.found(at..at + 1, options)).collect();
        let of = |measure: Measure| {
            let of = move |found: &Vec<Found>| {
                found
                    .iter()
                    .find(|found| found.effect.measure == measure)
                    .map(|found| found.effect.beyond_noise)
            };
            found.iter().map(of).collect::<Vec<Option<f64>>>()
        };
        let largest = |(measure, threshold): (Measure, f64)| {
            of(measure).into_iter().flatten().fold(0.0, f64::max) / threshold
        };
        let missing = (Measure::RateDifference, options.missing);
        let candidates = match self.held {
            Held::Numbers(_) => vec![
                (Measure::KolmogorovSmirnov, options.kolmogorov_smirnov),
                (Measure::WassersteinScaled, options.wasserstein_scaled),
                missing,
            ],
            Held::Categories(..) => vec![(Measure::LeCam, options.le_cam), missing],
            Held::Nothing => vec![missing],
        };
        // No picture has a place for an infinite distance, which a constant reference makes of any other value.
        let finite = candidates.iter().copied().filter(|candidate| largest(*candidate).is_finite());
        // The first of equal ones.
        let best = finite.rev().max_by(|a, b| largest(*a).total_cmp(&largest(*b)));
        let (measure, threshold) = best.unwrap_or(missing);
        let ratio = |found: &Vec<Found>| found.iter().map(|found| found.effect.ratio()).reduce(f64::max);
        Shown {
            what: if measure == Measure::RateDifference { What::Missing } else { self.what },
            measure,
            threshold,
            effects: of(measure),
            ratios: found.iter().map(ratio).collect(),
        }
    }

    /// Some windows together.
    pub(super) fn segment(&self, windows: Range<usize>, options: &Options) -> Segment {
        let found = self.found(windows, options);
        let largest = found.into_iter().max_by(|a, b| a.effect.ratio().total_cmp(&b.effect.ratio()));
        largest.map_or(Segment { ratio: 0.0, p: 1.0 }, |found| {
            let p = match found.chance {
                Chance::Known(p) => p,
                Chance::Kolmogorov(d, harmonic) => one_sample_sf(harmonic.round_ties_even().max(1.0), d),
            };
            Segment { ratio: found.effect.ratio(), p }
        })
    }

    fn found(&self, windows: Range<usize>, options: &Options) -> Vec<Found> {
        let add = |sum: (u64, u64), rate: &(u64, u64)| (sum.0 + rate.0, sum.1 + rate.1);
        let rate = self.rates[windows.clone()].iter().fold((0, 0), add);
        let mut found = match &self.held {
            Held::Numbers(numbers) => numbers.found(windows, options),
            Held::Categories(reference, counts) => {
                let sum = |place: usize| counts[windows.clone()].iter().map(|counts| counts[place]).sum();
                let table: Vec<[u64; 2]> =
                    reference.iter().enumerate().map(|(place, count)| [*count, sum(place)]).collect();
                let missing = [self.reference_rate.0, rate.0];
                let compared = categories::compare(&table, missing, options);
                compared
                    .map(|found| Found { effect: found.effect, chance: Chance::Known(found.p) })
                    .into_iter()
                    .collect()
            }
            Held::Nothing => Vec::new(),
        };
        let missing =
            compare_rates([self.reference_rate, rate], Measure::RateDifference, options.missing, options);
        found.extend(missing.map(|found| Found { effect: found.effect, chance: Chance::Known(found.p) }));
        found
    }
}

impl Shown {
    /// The median of the windows' largest effects in thresholds; 0 where there are none.
    pub(super) fn median_ratio(&self, windows: RangeTo<usize>) -> f64 {
        let mut ratios: Vec<f64> = self.ratios[windows].iter().flatten().copied().collect();
        ratios.sort_unstable_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(0.0)
    }
}

impl Numbers {
    fn found(&self, windows: Range<usize>, options: &Options) -> Vec<Found> {
        let together;
        let values = if windows.len() == 1 {
            &self.windows[windows.start]
        } else {
            let keys = self.windows[windows].iter().flatten().map(|value| key(*value)).collect();
            together = sorted(keys, &mut Vec::new());
            &together
        };
        if values.is_empty() || self.thinned.is_empty() {
            return Vec::new();
        }
        let ranks = ranks(&self.thinned, values);
        let (n, m) = (self.reference.sorted.len() as f64, values.len() as f64);
        let harmonic = n * m / (n + m);
        let d = ranks.above.max(ranks.below) as f64 / (ranks.n as f64 * m);
        let finite = self.reference.finite();
        let spread = spread(finite.len(), |place| finite[place]);
        let found = effects(&ranks, self.deviation, spread, harmonic, options);
        found.map(|effect| Found { effect, chance: Chance::Kolmogorov(d, harmonic) }).into()
    }

    fn bins(&self) -> Vec<Vec<u64>> {
        let all: usize = self.windows.iter().map(Vec::len).sum();
        let step = (all / THINNED_MAX).max(1);
        let keys = self.windows.iter().flatten().step_by(step).map(|value| key(*value)).collect();
        let some = sorted(keys, &mut Vec::new());
        let bins = Bins::new(&some, some.chunk_by(|a, b| a == b).count());
        self.windows.iter().map(|window| bins.counts(window)).collect()
    }
}

fn numbers(sides: [&[ArrayRef]; 2], windows: &Windows, scratch: &mut Vec<u64>) -> Result<Held, CompareError> {
    let reference = column::sample(sides[0], scratch)?;
    let deviation = reference.moments().map_or(0.0, |moments| moments.deviation);
    let n = reference.sorted.len();
    let few = n.min(THINNED_MAX);
    let thinned = (0..few).map(|at| reference.sorted[(2 * at + 1) * n / (2 * few)]).collect();
    let mut keys = vec![Vec::new(); windows.list.len()];
    let mut before = 0;
    for chunk in sides[1] {
        for (row, value) in column::numbers(chunk)?.iter().enumerate() {
            if let (Some(value), Some(window)) =
                (value.filter(|value| !value.is_nan()), windows.of(before + row))
            {
                keys[window].push(key(value));
            }
        }
        before += chunk.len();
    }
    let windows = keys.into_iter().map(|keys| sorted(keys, scratch)).collect();
    Ok(Held::Numbers(Numbers { reference, thinned, deviation, windows }))
}

/// `None` when there are more than `limit` categories.
fn categories(texts: &[Vec<StringViewArray>; 2], windows: &Windows, limit: usize) -> Option<Held> {
    let mut places = Places::default();
    let mut reference = Vec::new();
    let mut counts = vec![Vec::new(); windows.list.len()];
    for chunk in &texts[0] {
        places.each(chunk, limit, |_, place| add(&mut reference, place)).then_some(())?;
    }
    let mut before = 0;
    for chunk in &texts[1] {
        let count = |row: usize, place: u32| {
            if let Some(window) = windows.of(before + row) {
                add(&mut counts[window], place);
            }
        };
        places.each(chunk, limit, count).then_some(())?;
        before += chunk.len();
    }
    reference.resize(places.names.len(), 0);
    counts.iter_mut().for_each(|counts| counts.resize(places.names.len(), 0));
    Some(Held::Categories(reference, counts))
}

fn add(counts: &mut Vec<u64>, place: u32) {
    let place = place as usize;
    if place >= counts.len() {
        counts.resize(place + 1, 0);
    }
    counts[place] += 1;
}

/// The most frequent categories by themselves, the others together.
fn frequent(counts: &[Vec<u64>]) -> Vec<Vec<u64>> {
    let count = counts.first().map_or(0, Vec::len);
    let all = |place: &usize| counts.iter().map(|counts| counts[*place]).sum::<u64>();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|place| std::cmp::Reverse(all(place)));
    let (named, others) = order.split_at(count.min(CATEGORIES_MAX));
    let row = |counts: &Vec<u64>| {
        let of = |place: &usize| counts[*place];
        named.iter().map(of).chain([others.iter().map(of).sum()]).collect()
    };
    counts.iter().map(row).collect()
}

/// Booleans as the texts of their values.
fn as_texts(chunks: &[ArrayRef]) -> Result<Vec<StringViewArray>, CompareError> {
    let booleans: Result<Vec<ArrayRef>, _> = chunks
        .iter()
        .map(|chunk| cast(chunk, &DataType::Boolean).and_then(|chunk| cast(&chunk, &DataType::Utf8)))
        .collect();
    column::texts(&booleans?)
}

fn characters(chunk: &StringViewArray) -> ArrayRef {
    let count = |text: Option<&str>| text.map(|text| text.chars().count() as f64);
    Arc::new(chunk.iter().map(count).collect::<Float64Array>())
}

/// Of each window the rows that are not null.
fn valid(chunks: &[ArrayRef], windows: &Windows) -> Vec<u64> {
    let mut counts = vec![0; windows.list.len()];
    let mut before = 0;
    for chunk in chunks {
        let nulls = chunk.logical_nulls();
        for row in 0..chunk.len() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
                && let Some(window) = windows.of(before + row)
            {
                counts[window] += 1;
            }
        }
        before += chunk.len();
    }
    counts
}
