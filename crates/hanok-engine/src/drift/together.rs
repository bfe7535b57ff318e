//! What no single column shows.

use std::slice::from_ref;

use hanok_drift::classifier::classify;
use hanok_drift::multivariate::{Rows, correlations, discrepancy, reconstruction};
use hanok_drift::{Column, Kind, Options, Report};
use hanok_report::Joint;

use super::columns::Columns;
use crate::EngineError;

/// Rows of each side that are looked at, evenly from all.
const ROWS_MAX: usize = 20_000;
/// Columns; all pairs of them are.
const COLUMNS_MAX: usize = 100;
/// Columns that are missing more often than this would leave few rows whole.
const MISSING_MAX: f64 = 0.2;
/// The same report for the same data.
const SEED: u64 = 0;

/// Looks at columns together; `None` with fewer than two of them.
pub(super) fn joint(
    sides: [&Columns; 2],
    report: &Report,
    options: &Options,
    threads: usize,
) -> Result<Option<Joint>, EngineError> {
    let of = |is_fit: &dyn Fn(&Column) -> bool| -> Vec<&str> {
        let fit = report.columns.iter().filter(|column| column.kinds[0] == column.kinds[1] && is_fit(column));
        fit.map(|column| column.name.as_str()).take(COLUMNS_MAX).collect()
    };
    let told = of(&|column| matches!(column.kinds[0], Kind::Numbers | Kind::Booleans | Kind::Texts));
    if told.len() < 2 {
        return Ok(None);
    }
    let [reference, current] = [sides[0].sample(&told, ROWS_MAX)?, sides[1].sample(&told, ROWS_MAX)?];
    let mut joint = Joint {
        classifier: Some(classify(from_ref(&reference), from_ref(&current), &told, SEED, threads)?),
        ..Joint::default()
    };
    let numbers = of(&|column| {
        matches!(column.kinds[0], Kind::Numbers | Kind::Booleans)
            && column.profiles.iter().all(|profile| profile.missing_rate() <= MISSING_MAX)
    });
    if numbers.len() >= 2 {
        let (reference, current) = (Rows::new(&[reference], &numbers)?, Rows::new(&[current], &numbers)?);
        joint.columns = numbers.iter().map(|name| (*name).to_owned()).collect();
        joint.rows = [reference.len() as u64, current.len() as u64];
        joint.correlations = correlations(&reference, &current, options)?;
        joint.reconstruction = Some(reconstruction(&reference, &current, options)?);
        joint.discrepancy = Some(discrepancy(&reference, &current, SEED)?);
    }
    Ok(Some(joint))
}
