//! Two samples of categories.

use arrow::array::{Array, StringViewArray};
use hashbrown::HashMap;

use crate::contingency::{chi_squared, fisher, g_test, pooled};
use crate::divergence::{le_cam, shares};
use crate::measure::{Measure, Statistic, distance, test};
use crate::numeric::distances;
use crate::verdict::{Effect, Options, noncentrality_needed};

/// Views that are remembered with their places; a power of two that fits into the first cache.
const RECENT: usize = 1 << 10;

/// Numbers for texts, in the order in which they come.
#[derive(Default)]
pub(crate) struct Places<'a> {
    places: HashMap<&'a str, u32>,
    pub(crate) names: Vec<&'a str>,
}

impl<'a> Places<'a> {
    /// Gives `found` the row and the number of each text of a chunk; stops and is false when there are more than `limit` texts.
    pub(crate) fn each(
        &mut self,
        chunk: &'a StringViewArray,
        limit: usize,
        mut found: impl FnMut(usize, u32),
    ) -> bool {
        // Equal views of one chunk are of equal texts: most rows need no hash of their text.
        let mut recent = vec![(0_u128, u32::MAX); RECENT];
        let views = chunk.views();
        let mut visit = |row: usize| {
            let view = views[row];
            let folded = (view as u64) ^ ((view >> 64) as u64);
            let slot = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % RECENT;
            let (before, mut place) = recent[slot];
            if before != view || place == u32::MAX {
                place = self.place(chunk.value(row));
                recent[slot] = (view, place);
            }
            found(row, place);
            self.names.len() <= limit
        };
        match chunk.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => (0..chunk.len()).all(&mut visit),
            Some(nulls) => nulls.valid_indices().all(&mut visit),
        }
    }

    fn place(&mut self, text: &'a str) -> u32 {
        let next = self.names.len() as u32;
        let place = *self.places.entry(text).or_insert(next);
        if place == next {
            self.names.push(text);
        }
        place
    }
}

/// Counts of each category on the reference's side and on the current one.
#[derive(Default)]
pub(crate) struct Tally<'a> {
    places: Places<'a>,
    counts: Vec<[u64; 2]>,
}

impl<'a> Tally<'a> {
    /// Counts the texts of a chunk; false when there are more than `limit` categories.
    pub(crate) fn add(&mut self, side: usize, chunk: &'a StringViewArray, limit: usize) -> bool {
        let counts = &mut self.counts;
        self.places.each(chunk, limit, |_, place| {
            let place = place as usize;
            if place >= counts.len() {
                counts.resize(place + 1, [0, 0]);
            }
            counts[place][side] += 1;
        })
    }

    /// Counts in the order of the names, so that nothing depends on the order of rows.
    pub(crate) fn sorted(&self) -> Vec<(&'a str, [u64; 2])> {
        let mut rows: Vec<_> = self.places.names.iter().copied().zip(self.counts.iter().copied()).collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        rows
    }
}

/// What the categories of both sides say.
pub(crate) struct Comparison {
    pub(crate) statistics: Vec<Statistic>,
    pub(crate) p: f64,
    pub(crate) effect: Effect,
}

