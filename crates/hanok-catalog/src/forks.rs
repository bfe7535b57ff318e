//! The fork map: what each branch saw of its parent when it began, and what that keeps alive.

use std::collections::HashMap;

use hanok_types::Id;
use sqlx::Row as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::branches::{BRANCH_DEPTH_MAX, NewBranch, clear, insert};
use crate::staging::{OwnTable, StagingRecord, add_own};
use crate::tables::record;
use crate::{Branch, Catalog, CatalogError, TableKind, TableRecord};

/// A table or view as a branch saw it when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Name, directory or SQL.
    pub record: TableRecord,
    /// Of a table: the parent's last version that the branch sees.
    pub version: Option<u64>,
    /// Of a table: the parent's `_last_checkpoint` at that time, when it was not newer than `version`.
    pub hint: Option<String>,
}

/// A vacuum must keep what `branch` sees of `parent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkOf {
    /// The branch.
    pub branch: String,
    /// What it was forked from.
    pub parent: String,
    /// The version that it was forked at.
    pub version: u64,
}

/// How an attempt to make a branch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForkOutcome {
    /// It is there, under this id.
    Made(String),
    /// A table that was to be forked has been dropped or made again meanwhile; nothing has changed.
    Changed,
}

impl Catalog {
    /// Makes a branch: its record, its fork map, its tables and its registry, in one transaction whose cost is that of a
    /// few statements whatever the number of tables.
    ///
    /// # Errors
    /// [`CatalogError::BranchExists`], [`CatalogError::BranchDepth`].
    pub async fn create_branch(&self, new: &NewBranch, forks: &[Fork]) -> Result<ForkOutcome, CatalogError> {
        self.make_branch(new, forks, None).await
    }

    /// With what a staging branch has beside its fork map.
    pub(crate) async fn make_branch(
        &self,
        new: &NewBranch,
        forks: &[Fork],
        staging: Option<(&[OwnTable], &StagingRecord)>,
    ) -> Result<ForkOutcome, CatalogError> {
        let action = "make a branch";
        if self.branch_chain(&new.parent).await?.len() >= BRANCH_DEPTH_MAX {
            return Err(CatalogError::BranchDepth { branch: new.name.to_string(), most: BRANCH_DEPTH_MAX });
        }
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(action))?;
        let taken: Option<String> = sqlx::query_scalar("SELECT id FROM branches WHERE name = ?")
            .bind(new.name.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(self.failed(action))?;
        if taken.is_some() {
            return Err(CatalogError::BranchExists { branch: new.name.to_string() });
        }
        insert(&mut transaction, new).await.map_err(self.failed(action))?;
        let whole = fork_from_tables(&mut transaction, &new.id, &new.parent, forks).await;
        if !whole.map_err(self.failed(action))? {
            return Ok(ForkOutcome::Changed);
        }
        fill(&mut transaction, &new.id, &new.parent).await.map_err(self.failed(action))?;
        if let Some((own, record)) = staging {
            add_own(&mut transaction, &new.id, own, record).await.map_err(self.failed(action))?;
        }
        transaction.commit().await.map_err(self.failed(action))?;
        Ok(ForkOutcome::Made(new.id.clone()))
    }

