//! Models that are known by their answers, and trees asked like them.

use std::path::Path;

use arrow::array::{Array as _, AsArray as _, RecordBatch, UInt32Array};
use arrow::datatypes::Float64Type;
use hanok_catalog::Catalog;
use hanok_error::Coded as _;
use hanok_explain::{
    AskingOptions, ColumnChoice, Explaining, Form, Method, Model, ModelIdentity, ModelRegistry, OutputKind,
    Predicting,
};
use hanok_infer::{Graph, Protocol};

use crate::support::{explain, model, options, rows};

const RAW: OutputKind = OutputKind::Raw;

/// A fixture of hanok-infer: a network of four features.
fn graph(name: &str) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hanok-infer/tests/fixtures").join(name);
    let form = Form::Graph(Graph::read(&std::fs::read(path).unwrap()).unwrap());
    let identity =
        ModelIdentity { name: name.to_owned(), version: None, sha256: String::new(), format: String::new() };
    Model { identity, form }
}

/// Rows of `id` and features `feature 0`, … without gaps.
fn whole(count: usize, features: usize) -> RecordBatch {
    let rows = rows(4 * count, features);
    let is_whole = |row: &usize| (2..2 + features).all(|at| rows.column(at).is_valid(*row));
    let kept: Vec<u32> = (0..4 * count).filter(is_whole).take(count).map(|row| row as u32).collect();
    assert_eq!(kept.len(), count);
    arrow::compute::take_record_batch(&rows, &UInt32Array::from(kept)).unwrap()
}

fn keys() -> ColumnChoice {
    ColumnChoice { keys: Some(vec!["id".to_owned(), "code".to_owned()]), ..ColumnChoice::default() }
}

/// All columns of a kind of all outputs, one after the other.
fn values(batch: &RecordBatch, names: impl IntoIterator<Item = String>) -> Vec<f64> {
    let column =
        |name: String| batch.column_by_name(&name).unwrap().as_primitive::<Float64Type>().values().to_vec();
    names.into_iter().flat_map(column).collect()
}

#[test]
fn a_graph_is_predicted_with_and_explained_by_every_method() {
    let network = graph("network.onnx");
    let (rows, background) = (whole(30, 4), whole(50, 4).slice(30, 20));
    let predicting = Predicting::new(&network, rows.schema_ref(), &keys(), 1, Some(&rows)).unwrap();
    let predicted = predicting.predict(&rows).unwrap();
    assert_eq!(predicted.num_columns(), 2 + 3);
    let mut exact = Vec::new();
    for method in [Method::Exact, Method::Permutation, Method::Kernel, Method::Sampling, Method::Partition] {
        let mut asked = options(method, RAW);
        asked.columns = keys();
        let (batch, explained) = explain(&network, &rows, Some(&background), &asked, 30);
        explained.additivity.check().unwrap();
        let columns = &explained.metadata.columns.outputs;
        assert_eq!(explained.metadata.background_rows, Some(20));
        let names = || columns.iter().flat_map(|output| output.values.clone());
        let found = values(&batch, names());
        for (at, output) in columns.iter().enumerate() {
            assert_eq!(batch.column_by_name(&output.prediction), Some(predicted.column(2 + at)));
        }
        let asked_rows = explained.metadata.asked.unwrap().model_rows;
        assert!(asked_rows > 20 + 30, "{method}: {asked_rows}");
        if method == Method::Exact {
            assert!(columns[0].errors.is_empty() && explained.standard_error_max.is_none());
            exact = found;
            continue;
        }
        let errors = values(&batch, columns.iter().flat_map(|output| output.errors.clone()));
        assert_eq!(errors.len(), found.len());
        if method != Method::Partition {
            for ((found, exact), error) in found.iter().zip(&exact).zip(&errors) {
                assert!((found - exact).abs() <= 6.0 * error + 1e-6, "{method}: {found} {exact} {error}");
            }
        }
        // Neither blocks nor threads change anything.
        asked.threads = 1;
        let (parts, again) = explain(&network, &rows, Some(&background), &asked, 7);
        assert_eq!(parts, batch);
        assert_eq!(again.importance, explained.importance);
    }
}

