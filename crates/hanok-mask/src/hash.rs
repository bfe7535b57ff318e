//! Keyed hashes: HMAC-SHA-256 as hexadecimal text, or as an integer of 63 bits for integer columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};

use crate::error::Result;
use crate::hmac::Hmac;
use crate::key::Key;
use crate::text::{cast, map_text, write_rows};

const HEX: &[u8; 16] = b"0123456789abcdef";
/// Written before a value, so that a text, an integer and bytes that look alike have different hashes.
const TEXT: &[u8] = b"t";
const INTEGER: &[u8] = b"i";
const LARGE_INTEGER: &[u8] = b"u";
const BYTES: &[u8] = b"b";

pub(crate) struct HashMasker {
    hmac: Hmac,
    length: usize,
}

impl HashMasker {
    pub(crate) fn new(length: u8, key: &Key, domain: &str) -> Self {
        let hmac = Hmac::new(key.derive("hash", domain).bytes());
        Self { hmac, length: usize::from(length) }
    }

    pub(crate) fn text(&self, column: &StringArray) -> Result<StringArray> {
        map_text(column, |value, out| {
            self.hex(&self.hmac.code(&[TEXT, value.as_bytes()]), out);
            Ok(())
        })
    }

    pub(crate) fn bytes(&self, column: &ArrayRef) -> Result<StringArray> {
        let column = cast(column, &DataType::Binary)?;
        let values = column.as_binary::<i32>();
        write_rows(values, |row, out| {
            self.hex(&self.hmac.code(&[BYTES, values.value(row)]), out);
            Ok(())
        })
    }

    /// Integers of every width: equal numbers have equal hashes whatever their types.
    pub(crate) fn integers(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let hashed = |parts: &[&[u8]]| {
            let mut word = [0; 8];
            word.copy_from_slice(&self.hmac.code(parts)[..8]);
            (u64::from_be_bytes(word) >> 1) as i64
        };
        let values: Vec<i64> = if column.data_type() == &DataType::UInt64 {
            let large = |value: u64| match i64::try_from(value) {
                Ok(value) => hashed(&[INTEGER, &value.to_be_bytes()]),
                Err(_) => hashed(&[LARGE_INTEGER, &value.to_be_bytes()]),
            };
            column.as_primitive::<UInt64Type>().values().iter().map(|value| large(*value)).collect()
        } else {
            let wide = cast(column, &DataType::Int64)?;
            let values = wide.as_primitive::<Int64Type>().values();
            values.iter().map(|value| hashed(&[INTEGER, &value.to_be_bytes()])).collect()
        };
        Ok(Arc::new(Int64Array::new(values.into(), column.nulls().cloned())))
    }

    #[inline]
    fn hex(&self, code: &[u8; 32], out: &mut String) {
        let mut digits = [0u8; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(code) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        out.push_str(std::str::from_utf8(&digits[..self.length]).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, UInt64Array};

    use super::*;

    fn masker(length: u8) -> HashMasker {
        HashMasker::new(length, &Key::new([9; 32]), "student")
    }

    #[test]
    fn text_is_the_hmac_of_the_derived_key() {
        let column = StringArray::from(vec![Some("가"), None, Some("나"), Some("가")]);
        let out = masker(64).text(&column).unwrap();
        let key = Key::new([9; 32]).derive("hash", "student");
        let code = Hmac::new(key.bytes()).code(&[b"t", "가".as_bytes()]);
        let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(out.value(0), hex);
        assert_eq!(out.value(3), hex);
        assert_ne!(out.value(2), hex);
        assert!(out.is_null(1));
        assert_eq!(masker(9).text(&column).unwrap().value(0), &hex[..9]);
    }

    #[test]
    fn integers_of_all_widths_agree() {
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None, Some(8)]));
        let wide: ArrayRef = Arc::new(UInt64Array::from(vec![7, u64::MAX, 8]));
        let narrow = masker(32).integers(&narrow).unwrap();
        let wide = masker(32).integers(&wide).unwrap();
        let (narrow, wide) = (narrow.as_primitive::<Int64Type>(), wide.as_primitive::<Int64Type>());
        assert_eq!((narrow.value(0), narrow.value(2)), (wide.value(0), wide.value(2)));
        assert!(narrow.is_null(1) && wide.values().iter().all(|value| *value >= 0));
    }
}
