//! The online side of a view.

use hanok_online::ViewSchema;
use hanok_types::ValueType;

use crate::Registry;
use crate::definition::FeatureView;

/// The schema under which the online store keeps a view.
pub fn online_schema(registry: &Registry, view: &FeatureView) -> ViewSchema {
    let features = view.features.iter().map(|feature| {
        // `apply` has filled in every type.
        (feature.name.clone(), feature.value_type.unwrap_or(ValueType::String))
    });
    ViewSchema {
        name: view.name.clone(),
        join_keys: registry.join_keys(view),
        features: features.collect(),
        ttl_us: view.ttl_us,
    }
}
