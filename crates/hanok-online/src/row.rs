//! Rows as LMDB holds them. `LAYOUT.md` has the picture; the decoder takes arbitrary bytes without panicking.

use hanok_types::ValueType;

use crate::schema::is_variable;

/// Bytes before the key: schema id, event and created timestamps, length of the key, length of the arena.
const HEADER_BYTES: usize = 4 + 8 + 8 + 4 + 4;
/// The created timestamp of a row that has none: older than every other.
const CREATED_NONE: i64 = i64::MIN;
/// Most bytes of one string or bytes value.
pub(crate) const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A stored row cannot be decoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RowError {
    /// Fewer bytes than a header, or another length than its parts have together.
    #[error("{found} bytes instead of {expected}")]
    Length {
        /// The row's length in bytes.
        found: usize,
        /// The length its header and schema call for.
        expected: usize,
    },
    /// A value points outside the row's arena.
    #[error("the value of column {column} is outside the row")]
    Arena {
        /// The column's position.
        column: usize,
    },
    /// A string that is not UTF-8.
    #[error("the string of column {column} is not UTF-8")]
    Utf8 {
        /// The column's position.
        column: usize,
    },
    /// A bool that is neither 0 nor 1.
    #[error("the bool of column {column} is neither true nor false")]
    Bool {
        /// The column's position.
        column: usize,
    },
}

/// The parts of a row that do not depend on its schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub schema_id: u32,
    pub event_us: i64,
    pub created_us: i64,
    key_bytes: usize,
    arena_bytes: usize,
}

impl Header {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let short = || RowError::Length { found: bytes.len(), expected: HEADER_BYTES };
        let u32_at = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let i64_at = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(i64::from_le_bytes);
        Ok(Self {
            schema_id: u32_at(0).ok_or_else(short)?,
            event_us: i64_at(4).ok_or_else(short)?,
            created_us: i64_at(12).ok_or_else(short)?,
            key_bytes: u32_at(20).ok_or_else(short)? as usize,
            arena_bytes: u32_at(24).ok_or_else(short)? as usize,
        })
    }

    /// The encoded key that the row `bytes` carries.
    pub(crate) fn key_of<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.get(HEADER_BYTES..HEADER_BYTES.checked_add(self.key_bytes)?)
    }

    /// Whether a row with these timestamps replaces one that has `self`'s.
    pub(crate) fn yields_to(&self, event_us: i64, created_us: Option<i64>) -> bool {
        (event_us, created_us.unwrap_or(CREATED_NONE)) >= (self.event_us, self.created_us)
    }
}

/// A decoded row: bounds, strings and bools are checked once, here.
#[derive(Clone, Copy, Debug)]
pub struct StoredRow<'a> {
    header: Header,
    types: &'a [ValueType],
    key: &'a [u8],
    nulls: &'a [u8],
    slots: &'a [u8],
    arena: &'a [u8],
}

/// One value of a decoded row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StoredValue<'a> {
    /// The bits of a fixed-size value: a bool as 0 or 1, integers sign-extended, floats as IEEE bits, timestamps in
    /// microseconds.
    Word(u64),
    /// The bytes of a string (valid UTF-8) or a bytes value.
    Bytes(&'a [u8]),
}

impl<'a> StoredRow<'a> {
    /// Decodes `bytes`, written under a schema whose features have `types`.
    pub fn decode(bytes: &'a [u8], types: &'a [ValueType]) -> Result<Self, RowError> {
        let header = Header::decode(bytes)?;
        let null_bytes = types.len().div_ceil(8);
        let lengths = [header.key_bytes, null_bytes, types.len() * 8, header.arena_bytes];
        let expected = lengths.iter().fold(HEADER_BYTES, |sum, length| sum.saturating_add(*length));
        let length = RowError::Length { found: bytes.len(), expected };
        if bytes.len() != expected {
            return Err(length);
        }
        let mut rest = bytes.get(HEADER_BYTES..).unwrap_or(&[]);
        let mut part = |length: usize| -> Option<&'a [u8]> {
            let (part, tail) = rest.split_at_checked(length)?;
            rest = tail;
            Some(part)
        };
        let [Some(key), Some(nulls), Some(slots), Some(arena)] = lengths.map(&mut part) else {
            return Err(length);
        };
        let row = Self { header, types, key, nulls, slots, arena };
        for (column, &value_type) in types.iter().enumerate() {
            row.check(column, value_type)?;
        }
        Ok(row)
    }

    fn check(&self, column: usize, value_type: ValueType) -> Result<(), RowError> {
        if self.is_null(column) {
            return Ok(());
        }
        let word = self.word(column);
        match value_type {
            ValueType::Bool if word > 1 => Err(RowError::Bool { column }),
            ValueType::Bytes | ValueType::String => {
                let bytes = self.arena_at(word).ok_or(RowError::Arena { column })?;
                let valid = value_type == ValueType::Bytes || std::str::from_utf8(bytes).is_ok();
                if valid { Ok(()) } else { Err(RowError::Utf8 { column }) }
            }
            _ => Ok(()),
        }
    }

    fn is_null(&self, column: usize) -> bool {
        self.nulls.get(column / 8).is_none_or(|byte| byte >> (column % 8) & 1 == 1)
    }

    fn word(&self, column: usize) -> u64 {
        let bytes = self.slots.get(column * 8..column * 8 + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    }

    fn arena_at(&self, word: u64) -> Option<&'a [u8]> {
        let (start, length) = ((word >> 32) as usize, (word & 0xffff_ffff) as usize);
        self.arena.get(start..start.checked_add(length)?)
    }

    /// The event timestamp, microseconds since 1970.
    pub fn event_us(&self) -> i64 {
        self.header.event_us
    }

    /// The created timestamp, microseconds since 1970.
    pub fn created_us(&self) -> Option<i64> {
        Some(self.header.created_us).filter(|&created_us| created_us != CREATED_NONE)
    }

    /// The encoded key of a row whose LMDB key is only its hash.
    pub(crate) fn key(&self) -> &'a [u8] {
        self.key
    }

    /// The value of a column; `None` is null, or a column the row does not have.
    pub fn value(&self, column: usize) -> Option<StoredValue<'a>> {
        let value_type = *self.types.get(column)?;
        if self.is_null(column) {
            return None;
        }
        let word = self.word(column);
        if is_variable(value_type) {
            self.arena_at(word).map(StoredValue::Bytes)
        } else {
            Some(StoredValue::Word(word))
        }
    }
}

