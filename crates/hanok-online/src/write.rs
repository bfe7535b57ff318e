//! The writer: atomic commits of sorted rows, each with its place in the log of changes.

use std::fs;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};
use hanok_types::ValueType;
use heed::{PutFlags, RwTxn};

use crate::columns::Column;
use crate::env::{Store, StoreOptions, WorkError, WriterLock};
use crate::error::StoreError;
use crate::key::{KEY_BYTES_MAX, Keys, from_key, lmdb_key};
use crate::row::{Header, RowBuilder, StoredValue, VALUE_BYTES_MAX};
use crate::schema::{SchemaError, ViewSchema, is_variable};
use crate::view::{
    META_NEXT_VIEW, META_SEQUENCE, OLDER_SCHEMAS_MAX, OlderSchema, ViewRecord, count_key, number, view,
};

/// Most bytes of keys in one record of the log of changes.
const CHANGE_BYTES_MAX: usize = 64 * 1024;
/// Records that the log keeps. A reader that falls further behind reads everything again.
const CHANGES_MAX: u64 = 1_024;
/// Most bytes of a watermark's key.
const MARK_KEY_BYTES_MAX: usize = 500;
/// Commits between looks for readers that died.
const STALE_CHECK_COMMITS: u64 = 64;

pub(crate) const CHANGE_KEYS: u8 = 1;
pub(crate) const CHANGE_LAYOUT: u8 = 2;
pub(crate) const CHANGE_RELOAD: u8 = 3;

/// Rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store itself failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The view's schema cannot be stored.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The view was never applied.
    #[error("no view `{view}` in the online store")]
    ViewUnknown {
        /// The name asked for.
        view: String,
    },
    /// A column is not in the batch.
    #[error("view `{view}`: the rows have no column `{column}`")]
    ColumnMissing {
        /// The view.
        view: String,
        /// The missing column.
        column: String,
    },
    /// A column cannot become its declared type without loss.
    #[error("view `{view}`: the column `{column}` is a {found} and cannot become a {expected}")]
    ColumnType {
        /// The view.
        view: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
        /// The declared type.
        expected: ValueType,
        /// Which value failed, when it was a value.
        #[source]
        reason: Option<ArrowError>,
    },
    /// A key or a value is too long.
    #[error("view `{view}`: {what} in row {row} is longer than {bytes_max} bytes")]
    TooLong {
        /// The view.
        view: String,
        /// The row's position in the batch.
        row: usize,
        /// `the key`, or the feature.
        what: String,
        /// The limit.
        bytes_max: usize,
    },
    /// A watermark's key is empty or too long.
    #[error("the watermark's key has {bytes} bytes; 1 to {MARK_KEY_BYTES_MAX} fit")]
    MarkKey {
        /// Its length.
        bytes: usize,
    },
    /// Two keys have one 256-bit hash.
    #[error("view `{view}`: two long keys have the same hash")]
    KeyCollision {
        /// The view.
        view: String,
    },
}

impl Coded for WriteError {
    fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Schema(error) => error.code(),
            Self::ViewUnknown { .. } => code::ONLINE_VIEW_UNKNOWN,
            _ => code::ONLINE_BATCH_INVALID,
        }
    }
}

type Work<T> = Result<T, WorkError<WriteError>>;

impl From<WriteError> for WorkError<WriteError> {
    fn from(error: WriteError) -> Self {
        Self::Work(error)
    }
}

impl From<StoreError> for WorkError<WriteError> {
    fn from(error: StoreError) -> Self {
        Self::Work(error.into())
    }
}

/// Rows to write: a batch, and which of its columns are the timestamps. Columns are found by name; others are ignored.
#[derive(Clone, Copy, Debug)]
pub struct WriteBatch<'a> {
    /// Join keys, timestamps and features.
    pub rows: &'a RecordBatch,
    /// The column with the event timestamp.
    pub event_timestamp: &'a str,
    /// The column with the created timestamp.
    pub created: Option<&'a str>,
    /// An opaque record that is committed together with the rows: `(key, value)`.
    pub watermark: Option<(&'a str, &'a [u8])>,
}

/// What became of the rows of a batch; the three add up to its rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WriteOutcome {
    /// Rows that are now the newest of their key.
    pub written: u64,
    /// Rows that lost against a newer row of their key, stored or in the same batch.
    pub older_kept: u64,
    /// Rows whose join key or event timestamp is null: nobody could ask for them.
    pub null_skipped: u64,
}

