//! What a table's Delta log knows about loads, as application transactions (name → number, in the commit of the data):
//!
//! | application | number |
//! |---|---|
//! | `hanok-load:<content hash>` | when the load began that took the file in (Unix time, ms) |
//! | `hanok-load-rows:<content hash>` | rows that it put into the table |
//! | `hanok-load-rejects:<content hash>` | rows that it rejected |
//! | `hanok-load-last` | when the last load began |
//! | `hanok-load-replaced` | when the last load began that replaced the table; files loaded before it count no more |
//! | `hanok-load-replaced-files` | how many files that one took in |
//! | `hanok-load-replaced-with:<hash of the source's options>` | the same time: changed options make a replace run again |
//!
//! In the table of rejects, `hanok-load:<content hash>:<hash of the source's options>` says when the load began whose
//! rejects of that file are in it.

use hanok_lake::{LakeError, Table};

use super::FileOutcome;
use crate::source::{Disposition, Source};

const LAST: &str = "hanok-load-last";
const REPLACED: &str = "hanok-load-replaced";
const REPLACED_FILES: &str = "hanok-load-replaced-files";

/// A file as the log knows it.
pub(super) struct LoadedFile {
    pub(super) started_ms: i64,
    pub(super) rows: u64,
    pub(super) rejects: u64,
}

/// Reads a table's transactions.
pub(super) struct LoadLog<'a> {
    table: &'a Table,
    source: &'a Source,
    options_hash: String,
}

impl<'a> LoadLog<'a> {
    pub(super) fn new(table: &'a Table, source: &'a Source) -> Self {
        let text = format!("{:?}", source.options);
        let options_hash = blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
        Self { table, source, options_hash }
    }

    /// When the load began that took the file in, unless the table was replaced since.
    pub(super) async fn loaded_ms(&self, hash: &str) -> Result<Option<i64>, LakeError> {
        let Some(loaded) = self.table.application_version(&format!("hanok-load:{hash}")).await? else {
            return Ok(None);
        };
        let replaced = self.table.application_version(REPLACED).await?;
        Ok(replaced.is_none_or(|replaced| loaded >= replaced).then_some(loaded))
    }

    pub(super) async fn loaded(&self, hash: &str) -> Result<Option<LoadedFile>, LakeError> {
        let Some(started_ms) = self.loaded_ms(hash).await? else { return Ok(None) };
        let rows = self.table.application_version(&format!("hanok-load-rows:{hash}")).await?;
        let rejects = self.table.application_version(&format!("hanok-load-rejects:{hash}")).await?;
        let count = |found: Option<i64>| found.map_or(0, |count| count.max(0) as u64);
        Ok(Some(LoadedFile { started_ms, rows: count(rows), rejects: count(rejects) }))
    }

    pub(super) async fn last_ms(&self) -> Result<Option<i64>, LakeError> {
        self.table.application_version(LAST).await
    }

    /// Whether the table is what a replace by these very files and options made it.
    pub(super) async fn is_replaced_by(&self, hashes: &[&str]) -> Result<bool, LakeError> {
        let Some(replaced) = self.table.application_version(REPLACED).await? else { return Ok(false) };
        let distinct: std::collections::HashSet<_> = hashes.iter().collect();
        if self.last_ms().await? != Some(replaced)
            || self.table.application_version(REPLACED_FILES).await? != Some(distinct.len() as i64)
            || self.table.application_version(&self.replaced_with()).await? != Some(replaced)
        {
            return Ok(false);
        }
        for hash in distinct {
            if self.loaded_ms(hash).await? != Some(replaced) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn replaced_with(&self) -> String {
        format!("hanok-load-replaced-with:{}", self.options_hash)
    }

    /// For the table's log: a file of the load.
    pub(super) fn rows_applications(file: &FileOutcome, started_ms: i64) -> [(String, i64); 3] {
        let hash = &file.content_hash;
        [
            (format!("hanok-load:{hash}"), started_ms),
            (format!("hanok-load-rows:{hash}"), file.rows_loaded as i64),
            (format!("hanok-load-rejects:{hash}"), file.rows_rejected as i64),
        ]
    }

    /// For the table's log: the load.
    pub(super) fn load_applications(&self, started_ms: i64, files: usize) -> Vec<(String, i64)> {
        let mut applications = vec![(LAST.to_owned(), started_ms)];
        if self.source.disposition == Disposition::Replace {
            applications.push((REPLACED.to_owned(), started_ms));
            applications.push((REPLACED_FILES.to_owned(), files as i64));
            applications.push((self.replaced_with(), started_ms));
        }
        applications
    }

    /// In the log of rejects: when the load began that wrote the file's rejects.
    pub(super) async fn rejects_ms(&self, hash: &str) -> Result<Option<i64>, LakeError> {
        self.table.application_version(&self.rejects_name(hash)).await
    }

    pub(super) fn rejects_application(&self, hash: &str, started_ms: i64) -> (String, i64) {
        (self.rejects_name(hash), started_ms)
    }

    fn rejects_name(&self, hash: &str) -> String {
        format!("hanok-load:{hash}:{}", self.options_hash)
    }
}
