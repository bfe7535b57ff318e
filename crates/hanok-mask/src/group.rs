//! Rows with equal values, over columns of every type.

use arrow::array::{Array, ArrayRef};
use arrow::row::{RowConverter, SortField};
use hashbrown::HashTable;

use crate::error::{MaskError, Result};

/// Which rows have equal values. Nulls are equal to each other.
pub(crate) struct Groups {
    /// The group of each row, numbered in the order of their first rows.
    pub(crate) of_row: Vec<u32>,
    /// The rows of each group.
    pub(crate) sizes: Vec<u32>,
    /// The first row of each group.
    pub(crate) first: Vec<u32>,
}

impl Groups {
    /// Groups rows by all the columns. No columns: all rows are one group.
    pub(crate) fn new(columns: &[ArrayRef], rows: usize) -> Result<Self> {
        for column in columns {
            if column.len() != rows {
                return Err(MaskError::Rows { what: "a column", found: column.len(), expected: rows });
            }
        }
        let mut groups = Self { of_row: Vec::with_capacity(rows), sizes: Vec::new(), first: Vec::new() };
        if columns.is_empty() {
            groups.of_row = vec![0; rows];
            groups.sizes = vec![rows as u32];
            groups.first = vec![0];
            return Ok(groups);
        }
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(fields)?;
        let encoded = converter.convert_columns(columns)?;
        let hasher = hashbrown::DefaultHashBuilder::default();
        let hash = |row: u32| std::hash::BuildHasher::hash_one(&hasher, encoded.row(row as usize).as_ref());
        let mut table: HashTable<u32> = HashTable::new();
        for row in 0..rows as u32 {
            let own = hash(row);
            let bytes = encoded.row(row as usize);
            let found = table.find(own, |group| encoded.row(groups.first[*group as usize] as usize) == bytes);
            let group = match found {
                Some(group) => *group,
                None => {
                    let group = groups.sizes.len() as u32;
                    groups.sizes.push(0);
                    groups.first.push(row);
                    let first = &groups.first;
                    table.insert_unique(own, group, |group| hash(first[*group as usize]));
                    group
                }
            };
            groups.sizes[group as usize] += 1;
            groups.of_row.push(group);
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringArray};

    use super::*;

    #[test]
    fn equal_rows_share_a_group() {
        let a: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), Some("y"), None, Some("x"), None]));
        let b: ArrayRef = Arc::new(Int32Array::from(vec![1, 1, 1, 1, 2]));
        let groups = Groups::new(&[a.clone(), b], 5).unwrap();
        assert_eq!(groups.of_row, [0, 1, 2, 0, 3]);
        assert_eq!(groups.sizes, [2, 1, 1, 1]);
        assert_eq!(groups.first, [0, 1, 2, 4]);
        assert_eq!(Groups::new(&[], 5).unwrap().sizes, [5]);
        assert!(matches!(Groups::new(&[a], 4), Err(MaskError::Rows { found: 5, expected: 4, .. })));
    }
}