/// What [`Writer::apply_schema`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SchemaChange {
    /// The view is new.
    Created,
    /// Nothing differs.
    Unchanged,
    /// Features or the ttl changed; stored values of features that kept name and type stay readable.
    Altered,
    /// The join keys changed, so the stored rows were removed.
    Replaced,
}

/// Writing half of an online store.
pub trait OnlineWrite {
    /// Makes the store's view look like `schema`.
    fn apply_schema(&mut self, schema: &ViewSchema) -> Result<SchemaChange, WriteError>;
    /// Writes rows of a view, all or none of them.
    fn write(&mut self, view: &str, batch: &WriteBatch<'_>) -> Result<WriteOutcome, WriteError>;
    /// Removes a view with its rows; `false` when there is none.
    fn drop_view(&mut self, view: &str) -> Result<bool, WriteError>;
    /// The value of a watermark.
    fn watermark(&self, key: &str) -> Result<Option<Vec<u8>>, WriteError>;
    /// Sets a watermark on its own; `None` removes it.
    fn set_watermark(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), WriteError>;
}

/// The one writer of an embedded store.
pub struct Writer {
    store: Arc<Store>,
    _lock: WriterLock,
    commits: u64,
}

impl Writer {
    /// Opens the store in the folder `path` for writing, making it when it does not exist.
    ///
    /// Errors: [`StoreError::Locked`] when another writer does not finish in time, and everything that keeps a store
    /// from opening.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &StoreOptions::default())
    }

    /// [`Writer::open`] with sizes.
    pub fn open_with(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(|source| StoreError::io(path, source))?;
        let lock = WriterLock::take(path, Duration::from_millis(options.lock_wait_ms))?;
        let store = Store::open(path, options, Some(&lock))?;
        store.clear_stale_readers()?;
        Ok(Self { store, _lock: lock, commits: 0 })
    }

    /// How many keys a view has.
    pub fn key_count(&self, view_name: &str) -> Result<u64, WriteError> {
        self.store.read(|txn| {
            let Some(record) = view(&self.store, txn, view_name)? else {
                return Err(WriteError::ViewUnknown { view: view_name.to_owned() });
            };
            Ok(number(&self.store, txn, &count_key(record.view_id))?)
        })
    }

    fn commit<T>(&mut self, work: impl FnMut(&mut RwTxn<'_>) -> Work<T>) -> Result<T, WriteError> {
        if self.commits.is_multiple_of(STALE_CHECK_COMMITS) {
            self.store.clear_stale_readers()?;
        }
        self.commits += 1;
        self.store.write(work)
    }
}

impl OnlineWrite for Writer {
    fn apply_schema(&mut self, schema: &ViewSchema) -> Result<SchemaChange, WriteError> {
        schema.check()?;
        let store = Arc::clone(&self.store);
        self.commit(|txn| apply_schema(&store, txn, schema))
    }

    fn write(&mut self, view_name: &str, batch: &WriteBatch<'_>) -> Result<WriteOutcome, WriteError> {
        let store = Arc::clone(&self.store);
        let known = store.read(|txn| view(&store, txn, view_name))?;
        let record = known.ok_or_else(|| WriteError::ViewUnknown { view: view_name.to_owned() })?;
        let prepared = Prepared::new(&record, batch)?;
        check_mark(batch.watermark)?;
        self.commit(|txn| {
            let outcome = prepared.write(&store, txn)?;
            if let Some((key, value)) = batch.watermark {
                store.dbs.marks.put(txn, key.as_bytes(), value)?;
            }
            Ok(outcome)
        })
    }

    fn drop_view(&mut self, view_name: &str) -> Result<bool, WriteError> {
        let store = Arc::clone(&self.store);
        self.commit(|txn| {
            let Some(record) = view(&store, txn, view_name)? else {
                return Ok(false);
            };
            delete_rows(&store, txn, record.view_id)?;
            store.dbs.views.delete(txn, view_name.as_bytes())?;
            log_change(&store, txn, CHANGE_LAYOUT, record.view_id, &[])?;
            Ok(true)
        })
    }

