//! Maintenance: compaction, checkpoints, and removal of files that no version needs.
//!
//! One process at a time maintains a table: a lock beside the table keeps two optimisers from doing the same work. It
//! is not needed for safety, which the commit guard gives.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::time::{Duration, SystemTime};

use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::operations::vacuum::VacuumMode;
use futures::TryStreamExt as _;
use hanok_catalog::kept_versions;

use crate::error::is_conflict;
use crate::{LakeError, Table};

/// A file below this share of the size that is aimed at is worth joining.
const SMALL: u64 = 4;
/// Rounds that an optimisation is repeated when writers get in its way.
const ATTEMPTS_MAX: u32 = 5;

/// What a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OptimizeOutcome {
    /// Small files taken away.
    pub files_removed: u64,
    /// Larger files put in their place.
    pub files_added: u64,
}

/// What a vacuum did, or would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VacuumOutcome {
    /// Files deleted.
    pub files_deleted: u64,
}

impl Table {
    /// Joins small files into files of about `target_bytes`. Rows stay what they are.
    ///
    /// # Errors
    /// [`LakeError::Locked`] when another process maintains the table, [`LakeError::Conflict`] when writers replaced
    /// its files five times in a row.
    pub async fn optimize(&mut self, target_bytes: NonZeroU64) -> Result<OptimizeOutcome, LakeError> {
        let _lock = self.lock_maintenance()?;
        for _ in 0..ATTEMPTS_MAX {
            self.load().await?;
            let optimized = self
                .delta
                .clone()
                .optimize()
                .with_target_size(target_bytes)
                .with_commit_properties(CommitProperties::default().with_cleanup_expired_logs(Some(false)))
                .await;
            match optimized {
                Ok((_, metrics)) => {
                    self.load().await?;
                    return Ok(OptimizeOutcome {
                        files_removed: metrics.num_files_removed,
                        files_added: metrics.num_files_added,
                    });
                }
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(self.failed("optimise", error)),
            }
        }
        Err(LakeError::Conflict { table: self.name().to_string(), attempts: ATTEMPTS_MAX })
    }

    /// Deletes files that no version of the last `retention` refers to, those of unfinished writes among them. What the
    /// branches and tags see that were forked from this one stays, and so does what this one sees of its parent.
    /// With `dry_run` they are only counted, those of unfinished writes not among them.
    pub async fn vacuum(&mut self, retention: Duration, dry_run: bool) -> Result<VacuumOutcome, LakeError> {
        let _lock = self.lock_maintenance()?;
        if !self.load().await? {
            return Ok(VacuumOutcome { files_deleted: 0 });
        }
        let version = self.version().unwrap_or_default();
        // After the version is known: a branch that is made from here on finds the record of this vacuum.
        let forks = self.catalog().begin_vacuum(&self.branch().id, self.directory(), version).await?;
        let staged = if dry_run { 0 } else { self.remove_staged(retention).await? };
        let vacuum = |dry_run| {
            let retention = chrono::Duration::from_std(retention).unwrap_or(chrono::Duration::MAX);
            self.delta
                .clone()
                .vacuum()
                .with_mode(VacuumMode::Full)
                .with_dry_run(dry_run)
                .with_retention_period(retention)
                .with_enforce_retention_duration(false)
                .with_keep_versions(&kept_versions(&forks, &self.branch().id))
                .with_commit_properties(CommitProperties::default().with_cleanup_expired_logs(Some(false)))
        };
        let (_, found) = vacuum(true).await.map_err(|error| self.failed("vacuum", error))?;
        let own = self.own_files().await?;
        let files = found.files_deleted.iter().filter(|path| own.contains(*path)).count() as u64;
        if files > 0 && !dry_run {
            vacuum(false).await.map_err(|error| self.failed("vacuum", error))?;
            self.load().await?;
        }
        Ok(VacuumOutcome { files_deleted: staged + files })
    }

