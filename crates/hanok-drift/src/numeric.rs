//! Two samples of numbers.

use crate::bins::Bins;
use crate::divergence::{hellinger, jensen_shannon, l_infinity, psi, shares, total_variation};
use crate::kolmogorov;
use crate::measure::{Measure, Statistic, distance, test};
use crate::ranks::{Ranks, ranks};
use crate::special::{anderson_darling_sf, cramer_von_mises_sf, normal_sf};
use crate::verdict::{Effect, Options, kolmogorov_needed};

/// Above so many values the variance of Anderson and Darling's statistic is that of the limit.
const VARIANCE_MAX: usize = 100_000;
/// Steps of the grid on which the noise of Wasserstein's distance is integrated.
const NOISE_STEPS: usize = 256;

/// A side's numbers in ascending order, and how many values are missing beside them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) sorted: Vec<f64>,
    pub(crate) missing: usize,
}

/// Mean and standard deviation (of the population: divided by n) of the finite values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    pub(crate) finite: usize,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

impl Sample {
    pub(crate) fn finite(&self) -> &[f64] {
        let start = self.sorted.partition_point(|value| *value == f64::NEG_INFINITY);
        let end = self.sorted.partition_point(|value| *value < f64::INFINITY);
        &self.sorted[start..end]
    }

    pub(crate) fn moments(&self) -> Option<Moments> {
        moments(self.finite())
    }

    /// ∫ √(F (1 − F)) dx.
    pub(crate) fn spread(&self) -> f64 {
        let values = self.finite();
        spread(values.len(), |place| values[place])
    }
}

/// Of finite values in ascending order; `None` of none.
pub(crate) fn moments(values: &[f64]) -> Option<Moments> {
    let ([first, .., last] | [first @ last]) = values else { return None };
    let count = values.len() as f64;
    let scale = scale(first.abs().max(last.abs()));
    let [sum] = sums(values, |value| [value * scale]);
    let mean = sum / count;
    let [rest, squares] = sums(values, |value| {
        let deviation = value * scale - mean;
        [deviation, deviation * deviation]
    });
    // The mean is rounded; what is left of the deviations says by how much.
    let (mean, variance) = (mean + rest / count, ((squares - rest * rest / count) / count).max(0.0));
    Some(Moments { finite: values.len(), mean: mean / scale, deviation: libm::sqrt(variance) / scale })
}

impl Moments {
    /// Of both samples together (Chan, Golub and LeVeque 1979), to rounding.
    pub(crate) fn together(left: Option<Moments>, right: Option<Moments>) -> Option<Moments> {
        let (Some(a), Some(b)) = (left, right) else { return left.or(right) };
        let largest = [a.mean.abs(), b.mean.abs(), a.deviation, b.deviation].into_iter().fold(0.0, f64::max);
        let scale = scale(largest);
        let finite = a.finite + b.finite;
        let share = b.finite as f64 / finite as f64;
        let step = b.mean * scale - a.mean * scale;
        let [first, second] = [a, b].map(|side| (side.deviation * scale).powi(2));
        let variance = first + share * (second - first) + share * (1.0 - share) * step * step;
        let mean = a.mean * scale + share * step;
        Some(Moments { finite, mean: mean / scale, deviation: libm::sqrt(variance.max(0.0)) / scale })
    }
}

/// What brings values whose squares would overflow or vanish near 1; a power of two, so that nothing is rounded.
fn scale(largest: f64) -> f64 {
    if largest == 0.0 || (1e-100..1e100).contains(&largest) {
        return 1.0;
    }
    libm::ldexp(1.0, (-libm::frexp(largest).1).clamp(-1020, 1020))
}

/// Sums in eight parts each, which are added up at the same time.
fn sums<const N: usize>(values: &[f64], terms: impl Fn(f64) -> [f64; N]) -> [f64; N] {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut parts = [[0.0; 8]; N];
    for chunk in chunks {
        for (at, value) in chunk.iter().enumerate() {
            for (part, term) in parts.iter_mut().zip(terms(*value)) {
                part[at] += term;
            }
        }
    }
    for value in rest {
        for (part, term) in parts.iter_mut().zip(terms(*value)) {
            part[0] += term;
        }
    }
    parts.map(|part| part.iter().sum())
}

/// What the numbers of both sides say; `None` when a side has none.
pub(crate) struct Comparison {
    pub(crate) statistics: Vec<Statistic>,
    pub(crate) p: f64,
    pub(crate) effect: Effect,
    pub(crate) distinct: [usize; 2],
}

/// What the ranks do not say.
pub(crate) struct Given {
    /// The reference's standard deviation.
    pub(crate) deviation: f64,
    /// The reference's [`spread`].
    pub(crate) spread: f64,
    /// The distances over the reference's bins.
    pub(crate) binned: [Statistic; 5],
    /// How far the distribution functions of both sides together may be from those of the rows: at most so far at a value, and so
    /// much in area. Zeros if the ranks are those of the rows.
    pub(crate) error: f64,
    pub(crate) area: f64,
}

