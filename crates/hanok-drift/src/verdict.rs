//! From statistics to verdicts: an effect that matters, and a probability that holds for all tests together.

use serde::Serialize;

use crate::error::CompareError;
use crate::measure::Measure;
use crate::special::{chi2_sf, normal_isf};

/// What counts as drift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Options {
    /// The rate of false alarms among alarms (Benjamini and Hochberg) that is accepted. 0 to 1, without the ends.
    pub alpha: f64,
    /// The probability with which drift at a threshold is to be found; with less, a verdict is [`Verdict::Undecided`].
    pub power: f64,
    /// Kolmogorov–Smirnov of numbers.
    pub kolmogorov_smirnov: f64,
    /// Scaled Wasserstein distance of numbers. A normal variable that moves by this default moves Kolmogorov–Smirnov by its
    /// default.
    pub wasserstein_scaled: f64,
    /// Le Cam's distance of categories. One new category with 2 % of the rows has this default.
    pub le_cam: f64,
    /// Difference of the rates of missing values.
    pub missing: f64,
    /// Share of values out of the reference's range.
    pub outside: f64,
    /// The most distinct texts of a column that is compared as categories; with more it is compared as text.
    pub categories: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            alpha: 0.05,
            power: 0.8,
            kolmogorov_smirnov: 0.1,
            wasserstein_scaled: 0.25,
            le_cam: 0.1,
            missing: 0.05,
            outside: 0.01,
            categories: 1000,
        }
    }
}

impl Options {
    /// Checks that each is in its range.
    ///
    /// # Errors
    /// [`CompareError::Option`] when one is out of its range.
    pub fn checked(&self) -> Result<(), CompareError> {
        let probabilities = [("alpha", self.alpha), ("power", self.power)];
        for (name, value) in probabilities {
            if !(value > 0.0 && value < 1.0) {
                return Err(CompareError::Option { name, value, allowed: "between 0 and 1" });
            }
        }
        let thresholds = [
            ("kolmogorov_smirnov", self.kolmogorov_smirnov),
            ("wasserstein_scaled", self.wasserstein_scaled),
            ("le_cam", self.le_cam),
            ("missing", self.missing),
            ("outside", self.outside),
        ];
        for (name, value) in thresholds {
            if !(value > 0.0 && value.is_finite()) {
                return Err(CompareError::Option { name, value, allowed: "above 0" });
            }
        }
        Ok(())
    }
}

/// What to make of an aspect, a column or a table. The order is that of worry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No drift of a size that matters, and there were rows enough to see it.
    Stable,
    /// Too few rows: drift that matters could have been missed.
    Undecided,
    /// An effect beyond its threshold that chance does not explain.
    Drifted,
}

impl Verdict {
    /// The name in reports and tables: `stable`, `undecided`, `drifted`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Stable => "stable",
            Verdict::Undecided => "undecided",
            Verdict::Drifted => "drifted",
        }
    }
}

/// How large a difference is, against how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The measure that decides.
    pub measure: Measure,
    /// Its value.
    pub value: f64,
    /// What is left of the value without what samples of these sizes show when nothing has drifted, √(value² − noise²). This
    /// is compared with the threshold, so that a verdict does not change with the number of rows.
    pub beyond_noise: f64,
    /// From here on it matters.
    pub threshold: f64,
    /// The smallest population value of the measure that the test would find with the wanted power.
    pub detectable: f64,
    /// How far [`Effect::value`] may be from that of the rows, because sketches stand for them; 0 if it is exact. An effect must be
    /// beyond its threshold by this much to be drift, and below by as much to be none.
    pub error: f64,
    /// Rows needed on each side for [`Effect::detectable`] to be the threshold.
    pub rows_needed: f64,
}

impl Effect {
    /// `noise` is the size without drift; `needed` the number n·m / (n + m) with which a drift of the threshold is found.
    pub(crate) fn new(
        measure: Measure,
        value: f64,
        noise: f64,
        threshold: f64,
        harmonic: f64,
        needed: f64,
    ) -> Effect {
        let beyond_noise =
            if value.is_finite() { libm::sqrt((value * value - noise * noise).max(0.0)) } else { value };
        let detectable = threshold * libm::sqrt(needed / harmonic);
        let rows_needed = (2.0 * needed).ceil();
        Effect { measure, value, beyond_noise, threshold, detectable, error: 0.0, rows_needed }
    }

    /// With an error of a sketch, which also hides effects.
    pub(crate) fn within(self, error: f64) -> Effect {
        Effect { error, detectable: self.detectable + error, ..self }
    }

    /// How often the threshold fits into [`Effect::beyond_noise`]; infinite where the value is.
    pub fn ratio(&self) -> f64 {
        self.beyond_noise / self.threshold
    }

