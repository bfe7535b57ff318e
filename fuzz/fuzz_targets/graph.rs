//! ONNX graphs: any bytes are a graph or a coded error, and a graph that was read computes rows or says why not, whole and with its trees
//! taken off.
#![no_main]

use hanok_error::Coded;
use hanok_infer::Graph;
use hanok_models::{Predictor, Table};

/// A graph can take more than what one input is worth computing.
const FEATURES_MAX: usize = 200;
const ROWS: usize = 3;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let graph = match Graph::read(bytes) {
        Ok(graph) => graph,
        Err(error) => {
            assert!(error.code().info().is_some());
            return;
        }
    };
    let features = graph.features().unwrap_or(4);
    if features == 0 || features > FEATURES_MAX {
        return;
    }
    let values = [0.5, -1.0, f64::NAN, 3.0, 0.0, 1e30];
    let rows: Vec<f64> = values.iter().cycle().take(ROWS * features).copied().collect();
    match graph.predict(&rows, features) {
        Ok(outputs) => assert!(outputs.len().is_multiple_of(ROWS)),
        Err(error) => assert!(error.code().info().is_some()),
    }
    if let Ok((trees, before)) = graph.split_trees()
        && let Ok(tested) = before.predict(&rows, features)
    {
        let predicted = Predictor::new(&trees).predict(&Table::from_rows(&tested, features), 1);
        assert!(predicted.is_ok_and(|predicted| predicted.len() == ROWS * trees.outputs()));
    }
});
