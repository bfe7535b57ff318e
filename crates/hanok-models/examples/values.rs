//! Reads a model and rows, computes values, writes them: what `tests/models/` and the benchmark run.
//!
//! `values MODEL ROWS OUT METHOD [THREADS] [BACKGROUND]`: rows are plain little-endian f64, row after row, as many in each as the
//! model has features. Methods are `raw`, `predict`, `path`, `interactions`, `saabas`, `interventional` and `probability`; the last two
//! need a background. Explanations are written with the base at the end of each cell, interactions without. Rows are read, computed and
//! written in blocks. Prints the seconds that reading the model, preparing and computing took.
//!
//! `time-raw` predicts all rows again and again in place of that and `one-row` predicts and explains the first one: they print the
//! fewest and the median of what one time took.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::time::Instant;

use hanok_models::{
    Ensemble, Explainer, Explanation, Interventional, Predictor, RowExplainer, Saabas, Table, read,
};

/// Values of a block.
const BLOCK_VALUES: usize = 1 << 20;

/// Values of a block of rows, in the order in which they are written.
type Method<'a> = Box<dyn Fn(&Table) -> Result<Vec<f64>, Box<dyn Error>> + 'a>;

fn floats(from: &mut impl Read, most: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    from.take(8 * most as u64).read_to_end(&mut bytes)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect())
}

/// The values of each row and output, and its base at the end.
fn with_base(explanation: &Explanation) -> Vec<f64> {
    let cells = explanation.values.chunks(explanation.features.max(1)).enumerate();
    cells
        .flat_map(|(at, cell)| cell.iter().chain([&explanation.base[at % explanation.outputs]]).copied())
        .collect()
}

/// The fewest and the median microseconds of some runs.
fn time<T>(runs: usize, work: impl Fn() -> T) -> [f64; 2] {
    let once = || {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed().as_secs_f64() * 1e6
    };
    let mut taken: Vec<f64> = (0..runs).map(|_| once()).collect();
    taken.sort_unstable_by(f64::total_cmp);
    [taken[0], taken[runs / 2]]
}

fn method<'a>(
    name: &str,
    ensemble: &'a Ensemble,
    threads: usize,
    background: Option<Table>,
) -> Result<Method<'a>, Box<dyn Error>> {
    Ok(match name {
        "raw" | "predict" => {
            let (predictor, is_raw) = (Predictor::new(ensemble), name == "raw");
            Box::new(move |rows| {
                Ok(if is_raw { predictor.raw(rows, threads)? } else { predictor.predict(rows, threads)? })
            })
        }
        "path" => {
            let explainer = Explainer::new(ensemble)?;
            Box::new(move |rows| Ok(with_base(&explainer.explain(rows, threads)?)))
        }
        "saabas" => {
            let explainer = Saabas::new(ensemble)?;
            Box::new(move |rows| Ok(with_base(&explainer.explain(rows, threads)?)))
        }
        "interactions" => {
            let explainer = Explainer::new(ensemble)?;
            Box::new(move |rows| Ok(explainer.interactions(rows, threads)?.values))
        }
        "interventional" | "probability" => {
            let model = Interventional::new(ensemble, background.ok_or("a background is needed")?)?;
            let is_raw = name == "interventional";
            Box::new(move |rows| {
                let explained = if is_raw {
                    model.explain(rows, threads)?
                } else {
                    model.explain_probability(rows, threads)?
                };
                Ok(with_base(&explained))
            })
        }
        other => return Err(format!("no method {other}").into()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, out, name, rest @ ..] = arguments.as_slice() else {
        return Err("usage: values MODEL ROWS OUT METHOD [THREADS] [BACKGROUND]".into());
    };
    let threads = rest.first().map_or(Ok(1), |threads| threads.parse())?;
    let start = Instant::now();
    let ensemble = read(&std::fs::read(model)?)?;
    let read_s = start.elapsed().as_secs_f64();
    let features = ensemble.features();
    let mut rows = File::open(rows)?;
    if name == "one-row" || name == "time-raw" {
        let rows = floats(&mut rows, if name == "one-row" { features } else { usize::MAX })?;
        let table = Table::from_rows(&rows, features);
        let predictor = Predictor::new(&ensemble);
        let [least, median] =
            time(if name == "one-row" { 1000 } else { 15 }, || predictor.raw(&table, threads));
        print!("{{\"predict_us\": {median:.1}, \"predict_least_us\": {least:.1}");
        if name == "one-row" {
            let explainer = RowExplainer::new(&ensemble)?;
            let [least, median] = time(1000, || explainer.explain(&table, 1));
            print!(", \"explain_us\": {median:.1}, \"explain_least_us\": {least:.1}");
        }
        println!("}}");
        return Ok(());
    }
    let background = rest.get(1).map(|path| -> Result<Table, Box<dyn Error>> {
        Ok(Table::from_rows(&floats(&mut File::open(path)?, usize::MAX)?, features))
    });
    let start = Instant::now();
    let method = method(name, &ensemble, threads, background.transpose()?)?;
    let prepare_s = start.elapsed().as_secs_f64();
    let row_values = ensemble.outputs() * if name == "interactions" { features * features } else { features };
    let block_rows = (BLOCK_VALUES / row_values.max(1)).max(16);
    let (mut out, mut compute_s) = (BufWriter::new(File::create(out)?), 0.0);
    loop {
        let block = floats(&mut rows, block_rows * features)?;
        if block.is_empty() {
            break;
        }
        let table = Table::from_rows(&block, features);
        let start = Instant::now();
        let values = method(&table)?;
        compute_s += start.elapsed().as_secs_f64();
        for value in values {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    out.flush()?;
    println!("{{\"read_s\": {read_s:.4}, \"prepare_s\": {prepare_s:.4}, \"compute_s\": {compute_s:.4}}}");
    Ok(())
}
