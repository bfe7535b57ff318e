//! Parquet files to batches.
//!
//! Footers tell the types of all files before the first row is read, so there is never a restart. Types that the lake
//! does not have become the nearest it has (see [`lake_type`]); where files differ, the narrowest common type wins.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch, is_null};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use hanok_types::column_name;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::{OptionError, ReadError};
use crate::files::{Event, FileCounts};
use crate::input::SourceFile;
use crate::names::{distinct, same};
use crate::options::{Policy, ReadOptions};
use crate::plan::LOAD_ID_COLUMN;
use crate::reject::{Reject, raw_text};
use crate::types::{ColumnType, timestamp_type};

const BATCH_ROWS: usize = 8192;

/// What becomes of a file's column.
#[derive(Clone, Debug)]
enum Target {
    /// Cast to the output column at this place.
    Column(usize),
    /// As declared: what cannot be cast sends the row to the rejects.
    Declared(usize, ColumnType),
    /// Every row that has a value goes to the rejects, for this reason.
    Refuse(String),
}

pub(crate) struct ParquetBatches {
    files: Vec<SourceFile>,
    options: ReadOptions,
    schema: SchemaRef,
    /// For each file, for each of its columns.
    targets: Vec<Vec<Target>>,
    at: usize,
    reader: Option<ParquetRecordBatchReader>,
    counts: FileCounts,
    batch: Option<RecordBatch>,
    failed: bool,
}

/// The lake's type for what a file may have; none if there is none.
///
/// Unsigned integers become the next wider signed ones (64 bits: decimal(20, 0)), all timestamps microseconds in UTC
/// (without a zone they are taken as UTC, nanoseconds are cut), times of day text, large and view types plain ones.
fn lake_type(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32
        | DataType::Decimal128(..) => data_type.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Date64 | DataType::Timestamp(..) => timestamp_type(),
        DataType::Null
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Time32(_)
        | DataType::Time64(_) => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Dictionary(_, values) => lake_type(values)?,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let item_type = lake_type(item.data_type())?;
            DataType::List(Arc::new(Field::new(item.name(), item_type, true)))
        }
        DataType::Struct(members) => {
            let members = members.iter().map(|member| {
                lake_type(member.data_type()).map(|kind| Field::new(member.name(), kind, true))
            });
            DataType::Struct(members.collect::<Option<Vec<_>>>()?.into())
        }
        _ => return None,
    })
}

/// Whether a column of type `from` loses nothing in a column of type `to`.
fn widens(from: &DataType, to: &DataType) -> bool {
    from == to
        || match (ColumnType::from_arrow(from), ColumnType::from_arrow(to)) {
            (Some(from), Some(to)) => from.widens_to(to),
            _ => matches!((from, to), (DataType::Decimal128(..), DataType::Utf8)),
        }
}

fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    if widens(a, b) {
        return Some(b.clone());
    }
    if widens(b, a) {
        return Some(a.clone());
    }
    [DataType::Float64, DataType::Utf8].into_iter().find(|kind| widens(a, kind) && widens(b, kind))
}

impl ParquetBatches {
    pub(crate) fn open(
        files: Vec<SourceFile>,
        options: ReadOptions,
        existing: Option<SchemaRef>,
    ) -> Result<Self, ReadError> {
        let mut schemas = Vec::with_capacity(files.len());
        for file in &files {
            schemas.push(Arc::clone(open_file(file)?.schema()));
        }
        let (schema, targets) = Planner::new(&files, &options, existing).plan(&schemas)?;
        Ok(Self {
            files,
            options,
            schema,
            targets,
            at: 0,
            reader: None,
            counts: FileCounts::default(),
            batch: None,
            failed: false,
        })
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    pub(crate) fn next(&mut self) -> Option<Result<Event, ReadError>> {
        if let Some(batch) = self.batch.take() {
            return Some(Ok(Event::Batch(batch)));
        }
        if self.failed {
            return None;
        }
        let result = self.advance();
        self.failed = result.is_err();
        result.transpose()
    }

    fn advance(&mut self) -> Result<Option<Event>, ReadError> {
        while let Some(file) = self.files.get(self.at) {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => {
                    let builder = open_file(file)?.with_batch_size(BATCH_ROWS);
                    let reader = builder.build().map_err(|error| corrupt(file, "in its footer", &error))?;
                    if reader.schema_len() != self.targets[self.at].len() {
                        let what = "it has other columns now".to_owned();
                        return Err(ReadError::Changed { file: file.name.to_string(), what });
                    }
                    self.counts = FileCounts { file: self.at, ..FileCounts::default() };
                    self.reader.insert(reader)
                }
            };
            let Some(batch) = reader.next() else {
                self.reader = None;
                self.at += 1;
                return Ok(Some(Event::FileEnd(std::mem::take(&mut self.counts))));
            };
            let done = self.counts.rows + self.counts.rejects;
            let batch = batch.map_err(|error| corrupt(file, &format!("after row {done}"), &error))?;
            let (batch, rejects) = self.convert(&batch, done)?;
            self.counts.rows += batch.num_rows() as u64;
            self.counts.rejects += rejects.len() as u64;
            let batch = (batch.num_rows() > 0).then_some(batch);
            if !rejects.is_empty() {
                self.batch = batch;
                return Ok(Some(Event::Rejects(rejects)));
            }
            if let Some(batch) = batch {
                return Ok(Some(Event::Batch(batch)));
            }
        }
        Ok(None)
    }

