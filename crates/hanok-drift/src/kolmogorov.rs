//! Probabilities of the two-sample Kolmogorov–Smirnov statistic.

use std::f64::consts::PI;

use crate::special::kuiper_sf;

/// The most cells of the lattice that an exact probability visits; about ten milliseconds.
const CELLS_MAX: u64 = 4_000_000;
/// Above this, the error of the limit far out is below 1e-5 of the probability.
const SUM_MAX: f64 = 100_000.0;

/// P(D ≥ d) for samples of `n` and `m` values without drift, where `scaled` = d·n·m: exact when that is cheap, else by
/// [`asymptotic`].
pub(crate) fn probability(scaled: i64, n: usize, m: usize) -> f64 {
    let cells = 2 * scaled.unsigned_abs() + n as u64;
    if n.max(m) <= 10_000 && cells <= CELLS_MAX { exact(scaled, n, m) } else { asymptotic(scaled, n, m) }
}

/// The exact probability, with ties treated as if there were none, by counting lattice paths (Hodges 1957): the share of
/// the paths to (i, j) that were ever outside is the mean of its two predecessors' shares. Only the cells inside are visited,
/// all with the same i + j at once: they do not depend on each other.
pub(crate) fn exact(scaled: i64, n: usize, m: usize) -> f64 {
    if scaled <= 0 {
        return 1.0;
    }
    let (n_step, m_step) = (n as i64, m as i64);
    // By i, of the cells with the present and the last i + j; 1 outside.
    let (mut now, mut last) = (vec![1.0_f64; n + 2], vec![1.0_f64; n + 2]);
    last[1] = 0.0;
    for sum in 1..=n_step + m_step {
        // |i·m − j·n| < scaled with j = sum − i, on the lattice.
        let first = ((sum * n_step - scaled).div_euclid(n_step + m_step) + 1).max(sum - m_step).max(0);
        let end = ((sum * n_step + scaled - 1).div_euclid(n_step + m_step)).min(n_step).min(sum) + 1;
        if first >= end {
            // All paths have left.
            return 1.0;
        }
        let whole = 1.0 / sum as f64;
        let (first, end) = (first as usize, end as usize);
        // Cell i stands at i + 1, so that i = 0 has a predecessor, of no weight.
        let cells = now[first + 1..=end].iter_mut().zip(&last[first..end]).zip(&last[first + 1..=end]);
        for (at, ((cell, by_i), by_j)) in cells.enumerate() {
            let i = (first + at) as f64;
            *cell = (i * by_i + (sum as f64 - i) * by_j) * whole;
        }
        now[first] = 1.0;
        std::mem::swap(&mut now, &mut last);
    }
    last[n + 1].clamp(0.0, 1.0)
}

/// The probability of the one-sample statistic for the harmonic mean of the counts, which is nearer than the limit.
pub(crate) fn asymptotic(scaled: i64, n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    one_sample_sf((n * m / (n + m)).round_ties_even().max(1.0), scaled as f64 / (n * m))
}

/// P(D ≥ x) for one sample of `n` values: exactly where that is cheap, by an expansion elsewhere (Simard and L'Ecuyer 2011, with their
/// limits but one exact method for all small n).
pub(crate) fn one_sample_sf(n: f64, x: f64) -> f64 {
    // D is never below 1 / 2n.
    if n * x <= 0.5 {
        return 1.0;
    }
    if x >= 1.0 {
        return 0.0;
    }
    let squared = n * x * x;
    let is_small = n <= 140.0;
    if x >= 0.5 || squared >= if is_small { 4.0 } else { 2.2 } {
        if n > SUM_MAX {
            // Maag and Dicaire 1971.
            return (2.0 * libm::exp(-(6.0 * n * x + 1.0).powi(2) / (18.0 * n))).min(1.0);
        }
        return (2.0 * smirnov(n, x)).min(1.0);
    }
    let below =
        if is_small || (n <= SUM_MAX && n * x.powf(1.5) <= 1.4) { durbin(n, x) } else { pelz_good(n, x) };
    (1.0 - below).clamp(0.0, 1.0)
}