#[test]
fn linear_models_are_explained_by_their_coefficients() {
    let ridge = graph("ridge.onnx");
    let (rows, background) = (whole(30, 4), whole(50, 4).slice(30, 20));
    let explained = |method, model: &Model| {
        let mut asked = options(method, RAW);
        asked.columns = keys();
        let (batch, explained) = explain(model, &rows, Some(&background), &asked, 10);
        (values(&batch, explained.metadata.columns.outputs[0].values.clone()), explained)
    };
    let (exact, _) = explained(Method::Exact, &ridge);
    let (linear, report) = explained(Method::Linear, &ridge);
    let largest = exact.iter().copied().fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!(exact.iter().zip(&linear).all(|(a, b)| (a - b).abs() < 1e-5 * largest));
    // The background, two for each feature, and the rows.
    assert_eq!(report.metadata.asked.unwrap().model_rows, 20 + 8 + 30);
    let network = graph("network.onnx");
    let mut asked = options(Method::Linear, RAW);
    asked.columns = keys();
    let mut explaining = Explaining::new(&network, rows.schema_ref(), Some(&background), &asked).unwrap();
    assert_eq!(explaining.explain(&rows).unwrap_err().code().0, "HK1640");
}

#[test]
fn trees_are_explained_by_their_answers_too() {
    let trees = model("xgboost-binary.json");
    let (rows, background) = (rows(20, 5), rows(60, 5).slice(20, 40));
    let of = |method, output| {
        let (batch, explained) = explain(&trees, &rows, Some(&background), &options(method, output), 20);
        explained.additivity.check().unwrap();
        values(&batch, explained.metadata.columns.outputs[0].values.clone())
    };
    let (inside, asked) = (of(Method::Interventional, RAW), of(Method::Exact, RAW));
    assert!(inside.iter().zip(&asked).all(|(a, b)| (a - b).abs() < 2e-6));
    // Inside, each raw value is scaled to the probability's difference; that is another game.
    let (inside, asked) =
        [Method::Interventional, Method::Exact].map(|method| of(method, OutputKind::Probability)).into();
    assert_ne!(inside, asked);
}

/// The values of the trees' columns are those of the features.
#[tokio::test]
async fn trees_behind_a_scaler_are_explained_by_their_inside() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
    let registry = ModelRegistry::new(catalog, folder.path().join("models"));
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../hanok-infer/tests/fixtures/imputed-forest.onnx");
    let forest = registry.load(&path.display().to_string()).await.unwrap();
    let whole_graph = graph("imputed-forest.onnx");
    let (rows, background) = (rows(30, 4), rows(60, 4).slice(30, 30));
    let of = |model: &Model, method| {
        let mut asked = options(method, RAW);
        asked.columns = keys();
        let (batch, explained) = explain(model, &rows, Some(&background), &asked, 8);
        explained.additivity.check().unwrap();
        (values(&batch, explained.metadata.columns.outputs[0].values.clone()), batch)
    };
    let (inside, batch) = of(&forest, Method::Interventional);
    let (answers, other) = of(&whole_graph, Method::Exact);
    assert!(inside.iter().zip(&answers).all(|(a, b)| (a - b).abs() < 1e-5), "{inside:?} {answers:?}");
    assert_eq!(batch.column_by_name("prediction"), other.column_by_name("prediction"));
    assert_eq!(batch.column_by_name("value_feature 1"), rows.column_by_name("feature 1"));
}

#[test]
fn the_cheaper_method_is_taken_when_nobody_says_one() {
    let (network, trees) = (graph("network.onnx"), model("xgboost-binary.json"));
    let (four, five) = (whole(10, 4), rows(10, 5));
    let method = |model: &Model, rows: &RecordBatch, background: bool, evaluations: Option<usize>| {
        let mut asked = options(Method::Kernel, RAW);
        (asked.method, asked.columns) = (None, keys());
        asked.asking.evaluations = evaluations;
        let (batch, explained) = explain(model, rows, background.then_some(rows), &asked, 10);
        asked.method = Some(explained.metadata.method);
        assert_eq!(explain(model, rows, background.then_some(rows), &asked, 10).0, batch);
        explained.metadata.method
    };
    assert_eq!(method(&network, &four, true, None), Method::Exact);
    // One pair of orders: 6 coalitions where there are 14.
    assert_eq!(method(&network, &four, true, Some(8)), Method::Permutation);
    assert_eq!(method(&trees, &five, true, None), Method::Interventional);
    assert_eq!(method(&trees, &five, false, None), Method::Path);
}

