//! From files to a checked project: settings from all their layers, references to indices, tests to SQL.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use hanok_types::TableName;
use serde_json::{Map, Value};

use crate::config::{FolderConfig, Layer, ModelConfig, SCHEMA_DEFAULT};
use crate::data_tests::{DataTest, Severity, TestEntry, TestSql, TestTarget};
use crate::data_tests::{Rule, column_sql, expression_sql, failing_rows};
use crate::files::{Files, SourceFile};
use crate::graph::{Graph, GraphCycle};
use crate::place::{Notice, Place, did_you_mean};
use crate::project::{Model, Project, ProjectError, ProjectInput};
use crate::properties::{Properties, TestDraft, Under};
use crate::template::{Names, Record, Renderer, TemplateError, line_of, line_of_call};

/// A model after the first pass.
struct Draft<'a> {
    file: &'a SourceFile,
    config: ModelConfig,
    table: TableName,
    record: Record,
}

impl Draft<'_> {
    fn place(&self) -> Place {
        Place::new(&self.file.file, 0)
    }

    /// Where the template calls `function` with `argument`; the file when the argument is computed.
    fn call(&self, function: &str, argument: &str) -> Place {
        Place::new(&self.file.file, line_of_call(&self.file.text, function, argument).unwrap_or(0))
    }
}

/// Links `files` into a project.
pub(crate) fn link(
    input: &ProjectInput,
    files: Files,
    folders: &FolderConfig,
) -> Result<Project, ProjectError> {
    let Files { sql, yaml, mut notices } = files;
    let mut properties = Properties::read(&yaml, &input.loaded, &mut notices)?;
    let renderer = Renderer::new(&input.name, input.vars.clone(), SCHEMA_DEFAULT);
    let drafts = drafts(&sql, &renderer, folders, &properties, &mut notices)?;
    unused(&sql, folders, &properties, &drafts, &mut notices);

    let (enabled, disabled): (Vec<Draft<'_>>, Vec<Draft<'_>>) =
        drafts.into_values().partition(|draft| draft.config.enabled);
    let names = Arc::new(names(&enabled, &properties)?);
    let index: HashMap<&str, usize> =
        enabled.iter().enumerate().map(|(at, draft)| (draft.file.stem.as_str(), at)).collect();
    let linker = Linker { renderer: &renderer, names: &names, index: &index };
    let graph = linker.graph(&enabled, &disabled)?;
    let tested = tested_keys(&properties.tests);
    let mut models = Vec::with_capacity(enabled.len());
    for draft in &enabled {
        let mut model = linker.model(draft, &mut properties)?;
        let tested = tested.get(model.name.as_str()).map(|column| vec![column.clone()]);
        model.key = draft.config.unique_key.clone().or(tested).unwrap_or_default();
        models.push(model);
    }
    let mut tests = Vec::new();
    for draft in std::mem::take(&mut properties.tests) {
        if let Some(test) = linker.test(draft, &models, &properties, &mut notices)? {
            tests.push(test);
        }
    }
    Ok(Project { models, graph, sources: properties.sources.into_values().collect(), tests, notices })
}

/// The first pass over all templates.
fn drafts<'a>(
    files: &'a [SourceFile],
    renderer: &Renderer,
    folders: &FolderConfig,
    properties: &Properties,
    notices: &mut Vec<Notice>,
) -> Result<BTreeMap<&'a str, Draft<'a>>, ProjectError> {
    let mut drafts: BTreeMap<&str, Draft<'_>> = BTreeMap::new();
    for file in files {
        let place = || Place::new(&file.file, 0);
        let name = |schema: &str, table: &str| {
            TableName::new(schema, table).map_err(|e| (place(), e)).map_err(name_error)
        };
        let record =
            renderer.render(&file.file, &file.text, &name(SCHEMA_DEFAULT, &file.stem)?, None)?.record;
        let path: Vec<&str> = file.folders.iter().map(String::as_str).chain([file.stem.as_str()]).collect();
        let mut layer = folders.layer(&path);
        let entry = properties.models.get(&file.stem).and_then(|model| model.config.as_ref());
        if let Some((place, settings)) = entry {
            lay(&mut layer, place.clone(), settings, notices)?;
        }
        if !record.config.is_empty() {
            let line = line_of(&file.text, "config(").unwrap_or(0);
            lay(&mut layer, Place::new(&file.file, line), &record.config, notices)?;
        }
        let config = layer.finish().map_err(|source| ProjectError::Config { place: place(), source })?;
        let table = match &config.alias {
            Some(alias) => TableName { schema: config.schema.clone(), table: alias.clone() },
            None => name(config.schema.as_str(), &file.stem)?,
        };
        match drafts.entry(&file.stem) {
            Entry::Vacant(vacant) => {
                vacant.insert(Draft { file, config, table, record });
            }
            Entry::Occupied(first) => {
                return Err(ProjectError::Duplicate {
                    kind: "the model",
                    name: file.stem.clone(),
                    first: first.get().place(),
                    place: place(),
                });
            }
        }
    }
    Ok(drafts)
}

