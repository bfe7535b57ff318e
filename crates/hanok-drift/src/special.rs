//! Tails of the distributions that the tests need.

use std::f64::consts::{PI, SQRT_2};

/// Upper tail of the standard normal distribution.
pub(crate) fn normal_sf(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// The value above which a standard normal variable lies with probability `p`, 0 < p < 1.
pub(crate) fn normal_isf(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0_f64, 40.0_f64);
    // Halving 80 a hundred times ends below the last bit.
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if normal_sf(middle) > p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Upper tail of the χ² distribution; 1 without degrees of freedom.
pub(crate) fn chi2_sf(x: f64, degrees: f64) -> f64 {
    if degrees <= 0.0 || x <= 0.0 {
        return 1.0;
    }
    gamma_q(0.5 * degrees, 0.5 * x)
}

/// The most terms of a series; more than any degrees of freedom below a hundred million need.
const TERMS_MAX: usize = 1_000_000;

/// The regularised upper incomplete gamma function Q(a, x) for a, x > 0: a series below a + 1, a continued fraction above
/// (Press et al., Numerical Recipes, 6.2).
fn gamma_q(a: f64, x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    let scale = poisson_term(a, x);
    if scale == 0.0 {
        return if x < a { 1.0 } else { 0.0 };
    }
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0, 1.0, a);
        for _ in 0..TERMS_MAX {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return (1.0 - scale * sum).clamp(0.0, 1.0);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for k in 1..=TERMS_MAX {
        let k = k as f64;
        let factor = -k * (k - a);
        b += 2.0;
        d = 1.0 / (factor * d + b);
        c = b + factor / c;
        let step = c * d;
        fraction *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (scale * a * fraction).clamp(0.0, 1.0)
}

/// x^a e^-x / Γ(a + 1), without cancellation when both are large.
fn poisson_term(a: f64, x: f64) -> f64 {
    if a < 30.0 {
        return libm::exp(a * libm::log(x) - x - libm::lgamma(a + 1.0));
    }
    let mu = (x - a) / a;
    let stirling =
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * a * a)) / (a * a)) / (a * a)) / a;
    libm::exp(a * (libm::log1p(mu) - mu) - stirling) / libm::sqrt(2.0 * PI * a)
}

