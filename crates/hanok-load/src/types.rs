//! The types a text column can have, and the set of types that fit everything seen so far.

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::{DataType, TimeUnit};

use crate::value;

/// The type of a column read from text (CSV, JSON lines).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// Signed integer of 8 bits; only from a table that has it.
    Int8,
    /// Signed integer of 16 bits; only from a table that has it.
    Int16,
    /// Signed integer of 32 bits.
    Int32,
    /// Signed integer of 64 bits.
    Int64,
    /// Floating point of 32 bits.
    Float32,
    /// Floating point of 64 bits.
    Float64,
    /// A day.
    Date,
    /// An instant in UTC, microseconds.
    Timestamp,
    /// UTF-8 text.
    String,
}

impl ColumnType {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Timestamp => timestamp_type(),
            Self::String => DataType::Utf8,
        }
    }

    /// The type that reads text into `data_type`, if there is one.
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 => Self::Int8,
            DataType::Int16 => Self::Int16,
            DataType::Int32 => Self::Int32,
            DataType::Int64 => Self::Int64,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => Self::Timestamp,
            DataType::Utf8 => Self::String,
            _ => return None,
        })
    }

    /// The name in source definitions and in the names of variant columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::String => "string",
        }
    }

    /// Whether every value of `self` is a value of `other` too.
    pub fn widens_to(self, other: Self) -> bool {
        use ColumnType::{Date, Float32, Float64, Int8, Int16, Int32, Int64, String, Timestamp};
        self == other
            || matches!(
                (self, other),
                (_, String)
                    | (Int8, Int16 | Int32 | Int64 | Float32 | Float64)
                    | (Int16, Int32 | Int64 | Float32 | Float64)
                    | (Int32, Int64 | Float64)
                    | (Float32, Float64)
                    | (Date, Timestamp)
            )
    }
}

/// The lake's only timestamp type.
pub(crate) fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A type's name is not known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a column type; known are bool, int8, int16, int32, int64, float32, float64, date, timestamp, string"
)]
pub struct ColumnTypeError(pub String);

impl FromStr for ColumnType {
    type Err = ColumnTypeError;

    fn from_str(text: &str) -> Result<Self, ColumnTypeError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "bool" | "boolean" => Self::Bool,
            "int8" | "tinyint" => Self::Int8,
            "int16" | "smallint" => Self::Int16,
            "int32" | "int" | "integer" => Self::Int32,
            "int64" | "bigint" => Self::Int64,
            "float32" | "float" => Self::Float32,
            "float64" | "double" => Self::Float64,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "string" | "text" => Self::String,
            _ => return Err(ColumnTypeError(text.to_owned())),
        })
    }
}

impl<'de> serde::Deserialize<'de> for ColumnType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a value looked like in its file, beyond its text. CSV knows no types, JSON does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// A CSV field: the text is all there is.
    Text,
    /// A JSON string: never a number.
    JsonString,
    /// A JSON number.
    JsonNumber,
    /// `true` or `false`.
    JsonBool,
    /// An object or an array, kept as its JSON text.
    JsonNested,
}

/// The inferred types that fit all values seen so far. Every value takes types away, none is ever added, so the
/// order of values, blocks and files does not matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Candidates {
    bits: u8,
    /// Whether there was any value.
    pub(crate) seen: bool,
}

const BOOL: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 4;
const DATE: u8 = 8;
const TIMESTAMP: u8 = 16;

impl Candidates {
    /// Before the first value.
    pub(crate) const NEW: Self = Self { bits: BOOL | INT | FLOAT | DATE | TIMESTAMP, seen: false };

    /// Takes away the types that do not fit `text`.
    #[inline]
    pub(crate) fn narrow(&mut self, text: &[u8], form: Form) {
        self.seen = true;
        let mut bits = self.bits
            & match form {
                Form::Text => u8::MAX,
                Form::JsonString => DATE | TIMESTAMP,
                Form::JsonNumber => INT | FLOAT,
                Form::JsonBool => BOOL,
                Form::JsonNested => 0,
            };
        if bits & (INT | FLOAT) != 0 {
            match value::int(text) {
                Some(int) if value::int_fits_float(int) => {}
                Some(_) => bits &= !FLOAT,
                None => {
                    bits &= !INT;
                    if bits & FLOAT != 0 && value::float(text).is_none() {
                        bits &= !FLOAT;
                    }
                }
            }
        }
        if bits & (DATE | TIMESTAMP) != 0 && value::date(text).is_none() {
            bits &= !DATE;
            if value::timestamp(text).is_none() {
                bits &= !TIMESTAMP;
            }
        }
        if bits & BOOL != 0 && value::boolean(text).is_none() {
            bits &= !BOOL;
        }
        self.bits = bits;
    }