    fn convert(
        &self,
        batch: &RecordBatch,
        rows_before: u64,
    ) -> Result<(RecordBatch, Vec<Reject>), ReadError> {
        let file = &self.files[self.at];
        let failed = |source| ReadError::Arrow { file: file.name.to_string(), source };
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let mut arrays: Vec<Option<ArrayRef>> = vec![None; self.schema.fields().len()];
        let mut reasons: Vec<Option<String>> = vec![None; batch.num_rows()];
        for ((array, target), field) in
            batch.columns().iter().zip(&self.targets[self.at]).zip(batch.schema_ref().fields())
        {
            match target {
                Target::Column(place) => {
                    let to = self.schema.field(*place).data_type();
                    let normal = cast_to_lake(array, &strict).map_err(failed)?;
                    arrays[*place] = Some(cast_with_options(&normal, to, &strict).map_err(failed)?);
                }
                Target::Declared(place, kind) => {
                    let normal = cast_to_lake(array, &strict).map_err(failed)?;
                    let read =
                        cast_with_options(&normal, &kind.arrow(), &CastOptions::default()).map_err(failed)?;
                    refuse(&normal, &read, &mut reasons, || {
                        format!("the value in column `{}` is no {kind}", field.name())
                    })
                    .map_err(failed)?;
                    let to = self.schema.field(*place).data_type();
                    arrays[*place] = Some(cast_with_options(&read, to, &strict).map_err(failed)?);
                }
                Target::Refuse(reason) => {
                    let nulls = new_null_array(&DataType::Null, array.len());
                    refuse(array, &nulls, &mut reasons, || reason.clone()).map_err(failed)?;
                }
            }
        }
        let columns = self.schema.fields().iter().zip(arrays);
        let columns = columns.map(|(field, array)| {
            array.unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()))
        });
        let row_count = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let converted =
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns.collect(), &row_count)
                .map_err(failed)?;
        if reasons.iter().all(Option::is_none) {
            return Ok((converted, Vec::new()));
        }
        let keep: BooleanArray = reasons.iter().map(|reason| Some(reason.is_none())).collect();
        let mut rejects = Vec::new();
        for (row, reason) in reasons.into_iter().enumerate() {
            if let Some(reason) = reason {
                rejects.push(Reject {
                    file: Arc::clone(&file.name),
                    line: rows_before + row as u64 + 1,
                    reason,
                    raw: row_text(batch, row, self.options.limits.raw_bytes_max),
                });
            }
        }
        Ok((filter_record_batch(&converted, &keep).map_err(failed)?, rejects))
    }
}

trait SchemaLen {
    fn schema_len(&self) -> usize;
}

impl SchemaLen for ParquetRecordBatchReader {
    fn schema_len(&self) -> usize {
        use arrow::array::RecordBatchReader as _;
        self.schema().fields().len()
    }
}

fn cast_to_lake(array: &ArrayRef, options: &CastOptions<'_>) -> Result<ArrayRef, arrow::error::ArrowError> {
    match (array.data_type(), lake_type(array.data_type())) {
        (DataType::Null, _) => Ok(new_null_array(&DataType::Utf8, array.len())),
        (DataType::Timestamp(TimeUnit::Nanosecond, _), _) => {
            Ok(Arc::new(hanok_lake::floor_to_micros(array.as_primitive())))
        }
        // Through a timestamp without zone, so that the clock time is not moved.
        (DataType::Timestamp(_, None) | DataType::Date64, _) => {
            let naive = cast_with_options(array, &DataType::Timestamp(TimeUnit::Microsecond, None), options)?;
            cast_with_options(&naive, &timestamp_type(), options)
        }
        (from, Some(to)) if *from != to => cast_with_options(array, &to, options),
        _ => Ok(Arc::clone(array)),
    }
}