    fn watermark(&self, key: &str) -> Result<Option<Vec<u8>>, WriteError> {
        check_mark(Some((key, &[])))?;
        Ok(read_mark(&self.store, key)?)
    }

    fn set_watermark(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), WriteError> {
        check_mark(Some((key, &[])))?;
        let store = Arc::clone(&self.store);
        self.commit(|txn| {
            match value {
                Some(value) => store.dbs.marks.put(txn, key.as_bytes(), value)?,
                None => {
                    store.dbs.marks.delete(txn, key.as_bytes())?;
                }
            }
            Ok(())
        })
    }
}

pub(crate) fn read_mark(store: &Store, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    store.read(|txn| {
        let value = store.dbs.marks.get(txn, key.as_bytes()).map_err(|error| store.error(error))?;
        Ok(value.map(<[u8]>::to_vec))
    })
}

fn check_mark(mark: Option<(&str, &[u8])>) -> Result<(), WriteError> {
    match mark {
        Some((key, _)) if key.is_empty() || key.len() > MARK_KEY_BYTES_MAX => {
            Err(WriteError::MarkKey { bytes: key.len() })
        }
        _ => Ok(()),
    }
}

fn apply_schema(store: &Store, txn: &mut RwTxn<'_>, schema: &ViewSchema) -> Work<SchemaChange> {
    let (record, change) = match view(store, txn, &schema.name)? {
        Some(old) if old.schema == *schema => return Ok(SchemaChange::Unchanged),
        Some(old) if old.schema.join_keys == schema.join_keys => {
            (altered(old, schema), SchemaChange::Altered)
        }
        old => {
            let view_id = number(store, txn, META_NEXT_VIEW)? as u32;
            let next = u64::from(view_id) + 1;
            store.dbs.meta.put(txn, META_NEXT_VIEW, &next.to_le_bytes())?;
            let change = match old {
                None => SchemaChange::Created,
                Some(old) => {
                    delete_rows(store, txn, old.view_id)?;
                    SchemaChange::Replaced
                }
            };
            (ViewRecord { view_id, schema_id: 0, schema: schema.clone(), older: Vec::new() }, change)
        }
    };
    let json = serde_json::to_vec(&record).map_err(|error| {
        WriteError::Store(StoreError::Damaged { path: store.path.clone(), what: error.to_string() })
    })?;
    store.dbs.views.put(txn, schema.name.as_bytes(), &json)?;
    log_change(store, txn, CHANGE_LAYOUT, record.view_id, &[])?;
    Ok(change)
}

/// The record after a change of features or ttl. New features get a new schema id.
fn altered(mut record: ViewRecord, schema: &ViewSchema) -> ViewRecord {
    if record.schema.features != schema.features {
        record
            .older
            .insert(0, OlderSchema { schema_id: record.schema_id, features: record.schema.features.clone() });
        record.older.truncate(OLDER_SCHEMAS_MAX);
        record.schema_id += 1;
    }
    record.schema = schema.clone();
    record
}

fn delete_rows(store: &Store, txn: &mut RwTxn<'_>, view_id: u32) -> Work<()> {
    let from = view_id.to_be_bytes();
    match view_id.checked_add(1).map(u32::to_be_bytes) {
        Some(to) => {
            store.dbs.rows.delete_range(txn, &(Bound::Included(&from[..]), Bound::Excluded(&to[..])))?
        }
        None => store.dbs.rows.delete_range(txn, &from_key(&from))?,
    };
    store.dbs.meta.delete(txn, &count_key(view_id))?;
    Ok(())
}

/// Appends a record to the log of changes and drops the oldest beyond the log's limit.
fn log_change(store: &Store, txn: &mut RwTxn<'_>, kind: u8, view_id: u32, keys: &[u8]) -> Work<()> {
    let sequence = number(store, txn, META_SEQUENCE)? + 1;
    let mut record = Vec::with_capacity(5 + keys.len());
    record.push(kind);
    record.extend_from_slice(&view_id.to_le_bytes());
    record.extend_from_slice(keys);
    store.dbs.changes.put(txn, &sequence.to_be_bytes(), &record)?;
    if let Some(oldest) = sequence.checked_sub(CHANGES_MAX) {
        store.dbs.changes.delete(txn, &oldest.to_be_bytes())?;
    }
    store.dbs.meta.put(txn, META_SEQUENCE, &sequence.to_le_bytes())?;
    Ok(())
}

/// A batch with its columns found, its keys encoded and its rows in the order of writing.
struct Prepared<'a> {
    record: &'a ViewRecord,
    events: Column,
    created: Option<Column>,
    features: Vec<Column>,
    keys: Keys,
    /// Row of the batch of each key.
    rows: Vec<u32>,
    /// Positions in `keys`, sorted; of several rows of one key only the newest.
    order: Vec<u32>,
    superseded: u64,
    null_skipped: u64,
}

