//! One value of an Arrow array, in the terms of databases.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};
use arrow::error::ArrowError;

use crate::json;
use crate::kind::plain;

const DAY_MS: i64 = 86_400_000;
pub(crate) const DAY_US: i64 = 86_400_000_000;

/// A value. Times are microseconds, dates days, both since 1970-01-01.
#[derive(Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float32(f32),
    Float64(f64),
    Decimal(i256, u8),
    Text(&'a str),
    Bytes(&'a [u8]),
    Date(i64),
    Time(i64),
    Timestamp { us: i64, utc: bool },
    Duration(i64),
    Json(String),
}

/// Why a value has no counterpart; a fragment that follows the column's name.
pub(crate) type Problem = &'static str;

pub(crate) const NOT_FINITE: Problem = "has NaN or an infinity, which the target cannot hold";
pub(crate) const DATE_RANGE: Problem = "has a date or time outside of what the target can hold";
const TOO_LARGE: Problem = "has an unsigned number above 9223372036854775807";
const NUL: Problem = "has text with a NUL character";
const FRACTION: Problem = "has a fraction of a microsecond, or a time of day in a date";

/// The columns of a batch, without dictionaries and views.
pub(crate) fn plain_columns(batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
    let columns = batch.columns().iter().map(|column| {
        let target = plain(column.data_type());
        if target == *column.data_type() { Ok(column.clone()) } else { cast(column, &target) }
    });
    columns.collect()
}

/// The batch without dictionaries and views.
pub(crate) fn plain_batch(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = crate::spec::plain_schema(&batch.schema());
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, plain_columns(batch)?, &options)
}

/// The value of a row.
pub(crate) fn cell(array: &dyn Array, row: usize) -> Result<Cell<'_>, Problem> {
    if array.is_null(row) {
        return Ok(Cell::Null);
    }
    macro_rules! value {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row)
        };
    }
    Ok(match array.data_type() {
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int8 => Cell::Int(value!(Int8Type).into()),
        DataType::Int16 => Cell::Int(value!(Int16Type).into()),
        DataType::Int32 => Cell::Int(value!(Int32Type).into()),
        DataType::Int64 => Cell::Int(value!(Int64Type)),
        DataType::UInt8 => Cell::Int(value!(UInt8Type).into()),
        DataType::UInt16 => Cell::Int(value!(UInt16Type).into()),
        DataType::UInt32 => Cell::Int(value!(UInt32Type).into()),
        DataType::UInt64 => Cell::Int(i64::try_from(value!(UInt64Type)).map_err(|_| TOO_LARGE)?),
        DataType::Float16 => Cell::Float32(value!(Float16Type).to_f32()),
        DataType::Float32 => Cell::Float32(value!(Float32Type)),
        DataType::Float64 => Cell::Float64(value!(Float64Type)),
        DataType::Decimal32(_, s) => Cell::Decimal(i256::from_i128(value!(Decimal32Type).into()), *s as u8),
        DataType::Decimal64(_, s) => Cell::Decimal(i256::from_i128(value!(Decimal64Type).into()), *s as u8),
        DataType::Decimal128(_, s) => Cell::Decimal(i256::from_i128(value!(Decimal128Type)), *s as u8),
        DataType::Decimal256(_, s) => Cell::Decimal(value!(Decimal256Type), *s as u8),
        DataType::Utf8 => Cell::Text(text(array.as_string::<i32>().value(row))?),
        DataType::LargeUtf8 => Cell::Text(text(array.as_string::<i64>().value(row))?),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Cell::Bytes(array.as_binary::<i64>().value(row)),
        DataType::FixedSizeBinary(_) => Cell::Bytes(array.as_fixed_size_binary().value(row)),
        DataType::Date32 => Cell::Date(value!(Date32Type).into()),
        DataType::Date64 => Cell::Date(whole(value!(Date64Type), DAY_MS)?),
        DataType::Time32(TimeUnit::Second) => time(i64::from(value!(Time32SecondType)) * 1_000_000)?,
        DataType::Time32(_) => time(i64::from(value!(Time32MillisecondType)) * 1_000)?,
        DataType::Time64(TimeUnit::Nanosecond) => time(whole(value!(Time64NanosecondType), 1_000)?)?,
        DataType::Time64(_) => time(value!(Time64MicrosecondType))?,
        DataType::Timestamp(unit, zone) => {
            let us = match unit {
                TimeUnit::Second => times(value!(TimestampSecondType), 1_000_000)?,
                TimeUnit::Millisecond => times(value!(TimestampMillisecondType), 1_000)?,
                TimeUnit::Microsecond => value!(TimestampMicrosecondType),
                TimeUnit::Nanosecond => whole(value!(TimestampNanosecondType), 1_000)?,
            };
            Cell::Timestamp { us, utc: zone.is_some() }
        }
        DataType::Duration(unit) => Cell::Duration(match unit {
            TimeUnit::Second => times(value!(DurationSecondType), 1_000_000)?,
            TimeUnit::Millisecond => times(value!(DurationMillisecondType), 1_000)?,
            TimeUnit::Microsecond => value!(DurationMicrosecondType),
            TimeUnit::Nanosecond => whole(value!(DurationNanosecondType), 1_000)?,
        }),
        DataType::Null => Cell::Null,
        _ => {
            let mut out = String::new();
            json::write(&mut out, array, row)?;
            Cell::Json(out)
        }
    })
}

