//! Two models over the same rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use hanok_drift::outputs::{Predictions, Task};
use hanok_error::Coded as _;
use hanok_explain::{
    Attributions, ColumnChoice, Method, Model, OutputKind, PairError, PairOptions, Paired, Pairing,
    Predicting, attribute, inputs, latency, numbers, told,
};

use crate::support::{batch, explain, model, options as explain_options, rows as unnamed_rows};

/// Rows with five features under the names that XGBoost's fixtures have, and again under those of LightGBM's.
fn rows(count: usize) -> RecordBatch {
    (0..5).fold(unnamed_rows(count, 5), |rows, at| {
        let column = rows.column_by_name(&format!("feature {at}")).unwrap().clone();
        with(&rows, &format!("Column_{at}"), column)
    })
}

fn options() -> PairOptions {
    PairOptions {
        columns: ColumnChoice::default(),
        segments: Vec::new(),
        output: None,
        sample_rows: 50,
        movers: 8,
        seed: 7,
        threads: 2,
    }
}

/// Runs blocks of a size through both.
fn pair(
    models: [&Model; 2],
    rows: &RecordBatch,
    options: &PairOptions,
    size: usize,
) -> Result<Paired, PairError> {
    let mut pairing = Pairing::new(models, rows.schema_ref(), options)?;
    for begin in (0..rows.num_rows()).step_by(size) {
        pairing.predict(&rows.slice(begin, size.min(rows.num_rows() - begin)))?;
    }
    pairing.finish()
}

/// A model's own predictions, one output after the other.
fn predictions(model: &Model, rows: &RecordBatch) -> Vec<Vec<f64>> {
    let choice = ColumnChoice { keys: Some(Vec::new()), ..ColumnChoice::default() };
    let predicting = Predicting::new(model, rows.schema_ref(), &choice, 1, Some(rows)).unwrap();
    let predicted = predicting.predict(rows).unwrap();
    predicted.columns().iter().map(|column| column.as_primitive::<Float64Type>().values().to_vec()).collect()
}

fn with(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let fields = rows.schema_ref().fields().iter().map(|field| field.name().clone());
    let mut columns: Vec<_> = fields.zip(rows.columns().to_vec()).collect();
    columns.push((name.to_owned(), column));
    batch(columns)
}

#[test]
fn predictions_labels_and_segments_are_those_of_the_rows_whatever_the_blocks() {
    let models = [model("xgboost-binary.json"), model("lightgbm-binary.txt")];
    let models = [&models[0], &models[1]];
    let rows = rows(700);
    let truth: Int64Array = (0..700).map(|row| (row % 5 != 0).then_some(row % 2)).collect();
    let rows = with(&rows, "late", Arc::new(truth));
    let columns = ColumnChoice { label: Some("late".to_owned()), ..ColumnChoice::default() };
    let options = PairOptions { columns, segments: vec!["code".to_owned()], ..options() };
    let whole = pair(models, &rows, &options, 700).unwrap();
    assert_eq!((whole.task, whole.rows), (Task::Binary, 700));
    assert!(matches!(whole.of(1), Predictions::Probabilities(values) if values.len() == 700));
    assert_eq!(whole.predictions[0], predictions(models[0], &rows)[0]);
    let labels = whole.labels.as_ref().unwrap();
    assert!(labels[0].is_nan() && labels[3].to_bits() == 1.0_f64.to_bits() && labels[4].abs() < 1e-12);
    let segments = &whole.segments[0];
    assert_eq!((segments.names.len(), segments.members[699]), (350, 349));
    assert_eq!(segments.names[7], "c7");
    // The farthest apart, by the definition.
    let apart = |row: usize| (whole.predictions[1][row] - whole.predictions[0][row]).abs();
    let mut farthest: Vec<usize> = (0..700).collect();
    farthest.sort_by(|a, b| apart(*b).total_cmp(&apart(*a)));
    let farthest: Vec<u64> = farthest.into_iter().take(8).map(|row| row as u64).collect();
    assert_eq!(whole.movers.1, farthest);
    let ids = whole.movers.0.column_by_name("id").unwrap().as_primitive::<Int64Type>();
    assert_eq!(ids.values().to_vec(), farthest.iter().map(|row| *row as i64 + 1).collect::<Vec<_>>());
    // The sample is in order, and another one for another seed.
    assert_eq!(whole.sample.1.len(), 50);
    assert!(whole.sample.1.is_sorted());
    let again = pair(models, &rows, &options, 33).unwrap();
    assert_eq!(
        (&again.predictions, &again.sample, &again.movers),
        (&whole.predictions, &whole.sample, &whole.movers)
    );
    assert_eq!(again.segments[0].members, whole.segments[0].members);
    let other = pair(models, &rows, &PairOptions { seed: 8, ..options }, 700).unwrap();
    assert_ne!(other.sample.1, whole.sample.1);
}

