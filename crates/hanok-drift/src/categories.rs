//! Two samples of categories.

use hashbrown::HashMap;

use crate::contingency::{chi_squared, fisher, g_test, pooled};
use crate::divergence::{le_cam, shares};
use crate::measure::{Measure, Statistic, distance, test};
use crate::numeric::distances;
use crate::verdict::{Effect, Options, noncentrality_needed};

/// Counts of each category on the reference's side and on the current one.
pub(crate) struct Tally<'a> {
    places: HashMap<&'a str, usize>,
    pub(crate) counts: Vec<[u64; 2]>,
    pub(crate) names: Vec<&'a str>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new() -> Tally<'a> {
        Tally { places: HashMap::new(), counts: Vec::new(), names: Vec::new() }
    }

    /// Counts texts; false when there are more than `limit` categories.
    pub(crate) fn add(&mut self, side: usize, texts: impl Iterator<Item = &'a str>, limit: usize) -> bool {
        let mut last: Option<(&str, usize)> = None;
        for text in texts {
            let place = match last {
                Some((before, place)) if before == text => place,
                _ => *self.places.entry(text).or_insert_with(|| {
                    self.counts.push([0, 0]);
                    self.names.push(text);
                    self.counts.len() - 1
                }),
            };
            self.counts[place][side] += 1;
            last = Some((text, place));
            if self.counts.len() > limit {
                return false;
            }
        }
        true
    }

    /// Counts in the order of the names, so that nothing depends on the order of rows.
    pub(crate) fn sorted(&self) -> Vec<(&'a str, [u64; 2])> {
        let mut rows: Vec<_> = self.names.iter().copied().zip(self.counts.iter().copied()).collect();
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
        let mut tally = Tally::new();
        assert!(tally.add(0, ["가", "a\0", "가", "a"].into_iter(), 10));
        assert!(tally.add(1, ["a", "", "가"].into_iter(), 10));
        assert_eq!(tally.sorted(), [("", [0, 1]), ("a", [1, 1]), ("a\0", [1, 0]), ("가", [2, 1])]);
        assert!(!Tally::new().add(0, ["a", "b", "c"].into_iter(), 2));
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
