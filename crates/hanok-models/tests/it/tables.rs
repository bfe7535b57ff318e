//! Columns are matched to features by name, or refused.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
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
    let other = Table::from_rows(&[1.0; 4], 4);
    assert_eq!(Predictor::new(&named).raw(&other, 1).unwrap_err().code().0, "HK1606");
}
