//! Predictions and values against the libraries' own.

use hanok_error::Coded;
use hanok_models::{Explainer, Interventional, Predictor, Table, read};

use crate::fixtures;

/// The last bit of an exponential depends on the library's own approximation of it.
fn agrees(name: &str, found: f64, expected: f64, is_raw: bool) -> bool {
    // Averages and dot products are added up by NumPy in an order of its own; ONNX Runtime rounds sums of doubles to f32.
    let elsewhere = [
        "sklearn-isolation",
        "sklearn-forest",
        "linear-",
        "treelite-isolation",
        "onnx-double",
        "onnx-sklearn",
    ];
    let is_bitwise = is_raw && !elsewhere.iter().any(|kind| name.starts_with(kind));
    // ONNX Runtime computes small probabilities from large ones.
    let least = if name.starts_with("onnx") { 0.5 } else { 0.0 };
    if is_bitwise {
        found.to_bits() == expected.to_bits()
    } else {
        (found - expected).abs() <= 3e-7 * expected.abs().max(least)
    }
}

#[test]
fn predictions_are_the_librarys_own() {
    for fixture in fixtures::all() {
        let ensemble = read(&fixture.model).unwrap();
        assert_eq!(
            (ensemble.features(), ensemble.outputs()),
            (fixture.features, fixture.outputs),
            "{}",
            fixture.name
        );
        let table = Table::from_rows(&fixture.rows, fixture.features);
        let predictor = Predictor::new(&ensemble);
        let (raw, predicted) = (predictor.raw(&table, 2).unwrap(), predictor.predict(&table, 1).unwrap());
        assert_eq!(
            (raw.len(), predicted.len()),
            (fixture.raw.len(), fixture.predicted.len()),
            "{}",
            fixture.name
        );
        for (at, (found, expected)) in raw.iter().zip(&fixture.raw).enumerate() {
            assert!(
                agrees(&fixture.name, *found, *expected, true),
                "{} raw {at}: {found} is not {expected}",
                fixture.name
            );
        }
        for (at, (found, expected)) in predicted.iter().zip(&fixture.predicted).enumerate() {
            assert!(
                agrees(&fixture.name, *found, *expected, false),
                "{} {at}: {found} is not {expected}",
                fixture.name
            );
        }
    }
}

#[test]
fn values_are_the_librarys_own() {
    let mut compared = 0;
    for fixture in fixtures::all() {
        let Some(expected) = &fixture.contributions else { continue };
        let ensemble = read(&fixture.model).unwrap();
        let table = Table::from_rows(&fixture.rows, fixture.features);
        let found = Explainer::new(&ensemble).unwrap().explain(&table, 1).unwrap();
        let cells = found.values.chunks(fixture.features).zip(expected.chunks(fixture.features + 1));
        for (cell, (found_values, expected)) in cells.enumerate() {
            let all = found_values.iter().chain([&found.base[cell % fixture.outputs]]);
            for (found, expected) in all.zip(expected) {
                assert!(
                    (found - expected).abs() < 3e-6,
                    "{} {cell}: {found} is not {expected}",
                    fixture.name
                );
            }
        }
        compared += 1;
    }
    assert!(compared >= 12);
}

#[test]
fn values_of_every_model_with_covers_add_up() {
    for fixture in fixtures::all() {
        let ensemble = read(&fixture.model).unwrap();
        let table = Table::from_rows(&fixture.rows, fixture.features);
        let raw = Predictor::new(&ensemble).raw(&table, 1).unwrap();
        let mut all = Vec::new();
        match Explainer::new(&ensemble) {
            Ok(explainer) => {
                all.push(explainer.explain(&table, 1).unwrap());
                let mut interactions = explainer.interactions(&table, 1).unwrap();
                let sums = interactions.values.chunks(fixture.features).map(|row| row.iter().sum());
                interactions.values = sums.collect();
                all.push(interactions);
            }
            Err(error) => {
                let has_none = ["xgboost-linear", "lightgbm-linear", "xgboost-vectors", "onnx"];
                assert!(has_none.iter().any(|name| fixture.name.starts_with(name)), "{}", fixture.name);
                assert_eq!(error.code().0, "HK1622");
            }
        }
        all.push(Interventional::new(&ensemble, table.clone()).unwrap().explain(&table, 2).unwrap());
        for found in all {
            for (cell, (values, raw)) in found.values.chunks(fixture.features).zip(&raw).enumerate() {
                let sum = found.base[cell % fixture.outputs] + values.iter().sum::<f64>();
                assert!((sum - raw).abs() < 5e-6, "{} {cell}: {sum} is not {raw}", fixture.name);
            }
        }
    }
}
