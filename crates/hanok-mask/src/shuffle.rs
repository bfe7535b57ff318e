//! The values of a column in another order.
//!
//! A keyed cyclic permutation of the rows that are not null (source: S. Sattolo, "An algorithm to generate a random cyclic
//! permutation", 1986), repaired by swaps where a row got a value equal to its own. Where swaps do not do, because one
//! value has about half of the rows or more, rows are sorted by value and turned by the size of the largest group, which
//! leaves as few values in place as can be.

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take;

use crate::error::Result;
use crate::group::Groups;
use crate::key::{Key, Random, Stream};

/// Swaps tried for a row whose value did not change.
const TRIES: usize = 64;

/// Shuffles the whole column; nulls keep their rows.
pub(crate) fn shuffle(column: &ArrayRef, key: &Key) -> Result<ArrayRef> {
    let filled: Vec<u32> =
        (0..column.len()).filter(|row| column.is_valid(*row)).map(|row| row as u32).collect();
    let groups = Groups::new(std::slice::from_ref(column), column.len())?;
    let value = |row: u32| groups.of_row[row as usize];
    let mut stream = key.stream(&(column.len() as u64).to_le_bytes());
    let mut from = filled.clone();
    for at in (1..from.len()).rev() {
        from.swap(at, stream.below(at as u64) as usize);
    }
    if !repaired(&filled, &mut from, value, &mut stream) {
        from = turned(&filled, value, &mut stream);
    }
    let mut indices: Vec<u32> = (0..column.len() as u32).collect();
    for (row, source) in filled.iter().zip(from) {
        indices[*row as usize] = source;
    }
    Ok(take(column, &UInt32Array::from(indices), None)?)
}

/// Swaps until no row has a value equal to its own; false when some still have.
fn repaired(rows: &[u32], from: &mut [u32], value: impl Fn(u32) -> u32, stream: &mut Stream) -> bool {
    for at in 0..rows.len() {
        let mut tries = 0;
        while value(from[at]) == value(rows[at]) {
            if tries == TRIES {
                return false;
            }
            tries += 1;
            let other = stream.below(rows.len() as u64) as usize;
            if value(from[other]) != value(rows[at]) && value(from[at]) != value(rows[other]) {
                from.swap(at, other);
            }
        }
    }
    true
}

/// The row that each row's value comes from.
fn turned(rows: &[u32], value: impl Fn(u32) -> u32, stream: &mut Stream) -> Vec<u32> {
    let mut sorted: Vec<(u32, u64, u32)> =
        rows.iter().map(|row| (value(*row), stream.next_u64(), *row)).collect();
    sorted.sort_unstable();
    let largest = sorted.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).max().unwrap_or(0);
    let source = |at: usize| sorted[(at + largest) % sorted.len()].2;
    let mut pairs: Vec<(u32, u32)> = (0..sorted.len()).map(|at| (sorted[at].2, source(at))).collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(_, source)| source).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int32Array};
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    use super::*;

    fn shuffled(values: &[Option<i32>], seed: u8) -> Vec<Option<i32>> {
        let column: ArrayRef = Arc::new(Int32Array::from(values.to_vec()));
        let out = shuffle(&column, &Key::new([seed; 32])).unwrap();
        out.as_primitive::<Int32Type>().iter().collect()
    }

    #[test]
    fn short_columns_are_shuffled_as_far_as_they_can_be() {
        assert_eq!(shuffled(&[], 1), []);
        assert_eq!(shuffled(&[Some(1)], 1), [Some(1)]);
        assert_eq!(shuffled(&[Some(1), None, Some(2)], 1), [Some(2), None, Some(1)]);
        assert_eq!(shuffled(&[None, None], 1), [None, None]);
    }

    #[test]
    fn keys_make_different_orders() {
        let values: Vec<_> = (0..100).map(Some).collect();
        assert_ne!(shuffled(&values, 1), shuffled(&values, 2));
        assert_eq!(shuffled(&values, 1), shuffled(&values, 1));
    }

    proptest! {
        /// The multiset stays, nulls stay, and no more rows keep their value than must.
        #[test]
        fn values_leave_their_rows(values in prop::collection::vec(prop::option::weighted(0.9, 0..5i32), 0..60)) {
            let out = shuffled(&values, 7);
            let sorted = |values: &[Option<i32>]| {
                let mut values = values.to_vec();
                values.sort_unstable();
                values
            };
            prop_assert_eq!(sorted(&values), sorted(&out));
            prop_assert!(values.iter().zip(&out).all(|(a, b)| a.is_some() == b.is_some()));
            let filled = values.iter().flatten().count();
            let largest = (0..5).map(|v| values.iter().flatten().filter(|own| **own == v).count()).max().unwrap_or(0);
            let kept = values.iter().zip(&out).filter(|(a, b)| a.is_some() && a == b).count();
            prop_assert_eq!(kept, (2 * largest).saturating_sub(filled));
        }
    }
}
