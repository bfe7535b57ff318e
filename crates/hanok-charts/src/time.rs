//! Axes of time: round moments in UTC and their labels.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, Timelike};

use crate::style::Language;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Steps shorter than a month, in microseconds.
const STEPS: &[i64] = &[
    1,
    1000,
    SECOND / 10,
    SECOND,
    5 * SECOND,
    15 * SECOND,
    30 * SECOND,
    60 * SECOND,
    5 * 60 * SECOND,
    15 * 60 * SECOND,
    30 * 60 * SECOND,
    3600 * SECOND,
    3 * 3600 * SECOND,
    6 * 3600 * SECOND,
    12 * 3600 * SECOND,
    DAY,
    2 * DAY,
    7 * DAY,
];
/// Steps in months.
const MONTHS: &[u32] = &[1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 12_000];

/// About `count` round moments between two (microseconds since 1970-01-01 UTC), with their labels.
pub(crate) fn ticks(low: f64, high: f64, count: f64, language: Language) -> Vec<(f64, String)> {
    let rough = (high - low) / count.clamp(1.0, 20.0);
    if !(rough > 0.0 && rough.is_finite()) {
        return Vec::new();
    }
    if let Some(step) = STEPS.iter().find(|step| **step as f64 >= rough) {
        let first = (low / *step as f64).ceil() as i64;
        let moments = (0..=60).map_while(|index| first.checked_add(index)?.checked_mul(*step));
        return labelled(moments, high, |moment| short(moment, *step, language));
    }
    let month = 30.44 * DAY as f64;
    let step = MONTHS.iter().find(|step| f64::from(**step) * month >= rough).unwrap_or(&12_000);
    let Some(start) = moment(low as i64) else { return Vec::new() };
    let year = start.year() - start.year().rem_euclid((*step / 12).max(1) as i32);
    let month0 = if *step < 12 { start.month0() / *step * *step } else { 0 };
    let Some(first) = NaiveDate::from_ymd_opt(year, month0 + 1, 1) else { return Vec::new() };
    let dates = (0..=60).map_while(|index| first.checked_add_months(Months::new(index * *step)));
    let moments = dates.filter_map(|date| Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros()));
    let moments = moments.filter(|moment| *moment as f64 >= low);
    labelled(moments, high, |moment| match language {
        _ if *step >= 12 => moment.year().to_string(),
        Language::En => format!("{} {}", month_name(moment), moment.year()),
        Language::Ko => format!("{}년 {}월", moment.year(), moment.month()),
    })
}

/// A moment (microseconds since 1970-01-01 UTC) in full: `2013-01-31`, with the time of day unless it is midnight.
pub fn full(micros: f64) -> String {
    let Some(moment) = moment(micros as i64) else { return crate::number::number(micros) };
    if moment.num_seconds_from_midnight() == 0 {
        moment.format("%Y-%m-%d").to_string()
    } else {
        moment.format("%Y-%m-%d %H:%M:%S").to_string()
    }
}

fn labelled(
    moments: impl Iterator<Item = i64>,
    high: f64,
    label: impl Fn(NaiveDateTime) -> String,
) -> Vec<(f64, String)> {
    moments
        .take_while(|micros| *micros as f64 <= high)
        .filter_map(|micros| Some((micros as f64, label(moment(micros)?))))
        .collect()
}

fn short(moment: NaiveDateTime, step: i64, language: Language) -> String {
    if step >= DAY || moment.num_seconds_from_midnight() == 0 && step >= 60 * SECOND {
        return match language {
            Language::En => format!("{} {}", moment.day(), month_name(moment)),
            Language::Ko => format!("{}월 {}일", moment.month(), moment.day()),
        };
    }
    let format = match step {
        step if step >= 60 * SECOND => "%H:%M",
        step if step >= SECOND => "%H:%M:%S",
        _ => "%H:%M:%S%.6f",
    };
    moment.format(format).to_string()
}

fn month_name(moment: NaiveDateTime) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES[moment.month0() as usize % 12]
}

fn moment(micros: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|moment| moment.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: &str, to: &str, count: f64, language: Language) -> Vec<String> {
        let micros = |text: &str| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp_micros() as f64
        };
        ticks(micros(from), micros(to), count, language).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn moments_are_round() {
        let year = labels("2013-01-01 00:00", "2013-12-31 00:00", 5.0, Language::En);
        assert_eq!(year, ["Jan 2013", "Apr 2013", "Jul 2013", "Oct 2013"]);
        let korean = labels("2013-01-01 00:00", "2013-03-05 00:00", 3.0, Language::Ko);
        assert_eq!(korean, ["2013년 1월", "2013년 2월", "2013년 3월"]);
        let day = labels("2013-01-01 05:10", "2013-01-02 03:00", 4.0, Language::En);
        assert_eq!(day, ["06:00", "12:00", "18:00", "2 Jan"]);
        let years = labels("1997-05-01 00:00", "2023-05-01 00:00", 6.0, Language::En);
        assert_eq!(years, ["2000", "2005", "2010", "2015", "2020"]);
        assert_eq!(full(1_356_998_400_000_000.0), "2013-01-01");
    }

    #[test]
    fn moments_beyond_the_calendar_are_left_out() {
        for (low, high) in [(f64::NAN, 1.0), (0.0, f64::INFINITY), (-1e300, 1e300), (1e18, 9e18), (5.0, 5.0)]
        {
            assert!(ticks(low, high, 5.0, Language::En).len() <= 61);
        }
    }
}
