//! FlatBuffers, as much as a reader needs: a table is an offset to a list of its fields' places, everything else is reached by offsets.
//! Little-endian. Every place is checked against the buffer, so that a damaged offset is an error; what is read is at most what the buffer
//! holds, but an offset can be repeated: who walks a tree of tables bounds how many it visits.

use super::bytes::Scalar;
use crate::error::ReadError;

/// A table in a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
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
    /// The root of a buffer.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Table<'a>, ReadError> {
        Table::new(bytes, target(bytes, 0)?)
    }

    fn new(bytes: &'a [u8], at: usize) -> Result<Table<'a>, ReadError> {
        let back = i64::from(number::<i32>(bytes, at)?);
        let start = usize::try_from(at as i64 - back).map_err(|_| wrong(at))?;
        Ok(Table { bytes, at, fields: (start, usize::from(number::<u16>(bytes, start)?)) })
    }

    /// The place of a field, if the table has it.
    fn field(&self, field: usize) -> Result<Option<usize>, ReadError> {
        let (start, size) = self.fields;
        let entry = 4 + 2 * field;
        if entry + 2 > size {
            return Ok(None);
        }
        let offset = usize::from(number::<u16>(self.bytes, start + entry)?);
        Ok((offset > 0).then_some(self.at + offset))
    }

    /// A number, or its default.
    pub(super) fn number<T: Scalar>(&self, field: usize, default: T) -> Result<T, ReadError> {
        self.field(field)?.map_or(Ok(default), |at| number(self.bytes, at))
    }

    /// A table below this one.
    pub(super) fn table(&self, field: usize) -> Result<Option<Table<'a>>, ReadError> {
        self.field(field)?.map(|at| Table::new(self.bytes, target(self.bytes, at)?)).transpose()
    }

    /// A list, empty if the table does not have it; of elements of so many bytes.
    pub(super) fn list(&self, field: usize, size: usize) -> Result<List<'a>, ReadError> {
        let Some(at) = self.field(field)? else { return Ok(List { bytes: self.bytes, start: 0, length: 0 }) };
        let at = target(self.bytes, at)?;
        let length = number::<u32>(self.bytes, at)? as usize;
        let end = length.checked_mul(size).and_then(|bytes| (at + 4).checked_add(bytes));
        match end {
            Some(end) if end <= self.bytes.len() => Ok(List { bytes: self.bytes, start: at + 4, length }),
            _ => Err(wrong(at)),
        }
    }

    /// A list of numbers.
    pub(super) fn numbers<T: Scalar>(&self, field: usize) -> Result<Vec<T>, ReadError> {
        let list = self.list(field, T::SIZE)?;
        (0..list.length).map(|at| number(list.bytes, list.start + at * T::SIZE)).collect()
    }

    /// A list of tables.
    pub(super) fn tables(&self, field: usize) -> Result<Vec<Table<'a>>, ReadError> {
        let list = self.list(field, 4)?;
        let table = |at: usize| Table::new(list.bytes, target(list.bytes, list.start + 4 * at)?);
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
