//! Profiles from Arrow files: what `tests/drift/` runs, and how long a profile takes.
//!
//! `profile of TABLE OUT` profiles an Arrow file; `profile time ROWS COLUMNS [THREADS]` profiles random columns, a third each of floats,
//! integers and categories, in batches of 65,536 rows, and prints nanoseconds a value.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::ipc::reader::FileReader;
use hanok_drift::profile::TableProfile;

/// Rows of a batch.
const BATCH: usize = 65_536;

/// The next of some random numbers (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn column(at: usize, state: &mut u64) -> ArrayRef {
    let mut many = |range: u64| (0..BATCH).map(|_| next(state) % range).collect::<Vec<u64>>();
    match at % 3 {
        0 => Arc::new(Float64Array::from_iter_values(
            many(1 << 53).into_iter().map(|value| (value as f64).ln()),
        )),
        1 => Arc::new(Int64Array::from_iter_values(many(100_000).into_iter().map(|value| value as i64))),
        _ => Arc::new(StringArray::from_iter_values(
            many(50).into_iter().map(|value| format!("category {value}")),
        )),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["of", table, out] => {
            let reader = FileReader::try_new(File::open(table)?, None)?;
            let mut profile = TableProfile::new(&reader.schema())?;
            for batch in reader {
                profile.update(&batch?, 2)?;
            }
            std::fs::write(out, profile.to_json()?)?;
        }
        ["time", rows, columns, threads @ ..] => {
            let (rows, columns) = (rows.parse::<usize>()?, columns.parse::<usize>()?);
            let threads = threads.first().map_or(Ok(1), |threads| threads.parse())?;
            let mut state = 1;
            let named = (0..columns).map(|at| (format!("c{at}"), column(at, &mut state)));
            let batch = RecordBatch::try_from_iter(named)?;
            let mut profile = TableProfile::new(&batch.schema())?;
            let start = Instant::now();
            for at in 0..rows.div_ceil(BATCH) {
                profile.update(&batch.slice(0, BATCH.min(rows - at * BATCH)), threads)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
            let each = seconds * 1e9 / (rows * columns) as f64;
            println!(
                "{seconds:.2} s, {each:.1} ns a value, {} bytes saved, {peak}",
                profile.to_json()?.len()
            );
        }
        _ => return Err("usage: profile of TABLE OUT | profile time ROWS COLUMNS [THREADS]".into()),
    }
    Ok(())
}
