//! Definitions: what `features/*.yaml` says, checked for sense within itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hanok_config::{parse_yaml, yaml_files};
use hanok_types::{Name, ValueType, parse_duration};
use serde::{Deserialize, Serialize};

use crate::FeatureError;

/// Definition files of a project above this number are a mistake.
const FILES_MAX: usize = 10_000;

/// What features are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Its name.
    pub name: String,
    /// The columns that identify one, with their types.
    pub join_keys: Vec<(String, ValueType)>,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Free labels.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
}

/// Where the rows of a feature view are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureSource {
    /// A table or view of the lake, `schema.table`.
    Table(String),
    /// A query.
    Sql(String),
}

/// One feature of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name, which is the column's.
    pub name: String,
    /// Its type; `None` in a file means that of the column, and is filled in by `apply`.
    pub value_type: Option<ValueType>,
    /// For people.
    #[serde(default)]
    pub description: String,
}

/// Features of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureView {
    /// Its name.
    pub name: String,
    /// The entities whose join keys find a row; none when one row is for everybody.
    pub entities: Vec<String>,
    /// Where the rows are.
    pub source: FeatureSource,
    /// The column with the time at which a row's values became true.
    pub timestamp: String,
    /// The column with the time at which a row was written, which decides between equal timestamps.
    pub created: Option<String>,
    /// How long a row is valid, in microseconds; `None` is for ever.
    pub ttl_us: Option<i64>,
    /// The features.
    pub features: Vec<Feature>,
    /// Whether `materialize` puts it into the online store.
    pub online: bool,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Free labels.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
}

/// A part of a feature service: a view as one model sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// The view.
    pub view: String,
    /// Which of its features, all when empty.
    pub features: Vec<String>,
    /// Another name for the view within the service.
    pub alias: Option<String>,
    /// Join keys of the view that come from columns of other names: view key → entity column.
    pub join_keys: BTreeMap<String, String>,
}

/// The features that one model reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureService {
    /// Its name.
    pub name: String,
    /// Its parts.
    pub features: Vec<Projection>,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Free labels.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
}

