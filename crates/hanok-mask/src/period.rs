//! Dates and timestamps to the first day of their month, quarter or year.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeZone};

use crate::error::{Result, unsupported};
use crate::text::cast;
use crate::treatment::DateUnit;

const DAY_SECONDS: i64 = 86_400;

pub(crate) fn truncate(column: &ArrayRef, unit: DateUnit) -> Result<ArrayRef> {
    let data_type = column.data_type();
    let (ticks, zone) = match data_type {
        DataType::Date32 => {
            let wide = cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?;
            let out = mapped(&wide, |day| first_day(day, unit));
            return cast(&cast(&out, &DataType::Int32)?, data_type);
        }
        DataType::Date64 => (1_000, None),
        DataType::Timestamp(resolution, zone) => {
            let zone = zone.as_ref().map(|zone| zone.parse::<Tz>()).transpose()?;
            (per_second(*resolution), zone)
        }
        other => return Err(unsupported("generalise", other)),
    };
    let wide = cast(column, &DataType::Int64)?;
    let out = mapped(&wide, |value| {
        let seconds = value.div_euclid(ticks);
        let local = seconds.saturating_add(zone.as_ref().map_or(0, |zone| offset(*zone, seconds)));
        let start = first_day(local.div_euclid(DAY_SECONDS), unit).saturating_mul(DAY_SECONDS);
        // The zone may have had another offset when the period began.
        let began = zone.as_ref().map_or(0, |zone| offset(*zone, start - offset(*zone, start)));
        start.saturating_sub(began).saturating_mul(ticks)
    });
    cast(&out, data_type)
}

fn mapped(wide: &ArrayRef, map: impl Fn(i64) -> i64) -> ArrayRef {
    let values: Vec<i64> =
        wide.as_primitive::<Int64Type>().values().iter().map(|value| map(*value)).collect();
    Arc::new(Int64Array::new(values.into(), wide.nulls().cloned()))
}

/// Seconds that a zone's clocks are ahead of UTC at an instant.
fn offset(zone: Tz, seconds: i64) -> i64 {
    DateTime::from_timestamp(seconds, 0)
        .map_or(0, |time| i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc()))
}

/// The first day of the period of a day, both counted from 1970-01-01. Days that no calendar has stay.
fn first_day(day: i64, unit: DateUnit) -> i64 {
    let epoch = NaiveDate::default();
    let date = if day >= 0 {
        epoch.checked_add_days(Days::new(day.unsigned_abs()))
    } else {
        epoch.checked_sub_days(Days::new(day.unsigned_abs()))
    };
    let first = date.and_then(|date| {
        let month = match unit {
            DateUnit::Month => date.month(),
            DateUnit::Quarter => date.month0() / 3 * 3 + 1,
            DateUnit::Year => 1,
        };
        NaiveDate::from_ymd_opt(date.year(), month, 1)
    });
    first.map_or(day, |first| first.signed_duration_since(epoch).num_days())
}

pub(crate) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{StringArray, TimestampMicrosecondArray};

    use super::*;
    use crate::text::text;

    fn truncated(values: &[&str], data_type: &DataType, unit: DateUnit) -> Vec<String> {
        let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        let out = truncate(&cast(&column, data_type).unwrap(), unit).unwrap();
        assert_eq!(out.data_type(), data_type);
        text(&out).unwrap().iter().map(|value| value.unwrap().to_owned()).collect()
    }

    #[test]
    fn dates_go_to_the_first_day() {
        let days = ["2024-02-29", "1969-12-31", "2026-11-26"];
        let month = truncated(&days, &DataType::Date32, DateUnit::Month);
        assert_eq!(month, ["2024-02-01", "1969-12-01", "2026-11-01"]);
        let quarter = truncated(&days, &DataType::Date32, DateUnit::Quarter);
        assert_eq!(quarter, ["2024-01-01", "1969-10-01", "2026-10-01"]);
        let year = truncated(&days, &DataType::Date64, DateUnit::Year);
        assert_eq!(year, ["2024-01-01T00:00:00", "1969-01-01T00:00:00", "2026-01-01T00:00:00"]);
    }

    #[test]
    fn timestamps_are_cut_in_their_zone() {
        let zoned = |zone: &str| DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
        let new_year = ["2024-01-01T08:30:00+09:00"];
        assert_eq!(truncated(&new_year, &zoned("Asia/Seoul"), DateUnit::Year), ["2024-01-01T00:00:00+09:00"]);
        assert_eq!(truncated(&new_year, &zoned("UTC"), DateUnit::Year), ["2023-01-01T00:00:00Z"]);
        // Summer time began in between.
        let june = ["2024-06-10T12:00:00+02:00"];
        assert_eq!(truncated(&june, &zoned("Europe/Paris"), DateUnit::Year), ["2024-01-01T00:00:00+01:00"]);
    }

    #[test]
    fn instants_outside_the_calendar_do_not_overflow() {
        let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX, i64::MIN]));
        assert!(truncate(&column, DateUnit::Month).is_ok());
    }
}
