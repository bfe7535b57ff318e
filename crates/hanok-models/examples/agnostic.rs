//! Explains a model's raw values by asking it: what `tests/models/agnostic.py` runs.
//!
//! `agnostic MODEL ROWS BACKGROUND OUT METHOD [MAX_EVALS]`: rows and background are plain little-endian f64, row after row. Methods are
//! `exact`, `permutation`, `sampling`, `kernel` and `partition`, whose groups are those of the background's correlations. The values are
//! written with the base at the end of each cell, then the standard errors if there are any. Prints how many rows the model was given.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use hanok_models::{Agnostic, Hierarchy, Method, Options, Predictor, Table, read};

fn floats(path: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, background, out, method, max_evals @ ..] = arguments.as_slice() else {
        return Err("usage: agnostic MODEL ROWS BACKGROUND OUT METHOD [MAX_EVALS]".into());
    };
    let max_evals = max_evals.first().map(|evals| evals.parse()).transpose()?;
    let ensemble = read(&std::fs::read(model)?)?;
    let features = ensemble.features();
    let (rows, background) = (floats(rows)?, floats(background)?);
    let method = match method.as_str() {
        "exact" => Method::Exact,
        "permutation" => Method::Permutation,
        "sampling" => Method::Sampling,
        "kernel" => Method::Kernel,
        "partition" => Method::Partition(Hierarchy::by_correlation(&background, features)?),
        other => return Err(format!("no method {other}").into()),
    };
    let predictor = Predictor::new(&ensemble);
    let ask = |rows: &[f64]| predictor.raw(&Table::from_rows(rows, features), 1);
    let mut agnostic = Agnostic::new(ask, background, features, Options { max_evals, ..Options::default() })?;
    let found = agnostic.explain(&rows, &method)?;
    let explanation = &found.explanation;
    let mut all = Vec::new();
    for (cell, values) in explanation.values.chunks(features).enumerate() {
        all.extend(values);
        all.push(explanation.base[cell % explanation.outputs]);
    }
    all.extend(found.errors.unwrap_or_default());
    std::fs::write(out, all.iter().flat_map(|value: &f64| value.to_le_bytes()).collect::<Vec<u8>>())?;
    println!("{}", found.model_rows);
    Ok(())
}
