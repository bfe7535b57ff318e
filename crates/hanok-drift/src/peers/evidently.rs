//! Evidently's choice of a test and its result.

use serde::Serialize;

use super::kind;
use crate::categories::Tally;
use crate::column::{self, Kind};
use crate::compare::Pair;
use crate::divergence::{jensen_shannon, shares};
use crate::error::CompareError;
use crate::kolmogorov;
use crate::numeric::Sample;
use crate::ranks::ranks;
use crate::special::{chi2_sf, normal_sf};

/// Up to so many reference rows, tests decide by p-values, above by distances.
const SMALL_MAX: u64 = 1000;

/// The test that Evidently chooses for a column, and its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EvidentlyTest {
    /// `ks`, `chisquare`, `z`, `wasserstein` or `jensenshannon`.
    pub test: &'static str,
    /// The p-value of the first three, else the distance.
    pub value: f64,
    /// 0.05 for p-values, 0.1 for distances.
    pub threshold: f64,
    /// What Evidently calls drift.
    pub has_drifted: bool,
}

/// What Evidently says of a column: numbers as numerical, texts and booleans as categorical. It drops null, NaN and infinite values
/// first; `None` where nothing is left of a side and it fails.
pub fn evidently(pair: &Pair) -> Result<Option<EvidentlyTest>, CompareError> {
    match kind(pair)? {
        Kind::Numbers => {
            let mut scratch = Vec::new();
            let finite = |sample: Sample| Sample { sorted: sample.finite().to_vec(), missing: 0 };
            let reference = finite(column::sample(&pair.reference, &mut scratch)?);
            let current = finite(column::sample(&pair.current, &mut scratch)?);
            Ok(numbers(&reference, &current))
        }
        Kind::Booleans => {
            let [reference, current] = [column::booleans(&pair.reference)?, column::booleans(&pair.current)?];
            let counts = [[reference[0], current[0]], [reference[1], current[1]]];
            Ok(categories(&counts))
        }
        _ => {
            let sides = [column::texts(&pair.reference)?, column::texts(&pair.current)?];
            let mut tally = Tally::default();
            for (side, chunks) in sides.iter().enumerate() {
                for chunk in chunks {
                    tally.add(side, chunk, usize::MAX);
                }
            }
            let counts: Vec<[u64; 2]> = tally.sorted().into_iter().map(|(_, counts)| counts).collect();
            Ok(categories(&counts))
        }
    }
}

fn numbers(reference: &Sample, current: &Sample) -> Option<EvidentlyTest> {
    if reference.sorted.is_empty() || current.sorted.is_empty() {
        return None;
    }
    let ranks = ranks(&reference.sorted, &current.sorted);
    if ranks.distinct[2] <= 5 {
        return categories(&levels(reference, current));
    }
    if ranks.n as u64 <= SMALL_MAX {
        // scipy.stats.ks_2samp, method `auto`.
        let largest = ranks.above.max(ranks.below);
        let is_exact = ranks.n.max(ranks.m) <= 10_000;
        let p = if is_exact {
            kolmogorov::exact(largest, ranks.n, ranks.m)
        } else {
            kolmogorov::asymptotic(largest, ranks.n, ranks.m)
        };
        return Some(EvidentlyTest { test: "ks", value: p, threshold: 0.05, has_drifted: p <= 0.05 });
    }
    let deviation = reference.moments().map_or(0.0, |moments| moments.deviation);
    let value = ranks.wasserstein / deviation.max(0.001);
    Some(EvidentlyTest { test: "wasserstein", value, threshold: 0.1, has_drifted: value >= 0.1 })
}

/// Counts of each value.
fn levels(reference: &Sample, current: &Sample) -> Vec<[u64; 2]> {
    let mut values: Vec<f64> = reference.sorted.chunk_by(|a, b| a == b).map(|run| run[0]).collect();
    values.extend(current.sorted.chunk_by(|a, b| a == b).map(|run| run[0]));
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let count = |sorted: &[f64], value: f64| {
        (sorted.partition_point(|other| *other <= value) - sorted.partition_point(|other| *other < value))
            as u64
    };
    values.iter().map(|value| [count(&reference.sorted, *value), count(&current.sorted, *value)]).collect()
}

fn categories(counts: &[[u64; 2]]) -> Option<EvidentlyTest> {
    let counts: Vec<[u64; 2]> = counts.iter().copied().filter(|row| *row != [0, 0]).collect();
    let side = |side: usize| counts.iter().map(|row| row[side]).collect::<Vec<u64>>();
    let (reference, current) = (side(0), side(1));
    let (n, m) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n == 0 || m == 0 {
        return None;
    }
    let by_p = |test, value: f64| EvidentlyTest { test, value, threshold: 0.05, has_drifted: value < 0.05 };
    Some(if n > SMALL_MAX {
        // Natural logarithms.
        let value =
            jensen_shannon(&shares(&reference), &shares(&current)) * libm::sqrt(std::f64::consts::LN_2);
        EvidentlyTest { test: "jensenshannon", value, threshold: 0.1, has_drifted: value >= 0.1 }
    } else if counts.len() > 2 {
        by_p("chisquare", goodness_of_fit(&counts, m as f64 / n as f64))
    } else {
        by_p("z", if counts.len() < 2 { 1.0 } else { proportions(counts[0], n as f64, m as f64) })
    })
}

/// Evidently's χ² takes the reference for the truth, where it is a sample too.
fn goodness_of_fit(counts: &[[u64; 2]], scale: f64) -> f64 {
    let term = |row: &[u64; 2]| {
        let expected = row[0] as f64 * scale;
        (row[1] as f64 - expected).powi(2) / expected
    };
    let statistic: f64 = counts.iter().map(term).sum();
    chi2_sf(statistic, counts.len() as f64 - 1.0)
}

fn proportions(first: [u64; 2], n: f64, m: f64) -> f64 {
    let (p, q) = ((n - first[0] as f64) / n, (m - first[1] as f64) / m);
    let pooled = (p * n + q * m) / (n + m);
    let z = (p - q) / libm::sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m));
    2.0 * normal_sf(z.abs())
}
