//! Which other feature's value tells most about what a feature does, without interaction values.

use super::sample::mixed;

/// Rows of a window.
const WINDOW_ROWS_MAX: usize = 50;
/// Windows of all rows, at least, when there are enough rows.
const WINDOWS: usize = 10;

/// A feature that may act together with another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partner {
    /// Its place.
    pub feature: usize,
    /// How strongly: of [`partners`] the sum over windows of |correlation|, of [`pairs_of`](super::pairs_of) the mean
    /// |interaction value|.
    pub strength: f64,
}

/// The other features by how much their values say about the SHAP values of `feature`, strongest first: rows are sorted by
/// the feature's own value and cut into windows, in which that value hardly changes; what is left of its SHAP values is
/// compared with the other feature's values by Pearson's correlation. Missing values are compared apart. (The idea of
/// `shap.utils.approximate_interactions`.)
///
/// `values` are the SHAP values of the rows, `inputs` the rows' values by feature, NaN when missing.
pub fn partners(feature: usize, values: &[f64], inputs: &[Vec<f64>]) -> Vec<Partner> {
    let Some(own) = inputs.get(feature) else { return Vec::new() };
    let mut order: Vec<usize> = (0..values.len().min(own.len())).collect();
    // Rows of the same value in no order: neighbours in a file are alike, which would hide what differs between them.
    order.sort_by(|a, b| own[*a].total_cmp(&own[*b]).then_with(|| mixed(*a as u64).cmp(&mixed(*b as u64))));
    let window = (order.len() / WINDOWS).clamp(1, WINDOW_ROWS_MAX);
    let strength = |other: &[f64]| {
        let of = |rows: &[usize]| {
            let shown = || rows.iter().map(|row| values[*row]);
            let known = || rows.iter().filter(|row| !other[**row].is_nan());
            let value = correlation(known().map(|row| (values[*row], other[*row])));
            let missing = rows.iter().map(|row| f64::from(u8::from(other[*row].is_nan())));
            value.abs() + correlation(shown().zip(missing)).abs()
        };
        order.chunks(window).map(of).sum()
    };
    let others = inputs.iter().enumerate().filter(|(at, other)| *at != feature && other.len() >= order.len());
    let mut found: Vec<Partner> =
        others.map(|(feature, other)| Partner { feature, strength: strength(other) }).collect();
    found.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    found
}

/// Pearson's correlation; zero when one side does not vary.
fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let finite = pairs.filter(|(a, b)| a.is_finite() && b.is_finite());
    let (sums, n) =
        finite.clone().fold(((0.0, 0.0), 0.0), |((a, b), n), pair| ((a + pair.0, b + pair.1), n + 1.0));
    let means = (sums.0 / n, sums.1 / n);
    let (mut together, mut own, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in finite {
        let (a, b) = (a - means.0, b - means.1);
        together += a * b;
        own += a * a;
        other += b * b;
    }
    let size = (own * other).sqrt();
    if size > 0.0 { together / size } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feature_that_acts_together_is_found() {
        let noise = |row: usize, step: f64| (row as f64 * step).fract() - 0.5;
        let inputs: Vec<Vec<f64>> = [0.618_034, 0.754_877, 0.569_84]
            .iter()
            .map(|step| (0..1000).map(|row| noise(row, *step)).collect())
            .collect();
        let values: Vec<f64> = (0..1000).map(|row| inputs[0][row] * (1.0 + inputs[2][row])).collect();
        let found = partners(0, &values, &inputs);
        assert_eq!(found.iter().map(|partner| partner.feature).collect::<Vec<_>>(), [2, 1]);
        assert!(found[0].strength > 2.0 * found[1].strength, "{found:?}");
    }

    #[test]
    fn missing_values_tell_too() {
        let own: Vec<f64> = (0..200).map(f64::from).collect();
        let missing = |row: usize| if row.is_multiple_of(3) { f64::NAN } else { 1.0 };
        let inputs = vec![own, (0..200).map(missing).collect(), vec![7.0; 200]];
        let values: Vec<f64> = (0..200).map(|row| if inputs[1][row].is_nan() { 1.0 } else { -1.0 }).collect();
        let found = partners(0, &values, &inputs);
        assert_eq!(found[0].feature, 1);
        assert!(found[1].strength.abs() < 1e-12);
    }

    #[test]
    fn what_changes_slowly_along_the_file_is_found_too() {
        // The own value is nearly always the same; the other one is the same for hundreds of rows.
        let own: Vec<f64> = (0..2000).map(|row| f64::from(u8::from(row % 50 == 0))).collect();
        let slow: Vec<f64> = (0..2000).map(|row| f64::from(row / 400)).collect();
        let random: Vec<f64> = (0..2000).map(|row| (f64::from(row) * 0.618_034).fract()).collect();
        let values: Vec<f64> = (0..2000).map(|row| slow[row] + random[row] * 0.2).collect();
        assert_eq!(partners(0, &values, &[own, random, slow])[0].feature, 2);
    }

    #[test]
    fn nothing_is_found_without_rows() {
        assert!(partners(0, &[], &[Vec::new()]).is_empty());
        assert!(partners(0, &[], &[Vec::new(), Vec::new()])[0].strength.abs() < 1e-12);
        assert!(partners(3, &[1.0], &[]).is_empty());
    }
}
