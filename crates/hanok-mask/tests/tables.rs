//! Synthetic tables: what they keep of the original, and what they must not.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int8Array, Int64Array, StringArray,
    UInt32Array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use hanok_mask::synthetic::{ChildCounts, Column, Model, Modelled, Options, Role};
use hanok_mask::{Key, MaskError};
use proptest::prelude::*;

fn column(name: &str, role: Role, values: ArrayRef) -> Column {
    Column { name: name.to_owned(), role, values }
}

/// A small generator of its own, so that the tests' data do not come from what they test.
struct Chance(u64);

impl Chance {
    fn next(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Students: height grows with age, grade with age, everything else by chance.
fn students(rows: usize) -> Vec<Column> {
    let mut chance = Chance(7);
    let ages: Vec<i64> = (0..rows).map(|_| 13 + chance.next(6) as i64).collect();
    let heights: Vec<f64> =
        ages.iter().map(|age| (900 + age * 50 + chance.next(160) as i64) as f64 / 10.0).collect();
    let grades: Vec<String> = ages.iter().map(|age| format!("{}학년", (age - 12).min(6))).collect();
    let names: Vec<String> = (0..rows).map(|at| format!("김학생{at}")).collect();
    let clubs: Vec<String> = (0..rows)
        .map(|at| if at < 3 { format!("희귀 동아리 {at}") } else { format!("동아리 {}", chance.next(4)) })
        .collect();
    let days: Vec<Option<i32>> =
        (0..rows).map(|at| (at % 10 != 0).then(|| 19_000 + chance.next(300) as i32)).collect();
    vec![
        column("id", Role::Value, Arc::new((1..=rows as i64).map(Some).collect::<Int64Array>())),
        column("name", Role::Value, Arc::new(StringArray::from(names))),
        column("age", Role::Value, Arc::new(Int64Array::from(ages))),
        column("height", Role::Value, Arc::new(Float64Array::from(heights))),
        column("grade", Role::Value, Arc::new(StringArray::from(grades))),
        column("club", Role::Value, Arc::new(StringArray::from(clubs))),
        column("joined", Role::Value, Arc::new(Date32Array::from(days))),
        column(
            "meal",
            Role::Value,
            Arc::new((0..rows).map(|at| Some(at % 4 == 0)).collect::<BooleanArray>()),
        ),
    ]
}

fn floats(column: &ArrayRef) -> Vec<f64> {
    cast(column, &DataType::Float64).unwrap().as_primitive::<Float64Type>().values().to_vec()
}

/// Spearman's rank correlation.
fn rank_correlation(left: &[f64], right: &[f64]) -> f64 {
    let ranks = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let mut ranks = vec![0.0; values.len()];
        let mut start = 0;
        for run in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
            for row in run {
                ranks[*row] = start as f64 + run.len() as f64 / 2.0;
            }
            start += run.len();
        }
        ranks
    };
    let (left, right) = (ranks(left), ranks(right));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (x, y) = (mean(&left), mean(&right));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| left.iter().zip(&right).map(|(a, b)| f(a - x, b - y)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[test]
fn distributions_and_correlations_are_kept() {
    let original = students(5_000);
    let model = Model::fit(&original, &Options::default()).unwrap();
    let sample = model.sample(8_000, &Key::new([5; 32]), "student", &[]).unwrap();
    let modelled: HashMap<&str, Modelled> = model.modelled().collect();
    assert_eq!(modelled["id"], Modelled::Identity);
    assert_eq!(modelled["name"], Modelled::Invented);
    assert_eq!(modelled["height"], Modelled::Numbers);
    assert_eq!(modelled["club"], Modelled::Categories);
    for (column, values) in original.iter().zip(&sample) {
        assert_eq!(values.data_type(), column.values.data_type(), "{}", column.name);
        assert_eq!(values.len(), 8_000);
        let share = |values: &ArrayRef| values.null_count() as f64 / values.len() as f64;
        assert!((share(values) - share(&column.values)).abs() < 0.02, "{}", column.name);
    }
    let correlation = |columns: [&ArrayRef; 2]| rank_correlation(&floats(columns[0]), &floats(columns[1]));
    let before = correlation([&original[2].values, &original[3].values]);
    let after = correlation([&sample[2], &sample[3]]);
    assert!(before > 0.8 && (before - after).abs() < 0.05, "{before} and {after}");
    let mean = |column: &ArrayRef| floats(column).iter().sum::<f64>() / column.len() as f64;
    assert!((mean(&original[3].values) - mean(&sample[3])).abs() < 0.5);
    let meals = sample[7].as_boolean().true_count() as f64 / 8_000.0;
    assert!((meals - 0.25).abs() < 0.02, "{meals}");
}

#[test]
fn no_rare_original_is_in_the_sample() {
    let original = students(3_000);
    let model = Model::fit(&original, &Options::default()).unwrap();
    let sample = model.sample(6_000, &Key::new([6; 32]), "student", &[]).unwrap();
    for (column, sampled) in original.iter().zip(&sample) {
        let texts = |values: &ArrayRef| -> Vec<String> {
            let values = cast(values, &DataType::Utf8).unwrap();
            values.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
        };
        let mut counts: HashMap<String, usize> = HashMap::new();
        for value in texts(&column.values) {
            *counts.entry(value).or_default() += 1;
        }
        for value in texts(sampled) {
            assert!(counts.get(&value).is_none_or(|count| *count >= 5), "{} of {}", value, column.name);
        }
    }
    let ids: HashSet<i64> = sample[0].as_primitive::<Int64Type>().values().iter().copied().collect();
    assert_eq!(ids.len(), 6_000);
    assert!(ids.iter().all(|id| *id >= 10_000));
}

#[test]
fn samples_depend_on_the_key_alone() {
    let original = students(500);
    let sample = |seed: u8, domain: &str| {
        let model = Model::fit(&original, &Options::default()).unwrap();
        model.sample(200, &Key::new([seed; 32]), domain, &[]).unwrap()
    };
    assert_eq!(sample(1, "a"), sample(1, "a"));
    assert_ne!(sample(1, "a"), sample(2, "a"));
    assert_ne!(sample(1, "a"), sample(1, "b"));
}

/// Keys continue above the original's, and a type without room for that is an error, not a repetition.
#[test]
fn keys_are_new_in_narrow_types_too() {
    let keys = |values: ArrayRef, rows: usize| {
        let columns = [column("id", Role::Identity, values)];
        let sample = Model::fit(&columns, &Options::default())?.sample(rows, &Key::new([1; 32]), "t", &[])?;
        let wide = cast(&sample[0], &DataType::Int64).unwrap();
        Ok::<_, MaskError>(wide.as_primitive::<Int64Type>().values().to_vec())
    };
    assert_eq!(keys(Arc::new(Int64Array::from(vec![7, 250])), 2).unwrap(), [1_000, 1_001]);
    assert_eq!(keys(Arc::new(Int8Array::from(vec![1, 120])), 2).unwrap(), [121, 122]);
    assert!(keys(Arc::new(Int8Array::from(vec![1, 120])), 8).is_err());
    assert!(matches!(keys(Arc::new(Int8Array::from(vec![127])), 1), Err(MaskError::Type { .. })));
}

#[test]
fn children_refer_to_sampled_parents() {
    let parents = students(400);
    let mut chance = Chance(3);
    let referring: ArrayRef =
        Arc::new((0..1_200).map(|_| Some(1 + chance.next(400) as i64)).collect::<Int64Array>());
    let price: ArrayRef =
        Arc::new((0..1_200).map(|_| Some(1_000 + 500 * chance.next(4) as i64)).collect::<Int64Array>());
    let key = Key::new([9; 32]);
    let new_parents =
        Model::fit(&parents, &Options::default()).unwrap().sample(300, &key, "student", &[]).unwrap();
    let counts = ChildCounts::fit(&parents[0].values, &referring, 5).unwrap();
    let places: UInt32Array = counts.sample(300, &key, "meal");
    let foreign = take(&new_parents[0], &places, None).unwrap();
    let meals = [column("student", Role::Reference, referring), column("price", Role::Value, price)];
    let model = Model::fit(&meals, &Options::default()).unwrap();
    let rows = places.len();
    let sample = model.sample(rows, &key, "meal", &[("student", foreign.clone())]).unwrap();
    assert_eq!(&sample[0], &foreign);
    assert!((700..1_100).contains(&rows), "about three for each parent: {rows}");
    let prices: HashSet<i64> = sample[1].as_primitive::<Int64Type>().values().iter().copied().collect();
    assert!(prices.iter().all(|price| [1_000, 1_500, 2_000, 2_500].contains(price)), "{prices:?}");
    let wrong = model.sample(rows, &key, "meal", &[("teacher", foreign.clone())]);
    assert!(matches!(wrong, Err(MaskError::UnknownColumn(name)) if name == "teacher"));
    assert!(matches!(
        model.sample(rows + 1, &key, "meal", &[("student", foreign)]),
        Err(MaskError::Rows { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the table, no text and no number of fewer than k rows comes back.
    #[test]
    fn rare_values_never_come_back(
        rows in prop::collection::vec(("[a-c]{1,2}", 0i64..40, prop::option::weighted(0.8, 0.0f64..5.0)), 20..200),
        k in 2u64..6,
    ) {
        let texts: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.0.clone())).collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>());
        let amounts: ArrayRef =
            Arc::new(rows.iter().map(|row| row.2.map(|x| (x * 10.0).round() / 10.0)).collect::<Float64Array>());
        let columns = [
            column("t", Role::Value, texts),
            column("n", Role::Value, numbers),
            column("a", Role::Value, amounts),
        ];
        let options = Options { k, ..Options::default() };
        let sample = Model::fit(&columns, &options).unwrap().sample(300, &Key::new([2; 32]), "t", &[]).unwrap();
        for (column, sampled) in columns.iter().zip(&sample) {
            let texts = |values: &ArrayRef| -> Vec<String> {
                let values = cast(values, &DataType::Utf8).unwrap();
                values.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
            };
            let mut counts: HashMap<String, u64> = HashMap::new();
            for value in texts(&column.values) { *counts.entry(value).or_default() += 1; }
            for value in texts(sampled) {
                prop_assert!(counts.get(&value).is_none_or(|count| *count >= k), "{} of {}", value, &column.name);
            }
        }
    }
}
