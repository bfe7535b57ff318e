//! Predictive models that requests can name.

mod answer;
mod error;
mod plan;
mod request;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hanok_infer::Graph;
use hanok_models::{Ensemble, ExplainError, Predictor, RowExplainer, Table};
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

/// What answers.
#[derive(Debug)]
struct Ready {
    inside: Inside,
    /// Names of the features: the model's, or their numbers counted from 0.
    features: Vec<String>,
    /// Whether requests name the features.
    named: bool,
    /// How many outputs a row has, as far as that is known without a row.
    outputs: usize,
}

/// What a model is.
#[derive(Debug)]
enum Inside {
    /// Trees or a linear model.
    Ensemble(Box<Trees>),
    /// Trees of rows that a graph makes.
    Prepared(Graph, Box<Trees>),
    /// Any other graph, known by its answers.
    Graph(Graph),
}

/// Trees or a linear model.
#[derive(Debug)]
struct Trees {
    ensemble: Arc<Ensemble>,
    predictor: Predictor<'static>,
    /// Made by the first request for an explanation: it takes time and memory that predictions do not need.
    explainer: OnceLock<Result<RowExplainer<'static>, ExplainError>>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl ServingModel {
    /// Makes trees or a linear model ready.
    pub fn new(name: impl Into<String>, version: i64, ensemble: Ensemble) -> Self {
        let trees = Box::new(Trees::new(ensemble));
        let (names, features) = (trees.ensemble.feature_names().to_vec(), trees.ensemble.features());
        let outputs = trees.ensemble.outputs();
        Self::ready_with(name, version, Inside::Ensemble(trees), names, Some(features), outputs)
    }

    /// Makes trees ready whose rows a graph makes, as [`Graph::split_trees`] takes them apart.
    pub fn prepared(name: impl Into<String>, version: i64, graph: Graph, ensemble: Ensemble) -> Self {
        let trees = Box::new(Trees::new(ensemble));
        let (names, features) = (trees.ensemble.feature_names().to_vec(), graph.features());
        let outputs = trees.ensemble.outputs();
        Self::ready_with(name, version, Inside::Prepared(graph, trees), names, features, outputs)
    }

    /// Makes any other ONNX graph ready: it predicts, and is not explained. A row of zeros shows how many outputs it has.
    pub fn graph(name: impl Into<String>, version: i64, graph: Graph) -> Self {
        let (names, features) = (graph.feature_names(), graph.features());
        let zeros = vec![0.0; features.unwrap_or(0)];
        let outputs = graph.predict(&zeros, zeros.len()).map_or(1, |outputs| outputs.len());
        Self::ready_with(name, version, Inside::Graph(graph), names, features, outputs)
    }

    fn ready_with(
        name: impl Into<String>,
        version: i64,
        inside: Inside,
        names: Vec<String>,
        features: Option<usize>,
        outputs: usize,
    ) -> Self {
        let features = match features {
            Some(0) => return Self::broken(name, version, "it has no features"),
            None => return Self::broken(name, version, "it leaves open how many columns it takes"),
            Some(features) => features,
        };
        let named = !names.is_empty();
        let features = if named { names } else { (0..features).map(|at| at.to_string()).collect() };
        Self::with(name.into(), version, Ok(Ready { inside, features, named, outputs }))
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

/// What a model says of rows, by row all outputs.
struct Said {
    outputs: usize,
    /// Before the link.
    raw: Vec<f64>,
    predictions: Vec<f64>,
}

impl Ready {
    /// Rows as the model's inside takes them, given those of its features.
    fn table(&self, cells: &[f64]) -> Result<Table, ModelError> {
        match &self.inside {
            Inside::Prepared(graph, trees) => {
                let rows = graph.predict(cells, self.features.len())?;
                Ok(Table::from_rows(&rows, trees.ensemble.features()))
            }
            Inside::Ensemble(_) | Inside::Graph(_) => Ok(Table::from_rows(cells, self.features.len())),
        }
    }

    /// # Errors
    /// [`ModelError::Graph`] for rows that a graph refuses; [`RequestError::Internal`] for rows that are not the model's own.
    fn predict(&self, table: &Table) -> Result<Said, RequestError> {
        match &self.inside {
            Inside::Ensemble(trees) | Inside::Prepared(_, trees) => {
                let (raw, outputs) = (trees.predictor.raw(table, 1), self.outputs);
                let raw = raw.map_err(|_| RequestError::Internal)?;
                let mut predictions = raw.clone();
                predictions.chunks_mut(outputs).for_each(|row| trees.ensemble.apply_link(row));
                Ok(Said { outputs, raw, predictions })
            }
            Inside::Graph(graph) => {
                let predictions = graph.predict(&table.to_rows(), self.features.len());
                let predictions = predictions.map_err(ModelError::from)?;
                let outputs = predictions.len().checked_div(table.rows()).unwrap_or(self.outputs).max(1);
                Ok(Said { outputs, raw: Vec::new(), predictions })
            }
        }
    }

    /// What explains the model.
    fn explainer(&self) -> Result<&RowExplainer<'static>, ModelError> {
        let refused = |reason: String| ModelError::Explain { reason };
        match &self.inside {
            Inside::Ensemble(trees) | Inside::Prepared(_, trees) => {
                let explainer = || RowExplainer::new(Arc::clone(&trees.ensemble));
                let explainer = trees.explainer.get_or_init(explainer);
                explainer.as_ref().map_err(|error| refused(error.to_string()))
            }
            Inside::Graph(_) => Err(refused(
                "the model is known by its answers only, and the server has no rows to compare with"
                    .to_owned(),
            )),
        }
    }
}

impl Trees {
    fn new(ensemble: Ensemble) -> Self {
        let ensemble = Arc::new(ensemble);
        let predictor = Predictor::new(Arc::clone(&ensemble));
        Self { ensemble, predictor, explainer: OnceLock::new() }
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
