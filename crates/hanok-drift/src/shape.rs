//! How a column's values are spread, for pictures.

use serde::Serialize;

use crate::numeric::Sample;

/// Categories that are told apart.
const LABELS_MAX: usize = 12;
/// The most inner bins; there are at least two thirds as many when the values allow it.
const BINS_MAX: f64 = 30.0;
/// Values of each side that are looked at to see whether all are whole.
const WHOLE_LOOKED_AT: usize = 256;
/// Tenths of a readable step, without its power of ten.
const STEPS: [f64; 9] = [10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0];
/// Readable steps of less than a day, in seconds.
pub(crate) const CLOCK: [f64; 17] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0,
    21_600.0, 43_200.0,
];
/// Seconds.
pub(crate) const DAY: f64 = 86_400.0;

/// How the values of both sides are spread. Shares are of a side's values, what is missing left out, and add up to 1; of a side
/// without values they are zeros.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Of numbers and times (in seconds, as in [`crate::Profile::range`]), of the lengths of lists.
    Bins {
        /// The k + 1 edges of k bins of one width, ascending and at readable values. They span what both sides have, but for
        /// outliers: the lowest and the highest hundredth of a side, and what is farther from its quartiles than three times their
        /// distance.
        edges: Vec<f64>,
        /// k + 2 shares a side: first of values below the first edge; then of each bin, its lower edge included, its upper
        /// one not; last of values at or above the last edge. Infinite values are in the outer two.
        shares: [Vec<f64>; 2],
    },
    /// Of categories and booleans; of texts that are no categories the frequent ones where these are compared ([`crate::What::Values`]),
    /// else their patterns (as in [`crate::What::Pattern`]).
    Shares {
        /// At most 12, with the largest share on one side first.
        labels: Vec<String>,
        /// A share a label.
        shares: [Vec<f64>; 2],
        /// The share of all others.
        rest: [f64; 2],
    },
}

impl Shape {
    /// `is_time` makes the steps those of clocks and days.
    pub(crate) fn of_numbers(samples: &[Sample; 2], is_time: bool) -> Option<Shape> {
        let [low, high] = span(samples)?;
        let edges = edges(low, high, samples.iter().all(is_whole), is_time);
        let shares = samples.each_ref().map(|sample| {
            let all = sample.sorted.len().max(1) as f64;
            let mut before = 0;
            let below = |edge: &f64| sample.sorted.partition_point(|value| value < edge);
            let ends = edges.iter().map(below).chain([sample.sorted.len()]);
            ends.map(|end| (end - std::mem::replace(&mut before, end)) as f64 / all).collect()
        });
        Some(Shape::Bins { edges, shares })
    }

    pub(crate) fn of_counts<'a>(
        rows: impl Iterator<Item = (&'a str, [u64; 2])>,
        others: [u64; 2],
    ) -> Option<Shape> {
        let mut rows: Vec<_> = rows.collect();
        let sum = |side: usize| rows.iter().map(|(_, counts)| counts[side]).sum::<u64>() + others[side];
        let sums = [sum(0), sum(1)];
        if sums == [0, 0] {
            return None;
        }
        let share = |counts: &[u64; 2], side: usize| counts[side] as f64 / sums[side].max(1) as f64;
        let larger = |counts: &[u64; 2]| share(counts, 0).max(share(counts, 1));
        rows.sort_by(|(a_name, a), (b_name, b)| larger(b).total_cmp(&larger(a)).then(a_name.cmp(b_name)));
        let listed = &rows[..rows.len().min(LABELS_MAX)];
        let shares =
            [0, 1].map(|side| listed.iter().map(|(_, counts)| share(counts, side)).collect::<Vec<_>>());
        let rest = [0, 1].map(|side| {
            let named: u64 = listed.iter().map(|(_, counts)| counts[side]).sum();
            (sums[side] - named) as f64 / sums[side].max(1) as f64
        });
        let labels = listed.iter().map(|(name, _)| (*name).to_owned()).collect();
        Some(Shape::Shares { labels, shares, rest })
    }
}