fn text(text: &str) -> Result<&str, Problem> {
    if text.as_bytes().contains(&0) { Err(NUL) } else { Ok(text) }
}

fn times(value: i64, factor: i64) -> Result<i64, Problem> {
    value.checked_mul(factor).ok_or(DATE_RANGE)
}

fn whole(value: i64, divisor: i64) -> Result<i64, Problem> {
    if value % divisor == 0 { Ok(value / divisor) } else { Err(FRACTION) }
}

fn time(us: i64) -> Result<Cell<'static>, Problem> {
    if (0..DAY_US).contains(&us) { Ok(Cell::Time(us)) } else { Err(DATE_RANGE) }
}

/// `YYYY-MM-DD`, for the years 1 to 9999, which is what SQLite, ISO 8601 and most clients know.
pub(crate) fn date_text(days: i64) -> Result<String, Problem> {
    use chrono::Datelike as _;
    let date = i32::try_from(days).ok().and_then(|days| {
        chrono::NaiveDate::from_epoch_days(days).filter(|date| (1..=9999).contains(&date.year()))
    });
    let date = date.ok_or(DATE_RANGE)?;
    Ok(format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()))
}

/// `HH:MM:SS.ffffff`.
pub(crate) fn time_text(us: i64) -> String {
    let (seconds, fraction) = (us / 1_000_000, us % 1_000_000);
    format!("{:02}:{:02}:{:02}.{fraction:06}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `YYYY-MM-DD HH:MM:SS.ffffff`, with `between` as the space.
pub(crate) fn timestamp_text(us: i64, between: char) -> Result<String, Problem> {
    Ok(format!("{}{between}{}", date_text(us.div_euclid(DAY_US))?, time_text(us.rem_euclid(DAY_US))))
}

/// All digits of a decimal, with `scale` of them after the point.
pub(crate) fn decimal_text(value: i256, scale: u8) -> String {
    let text = value.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let scale = usize::from(scale);
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        StringArray, Time64NanosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
    };

    use super::*;

    fn read(array: impl Array + 'static) -> Vec<Result<String, Problem>> {
        let array: ArrayRef = Arc::new(array);
        (0..array.len()).map(|row| cell(array.as_ref(), row).map(|cell| format!("{cell:?}"))).collect()
    }

    #[test]
    fn values_that_would_change_are_refused() {
        assert_eq!(read(UInt64Array::from(vec![7, u64::MAX])), [Ok("Int(7)".to_owned()), Err(TOO_LARGE)]);
        assert_eq!(read(StringArray::from(vec!["a", "\0"])), [Ok("Text(\"a\")".to_owned()), Err(NUL)]);
        assert_eq!(read(Time64NanosecondArray::from(vec![1_500])), [Err(FRACTION)]);
        assert_eq!(read(Time64NanosecondArray::from(vec![-1_000])), [Err(DATE_RANGE)]);
        assert_eq!(read(TimestampNanosecondArray::from(vec![-1])), [Err(FRACTION)]);
        assert_eq!(read(TimestampMillisecondArray::from(vec![i64::MAX])), [Err(DATE_RANGE)]);
    }

    #[test]
    fn times_and_decimals_as_text() {
        assert_eq!(timestamp_text(-1, ' ').unwrap(), "1969-12-31 23:59:59.999999");
        assert_eq!(date_text(-719_162).unwrap(), "0001-01-01");
        assert_eq!((date_text(-719_163), date_text(2_932_897)), (Err(DATE_RANGE), Err(DATE_RANGE)));
        let decimals = [(0, 2), (-5, 2), (12_345, 0), (-12_345, 3)];
        let texts = decimals.map(|(value, scale)| decimal_text(i256::from_i128(value), scale));
        assert_eq!(texts, ["0.00", "-0.05", "12345", "-12.345"]);
    }
}
