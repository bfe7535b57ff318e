//! Join keys of any accepted type in two canonical forms, so that `int32` meets `int64` and every kind of text meets
//! every other.

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, Int64Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, UInt64Type};

use crate::error::{PitError, Result, convert};
use crate::hash::Seed;

/// How two key columns are compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum KeyKind {
    /// Integers, as `i64`; an unsigned value beyond it equals nothing.
    Int,
    /// Unsigned 64-bit integers on both sides.
    UInt,
    /// Booleans.
    Bool,
    /// Instants, in the finer unit of the two sides; what overflows it equals nothing on the other side.
    Time(TimeUnit),
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A column without a type: all null.
    Null,
}

impl KeyKind {
    fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => Self::Int,
            DataType::UInt64 => Self::UInt,
            DataType::Boolean => Self::Bool,
            DataType::Timestamp(unit, _) => Self::Time(*unit),
            DataType::Date32 => Self::Time(TimeUnit::Second),
            DataType::Date64 => Self::Time(TimeUnit::Millisecond),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Null => Self::Null,
            DataType::Dictionary(_, values) => Self::of(values)?,
            _ => return None,
        })
    }

    /// How columns of these types are compared; `None` when they never can be.
    pub(crate) fn common(entity: &DataType, feature: &DataType) -> Option<Self> {
        let finer = |a, b| if per_second(a) >= per_second(b) { a } else { b };
        match (Self::of(entity)?, Self::of(feature)?) {
            (Self::Time(a), Self::Time(b)) => Some(Self::Time(finer(a, b))),
            (Self::Int | Self::UInt, Self::Int | Self::UInt) => {
                let both = DataType::UInt64;
                let unsigned = plain(entity) == &both && plain(feature) == &both;
                Some(if unsigned { Self::UInt } else { Self::Int })
            }
            (Self::Null, kind) | (kind, Self::Null) => Some(kind),
            (a, b) => (a == b).then_some(a),
        }
    }

    /// The kind that compares columns of both kinds, for files of one source whose types differ.
    pub(crate) fn widen(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Time(a), Self::Time(b)) => {
                Some(Self::Time(if per_second(a) >= per_second(b) { a } else { b }))
            }
            (Self::Int, Self::UInt) | (Self::UInt, Self::Int) => Some(Self::Int),
            (Self::Null, kind) | (kind, Self::Null) => Some(kind),
            (a, b) => (a == b).then_some(a),
        }
    }

    /// Whether a column of this type can be a key at all.
    pub(crate) fn accepts(data_type: &DataType) -> bool {
        Self::of(data_type).is_some()
    }
}

fn plain(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        other => other,
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// A key column in canonical form; null where it is null or cannot equal anything.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// Everything of fixed width.
    Words(Int64Array),
    /// Text and bytes.
    Bytes(BinaryViewArray),
    /// A dictionary: each row's entry, and the entries.
    Dictionary { entries: Vec<usize>, nulls: Option<NullBuffer>, values: Box<Keys> },
}

