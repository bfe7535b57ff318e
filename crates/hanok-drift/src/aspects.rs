//! The aspects of each kind of column.

use arrow::array::{Array, ArrayRef, StringViewArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use hashbrown::HashMap;

use crate::categories::{self, Tally, compare_rates};
use crate::column::{self, Kind};
use crate::compare::{Aspect, Categories, Column, What};
use crate::error::CompareError;
use crate::measure::{Measure, Statistic, test};
use crate::numeric::{self, Sample};
use crate::shape::{Shape, quantile};
use crate::sort::{distinct, key, sorted};
use crate::text::{TOKENS, hash, mixed, pattern, token};
use crate::vectors::{Vectors, vectors};
use crate::verdict::{Effect, Options, Verdict};

/// Categories listed of each side.
const LISTED_MAX: usize = 20;
/// Different patterns that are told apart; further ones count together.
const PATTERNS_MAX: usize = 1000;
/// The shares of [`crate::Profile::quantiles`].
pub(crate) const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Up to so many values out of range their probability is a product, beyond by the logarithms of factorials.
const OUTSIDE_SUMMED_MAX: f64 = 10_000.0;

type Sides<'a> = [&'a [ArrayRef]; 2];

/// Adds to a column what its kind has.
pub(crate) fn compare(
    column: &mut Column,
    kind: Kind,
    sides: Sides<'_>,
    options: &Options,
    scratch: &mut Vec<u64>,
) -> Result<(), CompareError> {
    match kind {
        Kind::Numbers => numbers(column, What::Values, sides, options, scratch)?,
        Kind::Times => times(column, sides, options, scratch)?,
        Kind::Booleans => booleans(column, What::Values, sides, options)?,
        Kind::Texts => texts(column, What::Values, sides, options, scratch)?,
        Kind::Lists => lists(column, sides, options, scratch)?,
        Kind::Nothing => {}
    }
    let rates = [0, 1].map(|side| (column.profiles[side].missing, column.profiles[side].rows));
    if let Some(found) = compare_rates(rates, Measure::RateDifference, options.missing, options) {
        push(column, What::Missing, found.statistics, found.p, found.effect);
    }
    column.aspects.sort_by_key(|aspect| aspect.what);
    Ok(())
}

pub(crate) fn push(column: &mut Column, what: What, statistics: Vec<Statistic>, p: f64, effect: Effect) {
    column.aspects.push(Aspect { what, statistics, effect, p, p_adjusted: p, verdict: Verdict::Stable });
}

pub(crate) fn push_categories(
    column: &mut Column,
    what: What,
    counts: &[[u64; 2]],
    missing: [u64; 2],
    options: &Options,
) {
    if let Some(found) = categories::compare(counts, missing, options) {
        push(column, what, found.statistics, found.p, found.effect);
    }
}

fn push_numbers(
    column: &mut Column,
    what: What,
    samples: &[Sample; 2],
    options: &Options,
) -> Option<[usize; 2]> {
    let found = numeric::compare(&samples[0], &samples[1], options)?;
    push(column, what, found.statistics, found.p, found.effect);
    Some(found.distinct)
}

fn push_vectors(column: &mut Column, vectors: &Vectors, options: &Options) {
    column.shape = Shape::of_numbers(&vectors.direction, false);
    let [reference, current] = &vectors.direction;
    if let Some(found) = numeric::compare(reference, current, options) {
        let is_ks = |statistic: &&Statistic| statistic.measure == Measure::KolmogorovSmirnov;
        let d = found.statistics.iter().find(is_ks).map_or(0.0, |statistic| statistic.value);
        push(column, What::Direction, found.statistics, found.p, vectors.effect(d, options));
    }
    push_numbers(column, What::Distance, &vectors.distance, options);
}

pub(crate) fn missing_of(column: &Column) -> [u64; 2] {
    [column.profiles[0].missing, column.profiles[1].missing]
}

