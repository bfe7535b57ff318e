//! What the registry holds, as the server wants it.

use std::path::PathBuf;
use std::time::Duration;

use hanok_engine::{Engine, Registry};
use hanok_features::{Projection, online_schema};
use hanok_online::Reader;
use hanok_serve::{ServiceProjection, ServingService, ServingSet, ServingSets, ServingView};

use crate::error::CliError;

/// How often `hanok apply` of other processes is looked for.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(2);

/// The online side of a project: the store, what requests can name, and the registry behind that.
pub(crate) struct Serving {
    /// The store.
    pub(crate) reader: Reader,
    /// What requests can name.
    pub(crate) sets: ServingSets,
    /// What is registered.
    pub(crate) registry: Registry,
}

impl Serving {
    /// Opens the online store of the engine's project.
    pub(crate) async fn open(engine: &Engine) -> Result<Self, CliError> {
        let registry = engine.registry().await?;
        let reader = open_reader(engine.online_folder()).await?;
        let sets = ServingSets::new(serving_set(&registry));
        Ok(Self { reader, sets, registry })
    }
}

async fn open_reader(folder: PathBuf) -> Result<Reader, CliError> {
    // Reads every row into memory, from disk.
    let opened = tokio::task::spawn_blocking(move || Reader::open(&folder)).await;
    let opened = opened.map_err(|_| CliError::Panicked)?;
    Ok(opened?)
}

/// Keeps `sets` in step with what is registered, for ever.
pub(crate) async fn follow(engine: Engine, sets: ServingSets, mut known: Registry) {
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        match engine.registry().await {
            Ok(registry) if registry != known => {
                sets.swap(serving_set(&registry));
                known = registry;
                tracing::info!(feature_views = known.views.len(), "serving the definitions applied since");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the registry cannot be read; serving what was registered"),
        }
    }
}

/// Everything that is registered and online.
fn serving_set(registry: &Registry) -> ServingSet {
    let views = registry.views.values().filter(|view| view.definition.online).map(|view| ServingView {
        schema: online_schema(registry, &view.definition),
        version: u32::try_from(view.version).unwrap_or(u32::MAX),
    });
    let services = registry.services.values().map(|service| ServingService {
        name: service.definition.name.clone(),
        projections: service.definition.features.iter().map(projection).collect(),
    });
    ServingSet { views: views.collect(), services: services.collect() }
}

fn projection(part: &Projection) -> ServiceProjection {
    ServiceProjection {
        view: part.view.clone(),
        alias: part.alias.clone(),
        features: part.features.clone(),
        join_keys: part.join_keys.clone().into_iter().collect(),
    }
}
