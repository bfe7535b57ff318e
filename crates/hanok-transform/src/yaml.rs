//! The YAML files under `models/`: dbt's form, read strictly enough that a misspelt key is told.
#![expect(
    dead_code,
    reason = "fields that are only there so that dbt's keys are known and others are refused"
)]

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::place::{Notice, Place};

/// Nesting of a properties file; dbt's own form needs about ten.
const DEPTH_MAX: usize = 40;

/// One file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Properties {
    version: IgnoredAny,
    #[serde(deserialize_with = "nullable")]
    pub(crate) sources: Vec<Source>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) models: Vec<Spanned<ModelEntry>>,
    seeds: Option<Spanned<IgnoredAny>>,
    snapshots: Option<Spanned<IgnoredAny>>,
    analyses: Option<Spanned<IgnoredAny>>,
    exposures: Option<Spanned<IgnoredAny>>,
    macros: Option<Spanned<IgnoredAny>>,
    metrics: Option<Spanned<IgnoredAny>>,
    semantic_models: Option<Spanned<IgnoredAny>>,
    saved_queries: Option<Spanned<IgnoredAny>>,
    groups: Option<Spanned<IgnoredAny>>,
    unit_tests: Option<Spanned<IgnoredAny>>,
    tests: Option<Spanned<IgnoredAny>>,
    data_tests: Option<Spanned<IgnoredAny>>,
}

/// A source: tables that something else writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) name: String,
    /// The schema when it is not the name.
    pub(crate) schema: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) tables: Vec<Spanned<SourceEntry>>,
    #[serde(default)]
    description: IgnoredAny,
    #[serde(default)]
    database: IgnoredAny,
    #[serde(default)]
    loader: IgnoredAny,
    #[serde(default)]
    loaded_at_field: IgnoredAny,
    #[serde(default)]
    freshness: IgnoredAny,
    #[serde(default)]
    quoting: IgnoredAny,
    #[serde(default)]
    overrides: IgnoredAny,
    #[serde(default)]
    tags: IgnoredAny,
    #[serde(default)]
    meta: IgnoredAny,
    #[serde(default)]
    config: IgnoredAny,
}

/// A table of a source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceEntry {
    pub(crate) name: String,
    /// The table in the schema when it is not the name.
    pub(crate) identifier: Option<String>,
    pub(crate) description: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) columns: Vec<ColumnEntry>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) tests: Vec<Spanned<Value>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) data_tests: Vec<Spanned<Value>>,
    #[serde(default)]
    loader: IgnoredAny,
    #[serde(default)]
    loaded_at_field: IgnoredAny,
    #[serde(default)]
    loaded_at_query: IgnoredAny,
    #[serde(default)]
    freshness: IgnoredAny,
    #[serde(default)]
    quoting: IgnoredAny,
    #[serde(default)]
    external: IgnoredAny,
    #[serde(default)]
    tags: IgnoredAny,
    #[serde(default)]
    meta: IgnoredAny,
    #[serde(default)]
    config: IgnoredAny,
}

/// What YAML says of a model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelEntry {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) config: Option<Spanned<Map<String, Value>>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) columns: Vec<ColumnEntry>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) tests: Vec<Spanned<Value>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) data_tests: Vec<Spanned<Value>>,
    constraints: Option<Spanned<IgnoredAny>>,
    versions: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    latest_version: IgnoredAny,
    #[serde(default)]
    deprecation_date: IgnoredAny,
    #[serde(default)]
    time_spine: IgnoredAny,
    #[serde(default)]
    docs: IgnoredAny,
    #[serde(default)]
    access: IgnoredAny,
    #[serde(default)]
    group: IgnoredAny,
    #[serde(default)]
    meta: IgnoredAny,
}

/// A column of a model or of a source's table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnEntry {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) tests: Vec<Spanned<Value>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) data_tests: Vec<Spanned<Value>>,
    constraints: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    data_type: IgnoredAny,
    #[serde(default)]
    quote: IgnoredAny,
    #[serde(default)]
    pub(crate) tags: Tags,
    #[serde(default)]
    meta: IgnoredAny,
    #[serde(default)]
    config: IgnoredAny,
    #[serde(default)]
    granularity: IgnoredAny,
}

