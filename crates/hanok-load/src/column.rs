//! Cells of text to Arrow columns, one column at a time.

use std::sync::Arc;

use arrow::array::builder::NullBufferBuilder;
use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, filter};
use arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};

use crate::error::ReadError;
use crate::plan::{ColumnPlan, Misfit, Plan};
use crate::reject::short;
use crate::types::{Candidates, ColumnType, Form, form_fits};
use crate::value;

/// The texts of one column of a block.
pub(crate) trait Cells {
    /// The text of a row's cell, or none if it is null. `scratch` is for text that is not in the block as it is.
    fn cell<'s>(&'s self, row: usize, scratch: &'s mut Vec<u8>) -> Option<(&'s [u8], Form)>;
}

/// A block of rows, whatever the format.
pub(crate) trait Rows {
    type Column<'c>: Cells
    where
        Self: 'c;

    /// How many.
    fn rows(&self) -> usize;

    /// The cells of a column of the plan; none if the block does not have it.
    fn column(&self, column: usize) -> Option<Self::Column<'_>>;

    /// The file.
    fn file(&self) -> &str;

    /// The physical line of a row.
    fn line(&self, row: usize) -> u64;
}

/// A parsed block.
pub(crate) struct Parsed {
    pub(crate) batch: RecordBatch,
    /// Rows with a value that does not fit, in order, each once.
    pub(crate) refused: Vec<(usize, String)>,
    /// Columns with integers that do not survive as floats.
    pub(crate) no_float: Vec<usize>,
}

/// What became of a block.
pub(crate) enum Outcome {
    /// It fits the plan.
    Parsed(Parsed),
    /// It does not: the plan must be widened.
    Misfit,
}

struct Built {
    array: ArrayRef,
    /// Rows whose value is not of the type.
    misfits: Vec<u32>,
    no_float: bool,
}

/// Parses a block by the plan.
pub(crate) fn parse(block: &impl Rows, plan: &Plan) -> Result<Outcome, ReadError> {
    let rows = block.rows();
    let mut arrays: Vec<Option<ArrayRef>> = vec![None; plan.schema.fields().len()];
    let mut refused: Vec<(usize, String)> = Vec::new();
    let mut no_float = Vec::new();
    let mut scratch = Vec::new();
    for (at, column) in plan.columns.iter().enumerate() {
        let Some(cells) = block.column(at) else { continue };
        let stop = column.misfit == Misfit::Widen && column.variant.is_none();
        let main = build(&cells, rows, column.read, column.lenient, None, stop);
        let mut left = main.misfits;
        let mut lossy = main.no_float;
        if let Some((kind, place)) = column.variant {
            let variant = build(&cells, rows, Some(kind), false, Some(&left), true);
            left = variant.misfits;
            lossy = variant.no_float;
            arrays[place] = Some(variant.array);
        }
        if lossy {
            no_float.push(at);
        }
        match (left.first(), column.misfit) {
            (None, _) => {}
            (Some(_), Misfit::Widen) => return Ok(Outcome::Misfit),
            (Some(&row), Misfit::Fail) => {
                return Err(frozen(block, column, row as usize, &cells, &mut scratch));
            }
            (Some(_), Misfit::Reject) => {
                for row in left {
                    let (text, _) = cells.cell(row as usize, &mut scratch).unwrap_or((b"", Form::Text));
                    refused.push((row as usize, refusal(column, text)));
                }
            }
        }
        if let Some(place) = column.output {
            arrays[place] = Some(main.array);
        }
    }
    let batch = assemble(plan, arrays, rows, &mut refused)
        .map_err(|source| ReadError::Arrow { file: block.file().to_owned(), source })?;
    Ok(Outcome::Parsed(Parsed { batch, refused, no_float }))
}

/// Why a value is refused.
fn refusal(column: &ColumnPlan, text: &[u8]) -> String {
    if column.output.is_none() {
        return format!("the table has no column `{}` for {}", column.name, short(text));
    }
    format!("{} in column `{}` is no {}", short(text), column.name, column.expected())
}

fn frozen(
    block: &impl Rows,
    column: &ColumnPlan,
    row: usize,
    cells: &impl Cells,
    scratch: &mut Vec<u8>,
) -> ReadError {
    let text = cells.cell(row, scratch).map_or(&b""[..], |(text, _)| text);
    ReadError::FrozenType {
        file: block.file().to_owned(),
        line: block.line(row),
        column: column.name.clone(),
        expected: column.expected(),
        value: short(text),
    }
}

