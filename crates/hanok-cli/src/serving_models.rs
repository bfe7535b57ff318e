//! The registered predictive models, loaded for the server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hanok_engine::{Engine, EngineError, Form, ModelVersion};
use hanok_serve::{ModelSet, ServingModel};

/// Versions of a model that are served, the newest: a client that names one goes on when the next ones are added.
const VERSIONS_MAX: usize = 3;
/// How long a model that could not be loaded is left alone.
const RETRY: Duration = Duration::from_mins(1);

/// What is loaded.
#[derive(Default)]
pub(crate) struct ServingModels(Vec<Loaded>);

#[derive(Clone)]
struct Loaded {
    version: ModelVersion,
    model: Arc<ServingModel>,
    /// When it could not be loaded.
    failed: Option<Instant>,
}

impl ServingModels {
    /// Loads what has been registered since, and forgets what has been replaced. Returns whether anything is different.
    pub(crate) async fn update(&mut self, engine: &Engine) -> Result<bool, EngineError> {
        let wanted = newest(engine.model_versions(None).await?);
        let mut loaded = Vec::with_capacity(wanted.len());
        let mut is_new = wanted.len() != self.0.len();
        for version in wanted {
            let known = self.0.iter().find(|known| known.version == version);
            let known = known.filter(|known| known.failed.is_none_or(|at| at.elapsed() < RETRY));
            is_new |= known.is_none();
            loaded.push(match known {
                Some(known) => known.clone(),
                None => load(engine, version).await,
            });
        }
        self.0 = loaded;
        Ok(is_new)
    }

    /// What is served of it.
    pub(crate) fn set(&self) -> ModelSet {
        ModelSet::new(self.0.iter().map(|loaded| Arc::clone(&loaded.model)))
    }

    /// How many models there are, whatever their versions.
    pub(crate) fn names(&self) -> usize {
        self.0.chunk_by(|a, b| a.version.name == b.version.name).count()
    }
}

/// The newest versions of each model; `versions` are by name, the newest first.
fn newest(versions: Vec<ModelVersion>) -> Vec<ModelVersion> {
    let models = versions.chunk_by(|a, b| a.name == b.name);
    models.flat_map(|versions| versions.iter().take(VERSIONS_MAX).cloned()).collect()
}

async fn load(engine: &Engine, version: ModelVersion) -> Loaded {
    let (name, number) = (version.name.clone(), version.version);
    let made = match engine.load_model(&format!("{name}@{number}")).await {
        Ok(model) => {
            let name = name.clone();
            let made = tokio::task::spawn_blocking(move || serving(name, number, model.form));
            made.await.map_err(|error| error.to_string()).flatten()
        }
        Err(error) => Err(reason(&error)),
    };
    let failed = made.is_err().then(Instant::now);
    let model = made.unwrap_or_else(|reason| {
        tracing::error!(model = %format!("{name}@{number}"), reason, "a predictive model cannot be served");
        ServingModel::broken(name, number, reason)
    });
    Loaded { version, model: Arc::new(model), failed }
}

/// A model, made ready.
fn serving(name: String, version: i64, form: Form) -> Result<ServingModel, String> {
    match form {
        Form::Ensemble(ensemble) => Ok(ServingModel::new(name, version, ensemble)),
        Form::Prepared(ensemble, graph) => Ok(ServingModel::prepared(name, version, graph, ensemble)),
        Form::Graph(graph) => Ok(ServingModel::graph(name, version, graph)),
        Form::Endpoint { .. } => Err("it is a server that predicts: ask it at its own address".to_owned()),
    }
}

/// An error with what caused it.
fn reason(error: &EngineError) -> String {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        reason = format!("{reason}: {error}");
        source = error.source();
    }
    reason
}