#[test]
fn attributions_are_what_each_model_says_alone() {
    let models = [model("xgboost-binary.json"), model("lightgbm-binary.txt")];
    let models = [&models[0], &models[1]];
    let rows = rows(300);
    let options = PairOptions { sample_rows: 1000, ..options() };
    let paired = pair(models, &rows, &options, 64).unwrap();
    assert_eq!(paired.sample.0, rows, "fewer rows than the sample may have");
    let attributed = attribute(models, &paired, &options).unwrap();
    assert_eq!(attributed.method, Method::Path);
    for (at, model) in models.into_iter().enumerate() {
        let (explained, done) =
            explain(model, &rows, None, &explain_options(Method::Path, OutputKind::Raw), 300);
        let names = &done.metadata.columns.outputs[0].values;
        let columns: Vec<Float64Array> =
            names.iter().map(|name| numbers(&explained, name).unwrap()).collect();
        let row_of = |row: usize| columns.iter().map(move |column| column.value(row));
        let expected: Vec<f64> = (0..300).flat_map(row_of).collect();
        assert_eq!(attributed.sample[at].values, expected);
        let moved: Vec<f64> = paired.movers.1.iter().flat_map(|row| row_of(*row as usize)).collect();
        assert_eq!(attributed.movers[at].values, moved);
    }
    // Neither has a feature of the other one's.
    let reasons = attributed.reasons(2, 3);
    let size = |at: usize| (reasons[at].1[1] - reasons[at].1[0]).abs();
    assert!(reasons.len() == 3 && size(0) >= size(1) && size(1) >= size(2));
    assert!(reasons.iter().all(|(_, both)| both.iter().any(|value| value.abs() < f64::MIN_POSITIVE)));
}

#[test]
fn features_are_told_apart_by_the_columns_that_they_are_given() {
    let models = [model("xgboost-binary.json"), model("lightgbm-binary.txt")];
    let columns = ColumnChoice { label: Some("code".to_owned()), ..ColumnChoice::default() };
    let options = PairOptions { columns, ..options() };
    let rows = rows(5);
    let names = |start: &str| (0..5).map(|at| format!("{start}{at}")).collect::<Vec<_>>();
    let found = inputs([&models[0], &models[1]], rows.schema_ref(), &options).unwrap();
    assert_eq!(found.read, [names("feature "), names("Column_")]);
    assert_eq!(found.keys, ["id"]);
    assert_eq!(told(&rows, &["id".to_owned(), "code".to_owned()]).unwrap()[3], "id=4, code=c1");
}

#[test]
fn classes_are_compared_together_and_their_attributions_are_those_of_the_class_that_is_said() {
    let one = model("lightgbm-multi.txt");
    let outputs = one.ensemble().unwrap().outputs();
    let rows = rows(120);
    let choice = PairOptions { columns: ColumnChoice::default(), ..options() };
    // One of them against itself: nothing moves.
    let same = pair([&one, &one], &rows, &choice, 50).unwrap();
    assert_eq!((same.task, same.classes.len()), (Task::Multiclass, outputs));
    assert_eq!(same.predictions[0], same.predictions[1]);
    let Predictions::Classes { names, values } = same.of(0) else { panic!("{:?}", same.task) };
    assert_eq!((names.len() * 120, &names[0]), (values.len(), &"0".to_owned()));
    let expected = predictions(&one, &rows);
    assert!((0..120).all(|row| values[row * outputs + 1].to_bits() == expected[1][row].to_bits()));
    let attributed = attribute([&one, &one], &same, &choice).unwrap();
    assert!(attributed.sample[0].values.iter().all(|value| *value >= 0.0));
    assert_eq!(attributed.movers[0], attributed.movers[1]);
    let Attributions { features, values } = &attributed.movers[0];
    assert_eq!(values.len(), features.len() * 8);
    assert!(values.iter().any(|value| *value < 0.0), "values of one class have signs");
}

#[test]
fn models_of_different_things_are_refused() {
    let binary = model("xgboost-binary.json");
    let multi = model("lightgbm-multi.txt");
    let targets = model("xgboost-targets.json");
    let rows = rows(40);
    let features: Vec<String> = (0..5).map(|at| format!("feature {at}")).collect();
    let code = |models: [&Model; 2], options: &PairOptions| match pair(models, &rows, options, 40) {
        Ok(paired) => format!("{:?}", paired.task),
        Err(error) => format!("{} {error}", error.code().0),
    };
    let by_position =
        PairOptions { columns: ColumnChoice { features, ..ColumnChoice::default() }, ..options() };
    let found = code([&binary, &multi], &options());
    assert!(
        found.starts_with(
            "HK1860 the models do not predict the same thing: xgboost-binary.json has 1 output,"
        ),
        "{found}"
    );
    let found = code([&targets, &targets], &by_position);
    assert!(found.starts_with("HK1860") && found.contains("no probabilities"), "{found}");
    assert_eq!(
        code([&targets, &targets], &PairOptions { output: Some(1), ..by_position.clone() }),
        "Regression"
    );
    let found = code([&targets, &targets], &PairOptions { output: Some(9), ..by_position });
    assert!(found.starts_with("HK1860 there is no output 9"), "{found}");
    let text = ColumnChoice { label: Some("code".to_owned()), ..ColumnChoice::default() };
    let found = code([&binary, &binary], &PairOptions { columns: text, ..options() });
    assert_eq!(found, "HK1861 the label `code` is no number");
    let found = code([&binary, &binary], &PairOptions { segments: vec!["none".to_owned()], ..options() });
    assert!(found.starts_with("HK1703"), "{found}");
    let nothing =
        Pairing::new([&binary, &binary], rows.schema_ref(), &options()).unwrap().finish().unwrap_err();
    assert_eq!(nothing.code().0, "HK1863");
}

#[test]
fn a_model_without_covers_is_explained_against_some_of_the_rows() {
    let path = model("xgboost-binary.json");
    let linear = model("lightgbm-linear.txt");
    let rows = rows(150);
    let options = options();
    let paired = pair([&linear, &linear], &rows, &options, 150).unwrap();
    assert_eq!(attribute([&linear, &linear], &paired, &options).unwrap().method, Method::Interventional);
    let one = latency(&path, &paired.sample.0, &options.columns_of(&path)).unwrap().unwrap();
    assert!(one.p50_us > 0.0 && one.p95_us >= one.p50_us);
    assert_eq!(latency(&path, &rows.slice(0, 0), &options.columns_of(&path)).unwrap(), None);
}
