//! Staging branches: made in one transaction, with tables of their own that are written before.

use hanok_types::{Id, TableName};
use sqlx::{Row as _, SqliteConnection};

use crate::branches::NewBranch;
use crate::store::now_us;
use crate::{Catalog, CatalogError, Fork, ForkOutcome};

/// A table that a branch begins with and its parent does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTable {
    /// Its name.
    pub name: TableName,
    /// Its folder below the branch's.
    pub directory: Id,
    /// The columns that tell its rows apart, empty when nobody has said.
    pub key: Vec<String>,
}

/// How a staging branch was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagingRecord {
    /// What was done, JSON.
    pub manifest: String,
    /// A code of the manifest's bytes, hexadecimal.
    pub signature: String,
}

impl Catalog {
    /// Makes a staging branch: as [`Catalog::create_branch`], with tables of its own and the record of how it was made.
    /// Before this nobody can see the branch, after it all of it is there.
    pub async fn create_staging(
        &self,
        new: &NewBranch,
        forks: &[Fork],
        own: &[OwnTable],
        record: &StagingRecord,
    ) -> Result<ForkOutcome, CatalogError> {
        self.make_branch(new, forks, Some((own, record))).await
    }

    /// How the branch of that id, or the nearest below it, was made; `None` when none of them is a staging branch.
    pub async fn staging(&self, branch: &str) -> Result<Option<StagingRecord>, CatalogError> {
        for member in self.branch_chain(branch).await? {
            let row = sqlx::query("SELECT manifest, signature FROM staging WHERE branch = ?")
                .bind(&member.id)
                .fetch_optional(&self.pool)
                .await
                .map_err(self.failed("read how a staging branch was made"))?;
            if let Some(row) = row {
                let record = StagingRecord { manifest: row.get("manifest"), signature: row.get("signature") };
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

/// Gives a new branch its own tables and its record.
pub(crate) async fn add_own(
    connection: &mut SqliteConnection,
    branch: &str,
    own: &[OwnTable],
    record: &StagingRecord,
) -> Result<(), sqlx::Error> {
    for table in own {
        // A list of strings has a JSON form.
        let key = (!table.key.is_empty()).then(|| serde_json::to_string(&table.key).unwrap_or_default());
        sqlx::query(
            "INSERT INTO tables (branch, schema_name, table_name, kind, directory, created_us, key_columns)
             VALUES (?, ?, ?, 'table', ?, ?, ?)",
        )
        .bind(branch)
        .bind(table.name.schema.as_str())
        .bind(table.name.table.as_str())
        .bind(table.directory.to_string())
        .bind(now_us())
        .bind(key)
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query("INSERT INTO staging (branch, manifest, signature) VALUES (?, ?, ?)")
        .bind(branch)
        .bind(&record.manifest)
        .bind(&record.signature)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use hanok_types::BranchName;

    use super::*;
    use crate::{BranchKind, MAIN_BRANCH, TableKind};

    #[tokio::test]
    async fn a_staging_branch_is_whole_and_is_not_reset() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let name = TableName::new("raw", "students").unwrap();
        catalog.register_table(MAIN_BRANCH, &name).await.unwrap();
        let new = |name: &str, parent: &str| NewBranch {
            id: Id::generate().to_string(),
            name: BranchName::new(name).unwrap(),
            kind: BranchKind::Branch,
            parent: parent.to_owned(),
            fork_us: now_us(),
            expires_us: None,
            created_by: String::new(),
        };
        let own = OwnTable { name: name.clone(), directory: Id::generate(), key: vec!["id".to_owned()] };
        let record = StagingRecord { manifest: "{}".to_owned(), signature: "ab".to_owned() };
        let dev = new("dev", MAIN_BRANCH);
        catalog.create_staging(&dev, &[], std::slice::from_ref(&own), &record).await.unwrap();
        let found = catalog.table(&dev.id, &name).await.unwrap().unwrap();
        assert_eq!(found.kind, TableKind::Table { directory: own.directory });
        assert_eq!(catalog.key_columns(&dev.id, &name).await.unwrap(), ["id"]);
        assert_eq!(catalog.forks(&dev.id).await.unwrap(), []);
        assert_eq!(catalog.staging(MAIN_BRANCH).await.unwrap(), None);
        let inner = new("dev/inner", &dev.id);
        catalog.create_branch(&inner, &[]).await.unwrap();
        assert_eq!(catalog.staging(&inner.id).await.unwrap(), Some(record.clone()));
        catalog.drop_branch(&inner.id).await.unwrap();
        let branch = catalog.branch("dev").await.unwrap();
        let refused = catalog.reset_branch(&branch, &new("dev", MAIN_BRANCH), Some(&[])).await;
        assert!(matches!(refused, Err(CatalogError::BranchInUse { .. })));
        let refused = catalog.check_replaceable(&dev.id).await;
        assert!(matches!(refused, Err(CatalogError::BranchInUse { .. })), "nor rebased");
        catalog.drop_branch(&dev.id).await.unwrap();
        catalog.create_staging(&new("dev", MAIN_BRANCH), &[], &[own], &record).await.unwrap();
    }
}
