//! Columns are matched to features by name, or refused.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use hanok_error::Coded;
use hanok_models::{DataError, Match, Predictor, Table, read};

use crate::fixtures;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let schema = arrow::datatypes::Schema::new(
        columns
            .iter()
            .map(|(name, array)| arrow::datatypes::Field::new(*name, array.data_type().clone(), true))
            .collect::<Vec<_>>(),
    );
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn column(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

#[test]
fn columns_are_found_by_name_in_any_order_and_type() {
    let ensemble = read(&fixtures::one("xgboost-binary.json").model).unwrap();
    assert_eq!(ensemble.feature_names()[4], "feature 4");
    let values = [0.25, -1.5, 0.0, 1.0, 2.0, f64::NAN, 3.0, 0.0, -0.25, 1.0];
    let expected = Predictor::new(&ensemble).raw(&Table::from_rows(&values, 5), 1).unwrap();
    let batch = batch(vec![
        ("feature 4", Arc::new(Int64Array::from(vec![2, 1]))),
        ("id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("feature 2", Arc::new(BooleanArray::from(vec![false, false]))),
        ("feature 0", column(&[Some(0.25), None])),
        ("feature 3", Arc::new(Float64Array::from(vec![1.0, -0.25]))),
        ("feature 1", Arc::new(Float32Array::from(vec![-1.5, 3.0]))),
    ]);
    // The same columns of a longer batch, so that they begin past its start.
    let values_sliced = Table::new(
        &ensemble,
        &arrow::compute::concat_batches(&batch.schema(), [&batch, &batch]).unwrap().slice(2, 2),
        Match::Name,
    );
    for table in [Table::new(&ensemble, &batch, Match::Name).unwrap(), values_sliced.unwrap()] {
        assert_eq!((table.rows(), table.features()), (2, 5));
        assert_eq!(Predictor::new(&ensemble).raw(&table, 1).unwrap(), expected);
    }
}

#[test]
fn what_does_not_match_is_refused() {
    let named = read(&fixtures::one("xgboost-binary.json").model).unwrap();
    let unnamed = read(&fixtures::one("xgboost-targets.json").model).unwrap();
    let five = |name: &'static str| -> Vec<(&str, ArrayRef)> {
        ["feature 0", "feature 1", "feature 2", "feature 3", name]
            .map(|name| (name, column(&[Some(1.0)])))
            .into()
    };
    let error = Table::new(&named, &batch(five("Feature 4")), Match::Name).unwrap_err();
    assert!(matches!(&error, DataError::Missing(name) if name == "feature 4"));
    assert_eq!(error.code().0, "HK1604");
    let mut twice = five("feature 4");
    twice.push(("feature 1", column(&[Some(1.0)])));
    assert!(matches!(Table::new(&named, &batch(twice.clone()), Match::Name), Err(DataError::Ambiguous(_))));
    assert!(matches!(
        Table::new(&named, &batch(twice), Match::Position),
        Err(DataError::Count { found: 6, expected: 5 })
    ));
    assert!(matches!(Table::new(&unnamed, &batch(five("x")), Match::Name), Err(DataError::Unnamed)));
    assert!(Table::new(&unnamed, &batch(five("x")), Match::Position).is_ok());
    let mut text = five("x");
    text[4] = ("feature 4", Arc::new(StringArray::from(vec!["a"])));
    let error = Table::new(&named, &batch(text), Match::Name).unwrap_err();
    assert_eq!(error.code().0, "HK1605");
    assert_eq!(Table::from_rows(&[1.0, 2.0, 3.0, 4.0, 5.0], 2).to_rows(), [1.0, 2.0, 3.0, 4.0]);
    assert!(Table::from_rows(&[], 4).to_rows().is_empty());
    let other = Table::from_rows(&[1.0; 4], 4);
    assert_eq!(Predictor::new(&named).raw(&other, 1).unwrap_err().code().0, "HK1606");
}

/// The rows of a fixture, of which some features are texts that are made of their values.
fn with_texts(fixture: &fixtures::Fixture, features: &[usize], text: impl Fn(f64) -> String) -> RecordBatch {
    let column = |feature: usize| -> ArrayRef {
        let values = fixture.rows.iter().skip(feature).step_by(fixture.features).copied();
        if features.contains(&feature) {
            let texts: StringArray = values.map(|value| Some(text(value))).collect();
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            return if feature == 0 { cast(&texts, &kind).unwrap() } else { Arc::new(texts) };
        }
        Arc::new(Float64Array::from_iter_values(values))
    };
    let names: Vec<String> = (0..fixture.features).map(|feature| format!("f{feature}")).collect();
    batch(names.iter().enumerate().map(|(feature, name)| (name.as_str(), column(feature))).collect())
}

#[test]
fn categories_are_given_as_texts() {
    for (name, features) in [
        ("catboost-one-hot.json", &[0, 2][..]),
        ("catboost-statistics.cbm", &[0, 2]),
        ("xgboost-texts.ubj", &[0]),
        ("lightgbm-texts.txt", &[0]),
    ] {
        let fixture = fixtures::one(name);
        let ensemble = read(&fixture.model).unwrap();
        assert_eq!(ensemble.text_features().map(|at| at as usize).collect::<Vec<_>>(), features, "{name}");
        // CatBoost's integers are their digits; the others' texts have the codes in their names.
        let is_hash = name.starts_with("catboost");
        let text = |value: f64| if is_hash { format!("{value}") } else { format!("c{value:02}") };
        let batch = with_texts(&fixture, features, text);
        let by = if is_hash { Match::Position } else { Match::Name };
        let table = Table::new(&ensemble, &batch, by).unwrap();
        assert_eq!(Predictor::new(&ensemble).raw(&table, 1).unwrap(), fixture.raw, "{name}");
        // What training has not seen is no category: the same as nothing.
        let unseen = with_texts(&fixture, features, |_| "other".to_owned());
        let unseen = Table::new(&ensemble, &unseen, by).unwrap();
        let mut rows = fixture.rows.clone();
        for row in rows.chunks_mut(fixture.features) {
            for feature in features {
                row[*feature] = f64::NAN;
            }
        }
        let nothing = Predictor::new(&ensemble).raw(&Table::from_rows(&rows, fixture.features), 1).unwrap();
        assert_eq!(Predictor::new(&ensemble).raw(&unseen, 1).unwrap(), nothing, "{name}");
        // Fractions are no texts.
        let plain = with_texts(&fixture, &[], |_| String::new());
        let plain = Table::new(&ensemble, &plain, by);
        assert_eq!(plain.is_err(), is_hash, "{name}");
        assert!(plain.err().is_none_or(|error| error.code().0 == "HK1605"));
    }
}

#[test]
fn features_of_one_name_are_not_matched_by_it() {
    let fixture = fixtures::one("linear-ridge.json");
    let names = r#""feature_names": ["f0", "f1", "f0", "f3", "f4"]"#;
    let text = String::from_utf8(fixture.model.clone()).unwrap();
    let text = text.replace(r#""feature_names": []"#, names);
    let ensemble = read(text.as_bytes()).unwrap();
    let batch = with_texts(&fixture, &[], |_| String::new());
    let error = Table::new(&ensemble, &batch, Match::Name).unwrap_err();
    assert!(matches!(&error, DataError::Twice(name) if name == "f0"), "{error}");
    assert_eq!(error.code().0, "HK1604");
    assert!(Table::new(&ensemble, &batch, Match::Position).is_ok());
}
