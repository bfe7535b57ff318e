//! Names of the statistics.

use serde::{Serialize, Serializer};

/// A statistic of a reference and a current sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Kolmogorov–Smirnov: the largest difference of the two distribution functions, 0 to 1.
    KolmogorovSmirnov,
    /// Kuiper: the largest differences up and down together; as sensitive in the tails as in the middle.
    Kuiper,
    /// Cramér–von Mises: T = nm / (n + m)² · Σ (F − G)² over all values.
    CramerVonMises,
    /// Anderson–Darling of two samples: A² with midranks (Scholz and Stephens 1987), not standardised.
    AndersonDarling,
    /// Mann–Whitney: the pairs in which the reference's value is the larger, ties as halves. The test is two-sided.
    MannWhitney,
    /// Wasserstein distance of order 1, in the column's own unit: ∫ |F − G|.
    Wasserstein,
    /// The same in standard deviations of the reference.
    WassersteinScaled,
    /// Energy distance: √(2 ∫ (F − G)²).
    Energy,
    /// Population stability index over the reference's bins; empty bins count as 1e-4.
    Psi,
    /// Jensen–Shannon distance of base 2, 0 to 1.
    JensenShannon,
    /// Hellinger distance, 0 to 1.
    Hellinger,
    /// Total variation distance: the share of rows that would have to change, 0 to 1.
    TotalVariation,
    /// Le Cam's distance √(½ Σ (p − q)² / (p + q)), 0 to 1: χ² without the number of rows. Rare categories are pooled.
    LeCam,
    /// The largest difference of one share, 0 to 1.
    LInfinity,
    /// Pearson's χ² of the table of both sides, rare categories pooled.
    ChiSquared,
    /// The likelihood-ratio G of the same table.
    GTest,
    /// Fisher's exact test of a table of two by two; the value is the odds ratio.
    FisherExact,
    /// A difference of two rates.
    RateDifference,
    /// The share of current values beyond the smallest and the largest of the reference.
    Outside,
    /// A difference of two rank correlations.
    CorrelationDifference,
}

impl Measure {
    /// The name in reports and documents, e.g. `kolmogorov_smirnov`.
    pub fn name(self) -> &'static str {
        match self {
            Measure::KolmogorovSmirnov => "kolmogorov_smirnov",
            Measure::Kuiper => "kuiper",
            Measure::CramerVonMises => "cramer_von_mises",
            Measure::AndersonDarling => "anderson_darling",
            Measure::MannWhitney => "mann_whitney",
            Measure::Wasserstein => "wasserstein",
            Measure::WassersteinScaled => "wasserstein_scaled",
            Measure::Energy => "energy",
            Measure::Psi => "psi",
            Measure::JensenShannon => "jensen_shannon",
            Measure::Hellinger => "hellinger",
            Measure::TotalVariation => "total_variation",
            Measure::LeCam => "le_cam",
            Measure::LInfinity => "l_infinity",
            Measure::ChiSquared => "chi_squared",
            Measure::GTest => "g_test",
            Measure::FisherExact => "fisher_exact",
            Measure::RateDifference => "rate_difference",
            Measure::Outside => "outside",
            Measure::CorrelationDifference => "correlation_difference",
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The value of a measure, with the probability of one as large without drift where the measure is a test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Statistic {
    /// What was measured.
    pub measure: Measure,
    /// Its value.
    pub value: f64,
    /// The p-value.
    pub p: Option<f64>,
    /// How far the value may be from that of the rows, because sketches stand for them (in 99 of 100 cases); 0 if it is exact.
    pub error: f64,
}

impl Statistic {
    /// With an error of a sketch. A p-value is already that of the nearer end.
    pub(crate) fn within(self, error: f64) -> Statistic {
        Statistic { error, ..self }
    }
}

pub(crate) fn distance(measure: Measure, value: f64) -> Statistic {
    Statistic { measure, value, p: None, error: 0.0 }
}

pub(crate) fn test(measure: Measure, value: f64, p: f64) -> Statistic {
    Statistic { measure, value, p: Some(p), error: 0.0 }
}
