//! Whether predicted probabilities come true as often as they say.

use serde::Serialize;

use super::measured::wilson;
use super::one_class::OneClass;
use super::performance::Model;
use super::rows::{Rows, check_labels};
use super::{Interval, Options, OutputsError, Predictions};
use crate::special::normal_sf;

/// Bins of equal width and of equal mass.
const BINS: usize = 10;
/// The level of a bin's interval.
const LEVEL: f64 = 0.95;

/// Rows of about the same predicted probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Mean of the predicted probabilities.
    pub predicted: f64,
    /// Share of the rows for which it came true.
    pub observed: f64,
    /// Wilson's interval of 95 % around `observed`.
    pub interval: Interval,
    /// Rows.
    pub count: u64,
}

/// The calibration of one class's probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The class; `None` of a binary model.
    pub class: Option<String>,
    /// Rows with a label and a finite prediction.
    pub rows: u64,
    /// Expected calibration error over 10 bins of equal width, closed above: Σ share of rows · |predicted − observed| (Naeini and others 2015). This is
    /// the one that gates look at.
    pub ece: f64,
    /// The same over 10 bins of equally many rows; rows of one probability stay together.
    pub ece_equal_mass: f64,
    /// The largest |predicted − observed| of a bin of equal width.
    pub mce: f64,
    /// Mean squared error of the probabilities (Brier 1950).
    pub brier: f64,
    /// Mean predicted probability less the share that came true: above 0, too much is predicted.
    pub bias: f64,
    /// The p-value of Spiegelhalter's test (1986) that the probabilities are true; `None` when all are 0 or 1.
    pub spiegelhalter_p: Option<f64>,
    /// The bins of equal width that have rows, ascending.
    pub bins: Vec<CalibrationBin>,
    /// The bins of equally many rows.
    pub bins_equal_mass: Vec<CalibrationBin>,
}

/// The calibration of a binary model, or of each class of several against the rest, on the rows that have a label. Empty for a regression and
/// without rows.
pub fn calibration(predictions: Predictions, labels: &[f64]) -> Result<Vec<Calibration>, OutputsError> {
    predictions.checked()?;
    check_labels(&predictions, labels)?;
    let rows = Rows::new([predictions], Some(labels));
    Ok(of_model(&Model::new(&rows, 0, &Options::default())))
}

pub(super) fn of_model(model: &Model) -> Vec<Calibration> {
    match model {
        Model::Regression { .. } => Vec::new(),
        Model::Binary(model) => of_class(model, None).into_iter().collect(),
        Model::Multiclass { model, names, .. } => {
            let class = |(class, name): (usize, &String)| of_class(&model.class(class), Some(name.clone()));
            names.iter().enumerate().filter_map(class).collect()
        }
    }
}

fn of_class(model: &OneClass, class: Option<String>) -> Option<Calibration> {
    let brier = model.brier()?.value;
    let sorted: Vec<(f64, f64)> = model.sorted().collect();
    let rows = sorted.len();
    let edges = (1..=BINS).map(|at| {
        let edge = at as f64 / BINS as f64;
        if at == BINS { rows } else { sorted.partition_point(|(p, _)| *p <= edge) }
    });
    let bins = bins(&sorted, edges);
    let masses = (1..=BINS).map(|at| {
        let end = (at * rows).div_ceil(BINS);
        sorted.partition_point(|(p, _)| *p <= sorted[end - 1].0)
    });
    let bins_equal_mass = self::bins(&sorted, masses);
    let gap = |bin: &CalibrationBin| (bin.predicted - bin.observed).abs();
    let ece = |bins: &[CalibrationBin]| {
        bins.iter().map(|bin| bin.count as f64 / rows as f64 * gap(bin)).sum::<f64>()
    };
    let excess = sorted.iter().map(|(p, label)| p - label).sum::<f64>() / rows as f64;
    Some(Calibration {
        class,
        rows: rows as u64,
        ece: ece(&bins),
        ece_equal_mass: ece(&bins_equal_mass),
        mce: bins.iter().map(gap).fold(0.0, f64::max),
        brier,
        bias: excess,
        spiegelhalter_p: spiegelhalter(&sorted),
        bins,
        bins_equal_mass,
    })
}

/// Bins of sorted rows that end before the given places; empty ones are left out.
fn bins(sorted: &[(f64, f64)], ends: impl Iterator<Item = usize>) -> Vec<CalibrationBin> {
    let mut before = 0;
    let mut bins = Vec::with_capacity(BINS);
    for end in ends {
        if end <= before {
            continue;
        }
        let rows = &sorted[before..end];
        before = end;
        let count = rows.len() as f64;
        let sums = rows.iter().fold((0.0, 0.0), |sums, (p, label)| (sums.0 + p, sums.1 + label));
        let nothing = Interval { low: 0.0, high: 1.0 };
        bins.push(CalibrationBin {
            predicted: sums.0 / count,
            observed: sums.1 / count,
            interval: wilson(sums.1, count, LEVEL).unwrap_or(nothing),
            count: rows.len() as u64,
        });
    }
    bins
}

/// Σ (label − p)(1 − 2p) by its deviation if the probabilities are true.
fn spiegelhalter(rows: &[(f64, f64)]) -> Option<f64> {
    let (mut sum, mut variance) = (0.0, 0.0);
    for (p, label) in rows {
        let weight = 1.0 - 2.0 * p;
        sum += (label - p) * weight;
        variance += weight * weight * p * (1.0 - p);
    }
    (variance > 0.0).then(|| 2.0 * normal_sf(sum.abs() / libm::sqrt(variance)))
}
