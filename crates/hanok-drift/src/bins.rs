//! Bins that the reference decides, so that they stay what they are when the current sample changes.

/// Bins of equal counts that a continuous column gets.
const DECILES: usize = 10;
/// A column with at most so many values has a bin for each.
const LEVELS_MAX: usize = 32;

/// Cuts in ascending order: a value belongs to the bin whose number is that of the cuts below it, so that the first and the
/// last bin hold what is out of the reference's range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bins {
    cuts: Vec<f64>,
}

impl Bins {
    /// Bins for a sorted sample with that many distinct values. A value that repeats has a bin of its own when there are few
    /// values or when it has a tenth of the rows: nothing then depends on which side of an edge belongs to a bin.
    pub(crate) fn new(sorted: &[f64], distinct: usize) -> Bins {
        let mut cuts = Vec::new();
        if let [first, .., last] | [first @ last] = sorted {
            cuts.push(first.next_down());
            if distinct <= LEVELS_MAX {
                let mut rest = sorted;
                while let Some(value) = rest.first() {
                    cuts.extend([value.next_down(), *value]);
                    rest = &rest[rest.partition_point(|other| other <= value)..];
                }
            } else {
                for decile in 1..DECILES {
                    let value = sorted[(decile * sorted.len()).div_ceil(DECILES) - 1];
                    let start = sorted.partition_point(|other| *other < value);
                    let end = sorted.partition_point(|other| *other <= value);
                    if (end - start) * DECILES >= sorted.len() {
                        cuts.push(value.next_down());
                    }
                    cuts.push(value);
                }
            }
            cuts.push(*last);
        }
        cuts.dedup();
        Bins { cuts }
    }

    /// The same for a sample that is given as different values in ascending order, or as buckets of neighbouring ones: the
    /// smallest and the largest value of each, and how often it is there.
    pub(crate) fn of_runs(runs: &[([f64; 2], u64)]) -> Bins {
        let mut cuts = Vec::new();
        if let [first, .., last] | [first @ last] = runs {
            cuts.push(first.0[0].next_down());
            if runs.len() <= LEVELS_MAX {
                cuts.extend(runs.iter().flat_map(|([low, high], _)| [low.next_down(), *high]));
            } else {
                let all: u64 = runs.iter().map(|(_, count)| count).sum();
                let (mut at, mut before) = (0, 0);
                for decile in 1..DECILES as u64 {
                    let place = (u128::from(decile) * u128::from(all)).div_ceil(DECILES as u128) as u64;
                    while before + runs[at].1 < place {
                        before += runs[at].1;
                        at += 1;
                    }
                    let ([low, high], count) = runs[at];
                    if u128::from(count) * DECILES as u128 >= u128::from(all) {
                        cuts.push(low.next_down());
                    }
                    cuts.push(high);
                }
            }
            cuts.push(last.0[1]);
        }
        cuts.dedup();
        Bins { cuts }
    }

    /// How many each bin has of runs that no cut divides.
    pub(crate) fn counts_of_runs(&self, runs: &[([f64; 2], u64)]) -> Vec<u64> {
        let mut counts = vec![0; self.cuts.len() + 1];
        for ([_, high], count) in runs {
            counts[self.cuts.partition_point(|cut| cut < high)] += count;
        }
        counts
    }

    /// How many of a sorted sample's values each bin has.
    pub(crate) fn counts(&self, sorted: &[f64]) -> Vec<u64> {
        let mut before = 0;
        let mut counts: Vec<u64> = Vec::with_capacity(self.cuts.len() + 1);
        for cut in &self.cuts {
            let end = before + sorted[before..].partition_point(|value| value <= cut);
            counts.push((end - before) as u64);
            before = end;
        }
        counts.push((sorted.len() - before) as u64);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn continuous_values_are_in_deciles_and_two_outer_bins() {
        let sorted: Vec<f64> = (0..1000).map(f64::from).collect();
        let bins = Bins::new(&sorted, 1000);
        assert_eq!(bins.counts(&sorted), [0, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 0]);
        assert_eq!(bins.counts(&[-1.0, 0.5, 5e9]), [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn clipped_values_have_a_bin_of_their_own_and_no_edge_convention_matters() {
        let mut sorted = vec![0.0; 400];
        sorted.extend((1..=600).map(f64::from));
        let bins = Bins::new(&sorted, 601);
        let counts = bins.counts(&sorted);
        assert_eq!((counts[0], counts[1]), (0, 400));
        assert!(counts[2..].iter().all(|count| *count <= 100));
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let bins = Bins::new(&[1.0, 1.0, 2.0, 5.0], 3);
        assert_eq!(bins.counts(&[0.0, 1.0, 1.5, 2.0, 2.0, 5.0, 6.0, 7.0]), [1, 1, 1, 2, 0, 1, 2]);
        assert_eq!(Bins::new(&[], 0).counts(&[1.0]), [1]);
        assert_eq!(
            Bins::new(&[f64::NEG_INFINITY, f64::INFINITY], 2)
                .counts(&[0.0, f64::INFINITY])
                .iter()
                .sum::<u64>(),
            2
        );
    }

    proptest! {
        #[test]
        fn every_value_is_in_the_bin_of_the_cuts_below_it(mut sample in prop::collection::vec(-40_i32..40, 1..200), other in prop::collection::vec(-50_i32..50, 0..50)) {
            sample.sort_unstable();
            let sorted: Vec<f64> = sample.iter().map(|v| f64::from(*v)).collect();
            sample.dedup();
            let bins = Bins::new(&sorted, sample.len());
            prop_assert!(bins.cuts.is_sorted_by(|a, b| a < b));
            let mut other: Vec<f64> = other.into_iter().map(f64::from).collect();
            other.sort_unstable_by(f64::total_cmp);
            let counts = bins.counts(&other);
            let mut expected = vec![0; bins.cuts.len() + 1];
            for v in &other {
                expected[bins.cuts.iter().filter(|cut| *cut < v).count()] += 1;
            }
            prop_assert_eq!(counts, expected);
        }
    }
}