fn name_error((place, source): (Place, hanok_types::NameError)) -> ProjectError {
    ProjectError::Name { place, source }
}

/// Lays the settings found at `place` over `layer`.
fn lay(
    layer: &mut Layer,
    place: Place,
    settings: &Map<String, Value>,
    notices: &mut Vec<Notice>,
) -> Result<(), ProjectError> {
    match Layer::read(settings) {
        Ok((over, unused)) => {
            layer.overlay(&over);
            notices.extend(unused.into_iter().map(|key| no_effect(place.clone(), &key)));
            Ok(())
        }
        Err(source) => Err(ProjectError::Config { place, source }),
    }
}

fn no_effect(place: Place, key: &str) -> Notice {
    Notice { place, message: format!("`{key}` has no effect in this version") }
}

/// Settings and descriptions that fit nothing.
fn unused(
    files: &[SourceFile],
    folders: &FolderConfig,
    properties: &Properties,
    drafts: &BTreeMap<&str, Draft<'_>>,
    notices: &mut Vec<Notice>,
) {
    let mut paths = BTreeSet::new();
    for file in files {
        for depth in 1..=file.folders.len() {
            paths.insert(file.folders[..depth].join("/"));
        }
        let own = file.folders.iter().chain([&file.stem]).cloned().collect::<Vec<_>>();
        paths.insert(own.join("/"));
    }
    for key in folders.unused(&|path| paths.contains(path)) {
        notices.push(no_effect(Place::new("hanok.yaml", 0), &format!("models/{key}")));
    }
    for (name, model) in &properties.models {
        if !drafts.contains_key(name.as_str()) {
            let similar = did_you_mean(name, drafts.keys().copied());
            let hint = similar.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let message =
                format!("there is no model `{name}`, so its description and tests have no effect{hint}");
            notices.push(Notice { place: model.place.clone(), message });
        }
    }
}

/// All names, and the check that no two of them mean one table.
fn names(enabled: &[Draft<'_>], properties: &Properties) -> Result<Names, ProjectError> {
    let mut names = Names::default();
    let mut writers: HashMap<&TableName, Place> =
        properties.sources.values().map(|source| (&source.table, source.place.clone())).collect();
    for (key, source) in &properties.sources {
        names.sources.insert(key.clone(), source.table.clone());
    }
    for draft in enabled {
        if let Some(first) = writers.insert(&draft.table, draft.place()) {
            let (name, place) = (draft.table.to_string(), draft.place());
            return Err(ProjectError::Duplicate { kind: "the table", name, first, place });
        }
        names.models.insert(draft.file.stem.clone(), draft.table.clone());
    }
    Ok(names)
}

/// Of each model the column that its tests say is `unique` and `not_null`, of all rows and as a failure, when exactly one
/// is.
fn tested_keys(tests: &[TestDraft]) -> BTreeMap<String, String> {
    let mut said: BTreeMap<(&str, &str), (bool, bool)> = BTreeMap::new();
    for test in tests {
        // Whoever reads the tests in earnest tells what is wrong with one.
        let (Under::Model(model), Some(column), Ok(entry)) =
            (&test.under, &test.column, TestEntry::read(&test.entry))
        else {
            continue;
        };
        if !entry.enabled
            || entry.severity != Severity::Error
            || entry.condition.is_some()
            || entry.column_name.is_some()
        {
            continue;
        }
        let (unique, not_null) = said.entry((model, column)).or_default();
        *unique |= entry.rule == Rule::Unique;
        *not_null |= entry.rule == Rule::NotNull;
    }
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((model, column), _) in said.into_iter().filter(|(_, said)| *said == (true, true)) {
        keys.entry(model.to_owned()).or_default().push(column.to_owned());
    }
    keys.into_iter()
        .filter(|(_, columns)| columns.len() == 1)
        .map(|(model, mut columns)| (model, columns.remove(0)))
        .collect()
}

struct Linker<'a> {
    renderer: &'a Renderer,
    names: &'a Arc<Names>,
    index: &'a HashMap<&'a str, usize>,
}

