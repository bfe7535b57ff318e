//! Models and rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use hanok_explain::{
    AskingOptions, ColumnChoice, ExplainOptions, Explained, Explaining, Form, Method, Model, ModelIdentity,
    OutputKind,
};

/// The path of a fixture of hanok-models.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hanok-models/tests/fixtures").join(name)
}

/// A fixture's model.
pub(crate) fn model(name: &str) -> Model {
    let ensemble = hanok_models::read(&std::fs::read(fixture(name)).unwrap()).unwrap();
    let identity = ModelIdentity {
        name: name.to_owned(),
        version: None,
        sha256: String::new(),
        format: ensemble.source().to_owned(),
    };
    Model { identity, form: Form::Ensemble(ensemble) }
}

pub(crate) fn batch(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    let fields = columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

/// Rows with an id, a code, and features `feature 0`, `feature 1`, … of values that repeat nowhere, some missing.
pub(crate) fn rows(count: usize, features: usize) -> RecordBatch {
    let mut state = 17_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5) * 4.0
    };
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("id".to_owned(), Arc::new(Int64Array::from_iter_values(1..=count as i64))),
        (
            "code".to_owned(),
            Arc::new(StringArray::from_iter_values((0..count).map(|at| format!("c{}", at / 2)))),
        ),
    ];
    for feature in 0..features {
        let values: Float64Array = (0..count).map(|_| Some(next()).filter(|value| *value < 1.8)).collect();
        columns.push((format!("feature {feature}"), Arc::new(values)));
    }
    batch(columns)
}

pub(crate) fn options(method: Method, output: OutputKind) -> ExplainOptions {
    ExplainOptions {
        method: Some(method),
        output,
        interactions: false,
        columns: ColumnChoice::default(),
        threads: 2,
        asking: AskingOptions::default(),
        rows: None,
    }
}

/// Explains rows in blocks of a size.
pub(crate) fn explain(
    model: &Model,
    rows: &RecordBatch,
    background: Option<&RecordBatch>,
    options: &ExplainOptions,
    block_rows: usize,
) -> (RecordBatch, Explained) {
    let mut explaining = Explaining::new(model, rows.schema_ref(), background, options).unwrap();
    let blocks = (0..rows.num_rows()).step_by(block_rows);
    let blocks = blocks.map(|at| rows.slice(at, block_rows.min(rows.num_rows() - at)));
    let parts: Vec<_> = blocks.map(|block| explaining.explain(&block).unwrap()).collect();
    let whole = arrow::compute::concat_batches(explaining.schema(), &parts).unwrap();
    (whole, explaining.finish())
}
