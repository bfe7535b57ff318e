//! Two profiles compared, with what sketches do not know.

use arrow::datatypes::DataType;
use hashbrown::{HashMap, HashSet};

use crate::aspects::{changed, missing_of, push, push_categories, push_outside};
use crate::bins::Bins;
use crate::categories::compare_rates;
use crate::column::Kind;
use crate::compare::{Column, Report, What, judge};
use crate::divergence::{jensen_shannon, le_cam, shares, total_variation};
use crate::error::CompareError;
use crate::measure::Measure;
use crate::numeric::{Given, Sample, distances, judged, spread};
use crate::profile::frequent::{EXACT_MAX, Frequent};
use crate::profile::numbers::{Numbers, Weighted};
use crate::profile::ranks::ranks_of_runs;
use crate::profile::values::{Lists, Texts, Times, Values};
use crate::profile::{ColumnProfile, TableProfile};
use crate::shape::Shape;
use crate::verdict::{Options, Verdict};

/// Ranks are computed for fewer values a side; of more, shares are the same and tests are those of so many.
const TESTED_MAX: u64 = (1 << 31) - 1;
/// Values of a sample that stands for a side in a picture.
const PICTURED: usize = 4000;
/// Of texts that are too many to be counted, those are told apart that were seen so many times as often as the error is large.
const ABOVE_ERROR: u64 = 20;

/// Compares the columns that two profiles have in common, as [`crate::compare`] compares tables.
///
/// What is exact in a profile (columns with at most 1024 different numbers, 1536 different texts or patterns; histograms, moments,
/// extremes, counts) gives the same statistics. The rest has an error, which each statistic and effect states
/// ([`crate::Effect::error`]): p-values are those of the nearer end, an effect must be beyond its threshold by the error to be
/// [`Verdict::Drifted`], and what lies between is [`Verdict::Undecided`]. Cramér–von Mises and Anderson–Darling are only of exact columns. Texts
/// are categories while both sides have at most `options.categories`, and at most 1536, different ones together; when a side has more than 1536, the
/// frequent ones are, beside lengths, patterns and tokens, which tables do not look at ([`What::Values`]).
///
/// # Errors
///
/// [`CompareError::NothingInCommon`] and [`CompareError::Option`].
pub fn compare_profiles(
    reference: &TableProfile,
    current: &TableProfile,
    options: &Options,
) -> Result<Report, CompareError> {
    options.checked()?;
    let names = |profile: &TableProfile| {
        let columns = profile.columns.iter().map(|column| column.name.clone());
        columns.chain(profile.skipped.iter().cloned()).collect::<Vec<String>>()
    };
    let sides = [names(reference), names(current)];
    let sets = sides.each_ref().map(|names| names.iter().collect::<HashSet<&String>>());
    let only = |side: usize| {
        sides[side].iter().filter(|name| !sets[1 - side].contains(name)).cloned().collect::<Vec<String>>()
    };
    let places = [reference.by_name(), current.by_name()];
    let (mut columns, mut skipped) = (Vec::new(), Vec::new());
    for name in sides[0].iter().filter(|name| sets[1].contains(name)) {
        match [0, 1].map(|side| places[side].get(name.as_str())) {
            [Some(left), Some(right)] => columns.push(column([left, right], options)),
            _ => skipped.push(name.clone()),
        }
    }
    let (vanished, new) = (only(0), only(1));
    if columns.is_empty() {
        return Err(CompareError::NothingInCommon);
    }
    judge(&mut columns, options);
    Ok(Report { columns, vanished, new, skipped, options: *options })
}