impl Keys {
    /// Converts a column to the canonical form of `kind`.
    pub(crate) fn new(array: &ArrayRef, kind: KeyKind, column: &str) -> Result<Self> {
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            let values = Self::new(dictionary.values(), kind, column)?;
            if values.len() == 0 {
                return Ok(Self::Words(Int64Array::new_null(array.len())));
            }
            return Ok(Self::Dictionary {
                entries: dictionary.normalized_keys(),
                nulls: dictionary.nulls().cloned(),
                values: Box::new(values),
            });
        }
        let safe = CastOptions { safe: true, ..CastOptions::default() };
        let cast =
            |array: &ArrayRef, to: &DataType| cast_with_options(array, to, &safe).map_err(convert(column));
        let words = |array: &ArrayRef| -> Result<Self> {
            Ok(Self::Words(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone()))
        };
        match (kind, array.data_type()) {
            (_, DataType::Null) => Ok(Self::Words(Int64Array::new_null(array.len()))),
            (KeyKind::Int | KeyKind::Bool, _) => words(array),
            (KeyKind::UInt, _) => {
                let unsigned = array.as_primitive::<UInt64Type>();
                Ok(Self::Words(unsigned.unary::<_, Int64Type>(|value| value as i64)))
            }
            (KeyKind::Time(to), data_type) => {
                let (raw, from) = match data_type {
                    DataType::Date32 => {
                        let days = cast(array, &DataType::Int32)?;
                        return match words(&days)? {
                            Self::Words(days) => Ok(Self::Words(scale(&days, 86_400 * per_second(to)))),
                            other => Ok(other),
                        };
                    }
                    DataType::Date64 => (cast(array, &DataType::Int64)?, TimeUnit::Millisecond),
                    DataType::Timestamp(unit, _) => (cast(array, &DataType::Int64)?, *unit),
                    other => return Err(unsupported(column, other)),
                };
                let raw = raw.as_primitive::<Int64Type>();
                Ok(Self::Words(scale(raw, per_second(to) / per_second(from))))
            }
            (KeyKind::Text | KeyKind::Bytes, data_type) => {
                let from = match data_type {
                    DataType::Utf8 | DataType::LargeUtf8 => cast(array, &DataType::Utf8View)?,
                    DataType::FixedSizeBinary(_) => cast(array, &DataType::Binary)?,
                    _ => array.clone(),
                };
                let view = match from.data_type() {
                    DataType::Utf8View => from.as_string_view().clone().to_binary_view(),
                    _ => cast(&from, &DataType::BinaryView)?.as_binary_view().clone(),
                };
                Ok(Self::Bytes(view))
            }
            (KeyKind::Null, other) => Err(unsupported(column, other)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Dictionary { entries, .. } => entries.len(),
        }
    }

    /// Whether the values are text or bytes.
    pub(crate) fn is_bytes(&self) -> bool {
        match self {
            Self::Words(_) => false,
            Self::Bytes(_) => true,
            Self::Dictionary { values, .. } => values.is_bytes(),
        }
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Words(words) => words.is_null(row),
            Self::Bytes(bytes) => bytes.is_null(row),
            Self::Dictionary { entries, nulls, values } => {
                nulls.as_ref().is_some_and(|n| n.is_null(row)) || values.is_null(entries[row])
            }
        }
    }

    /// Mixes the value at a non-null row into a hash.
    pub(crate) fn hash(&self, row: usize, seed: Seed, hash: u64) -> u64 {
        match self {
            Self::Words(words) => seed.word(hash ^ words.value(row) as u64),
            Self::Bytes(bytes) => seed.word(hash ^ seed.bytes(bytes.value(row))),
            Self::Dictionary { entries, values, .. } => values.hash(entries[row], seed, hash),
        }
    }
}

fn scale(values: &Int64Array, factor: i64) -> Int64Array {
    if factor == 1 {
        return values.clone();
    }
    values.unary_opt::<_, Int64Type>(|value| value.checked_mul(factor))
}

fn unsupported(column: &str, data_type: &DataType) -> PitError {
    PitError::UnsupportedType {
        column: column.to_owned(),
        place: "the entity rows or the feature source".to_owned(),
        data_type: Box::new(data_type.clone()),
        role: "a join key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_meet_only_where_values_can_be_equal() {
        let int = KeyKind::common(&DataType::Int32, &DataType::Int64);
        assert_eq!(int, Some(KeyKind::Int));
        assert_eq!(KeyKind::common(&DataType::UInt64, &DataType::Int8), Some(KeyKind::Int));
        assert_eq!(KeyKind::common(&DataType::UInt64, &DataType::UInt64), Some(KeyKind::UInt));
        let text = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        assert_eq!(KeyKind::common(&text, &DataType::LargeUtf8), Some(KeyKind::Text));
        assert_eq!(KeyKind::common(&DataType::Utf8, &DataType::Int64), None);
        assert_eq!(KeyKind::common(&DataType::Utf8, &DataType::Binary), None);
        let day = KeyKind::common(&DataType::Date32, &DataType::Timestamp(TimeUnit::Nanosecond, None));
        assert_eq!(day, Some(KeyKind::Time(TimeUnit::Nanosecond)));
        assert_eq!(KeyKind::common(&DataType::Float64, &DataType::Float64), None);
    }
}
