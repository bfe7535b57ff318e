//! Tables and views by branch.

use hanok_types::{Id, TableName};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::now_us;
use crate::{Catalog, CatalogError};

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// A Delta table in `directory` below the branch's folder.
    Table {
        /// The table's folder.
        directory: Id,
    },
    /// A stored query.
    View {
        /// Its SQL, over `schema.table` names.
        sql: String,
    },
}

/// A table or a view of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRecord {
    /// Its name.
    pub name: TableName,
    /// What it is.
    pub kind: TableKind,
}

impl TableRecord {
    /// The folder of a table; a view has none.
    pub fn directory(&self) -> Option<Id> {
        match self.kind {
            TableKind::Table { directory } => Some(directory),
            TableKind::View { .. } => None,
        }
    }
}

impl Catalog {
    /// The record of `name`, if there is one.
    pub async fn table(&self, branch: &str, name: &TableName) -> Result<Option<TableRecord>, CatalogError> {
        sqlx::query("SELECT * FROM tables WHERE branch = ? AND schema_name = ? AND table_name = ?")
            .bind(branch)
            .bind(name.schema.as_str())
            .bind(name.table.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed("look up a table"))?
            .map(|row| record(&row))
            .transpose()
    }

    /// All tables and views of a branch, by name.
    pub async fn tables(&self, branch: &str) -> Result<Vec<TableRecord>, CatalogError> {
        let rows = sqlx::query("SELECT * FROM tables WHERE branch = ? ORDER BY schema_name, table_name")
            .bind(branch)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("list the tables"))?;
        rows.iter().map(record).collect()
    }

    /// How many tables and views a branch has.
    pub async fn table_count(&self, branch: &str) -> Result<u64, CatalogError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM tables WHERE branch = ?")
            .bind(branch)
            .fetch_one(&self.pool)
            .await
            .map_err(self.failed("count the tables"))?;
        Ok(count.max(0) as u64)
    }

    /// The columns that tell a table's rows apart, empty when nobody has said.
    pub async fn key_columns(&self, branch: &str, name: &TableName) -> Result<Vec<String>, CatalogError> {
        let text: Option<Option<String>> = sqlx::query_scalar(
            "SELECT key_columns FROM tables WHERE branch = ? AND schema_name = ? AND table_name = ?",
        )
        .bind(branch)
        .bind(name.schema.as_str())
        .bind(name.table.as_str())
        .fetch_optional(&self.pool)
        .await
        .map_err(self.failed("look up a table"))?;
        let Some(text) = text.flatten() else { return Ok(Vec::new()) };
        serde_json::from_str(&text).map_err(|error| CatalogError::Record {
            what: format!("table {name}"),
            reason: format!("its key: {error}"),
        })
    }

    /// Records the columns that tell a table's rows apart.
    pub async fn set_key_columns(
        &self,
        branch: &str,
        name: &TableName,
        columns: &[String],
    ) -> Result<(), CatalogError> {
        // A list of strings has a JSON form.
        let text = (!columns.is_empty()).then(|| serde_json::to_string(columns).unwrap_or_default());
        sqlx::query(
            "UPDATE tables SET key_columns = ?1 WHERE branch = ?2 AND schema_name = ?3 AND table_name = ?4
             AND key_columns IS NOT ?1",
        )
        .bind(text)
        .bind(branch)
        .bind(name.schema.as_str())
        .bind(name.table.as_str())
        .execute(&self.pool)
        .await
        .map_err(self.failed("record a table's key"))?;
        Ok(())
    }

    /// Gives `name` a directory, or returns the directory that it has. A view of that name is replaced.
    ///
    /// Of several processes that come at once, all get the same directory.
    pub async fn register_table(&self, branch: &str, name: &TableName) -> Result<Id, CatalogError> {
        let fresh = Id::generate();
        sqlx::query(
            "INSERT INTO tables (branch, schema_name, table_name, kind, directory, definition, created_us)
             VALUES (?, ?, ?, 'table', ?, NULL, ?)
             ON CONFLICT DO UPDATE SET kind = 'table', directory = excluded.directory, definition = NULL
             WHERE kind = 'view'",
        )
        .bind(branch)
        .bind(name.schema.as_str())
        .bind(name.table.as_str())
        .bind(fresh.to_string())
        .bind(now_us())
        .execute(&self.pool)
        .await
        .map_err(self.failed("register a table"))?;
        match self.table(branch, name).await? {
            Some(TableRecord { kind: TableKind::Table { directory }, .. }) => Ok(directory),
            _ => Err(CatalogError::Record {
                what: format!("table {name}"),
                reason: "another process dropped or replaced it at this moment".to_owned(),
            }),
        }
    }

    /// Makes the view `name` a table in `directory`. Returns false when it is no view (any more).
    pub async fn view_to_table(
        &self,
        branch: &str,
        name: &TableName,
        directory: Id,
    ) -> Result<bool, CatalogError> {
        let done = sqlx::query(
            "UPDATE tables SET kind = 'table', directory = ?, definition = NULL
             WHERE branch = ? AND schema_name = ? AND table_name = ? AND kind = 'view'",
        )
        .bind(directory.to_string())
        .bind(branch)
        .bind(name.schema.as_str())
        .bind(name.table.as_str())
        .execute(&self.pool)
        .await
        .map_err(self.failed("make a view a table"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Stores a view, replacing a table or view of that name.
    pub async fn put_view(&self, branch: &str, name: &TableName, sql: &str) -> Result<(), CatalogError> {
        sqlx::query(
            "INSERT INTO tables (branch, schema_name, table_name, kind, directory, definition, created_us)
             VALUES (?, ?, ?, 'view', '', ?, ?)
             ON CONFLICT DO UPDATE SET kind = 'view', directory = '', definition = excluded.definition,
             key_columns = NULL",
        )
        .bind(branch)
        .bind(name.schema.as_str())
        .bind(name.table.as_str())
        .bind(sql)
        .bind(now_us())
        .execute(&self.pool)
        .await
        .map_err(self.failed("store a view"))?;
        Ok(())
    }

    /// Forgets a table or view. Returns whether there was one. A table's files stay until the lake is vacuumed.
    pub async fn drop_table(&self, branch: &str, name: &TableName) -> Result<bool, CatalogError> {
        let done = sqlx::query("DELETE FROM tables WHERE branch = ? AND schema_name = ? AND table_name = ?")
            .bind(branch)
            .bind(name.schema.as_str())
            .bind(name.table.as_str())
            .execute(&self.pool)
            .await
            .map_err(self.failed("drop a table"))?;
        Ok(done.rows_affected() > 0)
    }
}

pub(crate) fn record(row: &SqliteRow) -> Result<TableRecord, CatalogError> {
    let (schema, table): (String, String) = (row.get("schema_name"), row.get("table_name"));
    let invalid = |reason: String| CatalogError::Record { what: format!("table {schema}.{table}"), reason };
    let name = TableName::new(&schema, &table).map_err(|error| invalid(error.to_string()))?;
    let kind: String = row.get("kind");
    let kind = if kind == "view" {
        TableKind::View { sql: row.get::<Option<String>, _>("definition").unwrap_or_default() }
    } else {
        let directory: String = row.get("directory");
        let directory =
            Id::parse(&directory).ok_or_else(|| invalid(format!("`{directory}` is not a directory id")))?;
        TableKind::Table { directory }
    };
    Ok(TableRecord { name, kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAIN_BRANCH;

    #[tokio::test]
    async fn a_table_keeps_its_directory_and_a_view_gives_way() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let name = TableName::new("mart", "학생").unwrap();
        catalog.put_view(MAIN_BRANCH, &name, "select 1").await.unwrap();
        let first = catalog.register_table(MAIN_BRANCH, &name).await.unwrap();
        assert_eq!(catalog.register_table(MAIN_BRANCH, &name).await.unwrap(), first);
        let record = catalog.table(MAIN_BRANCH, &name).await.unwrap().unwrap();
        assert_eq!(record.kind, TableKind::Table { directory: first });
        assert!(catalog.drop_table(MAIN_BRANCH, &name).await.unwrap());
        assert!(!catalog.drop_table(MAIN_BRANCH, &name).await.unwrap());
    }
}
