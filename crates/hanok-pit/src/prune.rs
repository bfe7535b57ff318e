//! Row groups that cannot matter, told from their statistics.

use arrow::datatypes::{DataType, TimeUnit};
use parquet::basic::LogicalType;
use parquet::file::statistics::Statistics;

use crate::files::OpenFile;
use crate::index::Window;
use crate::keys::{KeyKind, Keys};

/// Smallest and largest key of the entity side, for one key column.
#[derive(Clone, Debug)]
pub(crate) enum KeyRange {
    /// Integers.
    Words(i64, i64),
    /// Text or bytes, compared byte by byte.
    Bytes(Vec<u8>, Vec<u8>),
}

impl KeyRange {
    /// The range of a key column; `None` when statistics are of no use for its kind.
    pub(crate) fn of(keys: &Keys, kind: KeyKind) -> Option<Self> {
        match (kind, keys) {
            (_, Keys::Dictionary { values, .. }) => Self::of(values, kind),
            (KeyKind::Int, Keys::Words(words)) => {
                Some(Self::Words(arrow::compute::min(words)?, arrow::compute::max(words)?))
            }
            (KeyKind::Text | KeyKind::Bytes, Keys::Bytes(bytes)) => {
                let valid = || bytes.iter().flatten();
                Some(Self::Bytes(valid().min()?.to_vec(), valid().max()?.to_vec()))
            }
            _ => None,
        }
    }
}

/// Whether any row of the row group can have its event timestamp in the window.
pub(crate) fn time_matters(file: &OpenFile, row_group: usize, column: usize, window: Window) -> bool {
    let Some(leaf) = file.leaf(column) else { return true };
    let unit = match file.schema.field(column).data_type() {
        DataType::Timestamp(unit, _) => *unit,
        _ => return true,
    };
    let chunk = file.metadata.row_group(row_group).column(leaf);
    if !matches!(chunk.column_descr().logical_type_ref(), Some(LogicalType::Timestamp { .. })) {
        return true;
    }
    let Some(Statistics::Int64(statistics)) = chunk.statistics() else { return true };
    let (Some(min), Some(max)) = (statistics.min_opt(), statistics.max_opt()) else { return true };
    let us = |value: i64| match unit {
        TimeUnit::Second => value.saturating_mul(1_000_000),
        TimeUnit::Millisecond => value.saturating_mul(1_000),
        TimeUnit::Microsecond => value,
        TimeUnit::Nanosecond => value.div_euclid(1_000),
    };
    us(*max) >= window.first && us(*min) <= window.last
}

/// Whether any row of the row group can have a key within the range.
pub(crate) fn key_matters(file: &OpenFile, row_group: usize, column: usize, range: &KeyRange) -> bool {
    let Some(leaf) = file.leaf(column) else { return true };
    let chunk = file.metadata.row_group(row_group).column(leaf);
    let signed = matches!(
        file.schema.field(column).data_type(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64
    );
    // The deprecated fields were written with bytes taken as signed.
    let trusted = chunk.statistics().filter(|statistics| !statistics.is_min_max_deprecated());
    match (range, trusted) {
        (KeyRange::Words(first, last), Some(Statistics::Int64(own))) if signed => {
            own.min_opt().is_none_or(|min| min <= last) && own.max_opt().is_none_or(|max| max >= first)
        }
        (KeyRange::Words(first, last), Some(Statistics::Int32(own))) if signed => {
            own.min_opt().is_none_or(|min| i64::from(*min) <= *last)
                && own.max_opt().is_none_or(|max| i64::from(*max) >= *first)
        }
        // Bounds of bytes may be cut short, but stay bounds.
        (KeyRange::Bytes(first, last), Some(Statistics::ByteArray(own))) => {
            own.min_opt().is_none_or(|min| min.data() <= last.as_slice())
                && own.max_opt().is_none_or(|max| max.data() >= first.as_slice())
        }
        _ => true,
    }
}