    /// Writes a checkpoint of the newest version, which readers take in place of the commits before it. Returns the
    /// version.
    pub async fn checkpoint(&mut self) -> Result<Option<u64>, LakeError> {
        let _lock = self.lock_maintenance()?;
        if !self.load().await? {
            return Ok(None);
        }
        create_checkpoint(&self.delta, None).await.map_err(|error| self.failed("checkpoint", error))?;
        let version = self.version().unwrap_or_default();
        self.sync_commit(version).await?;
        Ok(Some(version))
    }

    /// Whether the last `commits` commits have left the table that many files far smaller than `target_bytes`, and
    /// none of them was a compaction.
    pub async fn wants_compaction(
        &self,
        commits: NonZeroU32,
        target_bytes: NonZeroU64,
    ) -> Result<bool, LakeError> {
        let commits = commits.get() as usize;
        if self.version().is_none_or(|version| version + 1 < commits as u64) {
            return Ok(false);
        }
        let files = self.files().await?;
        let small = files.iter().filter(|file| file.bytes < target_bytes.get() / SMALL);
        if small.count() < commits {
            return Ok(false);
        }
        let recent = self.history(commits).await?;
        Ok(!recent.iter().any(|entry| entry.operation.as_deref() == Some("OPTIMIZE")))
    }

    /// The objects in the branch's own layer. delta-rs names files that are gone already, and those of layers below,
    /// whose deletion does nothing, and would commit what it did even then.
    async fn own_files(&self) -> Result<HashSet<String>, LakeError> {
        let store = self.store();
        let own = self.own_layer().unwrap_or(&store);
        let listed = own.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await;
        match listed {
            Ok(names) => Ok(names),
            Err(object_store::Error::NotFound { .. }) => Ok(HashSet::new()),
            Err(source) => Err(LakeError::Storage { action: "list", table: self.name().to_string(), source }),
        }
    }

    /// Deletes what killed writers left under names that delta-rs's vacuum never sees. Returns how many files.
    async fn remove_staged(&self, retention: Duration) -> Result<u64, LakeError> {
        let Some(folder) = self.local_folder().map(Path::to_owned) else { return Ok(0) };
        let failed = |source| LakeError::File {
            action: "delete left-over files of",
            path: folder.display().to_string(),
            source,
        };
        let newest = SystemTime::now().checked_sub(retention);
        let folders = [folder.clone(), folder.join("_delta_log")];
        let removed = tokio::task::spawn_blocking(move || {
            folders.iter().map(|folder| remove_staged_in(folder, newest)).sum::<io::Result<u64>>()
        });
        removed.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(failed)
    }

    /// Held until dropped. A lake that is not a local folder has no lock and relies on the guard alone.
    pub(crate) fn lock_maintenance(&self) -> Result<Option<File>, LakeError> {
        self.may_write()?;
        let Some(folder) = self.local_folder() else { return Ok(None) };
        // Beside the table's folder, where a vacuum does not look. ULIDs leave the name free.
        let path = folder.with_extension("lock");
        let refused = |source| LakeError::File { action: "lock", path: path.display().to_string(), source };
        // A branch that has written nothing has no folder yet.
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(refused)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(LakeError::Locked { table: self.name().to_string() }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }
}

/// Deletes the staged files of a folder that were last written at `newest` or before.
fn remove_staged_in(folder: &Path, newest: Option<SystemTime>) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // A table that nobody has committed to has no log.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(is_staged) {
            continue;
        }
        // A writer that is alive may rename or remove it meanwhile.
        let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        if newest.is_some_and(|newest| written <= newest) && fs::remove_file(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a name is one of those under which object_store writes a local file before it gives it its name:
/// `<name>#<number>`. Its listings leave them out.
fn is_staged(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staged_files_of_killed_writers_go_when_they_are_old_enough() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["part-1.parquet", "part-2.parquet#1", "00000000000000000003.json#12", "a#b", "c#"];
        for name in names {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let long_ago = SystemTime::now() - Duration::from_hours(1);
        assert_eq!(remove_staged_in(folder.path(), Some(long_ago)).unwrap(), 0);
        assert_eq!(remove_staged_in(folder.path(), Some(SystemTime::now())).unwrap(), 2);
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a#b", "c#", "part-1.parquet"]);
    }
}
