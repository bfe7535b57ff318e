//! Maximum mean discrepancy with random Fourier features.

use serde::Serialize;

use super::{MultivariateError, Rows, same_columns, scales};
use crate::special::normal_isf;
use crate::text::mixed;

/// Random features; the kernel's error falls with the root of their number.
const FEATURES: usize = 256;
/// Rows of a side that are used; more are thinned out evenly.
const ROWS_MAX: usize = 2000;
/// Permutations; the smallest p-value is 1 / 500.
const PERMUTATIONS: usize = 499;
/// Pairs of rows whose median distance is the kernel's width.
const PAIRS: usize = 2000;

/// How different two joint distributions are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Discrepancy {
    /// MMD² with a Gaussian kernel, by random features; it is biased upwards by about 1 / n + 1 / m.
    pub squared: f64,
    /// The share of permutations of all rows with a value at least as large, this one counted.
    pub p: f64,
    /// The kernel's standard deviation, in standard deviations of the columns: the median distance of rows.
    pub width: f64,
}

/// Compares joint distributions (Gretton et al. 2012; features by Rahimi and Recht 2007). The same seed gives the same result.
pub fn discrepancy(reference: &Rows, current: &Rows, seed: u64) -> Result<Discrepancy, MultivariateError> {
    same_columns(reference, current)?;
    let scales = scales(reference);
    let mut points = points(reference, &scales);
    let n = points.len();
    points.extend(self::points(current, &scales));
    let width = width(&points, seed);
    let features = features(&points, width, seed);
    let count = features.len();
    let squared_of = |is_first: &dyn Fn(usize) -> bool| {
        let mut sum = vec![0.0_f64; FEATURES];
        let mut all = vec![0.0_f64; FEATURES];
        for (row, features) in features.iter().enumerate() {
            let weight = f64::from(u8::from(is_first(row)));
            for ((sum, all), feature) in sum.iter_mut().zip(&mut all).zip(features) {
                let feature = f64::from(*feature);
                *sum += weight * feature;
                *all += feature;
            }
        }
        let (n, m) = (n as f64, (count - n) as f64);
        sum.iter().zip(&all).map(|(sum, all)| (sum / n - (all - sum) / m).powi(2)).sum::<f64>()
    };
    let squared = squared_of(&|row| row < n);
    let mut order: Vec<usize> = (0..count).collect();
    let mut as_large = 1;
    for permutation in 0..PERMUTATIONS {
        for at in (1..count).rev() {
            let random = mixed(seed ^ mixed((permutation * count + at) as u64));
            order.swap(at, (random % (at as u64 + 1)) as usize);
        }
        as_large += usize::from(squared_of(&|row| order[row] < n) >= squared);
    }
    Ok(Discrepancy { squared, p: as_large as f64 / (PERMUTATIONS + 1) as f64, width })
}

/// Standardised rows, at most [`ROWS_MAX`], evenly from all.
fn points(rows: &Rows, scales: &[(f64, f64)]) -> Vec<Vec<f64>> {
    let count = rows.len().min(ROWS_MAX);
    let point = |at: usize| {
        let row = at * rows.len() / count;
        rows.columns
            .iter()
            .zip(scales)
            .map(|(values, (mean, deviation))| (values[row] - mean) / deviation)
            .collect()
    };
    (0..count).map(point).collect()
}

/// The median distance of random pairs; 1 when most rows are equal.
fn width(points: &[Vec<f64>], seed: u64) -> f64 {
    let pick =
        |draw: usize| &points[(mixed(seed ^ mixed(draw as u64 ^ (1 << 40))) % points.len() as u64) as usize];
    let distance = |pair: usize| {
        let (a, b) = (pick(2 * pair), pick(2 * pair + 1));
        libm::sqrt(a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>())
    };
    let mut distances: Vec<f64> = (0..PAIRS).map(distance).collect();
    distances.sort_unstable_by(f64::total_cmp);
    let median = distances[PAIRS / 2];
    if median > 0.0 { median } else { 1.0 }
}

/// √(2 / D) cos(w·x + b) with normal w and uniform b: products of features are the kernel's values on average.
fn features(points: &[Vec<f64>], width: f64, seed: u64) -> Vec<Vec<f32>> {
    let uniform = |draw: u64| ((mixed(seed ^ mixed(draw)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let dimensions = points.first().map_or(0, Vec::len);
    let weights: Vec<f64> =
        (0..FEATURES * dimensions).map(|at| normal_isf(uniform(at as u64 | 1 << 41)) / width).collect();
    let shifts: Vec<f64> =
        (0..FEATURES).map(|at| std::f64::consts::TAU * uniform(at as u64 | 1 << 42)).collect();
    let height = libm::sqrt(2.0 / FEATURES as f64);
    let of = |point: &Vec<f64>| {
        let feature = |at: usize| {
            let weights = &weights[at * dimensions..(at + 1) * dimensions];
            let angle: f64 = weights.iter().zip(point).map(|(weight, value)| weight * value).sum();
            (height * libm::cos(angle + shifts[at])) as f32
        };
        (0..FEATURES).map(feature).collect()
    };
    points.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::normal_rows;
    use super::*;

    #[test]
    fn features_give_the_kernel_on_average() {
        let rows = normal_rows(40, 0.3, 9);
        let points = points(&rows, &scales(&rows));
        let features = features(&points, 2.0, 3);
        for (a, b) in (0..39).map(|at| (at, at + 1)) {
            let found: f64 = features[a].iter().zip(&features[b]).map(|(a, b)| f64::from(a * b)).sum();
            let distance: f64 = points[a].iter().zip(&points[b]).map(|(a, b)| (a - b).powi(2)).sum();
            assert!((found - (-distance / 8.0).exp()).abs() < 0.3, "{found}");
        }
    }

    #[test]
    fn joint_distributions_that_differ_have_a_small_p_and_equal_ones_do_not() {
        let same = (0..20).map(|seed| {
            discrepancy(&normal_rows(150, 0.5, seed), &normal_rows(200, 0.5, seed + 100), seed).unwrap().p
        });
        let small = same.filter(|p| *p <= 0.05).count();
        assert!(small <= 4, "{small} of 20");
        let found = discrepancy(&normal_rows(500, 0.9, 1), &normal_rows(500, -0.9, 2), 5).unwrap();
        assert_eq!(found.p, 0.002);
        assert_eq!(discrepancy(&normal_rows(500, 0.9, 1), &normal_rows(500, -0.9, 2), 5).unwrap(), found);
    }
}
