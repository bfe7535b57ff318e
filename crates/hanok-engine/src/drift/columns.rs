//! Columns that are read one by one: of Parquet files when their rows are wanted, of everything else held in memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection,
};

use super::DriftError;
use super::side::Window;
use crate::EngineError;
use crate::engine::file_error;

/// Rows of a chunk of a column.
const BATCH_ROWS: usize = 65_536;

/// Rows whose columns can be had.
pub(crate) struct Columns {
    pub(crate) schema: SchemaRef,
    pub(crate) rows: u64,
    data: Data,
}

enum Data {
    /// Oldest first.
    Files(Vec<Part>),
    Batches(Vec<RecordBatch>),
}

/// A Parquet file, or the rows of it in a window.
struct Part {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    selection: Option<RowSelection>,
    rows: u64,
}

impl Columns {
    /// All rows of batches that are in memory.
    pub(crate) fn of_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Self { schema, rows, data: Data::Batches(batches) }
    }

    /// Parquet files of one table, of which each has the columns of `schema` or some of them; without one that of the first file.
    pub(crate) fn of_files(paths: &[PathBuf], schema: Option<SchemaRef>) -> Result<Self, EngineError> {
        let parts = paths.iter().map(|path| Part::open(path)).collect::<Result<Vec<_>, _>>()?;
        let rows = parts.iter().map(|part| part.rows).sum();
        let first =
            || parts.first().map_or_else(|| Arc::new(Schema::empty()), |part| part.metadata.schema().clone());
        let schema = Arc::new(views(&schema.unwrap_or_else(first)));
        Ok(Self { schema, rows, data: Data::Files(parts) })
    }

    /// Leaves only the rows whose time is in a window.
    pub(crate) fn within(mut self, window: Window, time: &str) -> Result<Self, EngineError> {
        match &mut self.data {
            Data::Batches(batches) => {
                for batch in batches.iter_mut() {
                    *batch = rows_within(batch, window, time)?;
                }
                batches.retain(|batch| batch.num_rows() > 0);
                self.rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
            }
            Data::Files(parts) => {
                for part in parts.iter_mut() {
                    let masks: Vec<BooleanArray> = part
                        .column(time)?
                        .ok_or_else(|| no_column(&self.schema, time))?
                        .map(|chunk| is_within(&chunk?, window))
                        .collect::<Result<_, EngineError>>()?;
                    part.rows = masks.iter().map(|mask| mask.true_count() as u64).sum();
                    let within = RowSelection::from_filters(&masks);
                    part.selection = Some(match part.selection.take() {
                        Some(before) => before.and_then(&within),
                        None => within,
                    });
                }
                parts.retain(|part| part.rows > 0);
                self.rows = parts.iter().map(|part| part.rows).sum();
            }
        }
        Ok(self)
    }

    /// A column's values in chunks; of a file that does not have it, nulls.
    pub(crate) fn column(&self, name: &str) -> Result<Vec<ArrayRef>, EngineError> {
        let mut chunks = Vec::new();
        self.each_chunk(name, &mut |chunk| {
            chunks.push(chunk);
            Ok(())
        })?;
        Ok(chunks)
    }

    /// Gives a column's values in chunks, one after the other, the oldest first; of a file that does not have it, nulls.
    pub(crate) fn each_chunk(
        &self,
        name: &str,
        take: &mut dyn FnMut(ArrayRef) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let at = self.schema.index_of(name).map_err(|_| no_column(&self.schema, name))?;
        let parts = match &self.data {
            Data::Batches(batches) => {
                return batches.iter().try_for_each(|batch| take(batch.column(at).clone()));
            }
            Data::Files(parts) => parts,
        };
        for part in parts {
            match part.column(name)? {
                Some(mut values) => values.try_for_each(|chunk| take(chunk?))?,
                None => take(new_null_array(self.schema.field(at).data_type(), part.rows as usize))?,
            }
        }
        Ok(())
    }

    /// Gives the rows with all columns in batches, one after the other, the oldest first; of a file that does not have a column, nulls.
    pub(crate) fn each_batch(
        &self,
        take: &dyn Fn(RecordBatch) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let parts = match &self.data {
            Data::Batches(batches) => return batches.iter().cloned().try_for_each(take),
            Data::Files(parts) => parts,
        };
        for part in parts {
            let fields = self.schema.fields();
            let found = fields.iter().filter_map(|field| part.metadata.schema().index_of(field.name()).ok());
            for batch in part.reader(found)? {
                let batch = batch.map_err(|error| file_error("read", &part.path, &error))?;
                let columns = fields.iter().map(|field| match batch.column_by_name(field.name()) {
                    Some(column) => column.clone(),
                    None => new_null_array(field.data_type(), batch.num_rows()),
                });
                let batch = RecordBatch::try_new(self.schema.clone(), columns.collect());
                take(batch.map_err(|error| EngineError::Blocks(error.to_string()))?)?;
            }
        }
        Ok(())
    }

    /// Some columns of at most so many rows, evenly from all.
    pub(crate) fn sample(&self, names: &[&str], rows_max: usize) -> Result<RecordBatch, EngineError> {
        let failed = |error: arrow::error::ArrowError| EngineError::Blocks(error.to_string());
        let rows = self.rows as usize;
        let count = rows.min(rows_max);
        let places: Vec<u32> = (0..count).map(|at| (at * rows / count) as u32).collect();
        let places = arrow::array::UInt32Array::from(places);
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let whole = whole(&self.column(name)?, self.schema.field_with_name(name).map_err(failed)?)?;
            columns.push((*name, arrow::compute::take(&whole, &places, None).map_err(failed)?));
        }
        RecordBatch::try_from_iter(columns).map_err(failed)
    }

    /// Bytes that the rows take in memory already.
    pub(crate) fn bytes_held(&self) -> u64 {
        match &self.data {
            Data::Files(_) => 0,
            Data::Batches(batches) => batches.iter().map(|batch| batch.get_array_memory_size() as u64).sum(),
        }
    }

    /// Bytes that the largest column takes when it is read, about.
    pub(crate) fn bytes_of_largest(&self) -> u64 {
        let Data::Files(parts) = &self.data else { return 0 };
        let mut sizes = vec![0_u64; self.schema.fields().len()];
        for group in parts.iter().flat_map(|part| part.metadata.metadata().row_groups()) {
            for column in group.columns() {
                let root = column.column_path().parts().first();
                if let Some(at) = root.and_then(|root| self.schema.index_of(root).ok()) {
                    sizes[at] += u64::try_from(column.uncompressed_size()).unwrap_or_default();
                }
            }
        }
        sizes.into_iter().max().unwrap_or_default()
    }
}

