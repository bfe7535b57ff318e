//! The merge journal: which tables a merge changes, and whether readers may see it.
//!
//! A merge writes its journal before its first commit and is published after its last one, in one transaction with the
//! names that it changes. Until then readers take its tables at the version before it, and writers hold off. A merge
//! whose process died is rolled forward by the next one that looks.

use std::collections::BTreeMap;

use hanok_types::{Id, TableName};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::now_us;
use crate::tables::record;
use crate::{Catalog, CatalogError, TableRecord};

/// What a merge does with a name of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeAction {
    /// One commit on top of `before`.
    Commit {
        /// The table's directory in the target.
        directory: Id,
        /// The target's version before the merge.
        before: u64,
        /// The directory on the branch.
        source: Id,
        /// The branch's version that is merged.
        source_version: u64,
        /// What the commit does to files, as the lake wrote it down, when it is not what the branch did: rows were
        /// merged one by one.
        rewrite: Option<String>,
    },
    /// A new table, in a directory of its own, that takes the name.
    Create {
        /// The directory in the target.
        directory: Id,
        /// The directory on the branch.
        source: Id,
        /// The branch's version that is merged.
        source_version: u64,
    },
    /// The name becomes a view.
    View {
        /// Its SQL.
        sql: String,
    },
    /// The name goes.
    Drop,
}

/// One name of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeTable {
    /// The name.
    pub name: TableName,
    /// What happens to it.
    pub action: MergeAction,
}

/// A merge as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Its id, a ULID.
    pub id: String,
    /// The id of the branch that is merged.
    pub branch: String,
    /// Its name.
    pub branch_name: String,
    /// The id of the branch that it is merged into.
    pub target: String,
    /// `strict` or `lenient`.
    pub mode: String,
}

/// What a name stood for when a branch and its target last were the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeBase {
    /// A table.
    Table {
        /// The directory on the branch.
        source: Id,
        /// The branch's version.
        source_version: u64,
        /// The directory in the target.
        directory: Id,
        /// The target's version.
        version: u64,
    },
    /// A view.
    View {
        /// Its SQL.
        sql: String,
    },
    /// Nothing: both had dropped it.
    Absent,
}

