//! Tests of a table of counts: two sides, and bins or categories.

use crate::special::chi2_sf;

/// Where a cell would be expected to hold fewer rows, its category is pooled with the other rare ones (Cochran 1954).
const EXPECTED_MIN: f64 = 5.0;
/// The largest count for which Fisher's test is summed.
const FISHER_MAX: u64 = 1_000_000;

/// A statistic that has a χ² distribution without drift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ChiSquared {
    pub(crate) statistic: f64,
    pub(crate) degrees: usize,
    pub(crate) p: f64,
}

/// The counts of both sides with the rare categories pooled into one, and without empty ones.
pub(crate) fn pooled(reference: &[u64], current: &[u64]) -> Vec<[u64; 2]> {
    let sums = [reference.iter().sum::<u64>(), current.iter().sum::<u64>()];
    let least = sums[0].min(sums[1]) as f64 / (sums[0] + sums[1]).max(1) as f64;
    let is_rare = |row: &[u64; 2]| ((row[0] + row[1]) as f64) * least < EXPECTED_MIN;
    let rows = reference.iter().zip(current).map(|(p, q)| [*p, *q]).filter(|row| row[0] + row[1] > 0);
    let (rare, mut table): (Vec<_>, Vec<_>) = rows.partition(is_rare);
    let mut pool = rare.iter().fold([0, 0], |sum, row| [sum[0] + row[0], sum[1] + row[1]]);
    if is_rare(&pool) && pool != [0, 0] {
        // Too few together as well: with the least frequent of the others.
        if let Some(at) = (0..table.len()).min_by_key(|at| table[*at][0] + table[*at][1]) {
            let row = table.swap_remove(at);
            pool = [pool[0] + row[0], pool[1] + row[1]];
        }
    }
    if pool != [0, 0] {
        table.push(pool);
    }
    table
}

/// Pearson's test that both sides have one distribution (a contingency test: the reference is a sample too).
pub(crate) fn chi_squared(table: &[[u64; 2]]) -> ChiSquared {
    summed(table, |found, expected| (found - expected).powi(2) / expected)
}

/// The likelihood-ratio test of the same.
pub(crate) fn g_test(table: &[[u64; 2]]) -> ChiSquared {
    summed(table, |found, expected| if found > 0.0 { 2.0 * found * libm::log(found / expected) } else { 0.0 })
}

fn summed(table: &[[u64; 2]], term: impl Fn(f64, f64) -> f64) -> ChiSquared {
    let sums = table.iter().fold([0.0, 0.0], |sum, row| [sum[0] + row[0] as f64, sum[1] + row[1] as f64]);
    let all = sums[0] + sums[1];
    if table.len() < 2 || sums[0] == 0.0 || sums[1] == 0.0 {
        return ChiSquared { statistic: 0.0, degrees: 0, p: 1.0 };
    }
    let of_row = |row: &[u64; 2]| {
        let share = (row[0] + row[1]) as f64 / all;
        term(row[0] as f64, share * sums[0]) + term(row[1] as f64, share * sums[1])
    };
    let statistic: f64 = table.iter().map(of_row).sum::<f64>().max(0.0);
    let degrees = table.len() - 1;
    ChiSquared { statistic, degrees, p: chi2_sf(statistic, degrees as f64) }
}

/// Fisher's exact test, two-sided: the probability of tables that are not more probable than this one. `None` when the counts
/// are too large to sum, where [`chi_squared`] is as good.
pub(crate) fn fisher(table: [[u64; 2]; 2]) -> Option<f64> {
    let [[a, b], [c, d]] = table;
    let (first_row, first_column, all) = (a + b, a + c, a + b + c + d);
    let low = (first_row + first_column).saturating_sub(all);
    let high = first_row.min(first_column);
    if high - low > FISHER_MAX {
        return None;
    }
    // Each table's weight is that of its neighbour times a ratio; the most probable one has 1.
    let ratio = |x: u64| {
        let up = (first_row - x) as f64 * (first_column - x) as f64;
        up / ((x + 1) as f64 * (all + x + 1 - first_row - first_column) as f64)
    };
    let product = u128::from(first_row + 1) * u128::from(first_column + 1);
    let mode = ((product / u128::from(all + 2)) as u64).clamp(low, high);
    let mut weights = vec![1.0_f64; (high - low + 1) as usize];
    for x in mode..high {
        weights[(x + 1 - low) as usize] = weights[(x - low) as usize] * ratio(x);
    }
    for x in (low..mode).rev() {
        weights[(x - low) as usize] = weights[(x + 1 - low) as usize] / ratio(x);
    }
    let limit = weights[(a - low) as usize] * (1.0 + 1e-7);
    let as_improbable: f64 = weights.iter().filter(|weight| **weight <= limit).sum();
    Some((as_improbable / weights.iter().sum::<f64>()).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_known_tables() {
        // scipy.stats.chi2_contingency([[10, 20, 30], [20, 20, 20]], correction=False), and lambda_="log-likelihood".
        let table = [[10, 20], [20, 20], [30, 20]];
        let (chi, g) = (chi_squared(&table), g_test(&table));
        assert!((chi.statistic - 5.333_333_333_333_333).abs() < 1e-12 && chi.degrees == 2);
        assert!((chi.p - 0.069_483_451_222_801_5).abs() < 1e-13, "{}", chi.p);
        assert!((g.statistic - 5.411_532_090_976_832_5).abs() < 1e-12, "{}", g.statistic);
        // scipy.stats.fisher_exact([[8, 2], [1, 5]])
        assert!((fisher([[8, 2], [1, 5]]).unwrap() - 0.034_965_034_965_034_99).abs() < 1e-14);
        assert_eq!(fisher([[0, 0], [3, 4]]), Some(1.0));
        assert_eq!(fisher([[0, 0], [0, 0]]), Some(1.0));
    }

    #[test]
    fn rare_categories_are_one() {
        let table = pooled(&[100, 1, 2, 0, 50], &[90, 0, 3, 4, 60]);
        assert_eq!(table, [[100, 90], [53, 67]]);
        assert_eq!(pooled(&[100, 4, 5, 0], &[90, 4, 5, 0]), [[100, 90], [9, 9]]);
        assert_eq!(pooled(&[1, 0], &[0, 1]), [[1, 1]]);
        assert_eq!(pooled(&[0], &[0]), [] as [[u64; 2]; 0]);
    }

    #[test]
    fn tables_without_a_choice_have_no_p_below_one() {
        for table in [&[][..], &[[3, 4]], &[[0, 4], [0, 5]]] {
            assert_eq!(chi_squared(table).p, 1.0);
            assert_eq!(g_test(table).p, 1.0);
        }
    }
}
