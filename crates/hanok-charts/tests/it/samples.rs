//! A small chart of every kind, as JSON, with names of every sort.

use hanok_charts::Chart;
use serde_json::{Value, json};

const LONG: &str = "carrier_mean_departure_delay_over_the_last_30_days_in_minutes";
const KOREAN: &str = "도착 공항의 최근 한 시간 혼잡 지수";

/// Numbers between −0.5 and 0.5 that look random.
fn noise(rows: usize, seed: f64) -> Vec<f64> {
    let value = |row| {
        ((row as f64 * 0.754_877_666 + seed * 0.569_84).fract() + (row as f64 * 0.3247).fract() - 1.0) / 2.0
    };
    (0..rows).map(|row| (value(row) * 1000.0).round() / 1000.0).collect()
}

fn features() -> Value {
    let feature = |(place, name): (usize, &str)| {
        let inputs = noise(80, place as f64);
        let values: Vec<f64> =
            inputs.iter().map(|v| (v * (4.0 - place as f64) * 1000.0).round() / 1000.0).collect();
        let inputs: Vec<Option<f64>> =
            inputs.into_iter().enumerate().map(|(row, v)| (row % 9 > 0).then_some(v)).collect();
        json!({"name": name, "values": values, "inputs": inputs})
    };
    ["departure_hour", LONG, KOREAN, "a < b & \"c\""].into_iter().enumerate().map(feature).collect()
}

fn contributions() -> Value {
    let rows =
        [("departure_hour", "23", 18.4), (LONG, "11.6", 5.74), (KOREAN, "0.11", -2.16), ("wind", "", 0.31)];
    rows.iter().map(|(name, input, value)| json!({"name": name, "input": input, "value": value})).collect()
}