fn column(sides: [&ColumnProfile; 2], options: &Options) -> Column {
    let mut kinds = sides.map(ColumnProfile::kind);
    // A side without a type takes the other's.
    for side in [0, 1] {
        if kinds[side] == Kind::Nothing {
            kinds[side] = kinds[1 - side];
        }
    }
    let mut column = Column {
        name: sides[0].name.clone(),
        kinds,
        types: sides.map(|side| side.data_type.clone()),
        profiles: sides.map(ColumnProfile::profile),
        aspects: Vec::new(),
        categories: None,
        shape: None,
        verdict: Verdict::Stable,
    };
    if kinds[0] == kinds[1] {
        let empty = sides
            .map(|side| matches!(side.values, Values::Nothing).then(|| Values::of(kinds[0], Kind::Nothing)));
        let values = [0, 1].map(|side| empty[side].as_ref().unwrap_or(&sides[side].values));
        aspects(&mut column, values, options);
    }
    column
}

fn aspects(column: &mut Column, sides: [&Values; 2], options: &Options) {
    match sides {
        [Values::Numbers(left), Values::Numbers(right)] => {
            let missing = missing_of(column);
            let sides = [left.settled(), right.settled()];
            let sides = [sides[0].as_ref(), sides[1].as_ref()];
            numbers(column, What::Values, sides, missing, options);
            outside(column, sides, options);
            column.shape = shape(sides, false);
        }
        [Values::Times(left), Values::Times(right)] => times(column, [left, right], options),
        [Values::Booleans(left), Values::Booleans(right)] => {
            let counts = [[left[0], right[0]], [left[1], right[1]]];
            let named = [("false", counts[0]), ("true", counts[1])];
            column.shape = Shape::of_counts(named.into_iter(), [0, 0]);
            push_categories(column, What::Values, &counts, missing_of(column), options);
        }
        [Values::Texts(left), Values::Texts(right)] => texts(column, [left, right], options),
        [Values::Lists(left), Values::Lists(right)] => lists(column, [left, right], options),
        _ => {}
    }
    let rates = [0, 1].map(|side| (column.profiles[side].missing, column.profiles[side].rows));
    if let Some(found) = compare_rates(rates, Measure::RateDifference, options.missing, options) {
        push(column, What::Missing, found.statistics, found.p, found.effect);
    }
    column.aspects.sort_by_key(|aspect| aspect.what);
}

/// Both sides are settled.
fn numbers(column: &mut Column, what: What, sides: [&Numbers; 2], missing: [u64; 2], options: &Options) {
    let samples = sides.map(Numbers::weighted);
    if samples.iter().any(|sample| sample.count == 0) {
        return;
    }
    let ranks = ranks_of_runs(&tested(&samples[0]), &tested(&samples[1]));
    let reference = &samples[0];
    let is_finite = |value: &&(f64, u64)| value.0.is_finite();
    let finite: u64 = reference.values.iter().filter(is_finite).map(|(_, count)| count).sum();
    let mut ends = Vec::with_capacity(reference.values.len());
    let mut end = 0;
    for (value, count) in reference.values.iter().filter(is_finite) {
        end += count;
        ends.push((end, *value));
    }
    let at = |place: usize| {
        let found = ends.partition_point(|(end, _)| *end <= place as u64);
        ends.get(found).map_or(0.0, |(_, value)| *value)
    };
    let given = Given {
        deviation: sides[0].moments.map_or(0.0, |moments| moments.deviation),
        spread: spread(finite as usize, at),
        binned: binned(sides, missing),
        error: samples[0].error + samples[1].error,
        area: samples[0].area + samples[1].area,
    };
    let found = judged(&ranks, &given, options);
    push(column, what, found.statistics, found.p, found.effect);
}

/// A sample of at most [`TESTED_MAX`] values with the same shares.
fn tested(sample: &Weighted) -> Vec<(f64, usize)> {
    let (mut before, mut given) = (0_u64, 0_u64);
    let size = sample.count.min(TESTED_MAX);
    let part = |(value, count): &(f64, u64)| {
        before += count;
        let end = (u128::from(before) * u128::from(size) / u128::from(sample.count)) as u64;
        let part = end - std::mem::replace(&mut given, end);
        (part > 0).then_some((*value, part as usize))
    };
    sample.values.iter().filter_map(part).collect()
}

