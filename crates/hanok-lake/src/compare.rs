//! What differs between two branches, and what a branch has changed since it began: tables, schemas, files, rows.
//!
//! Two states of a table are compared by their files (path and deletion vector), which is what Delta's versions are made
//! of. Tables that have the same commits in both are not opened at all.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::SchemaRef;
use hanok_catalog::{Fork, TableKind, TableRecord};
use hanok_types::TableName;

use crate::head::Head;
use crate::{Lake, LakeError, Table};

/// How a table differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the later state has it.
    Added,
    /// Only the earlier state has it.
    Removed,
    /// Both have it, with other files, columns or SQL.
    Changed,
    /// Both have the name, for another table, or for a table and a view.
    Replaced,
}

/// One table or view that differs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TableDifference {
    /// `schema.table`.
    pub table: String,
    /// How.
    pub change: Change,
    /// Version before, of a table.
    pub version_before: Option<u64>,
    /// Version after.
    pub version_after: Option<u64>,
    /// Rows before, when the log knows them.
    pub rows_before: Option<u64>,
    /// Rows after.
    pub rows_after: Option<u64>,
    /// Files that only the later state has.
    pub files_added: u64,
    /// Their size.
    pub bytes_added: u64,
    /// Files that only the earlier state has.
    pub files_removed: u64,
    /// Columns that only the later state has.
    pub columns_added: Vec<String>,
    /// Columns that only the earlier state has.
    pub columns_removed: Vec<String>,
    /// Columns whose type differs, as `name: before → after`.
    pub columns_changed: Vec<String>,
}

/// The files of a table that only one of two states has, with the tables to read them from.
#[derive(Clone, Debug, Default)]
pub struct FileDifference {
    /// The earlier state, and its files that the later one does not have.
    pub before: Option<(Table, Vec<String>)>,
    /// The later state, and its files that the earlier one does not have.
    pub after: Option<(Table, Vec<String>)>,
}

/// One state of a name.
#[derive(Default)]
struct Side {
    record: Option<TableRecord>,
    table: Option<Table>,
}

/// (path, deletion vector) → (bytes, rows).
type Files = BTreeMap<(String, Option<String>), (u64, Option<u64>)>;

impl Side {
    async fn files(&self) -> Result<Files, LakeError> {
        let Some(table) = &self.table else { return Ok(Files::new()) };
        let files = table.files().await?.into_iter();
        Ok(files.map(|file| ((file.path, file.deletions), (file.bytes, file.rows))).collect())
    }

    fn schema(&self) -> Result<Option<SchemaRef>, LakeError> {
        self.table.as_ref().map_or(Ok(None), Table::schema)
    }

    /// Whether the name stands for anything: a table without a commit does not exist.
    fn exists(&self) -> bool {
        match &self.record {
            Some(TableRecord { kind: TableKind::View { .. }, .. }) => true,
            Some(_) => self.table.is_some(),
            None => false,
        }
    }
}

impl Lake {
    /// What `after` has other than this branch, by name. With `only`, of that table or view alone.
    pub async fn difference(
        &self,
        after: &Self,
        only: Option<&TableName>,
    ) -> Result<Vec<TableDifference>, LakeError> {
        let (ours, theirs) = (self.states(only).await?, after.states(only).await?);
        let names: BTreeSet<&TableName> = ours.keys().chain(theirs.keys()).collect();
        let mut found = Vec::new();
        for name in names {
            let (before, now) = (ours.get(name), theirs.get(name));
            if before.is_some() && before == now {
                continue;
            }
            let before = self.side(name, before).await?;
            let after = after.side(name, now).await?;
            found.extend(compare(name, &before, &after).await?);
        }
        Ok(found)
    }

    /// What this branch has changed since it began.
    pub async fn changes(&self) -> Result<Vec<TableDifference>, LakeError> {
        let forks = self.catalog().forks(self.branch_id()).await?;
        let forks: BTreeMap<TableName, Fork> =
            forks.into_iter().map(|fork| (fork.record.name.clone(), fork)).collect();
        let now = self.states(None).await?;
        let names: BTreeSet<&TableName> = forks.keys().chain(now.keys()).collect();
        let mut found = Vec::new();
        for name in names {
            let (fork, state) = (forks.get(name), now.get(name));
            let untouched = |state: &State| {
                fork.is_some_and(|fork| fork.record == state.record && fork.version == state.version())
            };
            if state.is_some_and(untouched) {
                continue;
            }
            let before = self.side_at_fork(name, fork).await?;
            let after = self.side(name, state).await?;
            found.extend(compare(name, &before, &after).await?);
        }
        Ok(found)
    }

    /// The files that only one of two branches has of a table: where the rows that differ are.
    pub async fn file_difference(&self, after: &Self, name: &TableName) -> Result<FileDifference, LakeError> {
        let (before, after) = (self.find(name).await?, after.find(name).await?);
        if before.is_none() && after.is_none() {
            return Err(LakeError::Unknown { table: name.clone() });
        }
        let before = Side { record: None, table: before };
        let after = Side { record: None, table: after };
        let (old, new) = (before.files().await?, after.files().await?);
        let only = |these: &Files, those: &Files| -> Vec<String> {
            these.keys().filter(|key| !those.contains_key(*key)).map(|(path, _)| path.clone()).collect()
        };
        Ok(FileDifference {
            before: before.table.map(|table| (table, only(&old, &new))),
            after: after.table.map(|table| (table, only(&new, &old))),
        })
    }

