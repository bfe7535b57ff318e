//! Settings of models: layers of them, and which layer wins.

use std::collections::{BTreeMap, BTreeSet};

use hanok_types::{Name, NameError};
use serde_json::{Map, Value};

/// The schema of a model that names none.
pub(crate) const SCHEMA_DEFAULT: &str = "main";

/// Schemas that belong to the query engine.
const SCHEMAS_RESERVED: [&str; 2] = ["information_schema", "hanok"];

/// Settings that say something about a model and change nothing about how it is built.
const KEYS_DESCRIPTIVE: [&str; 5] = ["meta", "docs", "group", "access", "description"];

/// Deepest nesting of folders in `models:`.
const DEPTH_MAX: usize = 32;

/// What a model becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Materialized {
    /// The rows are computed at build and stored as a table.
    Table,
    /// The SQL is stored and computed at every read. dbt's default, and ours.
    #[default]
    View,
}

impl std::fmt::Display for Materialized {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::View => "view",
        })
    }
}

/// A setting cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Not `table` or `view`.
    #[error("`materialized` is `{0}`, but this version builds `table` and `view`")]
    Materialized(String),
    /// A value of another type than the setting's.
    #[error("`{key}` is {found}, but must be {expected}")]
    Type {
        /// The setting.
        key: String,
        /// What it must be, e.g. "a string".
        expected: &'static str,
        /// The value, shortened.
        found: String,
    },
    /// A schema or an alias that is not a name.
    #[error("`{key}` cannot be used")]
    Name {
        /// The setting.
        key: String,
        /// Why.
        source: NameError,
    },
    /// A schema that belongs to the query engine.
    #[error("the schema `{0}` belongs to the query engine")]
    Reserved(String),
    /// Folders nested too deeply in `models:`.
    #[error("the folders under `models:` are nested more than {DEPTH_MAX} deep")]
    Depth,
}

/// The settings of one model, all layers applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelConfig {
    /// Table or view.
    pub materialized: Materialized,
    /// The schema, taken literally.
    pub schema: Name,
    /// The table's name when it is not the model's.
    pub alias: Option<Name>,
    /// All tags of all layers, sorted.
    pub tags: BTreeSet<String>,
    /// A disabled model is as good as absent.
    pub enabled: bool,
    /// The columns that tell its rows apart, when a setting says so.
    pub unique_key: Option<Vec<String>>,
}

/// Settings from one place: a folder, a YAML entry or a `config()` call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layer {
    materialized: Option<Materialized>,
    schema: Option<Name>,
    alias: Option<Name>,
    tags: BTreeSet<String>,
    enabled: Option<bool>,
    unique_key: Option<Vec<String>>,
}

impl Layer {
    /// Reads settings; returns the keys that have no effect beside the layer.
    pub(crate) fn read(settings: &Map<String, Value>) -> Result<(Self, Vec<String>), ConfigError> {
        let mut layer = Self::default();
        let mut unused = Vec::new();
        for (key, value) in settings {
            if !layer.set(key.trim_start_matches('+'), value)? {
                unused.push(key.clone());
            }
        }
        Ok((layer, unused))
    }

    /// Sets one key; `false` when it has no effect.
    fn set(&mut self, key: &str, value: &Value) -> Result<bool, ConfigError> {
        // A null takes nothing away: dbt's projects write `schema: null` for "as above".
        if value.is_null() {
            return Ok(true);
        }
        match key {
            "materialized" => {
                self.materialized = Some(match string(key, value)? {
                    "table" => Materialized::Table,
                    "view" => Materialized::View,
                    other => return Err(ConfigError::Materialized(other.to_owned())),
                });
            }
            "schema" => {
                let schema = name(key, value)?;
                if SCHEMAS_RESERVED.contains(&schema.as_str()) {
                    return Err(ConfigError::Reserved(schema.to_string()));
                }
                self.schema = Some(schema);
            }
            "alias" => self.alias = Some(name(key, value)?),
            "enabled" => self.enabled = Some(boolean(key, value)?),
            "unique_key" => self.unique_key = Some(strings(key, value)?),
            "tags" => self.tags.extend(strings(key, value)?),
            other => return Ok(KEYS_DESCRIPTIVE.contains(&other)),
        }
        Ok(true)
    }

    /// Lays `over` on top: its settings win, tags add up.
    pub(crate) fn overlay(&mut self, over: &Self) {
        self.materialized = over.materialized.or(self.materialized);
        self.schema = over.schema.clone().or(self.schema.take());
        self.alias = over.alias.clone().or(self.alias.take());
        self.enabled = over.enabled.or(self.enabled);
        self.unique_key = over.unique_key.clone().or(self.unique_key.take());
        self.tags.extend(over.tags.iter().cloned());
    }

    /// Fills in the defaults.
    pub(crate) fn finish(self) -> Result<ModelConfig, ConfigError> {
        let schema = match self.schema {
            Some(schema) => schema,
            None => Name::new(SCHEMA_DEFAULT)
                .map_err(|source| ConfigError::Name { key: "schema".to_owned(), source })?,
        };
        Ok(ModelConfig {
            materialized: self.materialized.unwrap_or_default(),
            schema,
            alias: self.alias,
            tags: self.tags,
            enabled: self.enabled.unwrap_or(true),
            unique_key: self.unique_key,
        })
    }
}

/// The `models:` section of `hanok.yaml`: settings by folder, the nearest folder wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderConfig {
    layer: Layer,
    unused: Vec<String>,
    folders: BTreeMap<String, FolderConfig>,
}