impl Linker<'_> {
    fn graph(&self, enabled: &[Draft<'_>], disabled: &[Draft<'_>]) -> Result<Graph, ProjectError> {
        let mut parents = Vec::with_capacity(enabled.len());
        for draft in enabled {
            let mut own = Vec::new();
            for name in &draft.record.refs {
                match self.index.get(name.as_str()) {
                    Some(&parent) => own.push(parent),
                    None => return Err(unknown_ref(draft, name, enabled, disabled)),
                }
            }
            parents.push(own);
        }
        Graph::new(parents).map_err(|GraphCycle(circle)| {
            let next = circle.iter().cycle().skip(1);
            let path = circle
                .iter()
                .zip(next)
                .map(|(&node, &next)| {
                    let place = enabled[node].call("ref", &enabled[next].file.stem);
                    (enabled[node].file.stem.clone(), place)
                })
                .collect();
            ProjectError::Cycle { path }
        })
    }

    /// The second pass: every name is known.
    fn model(&self, draft: &Draft<'_>, properties: &mut Properties) -> Result<Model, ProjectError> {
        let file = draft.file;
        let mut rendered = self.renderer.render(&file.file, &file.text, &draft.table, Some(self.names))?;
        if rendered.record != draft.record {
            // Only a template that asks for its own settings, or another's name, and acts on them can do this.
            let message = "what the template refers to depends on the names of tables".to_owned();
            return Err(TemplateError::Render { place: draft.place(), message }.into());
        }
        // A view's SQL is put into other queries, where a semicolon would end them.
        let kept = rendered.sql.trim_end().trim_end_matches(';').trim_end().len();
        rendered.sql.truncate(kept);
        if rendered.sql.trim().is_empty() {
            let message = "the template renders to nothing; a model is a `select`".to_owned();
            return Err(TemplateError::Render { place: draft.place(), message }.into());
        }
        let mut sources: Vec<TableName> =
            draft.record.sources.iter().filter_map(|key| self.names.sources.get(key)).cloned().collect();
        sources.sort();
        sources.dedup();
        let (description, columns) = match properties.models.remove(&file.stem) {
            Some(model) => (model.description, model.columns),
            None => (None, Vec::new()),
        };
        Ok(Model {
            name: file.stem.clone(),
            file: file.file.clone(),
            folders: file.folders.clone(),
            table: draft.table.clone(),
            config: draft.config.clone(),
            key: Vec::new(),
            description,
            columns,
            sql: rendered.sql,
            lines: rendered.lines,
            sources,
        })
    }

    /// A test with its SQL; `None` when it is disabled or stands under nothing that exists.
    fn test(
        &self,
        draft: TestDraft,
        models: &[Model],
        properties: &Properties,
        notices: &mut Vec<Notice>,
    ) -> Result<Option<DataTest>, ProjectError> {
        let place = draft.place;
        let wrong = |message| ProjectError::Test { place: place.clone(), message };
        let entry = TestEntry::read(&draft.entry).map_err(wrong)?;
        notices.extend(entry.unused.iter().map(|key| no_effect(place.clone(), key)));
        if !entry.enabled {
            return Ok(None);
        }
        let (target, table, label) = match &draft.under {
            Under::Model(name) => {
                let Some(&at) = self.index.get(name.as_str()) else { return Ok(None) };
                (TestTarget::Model(at), &models[at].table, name.clone())
            }
            Under::Source(key) => {
                let Some(source) = properties.sources.get(key) else { return Ok(None) };
                (TestTarget::Source(source.table.clone()), &source.table, format!("{}_{}", key.0, key.1))
            }
        };
        let column = entry.column_name.as_deref().or(draft.column.as_deref());
        let Some(column) = column else {
            let message = "the test needs a column: put it under one, or give `column_name`".to_owned();
            return Err(wrong(message));
        };
        let mut refs: BTreeSet<usize> =
            if let TestTarget::Model(at) = target { BTreeSet::from([at]) } else { BTreeSet::new() };
        let mut note = |record: &Record| {
            refs.extend(record.refs.iter().filter_map(|name| self.index.get(name.as_str())));
        };
        let condition = match &entry.condition {
            Some(condition) => {
                let (sql, record) = self.renderer.text(&place, condition, self.names)?;
                note(&record);
                Some(sql)
            }
            None => None,
        };
        let to = match &entry.rule {
            Rule::Relationships { to, .. } => {
                let (to, record) = self.renderer.relation(&place, to, self.names)?;
                note(&record);
                Some(to)
            }
            _ => None,
        };
        let column_text =
            if entry.column_name.is_some() { expression_sql(column) } else { column_sql(column) };
        let parts = TestSql { table, column: &column_text, condition: condition.as_deref(), to: to.as_ref() };
        let sql = failing_rows(&entry.rule, &parts);
        let refers_to = match (&entry.rule, &to, &entry.column_name) {
            (Rule::Relationships { field, .. }, Some(to), None) => Some((to.clone(), field.clone())),
            _ => None,
        };
        let mut name = entry.full_name(&label, Some(column));
        if entry.name.is_none() && matches!(target, TestTarget::Source(_)) {
            name.insert_str(0, "source_");
        }
        let models = refs.into_iter().collect();
        let column = Some(column.to_owned());
        Ok(Some(DataTest { name, target, models, column, refers_to, severity: entry.severity, sql, place }))
    }
}

fn unknown_ref(draft: &Draft<'_>, name: &str, enabled: &[Draft<'_>], disabled: &[Draft<'_>]) -> ProjectError {
    let place = draft.call("ref", name);
    if disabled.iter().any(|other| other.file.stem == name) {
        return ProjectError::Disabled { place, name: name.to_owned() };
    }
    let similar = did_you_mean(name, enabled.iter().map(|other| other.file.stem.as_str()));
    TemplateError::Ref { place, name: name.to_owned(), similar }.into()
}
