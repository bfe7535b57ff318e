//! Explanation files of made-up models.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use hanok_explain::{
    Columns, Explanation, METADATA_KEY, Metadata, Method, ModelIdentity, OutputColumns, OutputKind, Unit,
};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;

/// Names of the features.
pub(crate) const FEATURES: [&str; 4] =
    ["departure_hour", "carrier_mean_departure_delay_over_the_last_30_days", "도착 공항 혼잡", "wind"];

/// A number between −0.5 and 0.5 that looks random.
pub(crate) fn noise(row: usize, seed: usize) -> f64 {
    (row as f64 * 0.754_877_666 + seed as f64 * 0.569_84).fract() - 0.5
}

/// A feature's own value in a row; some are missing.
pub(crate) fn input(row: usize, feature: usize) -> Option<f64> {
    (feature != 3 || !row.is_multiple_of(7)).then(|| (noise(row, feature) * 100.0).round())
}

/// What a pair of features does together, halved; of a feature with itself its main effect.
fn interaction(row: usize, output: usize, a: usize, b: usize) -> f64 {
    let value = |feature: usize| input(row, feature).unwrap_or(80.0) / 100.0;
    let strength = (1.0 + output as f64) / (1.0 + a as f64 + b as f64);
    if a == b { strength * value(a) } else { strength * value(a) * value(b) / 2.0 }
}

/// The SHAP value of a feature.
pub(crate) fn value(row: usize, output: usize, feature: usize) -> f64 {
    (0..4).map(|other| interaction(row, output, feature.min(other), feature.max(other))).sum()
}

/// The airport of a row, of eight with numbers of rows that differ.
pub(crate) fn airport(row: usize) -> Option<&'static str> {
    let places = ["JFK", "LGA", "EWR", "BOS", "SEA", "ANC", "ICN", "PUS"];
    let place = (noise(row, 9) + 0.5).powi(2) * 9.0;
    places.get(place as usize).copied()
}

/// Writes a file of some rows and outputs, in batches, and opens it.
pub(crate) fn explanation(folder: &Path, rows: usize, outputs: usize) -> Explanation {
    let path = folder.join("explanation.parquet");
    let outputs: Vec<String> = (0..outputs).map(|output| output.to_string()).collect();
    let names =
        |prefix: &str, suffix: &str| FEATURES.map(|feature| format!("{prefix}{feature}{suffix}")).to_vec();
    let pairs = || (0..4).flat_map(|a| (a..4).map(move |b| (a, b)));
    let columns = Columns {
        keys: vec!["flight".to_owned(), "airport".to_owned()],
        inputs: names("value_", ""),
        outputs: outputs
            .iter()
            .map(|output| OutputColumns {
                base: format!("base@{output}"),
                values: names("", &format!("@{output}")),
                errors: Vec::new(),
                sum: format!("raw@{output}"),
                prediction: format!("prediction@{output}"),
                interactions: pairs().map(|(a, b)| format!("{a}*{b}@{output}")).collect(),
            })
            .collect(),
    };
    let metadata = Metadata {
        version: 1,
        model: ModelIdentity {
            name: "delays".to_owned(),
            version: Some(3),
            sha256: String::new(),
            format: "test".to_owned(),
        },
        method: Method::Path,
        background_rows: None,
        asked: None,
        output: OutputKind::Raw,
        unit: Unit::LogOdds,
        features: FEATURES.map(str::to_owned).to_vec(),
        outputs,
        columns,
        rows: rows as u64,
        largest_gap: 0.0,
    };
    let empty = batch(&metadata, 0..0);
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), empty.schema(), None).unwrap();
    for begin in (0..rows).step_by(5000) {
        writer.write(&batch(&metadata, begin..rows.min(begin + 5000))).unwrap();
    }
    writer.append_key_value_metadata(KeyValue::new(METADATA_KEY.to_owned(), metadata.to_json()));
    writer.close().unwrap();
    Explanation::open(&path).unwrap()
}

fn batch(metadata: &Metadata, rows: std::ops::Range<usize>) -> RecordBatch {
    let numbers = |of: &dyn Fn(usize) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.clone().map(of)))
    };
    let flights = Int64Array::from_iter_values(rows.clone().map(|row| row as i64 + 1));
    let airports: StringArray = rows.clone().map(airport).collect();
    let mut columns: Vec<(String, ArrayRef)> =
        vec![("flight".to_owned(), Arc::new(flights)), ("airport".to_owned(), Arc::new(airports))];
    for (output, named) in metadata.columns.outputs.iter().enumerate() {
        let raw = |row: usize| 0.5 + (0..4).map(|feature| value(row, output, feature)).sum::<f64>();
        columns.push((named.base.clone(), numbers(&|_| 0.5)));
        columns.push((named.sum.clone(), numbers(&raw)));
        columns.push((named.prediction.clone(), numbers(&|row| 1.0 / (1.0 + (-raw(row)).exp()))));
        let values = named.values.iter().enumerate();
        columns.extend(
            values.map(|(feature, name)| (name.clone(), numbers(&|row| value(row, output, feature)))),
        );
        let pairs = (0..4).flat_map(|a| (a..4).map(move |b| (a, b))).zip(&named.interactions);
        columns.extend(
            pairs.map(|((a, b), name)| (name.clone(), numbers(&|row| interaction(row, output, a, b)))),
        );
    }
    for (feature, name) in metadata.columns.inputs.iter().enumerate() {
        let inputs: Float64Array = rows.clone().map(|row| input(row, feature)).collect();
        columns.push((name.clone(), Arc::new(inputs)));
    }
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}