/// P(D < x) exactly: an entry of the n-th power of a matrix (Durbin 1968; Marsaglia, Tsang and Wang 2003). The matrix has less than
/// 2nx + 2 rows.
fn durbin(n: f64, x: f64) -> f64 {
    let middle = (n * x).floor() as usize;
    let size = 2 * middle + 1;
    let rest = (middle + 1) as f64 - n * x;
    let entry = |row: usize, column: usize| {
        let mut value = if row + 1 < column { return 0.0 } else { 1.0 };
        if column == 0 {
            value -= rest.powi(row as i32 + 1);
        }
        if row + 1 == size {
            value -= rest.powi((size - column) as i32);
        }
        if column == 0 && row + 1 == size {
            value += (2.0 * rest - 1.0).max(0.0).powi(size as i32);
        }
        value / (1..=row + 1 - column).map(|factor| factor as f64).product::<f64>()
    };
    let mut base: Vec<f64> = (0..size * size).map(|at| entry(at / size, at % size)).collect();
    let mut power: Vec<f64> =
        (0..size * size).map(|at| f64::from(u8::from(at / size == at % size))).collect();
    // Entries overflow otherwise: the logarithms of what both were divided by.
    let (mut base_scale, mut power_scale) = (0.0, 0.0);
    let mut left = n as u64;
    while left > 0 {
        if left & 1 == 1 {
            power = product(&power, &base, size);
            power_scale += base_scale + normalised(&mut power);
        }
        base = product(&base, &base, size);
        base_scale = 2.0 * base_scale + normalised(&mut base);
        left >>= 1;
    }
    let found = power[middle * size + middle];
    // n! / nⁿ.
    found * libm::exp(power_scale + libm::lgamma(n + 1.0) - n * libm::log(n))
}

fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut out = vec![0.0; size * size];
    for (row, out) in a.chunks(size).zip(out.chunks_mut(size)) {
        for (factor, line) in row.iter().zip(b.chunks(size)) {
            for (sum, value) in out.iter_mut().zip(line) {
                *sum += factor * value;
            }
        }
    }
    out
}

/// Divides by the largest entry and gives its logarithm.
fn normalised(matrix: &mut [f64]) -> f64 {
    let largest = matrix.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for value in matrix {
        *value /= largest;
    }
    libm::log(largest)
}

/// P(D⁺ ≥ x) exactly (Birnbaum and Tingey 1951).
fn smirnov(n: f64, x: f64) -> f64 {
    let last = (n * (1.0 - x)).floor();
    let mut sum = 0.0;
    let mut j = 0.0;
    while j <= last {
        let above = 1.0 - x - j / n;
        if above > 0.0 || j == n {
            let ways = libm::lgamma(n + 1.0) - libm::lgamma(j + 1.0) - libm::lgamma(n - j + 1.0);
            let power = if above > 0.0 { (n - j) * libm::log(above) } else { 0.0 };
            sum += libm::exp(ways + (j - 1.0) * libm::log(x + j / n) + power);
        }
        j += 1.0;
    }
    (x * sum).clamp(0.0, 1.0)
}

/// P(D < x) by the expansion of Pelz and Good (1976).
fn pelz_good(n: f64, x: f64) -> f64 {
    let z = libm::sqrt(n) * x;
    let (z2, z4, z6) = (z * z, z.powi(4), z.powi(6));
    let mut sums = [0.0_f64; 6];
    for k in 0..40 {
        let half = (f64::from(k) + 0.5).powi(2) * PI * PI;
        let weight = 2.0 * libm::exp(-half / (2.0 * z2));
        sums[0] += weight;
        sums[1] += weight * (half - z2);
        sums[2] +=
            weight * (6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * half + (1.0 - 2.0 * z2) * half * half);
        sums[3] += weight
            * (half.powi(3) * (5.0 - 30.0 * z2)
                + half * half * (212.0 * z4 - 60.0 * z2)
                + half * (135.0 * z4 - 96.0 * z6)
                - 30.0 * z6
                - 90.0 * z6 * z2);
        let whole = f64::from(k * k) * PI * PI;
        let weight = 2.0 * libm::exp(-whole / (2.0 * z2));
        sums[4] += weight * whole;
        sums[5] += weight * (3.0 * whole * z2 - whole * whole);
    }
    let root = libm::sqrt(PI / 2.0);
    let first = root / z * sums[0];
    let second = root / (6.0 * z4) * sums[1];
    let third = root / (72.0 * z6 * z) * sums[2] - root / (36.0 * z2 * z) * sums[4];
    let fourth = root / (6480.0 * z6 * z4) * sums[3] + root / (216.0 * z6) * sums[5];
    first + second / libm::sqrt(n) + third / n + fourth / (n * libm::sqrt(n))
}

