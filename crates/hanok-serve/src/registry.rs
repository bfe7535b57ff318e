//! From the registered features to what requests can name.

use hanok_features::{Registry, online_schema};

use crate::set::{ServiceProjection, ServingService, ServingSet, ServingView};

impl ServingSet {
    /// Everything that is registered and online.
    pub fn from_registry(registry: &Registry) -> Self {
        let views = registry.views.values().filter(|view| view.definition.online).map(|view| ServingView {
            schema: online_schema(registry, &view.definition),
            version: u32::try_from(view.version).unwrap_or(u32::MAX),
        });
        let services = registry.services.values().map(|service| ServingService {
            name: service.definition.name.clone(),
            projections: service.definition.features.iter().map(projection).collect(),
        });
        Self { views: views.collect(), services: services.collect() }
    }
}

fn projection(part: &hanok_features::Projection) -> ServiceProjection {
    ServiceProjection {
        view: part.view.clone(),
        alias: part.alias.clone(),
        features: part.features.clone(),
        join_keys: part.join_keys.clone().into_iter().collect(),
    }
}
