//! All YAML files of a project taken together: what they say of models, sources and tests, by name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hanok_types::TableName;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::files::SourceFile;
use crate::place::{Notice, Place};
use crate::project::{Column, ProjectError, SourceTable};
use crate::yaml::{self, ColumnEntry};

/// A source's name and a table's name within it.
pub(crate) type SourceKey = (String, String);

/// What YAML says of a project.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    pub(crate) models: BTreeMap<String, ModelProperties>,
    pub(crate) sources: BTreeMap<SourceKey, SourceTable>,
    pub(crate) tests: Vec<TestDraft>,
}

/// What YAML says of a model.
#[derive(Debug)]
pub(crate) struct ModelProperties {
    pub(crate) place: Place,
    pub(crate) description: Option<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) config: Option<(Place, Map<String, Value>)>,
}

/// A test that has been found, not yet understood.
#[derive(Debug)]
pub(crate) struct TestDraft {
    pub(crate) under: Under,
    pub(crate) column: Option<String>,
    pub(crate) place: Place,
    pub(crate) entry: Value,
}

/// What a test stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Under {
    Model(String),
    Source(SourceKey),
}

impl Properties {
    /// Reads `files` in their order. `loaded` are tables that need no declaration.
    pub(crate) fn read(
        files: &[SourceFile],
        loaded: &[TableName],
        notices: &mut Vec<Notice>,
    ) -> Result<Self, ProjectError> {
        let mut all = Self::default();
        for file in files {
            let properties = yaml::read(&file.file, &file.text)
                .map_err(|(place, message)| ProjectError::Yaml { place, message })?;
            notices.extend(properties.notices(&file.file));
            for source in properties.sources {
                all.add_source(&file.file, source)?;
            }
            for model in properties.models {
                all.add_model(&file.file, model)?;
            }
        }
        for table in loaded {
            let key = (table.schema.to_string(), table.table.to_string());
            all.sources.entry(key).or_insert_with_key(|(source, name)| SourceTable {
                source: source.clone(),
                name: name.clone(),
                table: table.clone(),
                description: None,
                columns: Vec::new(),
                place: Place::new("sources/", 0),
            });
        }
        Ok(all)
    }

    fn add_source(&mut self, file: &str, source: yaml::Source) -> Result<(), ProjectError> {
        let schema = source.schema.as_deref().unwrap_or(&source.name);
        for table in source.tables {
            let place = yaml::place(file, &table);
            let entry = table.value;
            let key = (source.name.clone(), entry.name.clone());
            let lake_table = TableName::new(schema, entry.identifier.as_deref().unwrap_or(&entry.name))
                .map_err(|source| ProjectError::Name { place: place.clone(), source })?;
            let under = Under::Source(key.clone());
            self.add_tests(file, &under, None, entry.tests.into_iter().chain(entry.data_tests));
            let columns = self.add_columns(file, &under, entry.columns);
            match self.sources.entry(key) {
                Entry::Vacant(vacant) => vacant.insert(SourceTable {
                    source: source.name.clone(),
                    name: entry.name,
                    table: lake_table,
                    description: entry.description,
                    columns,
                    place,
                }),
                Entry::Occupied(first) => {
                    let ((source, table), first) = (first.key(), first.get().place.clone());
                    let name = format!("{source}.{table}");
                    return Err(ProjectError::Duplicate { kind: "the source", name, first, place });
                }
            };
        }
        Ok(())
    }

    fn add_model(&mut self, file: &str, model: Spanned<yaml::ModelEntry>) -> Result<(), ProjectError> {
        let place = yaml::place(file, &model);
        let entry = model.value;
        let under = Under::Model(entry.name.clone());
        self.add_tests(file, &under, None, entry.tests.into_iter().chain(entry.data_tests));
        let columns = self.add_columns(file, &under, entry.columns);
        let config = entry.config.map(|config| (yaml::place(file, &config), config.value));
        match self.models.entry(entry.name) {
            Entry::Vacant(vacant) => {
                vacant.insert(ModelProperties { place, description: entry.description, columns, config });
                Ok(())
            }
            Entry::Occupied(first) => Err(ProjectError::Duplicate {
                kind: "the description of the model",
                name: first.key().clone(),
                first: first.get().place.clone(),
                place,
            }),
        }
    }

    fn add_columns(&mut self, file: &str, under: &Under, columns: Vec<ColumnEntry>) -> Vec<Column> {
        columns
            .into_iter()
            .map(|column| {
                let tests = column.tests.into_iter().chain(column.data_tests);
                self.add_tests(file, under, Some(&column.name), tests);
                Column { name: column.name, description: column.description, tags: column.tags.0 }
            })
            .collect()
    }

    fn add_tests(
        &mut self,
        file: &str,
        under: &Under,
        column: Option<&str>,
        tests: impl Iterator<Item = Spanned<Value>>,
    ) {
        self.tests.extend(tests.map(|test| TestDraft {
            under: under.clone(),
            column: column.map(str::to_owned),
            place: yaml::place(file, &test),
            entry: test.value,
        }));
    }
}
