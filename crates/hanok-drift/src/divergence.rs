//! How far two distributions over the same bins or categories are apart.

/// What an empty bin counts as in the population stability index.
const FLOOR: f64 = 1e-4;

/// Counts as shares of their sum; of nothing, zeros.
pub(crate) fn shares(counts: &[u64]) -> Vec<f64> {
    let all = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|count| *count as f64 / all).collect()
}

/// Population stability index: Σ (q − p) ln (q / p). A share below [`FLOOR`] counts as that much, on both sides and in every
/// bin alike, so that an index cannot explode; shares are not scaled again.
pub(crate) fn psi(p: &[f64], q: &[f64]) -> f64 {
    let term = |(p, q): (&f64, &f64)| {
        let (p, q) = (p.max(FLOOR), q.max(FLOOR));
        (q - p) * libm::log(q / p)
    };
    p.iter().zip(q).map(term).sum()
}

/// Jensen–Shannon distance with logarithms of base 2: 0 to 1. The root of the divergence.
pub(crate) fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let part = |p: f64, middle: f64| if p > 0.0 { p * libm::log(p / middle) } else { 0.0 };
    let term = |(p, q): (&f64, &f64)| {
        let middle = 0.5 * (p + q);
        part(*p, middle) + part(*q, middle)
    };
    let sum: f64 = p.iter().zip(q).map(term).sum();
    libm::sqrt((0.5 * sum / std::f64::consts::LN_2).clamp(0.0, 1.0))
}

/// Hellinger distance: 0 to 1.
pub(crate) fn hellinger(p: &[f64], q: &[f64]) -> f64 {
    let sum: f64 = p.iter().zip(q).map(|(p, q)| (libm::sqrt(*p) - libm::sqrt(*q)).powi(2)).sum();
    libm::sqrt(0.5 * sum)
}

/// Total variation distance: the share of rows that would have to move. 0 to 1.
pub(crate) fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

/// Le Cam's distance: 0 to 1. Its square is half the triangular discrimination.
pub(crate) fn le_cam(p: &[f64], q: &[f64]) -> f64 {
    let term = |(p, q): (&f64, &f64)| if p + q > 0.0 { (p - q).powi(2) / (p + q) } else { 0.0 };
    libm::sqrt(0.5 * p.iter().zip(q).map(term).sum::<f64>())
}

/// The largest difference of a share. 0 to 1.
pub(crate) fn l_infinity(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn distances_of_known_distributions() {
        let (p, q) = ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5]);
        assert_eq!((total_variation(&p, &q), l_infinity(&p, &q)), (0.5, 0.5));
        // scipy.spatial.distance.jensenshannon(p, q, base=2)
        assert!(
            (jensen_shannon(&p, &q) - 0.557_923_045_284_143_8).abs() < 1e-14,
            "{}",
            jensen_shannon(&p, &q)
        );
        assert!((hellinger(&p, &q) - (1.0 - 0.5_f64.sqrt()).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn frouros_fills_empty_bins_with_the_smallest_float_and_explodes() {
        let found = psi(&[0.5, 0.5, 0.0], &[0.499, 0.5, 0.001]);
        assert!(found < 0.003, "{found}");
        assert_eq!(psi(&[1.0, 0.0, 0.0], &[1.0, 0.0, 0.0]), 0.0);
    }

    proptest! {
        #[test]
        fn they_are_distances(counts in prop::collection::vec((0_u64..50, 0_u64..50), 1..12)) {
            let (p, q): (Vec<u64>, Vec<u64>) = counts.into_iter().unzip();
            prop_assume!(p.iter().sum::<u64>() > 0 && q.iter().sum::<u64>() > 0);
            let (p, q) = (shares(&p), shares(&q));
            for distance in [jensen_shannon, hellinger, le_cam, total_variation, l_infinity] {
                let found = distance(&p, &q);
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&found));
                prop_assert!((found - distance(&q, &p)).abs() < 1e-12);
                prop_assert_eq!(distance(&p, &p), 0.0);
            }
            prop_assert!(psi(&p, &q) >= 0.0);
            prop_assert!(hellinger(&p, &q).powi(2) <= total_variation(&p, &q) + 1e-12);
        }
    }
}