/// Upper tail of Kuiper's statistic, scaled as by Stephens (1970).
pub(crate) fn kuiper_sf(x: f64) -> f64 {
    if x < 0.4 {
        return 1.0;
    }
    if x > 20.0 {
        return 0.0;
    }
    let term = |j: i32| {
        let square = f64::from(j * j) * x * x;
        (4.0 * square - 1.0) * libm::exp(-2.0 * square)
    };
    (2.0 * (1..=20).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// Upper tail of the limit of the Cramér–von Mises statistic (Csörgő and Faraway 1996, equation 1.3).
pub(crate) fn cramer_von_mises_sf(x: f64) -> f64 {
    if x <= 0.003 {
        return 1.0;
    }
    if x > 3.0 {
        // Far out, the largest of its χ² terms decides: √2·P(χ²₁ / π² > x).
        return libm::sqrt(2.0) * libm::erfc(PI * libm::sqrt(0.5 * x));
    }
    let term = |k: u32| {
        let (k, y) = (f64::from(k), f64::from(4 * k + 1));
        let weight =
            libm::exp(libm::lgamma(k + 0.5) - libm::lgamma(k + 1.0)) / (PI.powf(1.5) * libm::sqrt(x));
        weight * libm::sqrt(y) * scaled_bessel(y * y / (16.0 * x))
    };
    let below: f64 = (0..200).map(term).take_while(|term| *term > 1e-17).sum();
    (1.0 - below).clamp(0.0, 1.0)
}

/// e^-q K(q) of the modified Bessel function K of order 1/4, by the trapezoidal rule on its integral, which converges
/// faster than any power of the step there.
fn scaled_bessel(q: f64) -> f64 {
    let step = 0.05;
    let value = |t: f64| libm::exp(-q * (1.0 + libm::cosh(t))) * libm::cosh(0.25 * t);
    let tail: f64 = (1..2000).map(|k| value(f64::from(k) * step)).take_while(|value| *value > 0.0).sum();
    step * (0.5 * value(0.0) + tail)
}

/// Upper tail of the limit of the Anderson–Darling statistic, of one sample and of two (Anderson and Darling 1954). Far out, the
/// largest of its χ² terms decides: √3·P(χ²₁ / 2 > x).
pub(crate) fn anderson_darling_sf(x: f64) -> f64 {
    if x <= 0.01 {
        return 1.0;
    }
    if x > 20.0 {
        return libm::sqrt(3.0) * libm::erfc(libm::sqrt(x));
    }
    let term = |j: i32| {
        let (j, y) = (f64::from(j), f64::from(4 * j + 1));
        let binomial = libm::exp(libm::lgamma(j + 0.5) - libm::lgamma(j + 1.0)) / libm::sqrt(PI);
        let rate = y * y * PI * PI / (8.0 * x);
        // The integrand falls like a normal density: 14 of its deviations are beyond the last bit.
        let step = 14.0 / libm::sqrt(2.0 * rate) / 800.0;
        let value = |k: i32| {
            let square = (f64::from(k) * step).powi(2);
            libm::exp(x / (8.0 * (square + 1.0)) - rate * square - rate)
        };
        let integral = step * (0.5 * value(0) + (1..800).map(value).sum::<f64>());
        if j % 2.0 == 0.0 { binomial * y * integral } else { -binomial * y * integral }
    };
    let below: f64 = (0..100).map(term).take_while(|term| term.abs() > 1e-18).sum();
    (1.0 - libm::sqrt(2.0 * PI) / x * below).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, relative: f64) {
        assert!((found - expected).abs() <= relative * expected.abs(), "{found} is not {expected}");
    }

    #[test]
    fn tails_are_those_of_the_tables() {
        // scipy 1.17: norm.sf, chi2.sf, kstwobign.sf; kuiper, cvm and anderson by their published critical values.
        near(normal_sf(1.959_963_984_540_054), 0.025, 1e-14);
        near(normal_isf(0.025), 1.959_963_984_540_054, 1e-14);
        near(chi2_sf(3.841_458_820_694_124, 1.0), 0.05, 1e-13);
        near(chi2_sf(18.307_038_053_275_146, 10.0), 0.05, 1e-13);
        near(chi2_sf(1.0, 3.0), 0.801_251_956_901_203_6, 1e-13);
        near(kuiper_sf(1.747), 0.05, 2e-3);
        near(cramer_von_mises_sf(0.461_36), 0.05, 1e-3);
        near(cramer_von_mises_sf(0.743_46), 0.01, 1e-3);
        // By quadrature of Anderson and Darling's series.
        near(anderson_darling_sf(0.5), 0.746_814_373_530_344_5, 1e-12);
        near(anderson_darling_sf(2.492), 0.050_022_186_359_608_2, 1e-12);
        near(anderson_darling_sf(8.0), 0.000_113_814_155_726_643_76, 1e-9);
    }

    #[test]
    fn pieces_of_one_function_meet() {
        for (at, tail) in [(3.0, cramer_von_mises_sf as fn(f64) -> f64), (20.0, anderson_darling_sf)] {
            near(tail(at - 1e-9), tail(at + 1e-9), 0.06);
        }
        for degrees in [1.0, 59.0, 61.0, 1000.0, 1e6] {
            near(chi2_sf(degrees + 2.0 - 1e-9, degrees), chi2_sf(degrees + 2.0 + 1e-9, degrees), 1e-8);
        }
    }

    #[test]
    fn no_argument_gives_nan() {
        for x in [0.0, 1e-300, 1e-3, 1.0, 1e3, 1e300, f64::INFINITY] {
            for p in
                [normal_sf(x), chi2_sf(x, 5.0), kuiper_sf(x), cramer_von_mises_sf(x), anderson_darling_sf(x)]
            {
                assert!((0.0..=1.0).contains(&p), "{x}: {p}");
            }
        }
    }
}
