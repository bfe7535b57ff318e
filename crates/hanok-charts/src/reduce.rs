//! Keeps drawings small whatever the data: fixed samples, largest few, summed shapes.

/// Positions of at most `most` of `of` values: a sample that is the same on every machine, in rising order. The
/// positions of extremes are kept.
pub(crate) fn sample(of: usize, most: usize, extremes: &[usize]) -> Vec<usize> {
    if of <= most {
        return (0..of).collect();
    }
    // An even stride would fall in step with data that repeats; the golden ratio falls in step with nothing.
    let share = most.saturating_sub(extremes.len()) as f64 / of as f64;
    let mut kept: Vec<usize> = (0..of).filter(|index| golden(*index) < share).collect();
    kept.truncate(most);
    kept.extend(extremes.iter().copied().filter(|index| *index < of));
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// A number between 0 and 1 that spreads evenly over neighbouring positions.
pub(crate) fn golden(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_894_9).fract()
}

/// Positions of the smallest and the largest finite value.
pub(crate) fn extremes(values: &[f64]) -> Vec<usize> {
    let finite = || values.iter().enumerate().filter(|(_, value)| value.is_finite());
    let low = finite().min_by(|a, b| a.1.total_cmp(b.1));
    let high = finite().max_by(|a, b| a.1.total_cmp(b.1));
    low.into_iter().chain(high).map(|(index, _)| index).collect()
}

/// Mean of the sizes of the finite values; zero without any.
pub(crate) fn mean_size(values: &[f64]) -> f64 {
    let (sum, n) = values
        .iter()
        .filter(|value| value.is_finite())
        .fold((0.0, 0_usize), |(sum, n), value| (sum + value.abs() / 1024.0, n + 1));
    if n == 0 { 0.0 } else { sum / n as f64 * 1024.0 }
}

/// The value below which a share of the finite values lies, by the nearest of them.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((share * last as f64).round() as usize).copied()
}

/// The finite values in rising order.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_unstable_by(f64::total_cmp);
    finite
}

/// Where each value stands between the 5th and the 95th percentile, from 0 to 1, so that outliers do not take all of
/// the colours. What is not finite stays NaN.
pub(crate) fn shares(values: &[f64]) -> Vec<f64> {
    let sorted = sorted(values);
    let (Some(mut low), Some(mut high)) = (quantile(&sorted, 0.05), quantile(&sorted, 0.95)) else {
        return vec![f64::NAN; values.len()];
    };
    if low >= high {
        // A rare value against a common one.
        (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    }
    let share = |value: f64| match value {
        value if value.is_nan() => f64::NAN,
        _ if high <= low => 0.5,
        value => ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0),
    };
    values.iter().map(|value| share(*value)).collect()
}

/// A smooth density on `points` places from `low` to `high`: counts smoothed by a Gaussian of Silverman's width
/// (Silverman 1986, eq. 3.31). The largest is 1.
pub(crate) fn density(sorted: &[f64], low: f64, high: f64, points: usize) -> Vec<f64> {
    let span = high - low;
    if sorted.is_empty() || points < 2 || !(span > 0.0 && span.is_finite()) {
        return vec![0.0; points];
    }
    let step = span / (points - 1) as f64;
    let n = sorted.len() as f64;
    let mean = sorted.iter().map(|value| value / n).sum::<f64>();
    let deviation = sorted.iter().map(|value| ((value - mean) / span).powi(2)).sum::<f64>() / n;
    let between = quantile(sorted, 0.75).unwrap_or(0.0) - quantile(sorted, 0.25).unwrap_or(0.0);
    let mut spread = deviation.sqrt() * span;
    if between > 0.0 {
        spread = spread.min(between / 1.34);
    }
    let bandwidth = (0.9 * spread * n.powf(-0.2) / step).clamp(1.0, points as f64 / 6.0);
    let mut counts = vec![0.0; points];
    for value in sorted {
        let at = ((value - low) / step).clamp(0.0, (points - 1) as f64);
        let (index, rest) = (at.floor() as usize, at.fract());
        counts[index] += 1.0 - rest;
        if index + 1 < points {
            counts[index + 1] += rest;
        }
    }
    let reach = (bandwidth * 4.0).ceil() as usize;
    let weights: Vec<f64> = (0..=reach).map(|i| (-0.5 * (i as f64 / bandwidth).powi(2)).exp()).collect();
    let smooth = |at: usize| -> f64 {
        let range = at.saturating_sub(reach)..(at + reach + 1).min(points);
        range.map(|index| counts[index] * weights[index.abs_diff(at)]).sum()
    };
    let mut smooth: Vec<f64> = (0..points).map(smooth).collect();
    let largest = smooth.iter().copied().fold(0.0, f64::max);
    if largest > 0.0 {
        for value in &mut smooth {
            *value /= largest;
        }
    }
    smooth
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    #[test]
    fn samples_are_fixed_and_keep_extremes() {
        assert_eq!(sample(3, 5, &[]), [0, 1, 2]);
        let kept = sample(1_000_000, 1000, &[999_999, 3]);
        assert!(kept.len() <= 1002 && kept.len() > 900, "{}", kept.len());
        assert!(kept.contains(&999_999) && kept.contains(&3));
        assert_eq!(kept, sample(1_000_000, 1000, &[999_999, 3]));
        assert_eq!(extremes(&[f64::NAN, 2.0, -5.0, f64::INFINITY, 7.0]), [2, 4]);
    }

    #[test]
    fn colours_ignore_outliers() {
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        values[99] = 1e9;
        let shares = shares(&values);
        assert!(shares[50] > 0.4 && shares[50] < 0.6);
        assert_eq!(shares[99], 1.0);
        assert!(super::shares(&[f64::NAN, 1.0])[0].is_nan());
        let rare: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i == 7))).collect();
        assert_eq!((super::shares(&rare)[7], super::shares(&rare)[8]), (1.0, 0.0));
    }

    #[test]
    fn densities_peak_where_values_are() {
        let mut values: Vec<f64> = (0..200).map(|i| f64::from(i % 20) * 0.01 + 2.0).collect();
        values.push(10.0);
        let density = density(&sorted(&values), 0.0, 10.0, 101);
        let peak = density.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(index, _)| index);
        assert!((20..=23).contains(&peak.unwrap()), "{peak:?}");
        assert!(super::density(&[1.0, 1.0], 1.0, 1.0, 8).iter().all(|value| *value == 0.0));
    }
}
