//! The types a feature or a join key can have, after Feast's `ValueType`.

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::{DataType, TimeUnit};
use hanok_error::{Code, Coded, code};

/// The type of a feature or of a join key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ValueType {
    /// `true` or `false`.
    Bool,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 32-bit floating point.
    Float32,
    /// 64-bit floating point.
    Float64,
    /// UTF-8 text.
    String,
    /// Bytes.
    Bytes,
    /// An instant in UTC, microseconds since 1970-01-01.
    Timestamp,
}

/// A type's name or an Arrow type has no [`ValueType`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a feature type; known are bool, int32, int64, float32, float64, string, bytes, timestamp"
)]
pub struct ValueTypeError(pub String);

impl Coded for ValueTypeError {
    fn code(&self) -> Code {
        code::PROJECT_INVALID
    }
}

impl ValueType {
    /// The Arrow type in which training sets carry it.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::String => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The type that stores `data_type` without loss.
    pub fn from_arrow(data_type: &DataType) -> Result<Self, ValueTypeError> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
                Self::Int32
            }
            DataType::Int64 | DataType::UInt32 => Self::Int64,
            DataType::Float16 | DataType::Float32 => Self::Float32,
            DataType::Float64 | DataType::Decimal128(..) => Self::Float64,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Bytes,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Self::Timestamp,
            DataType::Dictionary(_, values) => Self::from_arrow(values)?,
            other => return Err(ValueTypeError(other.to_string())),
        })
    }

    /// The name in feature definitions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ValueType {
    type Err = ValueTypeError;

    /// Accepts Feast's spellings too, in any case: `Int64`, `UnixTimestamp`.
    fn from_str(text: &str) -> Result<Self, ValueTypeError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "bool" | "boolean" => Self::Bool,
            "int32" | "int" => Self::Int32,
            "int64" | "bigint" => Self::Int64,
            "float32" | "float" => Self::Float32,
            "float64" | "double" => Self::Float64,
            "string" | "text" => Self::String,
            "bytes" => Self::Bytes,
            "timestamp" | "unixtimestamp" | "unix_timestamp" => Self::Timestamp,
            _ => return Err(ValueTypeError(text.to_owned())),
        })
    }
}

impl serde::Serialize for ValueType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for ValueType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