    /// Makes a branch begin anew: under the same name, with a new id and the fork map `forks`, or with the one that it
    /// has. What it had beside that is forgotten; the registry is the parent's of now.
    ///
    /// # Errors
    /// [`CatalogError::BranchInUse`] as for dropping it, and for a staging branch.
    pub async fn reset_branch(
        &self,
        old: &Branch,
        new: &NewBranch,
        forks: Option<&[Fork]>,
    ) -> Result<ForkOutcome, CatalogError> {
        let action = "reset a branch";
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(action))?;
        if self.replaceable(&mut transaction, &old.id).await?.is_none() {
            return Ok(ForkOutcome::Changed);
        }
        let whole = begin_anew(&mut transaction, &old.id, new, forks).await.map_err(self.failed(action))?;
        if !whole {
            return Ok(ForkOutcome::Changed);
        }
        transaction.commit().await.map_err(self.failed(action))?;
        Ok(ForkOutcome::Made(new.id.clone()))
    }

    /// Puts `made` in the place of `old`: under its name, with its registry. What else the catalog holds about `old` goes,
    /// `hold` among it, the journal that has kept writers off it. Returns false, and has changed nothing, when the names
    /// on `old` are no longer `tables`.
    ///
    /// # Errors
    /// [`CatalogError::BranchInUse`] as for resetting it.
    pub async fn replace_branch(
        &self,
        (old, made): (&Branch, &Branch),
        hold: &str,
        tables: &[TableRecord],
    ) -> Result<bool, CatalogError> {
        let action = "rebase a branch";
        let failed = || self.failed(action);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let rows = sqlx::query("SELECT * FROM tables WHERE branch = ? ORDER BY schema_name, table_name")
            .bind(&old.id)
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed())?;
        if rows.iter().map(record).collect::<Result<Vec<_>, _>>()? != tables {
            return Ok(false);
        }
        for statement in ["DELETE FROM merge_tables WHERE merge = ?", "DELETE FROM merges WHERE id = ?"] {
            sqlx::query(statement).bind(hold).execute(&mut *transaction).await.map_err(failed())?;
        }
        if self.replaceable(&mut transaction, &old.id).await?.is_none() {
            return Ok(false);
        }
        for statement in [
            "DELETE FROM feature_objects WHERE branch = ?2",
            "UPDATE feature_objects SET branch = ?2 WHERE branch = ?1",
        ] {
            sqlx::query(statement)
                .bind(&old.id)
                .bind(&made.id)
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
        }
        clear(&mut transaction, &old.id).await.map_err(failed())?;
        sqlx::query("DELETE FROM branches WHERE id = ?")
            .bind(&old.id)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        sqlx::query("UPDATE branches SET name = ?, created_us = ?, expires_us = ? WHERE id = ?")
            .bind(&old.name)
            .bind(old.created_us)
            .bind(old.expires_us)
            .bind(&made.id)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(true)
    }

    /// The fork map of a branch, by name. Empty for `main`.
    pub async fn forks(&self, branch: &str) -> Result<Vec<Fork>, CatalogError> {
        let rows = sqlx::query("SELECT * FROM forks WHERE branch = ? ORDER BY schema_name, table_name")
            .bind(branch)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("read the fork map"))?;
        rows.iter().map(fork).collect()
    }

    /// Records that a vacuum of the table begins with `version`, and returns every fork of the table. A branch that is
    /// made later finds the record, and looks whether the files that it needs are still there.
    pub async fn begin_vacuum(
        &self,
        branch: &str,
        directory: Id,
        version: u64,
    ) -> Result<Vec<ForkOf>, CatalogError> {
        let action = "record a vacuum";
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(action))?;
        sqlx::query(
            "INSERT INTO horizons (branch, directory, version) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET version = max(version, excluded.version)",
        )
        .bind(branch)
        .bind(directory.to_string())
        .bind(version as i64)
        .execute(&mut *transaction)
        .await
        .map_err(self.failed(action))?;
        let rows = sqlx::query(
            "SELECT f.branch, b.parent, f.version FROM forks f JOIN branches b ON b.id = f.branch
             WHERE f.directory = ? AND f.kind = 'table'",
        )
        .bind(directory.to_string())
        .fetch_all(&mut *transaction)
        .await
        .map_err(self.failed(action))?;
        transaction.commit().await.map_err(self.failed(action))?;
        Ok(rows
            .iter()
            .map(|row| ForkOf {
                branch: row.get("branch"),
                parent: row.get("parent"),
                version: row.get::<i64, _>("version").max(0) as u64,
            })
            .collect())
    }

    /// The versions that vacuums of a branch's tables began with, by directory.
    pub async fn horizons(&self, branch: &str) -> Result<HashMap<String, u64>, CatalogError> {
        let rows = sqlx::query("SELECT directory, version FROM horizons WHERE branch = ?")
            .bind(branch)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("read of vacuums"))?;
        let horizon = |row: &SqliteRow| (row.get("directory"), row.get::<i64, _>("version").max(0) as u64);
        Ok(rows.iter().map(horizon).collect())
    }

    /// Every directory that somebody needs, with the id of the branch below whose folder it is: those that a branch's
    /// tables name, and those of a parent that a fork map names.
    pub async fn needed_directories(&self) -> Result<Vec<(String, String)>, CatalogError> {
        let rows = sqlx::query(
            "SELECT branch, directory FROM tables WHERE kind = 'table'
             UNION SELECT b.parent, f.directory FROM forks f JOIN branches b ON b.id = f.branch
                   WHERE f.kind = 'table'
             UNION SELECT m.target, t.directory FROM merge_tables t JOIN merges m ON m.id = t.merge
                   WHERE m.status = 'committing' AND t.directory <> ''",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed("list the directories"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

/// Puts a new branch in the place of `old`. Returns false when the parent's tables are not those of `forks`.
async fn begin_anew(
    connection: &mut SqliteConnection,
    old: &str,
    new: &NewBranch,
    forks: Option<&[Fork]>,
) -> Result<bool, sqlx::Error> {
    // No branch can have this name, and both are there for a moment.
    sqlx::query("UPDATE branches SET name = '' WHERE id = ?").bind(old).execute(&mut *connection).await?;
    insert(&mut *connection, new).await?;
    let whole = match forks {
        Some(forks) => fork_from_tables(&mut *connection, &new.id, &new.parent, forks).await?,
        None => {
            sqlx::query(
                "INSERT INTO forks
                 SELECT ?, schema_name, table_name, kind, directory, definition, version, hint, key_columns
                 FROM forks WHERE branch = ?",
            )
            .bind(&new.id)
            .bind(old)
            .execute(&mut *connection)
            .await?;
            true
        }
    };
    fill(&mut *connection, &new.id, &new.parent).await?;
    clear(&mut *connection, old).await?;
    sqlx::query("DELETE FROM branches WHERE id = ?").bind(old).execute(&mut *connection).await?;
    Ok(whole)
}

/// Writes the fork map of a new branch. Returns false when the parent's tables are not those of `forks`.
async fn fork_from_tables(
    connection: &mut SqliteConnection,
    id: &str,
    parent: &str,
    forks: &[Fork],
) -> Result<bool, sqlx::Error> {
    // SQLite keeps the order of a CROSS JOIN: each row of the list is looked up, not the list read for each table.
    let inserted = sqlx::query(
        "INSERT INTO forks (branch, schema_name, table_name, kind, directory, definition, version, hint, key_columns)
         SELECT ?1, t.schema_name, t.table_name, t.kind, t.directory, t.definition, j.version, j.hint, t.key_columns
         FROM (SELECT value ->> 0 AS s, value ->> 1 AS t, value ->> 2 AS d, value ->> 3 AS version, value ->> 4 AS hint
               FROM json_each(?3)) j
         CROSS JOIN tables t ON t.branch = ?2 AND t.schema_name = j.s AND t.table_name = j.t AND t.directory = j.d",
    )
    .bind(id)
    .bind(parent)
    .bind(as_json(forks))
    .execute(&mut *connection)
    .await?;
    Ok(inserted.rows_affected() == forks.len() as u64)
}

/// Gives a new branch the tables of its fork map and its parent's registry.
async fn fill(connection: &mut SqliteConnection, id: &str, parent: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO tables (branch, schema_name, table_name, kind, directory, definition, created_us, key_columns)
         SELECT branch, schema_name, table_name, kind, directory, definition, ?, key_columns
         FROM forks WHERE branch = ?",
    )
    .bind(crate::store::now_us())
    .bind(id)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO feature_objects (branch, kind, name, version, definition, applied_us)
         SELECT ?, kind, name, version, definition, applied_us FROM feature_objects WHERE branch = ?",
    )
    .bind(id)
    .bind(parent)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// `[[schema, table, directory, version, hint], …]`, which SQLite joins with the parent's tables.
fn as_json(forks: &[Fork]) -> String {
    let rows: Vec<_> = forks
        .iter()
        .map(|fork| {
            let directory = match &fork.record.kind {
                TableKind::Table { directory } => directory.to_string(),
                TableKind::View { .. } => String::new(),
            };
            let name = &fork.record.name;
            (name.schema.as_str(), name.table.as_str(), directory, fork.version, fork.hint.as_deref())
        })
        .collect();
    // Strings and numbers have a JSON form.
    serde_json::to_string(&rows).unwrap_or_default()
}

fn fork(row: &SqliteRow) -> Result<Fork, CatalogError> {
    Ok(Fork {
        record: record(row)?,
        version: row.get::<Option<i64>, _>("version").map(|version| version.max(0) as u64),
        hint: row.get("hint"),
    })
}

/// Of all `forks` of a table, the versions that a vacuum of `branch` must keep: a branch that was forked from a branch
/// that was forked from it reads through both, and so sees the older of the two versions.
pub fn kept_versions(forks: &[ForkOf], branch: &str) -> Vec<u64> {
    let by_branch: HashMap<&str, &ForkOf> = forks.iter().map(|fork| (fork.branch.as_str(), fork)).collect();
    let mut versions: Vec<u64> = Vec::new();
    for fork in forks {
        let (mut at, mut version) = (fork, fork.version);
        for _ in 0..=BRANCH_DEPTH_MAX {
            if at.parent == branch {
                versions.push(version);
                break;
            }
            let Some(above) = by_branch.get(at.parent.as_str()) else { break };
            version = version.min(above.version);
            at = above;
        }
    }
    versions.sort_unstable();
    versions.dedup();
    versions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BranchKind, FeatureObjectKind, LedgerEntry, MAIN_BRANCH};
    use hanok_types::{BranchName, TableName};

    async fn open(folder: &tempfile::TempDir) -> Catalog {
        Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap()
    }

    fn new(name: &str, parent: &str) -> NewBranch {
        NewBranch {
            id: Id::generate().to_string(),
            name: BranchName::new(name).unwrap(),
            kind: BranchKind::Branch,
            parent: parent.to_owned(),
            fork_us: crate::store::now_us(),
            expires_us: None,
            created_by: String::new(),
        }
    }

    async fn make(catalog: &Catalog, name: &str, parent: &str, version: u64) -> String {
        let records = catalog.tables(parent).await.unwrap().into_iter();
        let forks: Vec<Fork> = records
            .map(|record| {
                let table = matches!(record.kind, TableKind::Table { .. });
                Fork { version: table.then_some(version), hint: None, record }
            })
            .collect();
        match catalog.create_branch(&new(name, parent), &forks).await.unwrap() {
            ForkOutcome::Made(id) => id,
            ForkOutcome::Changed => panic!("the tables have not changed"),
        }
    }

    #[tokio::test]
    async fn a_branch_begins_with_the_names_and_the_registry_of_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(&folder).await;
        let (table, view) = (TableName::new("raw", "학생").unwrap(), TableName::new("mart", "v").unwrap());
        let directory = catalog.register_table(MAIN_BRANCH, &table).await.unwrap();
        catalog.put_view(MAIN_BRANCH, &view, "select 1").await.unwrap();
        let object = [(FeatureObjectKind::Entity, "e".to_owned(), "{}".to_owned())];
        catalog.replace_features(MAIN_BRANCH, &object).await.unwrap();
        let id = make(&catalog, "dev", MAIN_BRANCH, 7).await;
        catalog.put_view(MAIN_BRANCH, &view, "select 2").await.unwrap();
        catalog.replace_features(MAIN_BRANCH, &[]).await.unwrap();
        let record = catalog.table(&id, &table).await.unwrap().unwrap();
        assert_eq!(record.kind, TableKind::Table { directory });
        let record = catalog.table(&id, &view).await.unwrap().unwrap();
        assert_eq!(record.kind, TableKind::View { sql: "select 1".to_owned() });
        assert_eq!(catalog.features(&id).await.unwrap().len(), 1);
        let forks = catalog.forks(&id).await.unwrap();
        assert_eq!(forks.iter().map(|fork| fork.version).collect::<Vec<_>>(), [None, Some(7)]);
        let refused = catalog.create_branch(&new("dev", MAIN_BRANCH), &[]).await;
        assert!(matches!(refused, Err(CatalogError::BranchExists { .. })));
        let needed = catalog.needed_directories().await.unwrap();
        assert_eq!(needed.len(), 2, "main's, and the branch's own layer: {needed:?}");

        // The name that the fork map wants has gone.
        let gone = Fork { record: record.clone(), version: None, hint: None };
        catalog.drop_table(MAIN_BRANCH, &view).await.unwrap();
        let outcome = catalog.create_branch(&new("late", MAIN_BRANCH), &[gone]).await.unwrap();
        assert_eq!(outcome, ForkOutcome::Changed);
        assert!(matches!(catalog.branch("late").await, Err(CatalogError::UnknownBranch { .. })));
    }

    #[tokio::test]
    async fn a_branch_goes_only_when_nothing_stands_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(&folder).await;
        catalog.register_table(MAIN_BRANCH, &TableName::new("raw", "t").unwrap()).await.unwrap();
        let dev = make(&catalog, "dev", MAIN_BRANCH, 0).await;
        let inner = make(&catalog, "dev/inner", &dev, 0).await;
        let in_use = |refused| assert!(matches!(refused, Err(CatalogError::BranchInUse { .. })));
        in_use(catalog.drop_branch(MAIN_BRANCH).await);
        in_use(catalog.drop_branch(&dev).await);
        catalog.protect_branch(&inner, true).await.unwrap();
        in_use(catalog.drop_branch(&inner).await);
        catalog.protect_branch(&inner, false).await.unwrap();
        catalog.drop_branch(&inner).await.unwrap();
        catalog.drop_branch(&inner).await.unwrap();
        catalog.drop_branch(&dev).await.unwrap();
        assert_eq!(catalog.branches().await.unwrap().len(), 1);
        let (parent, mut last) = (MAIN_BRANCH.to_owned(), MAIN_BRANCH.to_owned());
        for depth in 1..BRANCH_DEPTH_MAX {
            last = make(&catalog, &format!("b{depth}"), &last, 0).await;
        }
        let refused = catalog.create_branch(&new("b16", &last), &[]).await;
        assert!(matches!(refused, Err(CatalogError::BranchDepth { .. })));
        let chain = catalog.branch_chain(&last).await.unwrap();
        assert_eq!((chain.len(), &chain[0].id, &chain[15].id), (16, &last, &parent));
    }

    #[tokio::test]
    async fn the_ledger_of_a_branch_begins_with_its_parents() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(&folder).await;
        catalog.register_table(MAIN_BRANCH, &TableName::new("raw", "t").unwrap()).await.unwrap();
        let entry = |hash: &str| LedgerEntry {
            table: "raw.t".to_owned(),
            content_hash: hash.to_owned(),
            file: hash.to_owned(),
            bytes: 1,
            rows_loaded: 1,
            rows_rejected: 0,
            load_id: "l".to_owned(),
        };
        catalog.put_ledger(MAIN_BRANCH, &[entry("a")]).await.unwrap();
        let dev = make(&catalog, "dev", MAIN_BRANCH, 0).await;
        catalog.put_ledger(MAIN_BRANCH, &[entry("b")]).await.unwrap();
        catalog.put_ledger(&dev, &[entry("a"), entry("c")]).await.unwrap();
        let hashes = |entries: Vec<LedgerEntry>| -> Vec<String> {
            entries.into_iter().map(|entry| entry.content_hash).collect()
        };
        assert_eq!(hashes(catalog.ledger(&dev, "raw.t").await.unwrap()), ["a", "c"]);
        assert_eq!(hashes(catalog.ledger(MAIN_BRANCH, "raw.t").await.unwrap()), ["a", "b"]);
    }

    #[tokio::test]
    async fn a_thousand_tables_are_a_few_statements() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(&folder).await;
        for at in 0..1000 {
            let name = TableName::new("raw", &format!("t{at}")).unwrap();
            catalog.put_view(MAIN_BRANCH, &name, "select 1").await.unwrap();
        }
        let started = std::time::Instant::now();
        make(&catalog, "dev", MAIN_BRANCH, 3).await;
        let took = started.elapsed();
        assert!(took.as_millis() < 500, "{took:?}");
    }

    #[test]
    fn what_a_vacuum_keeps() {
        let fork = |branch: &str, parent: &str, version| ForkOf {
            branch: branch.to_owned(),
            parent: parent.to_owned(),
            version,
        };
        // `old` was forked from `dev` as it was before `dev` itself began.
        let forks =
            [fork("dev", "main", 5), fork("tag", "main", 9), fork("new", "dev", 8), fork("old", "dev", 2)];
        assert_eq!(kept_versions(&forks, "main"), [2, 5, 9]);
        assert_eq!(kept_versions(&forks, "dev"), [2, 8]);
        assert_eq!(kept_versions(&forks, "new"), Vec::<u64>::new());
    }
}
