//! Times as people write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// A time as microseconds since 1970-01-01 UTC: RFC 3339, or without a zone as UTC, or a date for its midnight UTC.
pub fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_micros());
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    time.map(|time| time.and_utc().timestamp_micros()).ok_or_else(|| {
        "it must be a time such as 2026-01-31T12:00:00Z or a date such as 2026-01-31".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates() {
        let noon = 1_359_633_600_000_000;
        for text in [
            "2013-01-31T12:00:00Z",
            "2013-01-31T14:00:00+02:00",
            "2013-01-31 12:00:00",
            "2013-01-31T12:00",
            "2013-01-31 12:00:00.0",
        ] {
            assert_eq!(parse_time(text), Ok(noon), "{text}");
        }
        assert_eq!(parse_time("2013-01-31"), Ok(noon - 12 * 3_600_000_000));
        for text in ["", "yesterday", "2013-02-30", "2013-01-31T25:00:00Z", "1359633600"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
