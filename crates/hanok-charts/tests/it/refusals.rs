//! Specifications that do not fit together.

use hanok_charts::{Chart, ChartError, Style, svg};
use serde_json::{Value, json};

fn problem(plot: Value) -> String {
    let chart: Chart = serde_json::from_value(json!({"plot": plot})).unwrap();
    svg(&chart, &Style::default()).unwrap_err().to_string()
}

#[test]
fn lists_of_different_lengths_are_named() {
    let cases = [
        (
            json!({"kind": "bar", "series": ["a", "b"], "rows": [{"name": "x", "values": [1]}]}),
            "`values` of `x` has 1 values where 2 are needed",
        ),
        (
            json!({"kind": "beeswarm", "features": [{"name": "x", "values": [1, 2], "inputs": [1]}]}),
            "`inputs` of `x` has 1 values where 2 are needed",
        ),
        (
            json!({"kind": "distribution", "edges": [0, 1], "series": [{"name": "x", "values": []}]}),
            "`values` of `x` has 0 values where 1 are needed",
        ),
        (
            json!({"kind": "interactions", "features": ["x"], "strengths": [[1, 2]]}),
            "`strengths` of `x` has 2 values where 1 are needed",
        ),
        (
            json!({"kind": "timeline", "times": [1, 2], "lines": [{"name": "x", "values": [1, 2], "low": [1]}]}),
            "`low` of `x` has 1 values where 2 are needed",
        ),
    ];
    for (plot, message) in cases {
        assert_eq!(problem(plot), message);
    }
}

#[test]
fn a_grid_holds_no_grid() {
    let grid = json!({"kind": "grid", "cells": []});
    let chart: Chart =
        serde_json::from_value(json!({"plot": {"kind": "grid", "cells": [{"plot": grid}]}})).unwrap();
    assert_eq!(svg(&chart, &Style::default()), Err(ChartError::Nested));
}

#[test]
fn unknown_fields_and_kinds_are_refused() {
    for plot in [json!({"kind": "pie"}), json!({"kind": "bar", "rows": [], "colour": "red"})] {
        assert!(serde_json::from_value::<Chart>(json!({"plot": plot})).is_err());
    }
}
