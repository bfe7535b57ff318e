//! Reads a model and rows of f64, computes values, writes them as f64: what `tests/models/` and the benchmark run.
//!
//! `values MODEL ROWS OUT raw|predict [THREADS]`: rows are plain little-endian f64, row after row, as many in each as the
//! model has features. Prints the seconds that reading, preparing and computing took.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::time::Instant;

use hanok_models::{Predictor, Table, read};

fn floats(path: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, out, method, rest @ ..] = arguments.as_slice() else {
        return Err("usage: values MODEL ROWS OUT METHOD [THREADS]".into());
    };
    let threads = rest.first().map_or(Ok(1), |threads| threads.parse())?;
    let start = Instant::now();
    let ensemble = read(&std::fs::read(model)?)?;
    let read_s = start.elapsed().as_secs_f64();
    let table = Table::from_rows(&floats(rows)?, ensemble.features);
    let start = Instant::now();
    let predictor = Predictor::new(&ensemble);
    let prepare_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let values = match method.as_str() {
        "raw" => predictor.raw(&table, threads)?,
        "predict" => predictor.predict(&table, threads)?,
        other => return Err(format!("no method {other}").into()),
    };
    let compute_s = start.elapsed().as_secs_f64();
    std::fs::write(out, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    println!("{{\"read_s\": {read_s:.4}, \"prepare_s\": {prepare_s:.4}, \"compute_s\": {compute_s:.4}}}");
    Ok(())
}
