//! Per-file statistics of the Delta log, read off the Parquet footer.
//!
//! Format: Delta protocol, "Per-file Statistics": `numRecords`, `minValues`, `maxValues`, `nullCount`.

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema,
    TimeUnit, TimestampMicrosecondType,
};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value, json};

/// Statistics of more columns would make the log large without helping; Delta's own default.
const COLUMNS_MAX: usize = 32;
/// Longer strings are cut (as minimum) or left out (as maximum, where a cut one would be wrong).
const STRING_CHARS_MAX: usize = 32;

/// The `stats` text of an `add` action.
pub(crate) fn file_stats(metadata: &ParquetMetaData, schema: &Schema) -> String {
    let (mut minima, mut maxima, mut nulls) = (Map::new(), Map::new(), Map::new());
    let parquet_schema = metadata.file_metadata().schema_descr();
    for field in schema.fields().iter().take(COLUMNS_MAX) {
        let Ok(converter) = StatisticsConverter::try_new(field.name(), schema, parquet_schema) else {
            continue;
        };
        let groups = metadata.row_groups();
        if let Ok(counts) = converter.row_group_null_counts(groups)
            && counts.null_count() == 0
        {
            nulls.insert(field.name().clone(), json!(counts.values().iter().sum::<u64>()));
        }
        let complete =
            |array: &ArrayRef| array.null_count() == 0 || all_null_groups(&converter, metadata, array);
        if let Ok(lowest) = converter.row_group_mins(groups)
            && complete(&lowest)
            && let Some(value) = extreme(&lowest, Extreme::Min)
        {
            minima.insert(field.name().clone(), value);
        }
        if let Ok(highest) = converter.row_group_maxes(groups)
            && complete(&highest)
            && let Some(value) = extreme(&highest, Extreme::Max)
        {
            maxima.insert(field.name().clone(), value);
        }
    }
    let rows = metadata.file_metadata().num_rows();
    json!({ "numRecords": rows, "minValues": minima, "maxValues": maxima, "nullCount": nulls }).to_string()
}

/// A row group without a minimum is fine when it has nothing but nulls; otherwise its values are unknown.
fn all_null_groups(
    converter: &StatisticsConverter<'_>,
    metadata: &ParquetMetaData,
    extremes: &ArrayRef,
) -> bool {
    let Ok(counts) = converter.row_group_null_counts(metadata.row_groups()) else { return false };
    metadata.row_groups().iter().enumerate().all(|(at, group)| {
        extremes.is_valid(at) || (counts.is_valid(at) && counts.value(at) as i64 == group.num_rows())
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Extreme {
    Min,
    Max,
}

fn extreme(values: &ArrayRef, which: Extreme) -> Option<Value> {
    macro_rules! number {
        ($type:ty) => {{
            let values = values.as_primitive::<$type>();
            if which == Extreme::Min { min(values) } else { max(values) }
        }};
    }
    match values.data_type() {
        DataType::Int8 => number!(Int8Type).map(Value::from),
        DataType::Int16 => number!(Int16Type).map(Value::from),
        DataType::Int32 => number!(Int32Type).map(Value::from),
        DataType::Int64 => number!(Int64Type).map(Value::from),
        DataType::Float32 => number!(Float32Type).and_then(|v| finite(f64::from(v))),
        DataType::Float64 => number!(Float64Type).and_then(finite),
        DataType::Date32 => number!(Date32Type).and_then(|days| {
            let date = Date32Type::to_naive_date_opt(days)?;
            in_common_years(chrono::Datelike::year(&date)).then(|| Value::from(date.to_string()))
        }),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let instant = chrono::DateTime::from_timestamp_micros(number!(TimestampMicrosecondType)?)?;
            in_common_years(chrono::Datelike::year(&instant))
                .then(|| Value::from(instant.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()))
        }
        DataType::Utf8 if which == Extreme::Min => min_string(values.as_string::<i32>())
            .map(|s| s.chars().take(STRING_CHARS_MAX).collect::<String>().into()),
        DataType::Utf8 => max_string(values.as_string::<i32>())
            .filter(|s| s.chars().count() <= STRING_CHARS_MAX)
            .map(Value::from),
        _ => None,
    }
}

/// Infinity and NaN have no JSON form.
fn finite(value: f64) -> Option<Value> {
    value.is_finite().then(|| Value::from(value))
}

/// Years outside of 0 to 9999 are written with a sign, which other readers of the log do not parse.
fn in_common_years(year: i32) -> bool {
    (0..=9999).contains(&year)
}
