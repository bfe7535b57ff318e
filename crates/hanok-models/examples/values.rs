//! Reads a model and rows, computes values, writes them: what `tests/models/` and the benchmark run.
//!
//! `values MODEL ROWS OUT METHOD [THREADS] [BACKGROUND]`: rows are plain little-endian f64, row after row, as many in each as the
//! model has features. Methods are `raw`, `predict`, `path`, `interactions`, `interventional` and `probability`; the last two need a
//! background. Explanations are written with the base at the end of each cell, interactions without. `one-row` predicts and explains the
//! first row a hundred times instead. Prints the seconds that reading, preparing and computing took, of one row the fewest microseconds.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::time::Instant;

use hanok_models::{Explainer, Explanation, Interventional, Predictor, Table, read};

fn floats(path: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect())
}

/// The values of each row and output, and its base at the end.
fn with_base(explanation: &Explanation) -> Vec<f64> {
    let cells = explanation.values.chunks(explanation.features.max(1)).enumerate();
    cells
        .flat_map(|(at, cell)| cell.iter().chain([&explanation.base[at % explanation.outputs]]).copied())
        .collect()
}

/// The microseconds of the fastest of a hundred runs.
fn best<T>(work: impl Fn() -> T) -> f64 {
    let once = || {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..100).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, out, method, rest @ ..] = arguments.as_slice() else {
        return Err("usage: values MODEL ROWS OUT METHOD [THREADS] [BACKGROUND]".into());
    };
    let threads = rest.first().map_or(Ok(1), |threads| threads.parse())?;
    let start = Instant::now();
    let ensemble = read(&std::fs::read(model)?)?;
    let read_s = start.elapsed().as_secs_f64();
    let features = ensemble.features();
    let rows = floats(rows)?;
    let table = Table::from_rows(&rows, features);
    let first = Table::from_rows(&rows[..features.min(rows.len())], features);
    let background = || -> Result<Interventional<'_>, Box<dyn Error>> {
        let rows = floats(rest.get(1).ok_or("a background is needed")?)?;
        Ok(Interventional::new(&ensemble, Table::from_rows(&rows, features))?)
    };
    if method == "one-row" {
        let (predictor, explainer) = (Predictor::new(&ensemble), Explainer::new(&ensemble)?);
        let (predict_us, explain_us) =
            (best(|| predictor.raw(&first, 1)), best(|| explainer.explain(&first, 1)));
        println!("{{\"predict_us\": {predict_us:.1}, \"explain_us\": {explain_us:.1}}}");
        return Ok(());
    }
    let start = Instant::now();
    let (prepare_s, values);
    match method.as_str() {
        "raw" | "predict" => {
            let predictor = Predictor::new(&ensemble);
            prepare_s = start.elapsed().as_secs_f64();
            let is_raw = method == "raw";
            values =
                if is_raw { predictor.raw(&table, threads)? } else { predictor.predict(&table, threads)? };
        }
        "path" | "interactions" => {
            let explainer = Explainer::new(&ensemble)?;
            prepare_s = start.elapsed().as_secs_f64();
            values = if method == "path" {
                with_base(&explainer.explain(&table, threads)?)
            } else {
                explainer.interactions(&table, threads)?.values
            };
        }
        "interventional" | "probability" => {
            let model = background()?;
            prepare_s = start.elapsed().as_secs_f64();
            let is_raw = method == "interventional";
            let explained = if is_raw {
                model.explain(&table, threads)?
            } else {
                model.explain_probability(&table, threads)?
            };
            values = with_base(&explained);
        }
        other => return Err(format!("no method {other}").into()),
    }
    let compute_s = start.elapsed().as_secs_f64() - prepare_s;
    std::fs::write(out, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    println!("{{\"read_s\": {read_s:.4}, \"prepare_s\": {prepare_s:.4}, \"compute_s\": {compute_s:.4}}}");
    Ok(())
}
