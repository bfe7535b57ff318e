//! Row identities: what noise is keyed by.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};

use crate::error::{MaskError, Result};
use crate::key::Key;
use crate::text::cast;

/// A keyed 128-bit identity for every row, made from the columns that identify what the row is about: a student's number
/// in a table of meals, say. Equal numbers and equal texts are the same identity in every table.
#[derive(Clone, Debug)]
pub struct RowIds(Vec<[u8; 16]>);

impl RowIds {
    /// The identities of rows with these identifying columns, before they are masked.
    pub fn new(key: &Key, columns: &[ArrayRef]) -> Result<Self, MaskError> {
        let Some(first) = columns.first() else { return Ok(Self(Vec::new())) };
        if let Some(other) = columns.iter().find(|other| other.len() != first.len()) {
            return Err(MaskError::Rows {
                what: "an identifying column",
                found: other.len(),
                expected: first.len(),
            });
        }
        let wide: Vec<ArrayRef> = columns.iter().map(widened).collect::<Result<_>>()?;
        let fields = wide.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let encoded = RowConverter::new(fields)?.convert_columns(&wide)?;
        let key = key.derive("row", "");
        let identity = |row: arrow::row::Row<'_>| {
            let mut identity = [0; 16];
            identity.copy_from_slice(&key.hash(row.as_ref())[..16]);
            identity
        };
        Ok(Self(encoded.iter().map(identity).collect()))
    }

    /// How many rows have an identity.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first 64 bits of each identity, even over all numbers: what is below a share of them is a sample of that share.
    pub fn leading(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|identity| identity[..8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    pub(crate) fn get(&self, row: usize) -> &[u8; 16] {
        &self.0[row]
    }
}

/// One type for all integers and one for all texts, so that tables that store a key differently agree.
fn widened(column: &ArrayRef) -> Result<ArrayRef> {
    let data_type = match column.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    match data_type {
        DataType::UInt64 => cast(column, &DataType::UInt64),
        integer if integer.is_integer() => cast(column, &DataType::Int64),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => cast(column, &DataType::Utf8),
        other => cast(column, other),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array};

    use super::*;

    #[test]
    fn identities_agree_across_types_and_differ_across_keys() {
        let key = Key::new([1; 32]);
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![2, 1]));
        let narrow = RowIds::new(&key, &[narrow]).unwrap();
        let ids = RowIds::new(&key, std::slice::from_ref(&wide)).unwrap();
        assert_eq!((narrow.get(0), narrow.get(1)), (ids.get(1), ids.get(0)));
        assert_eq!((ids.len(), ids.is_empty()), (2, false));
        assert_ne!(RowIds::new(&Key::new([2; 32]), &[wide]).unwrap().get(0), ids.get(0));
    }
}
