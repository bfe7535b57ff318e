//! A project's lake: names to tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltalake::logstore::{StorageConfig, default_logstore};
use hanok_catalog::{Catalog, MAIN_BRANCH, TableKind, TableRecord};
use hanok_types::{Id, TableName};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::guard::GuardedLogStore;
use crate::router::LAKE_URL;
use crate::table::TakesOver;
use crate::{AsOf, LakeError, Router, Table};

/// A cheap handle on the lake of one project, as seen from one branch.
#[derive(Clone, Debug)]
pub struct Lake {
    catalog: Catalog,
    router: Router,
    branch: Arc<str>,
    /// The folder of the branch when the lake is local.
    local: Option<Arc<PathBuf>>,
}

impl Lake {
    /// Opens the lake in a local folder, which is made when it is missing, on branch `main`.
    pub fn open_local(root: &Path, catalog: Catalog) -> Result<Self, LakeError> {
        let folder = root.join(MAIN_BRANCH);
        let refused = |source| LakeError::File {
            action: "open the lake in",
            path: folder.display().to_string(),
            source,
        };
        if !folder.is_dir() {
            std::fs::create_dir_all(&folder).map_err(refused)?;
        }
        let folder = folder.canonicalize().map_err(refused)?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|source| LakeError::Storage {
            action: "open",
            table: folder.display().to_string(),
            source,
        })?;
        let router = Router::default();
        router.mount(MAIN_BRANCH, Arc::new(store));
        Ok(Self { catalog, router, branch: MAIN_BRANCH.into(), local: Some(Arc::new(folder)) })
    }

    /// Opens a lake over any object store whose root is the branch `main`: other storage, or one that injects faults.
    pub fn open_store(store: Arc<dyn ObjectStore>, catalog: Catalog) -> Self {
        let router = Router::default();
        router.mount(MAIN_BRANCH, store);
        Self { catalog, router, branch: MAIN_BRANCH.into(), local: None }
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The store that query sessions register under [`LAKE_URL`].
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The branch that this handle reads and writes.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// All tables and views of the branch. A table whose first commit has not happened yet is among them.
    pub async fn records(&self) -> Result<Vec<TableRecord>, LakeError> {
        Ok(self.catalog.tables(&self.branch).await?)
    }

    /// The latest version of a table.
    ///
    /// # Errors
    /// [`LakeError::Unknown`] when there is no table of that name, or none with a commit.
    pub async fn table(&self, name: &TableName) -> Result<Table, LakeError> {
        self.find(name).await?.ok_or_else(|| LakeError::Unknown { table: name.clone() })
    }

    /// The latest version of a table, `None` when there is none.
    pub async fn find(&self, name: &TableName) -> Result<Option<Table>, LakeError> {
        match self.catalog.table(&self.branch, name).await? {
            Some(TableRecord { kind: TableKind::Table { directory }, .. }) => {
                let mut table = self.handle(name, directory)?;
                Ok(table.load().await?.then_some(table))
            }
            _ => Ok(None),
        }
    }

    /// A table as it was.
    pub async fn table_as_of(&self, name: &TableName, as_of: AsOf) -> Result<Table, LakeError> {
        let mut table = self.table(name).await?;
        table.travel(as_of).await?;
        Ok(table)
    }

    /// A handle for writing: gives the name a directory when it has none. Nothing is visible before the first commit;
    /// a view of that name stays what it is until then.
    pub async fn table_for_write(&self, name: &TableName) -> Result<Table, LakeError> {
        let directory = match self.catalog.table(&self.branch, name).await?.map(|record| record.kind) {
            Some(TableKind::Table { directory }) => directory,
            Some(TableKind::View { .. }) => {
                let takes_over = TakesOver { catalog: self.catalog.clone(), branch: self.branch.clone() };
                return Ok(self.handle(name, Id::generate())?.taking_over(takes_over));
            }
            None => self.catalog.register_table(&self.branch, name).await?,
        };
        let mut table = self.handle(name, directory)?;
        table.load().await?;
        Ok(table)
    }

    /// Forgets a table. Its files stay on the disk until somebody removes the directory.
    pub async fn drop_table(&self, name: &TableName) -> Result<bool, LakeError> {
        Ok(self.catalog.drop_table(&self.branch, name).await?)
    }

    fn handle(&self, name: &TableName, directory: Id) -> Result<Table, LakeError> {
        let path = object_store::path::Path::from_iter([self.branch.as_ref(), &directory.to_string()]);
        // The branch and a ULID are safe in a URL as they are.
        let url = Url::parse(&format!("{LAKE_URL}/{path}/")).map_err(|error| LakeError::Worker {
            table: name.to_string(),
            reason: format!("its directory makes no URL: {error}"),
        })?;
        let root: Arc<dyn ObjectStore> = Arc::new(self.router.clone());
        let store: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(root.clone(), path));
        let guard =
            GuardedLogStore::new(default_logstore(store.clone(), root, &url, &StorageConfig::default()));
        let local = self.local.as_ref().map(|folder| folder.join(directory.to_string()));
        Ok(Table::new(name.clone(), directory, guard, store, local))
    }
}