/// Chunks as one array.
pub(crate) fn whole(chunks: &[ArrayRef], field: &Field) -> Result<ArrayRef, EngineError> {
    let chunks: Vec<_> = chunks.iter().map(AsRef::as_ref).collect();
    match chunks.is_empty() {
        true => Ok(arrow::array::new_empty_array(field.data_type())),
        false => arrow::compute::concat(&chunks).map_err(|error| EngineError::Blocks(error.to_string())),
    }
}

impl Part {
    fn open(path: &Path) -> Result<Self, EngineError> {
        let failed = |error: parquet::errors::ParquetError| file_error("read", path, &error);
        let file = File::open(path).map_err(|error| file_error("read", path, &error))?;
        let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(failed)?;
        // Views of texts are not copied.
        let options = ArrowReaderOptions::new().with_schema(Arc::new(views(plain.schema())));
        let metadata = ArrowReaderMetadata::try_new(plain.metadata().clone(), options).map_err(failed)?;
        let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or_default();
        Ok(Self { path: path.to_owned(), metadata, selection: None, rows })
    }

    /// Chunks of a column, `None` when the file does not have it.
    fn column(
        &self,
        name: &str,
    ) -> Result<Option<impl Iterator<Item = Result<ArrayRef, EngineError>> + '_>, EngineError> {
        let Ok(at) = self.metadata.schema().index_of(name) else { return Ok(None) };
        let reader = self.reader([at])?;
        Ok(Some(reader.map(move |batch| match batch {
            Ok(batch) => Ok(batch.column(0).clone()),
            Err(error) => Err(file_error("read", &self.path, &error)),
        })))
    }

    fn reader(
        &self,
        places: impl IntoIterator<Item = usize>,
    ) -> Result<ParquetRecordBatchReader, EngineError> {
        let file = File::open(&self.path).map_err(|error| file_error("read", &self.path, &error))?;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), places);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS);
        if let Some(selection) = &self.selection {
            builder = builder.with_row_selection(selection.clone());
        }
        builder.build().map_err(|error| file_error("read", &self.path, &error))
    }
}

