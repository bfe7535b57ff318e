//! Columns, files and batch sources for tests.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, FixedSizeBinaryArray, Int8Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, UInt64Array,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use hanok_pit::{BatchIterator, BatchSource, FeatureFile, PitError};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

pub(crate) const SECOND_US: i64 = 1_000_000;

/// How a key column is stored; the values are small numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyForm {
    Int8,
    Int32,
    Int64,
    /// Far apart, so that no array could hold a place for each number between.
    SparseInt64,
    UInt64,
    Bool,
    Utf8,
    LargeUtf8,
    Utf8View,
    DictionaryUtf8,
    Binary,
    FixedBinary,
    Seconds,
    Micros,
    Nanos,
    Date,
}

fn text(value: i64) -> String {
    // Short ones are kept inside views, long ones are not; one is empty.
    match value {
        0 => String::new(),
        1 => "key one".to_owned(),
        _ => format!("a rather long key, number {value}"),
    }
}

/// A key column of numbers in 0..4.
pub(crate) fn key_column(values: &[Option<i64>], form: KeyForm) -> ArrayRef {
    let ints = || Int64Array::from(values.to_vec());
    let texts = || values.iter().map(|v| v.map(text));
    match form {
        KeyForm::Int8 => Arc::new(values.iter().map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        KeyForm::Int32 => Arc::new(values.iter().map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        KeyForm::Int64 => Arc::new(ints()),
        KeyForm::SparseInt64 => Arc::new(Int64Array::from(scaled(values, 1_000_003_000_007))),
        KeyForm::UInt64 => Arc::new(values.iter().map(|v| v.map(|v| v as u64)).collect::<UInt64Array>()),
        KeyForm::Bool => Arc::new(values.iter().map(|v| v.map(|v| v % 2 == 1)).collect::<BooleanArray>()),
        KeyForm::Utf8 => Arc::new(texts().collect::<StringArray>()),
        KeyForm::LargeUtf8 => Arc::new(texts().collect::<LargeStringArray>()),
        KeyForm::Utf8View => Arc::new(texts().collect::<StringViewArray>()),
        KeyForm::DictionaryUtf8 => {
            let dictionary = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8));
            cast(&texts().collect::<StringArray>(), &dictionary).unwrap()
        }
        KeyForm::Binary => Arc::new(values.iter().map(|v| v.map(i64::to_be_bytes)).collect::<BinaryArray>()),
        KeyForm::FixedBinary => {
            let values = values.iter().map(|v| v.map(i64::to_be_bytes));
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(values, 8).unwrap())
        }
        KeyForm::Seconds => time_column(&scaled(values, 86_400 * SECOND_US), TimeUnit::Second, None),
        KeyForm::Micros => {
            time_column(&scaled(values, 86_400 * SECOND_US), TimeUnit::Microsecond, Some("UTC"))
        }
        KeyForm::Nanos => time_column(&scaled(values, 86_400 * SECOND_US), TimeUnit::Nanosecond, None),
        KeyForm::Date => Arc::new(values.iter().map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
    }
}

fn scaled(values: &[Option<i64>], factor: i64) -> Vec<Option<i64>> {
    values.iter().map(|v| v.map(|v| v * factor)).collect()
}

/// A timestamp column of microseconds; seconds and milliseconds must divide them.
pub(crate) fn time_column(us: &[Option<i64>], unit: TimeUnit, zone: Option<&str>) -> ArrayRef {
    let raw: Int64Array = us
        .iter()
        .map(|us| {
            us.map(|us| match unit {
                TimeUnit::Second => us / SECOND_US,
                TimeUnit::Millisecond => us / 1_000,
                TimeUnit::Microsecond => us,
                TimeUnit::Nanosecond => us * 1_000,
            })
        })
        .collect();
    cast(&raw, &DataType::Timestamp(unit, zone.map(Into::into))).unwrap()
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub row_group_rows: usize,
    pub page_rows: usize,
    pub dictionary: bool,
    pub statistics: bool,
    pub compression: Compression,
    pub version_2: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            row_group_rows: 1 << 20,
            page_rows: 1 << 20,
            dictionary: true,
            statistics: true,
            compression: Compression::SNAPPY,
            version_2: false,
        }
    }
}

/// Writes a batch as a Parquet file in memory.
pub(crate) fn parquet_bytes(batch: &RecordBatch, layout: Layout) -> Vec<u8> {
    let statistics = if layout.statistics { EnabledStatistics::Page } else { EnabledStatistics::None };
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(layout.row_group_rows.max(1)))
        .set_data_page_row_count_limit(layout.page_rows.max(1))
        .set_write_batch_size(layout.page_rows.clamp(1, 1024))
        .set_dictionary_enabled(layout.dictionary)
        .set_statistics_enabled(statistics)
        .set_compression(layout.compression)
        .set_writer_version(if layout.version_2 {
            WriterVersion::PARQUET_2_0
        } else {
            WriterVersion::PARQUET_1_0
        })
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Puts bytes into a store and names them as a feature file.
pub(crate) fn stored(store: &Arc<InMemory>, name: &str, bytes: Vec<u8>) -> FeatureFile {
    let path = object_store::path::Path::from(name);
    let size = bytes.len() as u64;
    futures::executor::block_on(store.put(&path, bytes.into())).unwrap();
    FeatureFile { store: Arc::clone(store) as Arc<dyn ObjectStore>, path, size, local: None }
}

/// The same as a file of its own in a folder.
pub(crate) fn local(folder: &std::path::Path, name: &str, bytes: &[u8]) -> FeatureFile {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    FeatureFile {
        store: Arc::new(InMemory::new()),
        path: object_store::path::Path::from(name),
        size: bytes.len() as u64,
        local: Some(path),
    }
}

/// Batches held in memory.
pub(crate) struct Held {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub rereadable: bool,
}

impl BatchSource for Held {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self) -> Result<BatchIterator, PitError> {
        Ok(Box::new(self.batches.clone().into_iter().map(Ok)))
    }

    fn rereadable(&self) -> bool {
        self.rereadable
    }
}

/// Cuts a batch into pieces of at most `rows` rows.
pub(crate) fn cut(batch: &RecordBatch, rows: usize) -> Vec<RecordBatch> {
    let rows = rows.max(1);
    (0..batch.num_rows()).step_by(rows).map(|at| batch.slice(at, rows.min(batch.num_rows() - at))).collect()
}

/// All output in one batch.
pub(crate) fn collect(joined: hanok_pit::Joined) -> RecordBatch {
    let schema = joined.schema();
    let batches: Vec<RecordBatch> = joined.collect::<Result<_, _>>().unwrap();
    concat_batches(&schema, &batches).unwrap()
}
