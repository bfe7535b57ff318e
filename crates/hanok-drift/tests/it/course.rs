//! Drift over time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, StringArray};
use hanok_drift::course::{Course, Windows, course, course_columns};
use hanok_drift::{CompareError, Measure, Options, Pair, What};
use hanok_error::Coded;

use crate::draws::{Draws, numbers, words};
use crate::tables::table;

/// Rows of a day.
const ROWS: usize = 200;

/// Consecutive days from 2013-01-01 on.
fn days(count: usize) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values((0..count * ROWS).map(|row| 15_706 + (row / ROWS) as i32)))
}

/// A value a row, by the day.
fn daily<T>(draws: &mut Draws, count: usize, value: impl Fn(&mut Draws, usize) -> T) -> Vec<T> {
    (0..count * ROWS).map(|row| value(draws, row / ROWS)).collect()
}

/// Columns of which each changes with a day of its own; the last one does not.
fn columns(draws: &mut Draws, count: usize, changes: [usize; 3]) -> Vec<(&'static str, ArrayRef)> {
    let shifted =
        daily(draws, count, |draws, day| draws.normal() + if day >= changes[0] { 0.8 } else { 0.0 });
    let category = daily(draws, count, |draws, day| {
        if day >= changes[1] && draws.uniform() < 0.3 { 9 } else { (draws.uniform() * 6.0) as usize }
    });
    let missing = daily(draws, count, |draws, day| {
        let rate = if day >= changes[2] { 0.25 } else { 0.02 };
        if draws.uniform() < rate { None } else { Some(draws.normal()) }
    });
    let still = daily(draws, count, |draws, _| draws.normal());
    vec![
        ("shifted", numbers(shifted)),
        ("category", words(&category)),
        ("missing", Arc::new(missing.into_iter().collect::<Float64Array>())),
        ("still", numbers(still)),
    ]
}

fn made(draws: &mut Draws, count: usize, changes: [usize; 3]) -> Course {
    let reference = columns(draws, 20, [usize::MAX; 3]);
    let mut current = columns(draws, count, changes);
    current.push(("day", days(count)));
    course(&table(reference), &table(current), "day", None, &Options::default(), 2).unwrap()
}

#[test]
fn columns_have_drifted_since_the_day_on_which_they_changed() {
    let mut draws = Draws(1);
    let found = made(&mut draws, 30, [18, 10, 22]);
    assert_eq!((found.windows.len(), found.windows[0].rows), (30, ROWS as u64));
    let began: Vec<Option<usize>> =
        found.columns.iter().map(|column| column.began.map(|began| began.window)).collect();
    assert_eq!(began, [Some(18), Some(10), Some(22), None]);
    let [shifted, category, missing, still] = found.columns.as_slice() else { panic!() };
    assert_eq!(shifted.began.unwrap().time, (15_706.0 + 18.0) * 86_400.0);
    assert_eq!(shifted.changes.len(), 1);
    assert_eq!((category.what, category.measure), (What::Values, Measure::LeCam));
    assert_eq!((missing.what, missing.measure), (What::Missing, Measure::RateDifference));
    assert!(missing.missing[25].unwrap() > 0.15 && missing.missing[3].unwrap() < 0.1);
    let beyond = |window: usize| shifted.effects[window].unwrap() >= shifted.threshold;
    assert!((0..18).all(|window| !beyond(window)) && (18..30).all(beyond));
    assert!(still.changes.is_empty() && still.effects.iter().all(|effect| effect.unwrap() < still.threshold));
}

#[test]
fn what_differs_from_the_start_has_drifted_since_the_first_window() {
    let found = made(&mut Draws(2), 20, [0, 0, usize::MAX]);
    let [shifted, category, missing, _] = found.columns.as_slice() else { panic!() };
    assert_eq!(shifted.began.unwrap().window, 0);
    assert_eq!(category.began.unwrap().window, 0);
    assert_eq!(missing.began, None);
    // Of few windows it cannot be said which one was the first.
    let found = made(&mut Draws(3), 6, [4, 6, 6]);
    assert_eq!(found.columns[0].began, None);
    assert!(found.columns[0].effects[5].unwrap() > found.columns[0].threshold);
}

#[test]
fn without_drift_tables_have_changes_no_more_often_than_the_level() {
    let mut draws = Draws(7);
    let mut alarms = 0;
    for _ in 0..150 {
        let found = made(&mut draws, 14, [usize::MAX; 3]);
        alarms += u32::from(found.columns.iter().any(|column| !column.changes.is_empty()));
        assert!(found.columns.iter().all(|column| column.began.is_none()));
    }
    // 7.5 are expected; three standard deviations more are 15.5.
    assert!(alarms <= 15, "{alarms} of 150");
}

#[test]
fn every_kind_of_column_has_a_course() {
    let mut draws = Draws(4);
    let mut side = |length: usize| {
        let text = |draws: &mut Draws| {
            let count = length + (draws.uniform() * 4.0) as usize;
            (0..count).map(|_| (b'a' + (draws.uniform() * 26.0) as u8) as char).collect::<String>()
        };
        let texts = draws.many(20 * ROWS, text);
        let truth = draws.many(20 * ROWS, |draws| Some(draws.uniform() < 0.3));
        vec![
            ("text", Arc::new(StringArray::from(texts)) as ArrayRef),
            ("truth", Arc::new(truth.into_iter().collect::<arrow::array::BooleanArray>())),
            ("other", days(20)),
        ]
    };
    let (reference, mut current) = (side(8), side(14));
    current.push(("day", days(20)));
    let found = course(&table(reference), &table(current), "day", None, &Options::default(), 1).unwrap();
    let [text, truth, other] = found.columns.as_slice() else { panic!() };
    assert_eq!((text.what, text.began.unwrap().window), (What::Length, 0));
    assert_eq!((truth.measure, truth.began), (Measure::LeCam, None));
    assert_eq!((other.what, other.began), (What::Missing, None));
}

#[test]
fn columns_of_other_rows_and_unknown_times_are_refused() {
    let windows = Windows::new(&[days(3)], None).unwrap();
    let read = |_| {
        let column = numbers(vec![1.0; 5]);
        Ok(Pair { name: "c".to_owned(), reference: vec![column.clone()], current: vec![column] })
    };
    let found = course_columns::<hanok_drift::course::CourseError>(&windows, 1, read, &Options::default(), 1);
    assert_eq!(found.unwrap_err().code().0, "HK1807");
    let side = table(vec![("c", numbers(vec![1.0; 5]))]);
    let found = course(&side, &side, "t", None, &Options::default(), 1);
    assert_eq!(found.unwrap_err().code().0, "HK1801");
    let options = Options { alpha: 2.0, ..Options::default() };
    let found = course(&side, &side, "c", None, &options, 1).unwrap_err();
    assert_eq!(found.code(), CompareError::Option { name: "", value: 0.0, allowed: "" }.code());
}