/// Texts as views.
fn views(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => {
            Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
        }
        _ => field.clone(),
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

/// Whether it can say which rows are in a window.
pub(crate) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

/// Times as microseconds since 1970-01-01 UTC.
pub(crate) fn micros(column: &ArrayRef) -> Result<ArrayRef, EngineError> {
    let instants = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    cast(column, &instants).map_err(|error| EngineError::Blocks(error.to_string()))
}

/// The rows of a batch whose time is in a window.
pub(crate) fn rows_within(
    batch: &RecordBatch,
    window: Window,
    time: &str,
) -> Result<RecordBatch, EngineError> {
    let column = batch.column_by_name(time).ok_or_else(|| no_column(batch.schema_ref(), time))?;
    filter_record_batch(batch, &is_within(column, window)?)
        .map_err(|error| EngineError::Blocks(error.to_string()))
}

fn is_within(column: &ArrayRef, window: Window) -> Result<BooleanArray, EngineError> {
    let times = micros(column)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    // A row without a time is in no window.
    Ok(times.iter().map(|time| Some(time.is_some_and(|time| window.contains(time)))).collect())
}

pub(crate) fn no_column(schema: &Schema, name: &str) -> EngineError {
    let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    DriftError::Column { name: name.to_owned(), known: known.join(", ") }.into()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, TimestampMillisecondArray};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn batch(from: i64, rows: i64) -> RecordBatch {
        let ids: Vec<i64> = (from..from + rows).collect();
        let times: Vec<Option<i64>> = ids.iter().map(|id| (id % 10 != 0).then_some(id * 1000)).collect();
        let texts: Vec<String> = ids.iter().map(|id| format!("text {}", id % 3)).collect();
        RecordBatch::try_from_iter_with_nullable([
            ("id", Arc::new(Int64Array::from(ids)) as ArrayRef, true),
            ("at", Arc::new(TimestampMillisecondArray::from(times)), true),
            ("text", Arc::new(StringArray::from(texts)), true),
        ])
        .unwrap()
    }

    fn written(path: &Path, batch: &RecordBatch) {
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn windows_of_files_and_of_memory_have_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("a.parquet"), folder.path().join("b.parquet")];
        let parts = [batch(0, 100_000), batch(100_000, 50)];
        for (path, part) in paths.iter().zip(&parts) {
            written(path, part);
        }
        let window = Window { from_us: Some(99_995_000_000), until_us: Some(100_015_000_000) };
        let files = Columns::of_files(&paths, None).unwrap();
        assert_eq!(files.rows, 100_050);
        let schema = parts[0].schema();
        let memory = Columns::of_batches(schema.clone(), parts.to_vec());
        let (files, memory) = (files.within(window, "at").unwrap(), memory.within(window, "at").unwrap());
        assert_eq!((files.rows, memory.rows), (18, 18));
        for name in ["id", "text"] {
            let field = schema.field_with_name(name).unwrap();
            let one = |columns: &Columns| {
                cast(&whole(&columns.column(name).unwrap(), field).unwrap(), &DataType::Utf8).unwrap()
            };
            assert_eq!(&one(&files), &one(&memory), "{name}");
        }
        let empty = files.within(Window { from_us: None, until_us: Some(0) }, "at").unwrap();
        assert_eq!((empty.rows, empty.column("id").unwrap().len()), (0, 0));
    }

    #[test]
    fn a_file_without_a_column_has_nulls() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        written(&path, &batch(1, 5));
        let mut fields: Vec<Field> =
            batch(0, 0).schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.push(Field::new("later", DataType::Float64, true));
        let columns = Columns::of_files(&[path], Some(Arc::new(Schema::new(fields)))).unwrap();
        let later = columns.column("later").unwrap();
        assert_eq!((later[0].len(), later[0].null_count()), (5, 5));
        assert!(columns.column("never").is_err());
        assert_eq!(columns.sample(&["id", "later"], 3).unwrap().num_rows(), 3);
    }
}