    pub(crate) fn verdict(&self, p_adjusted: f64, alpha: f64) -> Verdict {
        let is_beyond = self.beyond_noise - self.error >= self.threshold;
        let may_be_beyond = self.error > 0.0 && self.beyond_noise + self.error >= self.threshold;
        if p_adjusted <= alpha && is_beyond {
            Verdict::Drifted
        } else if self.detectable <= self.threshold && !may_be_beyond {
            Verdict::Stable
        } else {
            Verdict::Undecided
        }
    }
}

/// p-values adjusted so that those at or below α have an expected share of α of false ones (Benjamini and Hochberg 1995).
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 1.0_f64;
    for (at, place) in order.into_iter().enumerate() {
        least = least.min(p[place] * p.len() as f64 / (p.len() - at) as f64);
        adjusted[place] = least;
    }
    adjusted
}

/// The harmonic size n·m / (n + m) at which a two-sample Kolmogorov–Smirnov test finds a difference of `d`: the critical value of
/// the limit, and the spread of one point of a distribution function, at most a half.
pub(crate) fn kolmogorov_needed(d: f64, options: &Options) -> f64 {
    // The first term of the limit decides: α = 2 exp(−2 K²).
    let critical = libm::sqrt(-0.5 * libm::log(0.5 * options.alpha));
    ((critical + 0.5 * normal_isf(1.0 - options.power)) / d).powi(2)
}

/// The noncentrality that a χ² test needs, by the normal limit of the noncentral distribution.
pub(crate) fn noncentrality_needed(degrees: f64, options: &Options) -> f64 {
    let degrees = degrees.max(1.0);
    let (mut low, mut high) = (0.0, degrees + 20.0 * libm::sqrt(degrees) + 400.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if chi2_sf(middle, degrees) > options.alpha { low = middle } else { high = middle }
    }
    let critical = 0.5 * (low + high);
    let z = normal_isf(1.0 - options.power);
    let mut needed = critical;
    for _ in 0..60 {
        needed = (critical - degrees + z * libm::sqrt(2.0 * (degrees + 2.0 * needed))).max(0.0);
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn adjusted_probabilities_of_the_textbook() {
        // scipy.stats.false_discovery_control
        let found = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005, 0.5]);
        let expected = [0.025, 0.05, 0.05, 0.025, 0.5];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        assert_eq!(benjamini_hochberg(&[]), [] as [f64; 0]);
    }

    #[test]
    fn power_is_that_of_the_tables() {
        let options = Options::default();
        // scipy.stats.ncx2, solved for the noncentrality.
        for (degrees, expected) in [(1.0, 7.8489), (10.0, 16.2411), (50.0, 30.2036)] {
            let found = noncentrality_needed(degrees, &options);
            assert!((found / expected - 1.0).abs() < 0.06, "{degrees}: {found} is not {expected}");
        }
        let rows = 2.0 * kolmogorov_needed(0.1, &options);
        assert!((500.0..800.0).contains(&rows), "{rows}");
    }

    #[test]
    fn both_an_effect_and_a_probability_are_needed() {
        let effect =
            |value, harmonic| Effect::new(Measure::KolmogorovSmirnov, value, 0.01, 0.1, harmonic, 300.0);
        assert_eq!(effect(0.2, 1000.0).verdict(0.01, 0.05), Verdict::Drifted);
        assert_eq!(effect(0.2, 1000.0).verdict(0.2, 0.05), Verdict::Stable);
        assert_eq!(effect(0.2, 100.0).verdict(0.2, 0.05), Verdict::Undecided);
        assert_eq!(effect(0.05, 1e6).verdict(1e-9, 0.05), Verdict::Stable);
        assert_eq!(effect(f64::INFINITY, 1e6).verdict(1e-9, 0.05), Verdict::Drifted);
        let sketched = |value| effect(value, 1e6).within(0.02).verdict(1e-9, 0.05);
        assert_eq!(
            [0.07, 0.09, 0.11, 0.13].map(sketched),
            [Verdict::Stable, Verdict::Undecided, Verdict::Undecided, Verdict::Drifted]
        );
        assert!(Verdict::Drifted > Verdict::Undecided && Verdict::Undecided > Verdict::Stable);
    }

    proptest! {
        #[test]
        fn adjusting_is_the_definition(p in prop::collection::vec(0.0_f64..=1.0, 1..30)) {
            let adjusted = benjamini_hochberg(&p);
            for (at, p_at) in p.iter().enumerate() {
                // The least over all larger values of p·(count / how many are not larger).
                let of = |q: f64| (q * p.len() as f64 / p.iter().filter(|other| **other <= q).count() as f64).min(1.0);
                let expected = p.iter().filter(|q| *q >= p_at).map(|q| of(*q)).fold(1.0, f64::min);
                prop_assert!((adjusted[at] - expected).abs() < 1e-12);
            }
        }
    }
}