fn describe(column: &mut Column, side: usize, sample: &Sample) {
    let profile = &mut column.profiles[side];
    let moments = sample.moments();
    let values = &sample.sorted;
    profile.infinite = (values.len() - moments.map_or(0, |moments| moments.finite)) as u64;
    profile.range = values.first().zip(values.last()).map(|(first, last)| [*first, *last]);
    profile.quantiles =
        profile.range.map(|[first, _]| QUANTILES.map(|share| quantile(values, share).unwrap_or(first)));
    profile.mean = moments.map(|moments| moments.mean);
    profile.deviation = moments.map(|moments| moments.deviation);
}

fn numbers(
    column: &mut Column,
    what: What,
    sides: Sides<'_>,
    options: &Options,
    scratch: &mut Vec<u64>,
) -> Result<(), CompareError> {
    let samples = [column::sample(sides[0], scratch)?, column::sample(sides[1], scratch)?];
    if what == What::Values {
        for (side, sample) in samples.iter().enumerate() {
            column.profiles[side].missing = sample.missing as u64;
            describe(column, side, sample);
        }
        column.shape = Shape::of_numbers(&samples, false);
    }
    let distinct = push_numbers(column, what, &samples, options);
    if what == What::Values {
        for (side, profile) in column.profiles.iter_mut().enumerate() {
            profile.distinct = distinct.map(|distinct| distinct[side]);
        }
        outside(column, &samples, options);
    }
    Ok(())
}

/// The share of current values beyond the reference's.
fn outside(column: &mut Column, samples: &[Sample; 2], options: &Options) {
    let [reference, current] = samples.each_ref().map(|sample| sample.sorted.as_slice());
    let ([first, .., last], false) = (reference, current.is_empty()) else { return };
    let below = current.partition_point(|value| value < first);
    let above = current.len() - current.partition_point(|value| value <= last);
    let beyond = (below + above) as f64;
    push_outside(column, [reference.len() as f64, current.len() as f64], [beyond, beyond], options);
}

/// `beyond`: at least and at most so many current values are out of the reference's range.
pub(crate) fn push_outside(
    column: &mut Column,
    [n, m]: [f64; 2],
    [least, most]: [f64; 2],
    options: &Options,
) {
    let p = outside_probability(n, m, least);
    let (value, error) = (0.5 * (least + most) / m, 0.5 * (most - least) / m);
    // The share without drift is about exponential with a mean of 2 / (n + 1), which must be well below the threshold.
    let noise = 2.0 / (n + 1.0);
    let needed = 2.0 / options.outside;
    let effect = Effect::new(Measure::Outside, value, noise, options.outside, n.min(m), needed).within(error);
    push(column, What::Range, vec![test(Measure::Outside, value, p).within(error)], p, effect);
}

/// The probability that of m values at least k are beyond the outermost of n others when all are one sample. The terms
/// (j + 1)·C(n + m − j − 2, n − 2) / C(n + m, n) for j ≥ k add up to C(n + m − k − 1, n − 1) · (k + 1 + (m − k) / n) / C(n + m, n).
fn outside_probability(n: f64, m: f64, k: f64) -> f64 {
    let all = n + m;
    let ratio = if k <= OUTSIDE_SUMMED_MAX {
        let factor = |j: u32| (m - f64::from(j) + 1.0) / (all - f64::from(j));
        n / all * (1..=k as u32).map(factor).product::<f64>()
    } else {
        let below = |top: f64| libm::lgamma(top + 1.0);
        // C(n + m − k − 1, n − 1) / C(n + m, n).
        libm::exp(below(all - k - 1.0) - below(m - k) - below(all) + below(m) + libm::log(n))
    };
    (ratio * (k + 1.0 + (m - k) / n)).clamp(0.0, 1.0)
}

/// Categories that are the column's values, or elements of its lists, of which none is missing.
fn values_or_elements(column: &mut Column, what: What, counts: &[[u64; 2]], options: &Options) {
    let is_values = what == What::Values;
    if is_values {
        for (side, profile) in column.profiles.iter_mut().enumerate() {
            profile.distinct = Some(counts.iter().filter(|row| row[side] > 0).count());
        }
    }
    let missing = if is_values { missing_of(column) } else { [0, 0] };
    push_categories(column, what, counts, missing, options);
}