/// All statistics of counts, the p-value that a verdict needs (of χ², with Fisher's in a table of two by two) and the effect.
/// Distances count what is missing as a category of its own, tests do not. `None` when a side has no values.
pub(crate) fn compare(counts: &[[u64; 2]], missing: [u64; 2], options: &Options) -> Option<Comparison> {
    let side = |side: usize| counts.iter().map(|row| row[side]).collect::<Vec<u64>>();
    let (reference, current) = (side(0), side(1));
    let (n, m) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n == 0 || m == 0 {
        return None;
    }
    let with_missing = |mut counts: Vec<u64>, missing: u64| {
        counts.push(missing);
        shares(&counts)
    };
    let mut statistics =
        distances(&with_missing(reference.clone(), missing[0]), &with_missing(current.clone(), missing[1]))
            .to_vec();
    let table = pooled(&reference, &current);
    let (chi, g) = (chi_squared(&table), g_test(&table));
    statistics.push(test(Measure::ChiSquared, chi.statistic, chi.p));
    statistics.push(test(Measure::GTest, g.statistic, g.p));
    let mut p = chi.p;
    if let [first, second] = counts
        && let Some(exact) = fisher([*first, *second])
    {
        let odds = (first[0] as f64 * second[1] as f64) / (first[1] as f64 * second[0] as f64);
        statistics.push(Statistic {
            p: Some(exact),
            ..distance(Measure::FisherExact, if odds.is_nan() { 1.0 } else { odds })
        });
        p = exact;
    }
    let harmonic = n as f64 * m as f64 / (n + m) as f64;
    let side = |side: usize| shares(&table.iter().map(|row| row[side]).collect::<Vec<u64>>());
    let value = le_cam(&side(0), &side(1));
    statistics.push(distance(Measure::LeCam, value));
    // Without drift its square is χ² / 4 / harmonic, and χ² is its degrees of freedom on average.
    let noise = libm::sqrt(chi.degrees as f64 / (4.0 * harmonic));
    let threshold = options.le_cam;
    let needed = noncentrality_needed(chi.degrees as f64, options) / (4.0 * threshold * threshold);
    let effect = Effect::new(Measure::LeCam, value, noise, threshold, harmonic, needed);
    Some(Comparison { statistics, p, effect })
}

/// Two rates, such as those of missing values: (how often, of how many) on each side.
pub(crate) fn compare_rates(
    rates: [(u64, u64); 2],
    measure: Measure,
    threshold: f64,
    options: &Options,
) -> Option<Comparison> {
    let [(a, n), (b, m)] = rates;
    if n == 0 || m == 0 {
        return None;
    }
    let table = [[a, b], [n - a, m - b]];
    let p = fisher(table).unwrap_or_else(|| chi_squared(&table).p);
    let difference = b as f64 / m as f64 - a as f64 / n as f64;
    let harmonic = n as f64 * m as f64 / (n + m) as f64;
    let pooled = (a + b) as f64 / (n + m) as f64;
    let noise = libm::sqrt(pooled * (1.0 - pooled) / harmonic);
    // With nothing missing the variance is that at the threshold.
    let variance = (pooled * (1.0 - pooled)).max(0.5 * threshold * (1.0 - 0.5 * threshold));
    let needed = noncentrality_needed(1.0, options) * variance / (threshold * threshold);
    let effect = Effect::new(measure, difference.abs(), noise, threshold, harmonic, needed);
    Some(Comparison { statistics: vec![test(measure, difference, p)], p, effect })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_counted_per_side_in_any_script() {
        let long = "a category that no view holds inline";
        let chunks = [
            StringViewArray::from(vec![Some("가"), Some("a\0"), None, Some("가"), Some("a"), Some(long)]),
            StringViewArray::from(vec!["a", "", "가", long, long]),
        ];
        let mut tally = Tally::default();
        assert!(chunks.iter().enumerate().all(|(side, chunk)| tally.add(side, chunk, 10)));
        let expected = [("", [0, 1]), ("a", [1, 1]), ("a\0", [1, 0]), (long, [1, 2]), ("가", [2, 1])];
        assert_eq!(tally.sorted(), expected);
        let three = StringViewArray::from(vec!["a", "b", "c"]);
        assert!(!Tally::default().add(0, &three, 2));
    }

    #[test]
    fn a_rate_of_missing_values_that_evidently_drops_is_drift() {
        let options = Options::default();
        let found =
            compare_rates([(0, 1000), (300, 1000)], Measure::RateDifference, options.missing, &options)
                .unwrap();
        assert!(found.p < 1e-50 && found.effect.beyond_noise > 0.29);
        assert!(compare_rates([(0, 0), (0, 1)], Measure::RateDifference, 0.1, &options).is_none());
        let none = compare_rates([(0, 1000), (0, 1000)], Measure::RateDifference, 0.05, &options).unwrap();
        assert_eq!((none.p, none.effect.beyond_noise), (1.0, 0.0));
    }
}
