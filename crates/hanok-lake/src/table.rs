//! One table at one version.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use deltalake::kernel::Action;
use deltalake::logstore::{LogStore as _, LogStoreRef, get_actions};
use deltalake::{DeltaTable, DeltaTableError};
use futures::TryStreamExt as _;
use hanok_catalog::{Branch, Catalog};
use hanok_types::{Id, TableName};
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::LakeError;
use crate::branch::locate;
use crate::guard::GuardedLogStore;
use crate::schema::lake_schema;

/// Table property: columns were added since the table was last written whole.
pub(crate) const GREW_PROPERTY: &str = "hanok.grew";

/// A moment in a table's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// A version, counted from 0.
    Version(u64),
    /// The last version committed at or before this time, microseconds since 1970-01-01 UTC.
    Timestamp(i64),
}

/// One data file of a table.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Its path below the table's folder.
    pub path: String,
    /// Its path in the local file system, when the lake is a folder.
    pub local: Option<PathBuf>,
    /// Its size.
    pub bytes: u64,
    /// Its rows, when the log says so.
    pub rows: Option<u64>,
    /// Whether rows of it are deleted by a deletion vector, so that it cannot be read by itself.
    pub has_deletions: bool,
    /// What tells the deletion vector from others of the file.
    pub deletions: Option<String>,
}

/// One commit.
#[derive(Clone, Debug, serde::Serialize)]
pub struct HistoryEntry {
    /// The version that it made.
    pub version: u64,
    /// When, milliseconds since 1970-01-01 UTC.
    pub timestamp_ms: Option<i64>,
    /// What: `WRITE`, `OPTIMIZE`, …
    pub operation: Option<String>,
}

/// A table at one version, or a directory that waits for its first commit.
#[derive(Clone)]
pub struct Table {
    name: TableName,
    directory: Id,
    catalog: Catalog,
    branch: Arc<Branch>,
    /// Whether it takes its name from a view, with its first commit.
    takes_over: bool,
    guard: Arc<GuardedLogStore>,
    store: Arc<dyn ObjectStore>,
    /// The store of the branch's own files, when there are others that it reads.
    own: Option<Arc<dyn ObjectStore>>,
    /// Where its files may be when the lake is local: the branch's own folder, then those of the branches below it.
    folders: Arc<[PathBuf]>,
    pub(crate) delta: DeltaTable,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

impl Table {
    pub(crate) fn new(
        name: TableName,
        directory: Id,
        (catalog, branch): (Catalog, Arc<Branch>),
        guard: Arc<GuardedLogStore>,
        store: Arc<dyn ObjectStore>,
        folders: Vec<PathBuf>,
    ) -> Self {
        let log_store: LogStoreRef = guard.clone();
        let delta = DeltaTable::new(log_store);
        let folders = folders.into();
        Self { name, directory, catalog, branch, takes_over: false, guard, store, own: None, folders, delta }
    }

    pub(crate) fn with_own_layer(mut self, own: Arc<dyn ObjectStore>) -> Self {
        self.own = Some(own);
        self
    }

    /// The branch's own files of a table that was forked; `None` when all files are its own.
    pub(crate) fn own_layer(&self) -> Option<&Arc<dyn ObjectStore>> {
        self.own.as_ref()
    }

    pub(crate) fn taking_over(mut self) -> Self {
        self.takes_over = true;
        self
    }

