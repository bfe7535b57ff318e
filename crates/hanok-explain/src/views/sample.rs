//! Some rows of a file that are spread over all of it.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};

use super::ViewError;
use crate::explanation::Explanation;

/// At most `rows_max` rows with these columns, in the order of the file: all of them, or one of each of as many equal
/// parts of the file, at a place in it that looks random and is the same every time. An even stride would fall in step
/// with rows that repeat.
pub fn sample(
    explanation: &Explanation,
    columns: &[&str],
    rows_max: usize,
) -> Result<RecordBatch, ViewError> {
    let rows = explanation.metadata().rows;
    let parts = rows.min(rows_max as u64);
    let mut chosen = (0..parts).map(|part| place(part, parts, rows)).peekable();
    let (mut kept, mut begin) = (Vec::new(), 0);
    let mut schema = None;
    for batch in explanation.batches(columns)? {
        let batch = batch?;
        let end = begin + batch.num_rows() as u64;
        let mut indices = Vec::new();
        while let Some(row) = chosen.next_if(|row| *row < end) {
            indices.push((row - begin) as u32);
        }
        schema.get_or_insert_with(|| batch.schema());
        kept.push(take_record_batch(&batch, &UInt32Array::from(indices))?);
        begin = end;
    }
    match schema {
        Some(schema) => Ok(concat_batches(&schema, &kept)?),
        None => Err(ViewError::Request("the explanation has no rows".to_owned())),
    }
}

/// The row that stands for a part of `rows` rows in `parts` parts.
fn place(part: u64, parts: u64, rows: u64) -> u64 {
    let bound = |part: u64| (u128::from(part) * u128::from(rows) / u128::from(parts)) as u64;
    let (from, to) = (bound(part), bound(part + 1));
    from + mixed(part) % (to - from).max(1)
}

/// The mixing function of SplitMix64 (Steele, Lea and Flood 2014).
pub(super) fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_met_once_each() {
        for (parts, rows) in [(1, 1), (3, 3), (7, 1000), (999, 1000), (10_000, u64::MAX)] {
            let mut before = None;
            for part in 0..parts {
                let place = place(part, parts, rows);
                assert!(
                    place < rows && before.is_none_or(|before| before < place),
                    "{part} of {parts}: {place}"
                );
                before = Some(place);
            }
        }
        let places: Vec<u64> = (0..100).map(|part| place(part, 100, 10_000) % 100).collect();
        let low = places.iter().filter(|place| **place < 50).count();
        assert!((30..70).contains(&low), "{low}");
    }
}