/// The value below which, or at which, a share of a sorted sample lies: the inverse of the distribution function.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied()
}

/// What a picture spans: of each side what is not an outlier.
fn span(samples: &[Sample; 2]) -> Option<[f64; 2]> {
    let of = |sample: &Sample| {
        let values = sample.finite();
        let at = |share: f64| quantile(values, share);
        let (mut low, mut high) = (at(0.01)?, at(0.99)?);
        let (lower, upper) = (at(0.25)?, at(0.75)?);
        let reach = 3.0 * (upper - lower);
        if reach > 0.0 && reach.is_finite() {
            (low, high) = (low.max(lower - reach), high.min(upper + reach));
        }
        Some([low, high])
    };
    let spans = samples.iter().filter_map(of);
    spans.reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
}

fn is_whole(sample: &Sample) -> bool {
    let values = sample.finite();
    let step = values.len().div_ceil(WHOLE_LOOKED_AT).max(1);
    values.iter().step_by(step).all(|value| value.fract() == 0.0)
}

fn edges(low: f64, high: f64, is_whole: bool, is_time: bool) -> Vec<f64> {
    let shift = if is_whole && !is_time { 0.5 } else { 0.0 };
    let readable = if low < high { steps(low, high, shift, is_time) } else { Vec::new() };
    let is_good = |edges: &[f64]| {
        edges.len() > 1 && edges.iter().all(|edge| edge.is_finite()) && edges.is_sorted_by(|a, b| a < b)
    };
    if is_good(&readable) {
        return readable;
    }
    // One value, or values so large or so near to each other that no readable number lies between them.
    let margin = if is_whole { 0.5 } else { 0.05 * high.abs().max(low.abs()) };
    let around = vec![low - margin, high + margin];
    if is_good(&around) { around } else { vec![low.next_down(), high.next_up()] }
}

/// Multiples of a readable step, less `shift` so that whole values lie within bins, around all from `low` to `high`.
fn steps(low: f64, high: f64, shift: f64, is_time: bool) -> Vec<f64> {
    let least = (high - low) / (BINS_MAX - 1.0);
    if !(least > 0.0 && least.is_finite()) {
        return Vec::new();
    }
    let unit = if is_time && least > CLOCK[CLOCK.len() - 1] { DAY } else { 1.0 };
    let is_clock = is_time && least > 0.5;
    let (times, power) = match CLOCK.iter().find(|step| **step >= least) {
        Some(step) if is_clock => (*step, 0),
        _ => readable(least / unit, shift > 0.0 || is_clock),
    };
    let edge = |at: f64| unit * scaled(at * times, power) - shift;
    let first = ((low + shift) / (edge(1.0) + shift)).floor();
    let mut edges = Vec::new();
    for at in 0..=BINS_MAX as u32 + 1 {
        edges.push(edge(first + f64::from(at)));
        if edges.last().is_some_and(|last| *last > high) {
            break;
        }
    }
    edges
}

/// A number times a power of ten. Dividing by a power of ten rounds once, multiplying by its inverse twice.
fn scaled(number: f64, power: i32) -> f64 {
    let ten = libm::pow(10.0, f64::from(power.abs()));
    if power < 0 { number / ten } else { number * ten }
}

