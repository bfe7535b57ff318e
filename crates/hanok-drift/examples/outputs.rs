//! Reads Arrow files with models' outputs and writes what is said of them as JSON: what `tests/drift/by_outputs.py` runs.
//!
//! `outputs swap TASK TABLE` with the columns `label`, `m1` and `m2` (of several classes `m1_a`, `m1_b` …), text columns as segments, and
//! `s1_FEATURE` and `s2_FEATURE` as attributions; `outputs cbpe REFERENCE CURRENT ROWS` with `label` and `p` or `p_a`, `p_b` … in chunks of ROWS;
//! `outputs time` prints the seconds of swaps of a million rows. TASK is `regression`, `binary` or `multiclass`.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use arrow::ipc::reader::FileReader;
use hanok_drift::outputs::swap::{Attributions, Inputs, Segments};
use hanok_drift::outputs::{Options, Predictions, Side, cbpe, chunks, swap};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn read(path: &str) -> Result<RecordBatch> {
    let reader = FileReader::try_new(File::open(path)?, None)?;
    let schema = reader.schema();
    Ok(concat_batches(&schema, &reader.collect::<std::result::Result<Vec<_>, _>>()?)?)
}

/// Columns whose names begin so, row after row, and the rest of their names. Null is NaN.
fn matrix(table: &RecordBatch, prefix: &str) -> Result<(Vec<String>, Vec<f64>)> {
    let (mut names, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in table.schema().fields().iter().zip(table.columns()) {
        if let Some(name) = field.name().strip_prefix(prefix) {
            names.push(name.to_owned());
            columns.push(cast(column, &DataType::Float64)?);
        }
    }
    let mut values = Vec::with_capacity(names.len() * table.num_rows());
    for row in 0..table.num_rows() {
        for column in &columns {
            let column = column.as_primitive::<Float64Type>();
            values.push(if column.is_null(row) { f64::NAN } else { column.value(row) });
        }
    }
    Ok((names, values))
}

fn predictions<'a>(task: &str, (names, values): &'a (Vec<String>, Vec<f64>)) -> Predictions<'a> {
    match task {
        "regression" => Predictions::Numbers(values),
        "binary" => Predictions::Probabilities(values),
        _ => Predictions::Classes { names, values },
    }
}

fn by_swap(task: &str, path: &str) -> Result<()> {
    let table = read(path)?;
    let models = [matrix(&table, "m1")?, matrix(&table, "m2")?];
    let (has_labels, labels) = matrix(&table, "label")?;
    let attributions = [matrix(&table, "s1_")?, matrix(&table, "s2_")?];
    let rows: Vec<u32> = (0..table.num_rows() as u32).collect();
    let mut columns = Vec::new();
    for (field, column) in table.schema().fields().iter().zip(table.columns()) {
        if matches!(field.data_type(), DataType::Utf8) {
            let texts = column.as_string::<i32>();
            let mut values: Vec<String> = texts.iter().flatten().map(str::to_owned).collect();
            values.sort_unstable();
            values.dedup();
            let place = |text: Option<&str>| {
                let found = text.and_then(|text| values.iter().position(|value| value == text));
                found.map_or(u32::MAX, |place| place as u32)
            };
            let of_row: Vec<u32> = texts.iter().map(place).collect();
            columns.push((field.name().clone(), values, of_row));
        }
    }
    let segments: Vec<Segments> = columns
        .iter()
        .map(|(column, labels, rows)| Segments { column: column.as_str(), labels, rows })
        .collect();
    let inputs = Inputs {
        models: models.each_ref().map(|model| predictions(task, model)),
        labels: (!has_labels.is_empty()).then_some(&labels),
        segments: &segments,
        attributions: (!attributions[0].0.is_empty()).then_some(Attributions {
            rows: &rows,
            features: attributions.each_ref().map(|side| side.0.as_slice()),
            values: attributions.each_ref().map(|side| side.1.as_slice()),
        }),
    };
    println!("{}", serde_json::to_string(&swap(&inputs, &swap::Options::default())?)?);
    Ok(())
}

fn by_cbpe(paths: [&str; 2], size: usize) -> Result<()> {
    let tables = [read(paths[0])?, read(paths[1])?];
    let task = if tables[0].column_by_name("p").is_some() { "binary" } else { "multiclass" };
    let values = [matrix(&tables[0], "p")?, matrix(&tables[1], "p")?];
    let labels = [matrix(&tables[0], "label")?, matrix(&tables[1], "label")?];
    let parts = tables.each_ref().map(|table| chunks(table.num_rows(), size));
    let side = |at: usize| Side {
        predictions: predictions(task, &values[at]),
        labels: (!labels[at].0.is_empty()).then_some(&labels[at].1),
        chunks: &parts[at],
    };
    println!("{}", serde_json::to_string(&cbpe(side(0), side(1), &Options::default())?)?);
    Ok(())
}

/// A million rows, with labels and a column of eight segments.
fn time() -> Result<()> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let rows = 1_000_000;
    let truth: Vec<f64> = (0..rows).map(|_| uniform()).collect();
    let near = |noise: &mut dyn FnMut() -> f64| -> Vec<f64> {
        truth.iter().map(|p| (p + 0.3 * (noise() - 0.5)).clamp(0.0, 1.0)).collect()
    };
    let models = [near(&mut uniform), near(&mut uniform)];
    let labels: Vec<f64> = truth.iter().map(|p| f64::from(u8::from(uniform() < *p))).collect();
    let names: Vec<String> = (0..8).map(|name| name.to_string()).collect();
    let of_row: Vec<u32> = (0..rows).map(|_| (uniform() * 8.0) as u32).collect();
    let segments = [Segments { column: "segment", labels: &names, rows: &of_row }];
    for (task, labels) in [("binary", Some(&labels)), ("binary", None), ("regression", Some(&labels))] {
        let inputs = Inputs {
            models: models.each_ref().map(|values| match task {
                "binary" => Predictions::Probabilities(values),
                _ => Predictions::Numbers(values),
            }),
            labels: labels.map(Vec::as_slice),
            segments: &segments,
            attributions: None,
        };
        let start = Instant::now();
        let found = swap(&inputs, &swap::Options::default())?;
        println!(
            "{task:10} {} labels {:.3} s {:?}",
            if labels.is_some() { "with" } else { "without" },
            start.elapsed().as_secs_f64(),
            found.verdict
        );
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["swap", task, table] => by_swap(task, table),
        ["cbpe", reference, current, size] => by_cbpe([reference, current], size.parse()?),
        ["time"] => time(),
        _ => {
            Err("usage: outputs swap TASK TABLE | outputs cbpe REFERENCE CURRENT ROWS | outputs time".into())
        }
    }
}
