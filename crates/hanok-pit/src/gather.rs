//! Pass 2 over Parquet files: values of chosen rows only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayData, ArrayRef, BooleanArray, make_array, new_empty_array, new_null_array};
use arrow::buffer::{BooleanBuffer, MutableBuffer};
use arrow::compute::{CastOptions, cast_with_options, concat, filter};
use arrow::datatypes::DataType;

use crate::error::{Result, convert};
use crate::files::OpenFile;
use crate::pages::{fixed_bytes, gather_fixed};
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

/// Column chunks with rows of a set: the file, the row group, how many rows.
type Chunks<'a> = Vec<(&'a OpenFile, usize, usize)>;

/// Values of the rows in `set`, in row order, one array a wanted column. A file without the column yields nulls.
pub(crate) fn gather(
    files: &Files,
    set: &RowSet,
    wanted: &[Wanted<'_>],
    threads: usize,
) -> Result<Vec<ArrayRef>> {
    let types: Vec<DataType> = wanted.iter().map(|wanted| wanted.data_type(files)).collect();
    let mut chunks = Chunks::new();
    for file in &files.files {
        for group in 0..file.metadata.num_row_groups() {
            let first = file.first_row_of(group);
            let rows = set.count_in(first, first + file.metadata.row_group(group).num_rows() as u64);
            if rows > 0 {
                chunks.push((file, group, rows));
            }
        }
    }
    let mut out = gather_numbers(files, &chunks, set, wanted, threads)?;
    let rest: Vec<usize> = (0..wanted.len()).filter(|column| out[*column].is_none()).collect();
    let tasks: Vec<_> =
        chunks.iter().flat_map(|chunk| rest.iter().map(move |column| (chunk, *column))).collect();
    let states = parallel::run(threads, &tasks, Vec::new, |own, ((file, group, rows), column)| {
        let name = wanted[*column].source;
        let array = file.guarded(|| gather_chunk(file, *group, name, &types[*column], set, *rows))?;
        own.push((*column, file.first_row_of(*group), array));
        Ok(())
    })?;
    let mut pieces: Vec<(usize, u64, ArrayRef)> = states.into_iter().flatten().collect();
    pieces.sort_by_key(|(column, row, _)| (*column, *row));
    let mut pieces = pieces.into_iter().peekable();
    for column in rest {
        let mut own = Vec::new();
        while let Some((_, _, array)) = pieces.next_if(|(at, _, _)| *at == column) {
            own.push(array);
        }
        out[column] = Some(join_pieces(&own, &types[column], wanted[column].source)?);
    }
    let gathered = out.into_iter().flatten().zip(&types).zip(wanted);
    gathered.map(|((array, data_type), wanted)| converted(&array, data_type, wanted.source)).collect()
}

/// The columns of numbers without nulls, each gathered into one buffer; `None` for the others.
fn gather_numbers(
    files: &Files,
    chunks: &Chunks<'_>,
    set: &RowSet,
    wanted: &[Wanted<'_>],
    threads: usize,
) -> Result<Vec<Option<ArrayRef>>> {
    let kinds: Vec<Option<(DataType, usize)>> = wanted.iter().map(|w| number_type(files, w.source)).collect();
    let mut buffers: Vec<Option<MutableBuffer>> = kinds
        .iter()
        .map(|kind| kind.as_ref().map(|(_, bytes)| MutableBuffer::from_len_zeroed(set.len() * bytes)))
        .collect();
    let failed: Vec<AtomicBool> = wanted.iter().map(|_| AtomicBool::new(false)).collect();
    let mut tasks = Vec::new();
    for (column, (buffer, kind)) in buffers.iter_mut().zip(&kinds).enumerate() {
        let (Some(buffer), Some((_, bytes))) = (buffer, kind) else { continue };
        let mut rest = buffer.as_slice_mut();
        for (file, group, rows) in chunks {
            let (own, behind) = rest.split_at_mut(rows * bytes);
            rest = behind;
            // Each is locked once, by the one thread that takes the task.
            tasks.push((*file, *group, column, *bytes, Mutex::new(own)));
        }
    }
    parallel::run(
        threads,
        &tasks,
        || (),
        |(), (file, group, column, bytes, out)| {
            if failed[*column].load(Ordering::Relaxed) {
                return Ok(());
            }
            let at = file.column(wanted[*column].source)?;
            let done = file.guarded(|| match out.lock() {
                Ok(mut out) => gather_fixed(file, *group, at, set, (*bytes, &mut **out)),
                Err(_) => Ok(false),
            })?;
            failed[*column].fetch_or(!done, Ordering::Relaxed);
            Ok(())
        },
    )?;
    drop(tasks);
    let mut out = Vec::with_capacity(wanted.len());
    for ((buffer, kind), failed) in buffers.into_iter().zip(kinds).zip(failed) {
        let done = buffer.zip(kind).filter(|_| !failed.into_inner());
        out.push(done.and_then(|(buffer, (data_type, _))| {
            let data = ArrayData::builder(data_type).len(set.len()).add_buffer(buffer.into()).build();
            data.ok().map(make_array)
        }));
    }
    Ok(out)
}

/// The type of a column that every file holds as the same kind of numbers without nulls, and the bytes of each.
fn number_type(files: &Files, column: &str) -> Option<(DataType, usize)> {
    let mut kinds = files.files.iter().map(|file| {
        let at = file.schema.index_of(column).ok()?;
        Some((file.schema.field(at).data_type().clone(), fixed_bytes(file, at)?))
    });
    let first = kinds.next()??;
    kinds.all(|kind| kind.as_ref() == Some(&first)).then_some(first)
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
