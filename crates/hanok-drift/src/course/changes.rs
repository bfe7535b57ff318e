//! Where a sequence of counts changes.

use crate::text::mixed;

/// Below so many windows an order is too likely to be as clear by chance.
const WINDOWS_MIN: usize = 8;
/// Windows on each side of a split.
const SIDE_MIN: usize = 2;
/// Random orders: at least and at most.
const PERMUTATIONS: [usize; 2] = [999, 9999];
/// After so many orders that are as clear, the p-value is known well enough (Besag and Clifford 1991).
const AS_CLEAR_MAX: usize = 20;
/// Splits of one column.
const SPLITS_MAX: usize = 10;

/// A place at which the counts change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// The first window after it.
    pub(super) window: usize,
    pub(super) p: f64,
}

/// Random orders that let a single column of many be significant.
pub(super) fn permutations(columns: usize, alpha: f64) -> usize {
    ((2.0 * columns as f64 / alpha).ceil() as usize).clamp(PERMUTATIONS[0], PERMUTATIONS[1])
}

/// The splits with p ≤ alpha, ascending. `rows` are the counts of each window; a part of a part is never clearer than the part.
pub(super) fn splits(rows: &[Vec<u64>], permutations: usize, alpha: f64) -> Vec<Split> {
    let places: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].iter().any(|count| *count > 0)).collect();
    let rows: Vec<Vec<f64>> =
        places.iter().map(|at| rows[*at].iter().map(|count| *count as f64).collect()).collect();
    let mut found = Vec::new();
    let mut parts = vec![(0, rows.len(), 0.0)];
    while let Some((start, end, p_before)) = parts.pop() {
        let part = &rows[start..end];
        if part.len() < WINDOWS_MIN || found.len() >= SPLITS_MAX {
            continue;
        }
        let Some((at, clearness)) = clearest(part, &(0..part.len()).collect::<Vec<_>>()) else { continue };
        let p = probability(part, clearness, permutations, (start * rows.len() + end) as u64).max(p_before);
        if p <= alpha {
            found.push(Split { window: places[start + at], p });
            parts.push((start, start + at, p));
            parts.push((start + at, end, p));
        }
    }
    found.sort_unstable_by_key(|split| split.window);
    found
}

/// The share of orders with a split at least as clear, this one counted; when many are, as many as were needed to know.
fn probability(rows: &[Vec<f64>], clearness: f64, permutations: usize, seed: u64) -> f64 {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut as_clear = 0;
    for permutation in 0..permutations {
        for at in (1..order.len()).rev() {
            let random = mixed(seed ^ mixed((permutation * order.len() + at) as u64));
            order.swap(at, (random % (at as u64 + 1)) as usize);
        }
        // Sums in another order may differ in the last bits.
        as_clear +=
            usize::from(clearest(rows, &order).is_some_and(|(_, other)| other >= clearness * (1.0 - 1e-12)));
        if as_clear == AS_CLEAR_MAX {
            return as_clear as f64 / (permutation + 1) as f64;
        }
    }
    (as_clear + 1) as f64 / (permutations + 1) as f64
}

/// The first window after the split with the largest χ² of before and after, and that χ². `None` when nothing differs.
fn clearest(rows: &[Vec<f64>], order: &[usize]) -> Option<(usize, f64)> {
    let bins = rows.first()?.len();
    let mut sums = vec![0.0; bins];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
    }
    let all: f64 = sums.iter().sum();
    let inverse: Vec<f64> = sums.iter().map(|sum| if *sum > 0.0 { 1.0 / sum } else { 0.0 }).collect();
    let mut before = vec![0.0; bins];
    let mut best: Option<(usize, f64)> = None;
    for (at, window) in order.iter().enumerate().take(order.len().saturating_sub(SIDE_MIN)) {
        before.iter_mut().zip(&rows[*window]).for_each(|(sum, count)| *sum += count);
        if at + 1 < SIDE_MIN {
            continue;
        }
        let share = before.iter().sum::<f64>() / all;
        let squares = before.iter().zip(&sums).zip(&inverse).map(|((before, sum), inverse)| {
            let difference = before - sum * share;
            difference * difference * inverse
        });
        let value = squares.sum::<f64>() / (share * (1.0 - share));
        if value > best.map_or(0.0, |(_, value)| value) {
            best = Some((at + 1, value));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of 40 rows a window over four bins; from `change` on the last bin has more.
    fn rows(windows: usize, change: usize, seed: u64) -> Vec<Vec<u64>> {
        let row = |window: usize| {
            let mut counts = vec![0; 4];
            for at in 0..40 {
                let random = mixed(seed ^ mixed((window * 40 + at) as u64)) % 100;
                let is_last = window >= change && random % 10 < 4;
                counts[if is_last { 3 } else { (random / 25) as usize }] += 1;
            }
            counts
        };
        (0..windows).map(row).collect()
    }

    #[test]
    fn without_a_change_the_rate_is_the_level() {
        let found = (0..400).filter(|seed| !splits(&rows(12, 12, *seed), 999, 0.1).is_empty()).count();
        // Three standard deviations above 40 are 58.
        assert!((15..=58).contains(&found), "{found}");
    }

    #[test]
    fn changes_are_found_where_they_are() {
        for (windows, change) in [(20, 10), (30, 24), (40, 6)] {
            let found = splits(&rows(windows, change, 3), 999, 0.05);
            assert_eq!(found.iter().map(|split| split.window).collect::<Vec<_>>(), [change]);
            assert_eq!(found[0].p, 0.001);
        }
        // Windows without rows are passed over.
        let mut counts = rows(30, 15, 8);
        counts[3] = vec![0; 4];
        counts[15] = vec![0; 4];
        assert_eq!(splits(&counts, 999, 0.05)[0].window, 16);
        let there: Vec<_> = rows(40, 20, 5).into_iter().chain(rows(20, 20, 6)).collect();
        assert_eq!(splits(&there, 999, 0.05).iter().map(|split| split.window).collect::<Vec<_>>(), [20, 40]);
    }

    #[test]
    fn what_cannot_change_has_no_splits() {
        assert_eq!(splits(&[], 999, 0.05), []);
        assert_eq!(splits(&vec![vec![7]; 30], 999, 0.05), []);
        assert_eq!(splits(&vec![vec![0, 0]; 30], 999, 0.05), []);
        assert_eq!(splits(&vec![vec![3, 4]; 30], 999, 0.05), []);
        assert_eq!(splits(&rows(7, 4, 1), 999, 0.05), []);
    }

    #[test]
    fn days_that_differ_without_drift_are_no_change() {
        // Of every window all rows are in one bin, by chance: by rows this is as clear as a change can be.
        let row = |seed: u64, window: u64| {
            let is_first = mixed(seed ^ mixed(window)) % 2 == 0;
            if is_first { vec![1000, 0] } else { vec![0, 1000] }
        };
        let series = |seed: u64| (0..16).map(|window| row(seed, window)).collect::<Vec<_>>();
        let found = (0..100).filter(|seed| !splits(&series(seed * 977), 999, 0.05).is_empty()).count();
        assert!(found <= 12, "{found} of 100");
    }
}
