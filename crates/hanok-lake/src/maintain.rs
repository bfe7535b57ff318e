//! Maintenance: compaction and removal of files that no version needs.
//!
//! One process at a time maintains a table: a lock beside the table keeps two optimisers from doing the same work. It
//! is not needed for safety, which the commit guard gives.

use std::fs::{File, TryLockError};
use std::num::NonZeroU64;
use std::time::Duration;

use deltalake::kernel::transaction::CommitProperties;
use deltalake::operations::vacuum::VacuumMode;

use crate::error::is_conflict;
use crate::{LakeError, Table};

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

/// What a vacuum did.
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

    /// Deletes files that no version of the last `retention` refers to, those of unfinished writes among them.
    pub async fn vacuum(&mut self, retention: Duration) -> Result<VacuumOutcome, LakeError> {
        let _lock = self.lock_maintenance()?;
        self.load().await?;
        let retention = chrono::Duration::from_std(retention).unwrap_or(chrono::Duration::MAX);
        let vacuumed = self
            .delta
            .clone()
            .vacuum()
            .with_mode(VacuumMode::Full)
            .with_retention_period(retention)
            .with_enforce_retention_duration(false)
            .await;
        let (_, metrics) = vacuumed.map_err(|error| self.failed("vacuum", error))?;
        self.load().await?;
        Ok(VacuumOutcome { files_deleted: metrics.files_deleted.len() as u64 })
    }

    /// Held until dropped. A lake that is not a local folder has no lock and relies on the guard alone.
    fn lock_maintenance(&self) -> Result<Option<File>, LakeError> {
        let Some(folder) = self.local_folder() else { return Ok(None) };
        // Beside the table's folder, where a vacuum does not look. ULIDs leave the name free.
        let path = folder.with_extension("lock");
        let refused = |source| LakeError::File { action: "lock", path: path.display().to_string(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(LakeError::Locked { table: self.name().to_string() }),
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }
}
