//! How well the reference's principal components describe rows.

use serde::Serialize;

use super::symmetric::eigenvectors;
use super::{MultivariateError, Rows, same_columns, scales};
use crate::measure::Statistic;
use crate::numeric::{self, Sample};
use crate::sort::{key, sorted};
use crate::verdict::{Effect, Options, Verdict};

/// The share of the variance that the components are to keep, as in NannyML.
const KEPT: f64 = 0.65;

/// Errors of reconstruction compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reconstruction {
    /// How many components keep 65 % of the reference's variance.
    pub components: usize,
    /// The mean error of reference rows that the components were not made from, and of the current rows.
    pub error: [f64; 2],
    /// The errors of both sides compared, as numbers are.
    pub statistics: Vec<Statistic>,
    /// The effect that decides.
    pub effect: Effect,
    /// The p-value that decides.
    pub p: f64,
    /// Whether rows lie differently in space.
    pub verdict: Verdict,
}

/// Makes principal components of every second row of the reference, standardised, and compares how far the other rows and the current
/// ones are from what these components say of them. Sees changed relations between columns; a shift along the components is not seen.
pub fn reconstruction(
    reference: &Rows,
    current: &Rows,
    options: &Options,
) -> Result<Reconstruction, MultivariateError> {
    same_columns(reference, current)?;
    options.checked()?;
    let half = |parity: usize| Rows {
        columns: reference
            .columns
            .iter()
            .map(|values| values.iter().skip(parity).step_by(2).copied().collect())
            .collect(),
    };
    let (made_from, kept_back) = (half(0), half(1));
    let scales = scales(&made_from);
    let vectors = eigenvectors(covariance(&made_from, &scales));
    let all: f64 = vectors.iter().map(|(value, _)| value.max(0.0)).sum();
    let mut sum = 0.0;
    let components = 1 + vectors
        .iter()
        .take_while(|(value, _)| {
            sum += value.max(0.0);
            sum < KEPT * all
        })
        .count();
    let components = components.min(vectors.len());
    let samples = [&kept_back, current].map(|rows| errors(rows, &scales, &vectors[..components]));
    let error = samples.each_ref().map(|sample| super::mean(&sample.sorted));
    let found = numeric::compare(&samples[0], &samples[1], options)
        .ok_or(MultivariateError::Rows { found: reference.len().min(current.len()) })?;
    let verdict = found.effect.verdict(found.p, options.alpha);
    Ok(Reconstruction {
        components,
        error,
        statistics: found.statistics,
        effect: found.effect,
        p: found.p,
        verdict,
    })
}

fn covariance(rows: &Rows, scales: &[(f64, f64)]) -> Vec<Vec<f64>> {
    let scaled: Vec<Vec<f64>> = rows
        .columns
        .iter()
        .zip(scales)
        .map(|(values, (mean, deviation))| values.iter().map(|value| (value - mean) / deviation).collect())
        .collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / a.len() as f64;
    scaled.iter().map(|a| scaled.iter().map(|b| product(a, b)).collect()).collect()
}

/// The distance of each row from its projection on the components.
fn errors(rows: &Rows, scales: &[(f64, f64)], vectors: &[(f64, Vec<f64>)]) -> Sample {
    let mut point = vec![0.0; scales.len()];
    let one = |row: usize| {
        for ((place, values), (mean, deviation)) in point.iter_mut().zip(&rows.columns).zip(scales) {
            *place = (values[row] - mean) / deviation;
        }
        let length: f64 = point.iter().map(|value| value * value).sum();
        let along = |vector: &Vec<f64>| vector.iter().zip(&point).map(|(a, b)| a * b).sum::<f64>().powi(2);
        let within: f64 = vectors.iter().map(|(_, vector)| along(vector)).sum();
        key(libm::sqrt((length - within).max(0.0)))
    };
    let keys = (0..rows.len()).map(one).collect();
    Sample { sorted: sorted(keys, &mut Vec::new()), missing: 0 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::normal_rows;
    use super::*;

    #[test]
    fn a_relation_that_breaks_is_found() {
        let options = Options::default();
        let same = reconstruction(&normal_rows(4000, 0.9, 1), &normal_rows(2000, 0.9, 2), &options).unwrap();
        assert_eq!((same.verdict, same.components), (Verdict::Stable, 2), "{same:?}");
        let broken =
            reconstruction(&normal_rows(4000, 0.9, 1), &normal_rows(2000, -0.9, 2), &options).unwrap();
        assert_eq!(broken.verdict, Verdict::Drifted);
        assert!(broken.error[1] > broken.error[0]);
    }
}
