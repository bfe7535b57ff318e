//! What to join: entity rows, feature views and options, as plain data.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use hanok_types::ValueType;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::PitError;

/// The rows that get features: one output row each, in this order, duplicates kept.
#[derive(Clone, Debug)]
pub struct EntityFrame {
    /// Schema of the batches; needed when there are none.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// Name of the timestamp column. A naive timestamp is UTC; a date is its midnight in UTC; units finer than a
    /// microsecond are rounded down to it.
    pub timestamp: String,
}

/// One feature view to join: where its rows are, how they match, which columns to take.
#[derive(Clone, Debug)]
pub struct View {
    /// Name for messages.
    pub name: String,
    /// Where the rows are.
    pub source: FeatureSource,
    /// Pairs of (entity column, feature column); none means that every feature row matches every entity row.
    pub keys: Vec<(String, String)>,
    /// The feature side's event timestamp column.
    pub timestamp: String,
    /// The feature side's created timestamp column, which breaks ties between equal event timestamps.
    pub created: Option<String>,
    /// How old a feature row may be, in microseconds, both ends included. `None` and 0 mean without limit.
    pub ttl_us: Option<i64>,
    /// The columns to take.
    pub values: Vec<ValueColumn>,
    /// Only rows known by the entity's timestamp count: created ≤ entity timestamp, or created null. Needs `created`.
    pub as_known_at: bool,
}

/// A column to take from a feature view.
#[derive(Clone, Debug)]
pub struct ValueColumn {
    /// Name in the feature source.
    pub source: String,
    /// Name in the output.
    pub output: String,
    /// Type in the output; `None` keeps the source's type.
    pub target: Option<ValueType>,
}

/// Where the rows of a feature view are.
#[derive(Clone)]
pub enum FeatureSource {
    /// Parquet files. Their order and the order of rows inside them decide between rows with equal timestamps: the
    /// later one wins.
    Files(Vec<FeatureFile>),
    /// Batches from elsewhere, for example from a query. Winners' values are copied while the batches pass.
    Batches(Arc<dyn BatchSource>),
}

impl fmt::Debug for FeatureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(files) => f.debug_tuple("Files").field(files).finish(),
            Self::Batches(_) => f.write_str("Batches(..)"),
        }
    }
}

/// One Parquet file of a feature source.
#[derive(Clone, Debug)]
pub struct FeatureFile {
    /// The store that has it.
    pub store: Arc<dyn ObjectStore>,
    /// Where in the store.
    pub path: Path,
    /// Its size in bytes.
    pub size: u64,
    /// The same file on this machine, if it is there: read with plain system calls instead of through the store.
    pub local: Option<PathBuf>,
}

/// The iterator of batches that a [`BatchSource`] opens.
pub type BatchIterator = Box<dyn Iterator<Item = Result<RecordBatch, PitError>> + Send>;

/// A feature source that yields batches.
pub trait BatchSource: Send + Sync {
    /// The schema of the batches.
    fn schema(&self) -> SchemaRef;

    /// Starts a pass over all rows. Every pass yields the same rows in the same order.
    fn open(&self) -> Result<BatchIterator, PitError>;

    /// Whether `open` may be called more than once; if not, the join cannot split the entity rows to save memory.
    fn rereadable(&self) -> bool {
        true
    }
}

/// How to run a join.
#[derive(Clone, Debug)]
pub struct JoinOptions {
    /// Threads that read the feature side. The output does not depend on it.
    pub threads: usize,
    /// What the entity index and the winners' values may take beside the entity rows themselves; beyond it the work
    /// is split into parts that run one after the other, each reading the feature side again. `None`: no limit.
    pub memory_max_bytes: Option<usize>,
    /// Most rows in one output batch.
    pub batch_rows_max: usize,
}

impl Default for JoinOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, memory_max_bytes: None, batch_rows_max: 65_536 }
    }
}
