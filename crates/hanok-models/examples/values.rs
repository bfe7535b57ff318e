//! Reads a model and rows of f64, computes values, writes them as f64: what `tests/models/` and the benchmark run.
//!
//! `values MODEL ROWS OUT raw|predict|path [THREADS]`: rows are plain little-endian f64, row after row, as many in each as the
//! model has features. Prints the seconds that reading, preparing and computing took.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::time::Instant;

use hanok_models::{Explainer, Explanation, Predictor, Table, read};

fn floats(path: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect())
}

/// The values of each row and output, and its base at the end.
fn with_base(explanation: &Explanation) -> Vec<f64> {
    let mut all =
        Vec::with_capacity(explanation.values.len() / explanation.features.max(1) + explanation.values.len());
    for (at, values) in explanation.values.chunks(explanation.features).enumerate() {
        all.extend_from_slice(values);
        all.push(explanation.base[at % explanation.outputs]);
    }
    all
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
    let table = Table::from_rows(&floats(rows)?, ensemble.features());
    let start = Instant::now();
    let (prepare_s, values) = match method.as_str() {
        "raw" | "predict" => {
            let predictor = Predictor::new(&ensemble);
            let prepare_s = start.elapsed().as_secs_f64();
            let is_raw = method == "raw";
            let values =
                if is_raw { predictor.raw(&table, threads)? } else { predictor.predict(&table, threads)? };
            (prepare_s, values)
        }
        "path" => {
            let explainer = Explainer::new(&ensemble)?;
            let prepare_s = start.elapsed().as_secs_f64();
            (prepare_s, with_base(&explainer.explain(&table, threads)?))
        }
        other => return Err(format!("no method {other}").into()),
    };
    let compute_s = start.elapsed().as_secs_f64() - prepare_s;
    std::fs::write(out, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    println!("{{\"read_s\": {read_s:.4}, \"prepare_s\": {prepare_s:.4}, \"compute_s\": {compute_s:.4}}}");
    Ok(())
}
