//! The readers of models: any bytes are a model or a coded error, and a model that was read predicts and explains.
#![no_main]

use hanok_models::{Explainer, Interventional, Predictor, Table, read};

/// What is read can be larger than what one input is worth computing.
const FEATURES_MAX: usize = 200;
const CELLS_MAX: usize = 20_000;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(ensemble) = read(bytes) else { return };
    let (features, outputs) = (ensemble.features(), ensemble.outputs());
    if features > FEATURES_MAX || features * outputs * ensemble.trees().max(1) > CELLS_MAX {
        return;
    }
    let values = [0.5, -1.0, f64::NAN, 3.0, 0.0, 1e30];
    let rows: Vec<f64> = values.iter().cycle().take(3 * features).copied().collect();
    let table = Table::from_rows(&rows, features);
    let raw = Predictor::new(&ensemble).predict(&table, 1).map(|raw| raw.len());
    assert!(raw.is_ok_and(|length| length == table.rows() * outputs));
    if let Ok(explainer) = Explainer::new(&ensemble) {
        assert!(explainer.explain(&table, 1).is_ok());
    }
    if let Ok(model) = Interventional::new(&ensemble, table.clone()) {
        assert!(model.explain(&table, 1).is_ok());
    }
});
