//! Files to tables.
//!
//! A load commits twice at most: first the rejects, then the rows. Both commits carry, as Delta application
//! transactions, the content hashes of the files they took in, so each happens once, whatever is killed when:
//!
//! * killed before the first commit: nothing has happened;
//! * killed between the two: the rejects' transactions say when that load began; the next load takes the same rows in
//!   under that load's id and does not write the rejects again;
//! * killed after the second: the files are known as loaded. The catalog's ledger is a copy that the next load mends.
//!
//! One load of a table runs at a time (a lock file beside a local table), so two processes never take one file in twice.

mod error;
mod hash;
mod id;
mod lock;
mod log;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use hanok_lake::{CommitMode, CommitOptions, Lake, StagedFiles, Table};
use hanok_types::TableName;

pub use error::LoadError;
pub use write::Progress;

use crate::options::{Format, Policy};
use crate::plan::LOAD_ID_COLUMN;
use crate::source::{Disposition, Source};
use hash::{HashedFile, hash_files};
use id::load_id;
use lock::TableLock;
use log::LoadLog;
use write::{Written, write_files};

/// What a load did with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// Its rows are in the table now.
    Loaded,
    /// The same content was loaded before, by an earlier load or under another name.
    Skipped,
}

/// A file of a load.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct FileOutcome {
    /// Its path.
    pub file: PathBuf,
    /// BLAKE3 of its bytes, hexadecimal.
    pub content_hash: String,
    /// Its size.
    pub bytes: u64,
    /// Loaded or skipped.
    pub status: FileStatus,
    /// Rows in the table; of a skipped file, those loaded then.
    pub rows_loaded: u64,
    /// Rows in the rejects; of a skipped file, those rejected then.
    pub rows_rejected: u64,
}

/// What a load did. The counts are of this load: skipped files count nothing.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct LoadOutcome {
    /// The source.
    pub source: String,
    /// The table, and the rejects' table if this load wrote to it.
    pub tables: Vec<String>,
    /// The files in the order in which they were read.
    pub files: Vec<FileOutcome>,
    /// Rows read.
    pub rows_in: u64,
    /// Rows that went into the table.
    pub rows_loaded: u64,
    /// Rows that went into the rejects.
    pub rows_rejected: u64,
    /// Files whose content was loaded before.
    pub files_skipped: u64,
    /// The id in `_hanok_load_id`; none when there was nothing to load.
    pub load_id: Option<String>,
    /// The table's version after the load.
    pub version: Option<u64>,
}