/// All definitions of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    /// By name.
    pub entities: BTreeMap<String, Entity>,
    /// By name.
    pub views: BTreeMap<String, FeatureView>,
    /// By name.
    pub services: BTreeMap<String, FeatureService>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    entities: Vec<EntityFile>,
    #[serde(default)]
    feature_views: Vec<ViewFile>,
    #[serde(default)]
    feature_services: Vec<ServiceFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntityFile {
    name: Name,
    join_keys: Option<JoinKeysFile>,
    #[serde(rename = "type")]
    value_type: Option<ValueType>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    owner: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JoinKeysFile {
    Names(Vec<Name>),
    Typed(BTreeMap<String, ValueType>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewFile {
    name: Name,
    #[serde(default)]
    entities: Vec<String>,
    source: SourceFile,
    timestamp: String,
    created: Option<String>,
    ttl: Option<TtlFile>,
    #[serde(default)]
    features: Vec<FeatureFile>,
    #[serde(default = "yes")]
    online: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    owner: String,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    table: Option<String>,
    sql: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TtlFile {
    Text(String),
    Seconds(u32),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureFile {
    name: Name,
    #[serde(rename = "type")]
    value_type: Option<ValueType>,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceFile {
    name: Name,
    features: Vec<ProjectionFile>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    owner: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectionFile {
    view: String,
    #[serde(default)]
    features: Vec<String>,
    alias: Option<Name>,
    #[serde(default)]
    join_keys: BTreeMap<String, String>,
}

/// Reads every YAML file below `folder`.
///
/// # Errors
/// Files that do not parse, names defined twice, references to nothing. Columns are checked by [`crate::apply`].
pub fn read_definitions(folder: &Path) -> Result<Definitions, FeatureError> {
    let mut all = Definitions::default();
    for path in yaml_files(folder)?.into_iter().take(FILES_MAX) {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| FeatureError::File {
            action: "read",
            path: shown.clone(),
            reason: error.to_string(),
        })?;
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        all.add(parse_yaml(&path, &text)?, &shown)?;
    }
    all.check(&folder.display().to_string())?;
    Ok(all)
}

fn wrong(what: &'static str, name: &str, file: &str, reason: impl Into<String>) -> FeatureError {
    FeatureError::Definition { what, name: name.to_owned(), reason: reason.into(), file: file.to_owned() }
}

impl Definitions {
    fn add(&mut self, file: File, shown: &str) -> Result<(), FeatureError> {
        for entity in file.entities {
            let entity = entity.resolve();
            let name = entity.name.clone();
            if self.entities.insert(name.clone(), entity).is_some() {
                return Err(wrong("entity", &name, shown, "it is defined twice"));
            }
        }
        for view in file.feature_views {
            let view = view.resolve(shown)?;
            let name = view.name.clone();
            if self.views.insert(name.clone(), view).is_some() {
                return Err(wrong("feature view", &name, shown, "it is defined twice"));
            }
        }
        for service in file.feature_services {
            let service = service.resolve();
            let name = service.name.clone();
            if self.services.insert(name.clone(), service).is_some() {
                return Err(wrong("feature service", &name, shown, "it is defined twice"));
            }
        }
        Ok(())
    }

    fn check(&self, shown: &str) -> Result<(), FeatureError> {
        for view in self.views.values() {
            self.check_view(view).map_err(|reason| wrong("feature view", &view.name, shown, reason))?;
        }
        for service in self.services.values() {
            self.check_service(service)
                .map_err(|reason| wrong("feature service", &service.name, shown, reason))?;
        }
        Ok(())
    }

    fn check_view(&self, view: &FeatureView) -> Result<(), String> {
        for entity in &view.entities {
            if !self.entities.contains_key(entity) {
                return Err(format!("the entity `{entity}` is not defined"));
            }
        }
        let keys = self.join_keys(view);
        let mut seen = BTreeSet::new();
        for name in keys.iter().map(|(name, _)| name).chain(view.features.iter().map(|feature| &feature.name))
        {
            if !seen.insert(name) {
                return Err(format!("`{name}` is there twice"));
            }
        }
        Ok(())
    }

    fn check_service(&self, service: &FeatureService) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for projection in &service.features {
            let Some(view) = self.views.get(&projection.view) else {
                return Err(format!("the feature view `{}` is not defined", projection.view));
            };
            // A view without a list of features gets it from its source when it is applied.
            if let Some(unknown) = projection.features.iter().find(|name| {
                !view.features.is_empty() && view.features.iter().all(|feature| feature.name != **name)
            }) {
                return Err(format!("the feature view `{}` has no feature `{unknown}`", view.name));
            }
            let keys = self.join_keys(view);
            if let Some(unknown) =
                projection.join_keys.keys().find(|key| keys.iter().all(|(name, _)| name != *key))
            {
                return Err(format!("the feature view `{}` has no join key `{unknown}`", view.name));
            }
            let name = projection.alias.as_ref().unwrap_or(&projection.view);
            if !names.insert(name.clone()) {
                return Err(format!("`{name}` is there twice; give one of them an alias"));
            }
        }
        Ok(())
    }

    /// The join keys of a view, in the order of its entities.
    pub fn join_keys(&self, view: &FeatureView) -> Vec<(String, ValueType)> {
        view.entities
            .iter()
            .filter_map(|name| self.entities.get(name))
            .flat_map(|e| e.join_keys.clone())
            .collect()
    }
}

impl EntityFile {
    fn resolve(self) -> Entity {
        let value_type = self.value_type.unwrap_or(ValueType::String);
        let join_keys = match self.join_keys {
            None => vec![(self.name.to_string(), value_type)],
            Some(JoinKeysFile::Names(names)) => {
                names.iter().map(|name| (name.to_string(), value_type)).collect()
            }
            Some(JoinKeysFile::Typed(keys)) => keys.into_iter().collect(),
        };
        Entity {
            name: self.name.to_string(),
            join_keys,
            description: self.description,
            tags: self.tags,
            owner: self.owner,
        }
    }
}

impl ViewFile {
    fn resolve(self, shown: &str) -> Result<FeatureView, FeatureError> {
        let name = self.name.to_string();
        let invalid = |reason: String| wrong("feature view", &name, shown, reason);
        let source = match (self.source.table, self.source.sql) {
            (Some(table), None) => FeatureSource::Table(table),
            (None, Some(sql)) => FeatureSource::Sql(sql),
            _ => return Err(invalid("`source` needs either `table` or `sql`".to_owned())),
        };
        let ttl_us = match self.ttl {
            None => None,
            Some(TtlFile::Seconds(seconds)) => Some(i64::from(seconds) * 1_000_000),
            Some(TtlFile::Text(text)) => Some(parse_duration(&text).map_err(invalid)?),
        };
        let features = self.features.into_iter().map(|feature| Feature {
            name: feature.name.to_string(),
            value_type: feature.value_type,
            description: feature.description,
        });
        Ok(FeatureView {
            entities: self.entities,
            source,
            timestamp: self.timestamp,
            created: self.created,
            ttl_us: ttl_us.filter(|ttl| *ttl > 0),
            features: features.collect(),
            online: self.online,
            description: self.description,
            tags: self.tags,
            owner: self.owner,
            name,
        })
    }
}

impl ServiceFile {
    fn resolve(self) -> FeatureService {
        let projections = self.features.into_iter().map(|part| Projection {
            view: part.view,
            features: part.features,
            alias: part.alias.map(|alias| alias.to_string()),
            join_keys: part.join_keys,
        });
        FeatureService {
            name: self.name.to_string(),
            features: projections.collect(),
            description: self.description,
            tags: self.tags,
            owner: self.owner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Definitions, FeatureError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("features.yaml"), text).unwrap();
        read_definitions(folder.path())
    }

    const GOOD: &str = "
entities:
  - { name: route, join_keys: { origin: string, dest: string } }
  - { name: driver, join_keys: [driver_id], type: int64 }
feature_views:
  - name: route_delay
    entities: [route]
    source: { table: mart.route_delay }
    timestamp: ts
    ttl: 3d
    features: [ { name: mean, type: float64 } ]
feature_services:
  - name: model
    features:
      - { view: route_delay }
      - { view: route_delay, alias: back, join_keys: { origin: dest, dest: origin } }
";

    #[test]
    fn a_project_reads_as_written() {
        let all = read(GOOD).unwrap();
        let view = &all.views["route_delay"];
        assert_eq!(view.ttl_us, Some(3 * 86_400_000_000));
        let keys: Vec<_> = all.join_keys(view).into_iter().map(|(name, _)| name).collect();
        assert_eq!(keys, ["dest", "origin"]);
        assert_eq!(all.entities["driver"].join_keys, [("driver_id".to_owned(), ValueType::Int64)]);
        assert_eq!(all.services["model"].features[1].alias.as_deref(), Some("back"));
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, says) in [
            ("entities: [route]", "entities: [rout]", "`rout` is not defined"),
            ("ttl: 3d", "ttl: soon", "not a duration"),
            ("view: route_delay }", "view: route }", "`route` is not defined"),
            ("alias: back", "alias: route_delay", "there twice"),
            (
                "join_keys: { origin: dest, dest: origin }",
                "join_keys: { carrier: dest }",
                "no join key `carrier`",
            ),
            ("{ table: mart.route_delay }", "{ tabel: mart.route_delay }", "tabel"),
            ("type: float64", "type: decimal", "decimal"),
            ("timestamp: ts", "", "timestamp"),
        ] {
            let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(says), "{says}: {error}");
        }
    }
}