/// The distances over the reference's bins, whose edges are those of buckets as wide as the wider side's, so that all is exact.
fn binned(sides: [&Numbers; 2], missing: [u64; 2]) -> [crate::measure::Statistic; 5] {
    let runs =
        [sides[0].grid.as_wide_as(&sides[1].grid).runs(), sides[1].grid.as_wide_as(&sides[0].grid).runs()];
    let bins = Bins::of_runs(&runs[0]);
    let side = |side: usize| {
        let mut counts = bins.counts_of_runs(&runs[side]);
        counts.push(missing[side]);
        shares(&counts)
    };
    distances(&side(0), &side(1))
}

/// Buckets that the reference's ends divide have an unknown number of values on each side of them.
fn outside(column: &mut Column, [reference, current]: [&Numbers; 2], options: &Options) {
    let (Some([first, last]), Some([least, largest])) = (reference.range(), current.range()) else { return };
    if reference.count() < 2 {
        return;
    }
    let (mut sure, mut perhaps) = (0_u64, 0_u64);
    for bucket in current.grid.buckets() {
        let (low, high) = (bucket.low.max(least), bucket.high.min(largest));
        if high < first || low > last {
            sure += bucket.count;
        } else if low < first || high > last {
            perhaps += bucket.count;
        }
    }
    let sizes = [reference, current].map(|side| side.quantiles.count() as f64);
    // The current extremes are known: beyond the reference's there is at least one value.
    let ends = u64::from(least < first) + u64::from(largest > last);
    push_outside(column, sizes, [sure.max(ends) as f64, (sure + perhaps).max(ends) as f64], options);
}

fn times(column: &mut Column, sides: [&Times; 2], options: &Options) {
    let settled = sides.map(|side| side.numbers.settled());
    column.shape = shape([settled[0].as_ref(), settled[1].as_ref()], true);
    let is_date = |data_type: &DataType| matches!(data_type, DataType::Date32);
    let is_time = |data_type: &DataType| matches!(data_type, DataType::Time32(_) | DataType::Time64(_));
    let missing = missing_of(column);
    if !column.types.iter().any(is_date) {
        let counts: Vec<[u64; 2]> = (0..24).map(|hour| sides.map(|side| side.hours[hour])).collect();
        push_categories(column, What::Hour, &counts, missing, options);
    }
    if !column.types.iter().any(is_time) {
        let counts: Vec<[u64; 2]> = (0..7).map(|day| sides.map(|side| side.weekdays[day])).collect();
        push_categories(column, What::Weekday, &counts, missing, options);
    }
}

fn texts(column: &mut Column, sides: [&Texts; 2], options: &Options) {
    let exact = sides.iter().all(|side| side.categories.is_exact());
    let rows = exact.then(|| together(sides.map(|side| side.categories.rows())));
    if let Some(rows) = rows.filter(|rows| rows.len() <= options.categories.min(EXACT_MAX)) {
        for profile in &mut column.profiles {
            // Of categories lengths say nothing.
            (profile.range, profile.quantiles, profile.mean, profile.deviation) = (None, None, None, None);
        }
        let missing = missing_of(column);
        let counts: Vec<[u64; 2]> = rows.iter().map(|(_, counts)| *counts).collect();
        push_categories(column, What::Values, &counts, missing, options);
        let rows: Vec<(&str, [u64; 2])> =
            rows.iter().map(|(name, counts)| (name.as_str(), *counts)).collect();
        column.shape = Shape::of_counts(rows.iter().copied(), [0, 0]);
        column.categories = Some(changed(&rows));
        return;
    }
    let missing = missing_of(column);
    let categories = sides.map(|side| &side.categories);
    // A share that is one of as many as there may be categories at most.
    let least = categories.map(|side| side.total() / options.categories.max(1) as u64);
    // What is exact is compared as rows are, which are not looked at in this way.
    let shape = match exact {
        true => None,
        false => frequent(column, What::Values, categories, least, missing, options),
    };
    let lengths = sides.map(|side| side.lengths.settled());
    numbers(column, What::Length, [lengths[0].as_ref(), lengths[1].as_ref()], [0, 0], options);
    let of_patterns =
        frequent(column, What::Pattern, sides.map(|side| &side.patterns), [0, 0], [0, 0], options);
    column.shape = shape.or(of_patterns);
    let counts: Vec<[u64; 2]> =
        (0..sides[0].tokens.len()).map(|token| sides.map(|side| side.tokens[token])).collect();
    push_categories(column, What::Token, &counts, [0, 0], options);
}