/// Notes the reason for rows that have a value in `before` and none in `after`.
fn refuse(
    before: &ArrayRef,
    after: &ArrayRef,
    reasons: &mut [Option<String>],
    reason: impl Fn() -> String,
) -> Result<(), arrow::error::ArrowError> {
    let before = is_null(before)?;
    let lost =
        |row: usize| !before.value(row) && (after.data_type() == &DataType::Null || after.is_null(row));
    for (row, slot) in reasons.iter_mut().enumerate() {
        if slot.is_none() && lost(row) {
            *slot = Some(reason());
        }
    }
    Ok(())
}

/// The row as JSON, or as debug text if JSON cannot hold it.
fn row_text(batch: &RecordBatch, row: usize, bytes_max: usize) -> String {
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    let slice = batch.slice(row, 1);
    if writer.write(&slice).is_ok() && writer.finish().is_ok() {
        return raw_text(&writer.into_inner(), bytes_max);
    }
    raw_text(format!("{:?}", slice.columns()).as_bytes(), bytes_max)
}

fn open_file(file: &SourceFile) -> Result<ParquetRecordBatchReaderBuilder<std::fs::File>, ReadError> {
    let extension = file.path.extension().and_then(|text| text.to_str()).unwrap_or_default();
    if ["gz", "zip"].iter().any(|packed| extension.eq_ignore_ascii_case(packed)) {
        return Err(ReadError::Option(OptionError::CompressedParquet(file.path.clone())));
    }
    ParquetRecordBatchReaderBuilder::try_new(file.open()?)
        .map_err(|error| corrupt(file, "in its footer", &error))
}

fn corrupt(file: &SourceFile, at: &str, error: &dyn std::error::Error) -> ReadError {
    ReadError::Corrupt { file: file.name.to_string(), at: at.to_owned(), reason: error.to_string() }
}

struct Planner<'a> {
    files: &'a [SourceFile],
    options: &'a ReadOptions,
    existing: Option<SchemaRef>,
    fields: Vec<Arc<Field>>,
}

/// A column over all files.
struct Column {
    name: String,
    /// File, place in the file, type in the lake.
    uses: Vec<(usize, usize, DataType)>,
}

impl<'a> Planner<'a> {
    fn new(files: &'a [SourceFile], options: &'a ReadOptions, existing: Option<SchemaRef>) -> Self {
        let fields = existing.iter().flat_map(|schema| schema.fields().iter());
        let fields = fields.map(|field| Arc::new(field.as_ref().clone().with_nullable(true))).collect();
        Self { files, options, existing, fields }
    }

    fn file(&self, at: usize) -> String {
        self.files[at].name.to_string()
    }

    fn columns(&self, schemas: &[SchemaRef]) -> Result<Vec<Column>, ReadError> {
        let mut columns: Vec<Column> = Vec::new();
        for (file, schema) in schemas.iter().enumerate() {
            let mut own: Vec<String> = Vec::new();
            for (place, field) in schema.fields().iter().enumerate() {
                let kind = lake_type(field.data_type()).ok_or_else(|| ReadError::Type {
                    file: self.file(file),
                    column: field.name().clone(),
                    data_type: field.data_type().to_string(),
                })?;
                let base = match column_name(field.name()) {
                    name if name.is_empty() => format!("column_{}", place + 1),
                    name => name,
                };
                let name = distinct(base, |name| {
                    same(name, LOAD_ID_COLUMN) || own.iter().any(|other| same(other, name))
                });
                own.push(name.clone());
                match columns.iter_mut().find(|column| same(&column.name, &name)) {
                    Some(column) => column.uses.push((file, place, kind)),
                    None => columns.push(Column { name, uses: vec![(file, place, kind)] }),
                }
                if columns.len() > self.options.limits.columns_max {
                    let columns_max = self.options.limits.columns_max;
                    return Err(ReadError::Columns { file: self.file(file), columns_max });
                }
            }
        }
        Ok(columns)
    }