/// What the numbers of both sides say.
pub(crate) fn compare(reference: &Sample, current: &Sample, options: &Options) -> Option<Comparison> {
    if reference.sorted.is_empty() || current.sorted.is_empty() {
        return None;
    }
    let ranks = ranks(&reference.sorted, &current.sorted);
    let given = Given {
        deviation: reference.moments().map_or(0.0, |moments| moments.deviation),
        spread: reference.spread(),
        binned: binned(reference, current, ranks.distinct[0]),
        error: 0.0,
        area: 0.0,
    };
    Some(judged(&ranks, &given, options))
}

/// All statistics of numbers, the p-value that a verdict needs (Kolmogorov and Smirnov's) and the effect that is nearer to or
/// farther beyond its threshold. Of sketches there are those with a known error, with the p-values of the nearer ends.
pub(crate) fn judged(ranks: &Ranks, given: &Given, options: &Options) -> Comparison {
    let (n, m) = (ranks.n as f64, ranks.m as f64);
    let harmonic = n * m / (n + m);
    let Given { deviation, error, area, .. } = *given;
    let largest = ranks.above.max(ranks.below);
    let d = largest as f64 / (n * m);
    let least = (largest - (error * n * m) as i64).max(0);
    let p = kolmogorov::probability(least, ranks.n, ranks.m);
    let v = (ranks.above as f64 + ranks.below as f64) / (n * m);
    let least = (v - 2.0 * error).max(0.0);
    let scaled = scaled(ranks, deviation);
    let scaled_error = if area == 0.0 { 0.0 } else { area / deviation };
    let mut statistics = vec![
        test(Measure::KolmogorovSmirnov, d, p).within(error),
        distance(Measure::Wasserstein, ranks.wasserstein).within(area),
        distance(Measure::WassersteinScaled, scaled).within(scaled_error),
        distance(Measure::Energy, libm::sqrt(2.0 * ranks.squared)).within(libm::sqrt(2.0 * error * area)),
        test(Measure::Kuiper, v, kolmogorov::kuiper(least, ranks.n, ranks.m)).within(2.0 * error),
    ];
    if error == 0.0 {
        statistics.extend([cramer_von_mises(ranks), anderson_darling(ranks)]);
    }
    statistics.push(mann_whitney(ranks, error));
    statistics.extend(given.binned);
    let [ks, wasserstein] = effects(ranks, deviation, given.spread, harmonic, options);
    let (ks, wasserstein) = (ks.within(error), wasserstein.within(scaled_error));
    // An error without a limit says nothing.
    let effect = if wasserstein.ratio() > ks.ratio() && scaled_error.is_finite() { wasserstein } else { ks };
    Comparison { statistics, p, effect, distinct: [ranks.distinct[0], ranks.distinct[1]] }
}

/// Wasserstein's distance in deviations of the reference.
fn scaled(ranks: &Ranks, deviation: f64) -> f64 {
    if ranks.wasserstein == 0.0 { 0.0 } else { ranks.wasserstein / deviation }
}

/// The effects by Kolmogorov and Smirnov and by Wasserstein, with the reference's deviation and [`spread`], and n·m / (n + m)
/// rows.
pub(crate) fn effects(
    ranks: &Ranks,
    deviation: f64,
    spread: f64,
    harmonic: f64,
    options: &Options,
) -> [Effect; 2] {
    let d = ranks.above.max(ranks.below) as f64 / (ranks.n as f64 * ranks.m as f64);
    let needed = kolmogorov_needed(options.kolmogorov_smirnov, options);
    let ks = kolmogorov_effect(d, harmonic, options);
    // What Wasserstein's distance is expected to be without drift: √(2 / π) ∫ √(F (1 − F) / harmonic) dx.
    let noise = libm::sqrt(std::f64::consts::FRAC_2_PI / harmonic) * spread / deviation;
    let scaled = scaled(ranks, deviation);
    let threshold = options.wasserstein_scaled;
    let wasserstein = Effect::new(Measure::WassersteinScaled, scaled, noise, threshold, harmonic, needed);
    [ks, wasserstein]
}

/// The effect of a Kolmogorov–Smirnov distance, with n·m / (n + m) rows.
pub(crate) fn kolmogorov_effect(d: f64, harmonic: f64, options: &Options) -> Effect {
    let threshold = options.kolmogorov_smirnov;
    // E D² of the limit is π² / 12 / harmonic.
    let noise = std::f64::consts::PI / libm::sqrt(12.0 * harmonic);
    let needed = kolmogorov_needed(threshold, options);
    Effect::new(Measure::KolmogorovSmirnov, d, noise, threshold, harmonic, needed)
}

