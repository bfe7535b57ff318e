//! What is registered in the catalog.

use std::collections::BTreeMap;

use hanok_catalog::{Catalog, CatalogError, FeatureObject, FeatureObjectKind};
use hanok_types::ValueType;
use serde::de::DeserializeOwned;

use crate::FeatureError;
use crate::definition::{Definitions, Entity, FeatureService, FeatureView};

/// A definition and its version, which counts the applied changes from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered<T> {
    /// The definition.
    pub definition: T,
    /// Its version.
    pub version: i64,
}

/// The registered definitions, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// Entities.
    pub entities: BTreeMap<String, Registered<Entity>>,
    /// Feature views; every feature has its type.
    pub views: BTreeMap<String, Registered<FeatureView>>,
    /// Feature services.
    pub services: BTreeMap<String, Registered<FeatureService>>,
}

impl Registry {
    /// Reads what is registered on the branch of that id.
    pub async fn load(catalog: &Catalog, branch: &str) -> Result<Self, FeatureError> {
        Self::from_objects(catalog.features(branch).await?)
    }

    pub(crate) fn from_objects(objects: Vec<FeatureObject>) -> Result<Self, FeatureError> {
        let mut registry = Self::default();
        for object in objects {
            match object.kind {
                FeatureObjectKind::Entity => {
                    registry.entities.insert(object.name.clone(), registered(&object)?).is_some()
                }
                FeatureObjectKind::FeatureView => {
                    registry.views.insert(object.name.clone(), registered(&object)?).is_some()
                }
                FeatureObjectKind::FeatureService => {
                    registry.services.insert(object.name.clone(), registered(&object)?).is_some()
                }
            };
        }
        Ok(registry)
    }

    /// The view of that name.
    pub fn view(&self, name: &str) -> Result<&FeatureView, FeatureError> {
        match self.views.get(name) {
            Some(view) => Ok(&view.definition),
            None => Err(unknown("feature view", name, self.views.keys())),
        }
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Result<&FeatureService, FeatureError> {
        match self.services.get(name) {
            Some(service) => Ok(&service.definition),
            None => Err(unknown("feature service", name, self.services.keys())),
        }
    }

    /// The join keys of a view, in the order of its entities.
    pub fn join_keys(&self, view: &FeatureView) -> Vec<(String, ValueType)> {
        let entities = view.entities.iter().filter_map(|name| self.entities.get(name));
        entities.flat_map(|entity| entity.definition.join_keys.clone()).collect()
    }
}

fn registered<T: DeserializeOwned>(object: &FeatureObject) -> Result<Registered<T>, FeatureError> {
    let definition = serde_json::from_str(&object.definition).map_err(|error| CatalogError::Record {
        what: format!("{} {}", object.kind.name(), object.name),
        reason: error.to_string(),
    })?;
    Ok(Registered { definition, version: object.version })
}

/// The definitions as the catalog stores them: JSON with fields in a fixed order, so that equal means unchanged.
pub(crate) fn to_objects(
    definitions: &Definitions,
) -> Result<Vec<(FeatureObjectKind, String, String)>, FeatureError> {
    fn text(what: &str, value: &impl serde::Serialize) -> Result<String, FeatureError> {
        serde_json::to_string(value)
            .map_err(|error| CatalogError::Record { what: what.to_owned(), reason: error.to_string() }.into())
    }
    let mut objects = Vec::new();
    for (name, entity) in &definitions.entities {
        objects.push((FeatureObjectKind::Entity, name.clone(), text(name, entity)?));
    }
    for (name, view) in &definitions.views {
        objects.push((FeatureObjectKind::FeatureView, name.clone(), text(name, view)?));
    }
    for (name, service) in &definitions.services {
        objects.push((FeatureObjectKind::FeatureService, name.clone(), text(name, service)?));
    }
    Ok(objects)
}

/// An error that offers the registered name most like the one asked for.
pub(crate) fn unknown<'a>(
    what: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a String>,
) -> FeatureError {
    let similar = known
        .map(|candidate| (distance(name, candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= 1 + name.len() / 3)
        .map(|(_, candidate)| candidate.clone());
    FeatureError::Unknown { what, name: name.to_owned(), similar }
}

/// Levenshtein's distance in characters, for names of a few hundred characters at most.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_offered_and_a_far_one_is_not() {
        let known = ["carrier_delay".to_owned(), "weather".to_owned()];
        let similar = |name: &str| match unknown("feature view", name, known.iter()) {
            FeatureError::Unknown { similar, .. } => similar,
            other => panic!("{other}"),
        };
        assert_eq!(similar("carrier_dealy").as_deref(), Some("carrier_delay"));
        assert_eq!(similar("xyz"), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
