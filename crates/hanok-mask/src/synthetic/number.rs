//! Columns of numbers, as whole cells of a grid: quantiles that say nothing of single rows.
//!
//! Sorted values are cut into at most 200 groups of at least `k`; the distribution passes through the groups' means and is
//! linear between them, so the ends are the means of the `k` lowest and highest values or more. A cell that fewer than `k`
//! rows have is never produced: the nearest other cell is taken instead. Columns of few different numbers keep to those.

/// Groups at most: knots of the distribution function.
const KNOTS_MAX: usize = 200;
/// So many different numbers or fewer are codes, grades or counts, and nothing lies between them.
const DISCRETE_MAX: usize = 100;
/// The share of rows that common numbers need for that.
const DISCRETE_SHARE: f64 = 0.9;
/// How far from a rare cell another one is looked for.
const NUDGE_MAX: i64 = 4_096;

/// A distribution of cells.
pub(super) enum Numbers {
    /// Cells with the shares that end at each.
    Discrete(Vec<(f64, i64)>),
    Continuous {
        /// Shares and the cells there, both ascending.
        knots: Vec<(f64, f64)>,
        /// Cells of fewer than `k` rows, ascending.
        rare: Vec<i64>,
    },
}

impl Numbers {
    /// The distribution; `None` for fewer than `k` values.
    pub(super) fn fit(cells: &[Option<i64>], k: usize) -> Option<Self> {
        let mut sorted: Vec<i64> = cells.iter().flatten().copied().collect();
        sorted.sort_unstable();
        if sorted.len() < k {
            return None;
        }
        let runs = || sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len()));
        let common: Vec<(i64, usize)> = runs().filter(|(_, rows)| *rows >= k).collect();
        let common_rows: usize = common.iter().map(|(_, rows)| rows).sum();
        let is_discrete = runs().count() <= DISCRETE_MAX;
        if is_discrete && common_rows as f64 >= DISCRETE_SHARE * sorted.len() as f64 {
            let mut end = 0;
            let ends = common.into_iter().map(|(cell, rows)| {
                end += rows;
                (end as f64 / common_rows as f64, cell)
            });
            return Some(Self::Discrete(ends.collect()));
        }
        let rare = runs().filter(|(_, rows)| *rows < k).map(|(cell, _)| cell).collect();
        let groups = (sorted.len() / k).clamp(1, KNOTS_MAX);
        let knots = (0..groups).map(|group| {
            let (start, end) = (group * sorted.len() / groups, (group + 1) * sorted.len() / groups);
            let mean = sorted[start..end].iter().map(|cell| *cell as f64).sum::<f64>() / (end - start) as f64;
            ((start + end) as f64 / 2.0 / sorted.len() as f64, mean)
        });
        Some(Self::Continuous { knots: knots.collect(), rare })
    }

    /// The cell at a share of the whole; `None` where nothing but rare cells is near.
    pub(super) fn at(&self, share: f64) -> Option<i64> {
        match self {
            Self::Discrete(ends) => {
                let at = ends.partition_point(|(end, _)| *end <= share).min(ends.len().checked_sub(1)?);
                Some(ends[at].1)
            }
            Self::Continuous { knots, rare } => {
                let (first, last) = (knots.first()?.1, knots.last()?.1);
                nudged(
                    interpolated(knots, share).round() as i64,
                    rare,
                    first.floor() as i64,
                    last.ceil() as i64,
                )
            }
        }
    }
}

fn interpolated(knots: &[(f64, f64)], share: f64) -> f64 {
    let above = knots.partition_point(|(knot, _)| *knot <= share);
    if above == 0 {
        return knots[0].1;
    }
    let (left, low) = knots[above - 1];
    match knots.get(above) {
        Some((right, high)) => low + (high - low) * (share - left) / (right - left),
        None => low,
    }
}

/// The nearest cell that is not rare, between the bounds.
fn nudged(cell: i64, rare: &[i64], least: i64, most: i64) -> Option<i64> {
    let is_free = |cell: &i64| (least..=most).contains(cell) && rare.binary_search(cell).is_err();
    (0..=NUDGE_MAX)
        .flat_map(|distance| [cell.saturating_sub(distance), cell.saturating_add(distance)])
        .find(is_free)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn cells(values: &[i64]) -> Vec<Option<i64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn few_numbers_keep_to_themselves() {
        let values: Vec<i64> = [0; 50].into_iter().chain([10; 50]).chain([7]).collect();
        let numbers = Numbers::fit(&cells(&values), 5).unwrap();
        let produced: Vec<i64> = (0..100).map(|at| numbers.at(f64::from(at) / 100.0).unwrap()).collect();
        assert!(produced.iter().all(|cell| [0, 10].contains(cell)));
        assert_eq!(produced.iter().filter(|cell| **cell == 0).count(), 50);
    }

    #[test]
    fn extremes_are_means_and_quantiles_are_kept() {
        let values: Vec<i64> = (0..10_000).map(|at| at * 10).chain([9_999_999]).collect();
        let numbers = Numbers::fit(&cells(&values), 5).unwrap();
        assert!(numbers.at(1.0 - 1e-12).unwrap() < 9_999_999 / 10, "the outlier is drawn into a mean");
        let median = numbers.at(0.5).unwrap();
        assert!((median - 50_000).abs() < 500, "{median}");
        assert!(Numbers::fit(&cells(&[1, 2, 3]), 5).is_none());
    }

    #[test]
    fn nothing_is_produced_where_all_is_rare() {
        let values: Vec<i64> = (0..20).collect();
        let numbers = Numbers::fit(&cells(&values), 5).unwrap();
        assert!((0..100).all(|at| numbers.at(f64::from(at) / 100.0).is_none()));
    }

    proptest! {
        #[test]
        fn rare_cells_are_never_produced(
            values in prop::collection::vec(-300i64..300, 10..400),
            k in 2usize..8,
            shares in prop::collection::vec(0.0f64..1.0, 50),
        ) {
            let mut counts: HashMap<i64, usize> = HashMap::new();
            for value in &values {
                *counts.entry(*value).or_default() += 1;
            }
            if let Some(numbers) = Numbers::fit(&cells(&values), k) {
                for cell in shares.iter().filter_map(|share| numbers.at(*share)) {
                    prop_assert!(counts.get(&cell).is_none_or(|count| *count >= k), "{} of {:?}", cell, counts);
                    prop_assert!(values.iter().min() <= Some(&cell) && Some(&cell) <= values.iter().max());
                }
            }
        }
    }
}