/// Loads a source into `raw.<name>` and what cannot be loaded into `raw.<name>__rejects`. `project` is the folder to
/// which the source's files are relative; `progress` is told how far the load is.
///
/// # Errors
/// [`LoadError`]; no row of this load is in the table then.
pub async fn load(
    lake: &Lake,
    project: &Path,
    source: &Source,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<LoadOutcome, LoadError> {
    let name = source.table()?;
    let files = hash_files(project, &source.files).await?;
    // The first look gives the table a folder, and with it a place for the lock; the second look is under the lock.
    let unlocked = lake.table_for_write(&name).await?;
    let _lock = TableLock::acquire(&unlocked).await?;
    let table = lake.table_for_write(&name).await?;
    let log = LoadLog::new(&table, source);
    let work = choose(&log, source, files).await?;
    let outcome = if work.iter().any(|file| file.status == FileStatus::Loaded) {
        Loading { lake, source, name: &name, progress }.run(table, work).await?
    } else {
        table.declare_key(Some(&source.primary_key)).await?;
        skipped(source, &name, &table, work)
    };
    mend_ledger(lake, &log_table(lake, &name).await?, source, &name, &outcome).await?;
    Ok(outcome)
}

async fn log_table(lake: &Lake, name: &TableName) -> Result<Table, LoadError> {
    Ok(lake.table_for_write(name).await?)
}

/// Decides which files are loaded. Repeated content within the list is loaded once.
async fn choose(
    log: &LoadLog<'_>,
    source: &Source,
    files: Vec<HashedFile>,
) -> Result<Vec<FileOutcome>, LoadError> {
    let mut seen = std::collections::HashSet::new();
    let mut work = Vec::with_capacity(files.len());
    for file in files {
        let first = seen.insert(file.hash.clone());
        work.push(FileOutcome {
            file: file.path,
            content_hash: file.hash,
            bytes: file.bytes,
            status: if first { FileStatus::Loaded } else { FileStatus::Skipped },
            rows_loaded: 0,
            rows_rejected: 0,
        });
    }
    let unchanged = match source.disposition {
        Disposition::Replace => {
            let hashes: Vec<&str> = work.iter().map(|file| file.content_hash.as_str()).collect();
            log.is_replaced_by(&hashes).await?
        }
        Disposition::Append => false,
    };
    for file in &mut work {
        if unchanged
            || (source.disposition == Disposition::Append
                && log.loaded_ms(&file.content_hash).await?.is_some())
        {
            file.status = FileStatus::Skipped;
        }
    }
    Ok(work)
}

fn skipped(source: &Source, name: &TableName, table: &Table, files: Vec<FileOutcome>) -> LoadOutcome {
    LoadOutcome {
        source: source.name.to_string(),
        tables: vec![name.to_string()],
        rows_in: 0,
        rows_loaded: 0,
        rows_rejected: 0,
        files_skipped: files.len() as u64,
        files,
        load_id: None,
        version: table.version(),
    }
}

/// Writes to the ledger what the log knows and the ledger does not.
async fn mend_ledger(
    lake: &Lake,
    table: &Table,
    source: &Source,
    name: &TableName,
    outcome: &LoadOutcome,
) -> Result<(), LoadError> {
    let log = LoadLog::new(table, source);
    let shown = name.to_string();
    let known = lake.catalog().ledger(lake.branch_id(), &shown).await?;
    let known: std::collections::HashSet<String> =
        known.into_iter().map(|entry| entry.content_hash).collect();
    let mut entries = Vec::new();
    for file in &outcome.files {
        if known.contains(&file.content_hash) {
            continue;
        }
        if let Some(loaded) = log.loaded(&file.content_hash).await? {
            entries.push(hanok_catalog::LedgerEntry {
                table: shown.clone(),
                content_hash: file.content_hash.clone(),
                file: file.file.to_string_lossy().into_owned(),
                bytes: file.bytes,
                rows_loaded: loaded.rows,
                rows_rejected: loaded.rejects,
                load_id: load_id(name, loaded.started_ms),
            });
        }
    }
    if !entries.is_empty() {
        lake.catalog().put_ledger(lake.branch_id(), &entries).await?;
    }
    Ok(())
}

/// One load on its way.
struct Loading<'a> {
    lake: &'a Lake,
    source: &'a Source,
    name: &'a TableName,
    progress: &'a (dyn Fn(Progress) + Sync),
}

/// A file to load, and the load that it belongs to.
struct Item {
    /// In the list of all files.
    at: usize,
    started_ms: i64,
    /// Its rejects are committed already, by a load that was killed then.
    rejects_done: bool,
}

