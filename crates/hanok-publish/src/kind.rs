//! The types that databases have, and which of them holds which Arrow type.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};

/// Fractions of decimals that fit a 64-bit float exactly enough to be read back digit by digit.
const EXACT_DIGITS: u8 = 15;

/// A column's type in the terms of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    /// A moment, in UTC.
    TimestampUtc,
    Duration,
    /// Lists, structs and maps.
    Json,
}

impl Kind {
    /// The kind that holds every value of a type, or none: intervals of months, unions, negative scales.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::UInt8 => Self::Int16,
            DataType::Int32 | DataType::UInt16 => Self::Int32,
            DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Self::Int64,
            DataType::Float16 | DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale) => {
                Self::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Self::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::TimestampUtc,
            DataType::Duration(_) => Self::Duration,
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                Self::of(item.data_type()).map(|_| Self::Json)?
            }
            DataType::Struct(fields) => {
                let all = fields.iter().all(|field| Self::of(field.data_type()).is_some());
                all.then_some(Self::Json)?
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => {
                    let key = Self::of(pair[0].data_type())?;
                    Self::of(pair[1].data_type())?;
                    (key == Self::Text || key.is_integer()).then_some(Self::Json)?
                }
                _ => return None,
            },
            DataType::Dictionary(_, values) => Self::of(values)?,
            _ => return None,
        })
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Self::Int16 | Self::Int32 | Self::Int64)
    }

    /// PostgreSQL's type.
    pub(crate) fn postgres(self) -> String {
        let name = match self {
            Self::Bool => "boolean",
            Self::Int16 => "smallint",
            Self::Int32 => "integer",
            Self::Int64 => "bigint",
            Self::Float32 => "real",
            Self::Float64 => "double precision",
            Self::Decimal { precision, scale } => return format!("numeric({precision}, {scale})"),
            Self::Text => "text",
            Self::Bytes => "bytea",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::TimestampUtc => "timestamp with time zone",
            Self::Duration => "interval",
            Self::Json => "jsonb",
        };
        name.to_owned()
    }

    /// The type that is declared in SQLite. SQLite itself knows five storage classes only; clients such as SQLAlchemy read
    /// dates, booleans and JSON by the declared name, which is why tables are not `STRICT`.
    pub(crate) fn sqlite(self) -> String {
        let name = match self {
            Self::Bool => "BOOLEAN",
            Self::Int16 => "SMALLINT",
            Self::Int32 => "INTEGER",
            Self::Int64 | Self::Duration => "BIGINT",
            Self::Float32 => "REAL",
            Self::Float64 => "DOUBLE",
            Self::Decimal { precision, scale } if precision <= EXACT_DIGITS => {
                return format!("NUMERIC({precision}, {scale})");
            }
            Self::Decimal { .. } | Self::Text => "TEXT",
            Self::Bytes => "BLOB",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Timestamp | Self::TimestampUtc => "DATETIME",
            Self::Json => "JSON",
        };
        name.to_owned()
    }
}

/// The same type without dictionaries and views, which are ways to store and not types.
pub(crate) fn plain(data_type: &DataType) -> DataType {
    let inner = |field: &Arc<Field>| -> Arc<Field> {
        Arc::new(field.as_ref().clone().with_data_type(plain(field.data_type())))
    };
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(inner(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        other => other.clone(),
    }
}