    fn plan(mut self, schemas: &[SchemaRef]) -> Result<(SchemaRef, Vec<Vec<Target>>), ReadError> {
        let columns = self.columns(schemas)?;
        let mut targets: Vec<Vec<Target>> =
            schemas.iter().map(|schema| vec![Target::Refuse(String::new()); schema.fields().len()]).collect();
        for column in columns {
            let declared =
                self.options.columns.iter().find(|(key, _)| same(key, &column.name)).map(|(_, &kind)| kind);
            let known = self
                .existing
                .as_ref()
                .and_then(|schema| schema.fields().iter().position(|field| same(field.name(), &column.name)));
            match known {
                Some(place) => self.known_column(&column, place, declared, &mut targets)?,
                None => self.new_column(&column, declared, &mut targets)?,
            }
        }
        Ok((Arc::new(Schema::new(self.fields)), targets))
    }

    fn known_column(
        &mut self,
        column: &Column,
        place: usize,
        declared: Option<ColumnType>,
        targets: &mut [Vec<Target>],
    ) -> Result<(), ReadError> {
        let to = self.fields[place].data_type().clone();
        let mut variant: Option<DataType> = None;
        for (file, at, kind) in &column.uses {
            let declared = declared.filter(|declared| widens(&declared.arrow(), &to));
            targets[*file][*at] = match declared {
                Some(declared) => Target::Declared(place, declared),
                None if widens(kind, &to) => Target::Column(place),
                None => match self.options.contract.types {
                    Policy::Freeze => {
                        return Err(ReadError::FrozenType {
                            file: self.file(*file),
                            line: 0,
                            column: column.name.clone(),
                            expected: to.to_string(),
                            value: format!("the whole column is {kind}"),
                        });
                    }
                    Policy::DiscardRow => {
                        Target::Refuse(format!("column `{}` is {kind}, the table's is {to}", column.name))
                    }
                    Policy::Evolve => {
                        variant = match variant {
                            Some(so_far) => Some(self.common(column, *file, &so_far, kind)?),
                            None => Some(kind.clone()),
                        };
                        Target::Column(usize::MAX)
                    }
                },
            };
        }
        if let Some(kind) = variant {
            let suffix = match ColumnType::from_arrow(&kind) {
                Some(kind) => kind.to_string(),
                None => column_name(&kind.to_string().to_lowercase()),
            };
            let base = format!("{}__v_{suffix}", self.fields[place].name());
            let known =
                self.fields.iter().position(|field| same(field.name(), &base) && *field.data_type() == kind);
            let variant_place = known.unwrap_or_else(|| {
                let name = distinct(base, |name| self.fields.iter().any(|field| same(field.name(), name)));
                self.fields.push(Arc::new(Field::new(name, kind, true)));
                self.fields.len() - 1
            });
            for (file, at, _) in &column.uses {
                if let Target::Column(place @ usize::MAX) = &mut targets[*file][*at] {
                    *place = variant_place;
                }
            }
        }
        Ok(())
    }

    fn new_column(
        &mut self,
        column: &Column,
        declared: Option<ColumnType>,
        targets: &mut [Vec<Target>],
    ) -> Result<(), ReadError> {
        if self.existing.is_some() && self.options.contract.columns == Policy::Freeze {
            let file = self.file(column.uses[0].0);
            return Err(ReadError::FrozenColumn { file, column: column.name.clone() });
        }
        if self.existing.is_some() && self.options.contract.columns == Policy::DiscardRow {
            for (file, at, _) in &column.uses {
                targets[*file][*at] = Target::Refuse(format!("the table has no column `{}`", column.name));
            }
            return Ok(());
        }
        let mut kind = column.uses[0].2.clone();
        for (file, _, next) in &column.uses[1..] {
            kind = self.common(column, *file, &kind, next)?;
        }
        let place = self.fields.len();
        let kind = declared.map_or(kind, ColumnType::arrow);
        self.fields.push(Arc::new(Field::new(&column.name, kind, true)));
        for (file, at, _) in &column.uses {
            targets[*file][*at] = match declared {
                Some(declared) => Target::Declared(place, declared),
                None => Target::Column(place),
            };
        }
        Ok(())
    }

    fn common(
        &self,
        column: &Column,
        file: usize,
        a: &DataType,
        b: &DataType,
    ) -> Result<DataType, ReadError> {
        common(a, b).ok_or_else(|| ReadError::Type {
            file: self.file(file),
            column: column.name.clone(),
            data_type: format!("{b} (and {a} in another file)"),
        })
    }
}
