//! Changes of rank correlations.

use serde::Serialize;

use super::{MultivariateError, Rows, mean, same_columns};
use crate::measure::Measure;
use crate::special::normal_sf;
use crate::verdict::{Effect, Options, Verdict, benjamini_hochberg, noncentrality_needed};

/// A difference of two correlations that matters.
const THRESHOLD: f64 = 0.1;
/// The variance of Fisher's z of a rank correlation, times n − 3 (Fieller et al. 1957).
const SPREAD: f64 = 1.06;

/// How the rank correlation of two columns changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorrelationChange {
    /// The columns, by their places among the names.
    pub columns: [usize; 2],
    /// Spearman's correlation in the reference and the current rows; 0 when a column is constant.
    pub correlation: [f64; 2],
    /// The effect: the difference.
    pub effect: Effect,
    /// The p-value of Fisher's z.
    pub p: f64,
    /// Adjusted for all pairs of columns.
    pub p_adjusted: f64,
    /// Whether it matters.
    pub verdict: Verdict,
}

/// Compares the rank correlations of all pairs of columns; the largest change comes first.
pub fn correlations(
    reference: &Rows,
    current: &Rows,
    options: &Options,
) -> Result<Vec<CorrelationChange>, MultivariateError> {
    same_columns(reference, current)?;
    options.checked()?;
    let sides = [ranked(reference), ranked(current)];
    let sizes = [reference.len() as f64 - 3.0, current.len() as f64 - 3.0];
    let variance = SPREAD * (1.0 / sizes[0] + 1.0 / sizes[1]);
    let mut changes = Vec::new();
    for first in 0..reference.columns.len() {
        for second in first + 1..reference.columns.len() {
            let correlation = [0, 1].map(|side: usize| product(&sides[side][first], &sides[side][second]));
            let z = correlation.map(|r| libm::atanh(r.clamp(-1.0 + 1e-12, 1.0 - 1e-12)));
            let p = 2.0 * normal_sf((z[1] - z[0]).abs() / libm::sqrt(variance));
            // The slope of r in z is 1 − r².
            let slope = 1.0 - (0.5 * (correlation[0] + correlation[1])).powi(2);
            let noise = slope * libm::sqrt(variance);
            let harmonic = sizes[0] * sizes[1] / (sizes[0] + sizes[1]);
            let needed =
                noncentrality_needed(1.0, options) * SPREAD * slope * slope / (THRESHOLD * THRESHOLD);
            let value = (correlation[1] - correlation[0]).abs();
            let effect =
                Effect::new(Measure::CorrelationDifference, value, noise, THRESHOLD, harmonic, needed);
            changes.push(CorrelationChange {
                columns: [first, second],
                correlation,
                effect,
                p,
                p_adjusted: p,
                verdict: Verdict::Stable,
            });
        }
    }
    let adjusted = benjamini_hochberg(&changes.iter().map(|change| change.p).collect::<Vec<_>>());
    for (change, p) in changes.iter_mut().zip(adjusted) {
        change.p_adjusted = p;
        change.verdict = change.effect.verdict(p, options.alpha);
    }
    changes.sort_by(|a, b| b.effect.value.total_cmp(&a.effect.value));
    Ok(changes)
}

/// Ranks of each column, ties by their mean, scaled to a length of 1; zeros when all are equal.
fn ranked(rows: &Rows) -> Vec<Vec<f64>> {
    rows.columns.iter().map(|values| unit(ranks_of(values))).collect()
}

fn ranks_of(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for run in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let middle = start as f64 + 0.5 * (run.len() - 1) as f64;
        for place in run {
            ranks[*place] = middle;
        }
        start += run.len();
    }
    ranks
}

fn unit(mut values: Vec<f64>) -> Vec<f64> {
    let mean = mean(&values);
    for value in &mut values {
        *value -= mean;
    }
    let length = libm::sqrt(product(&values, &values));
    for value in &mut values {
        *value = if length > 0.0 { *value / length } else { 0.0 };
    }
    values
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::tests::normal_rows;
    use super::*;

    #[test]
    fn ranks_are_scipys() {
        // scipy.stats.rankdata([3, 1, 3, 2]) − 1, and spearmanr of it with [1, 2, 3, 4].
        assert_eq!(ranks_of(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        let r = product(&unit(ranks_of(&[3.0, 1.0, 3.0, 2.0])), &unit(ranks_of(&[1.0, 2.0, 3.0, 4.0])));
        assert!((r + 0.210_818_510_677_892).abs() < 1e-12, "{r}");
    }

    #[test]
    fn a_correlation_that_columns_do_not_show_is_found() {
        let options = Options::default();
        let same = correlations(&normal_rows(3000, 0.0, 1), &normal_rows(3000, 0.0, 2), &options).unwrap();
        assert!(same.iter().all(|change| change.verdict == Verdict::Stable), "{same:?}");
        let found = correlations(&normal_rows(3000, 0.0, 1), &normal_rows(3000, 0.6, 2), &options).unwrap();
        assert_eq!((found[0].columns, found[0].verdict), ([0, 1], Verdict::Drifted));
        assert!((found[0].correlation[1] - 0.58).abs() < 0.06, "{:?}", found[0]);
        assert!(found[1..].iter().all(|change| change.verdict == Verdict::Stable));
    }
}