/// Counts of the texts of both sides, in the order of the texts.
fn together(sides: [Vec<(String, u64)>; 2]) -> Vec<(String, [u64; 2])> {
    let mut places: HashMap<String, [u64; 2]> = HashMap::new();
    for (side, rows) in sides.into_iter().enumerate() {
        for (text, count) in rows {
            places.entry(text).or_insert([0, 0])[side] += count;
        }
    }
    let mut rows: Vec<_> = places.into_iter().collect();
    rows.sort_unstable();
    rows
}

/// Texts of which some may be too many to be counted are compared by the frequent ones, that were there more than `least` times, and
/// the rest together; of values that are nothing but a rest nothing is said. Returns their picture.
///
/// Each frequent one may have been there more often by the sketch's error, which moves a distance by no more than its distance to the
/// worst case, because it is a metric. Le Cam's, which decides, is that of these categories, and at most that of all texts. Total
/// variation and Jensen–Shannon have bounds that hold for all texts: they are least when the rest is the same on both sides, and largest
/// when no text of it is on both.
fn frequent(
    column: &mut Column,
    what: What,
    sides: [&Frequent; 2],
    least: [u64; 2],
    missing: [u64; 2],
    options: &Options,
) -> Option<Shape> {
    let least = [0, 1].map(|side| least[side].max(ABOVE_ERROR * sides[side].error()));
    let is_kept = |(_, counts): &(String, [u64; 2])| (0..2).any(|side| counts[side] > least[side]);
    let mut rows: Vec<_> = together(sides.map(Frequent::rows)).into_iter().filter(is_kept).collect();
    for (text, counts) in &mut rows {
        *counts = sides.map(|side| side.at_least(text));
    }
    if rows.is_empty() && what == What::Values {
        return None;
    }
    let named = |side: usize| rows.iter().map(|(_, counts)| counts[side]).sum::<u64>();
    let rest = [0, 1].map(|side| sides[side].total() - named(side));
    let counts: Vec<[u64; 2]> = rows.iter().map(|(_, counts)| *counts).chain([rest]).collect();
    let before = column.aspects.len();
    push_categories(column, what, &counts, missing, options);
    let errors = sides.map(Frequent::error);
    for aspect in column.aspects[before..].iter_mut().filter(|_| errors != [0, 0] || rest != [0, 0]) {
        let error = error_of(le_cam, &counts, [0, 0], errors);
        aspect.effect = aspect.effect.within(error);
        for statistic in &mut aspect.statistics {
            statistic.p = None;
            let bounds = |distance| bounds(distance, &counts, missing, errors);
            (statistic.value, statistic.error) = match statistic.measure {
                Measure::LeCam => (statistic.value, error),
                Measure::TotalVariation => bounds(total_variation),
                Measure::JensenShannon => bounds(jensen_shannon),
                _ => (statistic.value, f64::INFINITY),
            };
        }
    }
    Shape::of_counts(rows.iter().map(|(name, counts)| (name.as_str(), *counts)), rest)
}

/// A distance of shares that is a metric, and grows with each category's share that only one side gains.
type Distance = fn(&[f64], &[f64]) -> f64;