/// The distances over the reference's bins, with what is missing in a bin of its own.
fn binned(reference: &Sample, current: &Sample, distinct: usize) -> [Statistic; 5] {
    let bins = Bins::new(&reference.sorted, distinct);
    let side = |sample: &Sample| {
        let mut counts = bins.counts(&sample.sorted);
        counts.push(sample.missing as u64);
        shares(&counts)
    };
    distances(&side(reference), &side(current))
}

/// The distances of two lists of shares.
pub(crate) fn distances(p: &[f64], q: &[f64]) -> [Statistic; 5] {
    [
        distance(Measure::Psi, psi(p, q)),
        distance(Measure::JensenShannon, jensen_shannon(p, q)),
        distance(Measure::Hellinger, hellinger(p, q)),
        distance(Measure::TotalVariation, total_variation(p, q)),
        distance(Measure::LInfinity, l_infinity(p, q)),
    ]
}

/// ∫ √(F (1 − F)) dx of `count` finite values, which `at` gives by their place in ascending order.
pub(crate) fn spread(count: usize, at: impl Fn(usize) -> f64) -> f64 {
    let steps = NOISE_STEPS.min(count.saturating_sub(1));
    if steps == 0 {
        return 0.0;
    }
    let at = |step: usize| at((step as u128 * (count as u128 - 1) / steps as u128) as usize);
    let part = |step: usize| {
        let share = (step as f64 + 0.5) / steps as f64;
        libm::sqrt(share * (1.0 - share)) * (at(step + 1) - at(step))
    };
    (0..steps).map(part).sum::<f64>()
}

/// Scaled to the moments of the limit (Anderson 1962), as scipy does.
fn cramer_von_mises(ranks: &Ranks) -> Statistic {
    let (n, m) = (ranks.n as f64, ranks.m as f64);
    let (all, product) = (n + m, n * m);
    let statistic = product / (all * all) * ranks.cramer;
    let mean = (1.0 + 1.0 / all) / 6.0;
    let variance = (all + 1.0) * (4.0 * product * all - 3.0 * (n * n + m * m) - 2.0 * product)
        / (45.0 * all * all * 4.0 * product);
    let p = if variance > 0.0 {
        cramer_von_mises_sf(1.0 / 6.0 + (statistic - mean) / libm::sqrt(45.0 * variance))
    } else {
        1.0
    };
    test(Measure::CramerVonMises, statistic, p)
}

/// Standardised by its exact variance and given the limit's distribution, which for two samples is that of one.
fn anderson_darling(ranks: &Ranks) -> Statistic {
    let limit = libm::sqrt(2.0 * (std::f64::consts::PI.powi(2) - 9.0) / 3.0);
    let deviation =
        if ranks.n + ranks.m > VARIANCE_MAX { limit } else { anderson_deviation(ranks.n, ranks.m) };
    let p = if deviation > 0.0 && ranks.distinct[2] > 1 {
        anderson_darling_sf(1.0 + (ranks.anderson - 1.0) / deviation * limit)
    } else {
        1.0
    };
    test(Measure::AndersonDarling, ranks.anderson, p)
}

/// The standard deviation of A² for two samples (Scholz and Stephens 1987, equation 4).
fn anderson_deviation(n: usize, m: usize) -> f64 {
    let count = n + m;
    if count < 4 {
        return 0.0;
    }
    let all = count as f64;
    let inverse = 1.0 / n as f64 + 1.0 / m as f64;
    let (mut h, mut g) = (0.0, 0.0);
    for i in (1..count).rev() {
        h += 1.0 / i as f64;
        // Of the second sum's terms those with j = i, i + 1, … are in h already.
        if i > 1 {
            g += h / (count - i + 1) as f64;
        }
    }
    let a = (4.0 * g - 6.0) + (10.0 - 6.0 * g) * inverse;
    let b = (2.0 * g - 4.0) * 4.0 + 16.0 * h + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h + 4.0 * g - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * 4.0
        + (4.0 * h - 4.0 * g + 6.0) * 2.0
        + (2.0 * h - 6.0) * inverse
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * 4.0 - 8.0 * h;
    let variance =
        (a * all.powi(3) + b * all * all + c * all + d) / ((all - 1.0) * (all - 2.0) * (all - 3.0));
    libm::sqrt(variance.max(0.0))
}

/// The most pairs of an exact Mann–Whitney test.
const PAIRS_MAX: usize = 100_000;