/// The plots by the names of their files.
fn plots() -> Vec<(&'static str, Value)> {
    let rows = [("departure_hour", 13.5), (LONG, 3.76), (KOREAN, 3.1), ("wind", 0.0)];
    let bars: Value = rows.iter().map(|(name, value)| json!({"name": name, "values": [value]})).collect();
    let shares = [("UA", 0.17, 0.175), ("스카이웨스트", 0.0, 0.012), ("HA", 0.001, 0.0)];
    let pairs: Value = shares.iter().map(|(name, a, b)| json!({"name": name, "values": [a, b]})).collect();
    let distribution = json!({"kind": "distribution", "axis": "delay (minutes)", "edges": [-20, -10, 0, 10, 20, 30], "series": [
        {"name": "January", "values": [0.2, 0.4, 0.2, 0.15, 0.05], "median": -3, "missing": 0.02},
        {"name": "July", "values": [0.1, 0.3, 0.3, 0.2, 0.1], "median": 4}]});
    let times: Vec<f64> = (0..30).map(|day| 1_356_998_400e6 + f64::from(day) * 86_400e6).collect();
    let drift: Vec<Option<f64>> =
        (0..30).map(|day| (day != 12).then(|| 0.05 + f64::from(day * day) / 6000.0)).collect();
    let band = |by: f64| -> Vec<Option<f64>> { drift.iter().map(|v| v.map(|v| v + by)).collect() };
    let paths: Value = (0..12)
        .map(|row| json!({"name": format!("row {row}"), "values": noise(4, f64::from(row)), "highlight": row == 3}))
        .collect();
    let bins: Value = (1..10)
        .map(|bin| f64::from(bin) / 10.0)
        .map(|p| json!({"predicted": p, "observed": p * p, "interval": [p * p - 0.04, p * p + 0.04], "count": (900.0 * (1.0 - p)) as u32}))
        .collect();
    let roc = |power: f64| -> Value {
        let point = |at: u32| {
            let x = f64::from(at) / 20.0;
            json!({"x": x, "y": x.powf(power), "tip": if at.is_multiple_of(4) { format!("threshold {}", 1.0 - x) } else { String::new() },
            "marked": at == 4, "interval": (at == 4).then(|| [x.powf(power) - 0.05, x.powf(power) + 0.05])})
        };
        (0..=20).map(point).collect()
    };
    vec![
        ("bar", json!({"kind": "bar", "axis": "mean |SHAP value|", "rows": bars})),
        (
            "categories",
            json!({"kind": "bar", "percent": true, "keep_order": true, "series": ["reference", "current"], "rows": pairs}),
        ),
        ("beeswarm", json!({"kind": "beeswarm", "axis": "SHAP value", "features": features()})),
        ("violin", json!({"kind": "violin", "axis": "SHAP value", "features": features()})),
        (
            "waterfall",
            json!({"kind": "waterfall", "axis": "predicted delay", "base": 12.6, "contributions": contributions()}),
        ),
        (
            "force",
            json!({"kind": "force", "axis": "predicted delay", "base": 12.6, "contributions": contributions()}),
        ),
        (
            "scatter",
            json!({"kind": "scatter", "x": {"name": "visibility", "values": [1, 2, null, 4, 5]},
            "y": {"name": "SHAP value", "values": [0.1, -0.4, 0.2, 0.3, 0.9]}, "colour": {"name": LONG, "values": [1, 2, 3, null, 5]}}),
        ),
        (
            "scatter-levels",
            json!({"kind": "scatter", "x": {"name": "요일", "values": [0, 1, 2, 0, 1], "levels": ["월요일", "화요일", "수요일"]},
            "y": {"name": "SHAP value", "values": [0.1, -0.4, 0.2, 0.3, 0.9]},
            "colour": {"name": "공항", "values": [1, 0, 2, null, 1], "levels": ["JFK", "LGA", LONG]}}),
        ),
        (
            "heatmap",
            json!({"kind": "heatmap", "axis": "rows", "features": features(), "predictions": noise(80, 9.0)}),
        ),
        (
            "decision",
            json!({"kind": "decision", "axis": "prediction", "base": 0.2, "features": ["hour", LONG, KOREAN, "wind"], "rows": paths}),
        ),
        (
            "interactions",
            json!({"kind": "interactions", "axis": "mean |interaction|", "features": ["hour", LONG, KOREAN],
            "strengths": [[1, 0, 0], [0.31, 2, 0], [0.02, 0.125, 3]]}),
        ),
        ("distribution", distribution.clone()),
        (
            "density",
            json!({"kind": "distribution", "smooth": true, "axis": "delay", "edges": [0, 1, 2, 3], "series": [{"name": "January", "values": [0, 0.5, 0.4, 0.1]}]}),
        ),
        (
            "timeline",
            json!({"kind": "timeline", "axis": "distance (σ)", "times": times, "lines": [
            {"name": LONG, "values": drift, "low": band(-0.02), "high": band(0.02), "alerts": [28, 29]}],
            "levels": [{"name": "threshold", "value": 0.15}], "events": [{"name": "model M2", "at": times[20]}, {"name": "새 소스", "at": times[21]}],
            "bands": [{"name": "reference", "from": times[0], "to": times[6]}]}),
        ),
        ("reliability", json!({"kind": "reliability", "curves": [{"name": "M1", "bins": bins}]})),
        (
            "curves",
            json!({"kind": "curves", "percent": true, "x": "false positive rate", "y": "recall",
            "guide": {"name": "chance", "from": [0, 0], "to": [1, 1]}, "lines": [
            {"name": "M1", "points": roc(0.5)}, {"name": KOREAN, "points": roc(0.3)}]}),
        ),
        (
            "grid",
            json!({"kind": "grid", "cells": [{"title": "dep_delay", "plot": distribution}, {"title": KOREAN, "subtitle": "0.21 σ", "plot": distribution}]}),
        ),
        (
            "scatter-times",
            json!({"kind": "scatter", "x": {"name": "visibility", "values": [1, 2, 3, 4]}, "y": {"name": "SHAP value", "values": [1, 3, 2, 4]},
            "colour": {"name": "departure", "values": [times[0], null, times[3], times[7]], "times": true}}),
        ),
    ]
}

/// Every kind with the name of its file.
pub(crate) fn charts() -> Vec<(&'static str, Chart)> {
    let chart = |(name, plot): (&'static str, Value)| {
        let spec =
            json!({"title": format!("A {name} of flights"), "subtitle": "New York, 2013", "plot": plot});
        (name, serde_json::from_value(spec).unwrap())
    };
    plots().into_iter().map(chart).collect()
}
