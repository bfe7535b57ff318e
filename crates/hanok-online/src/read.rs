//! The reader: every view in memory, kept in step with commits.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use heed::{RoTxn, WithoutTls};
use parking_lot::{Mutex, RwLock};

use crate::env::{Store, StoreOptions};
use crate::error::StoreError;
use crate::key::{Keys, encoded_of, from_key, lmdb_key, view_of};
use crate::row::{Header, StoredRow};
use crate::table::{PutScratch, Rows, TableFull, ViewTable};
use crate::view::{META_SEQUENCE, SchemaReading, ViewRecord, count_key, number, views};
use crate::write::{CHANGE_KEYS, CHANGE_LAYOUT, CHANGE_RELOAD, read_mark};

/// The views of a store at one moment. Tables stay in step with commits; the set is replaced when views change.
pub struct ViewSet {
    generation: u64,
    tables: Vec<Arc<ViewTable>>,
    by_name: HashMap<String, usize>,
}

impl ViewSet {
    /// Changes whenever a view's position or schema does. Positions of one generation stay valid in it.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The position of a view.
    pub fn position(&self, view: &str) -> Option<usize> {
        self.by_name.get(view).copied()
    }

    /// The table at a position.
    pub fn table(&self, position: usize) -> Option<&ViewTable> {
        self.tables.get(position).map(Arc::as_ref)
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &ViewTable> {
        self.tables.iter().map(Arc::as_ref)
    }
}

/// What a refresh found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refreshed {
    /// Rows that were read because their key changed.
    pub rows: u64,
    /// Views that were read whole: new ones, altered ones, or all after falling too far behind.
    pub views_reloaded: u64,
}

/// Reading half of an online store.
pub trait OnlineRead: Send + Sync {
    /// Looks up `keys` in a view; `false` when there is no such view. See [`ViewTable::read`].
    fn read(&self, view: &str, keys: &Keys, columns: &[u16], now_us: i64, out: &mut Rows) -> bool;
    /// Takes in what was committed since the last refresh.
    fn refresh(&self) -> Result<Refreshed, StoreError>;
    /// How many keys a view has in memory.
    fn key_count(&self, view: &str) -> Option<u64>;
}

/// A handle on the in-memory copy of a store; clones share it.
#[derive(Clone)]
pub struct Reader {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<Store>,
    /// Held for the moment of a swap only.
    set: RwLock<Arc<ViewSet>>,
    /// Held while refreshing: one thread at a time changes the tables.
    position: Mutex<Position>,
    refreshed_us: AtomicU64,
}

/// How far the in-memory copy has come.
struct Position {
    commit: u64,
    sequence: u64,
    records: Vec<ViewRecord>,
}

type Txn<'t> = RoTxn<'t, WithoutTls>;

impl Reader {
    /// Opens the store in the folder `path`, making an empty one when there is none, and reads every row into memory.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &StoreOptions::default())
    }

    /// [`Reader::open`] with sizes.
    pub fn open_with(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(|source| StoreError::io(path, source))?;
        let store = Store::open(path, options, None)?;
        let empty = ViewSet { generation: 0, tables: Vec::new(), by_name: HashMap::new() };
        let inner = Inner {
            store,
            set: RwLock::new(Arc::new(empty)),
            position: Mutex::new(Position { commit: 0, sequence: 0, records: Vec::new() }),
            refreshed_us: AtomicU64::new(0),
        };
        inner.reload(&mut inner.position.lock())?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The views now. A request takes them once and then reads without any lock.
    pub fn views(&self) -> Arc<ViewSet> {
        Arc::clone(&self.inner.set.read())
    }

    /// When the last refresh ended, in microseconds since 1970.
    pub fn refreshed_us(&self) -> u64 {
        self.inner.refreshed_us.load(Ordering::Relaxed)
    }

    /// The value of a watermark as committed now.
    pub fn watermark(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read_mark(&self.inner.store, key)
    }
}

impl OnlineRead for Reader {
    fn read(&self, view: &str, keys: &Keys, columns: &[u16], now_us: i64, out: &mut Rows) -> bool {
        let set = self.views();
        let table = set.position(view).and_then(|position| set.table(position));
        let Some(table) = table else {
            out.reset_not_found(keys.len());
            return false;
        };
        table.read(keys, columns, now_us, out);
        true
    }

    fn refresh(&self) -> Result<Refreshed, StoreError> {
        let mut position = self.inner.position.lock();
        let refreshed = if self.inner.store.last_commit() == position.commit {
            Refreshed::default()
        } else {
            self.inner.catch_up(&mut position)?
        };
        self.inner.refreshed_us.store(now_us(), Ordering::Relaxed);
        Ok(refreshed)
    }

    fn key_count(&self, view: &str) -> Option<u64> {
        let set = self.views();
        Some(set.table(set.position(view)?)?.key_count())
    }
}

fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Why applying the log stopped.
enum Stop {
    /// The log no longer reaches back, or views changed: read again what differs.
    Reload,
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Inner {
    /// Reads every view whole.
    fn reload(&self, position: &mut Position) -> Result<Refreshed, StoreError> {
        position.records.clear();
        self.store.read(|txn| self.relayout(txn, position, true))
    }

    fn catch_up(&self, position: &mut Position) -> Result<Refreshed, StoreError> {
        let mut refreshed = Refreshed::default();
        let applied = self.store.read(|txn| self.apply_log(txn, position, &mut refreshed));
        match applied {
            Ok(()) => Ok(refreshed),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Reload) => {
                let reloaded = self.store.read(|txn| self.relayout(txn, position, false))?;
                refreshed.views_reloaded += reloaded.views_reloaded;
                Ok(refreshed)
            }
        }
    }

    /// Applies the log of changes since `position`. On [`Stop`] the position stays, and rows may be newer than it.
    fn apply_log(
        &self,
        txn: &Txn<'_>,
        position: &mut Position,
        refreshed: &mut Refreshed,
    ) -> Result<(), Stop> {
        let store = &self.store;
        let last = number(store, txn, META_SEQUENCE)?;
        let mut expected = position.sequence + 1;
        let from = expected.to_be_bytes();
        let entries = store.dbs.changes.range(txn, &from_key(&from)).map_err(|error| store.error(error))?;
        let mut loader = Loader::new(store, txn);
        for entry in entries {
            let (sequence, change) = entry.map_err(|error| store.error(error))?;
            if sequence != expected.to_be_bytes() {
                return Err(Stop::Reload);
            }
            expected += 1;
            match change.split_first_chunk::<5>() {
                Some(([CHANGE_KEYS, id @ ..], keys)) => {
                    let view_id = u32::from_le_bytes(*id);
                    refreshed.rows += self.apply_keys(&mut loader, position, view_id, keys)?;
                }
                Some(([CHANGE_LAYOUT | CHANGE_RELOAD, ..], _)) => return Err(Stop::Reload),
                _ => return Err(self.damaged("a record of the log of changes").into()),
            }
        }
        if expected != last + 1 {
            return Err(Stop::Reload);
        }
        position.sequence = last;
        position.commit = txn.id() as u64;
        Ok(())
    }

    fn apply_keys(
        &self,
        loader: &mut Loader<'_>,
        position: &Position,
        view_id: u32,
        mut rest: &[u8],
    ) -> Result<u64, Stop> {
        let set = Arc::clone(&self.set.read());
        let at = set.tables.iter().position(|table| table.view_id == view_id).ok_or(Stop::Reload)?;
        let record = position.records.iter().find(|record| record.view_id == view_id).ok_or(Stop::Reload)?;
        let readings = record.readings();
        let mut table = Arc::clone(&set.tables[at]);
        let mut rows = 0;
        while let Some((length, tail)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*length) as usize;
            let (encoded, tail) = tail
                .split_at_checked(length)
                .ok_or_else(|| self.damaged("a record of the log of changes"))?;
            rest = tail;
            while loader.load(&table, &readings, encoded)? == Loaded::TableFull {
                table = Arc::new(table.grown());
                self.swap(at, &table);
            }
            rows += 1;
        }
        Ok(rows)
    }

    /// Replaces a table by a larger copy of itself; the generation stays.
    fn swap(&self, at: usize, table: &Arc<ViewTable>) {
        let mut set = self.set.write();
        let mut tables = set.tables.clone();
        tables[at] = Arc::clone(table);
        *set = Arc::new(ViewSet { generation: set.generation, tables, by_name: set.by_name.clone() });
    }

    /// Reads the views' records again, and whole those views that are new, altered or were reloaded in the log.
    fn relayout(&self, txn: &Txn<'_>, position: &mut Position, all: bool) -> Result<Refreshed, StoreError> {
        let store = &self.store;
        let records = views(store, txn)?;
        let sequence = number(store, txn, META_SEQUENCE)?;
        let old = Arc::clone(&self.set.read());
        let reloads = if all { None } else { self.changed_views(txn, position.sequence)? };
        let mut refreshed = Refreshed::default();
        let mut tables = Vec::with_capacity(records.len());
        for record in &records {
            let same = old.tables.iter().find(|table| {
                table.view_id == record.view_id && table.schema().features == record.schema.features
            });
            let keep = same.filter(|_| reloads.as_ref().is_some_and(|ids| !ids.contains(&record.view_id)));
            tables.push(match keep {
                // Only the ttl can differ.
                Some(table) if table.schema_id == record.schema_id => {
                    table.set_ttl(record.schema.ttl_us);
                    Arc::clone(table)
                }
                _ => {
                    refreshed.views_reloaded += 1;
                    Arc::new(Loader::new(store, txn).table(record)?)
                }
            });
        }
        let by_name =
            records.iter().enumerate().map(|(at, record)| (record.schema.name.clone(), at)).collect();
        *self.set.write() = Arc::new(ViewSet { generation: old.generation + 1, tables, by_name });
        *position = Position { commit: txn.id() as u64, sequence, records };
        self.refreshed_us.store(now_us(), Ordering::Relaxed);
        Ok(refreshed)
    }

    /// The views whose rows changed since `sequence`; `None` when the log does not reach back so far.
    fn changed_views(&self, txn: &Txn<'_>, sequence: u64) -> Result<Option<Vec<u32>>, StoreError> {
        let store = &self.store;
        let from = (sequence + 1).to_be_bytes();
        let entries = store.dbs.changes.range(txn, &from_key(&from)).map_err(|error| store.error(error))?;
        let mut ids = Vec::new();
        for (expected, entry) in (sequence + 1..).zip(entries) {
            let (key, change) = entry.map_err(|error| store.error(error))?;
            if key != expected.to_be_bytes() {
                return Ok(None);
            }
            if let Some(([CHANGE_KEYS | CHANGE_RELOAD, id @ ..], _)) = change.split_first_chunk::<5>() {
                let id = u32::from_le_bytes(*id);
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        Ok(Some(ids))
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::Damaged { path: self.store.path.clone(), what: format!("{what} cannot be understood") }
    }
}

#[derive(PartialEq, Eq)]
enum Loaded {
    Done,
    TableFull,
}

/// Reads rows out of LMDB into tables.
struct Loader<'t> {
    store: &'t Store,
    txn: &'t Txn<'t>,
    keys: Keys,
    key: Vec<u8>,
    scratch: PutScratch,
}

