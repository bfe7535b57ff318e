//! What the registries hold, as the server wants it.

use std::path::PathBuf;
use std::time::Duration;

use hanok_engine::{Engine, Registry};
use hanok_features::{Projection, online_schema};
use hanok_online::Reader;
use hanok_serve::{ModelSet, ServiceProjection, ServingService, ServingSet, ServingSets, ServingView};

use crate::error::CliError;
use crate::serving_models::ServingModels;

/// How often `hanok apply` and `hanok model add` of other processes are looked for.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);

/// The online side of a project: the store, what requests can name, and the registries behind that.
pub(crate) struct Serving {
    /// The store.
    pub(crate) reader: Reader,
    /// What requests can name.
    pub(crate) sets: ServingSets,
    /// What is registered.
    pub(crate) registry: Registry,
}

impl Serving {
    /// Opens the online store of the engine's project. Predictive models are not loaded.
    pub(crate) async fn open(engine: &Engine) -> Result<Self, CliError> {
        let registry = engine.registry().await?;
        let reader = open_reader(engine.online_folder()).await?;
        let sets = ServingSets::new(serving_set(&registry, ModelSet::default()));
        Ok(Self { reader, sets, registry })
    }

    /// Loads the predictive models, too.
    pub(crate) async fn with_models(&self, engine: &Engine) -> Result<ServingModels, CliError> {
        let mut models = ServingModels::default();
        models.update(engine).await?;
        self.sets.swap(serving_set(&self.registry, models.set()));
        Ok(models)
    }
}

async fn open_reader(folder: PathBuf) -> Result<Reader, CliError> {
    // Reads every row into memory, from disk.
    let opened = tokio::task::spawn_blocking(move || Reader::open(&folder)).await;
    let opened = opened.map_err(|_| CliError::Panicked)?;
    Ok(opened?)
}

/// Keeps `sets` in step with what is registered, for ever.
pub(crate) async fn follow(
    engine: Engine,
    sets: ServingSets,
    mut known: Registry,
    mut models: ServingModels,
) {
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        let mut is_new = match engine.registry().await {
            Ok(registry) if registry != known => {
                known = registry;
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(%error, "the registry cannot be read; serving what was registered");
                false
            }
        };
        match models.update(&engine).await {
            Ok(has_changed) => is_new |= has_changed,
            Err(error) => tracing::warn!(%error, "the models cannot be listed; serving what was loaded"),
        }
        if is_new {
            sets.swap(serving_set(&known, models.set()));
            let (feature_views, models) = (known.views.len(), models.names());
            tracing::info!(feature_views, models, "serving what was registered since");
        }
    }
}

/// Everything that is registered and online.
fn serving_set(registry: &Registry, models: ModelSet) -> ServingSet {
    let views = registry.views.values().filter(|view| view.definition.online).map(|view| ServingView {
        schema: online_schema(registry, &view.definition),
        version: u32::try_from(view.version).unwrap_or(u32::MAX),
    });
    let services = registry.services.values().map(|service| ServingService {
        name: service.definition.name.clone(),
        projections: service.definition.features.iter().map(projection).collect(),
    });
    ServingSet { views: views.collect(), services: services.collect(), models }
}

fn projection(part: &Projection) -> ServiceProjection {
    ServiceProjection {
        view: part.view.clone(),
        alias: part.alias.clone(),
        features: part.features.clone(),
        join_keys: part.join_keys.clone().into_iter().collect(),
    }
}
