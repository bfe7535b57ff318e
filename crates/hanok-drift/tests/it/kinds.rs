//! Every kind of column, and columns that are none.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float32Array, Float64Array, Int64Array, ListArray,
    NullArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int32Type};
use hanok_drift::{CompareError, Kind, Measure, Options, Pair, Verdict, What, compare, compare_columns};
use hanok_error::Coded;

use crate::draws::{Draws, numbers, words};
use crate::tables::{column, report, table};

fn statistic(column: &hanok_drift::Column, what: What, measure: Measure) -> f64 {
    let aspect = column.aspects.iter().find(|aspect| aspect.what == what).unwrap();
    aspect.statistics.iter().find(|statistic| statistic.measure == measure).unwrap().value
}

fn whats(column: &hanok_drift::Column) -> Vec<What> {
    column.aspects.iter().map(|aspect| aspect.what).collect()
}

#[test]
fn missing_values_that_evidently_drops_are_drift() {
    let rows = 2000;
    let mut draws = Draws(1);
    let full = draws.many(rows, Draws::normal);
    let with_nulls: Float64Array =
        full.iter().enumerate().map(|(at, value)| (at % 4 != 0).then_some(*value)).collect();
    let with_nan: Vec<f64> =
        full.iter().enumerate().map(|(at, value)| if at % 4 == 0 { f64::NAN } else { *value }).collect();
    for current in [Arc::new(with_nulls) as ArrayRef, numbers(with_nan)] {
        let found = column(numbers(full.clone()), current);
        assert_eq!(found.verdict, Verdict::Drifted);
        assert_eq!((found.profiles[1].missing, found.profiles[1].missing_rate()), (500, 0.25));
        assert_eq!(statistic(&found, What::Missing, Measure::RateDifference), 0.25);
        // It is in the distances as well, as a bin of its own.
        assert!(statistic(&found, What::Values, Measure::Psi) > 0.5);
    }
}

#[test]
fn integers_and_floats_are_one_kind_texts_another() {
    let integers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1000).map(|v| v % 50)));
    let floats: ArrayRef = Arc::new(Float32Array::from_iter_values((0..1000_u16).map(|v| f32::from(v % 50))));
    let found = column(Arc::clone(&integers), floats);
    assert_eq!((found.verdict, found.kinds), (Verdict::Stable, [Kind::Numbers, Kind::Numbers]));
    assert_ne!(found.types[0], found.types[1]);
    let found = column(integers, words(&[1, 2, 3]));
    assert_eq!((found.verdict, found.aspects.len()), (Verdict::Drifted, 0));
}

#[test]
fn categories_of_any_script_are_told_apart() {
    let texts = |words: &[&str]| {
        Arc::new(StringArray::from_iter_values(words.iter().copied().cycle().take(900))) as ArrayRef
    };
    let found = column(texts(&["가", "나", "a\0b", ""]), texts(&["가", "나", "a", ""]));
    let categories = found.categories.as_ref().unwrap();
    assert_eq!(categories.new, [("a".to_owned(), 225)]);
    assert_eq!(categories.vanished, [("a\0b".to_owned(), 225)]);
    assert_eq!((categories.new_share, categories.vanished_share), (0.25, 0.25));
    assert_eq!((found.verdict, found.profiles[0].distinct), (Verdict::Drifted, Some(4)));
    assert_eq!(statistic(&found, What::Values, Measure::TotalVariation), 0.25);
    // As a dictionary it is the same.
    let dictionary: DictionaryArray<Int32Type> =
        ["가", "나", "a\0b", ""].into_iter().cycle().take(900).collect();
    let again = column(Arc::new(dictionary), texts(&["가", "나", "a", ""]));
    assert_eq!(again.aspects, found.aspects);
}

#[test]
fn texts_with_too_many_values_are_compared_by_their_looks() {
    let texts = |format: &dyn Fn(u32) -> String| {
        Arc::new((0..4000).map(|at| Some(format(at))).collect::<StringArray>()) as ArrayRef
    };
    let codes = |at: u32| format!("AB-{:06}", at * 7919 % 1_000_003);
    let same = column(texts(&codes), texts(&|at| codes(at + 500_000)));
    assert_eq!(whats(&same), [What::Missing, What::Length, What::Pattern, What::Token]);
    assert_eq!(same.verdict, Verdict::Stable, "{:?}", same.aspects);
    assert_eq!((same.profiles[0].distinct, same.profiles[0].uniqueness()), (Some(4000), Some(1.0)));
    let other = column(texts(&codes), texts(&|at| codes(at).to_lowercase()));
    assert_eq!(other.verdict, Verdict::Drifted);
    assert_eq!(statistic(&other, What::Pattern, Measure::TotalVariation), 1.0);
}