impl FolderConfig {
    /// Reads the section. Keys with a `+`, or with a value that is not a mapping, are settings; the others are folders
    /// relative to `models/`. As in dbt, one level may carry the project's name; it is the `models/` folder itself.
    pub fn read(section: &Value, project: &str) -> Result<Self, ConfigError> {
        let mut root = Self::read_level(section, 0)?;
        if let Some(inner) = root.folders.remove(project) {
            root.merge(inner);
        }
        Ok(root)
    }

    fn read_level(section: &Value, depth: usize) -> Result<Self, ConfigError> {
        if depth > DEPTH_MAX {
            return Err(ConfigError::Depth);
        }
        let map = match section {
            Value::Null => return Ok(Self::default()),
            Value::Object(map) => map,
            other => return Err(wrong("models", "a mapping", other)),
        };
        let mut settings = Map::new();
        let mut folders = BTreeMap::new();
        for (key, value) in map {
            if key.starts_with('+') || !(value.is_object() || value.is_null()) {
                settings.insert(key.clone(), value.clone());
            } else {
                folders.insert(key.clone(), Self::read_level(value, depth + 1)?);
            }
        }
        let (layer, unused) = Layer::read(&settings)?;
        Ok(Self { layer, unused, folders })
    }

    fn merge(&mut self, over: Self) {
        self.layer.overlay(&over.layer);
        self.unused.extend(over.unused);
        for (name, folder) in over.folders {
            self.folders.entry(name).or_default().merge(folder);
        }
    }

    /// The settings for a model at `path`, the names of its folders below `models/` and of itself.
    pub(crate) fn layer(&self, path: &[&str]) -> Layer {
        let mut layer = self.layer.clone();
        let mut here = self;
        for part in path {
            let Some(next) = here.folders.get(*part) else { break };
            layer.overlay(&next.layer);
            here = next;
        }
        layer
    }

    /// What has no effect: unknown settings, and folders for which `exists` is false. Each as `folder/key`.
    pub(crate) fn unused(&self, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_unused("", exists, &mut found);
        found
    }

    fn collect_unused(&self, prefix: &str, exists: &dyn Fn(&str) -> bool, found: &mut Vec<String>) {
        found.extend(self.unused.iter().map(|key| format!("{prefix}{key}")));
        for (name, folder) in &self.folders {
            let path = format!("{prefix}{name}");
            if exists(&path) {
                folder.collect_unused(&format!("{path}/"), exists, found);
            } else {
                found.push(path);
            }
        }
    }
}

fn wrong(key: &str, expected: &'static str, found: &Value) -> ConfigError {
    let found: String = found.to_string().chars().take(60).collect();
    ConfigError::Type { key: key.to_owned(), expected, found }
}

fn string<'a>(key: &str, value: &'a Value) -> Result<&'a str, ConfigError> {
    value.as_str().ok_or_else(|| wrong(key, "a string", value))
}

fn name(key: &str, value: &Value) -> Result<Name, ConfigError> {
    Name::new(string(key, value)?).map_err(|source| ConfigError::Name { key: key.to_owned(), source })
}

/// `true`, `false`, and what templates and quoted YAML make of them.
pub(crate) fn boolean(key: &str, value: &Value) -> Result<bool, ConfigError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(wrong(key, "true or false", other)),
    }
}

/// A string or a list of strings.
pub(crate) fn strings(key: &str, value: &Value) -> Result<Vec<String>, ConfigError> {
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(items) => {
            items.iter().map(|item| string(key, item).map(str::to_owned)).collect::<Result<_, _>>()
        }
        other => Err(wrong(key, "a string or a list of strings", other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_folder_wins_and_tags_add_up() {
        let section = json!({
            "+materialized": "view", "+tags": "all",
            "shop": { "marts": {
                "+materialized": "table", "+schema": "mart", "+tags": ["m"],
                "fast": { "materialized": "view" },
            }},
        });
        let folders = FolderConfig::read(&section, "shop").unwrap();
        let config = folders.layer(&["marts", "orders"]).finish().unwrap();
        assert_eq!(config.materialized, Materialized::Table);
        assert_eq!(config.schema.as_str(), "mart");
        assert_eq!(config.tags.iter().collect::<Vec<_>>(), ["all", "m"]);
        let config = folders.layer(&["marts", "fast", "orders"]).finish().unwrap();
        assert_eq!((config.materialized, config.schema.as_str()), (Materialized::View, "mart"));
        let config = folders.layer(&["staging", "x"]).finish().unwrap();
        assert_eq!((config.materialized, config.schema.as_str()), (Materialized::View, "main"));
    }

    #[test]
    fn wrong_settings_are_named() {
        let read = |value| FolderConfig::read(&value, "p").unwrap_err();
        assert_eq!(
            read(json!({"+materialized": "incremental"})),
            ConfigError::Materialized("incremental".into())
        );
        assert!(matches!(read(json!({"+schema": "a b"})), ConfigError::Name { .. }));
        assert!(matches!(read(json!({"+schema": "information_schema"})), ConfigError::Reserved(_)));
        assert!(matches!(read(json!({"+enabled": 3})), ConfigError::Type { .. }));
        assert!(matches!(read(json!(["a"])), ConfigError::Type { .. }));
        let deep = (0..40).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert_eq!(read(deep), ConfigError::Depth);
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let section = json!({"marts": {"+matrialized": "table"}, "gone": {"+tags": "x"}, "+meta": {}});
        let folders = FolderConfig::read(&section, "p").unwrap();
        assert_eq!(folders.unused(&|path| path == "marts"), ["gone", "marts/+matrialized"]);
    }
}
