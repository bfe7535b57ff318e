//! Graphs against onnxruntime, and what is refused.

use hanok_error::Coded;
use hanok_infer::{Graph, GraphError};
use hanok_models::{Predictor, Table};

use crate::fixtures::{fixtures, one};
use crate::onnx::{model, node};

#[test]
fn results_are_those_of_onnxruntime() {
    let all = fixtures();
    assert!(all.len() >= 12);
    for fixture in all {
        let graph = Graph::read(&fixture.model).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        let found = graph.predict(&fixture.rows, fixture.columns).unwrap();
        assert_eq!(found.len(), fixture.expected.len(), "{}", fixture.name);
        let tolerance = if fixture.name == "layers-double" { 1e-12 } else { 3e-6 };
        for (at, (found, expected)) in found.iter().zip(&fixture.expected).enumerate() {
            assert!(
                (found - expected).abs() <= tolerance * expected.abs().max(1.0),
                "{} {at}: {found} is not {expected}",
                fixture.name
            );
        }
    }
}

#[test]
fn rows_are_taken_one_by_one_or_many_at_a_time() {
    for name in ["network", "layers-double", "columns"] {
        let fixture = one(name);
        let graph = Graph::read(&fixture.model).unwrap();
        let all = graph.predict(&fixture.rows, fixture.columns).unwrap();
        let single =
            fixture.rows.chunks(fixture.columns).flat_map(|row| graph.predict(row, fixture.columns).unwrap());
        assert!(single.eq(all.iter().copied()));
        let many = graph.predict(&fixture.rows.repeat(20), fixture.columns).unwrap();
        assert_eq!(many, all.repeat(20));
        assert!(graph.predict(&[], fixture.columns).unwrap().is_empty());
        assert_eq!(all.len() / (fixture.rows.len() / fixture.columns), fixture.outputs);
    }
}

#[test]
fn inputs_have_names_and_rows_must_fit() {
    let fixture = one("columns");
    let graph = Graph::read(&fixture.model).unwrap();
    let names: Vec<_> = graph.inputs().iter().map(|input| (input.name.as_str(), input.columns)).collect();
    assert_eq!(
        names,
        [("column_0", Some(1)), ("column_1", Some(1)), ("column_2", Some(1)), ("column_3", Some(1))]
    );
    let network = Graph::read(&one("network").model).unwrap();
    assert_eq!((network.inputs().len(), network.inputs()[0].columns), (1, Some(4)));
    assert_eq!(network.output_name(), "probabilities");
    for graph in [graph, network] {
        for (values, features) in [(12, 3), (13, 4), (20, 5), (0, 0)] {
            let error = graph.predict(&vec![0.0; values], features).unwrap_err();
            assert!(matches!(error, GraphError::Width { .. }), "{error}");
            assert_eq!(error.code().0, "HK1656");
        }
    }
}

/// Trees behind steps of one feature each: the two parts predict what the graph does.
#[test]
fn trees_are_split_off() {
    let split: Vec<String> = fixtures()
        .into_iter()
        .filter_map(|fixture| {
            let (trees, before) = Graph::read(&fixture.model).unwrap().split_trees().ok()?;
            assert_eq!(trees.features(), fixture.columns);
            let tested = before.predict(&fixture.rows, fixture.columns).unwrap();
            let found =
                Predictor::new(&trees).predict(&Table::from_rows(&tested, fixture.columns), 1).unwrap();
            // One output is the second of two.
            let last = |row: &[f64]| row[row.len() - trees.outputs()..].to_vec();
            let expected: Vec<f64> = fixture.expected.chunks(fixture.outputs).flat_map(last).collect();
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 3e-6), "{}", fixture.name);
            Some(fixture.name)
        })
        .collect();
    assert_eq!(split, ["imputed-forest", "scaled-boosting", "scaled-forest"]);
}

#[test]
fn operators_that_are_not_computed_are_named() {
    for (kind, domain, expected) in [
        ("Loop", "", "Loop: the operator `Loop` cannot be computed"),
        ("SVMRegressor", "ai.onnx.ml", "SVMRegressor: the operator `SVMRegressor` of ai.onnx.ml cannot"),
        ("Relu", "com.microsoft", "Relu: the operator `Relu` of com.microsoft cannot"),
        ("LinearClassifier", "ai.onnx.ml", "LinearClassifier: the labels of `LinearClassifier` cannot"),
        (
            "TreeEnsembleClassifier",
            "ai.onnx.ml",
            "TreeEnsembleClassifier: the labels of `TreeEnsembleClassifier` cannot",
        ),
        (
            "TreeEnsembleRegressor",
            "ai.onnx.ml",
            "TreeEnsembleRegressor: an ensemble that tests nothing cannot",
        ),
        ("Cast", "", "Cast: a cast to the type 0 cannot"),
        ("ReduceSum", "", ""),
    ] {
        let read = Graph::read(&model(&[node(kind, &["x"], "y", domain)]));
        if expected.is_empty() {
            let error = read.unwrap().predict(&[1.0, 2.0], 2).unwrap_err();
            assert_eq!(error.to_string(), "ReduceSum: the axis is no constant");
            assert_eq!(error.code().0, "HK1651");
            continue;
        }
        let error = read.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(error.code().0, "HK1650");
    }
}

#[test]
fn an_input_of_any_width_is_taken() {
    let graph = Graph::read(&model(&[node("Relu", &["x"], "y", "")])).unwrap();
    assert_eq!(graph.inputs()[0].columns, None);
    assert_eq!(graph.predict(&[1.0, -2.0, f64::NAN], 3).unwrap()[..2], [1.0, 0.0]);
    assert_eq!(graph.predict(&[0.1], 1).unwrap(), [f64::from(0.1_f32)]);
}

#[test]
fn graphs_that_contradict_themselves_are_refused() {
    let refused = |nodes: &[Vec<u8>]| Graph::read(&model(nodes)).unwrap_err().to_string();
    assert!(refused(&[node("Relu", &["nowhere"], "y", "")]).contains("nothing before it computes"));
    assert!(refused(&[node("Relu", &["y"], "y", "")]).contains("nothing before it computes"));
    assert!(
        refused(&[node("Relu", &["x"], "y", ""), node("Relu", &["x"], "y", "")]).contains("computed twice")
    );
    assert!(refused(&[]).contains("nothing computes the output"));
    for bytes in [&b""[..], b"\x08", b"hello", &[0xff; 40]] {
        assert_eq!(Graph::read(bytes).unwrap_err().code().0, "HK1650");
    }
}
