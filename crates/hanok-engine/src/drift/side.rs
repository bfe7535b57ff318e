//! What a side of a comparison is, as people write it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::{DateTime, Months, NaiveDate, NaiveDateTime, NaiveTime};
use hanok_lake::AsOf;
use hanok_types::{TableName, parse_time};

use super::DriftError;
use crate::output::Format;

/// Rows that are compared: `mart.departures`, `t@12`, `t@branch`, `t@2013-01-31`, `t[2013-01..2013-02]`, `t@branch[2013-01]`, a file
/// with or without a window, a query, a saved profile.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftSide {
    /// As it was written.
    pub text: String,
    /// Where its rows are.
    pub(crate) place: Place,
    /// Which of them.
    pub(crate) window: Option<Window>,
}

/// Where rows are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    File(PathBuf),
    Table { name: TableName, branch: Option<String>, as_of: Option<AsOf> },
    Sql(String),
}

/// A window of time, in microseconds since 1970-01-01 UTC: the first moment, and the first one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from_us: Option<i64>,
    pub(crate) until_us: Option<i64>,
}

impl Window {
    pub(crate) fn contains(self, us: i64) -> bool {
        self.from_us.is_none_or(|from| us >= from) && self.until_us.is_none_or(|until| us < until)
    }

    fn parse(text: &str) -> Option<Self> {
        let us = |time: NaiveDateTime| time.and_utc().timestamp_micros();
        let Some((from, until)) = text.split_once("..") else {
            let period = Period::parse(text.trim())?;
            return Some(Self { from_us: Some(us(period.start)), until_us: Some(us(period.end?)) });
        };
        let bound = |text: &str| match text.trim() {
            "" => Some(None),
            text => Period::parse(text).map(|period| Some(us(period.start))),
        };
        let (from_us, until_us) = (bound(from)?, bound(until)?);
        let is_empty = matches!((from_us, until_us), (Some(from), Some(until)) if from >= until);
        (!is_empty && (from_us, until_us) != (None, None)).then_some(Self { from_us, until_us })
    }
}

/// A year, month, day or moment.
struct Period {
    start: NaiveDateTime,
    /// The first moment after it; a moment has none.
    end: Option<NaiveDateTime>,
}

impl Period {
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())) {
            let start = DateTime::from_timestamp_micros(parse_time(text).ok()?)?.naive_utc();
            return Some(Self { start, end: None });
        }
        let number = |at: usize| parts[at].parse::<u32>().ok();
        let (year, month, day, months) = match parts.len() {
            1 => (parts[0], 1, 1, Some(12)),
            2 => (parts[0], number(1)?, 1, Some(1)),
            3 => (parts[0], number(1)?, number(2)?, None),
            _ => return None,
        };
        let year = (year.len() == 4).then(|| year.parse().ok())??;
        let start = NaiveDate::from_ymd_opt(year, month, day)?;
        let end = match months {
            Some(months) => start.checked_add_months(Months::new(months))?,
            None => start.succ_opt()?,
        };
        Some(Self { start: start.and_time(NaiveTime::MIN), end: Some(end.and_time(NaiveTime::MIN)) })
    }
}

impl DriftSide {
    /// Whether it is rows of a project, and not a file.
    pub fn needs_project(&self) -> bool {
        !matches!(self.place, Place::File(_))
    }

    /// A file of that path, all of it.
    pub fn file(path: &Path) -> Self {
        Self { text: path.display().to_string(), place: Place::File(path.to_owned()), window: None }
    }

    /// A query, whatever it begins with.
    pub fn query(sql: String) -> Self {
        Self { text: sql.clone(), place: Place::Sql(sql), window: None }
    }

    /// What it is called where there is little room: a file without its folders, and a query as such.
    pub(crate) fn short_name(&self) -> String {
        match &self.place {
            Place::File(path) => {
                let window = self.window.and_then(|_| self.text.rfind('[')).map(|at| &self.text[at..]);
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                format!("{name}{}", window.unwrap_or_default())
            }
            Place::Table { .. } => self.text.clone(),
            Place::Sql(_) => "query".to_owned(),
        }
    }
}

impl fmt::Display for DriftSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for DriftSide {
    type Err = DriftError;

