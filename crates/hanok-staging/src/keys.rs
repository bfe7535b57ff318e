//! Keys of rows as 64-bit hashes, and sets of them.
//!
//! Two keys of one hash are taken for one. A sample then has a row more than it needs, never one less.

use std::hash::BuildHasher;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use hashbrown::{DefaultHashBuilder, HashTable};

/// The hash of a key of which a part is null: it refers to nothing.
pub(crate) const NONE: u64 = 0;

/// Hashes keys. One for all tables of a sample.
#[derive(Clone, Default)]
pub(crate) struct Hasher(DefaultHashBuilder);

/// Columns whose equal values have equal hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family<'a> {
    /// Integers of any width.
    Integer,
    /// Texts.
    Text,
    /// Others, each with its own type only.
    Other(&'a DataType),
}

/// The family of a type.
pub(crate) fn family(data_type: &DataType) -> Family<'_> {
    match data_type {
        DataType::Dictionary(_, values) => family(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Family::Text,
        integer if integer.is_integer() && integer != &DataType::UInt64 => Family::Integer,
        other => Family::Other(other),
    }
}

impl Hasher {
    /// The hash of each row's key; [`NONE`] where a part of it is null.
    pub(crate) fn rows(&self, columns: &[ArrayRef]) -> Result<Vec<u64>, ArrowError> {
        let mut all: Option<Vec<u64>> = None;
        for column in columns {
            let own = self.column(column)?;
            all = Some(match all {
                None => own,
                Some(mut all) => {
                    for (hash, own) in all.iter_mut().zip(own) {
                        let both = if *hash == NONE || own == NONE {
                            NONE
                        } else {
                            some(self.0.hash_one((*hash, own)))
                        };
                        *hash = both;
                    }
                    all
                }
            });
        }
        Ok(all.unwrap_or_default())
    }

    fn column(&self, column: &ArrayRef) -> Result<Vec<u64>, ArrowError> {
        let text = |value: Option<&str>| value.map_or(NONE, |value| some(self.0.hash_one(value)));
        Ok(match family(column.data_type()) {
            Family::Integer => {
                let wide = cast(column, &DataType::Int64)?;
                let values = wide.as_primitive::<Int64Type>();
                values.iter().map(|value| value.map_or(NONE, |value| some(self.0.hash_one(value)))).collect()
            }
            Family::Text => match column.data_type() {
                DataType::Utf8 => column.as_string::<i32>().iter().map(text).collect(),
                DataType::Utf8View => column.as_string_view().iter().map(text).collect(),
                _ => cast(column, &DataType::Utf8)?.as_string::<i32>().iter().map(text).collect(),
            },
            Family::Other(data_type) => {
                let plain = cast(column, data_type)?;
                let rows = RowConverter::new(vec![SortField::new(data_type.clone())])?
                    .convert_columns(std::slice::from_ref(&plain))?;
                let hash = |row: usize| {
                    if plain.is_null(row) { NONE } else { some(self.0.hash_one(rows.row(row).as_ref())) }
                };
                (0..plain.len()).map(hash).collect()
            }
        })
    }
}

fn some(hash: u64) -> u64 {
    if hash == NONE { 1 } else { hash }
}

/// A set of hashes.
#[derive(Clone, Default)]
pub(crate) struct KeySet(HashTable<u64>);

impl KeySet {
    /// Adds a hash that is not [`NONE`]. Returns whether it is new.
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        if hash == NONE || self.contains(hash) {
            return false;
        }
        self.0.insert_unique(hash, hash, |hash| *hash);
        true
    }

    pub(crate) fn contains(&self, hash: u64) -> bool {
        self.0.find(hash, |found| *found == hash).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array, StringArray, StringViewArray};

    use super::*;

    #[test]
    fn equal_keys_of_a_family_have_equal_hashes() {
        let hasher = Hasher::default();
        let rows = |columns: &[ArrayRef]| hasher.rows(columns).unwrap();
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None]));
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(3), None]));
        let one = |column: &ArrayRef| rows(std::slice::from_ref(column));
        let (a, b) = (one(&narrow), one(&wide));
        assert!(a[0] == b[0] && a[1] != b[1] && a[2] == NONE);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["가", "나", "다"]));
        let view: ArrayRef = Arc::new(StringViewArray::from(vec!["가", "x", "다"]));
        let (a, b) = (rows(&[narrow, text]), rows(&[wide, view]));
        assert!(a[0] == b[0] && a[1] != b[1] && a[2] == NONE && b[2] == NONE);
    }

    #[test]
    fn a_set_has_what_was_inserted() {
        let mut set = KeySet::default();
        assert!(set.insert(7) && !set.insert(7) && !set.insert(NONE));
        assert!(set.contains(7) && !set.contains(8) && !set.contains(NONE));
        assert!(set.bytes() > 0 && !set.is_empty());
    }
}