    /// The branch that it is on.
    pub(crate) fn branch(&self) -> &Branch {
        &self.branch
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// A handle whose commits nobody has to hold off for: of a merge, or of a branch that nobody sees yet.
    pub(crate) fn exclusive(self) -> Self {
        self.guard.set_exclusive();
        self
    }

    /// # Errors
    /// [`LakeError::ReadOnly`] on a tag.
    pub(crate) fn may_write(&self) -> Result<(), LakeError> {
        if self.branch.is_read_only() {
            return Err(LakeError::ReadOnly { branch: self.branch.name.clone() });
        }
        Ok(())
    }

    /// After a commit: gives this table the name that a view has held until now.
    pub(crate) async fn take_over(&mut self) -> Result<(), LakeError> {
        if !self.takes_over {
            return Ok(());
        }
        if !self.catalog.view_to_table(&self.branch.id, &self.name, self.directory).await? {
            // Another process was faster to make the view a table; what it wrote counts.
            return Err(LakeError::Conflict { table: self.name.to_string(), attempts: 1 });
        }
        self.takes_over = false;
        Ok(())
    }

    /// Loads the latest version. Returns whether there is one.
    pub(crate) async fn load(&mut self) -> Result<bool, LakeError> {
        match self.delta.update_state().await {
            Ok(()) => {}
            Err(error) if self.is_absent(&error).await => return Ok(false),
            Err(error) => return Err(self.failed("read the log of", error)),
        }
        self.note_base();
        Ok(true)
    }

    /// Loads a version that is known to exist.
    pub(crate) async fn load_at(&mut self, version: u64) -> Result<(), LakeError> {
        self.delta.load_version(version).await.map_err(|error| self.failed("read the log of", error))?;
        self.note_base();
        Ok(())
    }

    /// A log without its first commits is damage; no log at all is a table that nobody has written yet.
    async fn is_absent(&self, error: &DeltaTableError) -> bool {
        if matches!(error, DeltaTableError::NotATable(_)) {
            return true;
        }
        let mut log = self.store.list(Some(&object_store::path::Path::from("_delta_log")));
        matches!(log.try_next().await, Ok(None) | Err(object_store::Error::NotFound { .. }))
    }

    pub(crate) async fn travel(&mut self, as_of: AsOf) -> Result<(), LakeError> {
        let latest = self.version().unwrap_or_default();
        let missing = |wanted: String| LakeError::Version { table: self.name.to_string(), wanted, latest };
        match as_of {
            AsOf::Version(version) => {
                if version > latest {
                    return Err(missing(format!("version {version}")));
                }
                self.delta.load_version(version).await.map_err(|_| missing(format!("version {version}")))?;
            }
            AsOf::Timestamp(instant_us) => {
                let instant = chrono::DateTime::from_timestamp_micros(instant_us)
                    .ok_or_else(|| missing(format!("version as of {instant_us} µs")))?;
                let first = self.first_commit_ms().await;
                if first.is_some_and(|first_ms| first_ms > instant.timestamp_millis()) {
                    return Err(missing(format!("version as of {instant}")));
                }
                let travelled = self.delta.load_with_datetime(instant).await;
                travelled.map_err(|_| missing(format!("version as of {instant}")))?;
            }
        }
        self.note_base();
        Ok(())
    }

    async fn first_commit_ms(&self) -> Option<i64> {
        let bytes = self.guard.read_commit_entry(0).await.ok()??;
        get_actions(0, &bytes).ok()?.into_iter().find_map(|action| match action {
            Action::CommitInfo(info) => info.timestamp,
            _ => None,
        })
    }

    fn note_base(&self) {
        if let Some(version) = self.delta.version() {
            self.guard.set_base(version);
        }
    }

    /// The table's name.
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// The table's directory, which tells it from an earlier table of the same name.
    pub fn directory(&self) -> Id {
        self.directory
    }

    /// The version, `None` before the first commit.
    pub fn version(&self) -> Option<u64> {
        self.delta.version()
    }

    /// The columns in lake types, `None` before the first commit.
    pub fn schema(&self) -> Result<Option<SchemaRef>, LakeError> {
        match self.delta.snapshot() {
            Ok(state) => Ok(Some(lake_schema(&state.snapshot().arrow_schema())?)),
            Err(_) => Ok(None),
        }
    }

    /// The store whose root is the table's folder.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// The table's own folder on this branch when the lake is local. Writes go there; the files of a table that was
    /// forked may be in folders of branches below: see [`DataFile::local`].
    pub fn local_folder(&self) -> Option<&Path> {
        self.folders.first().map(PathBuf::as_path)
    }

    pub(crate) fn log_store(&self) -> LogStoreRef {
        self.guard.clone()
    }

    /// The data files of this version, in the order of the log (newest first).
    pub async fn files(&self) -> Result<Vec<DataFile>, LakeError> {
        let Ok(state) = self.delta.snapshot() else { return Ok(Vec::new()) };
        let log_store = self.log_store();
        let views: Vec<_> = state
            .snapshot()
            .file_views(&log_store, None)
            .try_collect()
            .await
            .map_err(|error| self.failed("list the files of", error))?;
        let files = views.iter().map(|view| {
            let deletions = view.deletion_vector_descriptor();
            DataFile {
                local: None,
                bytes: u64::try_from(view.size()).unwrap_or_default(),
                rows: view.num_records().map(|rows| rows as u64),
                has_deletions: deletions.is_some(),
                deletions: deletions.map(|vector| {
                    format!("{}@{}", vector.path_or_inline_dv, vector.offset.unwrap_or_default())
                }),
                path: view.path().into_owned(),
            }
        });
        self.located(files.collect()).await
    }

    /// Fills in where the files are in the local file system.
    async fn located(&self, mut files: Vec<DataFile>) -> Result<Vec<DataFile>, LakeError> {
        if let [folder] = self.folders.as_ref() {
            for file in &mut files {
                file.local = Some(folder.join(&file.path));
            }
        } else if !self.folders.is_empty() {
            let folders = self.folders.clone();
            let located = tokio::task::spawn_blocking(move || {
                for file in &mut files {
                    file.local = locate(&folders, &file.path);
                }
                files
            });
            let stopped = |error: tokio::task::JoinError| LakeError::Worker {
                table: self.name.to_string(),
                reason: error.to_string(),
            };
            return located.await.map_err(stopped);
        }
        Ok(files)
    }

    /// Rows of this version, as far as the log knows them.
    pub async fn rows(&self) -> Result<Option<u64>, LakeError> {
        let files = self.files().await?;
        Ok(if files.iter().any(|file| file.has_deletions) {
            None
        } else {
            files.iter().map(|file| file.rows).sum()
        })
    }

    /// The version last recorded for an application in this table's log, the token that makes loads idempotent.
    pub async fn application_version(&self, application: &str) -> Result<Option<i64>, LakeError> {
        let Ok(state) = self.delta.snapshot() else { return Ok(None) };
        let log_store = self.log_store();
        state
            .transaction_version(log_store.as_ref(), application)
            .await
            .map_err(|error| self.failed("read the log of", error))
    }

    /// A table for query engines.
    pub async fn provider(&self) -> Result<Arc<dyn TableProvider>, LakeError> {
        self.delta
            .table_provider()
            .await
            .map_err(|error| self.failed("open", DeltaTableError::Generic(error.to_string())))
    }

    /// A table of some of its data files, for reading what a commit brought.
    pub async fn provider_of_files(&self, paths: Vec<String>) -> Result<Arc<dyn TableProvider>, LakeError> {
        self.delta
            .table_provider()
            .with_file_paths(paths)
            .await
            .map_err(|error| self.failed("open", DeltaTableError::Generic(error.to_string())))
    }

    /// The paths of files added after `version`, or `None` when commits since then also took files away, so that the
    /// added ones are not the whole difference.
    pub async fn files_added_since(&self, version: u64) -> Result<Option<Vec<String>>, LakeError> {
        if self.version().is_none_or(|latest| latest < version) {
            return Ok(None);
        }
        let mut then = self.clone();
        if then.travel(AsOf::Version(version)).await.is_err() {
            return Ok(None);
        }
        let mut now: BTreeSet<String> = self.files().await?.into_iter().map(|file| file.path).collect();
        let kept = then.files().await?.into_iter().all(|file| now.remove(&file.path));
        Ok(kept.then(|| now.into_iter().collect()))
    }

    /// Whether columns were added to the table, so that earlier files may lack some.
    pub fn grew(&self) -> bool {
        let configuration = |state: &deltalake::table::state::DeltaTableState| {
            state.metadata().configuration().get(GREW_PROPERTY).is_some_and(|value| value == "true")
        };
        self.delta.snapshot().is_ok_and(configuration)
    }

    /// What the table's rows are said to be under this name, see [`CommitOptions::properties`](crate::CommitOptions::properties).
    pub fn property(&self, name: &str) -> Option<String> {
        self.properties().remove(name)
    }

    /// All that is said of the table's rows.
    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        let Ok(state) = self.delta.snapshot() else { return BTreeMap::new() };
        let all = state.metadata().configuration().iter();
        let own = all.filter(|(key, _)| key.starts_with("hanok.") && *key != GREW_PROPERTY);
        own.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The last `entries_max` commits, newest first.
    pub async fn history(&self, entries_max: usize) -> Result<Vec<HistoryEntry>, LakeError> {
        let Some(latest) = self.version() else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for version in (0..=latest).rev().take(entries_max) {
            let read = self.guard.read_commit_entry(version).await;
            let Some(bytes) = read.map_err(|error| self.failed("read the log of", error))? else { break };
            let actions =
                get_actions(version, &bytes).map_err(|error| self.failed("read the log of", error))?;
            let info = actions.into_iter().find_map(|action| match action {
                Action::CommitInfo(info) => Some(info),
                _ => None,
            });
            entries.push(HistoryEntry {
                version,
                timestamp_ms: info.as_ref().and_then(|info| info.timestamp),
                operation: info.and_then(|info| info.operation),
            });
        }
        Ok(entries)
    }

    /// The table as delta-rs sees it, guard included, for tests of the guard.
    #[doc(hidden)]
    pub fn raw_delta(&self) -> DeltaTable {
        self.delta.clone()
    }

    /// Whether the storage has an object below the table's folder.
    pub async fn has_object(&self, path: &str) -> Result<bool, LakeError> {
        match self.store.head(&object_store::path::Path::from(path)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => {
                Err(LakeError::Storage { action: "look into", table: self.name.to_string(), source })
            }
        }
    }

    pub(crate) fn failed(&self, action: &'static str, source: DeltaTableError) -> LakeError {
        let folder = match self.local_folder() {
            Some(folder) => folder.display().to_string(),
            None => self.directory.to_string(),
        };
        LakeError::Delta { action, table: self.name.to_string(), folder, source: Box::new(source) }
    }
}