#[test]
fn saabas_values_add_up_and_are_no_shapley_values() {
    let trees = model("xgboost-binary.json");
    let rows = rows(50, 5);
    let of = |method| {
        let (batch, explained) = explain(&trees, &rows, None, &options(method, RAW), 50);
        explained.additivity.check().unwrap();
        values(&batch, explained.metadata.columns.outputs[0].values.clone())
    };
    assert_ne!(of(Method::Saabas), of(Method::Path));
}

#[test]
fn what_it_would_cost_is_told_before() {
    let network = graph("network.onnx");
    let (rows, background) = (whole(30, 4), whole(50, 4));
    let mut asked = options(Method::Exact, RAW);
    asked.columns = keys();
    asked.rows = Some(1_000_000);
    asked.asking = AskingOptions { background_rows: Some(10), ..AskingOptions::default() };
    let refused = |asked| Explaining::new(&network, rows.schema_ref(), Some(&background), asked).unwrap_err();
    let error = refused(&asked);
    assert_eq!(error.code().0, "HK1642");
    // 16 coalitions, 10 rows of background, and the rows themselves.
    assert!(error.to_string().contains("161000010 rows"), "{error}");
    assert!(error.hint().unwrap().contains("--model-rows-max"));
    asked.asking.model_rows_max = Some(161_000_010);
    Explaining::new(&network, rows.schema_ref(), Some(&background), &asked).unwrap();
    // Without the number of rows, the limit is met on the way.
    (asked.rows, asked.asking.model_rows_max) = (None, Some(10 + 5 * 161));
    let mut explaining = Explaining::new(&network, rows.schema_ref(), Some(&background), &asked).unwrap();
    explaining.explain(&rows.slice(0, 5)).unwrap();
    assert_eq!(explaining.explain(&rows.slice(5, 5)).unwrap_err().code().0, "HK1642");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let network = graph("network.onnx");
    let trees = model("xgboost-binary.json");
    let (rows, five) = (whole(10, 4), whole(10, 5));
    let refused = |model: &Model, rows: &RecordBatch, method, output, background: bool| {
        let mut asked = options(method, output);
        asked.columns = keys();
        Explaining::new(model, rows.schema_ref(), background.then_some(rows), &asked).unwrap_err().to_string()
    };
    let probability = OutputKind::Probability;
    for (error, expected) in [
        (refused(&network, &rows, Method::Path, RAW, false), "answers only"),
        (refused(&network, &rows, Method::Interventional, RAW, true), "answers only"),
        (refused(&network, &rows, Method::Kernel, RAW, false), "needs a background"),
        (refused(&network, &rows, Method::Kernel, probability, true), "as they answer"),
        (refused(&trees, &five, Method::Kernel, OutputKind::LogLoss, true), "interventional method only"),
        (refused(&trees, &five, Method::Saabas, probability, false), "raw values"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    // Nobody says which columns an endpoint takes.
    let form = Form::Endpoint { url: "http://127.0.0.1:9/predict/x".to_owned(), protocol: Protocol::Hanok };
    let identity =
        ModelIdentity { name: "x".to_owned(), version: None, sha256: String::new(), format: String::new() };
    let endpoint = Model { identity, form };
    let error = Predicting::new(&endpoint, rows.schema_ref(), &ColumnChoice::default(), 1, Some(&rows));
    let error = error.unwrap_err();
    assert_eq!(error.code().0, "HK1703");
    assert!(error.hint().unwrap().contains("--columns"));
    // Nobody listens there.
    let error = Predicting::new(&endpoint, rows.schema_ref(), &keys(), 1, Some(&rows)).unwrap_err();
    assert_eq!(error.code().0, "HK1652");
}
