//! Predictions and explanations of blocks of rows, and the file that they make.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};
use hanok_error::Coded as _;
use hanok_explain::{
    ColumnChoice, Explained, Explaining, Explanation, METADATA_KEY, Method, OutputKind, Predicting,
    RowExplanation, numbers,
};
use hanok_models::{Explainer, Predictor, RowExplainer, Table};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;

use crate::support::{batch, explain, model, options, rows};

const RAW: OutputKind = OutputKind::Raw;

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a Float64Array {
    batch.column_by_name(name).unwrap().as_primitive::<Float64Type>()
}

/// The features of rows, row after row.
fn values(rows: &RecordBatch, features: usize) -> Vec<f64> {
    let columns: Vec<_> = (0..features).map(|at| numbers(rows, &format!("feature {at}")).unwrap()).collect();
    (0..rows.num_rows()).flat_map(|row| columns.iter().map(move |column| column.value(row))).collect()
}

#[test]
fn predictions_are_the_models_and_keys_are_taken_over() {
    let model = model("xgboost-binary.json");
    let rows = rows(700, 5);
    let predicting = Predicting::new(&model, rows.schema_ref(), &ColumnChoice::default(), 2, None).unwrap();
    let predicted = predicting.predict(&rows).unwrap();
    let names: Vec<_> = predicted.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["id", "code", "prediction"]);
    let table = Table::from_rows(&values(&rows, 5), 5);
    let expected = Predictor::new(model.ensemble().unwrap()).predict(&table, 1).unwrap();
    assert_eq!(column(&predicted, "prediction").values().to_vec(), expected);
    assert_eq!(predicted.column(1), rows.column(1));
    // Other columns, in another order, change nothing.
    let order = [6, 3, 0, 2, 5, 4];
    let shuffled = rows.project(&order).unwrap();
    let choice = ColumnChoice { keys: Some(vec!["id".to_owned()]), ..ColumnChoice::default() };
    let predicting = Predicting::new(&model, shuffled.schema_ref(), &choice, 1, None).unwrap();
    let again = predicting.predict(&shuffled).unwrap();
    assert_eq!(column(&again, "prediction"), column(&predicted, "prediction"));
}

#[test]
fn a_loaded_columns_name_stands_for_the_features() {
    let model = model("xgboost-binary.json");
    let rows = rows(5, 5);
    let renamed = |name: &dyn Fn(usize, &str) -> String| {
        let fields = rows.schema_ref().fields().iter().enumerate();
        let names = fields.map(|(at, field)| name(at, field.name()));
        batch(names.zip(rows.columns().to_vec()).collect())
    };
    let loaded = renamed(&|_, name| name.replace(' ', "_"));
    let (batch, explained) = explain(&model, &loaded, None, &options(Method::Path, RAW), 5);
    let (wanted, _) = explain(&model, &rows, None, &options(Method::Path, RAW), 5);
    assert_eq!(batch, wanted, "values are called as the model calls its features");
    assert_eq!(explained.metadata.features[0], "feature 0");
    // The very name wins; and one column is not two features.
    let both = renamed(&|at, name| if at == 1 { "feature_0".to_owned() } else { name.to_owned() });
    Explaining::new(&model, both.schema_ref(), None, &options(Method::Path, RAW)).unwrap();
    let twice = renamed(&|at, name| if at == 1 { "feature 0".to_owned() } else { name.to_owned() });
    let error = Explaining::new(&model, twice.schema_ref(), None, &options(Method::Path, RAW)).unwrap_err();
    assert_eq!(error.code().0, "HK1604");
}