fn booleans(
    column: &mut Column,
    what: What,
    sides: Sides<'_>,
    options: &Options,
) -> Result<(), CompareError> {
    let [reference, current] = [column::booleans(sides[0])?, column::booleans(sides[1])?];
    let counts = [[reference[0], current[0]], [reference[1], current[1]]];
    if what == What::Values {
        column.shape = Shape::of_counts([("false", counts[0]), ("true", counts[1])].into_iter(), [0, 0]);
    }
    values_or_elements(column, what, &counts, options);
    Ok(())
}

fn times(
    column: &mut Column,
    sides: Sides<'_>,
    options: &Options,
    scratch: &mut Vec<u64>,
) -> Result<(), CompareError> {
    let mut hours = [[0, 0]; 24];
    let mut days = [[0, 0]; 7];
    let samples = [column::sample(sides[0], scratch)?, column::sample(sides[1], scratch)?];
    column.shape = Shape::of_numbers(&samples, true);
    for (side, sample) in samples.iter().enumerate() {
        describe(column, side, sample);
        column.profiles[side].distinct = Some(sample.sorted.chunk_by(|a, b| a == b).count());
        for seconds in &sample.sorted {
            let hour = (*seconds as i64).div_euclid(3600);
            hours[hour.rem_euclid(24) as usize][side] += 1;
            // 1970 began on a Thursday, the fourth day after Sunday.
            days[(hour.div_euclid(24) + 4).rem_euclid(7) as usize][side] += 1;
        }
    }
    let is_date = |data_type: &DataType| matches!(data_type, DataType::Date32);
    let is_time = |data_type: &DataType| matches!(data_type, DataType::Time32(_) | DataType::Time64(_));
    if !column.types.iter().any(is_date) {
        push_categories(column, What::Hour, &hours, missing_of(column), options);
    }
    if !column.types.iter().any(is_time) {
        push_categories(column, What::Weekday, &days, missing_of(column), options);
    }
    Ok(())
}

fn texts(
    column: &mut Column,
    what: What,
    sides: Sides<'_>,
    options: &Options,
    scratch: &mut Vec<u64>,
) -> Result<(), CompareError> {
    let sides = [column::texts(sides[0])?, column::texts(sides[1])?];
    let mut tally = Tally::default();
    let is_categories = sides
        .iter()
        .enumerate()
        .all(|(side, chunks)| chunks.iter().all(|chunk| tally.add(side, chunk, options.categories)));
    if is_categories {
        let rows = tally.sorted();
        let counts: Vec<[u64; 2]> = rows.iter().map(|(_, counts)| *counts).collect();
        values_or_elements(column, what, &counts, options);
        if what == What::Values {
            column.shape = Shape::of_counts(rows.iter().copied(), [0, 0]);
            column.categories = Some(changed(&rows));
        }
    } else if what == What::Values {
        drop(tally);
        long_texts(column, &sides, options, scratch);
    }
    Ok(())
}

/// Categories of one side only.
pub(crate) fn changed(rows: &[(&str, [u64; 2])]) -> Categories {
    let only = |side: usize| {
        let all = rows.iter().map(|(_, counts)| counts[side]).sum::<u64>().max(1);
        let mut found: Vec<_> = rows.iter().filter(|(_, counts)| counts[1 - side] == 0).collect();
        found.sort_by_key(|(_, counts)| std::cmp::Reverse(counts[side]));
        let share = found.iter().map(|(_, counts)| counts[side]).sum::<u64>() as f64 / all as f64;
        let listed = found.iter().take(LISTED_MAX).map(|(name, counts)| ((*name).to_owned(), counts[side]));
        (listed.collect::<Vec<_>>(), found.len(), share)
    };
    let (vanished, vanished_count, vanished_share) = only(0);
    let (new, new_count, new_share) = only(1);
    Categories { new, new_count, new_share, vanished, vanished_count, vanished_share }
}