    fn from_str(text: &str) -> Result<Self, DriftError> {
        let wrong = |reason: String| DriftError::Side { side: text.to_owned(), reason };
        let side = |place, window| Ok(Self { text: text.to_owned(), place, window });
        if is_query(text) {
            return side(Place::Sql(text.to_owned()), None);
        }
        if Path::new(text).is_file() {
            return side(Place::File(PathBuf::from(text)), None);
        }
        let (name, window) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            None => (text, None),
            Some((name, window)) => {
                let found = Window::parse(window).ok_or_else(|| {
                    wrong(format!(
                        "`{window}` is no window of time such as 2013-01..2013-02 (the end is not part of it), 2013-01 or 2013-01-31T12:00.."
                    ))
                })?;
                (name, Some(found))
            }
        };
        if is_file(name) {
            return side(Place::File(PathBuf::from(name)), window);
        }
        let (table, point) = match name.split_once('@') {
            Some((table, point)) => (table, Some(point)),
            None => (name, None),
        };
        let table = TableName::parse(table, "main").map_err(|error| wrong(error.to_string()))?;
        let (branch, as_of) = match point {
            None => (None, None),
            Some(point) => match (as_of(point), point.split_once('@')) {
                (Some(found), _) => (None, Some(found)),
                (None, None) => (Some(point.to_owned()), None),
                (None, Some((branch, moment))) => {
                    let found = as_of(moment)
                        .ok_or_else(|| wrong(format!("`{moment}` is neither a version nor a time")))?;
                    (Some(branch.to_owned()), Some(found))
                }
            },
        };
        if branch.as_ref().is_some_and(String::is_empty) {
            return Err(wrong("nothing stands after the @".to_owned()));
        }
        side(Place::Table { name: table, branch, as_of }, window)
    }
}

/// A version's number, or a time; a name otherwise.
fn as_of(text: &str) -> Option<AsOf> {
    // Four digits are a version, not a year.
    match text.parse() {
        Ok(version) => Some(AsOf::Version(version)),
        Err(_) => {
            Period::parse(text).map(|period| AsOf::Timestamp(period.start.and_utc().timestamp_micros()))
        }
    }
}

fn is_query(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    text.trim().len() > first.len() && ["select", "with"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// As elsewhere: a name is a file when there is one or when it looks like one.
fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    let before_point = name.split('@').next().unwrap_or_default();
    path.is_file() || before_point.contains(['/', '\\']) || Format::of_path(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DriftSide {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn table(name: &str, branch: Option<&str>, as_of: Option<AsOf>) -> Place {
        Place::Table {
            name: TableName::parse(name, "main").unwrap(),
            branch: branch.map(str::to_owned),
            as_of,
        }
    }

    fn us(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn sides_are_what_they_look_like() {
        assert_eq!(parse("mart.t").place, table("mart.t", None, None));
        assert_eq!(parse("t").place, table("main.t", None, None));
        assert_eq!(parse("mart.t@12").place, table("mart.t", None, Some(AsOf::Version(12))));
        assert_eq!(parse("mart.t@dev/x").place, table("mart.t", Some("dev/x"), None));
        let day = AsOf::Timestamp(us("2013-01-31T00:00:00Z"));
        assert_eq!(parse("mart.t@2013-01-31").place, table("mart.t", None, Some(day)));
        assert_eq!(parse("mart.t@dev@3").place, table("mart.t", Some("dev"), Some(AsOf::Version(3))));
        assert_eq!(parse("a/b.parquet").place, Place::File("a/b.parquet".into()));
        assert_eq!(parse("b.csv[2013]").place, Place::File("b.csv".into()));
        assert!(matches!(parse("select a[1] from t").place, Place::Sql(_)));
        assert!(!parse("x.json").needs_project() && parse("x").needs_project());
        let short = |text: &str| parse(text).short_name();
        assert_eq!(short("a/b.csv[2013-01]"), "b.csv[2013-01]");
        assert_eq!([short("t@dev[2013]"), short("select 1 from t")], ["t@dev[2013]", "query"]);
    }

    #[test]
    fn windows_do_not_have_their_end() {
        let january =
            Window { from_us: Some(us("2013-01-01T00:00:00Z")), until_us: Some(us("2013-02-01T00:00:00Z")) };
        for text in [
            "mart.t@dev[2013-01..2013-02]",
            "t[2013-01]",
            "t[2013-01-01..2013-02-01]",
            "t[2013-01-01T09:00:00+09:00 .. 2013-02-01 00:00]",
        ] {
            assert_eq!(parse(text).window, Some(january), "{text}");
        }
        assert!(january.contains(us("2013-01-31T23:59:59.999999Z")));
        assert!(!january.contains(us("2013-02-01T00:00:00Z")));
        assert_eq!(parse("t[..2013-02]").window, Some(Window { from_us: None, ..january }));
        assert_eq!(parse("t[2012]").window.unwrap().until_us, Some(us("2013-01-01T00:00:00Z")));
        assert_eq!(parse("t[2012-02-29]").window.unwrap().until_us, Some(us("2012-03-01T00:00:00Z")));
    }

    #[test]
    fn what_is_no_side_is_refused() {
        for text in [
            "",
            "a.b.c",
            "t@",
            "t@dev@soon",
            "t[]",
            "t[..]",
            "t[2013-02..2013-01]",
            "t[2013-13]",
            "t[12:00]",
            "t[2013-01-01T10:00]",
            "t[13]",
            "t x",
            "t[2013-1-1-1]",
        ] {
            assert!(text.parse::<DriftSide>().is_err(), "{text}");
        }
    }
}