#[test]
fn times_are_compared_by_hours_and_days_not_by_time_itself() {
    let hours = |start: i64, step: i64| {
        let times = (0..5000).map(|at| (start + at * step) * 3_600_000_000);
        Arc::new(TimestampMicrosecondArray::from_iter_values(times)) as ArrayRef
    };
    let same = column(hours(380_000, 1), hours(400_000, 1));
    assert_eq!(
        (same.verdict, whats(&same)),
        (Verdict::Stable, vec![What::Missing, What::Hour, What::Weekday])
    );
    assert_eq!(same.profiles[0].range, Some([380_000.0 * 3600.0, 384_999.0 * 3600.0]));
    assert_eq!(column(hours(380_000, 1), hours(400_000, 24)).verdict, Verdict::Drifted);
    // Before 1970, too.
    let days = Arc::new(Date32Array::from_iter_values(-1000..1000)) as ArrayRef;
    assert_eq!(whats(&column(Arc::clone(&days), days)), [What::Missing, What::Weekday]);
}

#[test]
fn lists_are_compared_by_length_and_elements() {
    let lists = |shift: f64| {
        let mut draws = Draws(3);
        let rows = (0..3000)
            .map(|row| (row % 5 != 4).then(|| draws.many(row % 7, |draws| Some(draws.normal() + shift))));
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows)) as ArrayRef
    };
    let found = column(lists(0.0), lists(0.0));
    assert_eq!(
        (found.verdict, whats(&found)),
        (Verdict::Stable, vec![What::Missing, What::Length, What::Element])
    );
    let found = column(lists(0.0), lists(2.0));
    assert_eq!(found.verdict, Verdict::Drifted);
    assert_eq!(statistic(&found, What::Length, Measure::KolmogorovSmirnov), 0.0);
}

#[test]
fn values_beyond_the_range_are_found_by_their_share() {
    let reference: Vec<f64> = (0..5000).map(|at| f64::from(at % 1000)).collect();
    let mut current = reference.clone();
    current[..200].fill(1e6);
    let found = column(numbers(reference), numbers(current));
    assert_eq!(statistic(&found, What::Range, Measure::Outside), 0.04);
    assert_eq!(found.verdict, Verdict::Drifted);
}

#[test]
fn odd_columns_give_no_nan_and_no_panic() {
    let odd: Vec<ArrayRef> = vec![
        numbers(vec![]),
        numbers(vec![1.0]),
        numbers(vec![f64::NAN; 5]),
        numbers(vec![f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 5e-324]),
        numbers(vec![f64::MAX, f64::MIN, f64::MAX]),
        numbers(vec![3.0; 2000]),
        Arc::new(NullArray::new(7)),
        Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 0])),
    ];
    for reference in &odd {
        for current in &odd {
            let found = column(Arc::clone(reference), Arc::clone(current));
            for aspect in &found.aspects {
                assert!(
                    (0.0..=1.0).contains(&aspect.p) && aspect.p <= aspect.p_adjusted,
                    "{reference:?} {current:?} {aspect:?}"
                );
                assert!(
                    aspect.statistics.iter().all(|statistic| !statistic.value.is_nan()),
                    "{reference:?} {current:?} {aspect:?}"
                );
                assert!(!aspect.effect.beyond_noise.is_nan(), "{reference:?} {current:?} {aspect:?}");
            }
        }
    }
    let empty = column(numbers(vec![]), numbers(vec![]));
    assert_eq!((empty.verdict, empty.aspects.len()), (Verdict::Undecided, 0));
    let booleans = Arc::new(BooleanArray::from(vec![true; 800])) as ArrayRef;
    assert_eq!(column(Arc::clone(&booleans), booleans).verdict, Verdict::Stable);
}

#[test]
fn columns_of_one_table_only_are_named() {
    let one = || numbers(vec![1.0, 2.0]);
    let row: ArrayRef = Arc::new(StructArray::new_empty_fields(2, None));
    let found = report(
        vec![("both", one()), ("gone", one()), ("row", Arc::clone(&row))],
        vec![("new", one()), ("row", row), ("both", one())],
    );
    assert_eq!(found.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["both"]);
    assert_eq!(
        (found.vanished, found.new, found.skipped),
        (vec!["gone".to_owned()], vec!["new".to_owned()], vec!["row".to_owned()])
    );
}

#[test]
fn what_cannot_be_compared_has_a_code() {
    let one = || table(vec![("a", numbers(vec![1.0]))]);
    let other = table(vec![("b", numbers(vec![1.0]))]);
    let options = Options::default();
    assert_eq!(compare(&one(), &other, &options, 1).unwrap_err().code().0, "HK1801");
    assert_eq!(compare(&[] as &[RecordBatch], &one(), &options, 1).unwrap_err().code().0, "HK1801");
    for alpha in [0.0, 1.0, f64::NAN] {
        let error = compare(&one(), &one(), &Options { alpha, ..options }, 1).unwrap_err();
        assert_eq!(error.code().0, "HK1804");
    }
    let fail = |_| Err::<Pair, CompareError>(CompareError::NothingInCommon);
    assert!(compare_columns(40, fail, &options, 3).is_err());
}