/// Puts the batch together: missing columns null, declared types cast to the table's, refused rows left out.
fn assemble(
    plan: &Plan,
    arrays: Vec<Option<ArrayRef>>,
    rows: usize,
    refused: &mut Vec<(usize, String)>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    // The first reason of a row counts.
    refused.sort_by_key(|(row, _)| *row);
    refused.dedup_by_key(|(row, _)| *row);
    let keep = (!refused.is_empty()).then(|| {
        let mut keep = vec![true; rows];
        for (row, _) in refused.iter() {
            keep[*row] = false;
        }
        BooleanArray::from(keep)
    });
    let mut columns = Vec::with_capacity(arrays.len());
    for (field, array) in plan.schema.fields().iter().zip(arrays) {
        let mut array = array.unwrap_or_else(|| new_null_array(field.data_type(), rows));
        if array.data_type() != field.data_type() {
            array = cast(&array, field.data_type())?;
        }
        columns.push(match &keep {
            Some(keep) => filter(&array, keep)?,
            None => array,
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows - refused.len()));
    RecordBatch::try_new_with_options(Arc::clone(&plan.schema), columns, &options)
}

/// Builds the column as `kind`; rows of another type become null and are named. With `only`, other rows are null.
fn build(
    cells: &impl Cells,
    rows: usize,
    kind: Option<ColumnType>,
    lenient: bool,
    only: Option<&[u32]>,
    stop: bool,
) -> Built {
    use ColumnType::{Bool, Date, Float32, Float64, Int8, Int16, Int32, Int64, String, Timestamp};
    let job = Job { rows, lenient, only, stop, kind: kind.unwrap_or(String) };
    let Some(kind) = kind else {
        let (values, nulls, misfits) = job.run(cells, |_| None::<i8>);
        let array = StringArray::new_null(values.len());
        debug_assert!(nulls.is_some() || rows == 0);
        return Built { array: Arc::new(array), misfits, no_float: false };
    };
    match (kind, lenient) {
        (String, _) => job.strings(cells),
        (Bool, false) => job.bools(cells, value::boolean),
        (Bool, true) => job.bools(cells, value::boolean_lenient),
        (Int8, _) => job.primitive::<Int8Type>(cells, |text| small_int(text, lenient)),
        (Int16, _) => job.primitive::<Int16Type>(cells, |text| small_int(text, lenient)),
        (Int32, _) => job.primitive::<Int32Type>(cells, |text| small_int(text, lenient)),
        (Int64, false) => job.int64(cells, value::int),
        (Int64, true) => job.int64(cells, value::int_lenient),
        (Float32, false) => job.primitive::<Float32Type>(cells, |text| value::float(text).map(|v| v as f32)),
        (Float32, true) => {
            job.primitive::<Float32Type>(cells, |text| value::float_lenient(text).map(|v| v as f32))
        }
        (Float64, false) => job.primitive::<Float64Type>(cells, value::float),
        (Float64, true) => job.primitive::<Float64Type>(cells, value::float_lenient),
        (Date, false) => job.primitive::<Date32Type>(cells, value::date),
        (Date, true) => job.primitive::<Date32Type>(cells, |text| value::date(text.trim_ascii())),
        (Timestamp, false) => job.timestamps(cells, value::timestamp),
        (Timestamp, true) => job.timestamps(cells, value::timestamp_lenient),
    }
}

fn small_int<T: TryFrom<i64>>(text: &[u8], lenient: bool) -> Option<T> {
    let value = if lenient { value::int_lenient(text) } else { value::int(text) };
    T::try_from(value?).ok()
}

struct Job<'a> {
    rows: usize,
    kind: ColumnType,
    lenient: bool,
    only: Option<&'a [u32]>,
    /// The first misfit is enough.
    stop: bool,
}

