//! A project's lake: names to tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deltalake::logstore::{StorageConfig, default_logstore};
use hanok_catalog::{Branch, Catalog, TableKind, TableRecord};
use hanok_types::{Id, TableName};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::branch::{Layers, Storage, folders_of};
use crate::guard::{GuardedLogStore, Journal};
use crate::router::LAKE_URL;
use crate::{AsOf, LakeError, Router, RowSort, Table};

/// Rounds that a writer waits for a merge of its table, about ten seconds; a merge holds writers off for far less.
const HOLD_ROUNDS_MAX: u32 = 200;
const HOLD_PAUSE: Duration = Duration::from_millis(50);

/// A cheap handle on the lake of one project, as seen from one branch.
#[derive(Clone)]
pub struct Lake {
    catalog: Catalog,
    branch: Arc<Branch>,
    /// The number of the last published merge that a reader has seen; none for writers, who take the newest.
    seen: Option<i64>,
    /// What merges compare rows with; without it they compare files.
    pub(crate) sort: Option<Arc<dyn RowSort>>,
    pub(crate) storage: Storage,
    pub(crate) layers: Layers,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("branch", &self.branch).field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Lake {
    /// Opens the lake in a local folder, which is made when it is missing, on branch `main`.
    pub fn open_local(root: &Path, catalog: Catalog) -> Result<Self, LakeError> {
        let main = Branch::main();
        let refused =
            |source| LakeError::File { action: "open the lake in", path: root.display().to_string(), source };
        let folder = root.join(&main.id);
        if !folder.is_dir() {
            std::fs::create_dir_all(&folder).map_err(refused)?;
        }
        let root: PathBuf = root.canonicalize().map_err(refused)?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|source| LakeError::Storage {
            action: "open",
            table: root.display().to_string(),
            source,
        })?;
        Ok(Self::open(Storage::new(Arc::new(store), Some(root)), catalog))
    }

    /// Opens a lake over any object store, in which each branch has a folder: other storage, or one that injects faults.
    pub fn open_store(store: Arc<dyn ObjectStore>, catalog: Catalog) -> Self {
        Self::open(Storage::new(store, None), catalog)
    }

    fn open(storage: Storage, catalog: Catalog) -> Self {
        let main = Branch::main();
        let layers = storage.mount_main(&main.id);
        Self { catalog, branch: Arc::new(main), seen: None, sort: None, storage, layers }
    }

    /// The same lake, as seen from the branch or tag of that name.
    pub async fn on_branch(&self, name: &str) -> Result<Self, LakeError> {
        let branch = self.catalog.branch(name).await?;
        let layers = self.storage.mount(&self.catalog, &branch).await?;
        Ok(Self { branch: Arc::new(branch), layers, ..self.clone() })
    }

    /// The same lake, whose merges compare the rows of tables that have a key.
    #[must_use]
    pub fn comparing_rows(&self, sort: Arc<dyn RowSort>) -> Self {
        Self { sort: Some(sort), ..self.clone() }
    }

    /// The same lake for a reader, and its tables and views at this moment: of a merge that is published later, the
    /// reader sees no table, however late it opens them.
    pub async fn at_once(&self) -> Result<(Self, Vec<TableRecord>), LakeError> {
        let (published, records) = self.catalog.tables_at_once(&self.branch.id).await?;
        let seen = Some(self.seen.unwrap_or(published));
        Ok((Self { seen, ..self.clone() }, records))
    }

