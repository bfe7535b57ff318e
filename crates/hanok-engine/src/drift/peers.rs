//! What other libraries would say.

use hanok_drift::peers::{evidently, nannyml};
use hanok_drift::threads::each;
use hanok_drift::{CompareError, Pair};
use serde::Serialize;

use super::columns::Columns;
use super::compare::{Names, pair};
use crate::EngineError;

/// Of a table's columns this share drifted is drift of the table, says Evidently.
const EVIDENTLY_SHARE: f64 = 0.5;

/// Another library's tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerMethod {
    /// Evidently 0.7 with its defaults.
    Evidently,
    /// NannyML 0.13 with its defaults: Jensen–Shannon distances of ten chunks.
    NannyMl,
}

/// What it says of two tables.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeerReport {
    /// Whose tests.
    pub method: PeerMethod,
    /// The sides, as they were written, and their rows.
    pub sides: [(String, u64); 2],
    /// The columns that it can compare.
    pub columns: Vec<PeerColumn>,
    /// Columns of types that it does not compare, and those on which it fails.
    pub skipped: Vec<String>,
    /// What it calls drift of the table; NannyML has no such thing.
    pub has_drifted: Option<bool>,
    /// Wall time.
    pub seconds: f64,
}

/// What it says of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeerColumn {
    /// The column.
    pub name: String,
    /// The test.
    pub test: &'static str,
    /// A p-value or a distance; of chunks the largest.
    pub value: f64,
    /// What it is compared with.
    pub threshold: f64,
    /// What it calls drift.
    pub has_drifted: bool,
    /// The distances of the current chunks.
    pub chunks: Vec<f64>,
}

/// Asks about all columns.
pub(super) fn by_peer(
    method: PeerMethod,
    sides: [&Columns; 2],
    names: &Names,
    threads: usize,
) -> Result<(Vec<PeerColumn>, Vec<String>), EngineError> {
    let one = |at: usize, _: &mut Vec<u64>| -> Result<Result<PeerColumn, String>, EngineError> {
        let pair = pair(sides, &names.common[at])?;
        let found = match method {
            PeerMethod::Evidently => by_evidently(&pair),
            PeerMethod::NannyMl => by_nannyml(&pair),
        };
        match found {
            Ok(found) => Ok(found.ok_or(pair.name)),
            Err(CompareError::Type { .. }) => Ok(Err(pair.name)),
            Err(error) => Err(error.into()),
        }
    };
    let (mut columns, mut skipped) = (Vec::new(), Vec::new());
    for found in each(names.common.len(), threads, one)? {
        match found {
            Ok(column) => columns.push(column),
            Err(name) => skipped.push(name),
        }
    }
    Ok((columns, skipped))
}

/// Whether it calls the table drifted.
pub(super) fn table_drift(method: PeerMethod, columns: &[PeerColumn]) -> Option<bool> {
    let drifted = columns.iter().filter(|column| column.has_drifted).count();
    (method == PeerMethod::Evidently).then(|| drifted as f64 >= EVIDENTLY_SHARE * columns.len().max(1) as f64)
}

fn by_evidently(pair: &Pair) -> Result<Option<PeerColumn>, CompareError> {
    Ok(evidently(pair)?.map(|found| PeerColumn {
        name: pair.name.clone(),
        test: found.test,
        value: found.value,
        threshold: found.threshold,
        has_drifted: found.has_drifted,
        chunks: Vec::new(),
    }))
}

fn by_nannyml(pair: &Pair) -> Result<Option<PeerColumn>, CompareError> {
    Ok(nannyml(pair)?.map(|found| PeerColumn {
        name: pair.name.clone(),
        test: "jensen_shannon",
        value: found.current.iter().copied().fold(f64::NAN, f64::max),
        threshold: found.threshold,
        has_drifted: found.alerts().contains(&true),
        chunks: found.current,
    }))
}
