//! Features: definitions, the registry, training sets and materialisation.
//!
//! Definitions are YAML files (entities, feature views, feature services); [`apply`] checks them against the lake and
//! registers them in the catalog; a [`Registry`] is what is registered. A [`Selection`] names features, by reference or by
//! service. Training sets are joined by hanok-pit, online values written by hanok-online, both from the same tables.
//!
//! Must not exist here: HTTP, YAML of other rooms, a second point-in-time join.

mod apply;
mod definition;
mod error;
mod materialize;
mod registry;
mod selection;
mod serving;
mod training;

pub use apply::{Applied, apply};
pub use definition::{
    Definitions, Entity, Feature, FeatureService, FeatureSource, FeatureView, Projection, read_definitions,
};
pub use error::FeatureError;
pub use materialize::{MaterializeOptions, MaterializedView, materialize};
pub use registry::{Registered, Registry};
pub use selection::{SelectedView, Selection};
pub use serving::online_schema;
pub use training::{TrainingOptions, TrainingSet, training_set};
