//! Opening the catalog's file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::error::is_read_only;
use crate::{CatalogError, SCHEMA_VERSION, migrate};

/// How long a statement waits for another process's write to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections of one process. SQLite writes one at a time anyway.
const CONNECTIONS_MAX: u32 = 4;

/// A cheap handle on the catalog of one project.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(crate) pool: SqlitePool,
    path: Arc<PathBuf>,
}

impl Catalog {
    /// Opens the file, creating and migrating it as needed. On a read-only file system it opens for reading.
    ///
    /// # Errors
    /// [`CatalogError::Newer`] when a later Hanok wrote it; nothing is changed then.
    pub async fn open(path: &Path) -> Result<Self, CatalogError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| CatalogError::Folder { path: folder.to_owned(), source })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let failed = |action| move |source| CatalogError::database(path, action, source);
        let pool = match connect(options).await {
            // Nothing is open after the failure, so that looking at the file is safe.
            Err(error) if is_read_only(path) => connect_read_only(path).await.unwrap_or(Err(error)),
            pool => pool,
        };
        let pool = pool.map_err(failed("open"))?;
        let mut connection = pool.acquire().await.map_err(failed("open"))?;
        match migrate::run(&mut connection).await.map_err(failed("migrate"))? {
            Ok(()) => {}
            Err(found) => {
                return Err(CatalogError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION });
            }
        }
        drop(connection);
        Ok(Self { pool, path: Arc::new(path.to_owned()) })
    }

    /// The catalog's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends this process's use of the file; other handles to the same pool fail afterwards.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn failed(&self, action: &'static str) -> impl FnOnce(sqlx::Error) -> CatalogError + use<> {
        let path = self.path.clone();
        move |source| CatalogError::database(&path, action, source)
    }
}

async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await
}

/// Connects to a file that nobody can write. A write-ahead log with something in it is beyond SQLite there, so that
/// nothing is returned then.
async fn connect_read_only(path: &Path) -> Option<Result<SqlitePool, sqlx::Error>> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return None;
    }
    Some(connect(SqliteConnectOptions::new().filename(path).read_only(true).immutable(true)).await)
}

/// Microseconds since 1970-01-01 UTC.
pub(crate) fn now_us() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_catalog_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        let catalog = Catalog::open(&path).await.unwrap();
        sqlx::query("PRAGMA user_version = 99").execute(&catalog.pool).await.unwrap();
        catalog.close().await;
        let error = Catalog::open(&path).await.unwrap_err();
        assert!(matches!(error, CatalogError::Newer { found: 99, known: SCHEMA_VERSION, .. }), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_a_coded_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        std::fs::write(&path, "this is not a database, and long enough to be looked at".repeat(20)).unwrap();
        assert!(matches!(Catalog::open(&path).await, Err(CatalogError::Database { .. })));
    }

    #[tokio::test]
    async fn many_openers_of_a_new_file_all_succeed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        let opened = futures::future::join_all((0..8).map(|_| Catalog::open(&path))).await;
        assert!(opened.into_iter().all(|catalog| catalog.is_ok()));
    }
}