impl Loading<'_> {
    async fn run(&self, mut table: Table, mut files: Vec<FileOutcome>) -> Result<LoadOutcome, LoadError> {
        let replace = self.source.disposition == Disposition::Replace;
        let rejects_name = self.source.rejects_table()?;
        let rejects_table = self.lake.find(&rejects_name).await?;
        let now_ms = self.start_ms(&table).await?;
        let items = self.items(&files, rejects_table.as_ref(), now_ms).await?;
        let existing = self.existing(&table)?;
        let written = self.write(&table, &rejects_name, existing, &items, &files).await?;
        for (item, counts) in items.iter().zip(&written.counts) {
            files[item.at].rows_loaded = counts.rows;
            files[item.at].rows_rejected = counts.rejects;
        }
        let mut tables = vec![self.name.to_string()];
        if self.commit_rejects(&rejects_name, rejects_table, written.rejects, &items, &files).await? {
            tables.push(rejects_name.to_string());
        }
        let log = LoadLog::new(&table, self.source);
        let mut applications = Vec::new();
        for item in &items {
            applications.extend(LoadLog::rows_applications(&files[item.at], item.started_ms));
        }
        applications.extend(log.load_applications(now_ms, items.len()));
        let load_id = load_id(self.name, now_ms);
        let key = Some(self.source.primary_key.clone());
        let info = self.info(&load_id, &files);
        let options = CommitOptions { applications, evolve: true, key, info, ..CommitOptions::default() };
        let mode = if replace { CommitMode::Replace } else { CommitMode::Append };
        let committed = table.commit(written.rows, mode, &options).await?;
        let rows_loaded = written.counts.iter().map(|counts| counts.rows).sum();
        let rows_rejected = written.counts.iter().map(|counts| counts.rejects).sum();
        Ok(LoadOutcome {
            source: self.source.name.to_string(),
            tables,
            rows_in: rows_loaded + rows_rejected,
            rows_loaded,
            rows_rejected,
            files_skipped: (files.len() - items.len()) as u64,
            files,
            load_id: Some(load_id),
            version: Some(committed.version),
        })
    }

    /// Now, but later than the table's last load: loads are told apart, and ordered, by when they began.
    async fn start_ms(&self, table: &Table) -> Result<i64, LoadError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now_ms = now.map_or(0, |since| since.as_millis() as i64);
        let last_ms = LoadLog::new(table, self.source).last_ms().await?;
        Ok(last_ms.map_or(now_ms, |last| now_ms.max(last + 1)))
    }

    /// The files to load; those of a load that was killed between its commits go on under its id.
    async fn items(
        &self,
        files: &[FileOutcome],
        rejects_table: Option<&Table>,
        now_ms: i64,
    ) -> Result<Vec<Item>, LoadError> {
        let mut items = Vec::new();
        for (at, file) in files.iter().enumerate() {
            if file.status != FileStatus::Loaded {
                continue;
            }
            let mut item = Item { at, started_ms: now_ms, rejects_done: false };
            if let (Some(table), Disposition::Append) = (rejects_table, self.source.disposition) {
                let log = LoadLog::new(table, self.source);
                if let Some(started_ms) = log.rejects_ms(&file.content_hash).await? {
                    (item.started_ms, item.rejects_done) = (started_ms, true);
                }
            }
            items.push(item);
        }
        Ok(items)
    }

    /// The schema that new rows have to fit, without the loader's own column.
    fn existing(&self, table: &Table) -> Result<Option<SchemaRef>, LoadError> {
        let contract = self.source.options.contract;
        let free = contract.columns == Policy::Evolve && contract.types == Policy::Evolve;
        if self.source.disposition == Disposition::Replace && free {
            return Ok(None);
        }
        Ok(table.schema()?.map(|schema| {
            let fields = schema.fields().iter().filter(|field| field.name() != LOAD_ID_COLUMN).cloned();
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        }))
    }

    async fn write(
        &self,
        table: &Table,
        rejects_name: &TableName,
        existing: Option<SchemaRef>,
        items: &[Item],
        files: &[FileOutcome],
    ) -> Result<Written, LoadError> {
        let mut options = self.source.options.clone();
        if options.format.is_none() {
            options.format = files.first().and_then(|file| Format::of_path(&file.file));
        }
        let paths: Vec<PathBuf> = items.iter().map(|item| files[item.at].file.clone()).collect();
        let ids: Vec<String> = items.iter().map(|item| load_id(self.name, item.started_ms)).collect();
        let keep_rejects: Vec<bool> = items.iter().map(|item| !item.rejects_done).collect();
        let written = write_files(
            self.lake,
            table,
            rejects_name,
            paths,
            options,
            existing,
            &ids,
            &keep_rejects,
            self.progress,
        )
        .await?;
        // What was hashed is what was read.
        for item in items {
            hash::check_unchanged(&files[item.at].file, files[item.at].bytes).await?;
        }
        Ok(written)
    }

    /// Whether anything was committed.
    async fn commit_rejects(
        &self,
        name: &TableName,
        table: Option<Table>,
        staged: Option<StagedFiles>,
        items: &[Item],
        files: &[FileOutcome],
    ) -> Result<bool, LoadError> {
        let replace = self.source.disposition == Disposition::Replace;
        let (mut table, staged) = match (table, staged) {
            (Some(table), Some(staged)) => (table, staged),
            (None, Some(staged)) => (self.lake.table_for_write(name).await?, staged),
            // The rejects of rows that are about to go.
            (Some(table), None) if replace && table.rows().await? != Some(0) => {
                let schema = table.schema()?.unwrap_or_else(write::rejects_schema);
                (table, StagedFiles::none(schema))
            }
            (_, None) => return Ok(false),
        };
        let mut applications = Vec::new();
        let log = LoadLog::new(&table, self.source);
        for item in items.iter().filter(|item| !item.rejects_done && files[item.at].rows_rejected > 0) {
            applications.push(log.rejects_application(&files[item.at].content_hash, item.started_ms));
        }
        let mode = if replace { CommitMode::Replace } else { CommitMode::Append };
        let options = CommitOptions { applications, evolve: true, ..CommitOptions::default() };
        table.commit(staged, mode, &options).await?;
        Ok(true)
    }

    fn info(
        &self,
        load_id: &str,
        files: &[FileOutcome],
    ) -> std::collections::BTreeMap<String, serde_json::Value> {
        // The log is no place for a list of a million names.
        const FILES_MAX: usize = 100;
        let names: Vec<_> = files
            .iter()
            .filter(|file| file.status == FileStatus::Loaded)
            .take(FILES_MAX)
            .map(|file| serde_json::Value::from(file.file.to_string_lossy()))
            .collect();
        [
            ("hanok.source".to_owned(), self.source.name.to_string().into()),
            ("hanok.loadId".to_owned(), load_id.into()),
            ("hanok.files".to_owned(), names.into()),
        ]
        .into()
    }
}
