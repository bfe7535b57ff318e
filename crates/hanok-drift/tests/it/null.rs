//! Verdicts when nothing drifts, and when the number of rows changes. `examples/false_alarms.rs` makes the table of the same.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray};
use arrow::datatypes::Float64Type;
use hanok_drift::{Verdict, What};

use crate::draws::{Draws, numbers, words};
use crate::tables::column;

const RUNS: u64 = 300;

/// How often p ≤ 0.05, and how often there is an alarm.
fn rates(rows: usize, make: impl Fn(&mut Draws) -> hanok_drift::Column) -> (f64, f64) {
    let mut draws = Draws(rows as u64);
    let (mut small, mut alarms) = (0, 0);
    for _ in 0..RUNS {
        let column = make(&mut draws);
        let values = column.aspects.iter().find(|aspect| aspect.what == What::Values).unwrap();
        small += u32::from(values.p <= 0.05);
        alarms += u32::from(column.verdict == Verdict::Drifted);
    }
    (f64::from(small) / RUNS as f64, f64::from(alarms) / RUNS as f64)
}

#[test]
fn resamples_without_drift_alarm_no_more_often_than_said() {
    for rows in [100, 1000, 5000] {
        let normal = |draws: &mut Draws| {
            column(numbers(draws.many(rows, Draws::normal)), numbers(draws.many(rows, Draws::normal)))
        };
        let (small, alarms) = rates(rows, normal);
        // Three standard deviations above 0.05 are 0.088.
        assert!((0.01..0.088).contains(&small), "{rows} numbers: p ≤ 0.05 in {small}");
        assert!(alarms <= 0.03, "{rows} numbers: {alarms}");
        // Evidently's χ² takes the reference for the truth: 0.54 with 12 categories and 1000 rows, 0.98 with 50.
        for categories in [12, 50] {
            let some = |draws: &mut Draws| {
                words(&draws.many(rows, |draws| (draws.uniform() * f64::from(categories)) as usize))
            };
            let (small, alarms) = rates(rows, |draws| column(some(draws), some(draws)));
            assert!((0.01..0.088).contains(&small), "{rows} of {categories} categories: p ≤ 0.05 in {small}");
            assert!(alarms <= 0.03, "{rows} of {categories} categories: {alarms}");
        }
    }
}

/// At each size, nearly all resamples have one verdict: an estimate near a threshold can cross it by chance.
fn hold(expected: Verdict, what: &str, make: impl Fn(&mut Draws, usize) -> hanok_drift::Column) {
    for (rows, runs) in [(1000, 40), (3000, 20), (10_000, 10), (100_000, 2)] {
        let mut draws = Draws(rows as u64);
        let found = (0..runs).filter(|_| make(&mut draws, rows).verdict == expected).count();
        assert!(found * 10 >= runs * 9, "{what}, {rows} rows: {found} of {runs} {expected:?}");
    }
}

#[test]
fn a_size_that_changes_does_not_change_the_verdict() {
    use Verdict::{Drifted, Stable};
    // A normal variable is shifted by so many deviations.
    for (shift, expected) in [(0.0, Stable), (0.05, Stable), (0.1, Stable), (0.5, Drifted)] {
        hold(expected, &format!("shift {shift}"), |draws, rows| {
            let reference = numbers(draws.many(rows, Draws::normal));
            column(reference, numbers(draws.many(rows, |draws| draws.normal() + shift)))
        });
    }
    // So many rows have another category.
    for (gain, expected) in [(0.0, Stable), (0.03, Stable), (0.2, Drifted)] {
        hold(expected, &format!("gain {gain}"), |draws, rows| {
            let some = |draws: &mut Draws, gain: f64| {
                let one = |draws: &mut Draws| {
                    if draws.uniform() < gain { 0 } else { (draws.uniform() * 8.0) as usize }
                };
                words(&draws.many(rows, one))
            };
            column(some(draws, 0.0), some(draws, gain))
        });
    }
}

/// Vectors of `length` normal numbers, all of them moved.
fn vectors(draws: &mut Draws, rows: usize, length: usize, shift: f64) -> ArrayRef {
    let rows = draws.many(rows, |draws| Some(draws.many(length, |draws| Some(draws.normal() + shift))));
    Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows))
}

#[test]
fn vectors_alarm_no_more_often_than_said_and_their_size_does_not_change_the_verdict() {
    for (rows, length) in [(100, 40), (1000, 8)] {
        let mut draws = Draws(rows as u64);
        let (mut small, mut alarms) = ([0, 0], 0);
        for _ in 0..RUNS {
            let column =
                column(vectors(&mut draws, rows, length, 0.0), vectors(&mut draws, rows, length, 0.0));
            for (count, what) in small.iter_mut().zip([What::Direction, What::Distance]) {
                let aspect = column.aspects.iter().find(|aspect| aspect.what == what).unwrap();
                *count += u64::from(aspect.p <= 0.05);
            }
            alarms += u64::from(column.verdict == Verdict::Drifted);
        }
        // Three standard deviations above 0.05 are 0.088.
        assert!(small.iter().all(|count| (3..=26).contains(count)), "{rows} of {length}: {small:?}");
        assert!(alarms <= 9, "{rows} of {length}: {alarms}");
    }
    // Sixteen elements by 0.02 and by 0.15 deviations: 0.08 and 0.6 together, of which 0.25 are the threshold.
    for (shift, expected) in [(0.02, Verdict::Stable), (0.15, Verdict::Drifted)] {
        for (rows, runs) in [(2000, 20), (20_000, 4)] {
            let mut draws = Draws(rows as u64);
            let verdicts = (0..runs).map(|_| {
                let reference = vectors(&mut draws, rows, 16, 0.0);
                column(reference, vectors(&mut draws, rows, 16, shift)).verdict
            });
            let found = verdicts.filter(|verdict| *verdict == expected).count();
            assert!(found * 10 >= runs * 9, "shift {shift}, {rows} rows: {found} of {runs} {expected:?}");
        }
    }
    // A hundred rows do not tell where 40 elements point to.
    let mut draws = Draws(9);
    let few = column(vectors(&mut draws, 100, 40, 0.0), vectors(&mut draws, 100, 40, 0.0));
    assert_eq!(few.verdict, Verdict::Undecided);
    let direction = few.aspects.iter().find(|aspect| aspect.what == What::Direction).unwrap();
    assert!(
        direction.effect.detectable > 0.3 && direction.effect.rows_needed > 2000.0,
        "{:?}",
        direction.effect
    );
}

#[test]
fn few_rows_are_undecided_and_say_how_many_are_needed() {
    let mut draws = Draws(5);
    let found = column(numbers(draws.many(60, Draws::normal)), numbers(draws.many(60, Draws::normal)));
    assert_eq!(found.verdict, Verdict::Undecided);
    let values = found.aspects.iter().find(|aspect| aspect.what == What::Values).unwrap();
    assert!((500.0..900.0).contains(&values.effect.rows_needed) && values.effect.detectable > 0.2);
    let rows = values.effect.rows_needed as usize;
    // With as many, a shift of the size of the threshold is found about as often as the wanted power says.
    let shift = 2.0 * 0.125_661_346_855_074_03;
    let found = (0..200).filter(|_| {
        let current = draws.many(rows, |draws| draws.normal() + shift);
        let found = column(numbers(draws.many(rows, Draws::normal)), numbers(current));
        found.aspects.iter().any(|aspect| aspect.what == What::Values && aspect.p <= 0.05)
    });
    let power = found.count() as f64 / 200.0;
    assert!(power > 0.75, "{power}");
}
