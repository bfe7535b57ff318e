//! How columns are encoded in data files.
//!
//! The Parquet writer begins every column with a dictionary, gives it up when that grows beyond a megabyte, and then
//! compresses plain values. For columns of numbers that seldom repeat this is most of the work of writing and of
//! reading, and saves little or nothing. So the first batch of a file says what each column gets:
//!
//! - integers, dates and timestamps whose differences take fewer bits than entries of a dictionary would:
//!   `DELTA_BINARY_PACKED`, which nothing could compress further;
//! - other numbers that seldom repeat: plain values, compressed only if that makes them smaller;
//! - everything else: the writer's own way, a dictionary and Snappy.

use std::collections::HashSet;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::hash_utils::{RandomState, create_hashes};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// Fewer values say too little.
const SAMPLE_MIN: usize = 8 * 1024;
/// More would not say more.
pub(crate) const SAMPLE_MAX: usize = 32 * 1024;
/// Of 8,192 values drawn from a set, this share is distinct when the set has about 136,000: more than a dictionary page
/// of a megabyte holds of eight bytes each.
const DISTINCT_SHARE: f64 = 0.97;
/// Packed or compressed values must be smaller than this share of the plain ones to be worth unpacking at every read.
const SMALLER_SHARE: f64 = 0.85;
/// Values of a miniblock, which share a width, as the Parquet writer makes them.
const MINIBLOCK: usize = 64;
/// Miniblocks of a block, which share a smallest difference.
const BLOCK: usize = 4 * MINIBLOCK;

/// What a column gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Default,
    Delta,
    Plain { compressed: bool },
}

/// The properties of a Parquet file that begins with `first`, whose columns are those of the file.
pub fn writer_properties(first: &RecordBatch, row_group_rows_max: usize) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(row_group_rows_max))
        .set_created_by(concat!("hanok ", env!("CARGO_PKG_VERSION")).to_owned());
    for (field, column) in first.schema().fields().iter().zip(first.columns()) {
        let choice = choose(column);
        if choice == Choice::Default {
            continue;
        }
        // One part: a dot in the name of a column is a dot.
        let path = ColumnPath::new(vec![field.name().clone()]);
        properties = properties.set_column_dictionary_enabled(path.clone(), false);
        if choice == Choice::Delta {
            properties = properties.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if choice != (Choice::Plain { compressed: true }) {
            properties = properties.set_column_compression(path, Compression::UNCOMPRESSED);
        }
    }
    properties.build()
}

fn choose(column: &ArrayRef) -> Choice {
    let column = column.slice(0, column.len().min(SAMPLE_MAX));
    let values = column.len() - column.null_count();
    if values < SAMPLE_MIN || column.data_type().is_nested() {
        return Choice::Default;
    }
    // A type that cannot be hashed keeps the writer's own way.
    let Some(distinct) = distinct_values(&column) else { return Choice::Default };
    let share = distinct as f64 / values as f64;
    if let Some((bits, plain_bits)) = difference_bits(&column) {
        // Positions in a dictionary, and its entries. A whole row group may share entries more widely than the sample.
        let dictionary_bits = (distinct.max(2) as f64).log2() + share * plain_bits;
        if bits < dictionary_bits.min(plain_bits * SMALLER_SHARE) {
            return Choice::Delta;
        }
    }
    if share < DISTINCT_SHARE {
        return Choice::Default;
    }
    Choice::Plain { compressed: compresses(&column) }
}

/// Distinct values, nulls not counted.
fn distinct_values(column: &ArrayRef) -> Option<usize> {
    let mut hashes = vec![0; column.len()];
    create_hashes([column], &RandomState::default(), &mut hashes).ok()?;
    let valid = (0..column.len()).filter(|&row| column.is_valid(row));
    Some(valid.map(|row| hashes[row]).collect::<HashSet<u64>>().len())
}

/// Bits a value that `DELTA_BINARY_PACKED` takes, and that plain values take; `None` for what is not stored as integers.
fn difference_bits(column: &ArrayRef) -> Option<(f64, f64)> {
    let plain_bits = match column.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Date32 => 32.0,
        DataType::Int64 | DataType::Timestamp(..) => 64.0,
        _ => return None,
    };
    let integers = match column.data_type() {
        DataType::Date32 => cast(column, &DataType::Int32).ok()?,
        _ => column.clone(),
    };
    let integers = cast(&integers, &DataType::Int64).ok()?;
    let values: Vec<i64> = integers.as_primitive::<Int64Type>().iter().flatten().collect();
    let differences: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let mut bits = 0;
    for block in differences.chunks(BLOCK) {
        let smallest = block.iter().min().copied().unwrap_or_default();
        for miniblock in block.chunks(MINIBLOCK) {
            let largest = miniblock.iter().max().copied().unwrap_or_default();
            bits += miniblock.len() * (64 - largest.wrapping_sub(smallest).leading_zeros()) as usize;
        }
    }
    Some((bits as f64 / values.len() as f64, plain_bits))
}