fn long_texts(
    column: &mut Column,
    sides: &[Vec<StringViewArray>; 2],
    options: &Options,
    scratch: &mut Vec<u64>,
) {
    let mut patterns: HashMap<String, [u64; 2]> = HashMap::new();
    let mut tokens = [[0, 0]; TOKENS];
    let mut samples = [Sample::default(), Sample::default()];
    let mut buffer = String::new();
    let mut others = [0, 0];
    for (side, chunks) in sides.iter().enumerate() {
        let mut lengths = Vec::new();
        let mut hashes = Vec::new();
        for text in chunks.iter().flat_map(|chunk| chunk.iter().flatten()) {
            lengths.push(key(text.chars().count() as f64));
            let hash = hash(text.as_bytes());
            tokens[token(text, hash)][side] += 1;
            pattern(text, &mut buffer);
            if let Some(counts) = patterns.get_mut(buffer.as_str()) {
                counts[side] += 1;
            } else if patterns.len() < PATTERNS_MAX {
                patterns.entry(buffer.clone()).or_insert([0, 0])[side] += 1;
            } else {
                others[side] += 1;
            }
            hashes.push(hash);
        }
        column.profiles[side].distinct = Some(distinct(hashes, scratch));
        samples[side].sorted = sorted(lengths, scratch);
        let infinite = column.profiles[side].infinite;
        describe(column, side, &samples[side]);
        column.profiles[side].infinite = infinite;
    }
    push_numbers(column, What::Length, &samples, options);
    let mut counts: Vec<_> = patterns.into_iter().collect();
    counts.sort_unstable();
    column.shape = Shape::of_counts(counts.iter().map(|(name, counts)| (name.as_str(), *counts)), others);
    let counts: Vec<[u64; 2]> = counts.into_iter().map(|(_, counts)| counts).chain([others]).collect();
    push_categories(column, What::Pattern, &counts, [0, 0], options);
    push_categories(column, What::Token, &tokens, [0, 0], options);
}

fn lists(
    column: &mut Column,
    sides: Sides<'_>,
    options: &Options,
    scratch: &mut Vec<u64>,
) -> Result<(), CompareError> {
    let mut samples = [Sample::default(), Sample::default()];
    let mut elements = [Vec::new(), Vec::new()];
    for (side, chunks) in sides.into_iter().enumerate() {
        let mut lengths = Vec::new();
        let mut before = 0;
        for chunk in chunks {
            let (found, some) = list(chunk, before, &mut lengths)?;
            before += found;
            elements[side].extend(some);
        }
        samples[side].sorted = sorted(lengths, scratch);
        describe(column, side, &samples[side]);
    }
    column.shape = Shape::of_numbers(&samples, false);
    push_numbers(column, What::Length, &samples, options);
    let kind = |chunks: &[ArrayRef]| chunks.first().and_then(|chunk| Kind::of(chunk.data_type()));
    let elements = [elements[0].as_slice(), elements[1].as_slice()];
    match (kind(elements[0]), kind(elements[1])) {
        (Some(Kind::Numbers), Some(Kind::Numbers)) => {
            if let Some(found) = vectors(sides, scratch)? {
                push_vectors(column, &found, options);
            }
            numbers(column, What::Element, elements, options, scratch)
        }
        (Some(Kind::Booleans), Some(Kind::Booleans)) => booleans(column, What::Element, elements, options),
        (Some(Kind::Texts), Some(Kind::Texts)) => texts(column, What::Element, elements, options, scratch),
        _ => Ok(()),
    }
}

/// Adds the lengths of a chunk's lists, and takes an element of each at a place that the row's number chooses: one a row, so that
/// rows stay independent.
fn list(
    chunk: &ArrayRef,
    before: u64,
    lengths: &mut Vec<u64>,
) -> Result<(u64, Option<ArrayRef>), CompareError> {
    let Some(lists) = column::lists(chunk)? else { return Ok((0, None)) };
    let mut places = Vec::new();
    for (row, ends) in lists.offsets().windows(2).enumerate() {
        let length = (ends[1] - ends[0]) as u64;
        if lists.is_null(row) {
            continue;
        }
        lengths.push(key(length as f64));
        if let Some(place) = mixed(before + row as u64).checked_rem(length) {
            places.push(ends[0] as u32 + place as u32);
        }
    }
    let some = take(lists.values(), &UInt32Array::from(places), None)?;
    Ok((lists.len() as u64, Some(some)))
}