impl Catalog {
    /// Writes the journal of a merge.
    pub async fn begin_merge(&self, merge: &Merge, tables: &[MergeTable]) -> Result<(), CatalogError> {
        let action = "begin a merge";
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(action))?;
        sqlx::query(
            "INSERT INTO merges (id, branch, branch_name, target, mode, status, pid, created_us)
             VALUES (?, ?, ?, ?, ?, 'committing', ?, ?)",
        )
        .bind(&merge.id)
        .bind(&merge.branch)
        .bind(&merge.branch_name)
        .bind(&merge.target)
        .bind(&merge.mode)
        .bind(i64::from(std::process::id()))
        .bind(now_us())
        .execute(&mut *transaction)
        .await
        .map_err(self.failed(action))?;
        for table in tables {
            let row = Columns::of(&table.action);
            sqlx::query(
                "INSERT INTO merge_tables (merge, schema_name, table_name, action, directory, source, source_version,
                 definition, before_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&merge.id)
            .bind(table.name.schema.as_str())
            .bind(table.name.table.as_str())
            .bind(row.action)
            .bind(row.directory)
            .bind(row.source)
            .bind(row.source_version)
            .bind(row.definition)
            .bind(row.before)
            .execute(&mut *transaction)
            .await
            .map_err(self.failed(action))?;
        }
        transaction.commit().await.map_err(self.failed(action))
    }

    /// The merges that are not published, oldest first.
    pub async fn open_merges(&self) -> Result<Vec<Merge>, CatalogError> {
        let rows = sqlx::query("SELECT * FROM merges WHERE status = 'committing' ORDER BY id")
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("read the merge journal"))?;
        Ok(rows
            .iter()
            .map(|row| Merge {
                id: row.get("id"),
                branch: row.get("branch"),
                branch_name: row.get("branch_name"),
                target: row.get("target"),
                mode: row.get("mode"),
            })
            .collect())
    }

    /// The names of a merge.
    pub async fn merge_tables(&self, merge: &str) -> Result<Vec<MergeTable>, CatalogError> {
        let rows = sqlx::query("SELECT * FROM merge_tables WHERE merge = ? ORDER BY schema_name, table_name")
            .bind(merge)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("read the merge journal"))?;
        rows.iter().map(merge_table).collect()
    }

    /// Corrects what the merge does to a table: on top of which version, at which readers take it meanwhile, and what.
    pub async fn revise_merge(&self, merge: &str, table: &MergeTable) -> Result<(), CatalogError> {
        let row = Columns::of(&table.action);
        sqlx::query(
            "UPDATE merge_tables SET before_version = ?, definition = ?
             WHERE merge = ? AND schema_name = ? AND table_name = ?",
        )
        .bind(row.before)
        .bind(row.definition)
        .bind(merge)
        .bind(table.name.schema.as_str())
        .bind(table.name.table.as_str())
        .execute(&self.pool)
        .await
        .map_err(self.failed("write the merge journal"))?;
        Ok(())
    }

    /// Whether an unpublished merge is about to change what a name of the branch stands for, or its table.
    pub async fn is_held(&self, branch: &str, name: &TableName) -> Result<bool, CatalogError> {
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM merges m JOIN merge_tables t ON t.merge = m.id
             WHERE m.target = ? AND m.status = 'committing' AND t.schema_name = ? AND t.table_name = ?",
        )
        .bind(branch)
        .bind(name.schema.as_str())
        .bind(name.table.as_str())
        .fetch_one(&self.pool)
        .await
        .map_err(self.failed("read the merge journal"))?;
        Ok(found > 0)
    }

    /// Takes the journal of a merge away that has committed nothing, or whose commits have been taken back.
    pub async fn abandon_merge(&self, merge: &str) -> Result<(), CatalogError> {
        let action = "give up a merge";
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(action))?;
        for statement in ["DELETE FROM merge_tables WHERE merge = ?", "DELETE FROM merges WHERE id = ?"] {
            sqlx::query(statement)
                .bind(merge)
                .execute(&mut *transaction)
                .await
                .map_err(self.failed(action))?;
        }
        transaction.commit().await.map_err(self.failed(action))
    }

    /// Publishes a merge: its names take effect and readers see its commits, all at once. `after` has the target's
    /// version after the merge of each table that was committed or created.
    pub async fn publish_merge(
        &self,
        merge: &Merge,
        after: &BTreeMap<TableName, u64>,
    ) -> Result<(), CatalogError> {
        let action = "publish a merge";
        let tables = self.merge_tables(&merge.id).await?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(action))?;
        for MergeTable { name, action: change } in &tables {
            let (schema, table) = (name.schema.as_str(), name.table.as_str());
            let row = Columns::of(change);
            let done = match change {
                MergeAction::Commit { .. } => None,
                MergeAction::Drop => Some(
                    sqlx::query("DELETE FROM tables WHERE branch = ? AND schema_name = ? AND table_name = ?")
                        .bind(&merge.target)
                        .bind(schema)
                        .bind(table),
                ),
                MergeAction::Create { .. } | MergeAction::View { .. } => Some(
                    sqlx::query(
                        "INSERT INTO tables (branch, schema_name, table_name, kind, directory, definition, created_us)
                         VALUES (?, ?, ?, ?, ?, ?, ?)
                         ON CONFLICT DO UPDATE SET kind = excluded.kind, directory = excluded.directory,
                         definition = excluded.definition",
                    )
                    .bind(&merge.target)
                    .bind(schema)
                    .bind(table)
                    .bind(if row.directory.is_empty() { "view" } else { "table" })
                    .bind(row.directory)
                    .bind(row.definition)
                    .bind(now_us()),
                ),
            };
            if let Some(query) = done {
                query.execute(&mut *transaction).await.map_err(self.failed(action))?;
            }
            sqlx::query(
                "UPDATE merge_tables SET after_version = ?
                 WHERE merge = ? AND schema_name = ? AND table_name = ?",
            )
            .bind(after.get(name).map(|version| *version as i64))
            .bind(&merge.id)
            .bind(schema)
            .bind(table)
            .execute(&mut *transaction)
            .await
            .map_err(self.failed(action))?;
            for statement in [
                "INSERT INTO load_ledger
                 SELECT ?1, table_name, content_hash, file, bytes, rows_loaded, rows_rejected, load_id, loaded_us
                 FROM load_ledger WHERE branch = ?2 AND table_name = ?3 ON CONFLICT DO NOTHING",
                "UPDATE tables SET key_columns = coalesce((SELECT s.key_columns FROM tables s WHERE s.branch = ?2
                     AND s.schema_name || '.' || s.table_name = ?3), key_columns)
                 WHERE branch = ?1 AND schema_name || '.' || table_name = ?3",
            ] {
                sqlx::query(statement)
                    .bind(&merge.target)
                    .bind(&merge.branch)
                    .bind(name.to_string())
                    .execute(&mut *transaction)
                    .await
                    .map_err(self.failed(action))?;
            }
        }
        sqlx::query(
            "UPDATE merges SET status = 'published', published_us = ?,
             sequence = (SELECT coalesce(max(sequence), 0) + 1 FROM merges) WHERE id = ?",
        )
        .bind(now_us())
        .bind(&merge.id)
        .execute(&mut *transaction)
        .await
        .map_err(self.failed(action))?;
        transaction.commit().await.map_err(self.failed(action))
    }

    /// The number of the last published merge, 0 when there is none, and a branch's tables at the same moment.
    pub async fn tables_at_once(&self, branch: &str) -> Result<(i64, Vec<TableRecord>), CatalogError> {
        let action = "list the tables";
        let mut transaction = self.pool.begin().await.map_err(self.failed(action))?;
        let published = sqlx::query_scalar("SELECT coalesce(max(sequence), 0) FROM merges")
            .fetch_one(&mut *transaction)
            .await
            .map_err(self.failed(action))?;
        let rows = sqlx::query("SELECT * FROM tables WHERE branch = ? ORDER BY schema_name, table_name")
            .bind(branch)
            .fetch_all(&mut *transaction)
            .await
            .map_err(self.failed(action))?;
        let records = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok((published, records))
    }

    /// The number of the last published merge, 0 when there is none.
    pub async fn last_published(&self) -> Result<i64, CatalogError> {
        sqlx::query_scalar("SELECT coalesce(max(sequence), 0) FROM merges")
            .fetch_one(&self.pool)
            .await
            .map_err(self.failed("read the merge journal"))
    }

    /// The version at which a reader takes a table that has seen merges up to number `seen`: the one before the first
    /// merge that it must not see. `None` when there is no such merge.
    pub async fn version_before_merges(
        &self,
        branch: &str,
        directory: Id,
        seen: i64,
    ) -> Result<Option<u64>, CatalogError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT min(t.before_version) FROM merges m JOIN merge_tables t ON t.merge = m.id
             WHERE m.target = ? AND t.directory = ? AND t.action = 'commit'
             AND (m.status = 'committing' OR m.sequence > ?)",
        )
        .bind(branch)
        .bind(directory.to_string())
        .bind(seen)
        .fetch_one(&self.pool)
        .await
        .map_err(self.failed("read the merge journal"))?;
        Ok(found.map(|version| version.max(0) as u64))
    }

    /// Whether an unpublished merge is about to change a table of a branch; `None` when there is no such branch (any more).
    pub async fn is_table_held(&self, branch: &str, directory: &str) -> Result<Option<bool>, CatalogError> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM merges m JOIN merge_tables t ON t.merge = m.id
             WHERE m.target = b.id AND m.status = 'committing' AND t.action = 'commit' AND t.directory = ?2)
             FROM branches b WHERE b.id = ?1",
        )
        .bind(branch)
        .bind(directory)
        .fetch_optional(&self.pool)
        .await
        .map_err(self.failed("read the merge journal"))
    }

    /// The directories of a branch's tables that an unpublished merge is about to change, with the versions before it.
    pub async fn held_tables(&self, branch: &str) -> Result<BTreeMap<String, u64>, CatalogError> {
        let rows = sqlx::query(
            "SELECT t.directory, t.before_version FROM merges m JOIN merge_tables t ON t.merge = m.id
             WHERE m.target = ? AND m.status = 'committing' AND t.action = 'commit'",
        )
        .bind(branch)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed("read the merge journal"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get::<i64, _>(1).max(0) as u64)).collect())
    }

    /// Where a branch and its target last were the same, by name, as far as merges made them so.
    pub async fn merge_bases(
        &self,
        branch: &str,
        target: &str,
    ) -> Result<BTreeMap<TableName, MergeBase>, CatalogError> {
        let rows = sqlx::query(
            "SELECT t.* FROM merges m JOIN merge_tables t ON t.merge = m.id
             WHERE m.branch = ? AND m.target = ? AND m.status = 'published' ORDER BY m.sequence",
        )
        .bind(branch)
        .bind(target)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed("read the merge journal"))?;
        let mut bases = BTreeMap::new();
        for row in &rows {
            let version = row.get::<Option<i64>, _>("after_version").map(|version| version.max(0) as u64);
            let MergeTable { name, action } = merge_table(row)?;
            let base = match (action, version) {
                (
                    MergeAction::Commit { directory, source, source_version, .. }
                    | MergeAction::Create { directory, source, source_version },
                    Some(version),
                ) => MergeBase::Table { source, source_version, directory, version },
                (MergeAction::View { sql }, _) => MergeBase::View { sql },
                (MergeAction::Drop, _) => MergeBase::Absent,
                (_, None) => continue,
            };
            bases.insert(name, base);
        }
        Ok(bases)
    }
}