impl Job<'_> {
    #[inline]
    fn run<T: Default>(
        &self,
        cells: &impl Cells,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> (Vec<T>, Option<NullBuffer>, Vec<u32>) {
        let mut values = Vec::with_capacity(self.rows);
        let (nulls, misfits) = self.each(cells, |text| match text {
            Some(text) => match parse(text) {
                Some(value) => {
                    values.push(value);
                    true
                }
                None => {
                    values.push(T::default());
                    false
                }
            },
            None => {
                values.push(T::default());
                false
            }
        });
        (values, nulls, misfits)
    }

    /// Calls `take` for every row with its text or none; it says whether it took the text as a value.
    #[inline]
    fn each(
        &self,
        cells: &impl Cells,
        mut take: impl FnMut(Option<&[u8]>) -> bool,
    ) -> (Option<NullBuffer>, Vec<u32>) {
        let mut nulls = NullBufferBuilder::new(self.rows);
        let mut misfits = Vec::new();
        let mut scratch = Vec::new();
        if let Some(only) = self.only {
            let mut done = 0;
            for &row in only {
                (done..row as usize).for_each(|_| _ = take(None));
                nulls.append_n_nulls(row as usize - done);
                done = row as usize + 1;
                let cell = cells.cell(row as usize, &mut scratch);
                let fits = cell.is_some_and(|(_, form)| self.lenient || form_fits(form, self.kind));
                if take(cell.filter(|_| fits).map(|(text, _)| text)) {
                    nulls.append_non_null();
                } else {
                    nulls.append_null();
                    misfits.push(row);
                }
            }
            (done..self.rows).for_each(|_| _ = take(None));
            nulls.append_n_nulls(self.rows - done);
            return (nulls.finish(), misfits);
        }
        for row in 0..self.rows {
            match cells.cell(row, &mut scratch) {
                None => {
                    take(None);
                    nulls.append_null();
                }
                Some((text, form)) if self.lenient || form_fits(form, self.kind) => {
                    if take(Some(text)) {
                        nulls.append_non_null();
                        continue;
                    }
                    nulls.append_null();
                    misfits.push(row as u32);
                    if self.stop {
                        break;
                    }
                }
                Some(_) => {
                    take(None);
                    nulls.append_null();
                    misfits.push(row as u32);
                    if self.stop {
                        break;
                    }
                }
            }
        }
        (nulls.finish(), misfits)
    }

    fn primitive<T: ArrowPrimitiveType>(
        &self,
        cells: &impl Cells,
        parse: impl Fn(&[u8]) -> Option<T::Native>,
    ) -> Built {
        let (values, nulls, misfits) = self.run(cells, parse);
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls);
        Built { array: Arc::new(array), misfits, no_float: false }
    }

    fn int64(&self, cells: &impl Cells, parse: impl Fn(&[u8]) -> Option<i64>) -> Built {
        let (values, nulls, misfits) = self.run(cells, parse);
        let no_float = values.iter().fold(false, |any, &value| any | !value::int_fits_float(value));
        let array = PrimitiveArray::<Int64Type>::new(ScalarBuffer::from(values), nulls);
        Built { array: Arc::new(array), misfits, no_float }
    }

    fn timestamps(&self, cells: &impl Cells, parse: impl Fn(&[u8]) -> Option<i64>) -> Built {
        let (values, nulls, misfits) = self.run(cells, parse);
        let array = PrimitiveArray::<TimestampMicrosecondType>::new(ScalarBuffer::from(values), nulls);
        Built { array: Arc::new(array.with_timezone("UTC")), misfits, no_float: false }
    }

    fn bools(&self, cells: &impl Cells, parse: impl Fn(&[u8]) -> Option<bool>) -> Built {
        let (values, nulls, misfits) = self.run(cells, parse);
        let array = BooleanArray::new(BooleanBuffer::from(values), nulls);
        Built { array: Arc::new(array), misfits, no_float: false }
    }

    fn strings(&self, cells: &impl Cells) -> Built {
        let mut offsets = Vec::with_capacity(self.rows + 1);
        let mut bytes = Vec::with_capacity(self.rows * 8);
        offsets.push(0i32);
        let (nulls, misfits) = self.each(cells, |text| {
            if let Some(text) = text {
                bytes.extend_from_slice(text);
            }
            // A block is smaller than 2 GiB.
            offsets.push(bytes.len() as i32);
            text.is_some()
        });
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        // Blocks were checked to be UTF-8 and are cut at ASCII characters, so the check in here always passes.
        let array = StringArray::try_new(offsets, bytes.into(), nulls);
        let array = array.unwrap_or_else(|_| StringArray::new_null(self.rows));
        Built { array: Arc::new(array), misfits, no_float: false }
    }
}

/// What a block tells about the types of the columns that may yet be widened, by place in the plan.
pub(crate) fn scan(block: &impl Rows, plan: &Plan) -> Vec<(usize, Candidates)> {
    let mut learned = Vec::new();
    let mut scratch = Vec::new();
    for (at, column) in plan.columns.iter().enumerate() {
        if column.misfit != Misfit::Widen {
            continue;
        }
        let Some(cells) = block.column(at) else { continue };
        let mut candidates = column.candidates;
        for row in 0..block.rows() {
            if let Some((text, form)) = cells.cell(row, &mut scratch)
                && !(column.of_table
                    && column.read.is_some_and(|read| form_fits(form, read) && fits(text, read)))
            {
                candidates.narrow(text, form);
            }
        }
        learned.push((at, candidates));
    }
    learned
}

/// Whether the strict rules read the text as this type.
fn fits(text: &[u8], kind: ColumnType) -> bool {
    use ColumnType::{Bool, Date, Float32, Float64, Int8, Int16, Int32, Int64, String, Timestamp};
    match kind {
        Bool => value::boolean(text).is_some(),
        Int8 => small_int::<i8>(text, false).is_some(),
        Int16 => small_int::<i16>(text, false).is_some(),
        Int32 => small_int::<i32>(text, false).is_some(),
        Int64 => value::int(text).is_some(),
        Float32 | Float64 => value::float(text).is_some(),
        Date => value::date(text).is_some(),
        Timestamp => value::timestamp(text).is_some(),
        String => true,
    }
}