fn micros(column: &Column, row: usize) -> Option<i64> {
    match column.value(row) {
        Some(StoredValue::Word(word)) => Some(word as i64),
        _ => None,
    }
}

impl<'a> Prepared<'a> {
    fn new(record: &'a ViewRecord, batch: &WriteBatch<'_>) -> Result<Self, WriteError> {
        let schema = &record.schema;
        let take = |name: &str, value_type| Column::take(&schema.name, batch.rows, name, value_type);
        let events = take(batch.event_timestamp, ValueType::Timestamp)?;
        let created = batch.created.map(|name| take(name, ValueType::Timestamp)).transpose()?;
        let columns = |columns: &[(String, ValueType)]| {
            columns.iter().map(|(name, value_type)| take(name, *value_type)).collect::<Result<Vec<_>, _>>()
        };
        let (joins, features) = (columns(&schema.join_keys)?, columns(&schema.features)?);
        let mut prepared = Self {
            record,
            events,
            created,
            features,
            keys: Keys::default(),
            rows: Vec::with_capacity(batch.rows.num_rows()),
            order: Vec::new(),
            superseded: 0,
            null_skipped: 0,
        };
        prepared.encode_keys(&joins, batch.rows.num_rows())?;
        prepared.check_values()?;
        prepared.sort();
        Ok(prepared)
    }

    fn too_long(&self, row: usize, what: &str, bytes_max: usize) -> WriteError {
        let view = self.record.schema.name.clone();
        WriteError::TooLong { view, row, what: what.to_owned(), bytes_max }
    }

