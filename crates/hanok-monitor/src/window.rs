//! Windows: how time is cut, and which windows are due.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use hanok_types::format_duration;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// Windows of one run of one monitor, and of a trailing reference.
pub(crate) const WINDOWS_MAX: usize = 1000;

/// From a time to before another, microseconds since 1970-01-01 UTC. As JSON both are texts of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first moment of it.
    pub start_us: i64,
    /// The first moment after it.
    pub end_us: i64,
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut span = serializer.serialize_struct("Span", 2)?;
        span.serialize_field("start", &time_text(self.start_us))?;
        span.serialize_field("end", &time_text(self.end_us))?;
        span.end()
    }
}

/// A time as RFC 3339, to the second where that is exact.
pub(crate) fn time_text(us: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(us)
        .map_or_else(|| us.to_string(), |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// How windows are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Of one length in microseconds, at its multiples since 1970-01-01 UTC.
    Every(i64),
    /// Days from midnight.
    Day,
    /// Weeks from Monday.
    Week,
    /// Months.
    Month,
    /// Quarters.
    Quarter,
    /// Years.
    Year,
    /// So many rows in the order of time; rows of one time stay together.
    Rows(u64),
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Every(us) => f.write_str(&format_duration(*us)),
            Self::Day => f.write_str("day"),
            Self::Week => f.write_str("week"),
            Self::Month => f.write_str("month"),
            Self::Quarter => f.write_str("quarter"),
            Self::Year => f.write_str("year"),
            Self::Rows(rows) => write!(f, "{rows} rows"),
        }
    }
}

/// The windows of a clock or calendar; windows of rows are cut by what the table has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    pub(crate) cut: Cut,
    pub(crate) zone: Tz,
}

impl Calendar {
    /// The window that a moment is in; `None` where calendars end, or for windows of rows.
    pub(crate) fn containing(&self, us: i64) -> Option<Span> {
        if let Cut::Every(length) = self.cut {
            let start_us = us.checked_sub(us.rem_euclid(length))?;
            return Some(Span { start_us, end_us: start_us.checked_add(length)? });
        }
        let date =
            self.zone.from_utc_datetime(&DateTime::from_timestamp_micros(us)?.naive_utc()).date_naive();
        let first = self.first(date)?;
        Some(Span { start_us: self.midnight(first)?, end_us: self.midnight(self.step(first, 1)?)? })
    }

    /// Where a window begins, as a part of a file's name: the date in the zone where windows begin with days, otherwise the time in UTC.
    pub(crate) fn label(&self, start_us: i64) -> String {
        let Some(time) = DateTime::from_timestamp_micros(start_us) else { return start_us.to_string() };
        match self.cut {
            Cut::Every(_) | Cut::Rows(_) => time.format("%Y-%m-%dT%H%M%S%.fZ").to_string(),
            _ => self.zone.from_utc_datetime(&time.naive_utc()).format("%Y-%m-%d").to_string(),
        }
    }