/// Two-sided: exact for small samples without ties, else normal with the variance corrected for ties and a half for
/// continuity. A distribution function that is wrong by `error` counts so many pairs wrongly.
fn mann_whitney(ranks: &Ranks, error: f64) -> Statistic {
    let (n, m) = (ranks.n as f64, ranks.m as f64);
    let error = error * n * m;
    let larger = (ranks.smaller.max(n * m - ranks.smaller) - error).max(0.5 * n * m);
    let p = if ranks.n.min(ranks.m) <= 8 && ranks.ties == 0.0 && ranks.n * ranks.m <= PAIRS_MAX {
        2.0 * mann_whitney_exact(larger as usize, ranks.n, ranks.m)
    } else {
        let all = n + m;
        let variance = n * m / 12.0 * (all + 1.0 - ranks.ties / (all * (all - 1.0)));
        if variance > 0.0 {
            2.0 * normal_sf((larger - 0.5 * n * m - 0.5) / libm::sqrt(variance))
        } else {
            1.0
        }
    };
    test(Measure::MannWhitney, ranks.smaller, p.min(1.0)).within(error)
}

/// P(U ≥ u), from the numbers of orders with each U: the coefficients of a Gaussian binomial.
fn mann_whitney_exact(u: usize, n: usize, m: usize) -> f64 {
    let (few, many) = (n.min(m), n.max(m));
    let mut orders = vec![0.0_f64; n * m + 1];
    orders[0] = 1.0;
    for step in 1..=few {
        for at in (many + step..orders.len()).rev() {
            orders[at] -= orders[at - many - step];
        }
        for at in step..orders.len() {
            orders[at] += orders[at - step];
        }
    }
    orders[u..].iter().sum::<f64>() / orders.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Sample { sorted, missing: 0 }
    }

    fn found(reference: &[f64], current: &[f64], measure: Measure) -> Statistic {
        let all = compare(&sample(reference), &sample(current), &Options::default()).unwrap();
        all.statistics.into_iter().find(|statistic| statistic.measure == measure).unwrap()
    }

    #[test]
    fn the_number_of_orders_with_each_u_is_counted() {
        for (n, m) in [(1, 1), (2, 3), (4, 4), (5, 3)] {
            let mut counts = vec![0.0; n * m + 1];
            for order in 0_u32..1 << (n + m) {
                if order.count_ones() as usize == n {
                    let (mut seen, mut u) = (0, 0);
                    for bit in 0..n + m {
                        if order >> bit & 1 == 1 { u += seen } else { seen += 1 }
                    }
                    counts[u] += 1.0;
                }
            }
            let all: f64 = counts.iter().sum();
            for u in 0..=n * m {
                let expected = counts[u..].iter().sum::<f64>() / all;
                assert!((mann_whitney_exact(u, n, m) - expected).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn evidentlys_mann_whitney_is_one_sided_ours_is_not() {
        let (low, high): (Vec<f64>, Vec<f64>) = (0..40).map(|v| (f64::from(v), f64::from(v) + 15.0)).unzip();
        let (up, down) = (found(&low, &high, Measure::MannWhitney), found(&high, &low, Measure::MannWhitney));
        assert_eq!(up.p, down.p);
        assert!(up.p.unwrap() < 1e-4);
    }

    #[test]
    fn scipys_cramer_von_mises_differs_on_equal_constants_of_unequal_counts() {
        let statistic = found(&[1.0; 20], &[1.0; 500], Measure::CramerVonMises);
        assert_eq!((statistic.value, statistic.p), (0.0, Some(1.0)));
    }

    #[test]
    fn a_constant_reference_is_infinitely_far_from_anything_else() {
        assert_eq!(found(&[2.0; 9], &[2.0; 5], Measure::WassersteinScaled).value, 0.0);
        assert_eq!(found(&[2.0; 9], &[2.5; 5], Measure::WassersteinScaled).value, f64::INFINITY);
    }

    #[test]
    fn sums_without_values_are_no_nan() {
        assert!(compare(&sample(&[]), &sample(&[1.0]), &Options::default()).is_none());
        assert!(compare(&sample(&[1.0]), &sample(&[]), &Options::default()).is_none());
        for (reference, current) in [
            (&[1.0][..], &[1.0][..]),
            (&[1.0], &[2.0]),
            (&[f64::INFINITY], &[f64::NEG_INFINITY]),
            (&[f64::INFINITY; 3], &[f64::INFINITY; 3]),
            (&[5e-324, 0.0, -5e-324], &[5e-324, 5e-324]),
            (&[f64::MAX, f64::MIN], &[0.0, f64::MAX]),
        ] {
            let all = compare(&sample(reference), &sample(current), &Options::default()).unwrap();
            for statistic in &all.statistics {
                assert!(!statistic.value.is_nan(), "{reference:?} {current:?} {statistic:?}");
                assert!(statistic.p.is_none_or(|p| (0.0..=1.0).contains(&p)), "{statistic:?}");
            }
            assert!(!all.effect.beyond_noise.is_nan() && !all.effect.ratio().is_nan());
        }
    }
}
