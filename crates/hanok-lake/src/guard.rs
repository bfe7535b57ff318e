//! The commit guard: closes the concurrent-OPTIMIZE hole of deltalake-core 1.1.
//!
//! Its conflict checker ignores winning removes with `dataChange = false`, so an OPTIMIZE through a stale handle is
//! accepted and doubles every row, and a stale OVERWRITE brings compacted rows back. The guard looks again before a
//! commit is written: a path may be removed once only, whatever the flag says.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::kernel::transaction::{CommitConflictError, TransactionError};
use deltalake::kernel::{Action, Version};
use deltalake::logstore::{CommitOrBytes, LogStore, LogStoreConfig, LogStoreRef, get_actions};
use deltalake::{DeltaResult, DeltaTableError};
use hanok_catalog::Catalog;
use object_store::ObjectStore;
use uuid::Uuid;

/// A log store that re-checks removed paths before it writes a commit.
pub(crate) struct GuardedLogStore {
    inner: LogStoreRef,
    /// Commits up to here were part of the snapshot that the operation read. It may lag: that only costs reads.
    base: AtomicU64,
    /// Where an unpublished merge of the table would be on record.
    journal: Journal,
    /// Whether nobody else may write: in a merge, or on a branch that nobody sees yet.
    exclusive: AtomicBool,
}

/// The place of a table in the merge journal.
pub(crate) struct Journal {
    pub(crate) catalog: Catalog,
    pub(crate) branch: String,
    pub(crate) directory: String,
}

/// The base of a handle that has not loaded a snapshot yet.
const NOTHING_READ: u64 = u64::MAX;

impl GuardedLogStore {
    pub(crate) fn new(inner: LogStoreRef, journal: Journal) -> Arc<Self> {
        let base = AtomicU64::new(NOTHING_READ);
        Arc::new(Self { inner, base, journal, exclusive: AtomicBool::new(false) })
    }

    /// Lets the commits of a merge through, while it holds off all others, and those of a branch in the making.
    pub(crate) fn set_exclusive(&self) {
        self.exclusive.store(true, Ordering::Release);
    }

    /// A table that a merge is about to change is not written meanwhile: as if another writer had been faster.
    async fn hold_off(&self, version: Version) -> Result<(), TransactionError> {
        if self.exclusive.load(Ordering::Acquire) {
            return Ok(());
        }
        let Journal { catalog, branch, directory } = &self.journal;
        match catalog.is_table_held(branch, directory).await {
            Ok(Some(false)) => Ok(()),
            Ok(Some(true)) => Err(TransactionError::VersionAlreadyExists(version)),
            // Its folder is nobody's: what is written there would be lost.
            Ok(None) => Err(unreadable(DeltaTableError::Generic("the branch is gone".to_owned()))),
            Err(error) => Err(unreadable(DeltaTableError::Generic(error.to_string()))),
        }
    }

    /// Tells the guard which snapshot the next operation starts from.
    pub(crate) fn set_base(&self, version: Version) {
        self.base.store(version, Ordering::Release);
    }

    async fn check(&self, version: Version, commit: &Bytes) -> Result<(), TransactionError> {
        let removed = removed_paths(version, commit).map_err(unreadable)?;
        if removed.is_empty() {
            return Ok(());
        }
        let first = match self.base.load(Ordering::Acquire) {
            NOTHING_READ => 0,
            base => base + 1,
        };
        for winner in first..version {
            let Some(bytes) = self.inner.read_commit_entry(winner).await.map_err(unreadable)? else {
                continue;
            };
            if removed_paths(winner, &bytes).map_err(unreadable)?.iter().any(|path| removed.contains(path)) {
                return Err(CommitConflictError::ConcurrentDeleteDelete.into());
            }
        }
        Ok(())
    }
}

fn unreadable(source: DeltaTableError) -> TransactionError {
    TransactionError::LogStoreError { msg: "a commit cannot be read".to_owned(), source: Box::new(source) }
}

fn removed_paths(version: Version, commit: &Bytes) -> DeltaResult<HashSet<String>> {
    Ok(get_actions(version, commit)?
        .into_iter()
        .filter_map(|action| match action {
            // A new deletion vector removes and adds the same path: the vector is part of a file's identity.
            Action::Remove(remove) => Some(match remove.deletion_vector {
                Some(vector) => format!("{}#{}", remove.path, vector.path_or_inline_dv),
                None => remove.path,
            }),
            _ => None,
        })
        .collect())
}

#[async_trait]
impl LogStore for GuardedLogStore {
    /// Any other name switches delta-rs to a commit path without put-if-absent.
    fn name(&self) -> String {
        "DefaultLogStore".to_owned()
    }

    async fn refresh(&self) -> DeltaResult<()> {
        self.inner.refresh().await
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.inner.read_commit_entry(version).await
    }

    async fn write_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        if let CommitOrBytes::LogBytes(bytes) = &commit_or_bytes {
            self.check(version, bytes).await?;
        }
        self.hold_off(version).await?;
        self.inner.write_commit_entry(version, commit_or_bytes, operation_id).await
    }

    async fn abort_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.inner.abort_commit_entry(version, commit_or_bytes, operation_id).await
    }

    async fn get_latest_version(&self, start_version: Version) -> DeltaResult<Version> {
        self.inner.get_latest_version(start_version).await
    }

    fn object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.object_store(operation_id)
    }

    fn root_object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.root_object_store(operation_id)
    }

    fn config(&self) -> &LogStoreConfig {
        self.inner.config()
    }
}