/// The middle of what a distance of all texts may be, and how far it is from the ends.
fn bounds(distance: Distance, counts: &[[u64; 2]], missing: [u64; 2], errors: [u64; 2]) -> (f64, f64) {
    let of = |counts: &[[u64; 2]]| {
        let shares = [0, 1].map(|side| shares(&with(counts, side, missing)));
        distance(&shares[0], &shares[1])
    };
    let mut apart = counts.to_vec();
    if let Some(rest) = apart.pop() {
        apart.extend([[rest[0], 0], [0, rest[1]]]);
    }
    let error = error_of(distance, counts, missing, errors);
    let (low, high) = ((of(counts) - error).max(0.0), (of(&apart) + error).min(1.0));
    (f64::midpoint(low, high), 0.5 * (high - low))
}

/// One side of the counts, with what is missing.
fn with(counts: &[[u64; 2]], side: usize, missing: [u64; 2]) -> Vec<u64> {
    counts.iter().chain([&missing]).map(|row| row[side]).collect()
}

/// How far the distance of the counts may be from the truth, when of each text there may be so many more and of the rest, the last one,
/// as many less.
fn error_of(distance: Distance, counts: &[[u64; 2]], missing: [u64; 2], errors: [u64; 2]) -> f64 {
    let of = |side: usize| {
        let found = with(counts, side, missing);
        let mut most = found.clone();
        // What does not suffice for all moves most where there is least.
        let rest = counts.len().saturating_sub(1);
        let mut order: Vec<usize> = (0..rest).collect();
        order.sort_unstable_by_key(|at| found[*at]);
        for at in order {
            let more = errors[side].min(most[rest]);
            most[at] += more;
            most[rest] -= more;
        }
        distance(&shares(&found), &shares(&most))
    };
    of(0) + of(1)
}

fn lists(column: &mut Column, sides: [&Lists; 2], options: &Options) {
    let lengths = sides.map(|side| side.lengths.settled());
    let lengths = [lengths[0].as_ref(), lengths[1].as_ref()];
    numbers(column, What::Length, lengths, [0, 0], options);
    column.shape = shape(lengths, false);
    let missing = sides.map(|side| side.missing);
    match sides.map(|side| &side.elements) {
        [Values::Numbers(left), Values::Numbers(right)] => {
            let sides = [left.settled(), right.settled()];
            numbers(column, What::Element, [sides[0].as_ref(), sides[1].as_ref()], missing, options);
        }
        [Values::Booleans(left), Values::Booleans(right)] => {
            let counts = [[left[0], right[0]], [left[1], right[1]]];
            push_categories(column, What::Element, &counts, [0, 0], options);
        }
        [Values::Texts(left), Values::Texts(right)] => {
            let sides = [&left.categories, &right.categories];
            if sides.iter().all(|side| side.is_exact()) {
                let rows = together(sides.map(Frequent::rows));
                if rows.len() <= options.categories.min(EXACT_MAX) {
                    let counts: Vec<[u64; 2]> = rows.into_iter().map(|(_, counts)| counts).collect();
                    push_categories(column, What::Element, &counts, [0, 0], options);
                }
            }
        }
        _ => {}
    }
}

/// A picture, from equally many values of each part of a side.
fn shape(sides: [&Numbers; 2], is_time: bool) -> Option<Shape> {
    let samples = sides.map(|side| {
        let sample = side.weighted();
        let size = sample.count.min(PICTURED as u64);
        let (mut before, mut given) = (0_u64, 0_u64);
        let mut sorted = Vec::with_capacity(size as usize);
        for (value, count) in &sample.values {
            before += count;
            // The places of the sample are the middles of as many equal parts.
            let end = (u128::from(before) * 2 * u128::from(size) + u128::from(sample.count))
                / (2 * u128::from(sample.count));
            let end = (end as u64).min(size);
            sorted.extend((given..end).map(|_| *value));
            given = end;
        }
        Sample { sorted, missing: 0 }
    });
    Shape::of_numbers(&samples, is_time)
}