impl<'t> Loader<'t> {
    fn new(store: &'t Store, txn: &'t Txn<'t>) -> Self {
        Self { store, txn, keys: Keys::default(), key: Vec::new(), scratch: PutScratch::default() }
    }

    fn error(&self, error: heed::Error) -> StoreError {
        self.store.error(error)
    }

    /// A new table with all rows of a view.
    fn table(&mut self, record: &ViewRecord) -> Result<ViewTable, StoreError> {
        let rows = number(self.store, self.txn, &count_key(record.view_id))? as usize;
        let stored = self.store.dbs.rows.len(self.txn).map_err(|error| self.error(error))? as usize;
        let schema = Arc::new(record.schema.clone());
        // A damaged count must not make a table of any size.
        let mut table = ViewTable::new(record.view_id, record.schema_id, schema, rows.min(stored));
        let readings = record.readings();
        let from = record.view_id.to_be_bytes();
        let entries =
            self.store.dbs.rows.range(self.txn, &from_key(&from)).map_err(|error| self.error(error))?;
        let mut seen = 0;
        for entry in entries {
            let (key, bytes) = entry.map_err(|error| self.error(error))?;
            if view_of(key) != Some(record.view_id) {
                break;
            }
            while self.put(&table, &readings, encoded_of(key), bytes)? == Loaded::TableFull {
                table = table.grown();
            }
            seen += 1;
        }
        if seen != rows {
            let what = format!("view `{}` has {seen} rows instead of {rows}", table.schema().name);
            return Err(StoreError::Damaged { path: self.store.path.clone(), what });
        }
        Ok(table)
    }

    /// Brings the row of one key into `table`.
    fn load(
        &mut self,
        table: &ViewTable,
        readings: &[SchemaReading],
        encoded: &[u8],
    ) -> Result<Loaded, StoreError> {
        let mut key = std::mem::take(&mut self.key);
        lmdb_key(table.view_id, encoded, &mut key);
        let bytes = self.store.dbs.rows.get(self.txn, &key).map_err(|error| self.error(error))?;
        self.key = key;
        match bytes {
            Some(bytes) => self.put(table, readings, Some(encoded), bytes),
            // The view was dropped since: the log says so further on.
            None => Ok(Loaded::Done),
        }
    }

    fn put(
        &mut self,
        table: &ViewTable,
        readings: &[SchemaReading],
        encoded: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<Loaded, StoreError> {
        let row_error = |source| StoreError::Row {
            path: self.store.path.clone(),
            view: table.schema().name.clone(),
            source,
        };
        let schema_id = Header::decode(bytes).map_err(row_error)?.schema_id;
        // Rows of schemas that are no longer recorded cannot be understood, and read as absent.
        let Some(reading) = readings.iter().find(|reading| reading.schema_id == schema_id) else {
            return Ok(Loaded::Done);
        };
        let row = StoredRow::decode(bytes, &reading.types).map_err(row_error)?;
        self.keys.reset(table.key_kind());
        if !self.keys.set_encoded(encoded.unwrap_or(row.key())) {
            let what = format!("a key of view `{}` cannot be understood", table.schema().name);
            return Err(StoreError::Damaged { path: self.store.path.clone(), what });
        }
        match table.put(&mut self.scratch, &self.keys, 0, &row, reading.mapping.as_deref()) {
            Ok(()) => Ok(Loaded::Done),
            Err(TableFull) => Ok(Loaded::TableFull),
        }
    }
}
