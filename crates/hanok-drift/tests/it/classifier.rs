//! Sides that can and cannot be told apart.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StructArray};
use hanok_drift::Verdict;
use hanok_drift::classifier::{Classified, classify};
use hanok_error::Coded;

use crate::draws::{Draws, numbers, words};
use crate::tables::{report, table};

const NAMES: [&str; 3] = ["x", "y", "z"];

fn classified(reference: &[RecordBatch], current: &[RecordBatch], seed: u64) -> Classified {
    classify(reference, current, &NAMES, seed, 2).unwrap()
}

/// Normal x and y and a category z; a share of the rows has y of x's sign.
fn side(draws: &mut Draws, rows: usize, alike: f64) -> Vec<(&'static str, ArrayRef)> {
    let x = draws.many(rows, Draws::normal);
    let y = x.iter().map(|x| {
        let y = draws.normal();
        if draws.uniform() < alike { y.abs() * x.signum() } else { y }
    });
    let y = y.collect();
    let z = draws.many(rows, |draws| (draws.uniform() * 9.0) as usize);
    vec![("x", numbers(x)), ("y", numbers(y)), ("z", words(&z))]
}

#[test]
fn joint_drift_that_no_column_shows_is_found_and_explained() {
    let mut draws = Draws(3);
    let (reference, current) = (side(&mut draws, 3000, 0.0), side(&mut draws, 3000, 1.0));
    let single = report(reference.clone(), current.clone());
    assert!(single.columns.iter().all(|column| column.verdict == Verdict::Stable));
    let found = classified(&table(reference), &table(current), 1);
    assert_eq!(found.verdict, Verdict::Drifted);
    // The best that can be done is 0.75: half of the reference's rows look current.
    assert!((0.7..0.78).contains(&found.auc), "{found:?}");
    assert_eq!(found.features[2].0, "z");
    assert!(found.features[1].1 > 0.15 && found.features[2].1 < 0.02, "{found:?}");
}

#[test]
fn without_drift_the_interval_has_a_half_as_often_as_it_says() {
    let mut draws = Draws(11);
    let (mut without, mut sum) = (0, 0.0);
    for seed in 0..60 {
        let (reference, current) = (side(&mut draws, 400, 0.3), side(&mut draws, 500, 0.3));
        let found = classified(&table(reference), &table(current), seed);
        without += u32::from(!(found.interval[0]..=found.interval[1]).contains(&0.5));
        sum += found.auc;
        assert_eq!(found.verdict, Verdict::Stable, "{found:?}");
    }
    // Three are expected; three standard deviations more are eight.
    assert!(without <= 8, "{without}");
    assert!((sum / 60.0 - 0.5).abs() < 0.01, "{}", sum / 60.0);
}

#[test]
fn the_seed_alone_decides() {
    let mut draws = Draws(5);
    // More rows than are used.
    let sides = [side(&mut draws, 25_000, 0.0), side(&mut draws, 30_000, 0.2)].map(table);
    let found = classify(&sides[0], &sides[1], &NAMES, 4, 1).unwrap();
    assert_eq!(found.rows, [20_000, 20_000]);
    assert_eq!(classify(&sides[0], &sides[1], &NAMES, 4, 3).unwrap(), found);
    assert_ne!(classified(&sides[0], &sides[1], 5).auc, found.auc);
    // Batches do not matter either.
    let sliced = [sides[0][0].slice(0, 7000), sides[0][0].slice(7000, 18_000)];
    assert_eq!(classified(&sliced, &sides[1], 4), found);
}

#[test]
fn missing_values_are_values_and_columns_without_codes_are_left_out() {
    let mut draws = Draws(8);
    let mut column = |rate: f64| {
        let value = |draws: &mut Draws| if draws.uniform() < rate { None } else { Some(draws.normal()) };
        Arc::new(draws.many(2000, value).into_iter().collect::<Float64Array>()) as ArrayRef
    };
    let odd = Arc::new(StructArray::new_empty_fields(2000, None)) as ArrayRef;
    let side = |column: ArrayRef| table(vec![("a", column), ("odd", odd.clone())]);
    let (reference, current) = (side(column(0.1)), side(column(0.6)));
    let found = classify(&reference, &current, &["a", "odd"], 0, 1).unwrap();
    // The area that the rate of missing values by itself makes.
    assert!((found.auc - 0.75).abs() < 0.03, "{found:?}");
    assert_eq!(found.features.len(), 1);
    let none = classify(&reference, &current, &["odd"], 0, 1).unwrap_err();
    assert_eq!(none.code().0, "HK1801");
    assert_eq!(classify(&reference, &current, &["b"], 0, 1).unwrap_err().code().0, "HK1801");
    let few = [reference[0].slice(0, 50)];
    assert_eq!(classify(&few, &current, &["a"], 0, 1).unwrap_err().code().0, "HK1805");
}