    /// A moment as people of the zone write it: a date, with its time unless it is midnight.
    pub(crate) fn moment(&self, us: i64) -> String {
        let Some(time) = DateTime::from_timestamp_micros(us) else { return us.to_string() };
        let local = self.zone.from_utc_datetime(&time.naive_utc());
        let form = if local.time() == NaiveTime::MIN { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M:%S" };
        local.format(form).to_string()
    }

    /// The window that is `count` windows after one; before it when negative.
    pub(crate) fn shifted(&self, span: Span, count: i64) -> Option<Span> {
        if let Cut::Every(length) = self.cut {
            let by = length.checked_mul(count)?;
            return Some(Span {
                start_us: span.start_us.checked_add(by)?,
                end_us: span.end_us.checked_add(by)?,
            });
        }
        let start = self.zone.from_utc_datetime(&DateTime::from_timestamp_micros(span.start_us)?.naive_utc());
        let first = self.step(self.first(start.date_naive())?, count)?;
        Some(Span { start_us: self.midnight(first)?, end_us: self.midnight(self.step(first, 1)?)? })
    }

    /// The first day of the window that a day is in.
    fn first(&self, date: NaiveDate) -> Option<NaiveDate> {
        match self.cut {
            Cut::Every(_) | Cut::Rows(_) => None,
            Cut::Day => Some(date),
            Cut::Week => date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))),
            Cut::Month => date.with_day(1),
            Cut::Quarter => date.with_day(1)?.with_month0(date.month0() / 3 * 3),
            Cut::Year => date.with_day(1)?.with_month0(0),
        }
    }

    /// The first day of a later or earlier window.
    fn step(&self, first: NaiveDate, count: i64) -> Option<NaiveDate> {
        let days = |each: u64| {
            let days = Days::new(count.unsigned_abs().checked_mul(each)?);
            if count < 0 { first.checked_sub_days(days) } else { first.checked_add_days(days) }
        };
        let months = |each: u32| {
            let months = Months::new(u32::try_from(count.unsigned_abs()).ok()?.checked_mul(each)?);
            if count < 0 { first.checked_sub_months(months) } else { first.checked_add_months(months) }
        };
        match self.cut {
            Cut::Every(_) | Cut::Rows(_) => None,
            Cut::Day => days(1),
            Cut::Week => days(7),
            Cut::Month => months(1),
            Cut::Quarter => months(3),
            Cut::Year => months(12),
        }
    }

    /// When a day begins in the zone. Where the clocks go forward at midnight it is the moment at which they do.
    fn midnight(&self, date: NaiveDate) -> Option<i64> {
        let midnight = date.and_time(NaiveTime::MIN);
        if let Some(begins) = self.zone.from_local_datetime(&midnight).earliest() {
            return Some(begins.timestamp_micros());
        }
        let quarter = |quarters: i64| midnight.checked_add_signed(chrono::TimeDelta::minutes(15 * quarters));
        let after = (1..=96).find_map(|at| self.zone.from_local_datetime(&quarter(at)?).earliest())?;
        let is_before = |us: i64| {
            let utc = DateTime::from_timestamp_micros(us).map(|time| time.naive_utc());
            utc.is_some_and(|utc| self.zone.from_utc_datetime(&utc).naive_local() < midnight)
        };
        // The first moment at which it is not the day before, within the quarter of an hour.
        let (mut low, mut high) = (after.timestamp_micros() - 15 * 60_000_000, after.timestamp_micros());
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if is_before(middle) { low = middle } else { high = middle }
        }
        Some(high)
    }

    /// The windows to look at, oldest first, and whether there are more than a run takes. A window is complete when all of it lies
    /// before `ready_us`.
    ///
    /// In a range: the complete windows that lie in it. Without one: those since the end of the last one that is recorded, or only
    /// the newest when none is.
    pub(crate) fn due(
        &self,
        ready_us: i64,
        last_end_us: Option<i64>,
        range: Option<Span>,
    ) -> (Vec<Span>, bool) {
        let start_us = range.map(|range| range.start_us).or(last_end_us);
        let mut next = match start_us {
            // The first one that begins then or later: a monitor whose windows were others may lie across.
            Some(start_us) => self
                .containing(start_us)
                .and_then(|span| if span.start_us < start_us { self.shifted(span, 1) } else { Some(span) }),
            None => self.containing(ready_us).and_then(|span| self.shifted(span, -1)),
        };
        let end_us = range.map_or(ready_us, |range| ready_us.min(range.end_us));
        let mut due = Vec::new();
        while let Some(span) = next.filter(|span| span.end_us <= end_us) {
            if due.len() == WINDOWS_MAX {
                return (due, true);
            }
            due.push(span);
            next = self.shifted(span, 1);
        }
        (due, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hanok_types::parse_time;
    use proptest::prelude::*;

    fn calendar(cut: Cut, zone: &str) -> Calendar {
        Calendar { cut, zone: zone.parse().unwrap() }
    }

    fn texts(span: Span) -> [String; 2] {
        [time_text(span.start_us), time_text(span.end_us)]
    }

    #[test]
    fn windows_of_calendars_begin_where_people_say() {
        let at = parse_time("2013-07-04T03:00:00Z").unwrap();
        for (cut, zone, start, end) in [
            (Cut::Day, "UTC", "2013-07-04T00:00:00Z", "2013-07-05T00:00:00Z"),
            (Cut::Day, "America/New_York", "2013-07-03T04:00:00Z", "2013-07-04T04:00:00Z"),
            (Cut::Week, "Asia/Seoul", "2013-06-30T15:00:00Z", "2013-07-07T15:00:00Z"),
            (Cut::Month, "UTC", "2013-07-01T00:00:00Z", "2013-08-01T00:00:00Z"),
            (Cut::Quarter, "UTC", "2013-07-01T00:00:00Z", "2013-10-01T00:00:00Z"),
            (Cut::Year, "Asia/Seoul", "2012-12-31T15:00:00Z", "2013-12-31T15:00:00Z"),
            (Cut::Every(6 * 3_600_000_000), "UTC", "2013-07-04T00:00:00Z", "2013-07-04T06:00:00Z"),
        ] {
            assert_eq!(texts(calendar(cut, zone).containing(at).unwrap()), [start, end], "{cut} {zone}");
        }
        // The day on which New York's clocks go forward has 23 hours; in Beirut they went forward at midnight.
        let day = calendar(Cut::Day, "America/New_York");
        let span = day.containing(parse_time("2013-03-10T12:00:00Z").unwrap()).unwrap();
        assert_eq!(span.end_us - span.start_us, 23 * 3_600_000_000);
        let day = calendar(Cut::Day, "Asia/Beirut");
        let span = day.containing(parse_time("2013-03-31T12:00:00Z").unwrap()).unwrap();
        assert_eq!(texts(span), ["2013-03-30T22:00:00Z", "2013-03-31T21:00:00Z"]);
    }

    #[test]
    fn windows_have_names_for_files_and_for_people() {
        let us = |text: &str| parse_time(text).unwrap();
        let seoul = calendar(Cut::Day, "Asia/Seoul");
        let start_us = us("2013-07-03T15:00:00Z");
        assert_eq!(
            (seoul.label(start_us), seoul.moment(start_us)),
            ("2013-07-04".into(), "2013-07-04".into())
        );
        let hours = calendar(Cut::Every(6 * 3_600_000_000), "Asia/Seoul");
        let named = (hours.label(start_us + 1_500_000), hours.moment(us("2013-07-03T06:30:00Z")));
        assert_eq!(named, ("2013-07-03T150001.500Z".into(), "2013-07-03 15:30:00".into()));
        assert_eq!(hours.label(start_us), "2013-07-03T150000Z");
    }

    #[test]
    fn what_is_due() {
        let month = calendar(Cut::Month, "UTC");
        let us = |text: &str| parse_time(text).unwrap();
        let starts = |ready: &str, last: Option<&str>, range: Option<(&str, &str)>| {
            let range = range.map(|(from, to)| Span { start_us: us(from), end_us: us(to) });
            let (due, more) = month.due(us(ready), last.map(us), range);
            assert!(!more);
            due.into_iter().map(|span| time_text(span.start_us)[..7].to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(starts("2013-08-15", None, None), "2013-07");
        assert_eq!(starts("2013-08-01", None, None), "2013-07");
        assert_eq!(starts("2013-08-15", Some("2013-06-01"), None), "2013-06 2013-07");
        assert_eq!(starts("2013-08-15", Some("2013-08-01"), None), "");
        assert_eq!(starts("2013-08-15", Some("2013-06-10"), None), "2013-07");
        assert_eq!(starts("2014-08-15", None, Some(("2013-01-02", "2013-04-01"))), "2013-02 2013-03");
        assert_eq!(starts("2013-03-15", None, Some(("2013-01-01", "2013-04-01"))), "2013-01 2013-02");
        let hours = calendar(Cut::Every(3_600_000_000), "UTC");
        let (due, more) = hours.due(us("2013-08-15"), Some(us("2013-01-01")), None);
        assert_eq!((due.len(), more), (WINDOWS_MAX, true));
        assert_eq!(calendar(Cut::Rows(9), "UTC").due(us("2013-08-15"), None, None), (Vec::new(), false));
    }

    proptest! {
        #[test]
        fn windows_tile_time(
            us in -4_000_000_000_000_000_i64..4_000_000_000_000_000,
            cut in prop::sample::select(vec![Cut::Every(777_777), Cut::Day, Cut::Week, Cut::Month, Cut::Quarter, Cut::Year]),
            zone in prop::sample::select(vec!["UTC", "Asia/Seoul", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe"]),
        ) {
            let calendar = calendar(cut, zone);
            let span = calendar.containing(us).unwrap();
            prop_assert!(span.start_us <= us && us < span.end_us);
            let (before, after) = (calendar.shifted(span, -1).unwrap(), calendar.shifted(span, 1).unwrap());
            prop_assert_eq!(before.end_us, span.start_us);
            prop_assert_eq!(after.start_us, span.end_us);
            prop_assert_eq!(calendar.containing(after.start_us).unwrap(), after);
            prop_assert_eq!(calendar.containing(span.start_us - 1).unwrap(), before);
            prop_assert_eq!(calendar.shifted(after, -2).unwrap(), before);
        }
    }
}
