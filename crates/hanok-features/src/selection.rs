//! Which features are asked for: references or a service, resolved to views.

use std::collections::BTreeMap;

use hanok_types::ValueType;

use crate::FeatureError;
use crate::definition::{Feature, FeatureView, Projection};
use crate::registry::{Registry, unknown};

/// What a person or a model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// References `view:feature`.
    References(Vec<String>),
    /// A feature service.
    Service(String),
}

/// One view of a selection.
#[derive(Clone, Debug)]
pub struct SelectedView {
    /// The name in results: the alias if there is one.
    pub name: String,
    /// The view.
    pub view: FeatureView,
    /// The chosen features, in the order asked for.
    pub features: Vec<Feature>,
    /// The view's join keys: its own column, the entity column that it comes from, its type.
    pub keys: Vec<(String, String, ValueType)>,
}

impl SelectedView {
    /// The name of a feature's column in a result.
    pub fn column(&self, feature: &Feature, full_names: bool) -> String {
        if full_names { format!("{}__{}", self.name, feature.name) } else { feature.name.clone() }
    }
}

impl Selection {
    /// Resolves the names.
    ///
    /// # Errors
    /// [`FeatureError::Unknown`] for names that are not registered, [`FeatureError::Collision`] when columns of the
    /// result could not be told apart.
    pub fn resolve(&self, registry: &Registry, full_names: bool) -> Result<Vec<SelectedView>, FeatureError> {
        let parts = match self {
            Self::References(references) => projections(references)?,
            Self::Service(name) => registry.service(name)?.features.clone(),
        };
        let views =
            parts.iter().map(|part| select(registry, part)).collect::<Result<Vec<_>, FeatureError>>()?;
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for view in &views {
            for feature in &view.features {
                let origin = format!("{}:{}", view.name, feature.name);
                let name = view.column(feature, full_names);
                if let Some(first) = seen.insert(name.clone(), origin.clone()) {
                    return Err(FeatureError::Collision { name, first, second: origin });
                }
            }
        }
        Ok(views)
    }
}

/// References by view, in the order in which views are first named.
fn projections(references: &[String]) -> Result<Vec<Projection>, FeatureError> {
    let mut parts: Vec<Projection> = Vec::new();
    for reference in references {
        let (view, feature) = reference
            .split_once(':')
            .filter(|(view, feature)| !view.is_empty() && !feature.is_empty())
            .ok_or_else(|| FeatureError::Reference(reference.clone()))?;
        match parts.iter_mut().find(|part| part.view == view) {
            Some(part) => part.features.push(feature.to_owned()),
            None => parts.push(Projection {
                view: view.to_owned(),
                features: vec![feature.to_owned()],
                alias: None,
                join_keys: BTreeMap::new(),
            }),
        }
    }
    Ok(parts)
}

fn select(registry: &Registry, part: &Projection) -> Result<SelectedView, FeatureError> {
    let view = registry.view(&part.view)?.clone();
    let features = if part.features.is_empty() {
        view.features.clone()
    } else {
        let find = |name: &String| {
            view.features.iter().find(|feature| feature.name == *name).cloned().ok_or_else(|| {
                let known: Vec<String> =
                    view.features.iter().map(|f| format!("{}:{}", view.name, f.name)).collect();
                unknown("feature", &format!("{}:{name}", view.name), known.iter())
            })
        };
        part.features.iter().map(find).collect::<Result<_, _>>()?
    };
    let keys = registry.join_keys(&view).into_iter().map(|(key, value_type)| {
        let column = part.join_keys.get(&key).cloned().unwrap_or_else(|| key.clone());
        (key, column, value_type)
    });
    Ok(SelectedView {
        name: part.alias.clone().unwrap_or_else(|| part.view.clone()),
        keys: keys.collect(),
        features,
        view,
    })
}
