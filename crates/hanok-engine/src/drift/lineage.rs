//! Which source and which load a table's rows came from.

use std::collections::BTreeSet;
use std::path::Path;

use hanok_catalog::LedgerEntry;
use hanok_lake::Lake;
use hanok_load::read_sources;
use hanok_report::Origin;
use hanok_transform::Project;
use hanok_types::{Id, TableName};

use crate::Engine;
use crate::build::read_project;

/// Loads listed of one table, the last ones.
const LOADS_MAX: usize = 5;

/// What the catalog and the models of the project say of a table. A project that cannot be read says nothing: lineage is a
/// courtesy.
pub(crate) async fn origins(
    engine: &Engine,
    lake: &Lake,
    table: &TableName,
    side: Option<usize>,
) -> Vec<Origin> {
    let project =
        read_sources(&engine.project.folder).ok().and_then(|sources| read_project(engine, &sources).ok());
    let mut found = Vec::new();
    for raw in sources_of(project.as_ref(), table) {
        // A table that is not loaded has no entries.
        let Ok(entries) = lake.catalog().ledger(lake.branch_id(), &raw.to_string()).await else { continue };
        found.extend(loads(&raw, &entries, side, &engine.project.folder));
    }
    found
}

/// The tables that are loaded and that a table is made of: all that its model and that model's ancestors read, or itself.
fn sources_of(project: Option<&Project>, table: &TableName) -> BTreeSet<TableName> {
    let model = project
        .and_then(|project| Some((project, project.models.iter().position(|model| model.table == *table)?)));
    let Some((project, at)) = model else { return BTreeSet::from([table.clone()]) };
    let mut models = project.graph.ancestors(at);
    models.insert(at);
    models.into_iter().flat_map(|at| project.models[at].sources.iter().cloned()).collect()
}

/// The last loads of a table, the newest first. Files of the project are named from its `folder` on: a report goes to people who have
/// other folders.
fn loads(table: &TableName, entries: &[LedgerEntry], side: Option<usize>, folder: &Path) -> Vec<Origin> {
    let mut loads: Vec<(&str, Vec<&LedgerEntry>)> = Vec::new();
    for entry in entries {
        match loads.iter_mut().find(|(load, _)| *load == entry.load_id) {
            Some((_, files)) => files.push(entry),
            None => loads.push((&entry.load_id, vec![entry])),
        }
    }
    let origin = |(load, files): (&str, Vec<&LedgerEntry>)| {
        let more = match files.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let first = Path::new(files.first().map_or("", |file| file.file.as_str()));
        let first = first.strip_prefix(folder).unwrap_or(first);
        Origin {
            side,
            columns: Vec::new(),
            source: format!("{table}: {}{more}", first.display()),
            at: Id::parse(load).and_then(made),
            load: Some(load.to_owned()),
            rows: Some(files.iter().map(|file| file.rows_loaded).sum()),
        }
    };
    loads.into_iter().rev().take(LOADS_MAX).map(origin).collect()
}

fn made(id: Id) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_millis(i64::try_from(id.made_ms()).ok()?)?;
    Some(time.format("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_load_are_one_origin() {
        let entry = |load: &str, file: &str, rows_loaded| LedgerEntry {
            table: "raw.t".to_owned(),
            content_hash: file.to_owned(),
            file: file.to_owned(),
            bytes: 1,
            rows_loaded,
            rows_rejected: 0,
            load_id: load.to_owned(),
        };
        let id = Id::generate().to_string();
        let entries =
            [entry("old", "/elsewhere/a.csv", 3), entry(&id, "/p/data/b.csv", 4), entry(&id, "/p/c.csv", 5)];
        let table = TableName::parse("raw.t", "main").unwrap();
        let found = loads(&table, &entries, Some(1), Path::new("/p"));
        let shown: Vec<_> =
            found.iter().map(|one| (one.source.as_str(), one.rows, one.at.is_some())).collect();
        let (new, old) = ("raw.t: data/b.csv and 1 more", "raw.t: /elsewhere/a.csv");
        assert_eq!(shown, [(new, Some(9), true), (old, Some(3), false)]);
    }
}