/// Puts a row's bytes together, column by column; reusable.
#[derive(Default)]
pub(crate) struct RowBuilder {
    nulls: Vec<u8>,
    slots: Vec<u8>,
    arena: Vec<u8>,
    columns: usize,
}

impl RowBuilder {
    pub(crate) fn clear(&mut self) {
        self.nulls.clear();
        self.slots.clear();
        self.arena.clear();
        self.columns = 0;
    }

    pub(crate) fn push(&mut self, value: Option<StoredValue<'_>>) {
        if self.columns.is_multiple_of(8) {
            self.nulls.push(0);
        }
        let word = match value {
            None => {
                if let Some(byte) = self.nulls.last_mut() {
                    *byte |= 1 << (self.columns % 8);
                }
                0
            }
            Some(StoredValue::Word(word)) => word,
            Some(StoredValue::Bytes(bytes)) => {
                let start = self.arena.len() as u64;
                self.arena.extend_from_slice(bytes);
                start << 32 | bytes.len() as u64
            }
        };
        self.slots.extend_from_slice(&word.to_le_bytes());
        self.columns += 1;
    }

    /// Writes the row. `long_key` is the encoded key when LMDB's key is only its hash, else empty.
    pub(crate) fn finish(
        &self,
        schema_id: u32,
        event_us: i64,
        created_us: Option<i64>,
        long_key: &[u8],
        out: &mut Vec<u8>,
    ) {
        out.clear();
        out.extend_from_slice(&schema_id.to_le_bytes());
        out.extend_from_slice(&event_us.to_le_bytes());
        out.extend_from_slice(&created_us.unwrap_or(CREATED_NONE).to_le_bytes());
        out.extend_from_slice(&(long_key.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.arena.len() as u32).to_le_bytes());
        for part in [long_key, &self.nulls, &self.slots, &self.arena] {
            out.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPES: [ValueType; 5] =
        [ValueType::Int64, ValueType::String, ValueType::Bool, ValueType::Bytes, ValueType::Float64];

    fn sample() -> Vec<u8> {
        let mut builder = RowBuilder::default();
        builder.push(Some(StoredValue::Word(7)));
        builder.push(Some(StoredValue::Bytes("한옥".as_bytes())));
        builder.push(Some(StoredValue::Word(1)));
        builder.push(None);
        builder.push(Some(StoredValue::Word(1.5f64.to_bits())));
        let mut out = Vec::new();
        builder.finish(3, 1_000, Some(2_000), b"long", &mut out);
        out
    }

    #[test]
    fn a_row_reads_back_as_written() {
        let bytes = sample();
        let row = StoredRow::decode(&bytes, &TYPES).unwrap();
        assert_eq!((row.event_us(), row.created_us(), row.key()), (1_000, Some(2_000), &b"long"[..]));
        assert_eq!(row.value(0), Some(StoredValue::Word(7)));
        assert_eq!(row.value(1), Some(StoredValue::Bytes("한옥".as_bytes())));
        assert_eq!(row.value(3), None);
        assert_eq!(row.value(4), Some(StoredValue::Word(1.5f64.to_bits())));
        assert_eq!(row.value(5), None);
    }

    #[test]
    fn newer_event_then_newer_created_then_the_later_write_win() {
        let header = Header::decode(&sample()).unwrap();
        assert!(header.yields_to(1_001, None));
        assert!(!header.yields_to(999, Some(i64::MAX)));
        assert!(header.yields_to(1_000, Some(2_000)));
        assert!(!header.yields_to(1_000, Some(1_999)));
        assert!(!header.yields_to(1_000, None));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_all(&bytes);
        }

        #[test]
        fn damaged_rows_never_panic(at in 0usize..100, value: u8, cut in 0usize..100) {
            let mut bytes = sample();
            let length = bytes.len();
            bytes[at % length] = value;
            read_all(&bytes);
            bytes.truncate(cut);
            read_all(&bytes);
        }
    }

    fn read_all(bytes: &[u8]) {
        for types in [&TYPES[..], &[], &[ValueType::String; 9]] {
            if let Ok(row) = StoredRow::decode(bytes, types) {
                for column in 0..=types.len() {
                    let value = row.value(column);
                    if let (Some(StoredValue::Bytes(text)), Some(ValueType::String)) =
                        (value, types.get(column))
                    {
                        assert!(std::str::from_utf8(text).is_ok());
                    }
                }
            }
        }
    }
}