#[test]
fn columns_that_do_not_fit_are_refused() {
    let code = |name: &str, rows: &RecordBatch, choice: ColumnChoice| {
        let error = Predicting::new(&model(name), rows.schema_ref(), &choice, 1, None).unwrap_err();
        (error.code().0, error.to_string(), error.hint())
    };
    let choice = |features: &str, keys: Option<&str>| ColumnChoice {
        features: features.split_terminator(',').map(str::to_owned).collect(),
        keys: keys.map(|keys| keys.split(',').map(str::to_owned).collect()),
        label: None,
    };
    let (four, six) = (rows(1, 4), rows(1, 6));
    let missing = code("xgboost-binary.json", &four, choice("", None));
    assert_eq!((missing.0, missing.1.contains("`feature 4`")), ("HK1604", true));
    assert_eq!(code("xgboost-binary.json", &six, choice("feature 0", None)).0, "HK1703");
    assert_eq!(code("xgboost-binary.json", &six, choice("", Some("no"))).0, "HK1703");
    // Without names, columns are given, or there are as many as features.
    let count = code("xgboost-targets.json", &six, choice("", None));
    assert_eq!((count.0, count.1.contains("8 columns where it has 5")), ("HK1703", true), "{count:?}");
    assert!(count.2.unwrap().contains("--columns"));
    let five: Vec<_> = (0..5).map(|at| format!("feature {at}")).collect();
    let unnamed = model("xgboost-targets.json");
    let given = choice(&five.join(","), Some("id"));
    let predicting = Predicting::new(&unnamed, six.schema_ref(), &given, 1, None).unwrap();
    assert_eq!(
        predicting.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["id", "prediction@0", "prediction@1"]
    );
    let only = rows(3, 5).project(&[2, 3, 4, 5, 6]).unwrap();
    let predicting = Predicting::new(&unnamed, only.schema_ref(), &ColumnChoice::default(), 1, None).unwrap();
    assert_eq!(predicting.predict(&only).unwrap().num_columns(), 2);
    assert_eq!(
        code("xgboost-targets.json", &six, choice("code,id,feature 0,feature 1,feature 2", None)).0,
        "HK1605"
    );
}

#[test]
fn values_are_the_explainers_and_do_not_depend_on_blocks() {
    let model = model("xgboost-binary.json");
    let rows = rows(300, 5);
    let options = options(Method::Path, RAW);
    let (whole, explained) = explain(&model, &rows, None, &options, 300);
    let (parts, explained_parts) = explain(&model, &rows, None, &options, 7);
    assert_eq!(whole, parts);
    assert_eq!(explained.metadata, explained_parts.metadata);
    assert_eq!(explained.importance, explained_parts.importance);
    let table = Table::from_rows(&values(&rows, 5), 5);
    let expected = Explainer::new(model.ensemble().unwrap()).unwrap().explain(&table, 1).unwrap();
    let raw = Predictor::new(model.ensemble().unwrap()).raw(&table, 1).unwrap();
    let columns = &explained.metadata.columns.outputs[0];
    for (feature, name) in columns.values.iter().enumerate() {
        let wanted: Vec<f64> = expected.values.iter().skip(feature).step_by(5).copied().collect();
        assert_eq!(column(&whole, name).values().to_vec(), wanted);
        let mean = wanted.iter().map(|value| value.abs()).sum::<f64>() / 300.0;
        assert!((explained.importance[0][feature] - mean).abs() < 1e-12);
    }
    assert_eq!(column(&whole, &columns.sum).values().to_vec(), raw);
    assert_eq!(column(&whole, "base_value").values()[7..8], expected.base[..]);
    assert_ne!(columns.sum, columns.prediction);
    assert_eq!(whole.column_by_name("value_feature 3").unwrap(), rows.column(5));
    explained.additivity.check().unwrap();
    assert!(explained.metadata.largest_gap > 0.0 && explained.metadata.rows == 300);
}

#[test]
fn few_rows_are_explained_by_what_is_made_for_few() {
    for name in
        ["xgboost-binary.json", "xgboost-targets.json", "catboost-regression.json", "sklearn-forest.json"]
    {
        let model = model(name);
        let ensemble = model.ensemble().unwrap();
        let features = ensemble.features();
        let rows = rows(RowExplainer::ROWS_MAX + 1, features);
        let mut options = options(Method::Path, RAW);
        if ensemble.feature_names().is_empty() {
            options.columns.features = (0..features).map(|at| format!("feature {at}")).collect();
        }
        let (blocks, _) = explain(&model, &rows, None, &options, 100);
        let expected = RowExplainer::new(ensemble).unwrap();
        for count in [1, RowExplainer::ROWS_MAX, RowExplainer::ROWS_MAX + 1] {
            let few = rows.slice(0, count);
            options.rows = Some(count as u64);
            let (found, explained) = explain(&model, &few, None, &options, 100);
            explained.additivity.check().unwrap();
            assert_eq!(found.schema(), blocks.schema());
            let table = Table::from_rows(&values(&few, features), features);
            let expected = expected.explain(&table, 1).unwrap();
            for (output, columns) in explained.metadata.columns.outputs.iter().enumerate() {
                for (feature, name) in columns.values.iter().enumerate() {
                    let row = |row: usize| (row * expected.outputs + output) * features + feature;
                    for at in 0..count {
                        let (value, block) =
                            (column(&found, name).value(at), column(&blocks, name).value(at));
                        assert_eq!(value.to_bits(), expected.values[row(at)].to_bits(), "{name} of {at}");
                        assert!((value - block).abs() <= 1e-5, "{name} of {at}: {value} is not {block}");
                    }
                }
                assert_eq!(column(&found, &columns.sum), &column(&blocks, &columns.sum).slice(0, count));
            }
        }
    }
}