/// One tag or a list of them.
#[derive(Debug, Default)]
pub(crate) struct Tags(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Nothing(()),
            One(String),
            More(Vec<String>),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Nothing(()) => Vec::new(),
            Written::One(tag) => vec![tag],
            Written::More(tags) => tags,
        }))
    }
}

/// `key:` with nothing after it is an empty list.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a file; the error is a place and a reason.
pub(crate) fn read(file: &str, text: &str) -> Result<Properties, (Place, String)> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: DEPTH_MAX },
    };
    match serde_saphyr::from_str_with_options::<Option<Properties>>(text, options) {
        Ok(properties) => Ok(properties.unwrap_or_default()),
        Err(error) => {
            let line = error.location().map_or(0, line_number);
            Err((Place::new(file, line), error.without_snippet().to_string()))
        }
    }
}

/// The place of a spanned node.
pub(crate) fn place<T>(file: &str, node: &Spanned<T>) -> Place {
    Place::new(file, line_number(node.referenced))
}

fn line_number(location: serde_saphyr::Location) -> u32 {
    u32::try_from(location.line()).unwrap_or(u32::MAX)
}

impl Properties {
    /// The sections that dbt would act on and this version does not.
    pub(crate) fn notices(&self, file: &str) -> Vec<Notice> {
        let sections = [
            ("seeds", &self.seeds),
            ("snapshots", &self.snapshots),
            ("analyses", &self.analyses),
            ("exposures", &self.exposures),
            ("macros", &self.macros),
            ("metrics", &self.metrics),
            ("semantic_models", &self.semantic_models),
            ("saved_queries", &self.saved_queries),
            ("groups", &self.groups),
            ("unit_tests", &self.unit_tests),
            ("tests", &self.tests),
            ("data_tests", &self.data_tests),
        ];
        let mut notices = Vec::new();
        let mut tell = |name: &str, node: &Option<Spanned<IgnoredAny>>| {
            if let Some(node) = node {
                let message = format!("`{name}` has no effect in this version");
                notices.push(Notice { place: place(file, node), message });
            }
        };
        for (name, node) in sections {
            tell(name, node);
        }
        for model in &self.models {
            tell("constraints", &model.value.constraints);
            tell("versions", &model.value.versions);
            for column in &model.value.columns {
                tell("constraints", &column.constraints);
            }
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_nodes_and_errors_are_lines() {
        let text = "version: 2\n\nmodels:\n  - name: a\n    columns:\n      - name: id\n        tests:\n\
                    \x20         - unique\n          - accepted_values:\n              values: [1, '2', x, true]\n";
        let read_back = read("models/a.yml", text).unwrap();
        assert_eq!(place("f", &read_back.models[0]).line, 4);
        let tests = &read_back.models[0].value.columns[0].tests;
        assert_eq!(tests[0].value, serde_json::json!("unique"));
        assert_eq!(place("f", &tests[0]).line, 8);
        assert_eq!(place("f", &tests[1]).line, 9);
        assert_eq!(tests[1].value, serde_json::json!({"accepted_values": {"values": [1, "2", "x", true]}}));
        let error = |text| read("m.yml", text).unwrap_err();
        assert_eq!(error("version: 2\nmodels:\n  - name: a\n    colums: []\n").0, Place::new("m.yml", 4));
        assert_eq!(error("models:\n  - description: x\n").0.line, 2);
        assert_eq!(error("models: 5\n").0.line, 1);
        assert_eq!(error("models: [\n").0.file, "m.yml");
        assert!(error(&format!("models: {}{}", "[".repeat(100), "]".repeat(100))).0.line <= 1);
        assert!(read("m.yml", "").unwrap().models.is_empty());
        assert!(read("m.yml", "# nothing\n").unwrap().models.is_empty());
        assert!(read("m.yml", "version: 2\nmodels:\n").unwrap().models.is_empty());
    }

    #[test]
    fn sections_without_effect_are_told() {
        let read_back = read("m.yml", "exposures:\n  - name: x\n").unwrap();
        let notices = read_back.notices("m.yml");
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].message, "`exposures` has no effect in this version");
    }
}