    /// All names with what tells their states apart without opening them.
    async fn states(&self, only: Option<&TableName>) -> Result<BTreeMap<TableName, State>, LakeError> {
        let mut records = self.records().await?;
        records.retain(|record| only.is_none_or(|name| record.name == *name));
        let (tables, views): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.directory().is_some());
        let heads = self.heads(tables).await?.into_iter().map(|(record, head)| {
            let home = head.map(|Head { version, .. }| (self.home(&record, version), version));
            (record.name.clone(), State { record, home })
        });
        let views = views.into_iter().map(|record| (record.name.clone(), State { home: None, record }));
        Ok(heads.chain(views).collect())
    }

    /// The id of the branch whose layer holds the commit of that version.
    fn home(&self, record: &TableRecord, version: u64) -> String {
        let directory = record.directory().map(|directory| directory.to_string()).unwrap_or_default();
        let mut home = self.branch_id().to_owned();
        for layer in self.layers.iter() {
            home.clone_from(&layer.id);
            if layer.forks.get(&directory).is_none_or(|seen| version > seen.version) {
                break;
            }
        }
        home
    }

    async fn side(&self, name: &TableName, state: Option<&State>) -> Result<Side, LakeError> {
        let Some(state) = state else { return Ok(Side::default()) };
        Ok(Side { record: Some(state.record.clone()), table: self.find(name).await? })
    }

    async fn side_at_fork(&self, name: &TableName, fork: Option<&Fork>) -> Result<Side, LakeError> {
        let Some(fork) = fork else { return Ok(Side::default()) };
        let table = match (fork.record.directory(), fork.version) {
            (Some(directory), Some(version)) => {
                let mut table = self.handle(name, directory)?;
                table.load_at(version).await?;
                Some(table)
            }
            _ => None,
        };
        Ok(Side { record: Some(fork.record.clone()), table })
    }
}

/// A name as the catalog and the log's files tell it.
#[derive(PartialEq, Eq)]
struct State {
    record: TableRecord,
    /// The layer that holds the latest commit, and its version.
    home: Option<(String, u64)>,
}

impl State {
    fn version(&self) -> Option<u64> {
        self.home.as_ref().map(|(_, version)| *version)
    }
}

async fn compare(
    name: &TableName,
    before: &Side,
    after: &Side,
) -> Result<Option<TableDifference>, LakeError> {
    let change = match (before.exists(), after.exists()) {
        (false, false) => return Ok(None),
        (false, true) => Change::Added,
        (true, false) => Change::Removed,
        (true, true) => {
            let kind = |side: &Side| side.record.as_ref().map(|record| record.kind.clone());
            match (kind(before), kind(after)) {
                (Some(TableKind::View { sql: old }), Some(TableKind::View { sql: new })) => {
                    if old == new {
                        return Ok(None);
                    }
                    Change::Changed
                }
                (old, new) if old == new => Change::Changed,
                _ => Change::Replaced,
            }
        }
    };
    let (old, new) = (before.files().await?, after.files().await?);
    let (old_schema, new_schema) = (before.schema()?, after.schema()?);
    let is_table = before.table.is_some() && after.table.is_some();
    if change == Change::Changed && is_table && old_schema == new_schema && old.keys().eq(new.keys()) {
        return Ok(None);
    }
    let rows = |files: &Files, side: &Side| {
        let known = side.table.is_some() && files.keys().all(|(_, vector)| vector.is_none());
        known.then(|| files.values().map(|(_, rows)| *rows).sum::<Option<u64>>()).flatten()
    };
    let added: Vec<_> = new.iter().filter(|(key, _)| !old.contains_key(*key)).collect();
    let columns = columns(old_schema.as_ref(), new_schema.as_ref());
    Ok(Some(TableDifference {
        table: name.to_string(),
        change,
        version_before: before.table.as_ref().and_then(Table::version),
        version_after: after.table.as_ref().and_then(Table::version),
        rows_before: rows(&old, before),
        rows_after: rows(&new, after),
        files_added: added.len() as u64,
        bytes_added: added.iter().map(|(_, (bytes, _))| bytes).sum(),
        files_removed: old.keys().filter(|key| !new.contains_key(*key)).count() as u64,
        columns_added: columns.added,
        columns_removed: columns.removed,
        columns_changed: columns.changed,
    }))
}

#[derive(Default)]
struct Columns {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

/// Differences of columns between two states that both have columns.
fn columns(before: Option<&SchemaRef>, after: Option<&SchemaRef>) -> Columns {
    let (Some(before), Some(after)) = (before, after) else { return Columns::default() };
    let only = |these: &SchemaRef, those: &SchemaRef| -> Vec<String> {
        let missing = these.fields().iter().filter(|field| those.field_with_name(field.name()).is_err());
        missing.map(|field| field.name().clone()).collect()
    };
    let changed = before.fields().iter().filter_map(|field| {
        let now = after.field_with_name(field.name()).ok()?;
        (now.data_type() != field.data_type())
            .then(|| format!("{}: {} → {}", field.name(), field.data_type(), now.data_type()))
    });
    Columns { added: only(after, before), removed: only(before, after), changed: changed.collect() }
}