/// Whether Snappy makes the values, as they are in memory, worth less space.
fn compresses(column: &ArrayRef) -> bool {
    let data = column.to_data();
    let Some(width) = column.data_type().primitive_width() else { return true };
    let Some(bytes) = data.buffers().first().and_then(|buffer| {
        let from = data.offset() * width;
        buffer.as_slice().get(from..from + data.len() * width)
    }) else {
        return true;
    };
    let compressed = snap::raw::Encoder::new().compress_vec(bytes);
    compressed.is_ok_and(|compressed| (compressed.len() as f64) < bytes.len() as f64 * SMALLER_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    /// The same numbers every time, without a pattern (splitmix64).
    fn scattered(below: u64) -> impl Iterator<Item = u64> {
        (1_u64..=10_000).map(move |at| {
            let mut mixed = at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ mixed >> 31) % below
        })
    }

    #[test]
    fn every_kind_of_column_gets_what_suits_it() {
        let noise = scattered(1 << 53).map(|bits| bits as f64 / (1_u64 << 53) as f64);
        // Nulls do not count as repetitions, but they leave too few values.
        let sparse: Float64Array = (0..10_000).map(|row| (row % 2 == 0).then_some(f64::from(row))).collect();
        let cases: Vec<(&str, ArrayRef, Choice)> = vec![
            ("a number for each row", Arc::new(Int64Array::from_iter_values(0..10_000)), Choice::Delta),
            (
                "keys in no order",
                Arc::new(Int64Array::from_iter_values(scattered(9_000).map(|key| key as i64))),
                Choice::Delta,
            ),
            (
                "times of arrival",
                Arc::new(TimestampMicrosecondArray::from_iter_values((0..10_000).map(|at| at * 999_983))),
                Choice::Delta,
            ),
            (
                "hashes",
                Arc::new(Int64Array::from_iter_values(scattered(u64::MAX).map(|hash| hash as i64))),
                Choice::Plain { compressed: false },
            ),
            ("noise", Arc::new(Float64Array::from_iter_values(noise)), Choice::Plain { compressed: false }),
            (
                "whole numbers",
                Arc::new(Float64Array::from_iter_values((0..10_000).map(f64::from))),
                Choice::Plain { compressed: true },
            ),
            (
                "few numbers",
                Arc::new(Int64Array::from_iter_values((0..10_000).map(|row| row * row % 7))),
                Choice::Default,
            ),
            (
                "few large numbers",
                Arc::new(Int64Array::from_iter_values(scattered(7).map(|at| 1 << (8 * at)))),
                Choice::Default,
            ),
            ("sparse", Arc::new(sparse), Choice::Default),
            (
                "texts that repeat",
                Arc::new(StringArray::from_iter_values((0..10_000).map(|row| (row % 5_000).to_string()))),
                Choice::Default,
            ),
        ];
        for (name, column, expected) in cases {
            assert_eq!(choose(&column), expected, "{name}");
            assert_eq!(choose(&column.slice(0, 100)), Choice::Default, "{name}, too few of them");
        }
    }

    #[test]
    fn a_choice_becomes_properties_of_the_column() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
        let noise = scattered(1 << 53).map(|bits| bits as f64 / (1_u64 << 53) as f64);
        let noise: ArrayRef = Arc::new(Float64Array::from_iter_values(noise));
        let batch = RecordBatch::try_from_iter([("a.b", numbers), ("noise", noise)]).unwrap();
        let properties = writer_properties(&batch, 1024);
        let column = |name: &str| {
            let path = ColumnPath::new(vec![name.to_owned()]);
            (properties.dictionary_enabled(&path), properties.encoding(&path), properties.compression(&path))
        };
        let packed = Some(Encoding::DELTA_BINARY_PACKED);
        assert_eq!(column("a.b"), (false, packed, Compression::UNCOMPRESSED));
        assert_eq!(column("noise"), (false, None, Compression::UNCOMPRESSED));
        assert_eq!(column("other"), (true, None, Compression::SNAPPY));
    }
}
