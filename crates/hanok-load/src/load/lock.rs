//! One load of a table at a time.

use std::fs::{File, TryLockError};
use std::time::Duration;

use hanok_lake::Table;

use super::LoadError;

/// How long a load waits for another one of the same table.
const WAIT: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_millis(25);

/// A lock file beside a local table, let go when dropped or when the process dies.
///
/// A table on an object store has none: there the Delta log alone decides, which keeps one file from being loaded twice
/// only as long as all its loads take the same files.
pub(super) struct TableLock {
    _file: Option<File>,
}

impl TableLock {
    pub(super) async fn acquire(table: &Table) -> Result<Self, LoadError> {
        let Some(folder) = table.local_folder() else { return Ok(Self { _file: None }) };
        let path = folder.with_extension("load-lock");
        let refused = |source| LoadError::Lock { path: path.display().to_string(), source };
        let file = File::options().create(true).append(true).open(&path).map_err(refused)?;
        let deadline = tokio::time::Instant::now() + WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: Some(file) }),
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LoadError::Busy {
                        table: table.name().to_string(),
                        waited_s: WAIT.as_secs(),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(refused(source)),
            }
        }
    }
}
