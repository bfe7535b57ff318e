//! Arrow columns as the store's values.

use arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::FormatOptions;
use hanok_types::ValueType;

use crate::row::StoredValue;
use crate::write::WriteError;

/// One column with its values at hand.
pub(crate) enum Column {
    Bool(BooleanArray),
    Int32(PrimitiveArray<Int32Type>),
    Int64(PrimitiveArray<Int64Type>),
    Float32(PrimitiveArray<Float32Type>),
    Float64(PrimitiveArray<Float64Type>),
    String(StringArray),
    Bytes(BinaryArray),
    Timestamp(PrimitiveArray<TimestampMicrosecondType>),
}

impl Column {
    /// The column `name` of `batch` as `value_type`, converted when that loses nothing.
    pub(crate) fn take(
        view: &str,
        batch: &RecordBatch,
        name: &str,
        value_type: ValueType,
    ) -> Result<Self, WriteError> {
        let missing = || WriteError::ColumnMissing { view: view.to_owned(), column: name.to_owned() };
        let array = batch.column_by_name(name).ok_or_else(missing)?;
        let mistyped = |reason: Option<arrow::error::ArrowError>| WriteError::ColumnType {
            view: view.to_owned(),
            column: name.to_owned(),
            found: array.data_type().to_string(),
            expected: value_type,
            reason,
        };
        let wanted = value_type.arrow();
        let array = if *array.data_type() == wanted {
            ArrayRef::clone(array)
        } else if convertible(array.data_type(), value_type) {
            let options = CastOptions { safe: false, format_options: FormatOptions::default() };
            cast_with_options(array, &wanted, &options).map_err(|error| mistyped(Some(error)))?
        } else {
            return Err(mistyped(None));
        };
        let column = match value_type {
            ValueType::Bool => array.as_boolean_opt().cloned().map(Self::Bool),
            ValueType::Int32 => array.as_primitive_opt().cloned().map(Self::Int32),
            ValueType::Int64 => array.as_primitive_opt().cloned().map(Self::Int64),
            ValueType::Float32 => array.as_primitive_opt().cloned().map(Self::Float32),
            ValueType::Float64 => array.as_primitive_opt().cloned().map(Self::Float64),
            ValueType::String => array.as_string_opt().cloned().map(Self::String),
            ValueType::Bytes => array.as_binary_opt().cloned().map(Self::Bytes),
            ValueType::Timestamp => array.as_primitive_opt().cloned().map(Self::Timestamp),
        };
        column.ok_or_else(|| mistyped(None))
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bool(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::Float32(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row),
            Self::String(array) => array.is_null(row),
            Self::Bytes(array) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
        }
    }

    /// The value of a row as the store holds it.
    pub(crate) fn value(&self, row: usize) -> Option<StoredValue<'_>> {
        if self.is_null(row) {
            return None;
        }
        Some(match self {
            Self::Bool(array) => StoredValue::Word(u64::from(array.value(row))),
            Self::Int32(array) => StoredValue::Word(i64::from(array.value(row)) as u64),
            Self::Int64(array) => StoredValue::Word(array.value(row) as u64),
            Self::Float32(array) => StoredValue::Word(u64::from(array.value(row).to_bits())),
            Self::Float64(array) => StoredValue::Word(array.value(row).to_bits()),
            Self::String(array) => StoredValue::Bytes(array.value(row).as_bytes()),
            Self::Bytes(array) => StoredValue::Bytes(array.value(row)),
            Self::Timestamp(array) => StoredValue::Word(array.value(row) as u64),
        })
    }
}

/// Whether a cast means the same value and fails when it cannot be kept: no parsing, no text from numbers, no
/// truth from integers.
fn convertible(from: &DataType, to: ValueType) -> bool {
    let Ok(from) = ValueType::from_arrow(from) else {
        return matches!(from, DataType::UInt64) && matches!(to, ValueType::Int32 | ValueType::Int64)
            || matches!(from, DataType::Null);
    };
    let integer = |value_type| matches!(value_type, ValueType::Int32 | ValueType::Int64);
    let float = |value_type| matches!(value_type, ValueType::Float32 | ValueType::Float64);
    from == to || (integer(from) && (integer(to) || float(to))) || (float(from) && float(to))
}