fn sums_hold(batch: &RecordBatch, explained: &Explained) {
    for output in &explained.metadata.columns.outputs {
        for row in 0..batch.num_rows() {
            let sum: f64 = output.values.iter().map(|name| column(batch, name).value(row)).sum();
            let gap = column(batch, &output.base).value(row) + sum - column(batch, &output.sum).value(row);
            assert!(gap.abs() < 1e-4, "{gap}");
        }
    }
    explained.additivity.check().unwrap();
}

#[test]
fn every_kind_of_output_adds_up() {
    let binary = model("xgboost-binary.json");
    let rows = rows(40, 5);
    let background = rows.slice(20, 20);
    for output in [RAW, OutputKind::Probability] {
        let options = options(Method::Interventional, output);
        let (batch, explained) = explain(&binary, &rows, Some(&background), &options, 16);
        sums_hold(&batch, &explained);
        assert_eq!(explained.metadata.background_rows, Some(20));
        let columns = &explained.metadata.columns.outputs[0];
        assert_eq!(columns.sum == columns.prediction, output == OutputKind::Probability);
    }
    // A loss has a base for each row, and needs labels of 0 and 1.
    let labels = Float64Array::from_iter_values((0..40).map(|at| f64::from(at % 2)));
    let mut columns: Vec<_> =
        rows.schema_ref().fields().iter().map(|f| f.name().clone()).zip(rows.columns().to_vec()).collect();
    columns.push(("late".to_owned(), Arc::new(labels)));
    let labelled = batch(columns);
    let mut options = options(Method::Interventional, OutputKind::LogLoss);
    options.columns.label = Some("late".to_owned());
    let (losses, explained) = explain(&binary, &labelled, Some(&background), &options, 16);
    sums_hold(&losses, &explained);
    let prediction = column(&losses, "prediction").value(1);
    assert!((column(&losses, "log_loss").value(1) + prediction.ln()).abs() < 1e-6);
    options.columns.label = Some("id".to_owned());
    let mut explaining =
        Explaining::new(&binary, labelled.schema_ref(), Some(&background), &options).unwrap();
    assert_eq!(explaining.explain(&labelled).unwrap_err().code().0, "HK1703");
    // Several outputs.
    let several = model("xgboost-multi.ubj");
    let names: Vec<_> = several.ensemble().unwrap().feature_names().to_vec();
    let rows = crate::support::rows(30, several.ensemble().unwrap().features());
    let mut path = crate::support::options(Method::Path, RAW);
    if names.is_empty() {
        path.columns.features =
            (0..several.ensemble().unwrap().features()).map(|at| format!("feature {at}")).collect();
    }
    let (batch, explained) = explain(&several, &rows, None, &path, 30);
    sums_hold(&batch, &explained);
    assert_eq!(explained.importance.len(), several.ensemble().unwrap().outputs());
    assert!(batch.column_by_name("base_value@1").is_some());
}

