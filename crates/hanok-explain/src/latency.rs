//! How long a model takes for one row, which is what a service waits for.

use std::time::Instant;

use arrow::array::RecordBatch;

use crate::columns::ColumnChoice;
use crate::model::Model;
use crate::predict::{Predicting, RunError};

/// Most rows that are predicted one by one.
const ROWS_MAX: usize = 500;

/// Microseconds from one row of columns to its prediction, on one thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// Median.
    pub p50_us: f64,
    /// 95th percentile.
    pub p95_us: f64,
}

/// Predicts rows one by one, the first ones twice, so that the first time is not counted. `None` without rows.
pub fn latency(
    model: &Model,
    rows: &RecordBatch,
    choice: &ColumnChoice,
) -> Result<Option<Latency>, RunError> {
    let predicting = Predicting::new(model, rows.schema_ref(), choice, 1, Some(rows))?;
    let count = rows.num_rows().min(ROWS_MAX);
    let warm = count.min(ROWS_MAX / 10);
    let mut times = Vec::with_capacity(count);
    for at in (0..warm).chain(0..count) {
        let row = rows.slice(at, 1);
        let started = Instant::now();
        std::hint::black_box(predicting.predict(&row)?);
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    let mut times = times.split_off(warm);
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| times.get((share * (times.len().max(1) - 1) as f64) as usize).copied();
    Ok(at(0.5).zip(at(0.95)).map(|(p50_us, p95_us)| Latency { p50_us, p95_us }))
}
