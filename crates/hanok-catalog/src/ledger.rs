//! The load ledger: which files a table has been loaded from.
//!
//! The truth is in the Delta log (each load's commit names the content hashes it took in); the ledger is the copy that
//! people can query, brought up to date after each commit and on the next load after a crash.

use sqlx::Row as _;

use crate::store::now_us;
use crate::{Catalog, CatalogError};

/// One loaded file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LedgerEntry {
    /// `schema.table`.
    pub table: String,
    /// BLAKE3 of the file's bytes, hexadecimal.
    pub content_hash: String,
    /// Its path as given by the source.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Rows that went into the table.
    pub rows_loaded: u64,
    /// Rows that went into the table's `__rejects`.
    pub rows_rejected: u64,
    /// The load that took it in.
    pub load_id: String,
}

impl Catalog {
    /// Adds entries; those already there stay as they are.
    pub async fn put_ledger(&self, branch: &str, entries: &[LedgerEntry]) -> Result<(), CatalogError> {
        let mut transaction = self.pool.begin().await.map_err(self.failed("write the load ledger"))?;
        for entry in entries {
            sqlx::query(
                "INSERT INTO load_ledger (branch, table_name, content_hash, file, bytes, rows_loaded, rows_rejected,
                 load_id, loaded_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(branch)
            .bind(&entry.table)
            .bind(&entry.content_hash)
            .bind(&entry.file)
            .bind(entry.bytes as i64)
            .bind(entry.rows_loaded as i64)
            .bind(entry.rows_rejected as i64)
            .bind(&entry.load_id)
            .bind(now_us())
            .execute(&mut *transaction)
            .await
            .map_err(self.failed("write the load ledger"))?;
        }
        transaction.commit().await.map_err(self.failed("write the load ledger"))
    }

    /// The files that a table has been loaded from, oldest first: those loaded on the branch, and those that its parent's
    /// table of that name had taken in when the branch began.
    pub async fn ledger(&self, branch: &str, table: &str) -> Result<Vec<LedgerEntry>, CatalogError> {
        let rows = sqlx::query(
            "WITH RECURSIVE chain (id, until_us) AS (
                 SELECT ?1, 9223372036854775807
                 UNION ALL
                 SELECT b.parent, min(c.until_us, b.fork_us) FROM chain c JOIN branches b ON b.id = c.id
                 WHERE b.parent IS NOT NULL AND EXISTS (
                     SELECT 1 FROM forks f WHERE f.branch = b.id AND f.schema_name || '.' || f.table_name = ?2)
             )
             SELECT l.*, min(l.loaded_us) FROM load_ledger l JOIN chain c ON c.id = l.branch
             WHERE l.table_name = ?2 AND l.loaded_us <= c.until_us
             GROUP BY l.content_hash ORDER BY l.loaded_us, l.file",
        )
        .bind(branch)
        .bind(table)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed("read the load ledger"))?;
        Ok(rows
            .iter()
            .map(|row| LedgerEntry {
                table: row.get("table_name"),
                content_hash: row.get("content_hash"),
                file: row.get("file"),
                bytes: row.get::<i64, _>("bytes") as u64,
                rows_loaded: row.get::<i64, _>("rows_loaded") as u64,
                rows_rejected: row.get::<i64, _>("rows_rejected") as u64,
                load_id: row.get("load_id"),
            })
            .collect())
    }
}