#[test]
fn interactions_sum_up_to_the_values() {
    let model = model("xgboost-binary.json");
    let rows = rows(20, 5);
    let mut options = options(Method::Path, RAW);
    let (plain, _) = explain(&model, &rows, None, &options, 20);
    options.interactions = true;
    let (batch, explained) = explain(&model, &rows, None, &options, 8);
    let metadata = &explained.metadata;
    let output = &metadata.columns.outputs[0];
    assert_eq!(output.interactions.len(), 15);
    for (a, name) in output.values.iter().enumerate() {
        for row in 0..20 {
            let sum: f64 =
                (0..5).map(|b| column(&batch, &output.interactions[metadata.pair(a, b)]).value(row)).sum();
            assert!((sum - column(&batch, name).value(row)).abs() < 1e-9);
            assert!((sum - column(&plain, name).value(row)).abs() < 1e-6);
        }
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let model = model("xgboost-binary.json");
    let rows = rows(4, 5);
    let refused = |change: &dyn Fn(&mut hanok_explain::ExplainOptions)| {
        let mut options = options(Method::Path, RAW);
        change(&mut options);
        Explaining::new(&model, rows.schema_ref(), None, &options).unwrap_err().code().0
    };
    assert_eq!(refused(&|options| options.output = OutputKind::Probability), "HK1707");
    assert_eq!(refused(&|options| options.method = Some(Method::Interventional)), "HK1707");
    assert_eq!(
        refused(&|options| {
            options.method = Some(Method::Interventional);
            options.interactions = true;
        }),
        "HK1707"
    );
    let empty = rows.slice(0, 0);
    let options = options(Method::Interventional, RAW);
    let error = Explaining::new(&model, rows.schema_ref(), Some(&empty), &options).unwrap_err();
    assert_eq!(error.code().0, "HK1606");
}

fn write(path: &Path, batch: &RecordBatch, entry: Option<String>) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    if let Some(text) = entry {
        writer.append_key_value_metadata(KeyValue::new(METADATA_KEY.to_owned(), text));
    }
    writer.close().unwrap();
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let model = model("xgboost-binary.json");
    let (batch, explained) = explain(&model, &rows(50, 5), None, &options(Method::Path, RAW), 50);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("e.parquet");
    write(&path, &batch, Some(explained.metadata.to_json()));
    let file = Explanation::open(&path).unwrap();
    assert_eq!(*file.metadata(), explained.metadata);
    let names = ["feature 1", "id"];
    let read: Vec<_> = file.batches(&names).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read[0].num_columns(), 2);
    assert_eq!(column(&read[0], "feature 1"), column(&batch, "feature 1"));
    let inputs: Vec<_> = file.batches(&["value_feature 0"]).unwrap().collect::<Result<_, _>>().unwrap();
    let inputs = numbers(&inputs[0], "value_feature 0").unwrap();
    assert_eq!((inputs.null_count(), inputs.data_type()), (0, &DataType::Float64));

    let refused = |batch: &RecordBatch, entry: Option<String>| {
        write(&path, batch, entry);
        let error = Explanation::open(&path).unwrap_err();
        assert_eq!(error.code().0, "HK1706");
        error.to_string()
    };
    assert!(refused(&batch, None).contains("no entry"));
    assert!(refused(&batch, Some("{}".to_owned())).contains("not understood"));
    let newer = explained.metadata.to_json().replacen("\"version\":1", "\"version\":2", 1);
    assert!(refused(&batch, Some(newer)).contains("newer"));
    let fewer = batch.project(&[0, 1, 2]).unwrap();
    assert!(refused(&fewer, Some(explained.metadata.to_json())).contains("no column"));
    let short = explained
        .metadata
        .to_json()
        .replace("\"feature 4\"],\"outputs\"", "\"feature 4\",\"x\"],\"outputs\"");
    assert!(refused(&batch, Some(short)).contains("differ in length"));
    std::fs::write(&path, "text").unwrap();
    assert_eq!(Explanation::open(&path).unwrap_err().code().0, "HK1706");
    assert_eq!(Explanation::open(&folder.path().join("no")).unwrap_err().code().0, "HK0005");
}

#[test]
fn one_row_is_told_by_the_size_of_its_values() {
    let model = model("xgboost-binary.json");
    let rows = rows(9, 5);
    let (batch, explained) = explain(&model, &rows, None, &options(Method::Path, RAW), 9);
    let row = RowExplanation::new(&explained.metadata, &batch.slice(4, 1)).unwrap();
    assert_eq!(row.keys, [("id".to_owned(), "5".to_owned()), ("code".to_owned(), "c2".to_owned())]);
    let output = &row.outputs[0];
    assert!(output.contributions.windows(2).all(|pair| pair[0].value.abs() >= pair[1].value.abs()));
    let sum: f64 = output.contributions.iter().map(|contribution| contribution.value).sum();
    assert!((output.base_value + sum - output.sum).abs() < 1e-5);
    let first = &output.contributions[0];
    assert_eq!(first.value.to_bits(), column(&batch, &first.feature).value(4).to_bits());
}
