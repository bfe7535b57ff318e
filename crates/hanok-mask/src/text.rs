//! Text columns: one pass over the values, straight into the buffers of the result.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::error::{MaskError, Result};

/// Slots of the memory for repeated values: 16 KiB, so that it stays in the first cache.
const RECENT: usize = 4096;
/// After so many values a memory that was of no use is given up.
const TRIAL: usize = 4096;

/// Why a value could not be masked. [`map_text`] adds the row.
pub(crate) enum Problem {
    Format(&'static str),
    Resident,
}

impl Problem {
    pub(crate) fn at(self, row: usize) -> MaskError {
        match self {
            Self::Format(problem) => MaskError::Format { row, problem },
            Self::Resident => MaskError::Resident { row },
        }
    }
}

/// Casts without losing values: what does not fit is an error, not a null.
pub(crate) fn cast(column: &dyn Array, to: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(column, to, &CastOptions { safe: false, ..CastOptions::default() })?)
}

/// True for the types that [`text`] reads.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A text column in the one representation that is worked on.
pub(crate) fn text(column: &ArrayRef) -> Result<StringArray> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// Writes each value's image; nulls stay null. `write` appends to the text it is given and must depend on the value
/// alone, because values that came shortly before are copied instead.
pub(crate) fn map_text(
    column: &StringArray,
    mut write: impl FnMut(&str, &mut String) -> Result<(), Problem>,
) -> Result<StringArray> {
    let mut out = String::with_capacity(column.value_data().len());
    let mut offsets: Vec<i32> = Vec::with_capacity(column.len() + 1);
    offsets.push(0);
    let mut recent = Recent::new();
    for row in 0..column.len() {
        if column.is_valid(row) {
            let value = column.value(row);
            match recent.find(column, row, value) {
                Some(same) => out.extend_from_within(offsets[same] as usize..offsets[same + 1] as usize),
                None => write(value, &mut out).map_err(|problem| problem.at(row))?,
            }
        }
        offsets.push(offset(out.len())?);
    }
    finish(out, offsets, column)
}

/// As [`map_text`] for values of any kind, by row.
pub(crate) fn write_rows(
    column: &dyn Array,
    mut write: impl FnMut(usize, &mut String) -> Result<(), Problem>,
) -> Result<StringArray> {
    let mut out = String::new();
    let mut offsets: Vec<i32> = Vec::with_capacity(column.len() + 1);
    offsets.push(0);
    for row in 0..column.len() {
        if column.is_valid(row) {
            write(row, &mut out).map_err(|problem| problem.at(row))?;
        }
        offsets.push(offset(out.len())?);
    }
    finish(out, offsets, column)
}

fn finish(out: String, offsets: Vec<i32>, column: &dyn Array) -> Result<StringArray> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(StringArray::try_new(offsets, Buffer::from_vec(out.into_bytes()), column.nulls().cloned())?)
}

fn offset(bytes: usize) -> Result<i32> {
    i32::try_from(bytes).map_err(|_| MaskError::Arrow(ArrowError::OffsetOverflowError(bytes)))
}

/// Where values were seen lately: one row a slot, the newest wins.
struct Recent {
    rows: Vec<u32>,
    seen: usize,
    found: usize,
}

impl Recent {
    fn new() -> Self {
        Self { rows: vec![u32::MAX; RECENT], seen: 0, found: 0 }
    }

    /// An earlier row with this value.
    #[inline]
    fn find(&mut self, column: &StringArray, row: usize, value: &str) -> Option<usize> {
        if self.rows.is_empty() {
            return None;
        }
        self.seen += 1;
        if self.seen == TRIAL && self.found < TRIAL / 8 {
            self.rows = Vec::new();
            return None;
        }
        let slot = &mut self.rows[slot(value.as_bytes())];
        let earlier = *slot as usize;
        if *slot != u32::MAX && column.value(earlier) == value {
            self.found += 1;
            return Some(earlier);
        }
        *slot = row as u32;
        None
    }
}

/// A cheap hash of a value; collisions only cost time.
#[inline]
fn slot(value: &[u8]) -> usize {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    let mut hash = value.len() as u64;
    for chunk in value.chunks(8) {
        hash = (hash ^ word(chunk)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize % RECENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_values_are_copied_and_nulls_kept() {
        let values: Vec<Option<String>> =
            (0..20_000).map(|at| (at % 7 != 0).then(|| format!("value {}", at % 300))).collect();
        let column = StringArray::from(values.clone());
        let mut calls = 0;
        let mapped = map_text(&column, |value, out| {
            calls += 1;
            out.push_str(value);
            out.push('!');
            Ok(())
        })
        .unwrap();
        assert!(calls < 3_000, "{calls}");
        for (row, value) in values.iter().enumerate() {
            let expected = value.as_ref().map(|value| format!("{value}!"));
            assert_eq!(mapped.is_valid(row).then(|| mapped.value(row).to_owned()), expected);
        }
    }

    #[test]
    fn the_memory_is_given_up_when_values_do_not_repeat() {
        let column: StringArray = (0..10_000).map(|at| Some(at.to_string())).collect();
        let mapped = map_text(&column, |value, out| {
            out.push_str(value);
            Ok(())
        });
        assert_eq!(mapped.unwrap(), column);
    }

    #[test]
    fn problems_name_the_row_and_not_the_value() {
        let column = StringArray::from(vec!["fine", "secret"]);
        let mapped =
            map_text(
                &column,
                |value, _| {
                    if value == "secret" { Err(Problem::Format("has letters")) } else { Ok(()) }
                },
            );
        assert_eq!(mapped.unwrap_err().to_string(), "the value of row 1 has letters");
    }
}
