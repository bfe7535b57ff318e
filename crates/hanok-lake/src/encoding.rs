//! How columns are encoded in data files.
//!
//! The Parquet writer begins every column with a dictionary and gives it up when it grows beyond a megabyte. By then it
//! has looked up each value, which is a third of all encoding when most columns hold numbers that seldom repeat. So the
//! first batch of a file says which columns get none.

use std::collections::HashSet;

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use datafusion::common::hash_utils::{RandomState, create_hashes};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// Fewer values say too little.
const SAMPLE_MIN: usize = 8 * 1024;
/// More would not say more.
const SAMPLE_MAX: usize = 32 * 1024;
/// Of 8,192 values drawn from a set, this share is distinct when the set has about 136,000: more than a dictionary page
/// of a megabyte holds of eight bytes each.
const DISTINCT_SHARE: f64 = 0.97;

/// The properties of a Parquet file that begins with `first`.
pub fn writer_properties(first: &RecordBatch, row_group_rows_max: usize) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(row_group_rows_max))
        .set_created_by(concat!("hanok ", env!("CARGO_PKG_VERSION")).to_owned());
    for (field, column) in first.schema().fields().iter().zip(first.columns()) {
        if !field.data_type().is_nested() && seldom_repeats(column) {
            // One part: a dot in the name of a column is a dot.
            let path = ColumnPath::new(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    properties.build()
}

fn seldom_repeats(column: &ArrayRef) -> bool {
    let column = column.slice(0, column.len().min(SAMPLE_MAX));
    let values = column.len() - column.null_count();
    if values < SAMPLE_MIN {
        return false;
    }
    let mut hashes = vec![0; column.len()];
    // A type that cannot be hashed keeps the writer's own way.
    if create_hashes([&column], &RandomState::default(), &mut hashes).is_err() {
        return false;
    }
    let valid = (0..column.len()).filter(|&row| column.is_valid(row));
    let distinct: HashSet<u64> = valid.map(|row| hashes[row]).collect();
    distinct.len() as f64 >= values as f64 * DISTINCT_SHARE
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn only_columns_of_seldom_repeated_values_go_without_a_dictionary() {
        let rows = 10_000_i64;
        let distinct: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        // Nulls do not count as repetitions, but they leave too few values.
        let sparse: Float64Array = (0..rows).map(|row| (row % 2 == 0).then_some(row as f64)).collect();
        let sparse: ArrayRef = Arc::new(sparse);
        let repeated: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..rows).map(|row| (row % 5_000).to_string())));
        let names = ["a.b", "sparse", "repeated"];
        let batch = RecordBatch::try_from_iter(names.into_iter().zip([distinct, sparse, repeated])).unwrap();
        let enabled = |batch: &RecordBatch| {
            let properties = writer_properties(batch, 1024);
            names.map(|name| properties.dictionary_enabled(&ColumnPath::new(vec![name.to_owned()])))
        };
        assert_eq!(enabled(&batch), [false, true, true]);
        assert_eq!(enabled(&batch.slice(0, 100)), [true, true, true]);
    }
}