/// An action as the journal's columns.
struct Columns<'a> {
    action: &'static str,
    directory: String,
    source: Option<String>,
    source_version: Option<i64>,
    definition: Option<&'a str>,
    before: Option<i64>,
}

impl<'a> Columns<'a> {
    fn of(action: &'a MergeAction) -> Self {
        let empty = Self {
            action: "drop",
            directory: String::new(),
            source: None,
            source_version: None,
            definition: None,
            before: None,
        };
        match action {
            MergeAction::Drop => empty,
            MergeAction::View { sql } => Self { action: "view", definition: Some(sql), ..empty },
            MergeAction::Create { directory, source, source_version } => Self {
                action: "create",
                directory: directory.to_string(),
                source: Some(source.to_string()),
                source_version: Some(*source_version as i64),
                ..empty
            },
            MergeAction::Commit { directory, before, source, source_version, rewrite } => Self {
                action: "commit",
                definition: rewrite.as_deref(),
                directory: directory.to_string(),
                source: Some(source.to_string()),
                source_version: Some(*source_version as i64),
                before: Some(*before as i64),
            },
        }
    }
}

fn merge_table(row: &SqliteRow) -> Result<MergeTable, CatalogError> {
    let (schema, table): (String, String) = (row.get("schema_name"), row.get("table_name"));
    let invalid = |reason: &str| CatalogError::Record {
        what: format!("the merge of {schema}.{table}"),
        reason: reason.to_owned(),
    };
    let name = TableName::new(&schema, &table).map_err(|error| invalid(&error.to_string()))?;
    let id = |column: &str| row.get::<Option<String>, _>(column).and_then(|text| Id::parse(&text));
    let version = |column: &str| row.get::<Option<i64>, _>(column).map(|version| version.max(0) as u64);
    let action: String = row.get("action");
    let action = match action.as_str() {
        "drop" => Some(MergeAction::Drop),
        "view" => row.get::<Option<String>, _>("definition").map(|sql| MergeAction::View { sql }),
        _ => (|| {
            let (directory, source) = (id("directory")?, id("source")?);
            let source_version = version("source_version")?;
            Some(match action.as_str() {
                "create" => MergeAction::Create { directory, source, source_version },
                _ => MergeAction::Commit {
                    directory,
                    before: version("before_version")?,
                    source,
                    source_version,
                    rewrite: row.get("definition"),
                },
            })
        })(),
    };
    let action = action.ok_or_else(|| invalid("a directory or a version is missing"))?;
    Ok(MergeTable { name, action })
}