    fn encode_keys(&mut self, joins: &[Column], rows: usize) -> Result<(), WriteError> {
        self.keys.reset(self.record.schema.key_kind());
        for row in 0..rows {
            if self.events.is_null(row) || joins.iter().any(|join| join.is_null(row)) {
                self.null_skipped += 1;
                continue;
            }
            for value in joins.iter().filter_map(|join| join.value(row)) {
                match value {
                    StoredValue::Word(word) => self.keys.fixed(word as i64),
                    StoredValue::Bytes(bytes) if bytes.len() > KEY_BYTES_MAX => {
                        return Err(self.too_long(row, "the key", KEY_BYTES_MAX));
                    }
                    StoredValue::Bytes(bytes) => self.keys.variable(bytes),
                }
            }
            if !self.keys.finish() {
                return Err(self.too_long(row, "the key", KEY_BYTES_MAX));
            }
            self.rows.push(row as u32);
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), WriteError> {
        for ((name, value_type), column) in self.record.schema.features.iter().zip(&self.features) {
            if !is_variable(*value_type) {
                continue;
            }
            let long = |row: &u32| matches!(column.value(*row as usize), Some(StoredValue::Bytes(bytes)) if bytes.len() > VALUE_BYTES_MAX);
            if let Some(&row) = self.rows.iter().find(|row| long(row)) {
                return Err(self.too_long(row as usize, &format!("`{name}`"), VALUE_BYTES_MAX));
            }
        }
        Ok(())
    }

    fn times(&self, at: u32) -> (i64, Option<i64>) {
        let row = self.rows[at as usize] as usize;
        (
            micros(&self.events, row).unwrap_or(0),
            self.created.as_ref().and_then(|created| micros(created, row)),
        )
    }

    fn sort(&mut self) {
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        // Newest first within a key; of equal rows the later one.
        order.sort_unstable_by(|&a, &b| {
            let keys = self.keys.compare(a as usize, b as usize);
            keys.then_with(|| self.times(b).cmp(&self.times(a))).then(b.cmp(&a))
        });
        order.dedup_by(|later, kept| self.keys.compare(*later as usize, *kept as usize).is_eq());
        self.superseded = (self.rows.len() - order.len()) as u64;
        self.order = order;
    }

    fn write(&self, store: &Store, txn: &mut RwTxn<'_>) -> Work<WriteOutcome> {
        let (view_id, schema_id) = (self.record.view_id, self.record.schema_id);
        let mut outcome =
            WriteOutcome { written: 0, older_kept: self.superseded, null_skipped: self.null_skipped };
        let last = store.dbs.rows.last(txn)?.map(|(key, _)| key.to_vec()).unwrap_or_default();
        let (mut encoded, mut key, mut row_bytes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut builder, mut log) = (RowBuilder::default(), ChangeLog::new(view_id));
        let mut fresh = 0;
        for &at in &self.order {
            self.keys.encode(at as usize, &mut encoded);
            let long = lmdb_key(view_id, &encoded, &mut key);
            let (event_us, created_us) = self.times(at);
            let append = !long && key > last;
            if !append {
                match store.dbs.rows.get(txn, &key)? {
                    None => fresh += 1,
                    Some(stored) => {
                        if !self.replaces(
                            store,
                            stored,
                            event_us,
                            created_us,
                            if long { &encoded } else { &[] },
                        )? {
                            outcome.older_kept += 1;
                            continue;
                        }
                    }
                }
            }
            builder.clear();
            let row = self.rows[at as usize] as usize;
            for column in &self.features {
                builder.push(column.value(row));
            }
            builder.finish(
                schema_id,
                event_us,
                created_us,
                if long { &encoded } else { &[] },
                &mut row_bytes,
            );
            if append {
                // Pages fill up whole this way, and nothing has to be looked up: the key is beyond all others.
                store.dbs.rows.put_with_flags(txn, PutFlags::APPEND, &key, &row_bytes)?;
                fresh += 1;
            } else {
                store.dbs.rows.put(txn, &key, &row_bytes)?;
            }
            outcome.written += 1;
            log.push(store, txn, &encoded)?;
        }
        log.finish(store, txn)?;
        if fresh > 0 {
            let count = number(store, txn, &count_key(view_id))? + fresh;
            store.dbs.meta.put(txn, &count_key(view_id), &count.to_le_bytes())?;
        }
        Ok(outcome)
    }

    /// Whether a row with these timestamps replaces the stored one.
    fn replaces(
        &self,
        store: &Store,
        stored: &[u8],
        event_us: i64,
        created_us: Option<i64>,
        long_key: &[u8],
    ) -> Result<bool, WriteError> {
        let view = || self.record.schema.name.clone();
        let row_error = |source| StoreError::Row { path: store.path.clone(), view: view(), source };
        let header = Header::decode(stored).map_err(row_error)?;
        if !long_key.is_empty() && header.key_of(stored) != Some(long_key) {
            return Err(WriteError::KeyCollision { view: view() });
        }
        Ok(header.yields_to(event_us, created_us))
    }
}

/// Gathers the changed keys of a commit into records of the log.
struct ChangeLog {
    view_id: u32,
    keys: Vec<u8>,
    records: u64,
}

impl ChangeLog {
    fn new(view_id: u32) -> Self {
        Self { view_id, keys: Vec::new(), records: 0 }
    }

    fn push(&mut self, store: &Store, txn: &mut RwTxn<'_>, encoded: &[u8]) -> Work<()> {
        // A commit that would push itself out of the log asks readers to read the view again instead.
        if self.records + 1 >= CHANGES_MAX / 2 {
            return Ok(());
        }
        if self.keys.len() + 4 + encoded.len() > CHANGE_BYTES_MAX && !self.keys.is_empty() {
            self.flush(store, txn)?;
        }
        self.keys.extend_from_slice(&(encoded.len() as u32).to_le_bytes());
        self.keys.extend_from_slice(encoded);
        Ok(())
    }

    fn flush(&mut self, store: &Store, txn: &mut RwTxn<'_>) -> Work<()> {
        log_change(store, txn, CHANGE_KEYS, self.view_id, &self.keys)?;
        self.keys.clear();
        self.records += 1;
        Ok(())
    }

    fn finish(mut self, store: &Store, txn: &mut RwTxn<'_>) -> Work<()> {
        if self.records + 1 >= CHANGES_MAX / 2 {
            return log_change(store, txn, CHANGE_RELOAD, self.view_id, &[]);
        }
        if self.keys.is_empty() { Ok(()) } else { self.flush(store, txn) }
    }
}
