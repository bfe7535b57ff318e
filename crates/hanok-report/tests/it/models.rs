//! Swap reports of generated models, the same in every run.

use hanok_drift::outputs::swap::{Attributions, Inputs, Segments};
use hanok_drift::outputs::{self, Predictions};
use hanok_report::{Model, Side, SwapReport};

use crate::samples::{Draws, drift};

fn side(name: &str) -> Side {
    Side { name: name.to_owned(), table: Some("features.flights".to_owned()), ..Side::default() }
}

fn model(name: &str, format: &str, features: &[String], bytes: u64, row_micros: f64) -> Model {
    Model {
        name: name.to_owned(),
        format: Some(format.to_owned()),
        hash: Some("c".repeat(64)),
        made: Some("2026-11-01".to_owned()),
        features: features.to_vec(),
        bytes: Some(bytes),
        row_micros: Some(row_micros),
        single_micros: Some([30.0 * row_micros, 45.0 * row_micros]),
    }
}

const FEATURES: [&str; 6] =
    ["dep_delay", "distance", "carrier_risk", "hour", "wind_gust", "출발 공항 혼잡도"];

/// Two classifiers on the same rows: the second is better over all, worse where the origin is LGA, and has reasons of its own.
pub(crate) fn swap(rows: usize, has_labels: bool) -> SwapReport {
    let mut draws = Draws(11);
    let weights = [[1.2, 0.2, 0.5, 0.3, 0.1, 0.0], [0.9, 0.2, 0.2, 0.8, 0.0, 0.6]];
    let truth = [1.0, 0.2, 0.3, 0.7, 0.1, 0.5];
    let origins = ["EWR", "JFK", "LGA"].map(str::to_owned);
    let mut predictions = [Vec::new(), Vec::new()];
    let (mut labels, mut of_origin, mut attributions) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    let explained: Vec<u32> = (0..rows.min(300) as u32).collect();
    for row in 0..rows {
        let inputs: Vec<f64> = FEATURES.iter().map(|_| draws.normal()).collect();
        let origin = (draws.uniform() * 3.0) as u32;
        let logit = |weights: &[f64; 6]| {
            weights.iter().zip(&inputs).map(|(weight, input)| weight * input).sum::<f64>() - 1.2
        };
        let probability = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        labels.push(f64::from(u8::from(draws.uniform() < probability(logit(&truth)))));
        of_origin.push(origin);
        for (at, weights) in weights.iter().enumerate() {
            let worse = if at == 1 && origin == 2 { 1.6 * draws.normal() } else { 0.0 };
            predictions[at].push(probability(logit(weights) + worse));
            if row < explained.len() {
                attributions[at].extend(weights.iter().zip(&inputs).map(|(weight, input)| weight * input));
            }
        }
    }
    let names = FEATURES.map(str::to_owned);
    let segments = [Segments { column: "origin", labels: &origins, rows: &of_origin }];
    let inputs = Inputs {
        models: [Predictions::Probabilities(&predictions[0]), Predictions::Probabilities(&predictions[1])],
        labels: has_labels.then_some(&labels),
        segments: &segments,
        attributions: Some(Attributions {
            rows: &explained,
            features: [&names, &names],
            values: [&attributions[0], &attributions[1]],
        }),
    };
    let found = outputs::swap(&inputs, &outputs::swap::Options::default()).unwrap();
    let models = [
        model("late_arrival@3", "xgboost", &names[..5], 812_345, 4.1),
        model("late_arrival@4", "lightgbm", &names, 1_912_000, 6.7),
    ];
    let mut report = SwapReport::new("late_arrival: version 3 → version 4", models, side("July 2013"), found);
    report.made = Some("hanok 0.1.0, 2026-11-27 09:00 UTC".to_owned());
    report.movers = report.swap.movers.iter().map(|mover| format!("flight={}", mover.row + 1)).collect();
    report.inputs = Some(drift(12, rows.min(1000)));
    report.rollback = vec![
        "Go back to late_arrival@3 when AUC by labels of a day is below 0.75 on two days in a row."
            .to_owned(),
    ];
    let parts = outputs::chunks(rows, rows / 8);
    let estimate = |predictions: &[f64]| {
        let side = || outputs::Side {
            predictions: Predictions::Probabilities(predictions),
            labels: Some(&labels),
            chunks: &parts,
        };
        outputs::cbpe(side(), side(), &outputs::Options::default()).unwrap()
    };
    if !has_labels {
        report.estimated = predictions.each_ref().map(|predictions| Some(estimate(predictions)));
    }
    report
}

/// Two regressions on the same rows, with labels.
pub(crate) fn measured() -> SwapReport {
    let mut draws = Draws(6);
    let labels: Vec<f64> = (0..900).map(|_| 12.0 + 30.0 * draws.uniform().powi(3)).collect();
    let mut model = |slope: f64, noise: f64| -> Vec<f64> {
        labels.iter().map(|label| 4.0 + slope * label + noise * draws.normal()).collect()
    };
    let (first, second) = (model(0.7, 3.0), model(0.9, 2.0));
    of(&[Predictions::Numbers(&first), Predictions::Numbers(&second)], &labels, "delay in minutes")
}

/// Two models of three classes, with labels.
pub(crate) fn classes() -> SwapReport {
    let mut draws = Draws(8);
    let names = ["early", "on time", "지연"].map(str::to_owned);
    let labels: Vec<f64> = (0..900).map(|_| (draws.uniform() * 3.0).floor()).collect();
    let mut model = |skill: f64| -> Vec<f64> {
        let row = |label: &f64, draws: &mut Draws| {
            let weights = [0, 1, 2]
                .map(|class| (draws.normal() + if class == *label as i32 { skill } else { 0.0 }).exp());
            weights.map(|weight| weight / weights.iter().sum::<f64>())
        };
        labels.iter().flat_map(|label| row(label, &mut draws)).collect()
    };
    let (first, second) = (model(1.0), model(1.6));
    let of_values = |values| Predictions::Classes { names: &names, values };
    of(&[of_values(&first), of_values(&second)], &labels, "punctuality")
}

fn of(models: &[Predictions<'_>; 2], labels: &[f64], title: &str) -> SwapReport {
    let inputs = Inputs { models: *models, labels: Some(labels), segments: &[], attributions: None };
    let found = outputs::swap(&inputs, &outputs::swap::Options::default()).unwrap();
    let models =
        [model("M1 of 2025", "catboost", &[], 90_000, 2.0), model("M2 of 2026", "onnx", &[], 80_000, 3.0)];
    SwapReport::new(title, models, side("July 2013"), found)
}

/// Two regressions on the same rows, without anything else.
pub(crate) fn regressions() -> SwapReport {
    let mut draws = Draws(5);
    let first: Vec<f64> = (0..500).map(|_| 20.0 + 8.0 * draws.normal()).collect();
    let second: Vec<f64> = first.iter().map(|value| value * 1.05 + draws.normal()).collect();
    let inputs = Inputs {
        models: [Predictions::Numbers(&first), Predictions::Numbers(&second)],
        labels: None,
        segments: &[],
        attributions: None,
    };
    let found = outputs::swap(&inputs, &outputs::swap::Options::default()).unwrap();
    SwapReport::new("delay", [Model::default(), Model::default()], Side::default(), found)
}