    /// The same storage as another branch sees it.
    pub(crate) fn over(&self, branch: Branch, layers: Layers) -> Self {
        Self { branch: Arc::new(branch), layers, seen: None, ..self.clone() }
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The store that query sessions register under [`LAKE_URL`]. It serves every branch that was opened.
    pub fn router(&self) -> &Router {
        &self.storage.router
    }

    /// The branch that this handle reads and writes, as it was when the handle was opened.
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// What the catalog's records call the branch.
    pub fn branch_id(&self) -> &str {
        &self.branch.id
    }

    /// # Errors
    /// [`LakeError::ReadOnly`] when it is a tag.
    pub fn may_write(&self) -> Result<(), LakeError> {
        if self.branch.is_read_only() {
            return Err(LakeError::ReadOnly { branch: self.branch.name.clone() });
        }
        Ok(())
    }

    /// All tables and views of the branch. A table whose first commit has not happened yet is among them.
    pub async fn records(&self) -> Result<Vec<TableRecord>, LakeError> {
        Ok(self.catalog.tables(&self.branch.id).await?)
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
        match self.catalog.table(&self.branch.id, name).await? {
            Some(record) => self.open_record(&record).await,
            None => Ok(None),
        }
    }

    /// The latest version of the table that a record names, `None` when it has none or is a view.
    pub async fn open_record(&self, record: &TableRecord) -> Result<Option<Table>, LakeError> {
        let Some(directory) = record.directory() else { return Ok(None) };
        let mut table = self.handle(&record.name, directory)?;
        if !table.load().await? {
            return Ok(None);
        }
        if let Some(seen) = self.seen {
            // After loading: a merge writes its journal before it commits.
            let before = self.catalog.version_before_merges(&self.branch.id, directory, seen).await?;
            if let Some(before) = before.filter(|before| Some(*before) < table.version()) {
                table.load_at(before).await?;
            }
        }
        Ok(Some(table))
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
        self.may_write()?;
        self.make_folder()?;
        self.wait_for_merges(name).await?;
        let directory = match self.catalog.table(&self.branch.id, name).await?.map(|record| record.kind) {
            Some(TableKind::Table { directory }) => directory,
            Some(TableKind::View { .. }) => return Ok(self.handle(name, Id::generate())?.taking_over()),
            None => self.catalog.register_table(&self.branch.id, name).await?,
        };
        let mut table = self.handle(name, directory)?;
        table.load().await?;
        Ok(table)
    }

    /// Waits while a merge is about to change what the name stands for.
    async fn wait_for_merges(&self, name: &TableName) -> Result<(), LakeError> {
        for _ in 0..HOLD_ROUNDS_MAX {
            if !self.catalog.is_held(&self.branch.id, name).await? {
                return Ok(());
            }
            tokio::time::sleep(HOLD_PAUSE).await;
        }
        Err(LakeError::Conflict { table: name.to_string(), attempts: HOLD_ROUNDS_MAX })
    }

    /// A branch that has written nothing has no folder; locks are files in it.
    fn make_folder(&self) -> Result<(), LakeError> {
        let Some(folder) = self.storage.folder(&self.branch.id) else { return Ok(()) };
        std::fs::create_dir_all(&folder).map_err(|source| LakeError::File {
            action: "make",
            path: folder.display().to_string(),
            source,
        })
    }

    /// Stores a view, replacing a table or view of that name.
    pub async fn put_view(&self, name: &TableName, sql: &str) -> Result<(), LakeError> {
        self.may_write()?;
        self.wait_for_merges(name).await?;
        Ok(self.catalog.put_view(&self.branch.id, name, sql).await?)
    }

    /// Forgets a table. Its files stay on the disk until no branch needs them and [`Lake::collect_garbage`] runs.
    pub async fn drop_table(&self, name: &TableName) -> Result<bool, LakeError> {
        self.may_write()?;
        self.wait_for_merges(name).await?;
        Ok(self.catalog.drop_table(&self.branch.id, name).await?)
    }

    pub(crate) fn handle(&self, name: &TableName, directory: Id) -> Result<Table, LakeError> {
        let path = object_store::path::Path::from_iter([self.branch.id.as_str(), &directory.to_string()]);
        // The branch's id and a ULID are safe in a URL as they are.
        let url = Url::parse(&format!("{LAKE_URL}/{path}/")).map_err(|error| LakeError::Worker {
            table: name.to_string(),
            reason: format!("its directory makes no URL: {error}"),
        })?;
        let root: Arc<dyn ObjectStore> = Arc::new(self.storage.router.clone());
        let store: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(root.clone(), path.clone()));
        let journal = Journal {
            catalog: self.catalog.clone(),
            branch: self.branch.id.clone(),
            directory: directory.to_string(),
        };
        let log_store = default_logstore(store.clone(), root, &url, &StorageConfig::default());
        let guard = GuardedLogStore::new(log_store, journal);
        let folders = folders_of(&self.layers, directory);
        let place = (self.catalog.clone(), self.branch.clone());
        let table = Table::new(name.clone(), directory, place, guard, store, folders);
        let forked = self.layers.first().is_some_and(|own| own.forks.contains_key(&directory.to_string()));
        Ok(match forked {
            true => table.with_own_layer(Arc::new(PrefixStore::new(self.storage.base.clone(), path))),
            false => table,
        })
    }
}