/// The least readable step that is not below another: its figures, and the power of ten that they are multiplied by.
fn readable(least: f64, is_whole: bool) -> (f64, i32) {
    let mut power = libm::floor(libm::log10(least)) as i32 - 1;
    if is_whole && power < -1 {
        return (10.0, -1);
    }
    // Rounding may put a number just below a power of ten into the next one.
    for _ in 0..3 {
        let is_wide = |times: &&f64| {
            let step = scaled(**times, power);
            step >= least && (!is_whole || step.fract() == 0.0)
        };
        if let Some(times) = STEPS.iter().find(is_wide) {
            return (*times, power);
        }
        power += 1;
    }
    (10.0, power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(values: impl IntoIterator<Item = f64>) -> Sample {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Sample { sorted, missing: 0 }
    }

    fn bins(reference: &[f64], current: &[f64], is_time: bool) -> (Vec<f64>, [Vec<f64>; 2]) {
        let samples = [sample(reference.iter().copied()), sample(current.iter().copied())];
        match Shape::of_numbers(&samples, is_time) {
            Some(Shape::Bins { edges, shares }) => (edges, shares),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn edges_are_readable_and_whole_values_have_bins_around_them() {
        let tenths: Vec<f64> = (0..1000).map(|at| f64::from(at) / 1000.0 + 0.0001).collect();
        let (edges, shares) = bins(&tenths, &tenths, false);
        assert_eq!((edges[0], edges[1], edges.len()), (0.0, 0.04, 26));
        assert_eq!((shares[0][0], shares[0].len(), shares[0][26]), (0.0, 27, 0.0));
        let dice: Vec<f64> = (0..600).map(|at| f64::from(at % 6 + 1)).collect();
        let (edges, shares) = bins(&dice, &dice, false);
        assert_eq!(edges, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
        assert!(shares[1][1..7].iter().all(|share| *share == 1.0 / 6.0));
        let hours: Vec<f64> = (0..150).map(|at| 1e9 + 3600.0 * f64::from(at)).collect();
        let (edges, _) = bins(&hours, &hours, true);
        assert!(edges.iter().all(|edge| edge % 21_600.0 == 0.0) && edges.len() > 20, "{edges:?}");
        let years: Vec<f64> = (0..2000).map(|at| DAY * f64::from(at)).collect();
        let (edges, _) = bins(&years, &years, true);
        assert_eq!(edges[1] - edges[0], 80.0 * DAY);
    }

    #[test]
    fn a_long_tail_is_in_the_outer_bin() {
        let mut values: Vec<f64> = (0..980).map(|at| f64::from(at) / 10.0).collect();
        values.extend((0..20).map(|at| 1e6 * f64::from(at + 1)));
        values.push(f64::INFINITY);
        let (edges, shares) = bins(&values, &[f64::NEG_INFINITY, 50.0], false);
        assert!(edges[edges.len() - 1] < 500.0, "{edges:?}");
        assert!(shares[0][shares[0].len() - 1] > 0.015);
        assert_eq!(shares[1][0], 0.5);
    }

    #[test]
    fn the_most_frequent_categories_of_either_side_are_told_apart() {
        let names: Vec<String> = (0..20).map(|at| format!("c{at:02}")).collect();
        let rows = names.iter().enumerate().map(|(at, name)| (name.as_str(), [at as u64, 19 - at as u64]));
        let Some(Shape::Shares { labels, shares, rest }) = Shape::of_counts(rows, [10, 0]) else { panic!() };
        assert_eq!((labels.len(), labels[0].as_str(), labels[1].as_str()), (12, "c00", "c19"));
        for side in [0, 1] {
            assert!((shares[side].iter().sum::<f64>() + rest[side] - 1.0).abs() < 1e-12);
        }
        assert_eq!(Shape::of_counts([].into_iter(), [0, 0]), None);
    }

    proptest! {
        #[test]
        fn every_value_is_in_a_bin(values in prop::collection::vec(any::<f64>(), 1..60), other in prop::collection::vec(-1e3_f64..1e3, 0..60), round: bool, is_time: bool) {
            let values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).map(|value| if round { value.round() } else { value }).collect();
            let samples = [sample(values), sample(other)];
            if let Some(Shape::Bins { edges, shares }) = Shape::of_numbers(&samples, is_time) {
                prop_assert!(edges.len() > 1 && edges.len() <= 33 && edges.is_sorted_by(|a, b| a < b), "{:?}", edges);
                for (sample, shares) in samples.iter().zip(&shares) {
                    prop_assert_eq!(shares.len(), edges.len() + 1);
                    let sum: f64 = shares.iter().sum();
                    prop_assert!(sample.sorted.is_empty() || (sum - 1.0).abs() < 1e-9);
                }
            }
        }
    }
}
