//! Arrow columns as numbers and texts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use serde::Serialize;

use crate::error::CompareError;
use crate::numeric::Sample;
use crate::sort::{key, sorted};

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Integers, floats, decimals, durations: by value. Integers beyond 2⁵³ are rounded.
    Numbers,
    /// Dates and times of day or of the world: by their hours and days of the week, because windows always differ in time itself.
    Times,
    /// As two categories.
    Booleans,
    /// As categories, or by length, pattern and tokens when there are too many.
    Texts,
    /// By length and elements.
    Lists,
    /// A column without values or of nulls only.
    Nothing,
}

impl Kind {
    /// The kind of a type; `None` for one without statistics.
    pub fn of(data_type: &DataType) -> Option<Kind> {
        Some(match data_type {
            DataType::Null => Kind::Nothing,
            DataType::Boolean => Kind::Booleans,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Texts,
            DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_) => Kind::Times,
            DataType::Duration(_) => Kind::Numbers,
            kind if kind.is_numeric() => Kind::Numbers,
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Kind::Lists,
            DataType::Dictionary(_, values) => return Kind::of(values),
            DataType::RunEndEncoded(_, values) => return Kind::of(values.data_type()),
            _ => return None,
        })
    }
}

/// A column's numbers, sorted. NaN counts as missing.
pub(crate) fn sample(chunks: &[ArrayRef], scratch: &mut Vec<u64>) -> Result<Sample, CompareError> {
    let rows = chunks.iter().map(|chunk| chunk.len()).sum();
    let mut keys = Vec::with_capacity(rows);
    for chunk in chunks {
        let numbers = numbers(chunk)?;
        match numbers.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => {
                keys.extend(numbers.values().iter().filter(|value| !value.is_nan()).map(|value| key(*value)));
            }
            Some(_) => keys.extend(numbers.iter().flatten().filter(|value| !value.is_nan()).map(key)),
        }
    }
    let missing = rows - keys.len();
    Ok(Sample { sorted: sorted(keys, scratch), missing })
}

/// As floats; times and durations in seconds since their beginning.
pub(crate) fn numbers(chunk: &ArrayRef) -> Result<Float64Array, CompareError> {
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 1.0,
        TimeUnit::Millisecond => 1e3,
        TimeUnit::Microsecond => 1e6,
        TimeUnit::Nanosecond => 1e9,
    };
    let (whole, per_second) = match chunk.data_type() {
        DataType::Timestamp(unit_of, _) | DataType::Duration(unit_of) | DataType::Time64(unit_of) => {
            (Some(DataType::Int64), unit(unit_of))
        }
        DataType::Time32(unit_of) => (Some(DataType::Int32), unit(unit_of)),
        DataType::Date32 => (Some(DataType::Int32), 1.0 / 86_400.0),
        DataType::Date64 => (Some(DataType::Int64), 1e3),
        _ => (None, 1.0),
    };
    let chunk = whole.map_or_else(|| Ok(Arc::clone(chunk)), |whole| cast(chunk, &whole))?;
    let floats = cast(&chunk, &DataType::Float64)?;
    let floats = floats.as_primitive::<Float64Type>();
    Ok(if per_second == 1.0 { floats.clone() } else { floats.unary(|value| value / per_second) })
}

/// As lists; `None` of what has none.
pub(crate) fn lists(chunk: &ArrayRef) -> Result<Option<ListArray>, CompareError> {
    match chunk.data_type() {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            Ok(Some(cast(chunk, &DataType::List(field.clone()))?.as_list().clone()))
        }
        _ => Ok(None),
    }
}

/// As texts.
pub(crate) fn texts(chunks: &[ArrayRef]) -> Result<Vec<StringViewArray>, CompareError> {
    chunks.iter().map(|chunk| Ok(cast(chunk, &DataType::Utf8View)?.as_string_view().clone())).collect()
}

/// How often a boolean column is false and true.
pub(crate) fn booleans(chunks: &[ArrayRef]) -> Result<[u64; 2], CompareError> {
    let mut counts = [0, 0];
    for chunk in chunks {
        let chunk: BooleanArray = cast(chunk, &DataType::Boolean)?.as_boolean().clone();
        counts[0] += chunk.false_count() as u64;
        counts[1] += chunk.true_count() as u64;
    }
    Ok(counts)
}

/// Rows, and how many of them are missing: null, or NaN when the column has numbers.
pub(crate) fn missing(chunks: &[ArrayRef]) -> (u64, u64) {
    chunks.iter().fold((0, 0), |(rows, missing), chunk| {
        (rows + chunk.len() as u64, missing + chunk.logical_null_count() as u64)
    })
}
