//! FlatBuffers, as much as a reader needs: a table is an offset to a list of its fields' places, everything else is reached by offsets.
//! Little-endian. Every place is checked against the buffer, so that a damaged offset is an error. Offsets can be repeated, so that a small
//! buffer could be read for ever: what all lists together have is bounded by a multiple of the buffer.

use std::cell::Cell;

use super::bytes::Scalar;
use crate::error::ReadError;

/// How often a byte may be read; files that libraries write have every list once, and this reader asks for a list at most thrice.
const READS_MAX: usize = 8;

/// A buffer and how many more bytes may be read of it.
#[derive(Debug)]
pub(super) struct Buffer<'a> {
    bytes: &'a [u8],
    left: Cell<usize>,
}

impl<'a> Buffer<'a> {
    /// A buffer of these bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Buffer<'a> {
        Buffer { bytes, left: Cell::new(bytes.len().saturating_mul(READS_MAX)) }
    }

    /// Its root.
    pub(super) fn root(&'a self) -> Result<Table<'a>, ReadError> {
        Table::new(self, target(self.bytes, 0)?)
    }
}

/// A table in a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    buffer: &'a Buffer<'a>,
    at: usize,
    /// Where the list of its fields' places begins, and how many bytes it has.
    fields: (usize, usize),
}

/// A list in a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    bytes: &'a [u8],
    start: usize,
    length: usize,
}

fn wrong(at: usize) -> ReadError {
    ReadError::Syntax { place: format!("byte {at}"), problem: "an offset leads out of the file" }
}

fn number<T: Scalar>(bytes: &[u8], at: usize) -> Result<T, ReadError> {
    let end = at.checked_add(T::SIZE).ok_or_else(|| wrong(at))?;
    bytes.get(at..end).and_then(T::from_le).ok_or_else(|| wrong(at))
}

/// The place that an offset at a place leads to.
fn target(bytes: &[u8], at: usize) -> Result<usize, ReadError> {
    at.checked_add(number::<u32>(bytes, at)? as usize).ok_or_else(|| wrong(at))
}

impl<'a> Table<'a> {
    fn new(buffer: &'a Buffer<'a>, at: usize) -> Result<Table<'a>, ReadError> {
        let bytes = buffer.bytes;
        let back = i64::from(number::<i32>(bytes, at)?);
        let start = usize::try_from(at as i64 - back).map_err(|_| wrong(at))?;
        Ok(Table { buffer, at, fields: (start, usize::from(number::<u16>(bytes, start)?)) })
    }

    /// The place of a field, if the table has it.
    fn field(&self, field: usize) -> Result<Option<usize>, ReadError> {
        let (start, size) = self.fields;
        let entry = 4 + 2 * field;
        if entry + 2 > size {
            return Ok(None);
        }
        let offset = usize::from(number::<u16>(self.buffer.bytes, start + entry)?);
        Ok((offset > 0).then_some(self.at + offset))
    }

    /// A number, or its default.
    pub(super) fn number<T: Scalar>(&self, field: usize, default: T) -> Result<T, ReadError> {
        self.field(field)?.map_or(Ok(default), |at| number(self.buffer.bytes, at))
    }

    /// A table below this one.
    pub(super) fn table(&self, field: usize) -> Result<Option<Table<'a>>, ReadError> {
        self.field(field)?.map(|at| Table::new(self.buffer, target(self.buffer.bytes, at)?)).transpose()
    }

    /// A list, empty if the table does not have it; of elements of so many bytes.
    pub(super) fn list(&self, field: usize, size: usize) -> Result<List<'a>, ReadError> {
        let bytes = self.buffer.bytes;
        let Some(at) = self.field(field)? else { return Ok(List { bytes, start: 0, length: 0 }) };
        let at = target(bytes, at)?;
        let length = number::<u32>(bytes, at)? as usize;
        let read = length.saturating_mul(size).saturating_add(4);
        if at.saturating_add(read) > bytes.len() {
            return Err(wrong(at));
        }
        let left = self.buffer.left.get().checked_sub(read);
        self.buffer.left.set(left.ok_or_else(|| ReadError::Syntax {
            place: format!("byte {at}"),
            problem: "parts of the file are used more often than a model does",
        })?);
        Ok(List { bytes, start: at + 4, length })
    }

    /// A list of numbers.
    pub(super) fn numbers<T: Scalar>(&self, field: usize) -> Result<Vec<T>, ReadError> {
        let list = self.list(field, T::SIZE)?;
        (0..list.length).map(|at| number(list.bytes, list.start + at * T::SIZE)).collect()
    }

    /// A list of tables.
    pub(super) fn tables(&self, field: usize) -> Result<Vec<Table<'a>>, ReadError> {
        let list = self.list(field, 4)?;
        let table = |at: usize| Table::new(self.buffer, target(list.bytes, list.start + 4 * at)?);
        (0..list.length).map(table).collect()
    }

    /// Bytes.
    pub(super) fn bytes(&self, field: usize) -> Result<&'a [u8], ReadError> {
        let list = self.list(field, 1)?;
        Ok(&list.bytes[list.start..list.start + list.length])
    }

    /// A text, empty if the table does not have it.
    pub(super) fn text(&self, field: usize) -> Result<&'a str, ReadError> {
        let at = self.at;
        std::str::from_utf8(self.bytes(field)?)
            .map_err(|_| ReadError::Syntax { place: format!("byte {at}"), problem: "a text is not UTF-8" })
    }
}

impl List<'_> {
    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root with a list of so many tables, which are all the same one with a list of 400 bytes.
    fn same_table(count: u32) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        // Both tables have one field, 4 bytes behind their start: the list of places is that of the root, at byte 4.
        let mut bytes = words(&[12, 6 | 8 << 16, 4, 8, 4, count]);
        let table = 24 + 4 * count;
        bytes.extend((0..count).flat_map(|at| (table - 24 - 4 * at).to_le_bytes()));
        bytes.extend(words(&[table - 4, 4, 400]));
        bytes.extend([7; 400]);
        bytes
    }

    fn sum(bytes: &[u8]) -> Result<usize, ReadError> {
        let buffer = Buffer::new(bytes);
        let mut sum = 0;
        for table in buffer.root()?.tables(0)? {
            sum += table.numbers::<u8>(0)?.len();
        }
        Ok(sum)
    }

    #[test]
    fn a_table_is_not_read_again_and_again() {
        assert_eq!(sum(&same_table(1)).unwrap(), 400);
        assert_eq!(sum(&same_table(3)).unwrap(), 1200);
        let error = sum(&same_table(1000)).unwrap_err().to_string();
        assert!(error.contains("more often"), "{error}");
    }

    #[test]
    fn damaged_offsets_are_errors() {
        let whole = same_table(2);
        for end in 0..whole.len() {
            assert!(sum(&whole[..end]).is_err(), "cut at {end}");
        }
        for at in 0..whole.len() - 400 {
            for byte in [0, 1, 127, 128, 255] {
                let mut changed = whole.clone();
                changed[at] = byte;
                let _ = sum(&changed);
            }
        }
    }
}
