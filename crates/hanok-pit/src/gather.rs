//! Pass 2 over Parquet files: values of chosen rows only.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_empty_array, new_null_array};
use arrow::buffer::{BooleanBuffer, MutableBuffer};
use arrow::compute::{CastOptions, cast_with_options, concat, filter};
use arrow::datatypes::DataType;

use crate::error::{Result, convert};
use crate::files::OpenFile;
use crate::pages::gather_fixed;
use crate::parallel;
use crate::rowset::RowSet;
use crate::scan::Files;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 32_768;
/// Text longer than 32-bit offsets reach is kept as views.
const TEXT_MAX_BYTES: usize = i32::MAX as usize;

/// A column to gather.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub source: &'a str,
    /// Type to convert to; `None`: as in the first file that has the column.
    pub target: Option<DataType>,
}

impl Wanted<'_> {
    /// The type of the gathered column.
    pub(crate) fn data_type(&self, files: &Files) -> DataType {
        let stored = || {
            let mut stored =
                files.files.iter().filter_map(|file| file.schema.field_with_name(self.source).ok());
            stored.next().map(|field| field.data_type().clone())
        };
        self.target.clone().or_else(stored).unwrap_or(DataType::Null)
    }
}

/// Values of the rows in `set`, in row order, one array a wanted column. A file without the column yields nulls.
pub(crate) fn gather(
    files: &Files,
    set: &RowSet,
    wanted: &[Wanted<'_>],
    threads: usize,
) -> Result<Vec<ArrayRef>> {
    let types: Vec<DataType> = wanted.iter().map(|wanted| wanted.data_type(files)).collect();
    let mut tasks = Vec::new();
    for file in &files.files {
        for group in 0..file.metadata.num_row_groups() {
            let first = file.first_row_of(group);
            let rows = set.count_in(first, first + file.metadata.row_group(group).num_rows() as u64);
            if rows > 0 {
                tasks.extend((0..wanted.len()).map(|column| (file, group, column, rows)));
            }
        }
    }
    let states = parallel::run(threads, &tasks, Vec::new, |own, (file, group, column, rows)| {
        let name = wanted[*column].source;
        let array = file.guarded(|| gather_chunk(file, *group, name, &types[*column], set, *rows))?;
        own.push((*column, file.first_row_of(*group), array));
        Ok(())
    })?;
    let mut pieces: Vec<(usize, u64, ArrayRef)> = states.into_iter().flatten().collect();
    pieces.sort_by_key(|(column, row, _)| (*column, *row));
    let mut pieces = pieces.into_iter().peekable();
    let mut out = Vec::with_capacity(wanted.len());
    for (column, data_type) in types.iter().enumerate() {
        let mut own = Vec::new();
        while let Some((_, _, array)) = pieces.next_if(|(at, _, _)| *at == column) {
            own.push(array);
        }
        out.push(join_pieces(&own, data_type, wanted[column].source)?);
    }
    Ok(out)
}

/// One column chunk's chosen rows.
fn gather_chunk(
    file: &OpenFile,
    group: usize,
    column: &str,
    data_type: &DataType,
    set: &RowSet,
    rows: usize,
) -> Result<ArrayRef> {
    let Ok(at) = file.schema.index_of(column) else { return Ok(new_null_array(data_type, rows)) };
    if let Some(values) = gather_fixed(file, group, at, set, rows)? {
        return converted(&values, data_type, column);
    }
    let mut first = file.first_row_of(group);
    let mut kept = Vec::new();
    for batch in file.read(file.plain_schema(), group, &[at], BATCH_ROWS)? {
        let batch = batch.map_err(|error| file.broken(error.into()))?;
        let last = first + batch.num_rows() as u64;
        if set.count_in(first, last) > 0 {
            let mut bits = MutableBuffer::new_null(batch.num_rows());
            set.for_each_in(first, last, |row| arrow::util::bit_util::set_bit(&mut bits, row));
            let mask = BooleanArray::new(BooleanBuffer::new(bits.into(), 0, batch.num_rows()), None);
            let values = filter(batch.column(0), &mask).map_err(convert(column))?;
            kept.push(converted(&values, data_type, column)?);
        }
        first = last;
    }
    join_pieces(&kept, data_type, column)
}

/// Converts to a type; a value that does not fit is an error, not a null.
pub(crate) fn converted(values: &ArrayRef, data_type: &DataType, column: &str) -> Result<ArrayRef> {
    if values.data_type() == data_type {
        return Ok(Arc::clone(values));
    }
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(values, data_type, &exact).map_err(convert(column))
}

/// Concatenates, without ever overflowing 32-bit offsets: text that would is kept as views.
pub(crate) fn join_pieces(pieces: &[ArrayRef], data_type: &DataType, column: &str) -> Result<ArrayRef> {
    match pieces {
        [] => return Ok(new_empty_array(data_type)),
        [only] => return Ok(only.clone()),
        _ => {}
    }
    let view = match data_type {
        DataType::Utf8 => Some(DataType::Utf8View),
        DataType::Binary => Some(DataType::BinaryView),
        _ => None,
    };
    let mixed = pieces.iter().any(|piece| piece.data_type() != data_type);
    let bytes = || pieces.iter().map(|piece| piece.get_buffer_memory_size()).sum::<usize>();
    let pieces: Vec<ArrayRef> = match view {
        Some(view) if mixed || bytes() > TEXT_MAX_BYTES => {
            pieces.iter().map(|piece| converted(piece, &view, column)).collect::<Result<_>>()?
        }
        _ => pieces.to_vec(),
    };
    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    concat(&pieces).map_err(convert(column))
}
