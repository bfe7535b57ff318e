//! Predictive models that requests can name.

mod answer;
mod error;
mod plan;
mod request;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hanok_models::{Ensemble, ExplainError, Explanation, Predictor, RowExplainer, Table};
use hashbrown::HashMap;

use crate::error::RequestError;

pub(crate) use answer::{Scratch, Task, answer};
pub use error::ModelError;
pub use request::fuzz_model_request;

/// A version of a predictive model, ready to answer.
#[derive(Debug)]
pub struct ServingModel {
    /// Tells it from every other one, for what threads keep.
    id: u64,
    name: String,
    version: i64,
    ready: Result<Ready, String>,
}

/// Rows that are explained one after the other: from about half of the sixteen lanes on, all at once is faster.
const SINGLE_ROWS_MAX: usize = 8;

/// What answers.
#[derive(Debug)]
struct Ready {
    ensemble: Arc<Ensemble>,
    /// Names of the features: the model's, or their numbers counted from 0.
    features: Vec<String>,
    predictor: Predictor<'static>,
    /// Made by the first request for an explanation: it takes time and memory that predictions do not need.
    explainer: OnceLock<Result<RowExplainer<'static>, ExplainError>>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl ServingModel {
    /// Makes a model ready.
    pub fn new(name: impl Into<String>, version: i64, ensemble: Ensemble) -> Self {
        let ensemble = Arc::new(ensemble);
        let features = match ensemble.feature_names() {
            [] => (0..ensemble.features()).map(|feature| feature.to_string()).collect(),
            names => names.to_vec(),
        };
        if ensemble.features() == 0 {
            return Self::broken(name, version, "it has no features");
        }
        let predictor = Predictor::new(Arc::clone(&ensemble));
        let ready = Ready { ensemble, features, predictor, explainer: OnceLock::new() };
        Self::with(name.into(), version, Ok(ready))
    }

    /// A model that is registered but could not be loaded: requests are told why.
    pub fn broken(name: impl Into<String>, version: i64, reason: impl Into<String>) -> Self {
        Self::with(name.into(), version, Err(reason.into()))
    }

    fn with(name: String, version: i64, ready: Result<Ready, String>) -> Self {
        Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), name, version, ready }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    pub fn version(&self) -> i64 {
        self.version
    }

    fn ready(&self) -> Result<&Ready, ModelError> {
        self.ready.as_ref().map_err(|reason| ModelError::Broken {
            model: format!("{}@{}", self.name, self.version),
            reason: reason.clone(),
        })
    }
}

impl Ready {
    fn explainer(&self) -> Result<&RowExplainer<'static>, ModelError> {
        let explainer = self.explainer.get_or_init(|| RowExplainer::new(Arc::clone(&self.ensemble)));
        explainer.as_ref().map_err(|error| ModelError::Explain { reason: error.to_string() })
    }

    /// # Errors
    /// [`ModelError::Explain`] when the model cannot be explained; [`RequestError::Internal`] for rows that are not its own.
    fn explain(&self, table: &Table) -> Result<Explanation, RequestError> {
        let explainer = self.explainer()?;
        let explained = match table.rows() {
            0..=SINGLE_ROWS_MAX => explainer.explain(table),
            _ => explainer.explainer().explain(table, 1),
        };
        explained.map_err(|_| RequestError::Internal)
    }
}

/// The models of a serving set. A name is its newest version, `name@3` the third.
#[derive(Clone, Debug, Default)]
pub struct ModelSet(HashMap<String, Arc<ServingModel>>);

impl ModelSet {
    /// Versions of any models, in any order.
    pub fn new(models: impl IntoIterator<Item = Arc<ServingModel>>) -> Self {
        let mut by_reference: HashMap<String, Arc<ServingModel>> = HashMap::new();
        for model in models {
            let reference = format!("{}@{}", model.name, model.version);
            let newest = by_reference.entry(model.name.clone()).or_insert_with(|| Arc::clone(&model));
            if newest.version < model.version {
                *newest = Arc::clone(&model);
            }
            by_reference.insert(reference, model);
        }
        Self(by_reference)
    }

    /// The model that a request names.
    pub fn get(&self, reference: &str) -> Option<&Arc<ServingModel>> {
        self.0.get(reference)
    }
}