    /// Both sets of values together.
    pub(crate) fn merge(&mut self, other: Self) {
        self.bits &= other.bits;
        self.seen |= other.seen;
    }

    /// What remains after integers of which some do not survive as floats.
    pub(crate) fn forbid_float(&mut self) {
        self.bits &= !FLOAT;
    }

    /// The narrowest type that fits everything; `None` before the first value.
    pub(crate) fn narrowest(self) -> Option<ColumnType> {
        self.seen.then_some(match self.bits {
            bits if bits & BOOL != 0 => ColumnType::Bool,
            bits if bits & INT != 0 => ColumnType::Int64,
            bits if bits & FLOAT != 0 => ColumnType::Float64,
            bits if bits & DATE != 0 => ColumnType::Date,
            bits if bits & TIMESTAMP != 0 => ColumnType::Timestamp,
            _ => ColumnType::String,
        })
    }
}

/// Whether a value of this form may be read as an inferred column of `kind`; declared types do not ask.
#[inline]
pub(crate) fn form_fits(form: Form, kind: ColumnType) -> bool {
    match form {
        Form::Text => true,
        Form::JsonString => matches!(kind, ColumnType::Date | ColumnType::Timestamp | ColumnType::String),
        Form::JsonNumber => matches!(kind, ColumnType::Int64 | ColumnType::Float64 | ColumnType::String),
        Form::JsonBool => matches!(kind, ColumnType::Bool | ColumnType::String),
        Form::JsonNested => kind == ColumnType::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn infer(values: &[&str]) -> Option<ColumnType> {
        let mut candidates = Candidates::NEW;
        for value in values {
            candidates.narrow(value.as_bytes(), Form::Text);
        }
        candidates.narrowest()
    }

    #[test]
    fn the_narrowest_type_that_loses_nothing() {
        use ColumnType::{Bool, Date, Float64, Int64, String, Timestamp};
        for (values, expected) in [
            (&["1", "2"][..], Some(Int64)),
            (&["1", "2.5"], Some(Float64)),
            (&["9007199254740993", "2.5"], Some(String)),
            (&["0517", "1200"], Some(String)),
            (&["true", "False"], Some(Bool)),
            (&["true", "1"], Some(String)),
            (&["2013-01-01", "2013-01-02"], Some(Date)),
            (&["2013-01-01", "2013-01-02T01:02:03Z"], Some(Timestamp)),
            (&["2013-01-01", "1"], Some(String)),
            (&["-0", "1"], Some(Float64)),
            (&[], None),
        ] {
            assert_eq!(infer(values), expected, "{values:?}");
        }
    }

    /// The rules once more, as slowly and plainly as they can be said.
    fn fits(kind: ColumnType, text: &str) -> bool {
        let bytes = text.as_bytes();
        match kind {
            ColumnType::Bool => value::boolean(bytes).is_some(),
            ColumnType::Int64 => text.parse::<i64>().is_ok_and(|value| value.to_string() == text),
            ColumnType::Float64 => match text.parse::<i64>() {
                Ok(value) if value.to_string() == text => value.unsigned_abs() <= 1 << 53,
                _ => value::float(bytes).is_some(),
            },
            ColumnType::Date => value::date(bytes).is_some(),
            ColumnType::Timestamp => value::timestamp(bytes).is_some(),
            _ => true,
        }
    }

    proptest! {
        #[test]
        fn inference_equals_trying_every_type_on_every_value(
            values in prop::collection::vec(
                "-?[0-9]{1,3}|0[0-9]{1,2}|[0-9]{15,20}|-?[0-9]{1,3}\\.[0-9]{1,3}|true|false|2013-0[1-9]-1[0-9]|2013-01-01T0[0-9]:00:00Z|[a-c]",
                0..4,
            )
        ) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let order = [
                ColumnType::Bool, ColumnType::Int64, ColumnType::Float64, ColumnType::Date, ColumnType::Timestamp,
                ColumnType::String,
            ];
            let oracle = order.into_iter().find(|&kind| values.iter().all(|value| fits(kind, value)));
            prop_assert_eq!(infer(&values), if values.is_empty() { None } else { oracle });
        }
    }
}