/// The probability of Kuiper's V = max (F − G) + max (G − F), by the limit with Stephens' correction.
pub(crate) fn kuiper(v: f64, n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let root = libm::sqrt(n * m / (n + m));
    kuiper_sf((root + 0.155 + 0.24 / root) * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All orders of two samples, one by one.
    fn by_enumeration(scaled: i64, n: usize, m: usize) -> f64 {
        let (mut outside, mut all) = (0_u32, 0_u32);
        for order in 0_u32..1 << (n + m) {
            if order.count_ones() as usize != n {
                continue;
            }
            let (mut i, mut j, mut largest) = (0_i64, 0_i64, 0_i64);
            for bit in 0..n + m {
                if order >> bit & 1 == 1 {
                    i += 1;
                } else {
                    j += 1;
                }
                largest = largest.max((i * m as i64 - j * n as i64).abs());
            }
            all += 1;
            outside += u32::from(largest >= scaled);
        }
        f64::from(outside) / f64::from(all)
    }

    #[test]
    fn exact_probabilities_are_those_of_all_orders() {
        for (n, m) in [(1, 1), (1, 7), (3, 5), (4, 4), (7, 6), (9, 5)] {
            for scaled in 0..=(n * m) as i64 {
                let (found, expected) = (exact(scaled, n, m), by_enumeration(scaled, n, m));
                assert!((found - expected).abs() < 1e-14, "{n} {m} {scaled}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn the_asymptotic_probability_is_near_the_exact_one() {
        for (n, m, d) in
            [(2000, 3000, 0.02), (2000, 3000, 0.04), (5000, 1000, 0.06), (900, 900, 0.1), (300, 4000, 0.05)]
        {
            let scaled = (d * (n * m) as f64) as i64;
            let (exact, limit) = (exact(scaled, n, m), asymptotic(scaled, n, m));
            assert!((exact - limit).abs() < 0.03, "{n} {m} {d}: {exact} and {limit}");
        }
    }

    #[test]
    fn one_sample_probabilities_are_scipys() {
        // scipy.stats.kstwo(n).sf(x)
        for (n, x, expected) in KSTWO {
            let found = one_sample_sf(*n, *x);
            assert!(
                (found - expected).abs() < 1e-9 * expected.max(1e-3),
                "{n} {x}: {found} is not {expected}"
            );
        }
    }

    const KSTWO: &[(f64, f64, f64)] = &[
        (200.0, 0.05, 0.680_262_549_587_170_4),
        (200.0, 0.11, 0.014_579_948_726_993_197),
        (1000.0, 0.02, 0.810_897_165_689_557_7),
        (1000.0, 0.05, 0.013_012_074_781_090_332),
        (5000.0, 0.012, 0.463_991_216_669_019_1),
        (50_000.0, 0.005, 0.163_533_634_924_348_03),
        (50_000.0, 0.008, 0.003_305_231_279_334_067),
        (300.0, 0.6, 8.399_665_126_868_074e-104),
        (5.0, 0.3, 0.664),
        (10.0, 0.1, 0.999_637_12),
        (10.0, 0.26, 0.435_128_422_858_082_73),
        (100.0, 0.05, 0.953_215_971_063_572_5),
        (100.0, 0.15, 0.019_839_242_125_641_813),
        (140.0, 0.02, 0.999_999_977_482_233_1),
        (140.0, 0.17, 0.000_524_610_868_751_981_4),
        (1.0, 0.6, 0.8),
        (1.0, 0.3, 1.0),
        (500.0, 0.018, 0.996_078_166_403_926_5),
        (20_000.0, 0.0015, 0.999_999_999_980_361),
        (2.0, 0.3, 0.98),
        (1_000_000.0, 0.001, 0.269_821_074_425_893_76),
    ];
}
