//! `monitors/*.yaml`: what to watch, against what, and whom to tell.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use hanok_config::{read_yaml, yaml_files};
use hanok_drift::Options;
use hanok_drift::outputs::{Metric, Task};
use hanok_lake::AsOf;
use hanok_types::{Name, TableName, parse_duration, parse_time};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::alert::{Language, Severity};
use crate::channel::Channel;
use crate::error::DefinitionError;
use crate::state::Rule;
use crate::window::{Calendar, Cut, Span, WINDOWS_MAX};

/// The folder of the definitions.
const FOLDER: &str = "monitors";

/// Everything that `monitors/*.yaml` says.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// The monitors, in the order of the files.
    pub monitors: Vec<Monitor>,
    /// Where alerts go.
    pub channels: Vec<Channel>,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// A table or view.
    Table(TableName),
    /// A query.
    Sql(String),
}

/// What windows are compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// So many windows before each.
    Trailing(usize),
    /// The same rows for all windows.
    Fixed {
        /// The branch or tag to read; the monitor's own without.
        branch: Option<String>,
        /// The table as it was.
        as_of: Option<AsOf>,
        /// Only these rows; all without.
        span: Option<Span>,
    },
    /// A saved profile, whose path is relative to the project.
    Profile(PathBuf),
}

/// Predictions to compare with what came true.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "PerformanceFile")]
pub struct Performance {
    /// The column of predictions: numbers, or probabilities of one class.
    pub prediction: String,
    /// The column of what came true: a number, or whether it was the class; null where that is not known yet.
    pub label: String,
    /// What the predictions are.
    pub task: Task,
    /// What decides.
    pub metric: Metric,
    /// How much worse than in the reference matters, in the metric's unit; `None` for 0.05 of metrics from 0 to 1 and of R², and for a
    /// tenth of the reference's value of the others.
    pub margin: Option<f64>,
    /// From which probability on the class is predicted.
    pub threshold: f64,
    /// Of a regression what its errors are learnt from; without it the compared columns but for the prediction and the label.
    pub features: Option<Vec<String>>,
}

/// Where reports of windows are written: HTML or JSON, by the extension.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportPath(String);

/// What stands for a window in a [`ReportPath`].
const WINDOW: &str = "{window}";

impl ReportPath {
    fn parse(text: &str) -> Result<Self, String> {
        let extension = Path::new(text).extension().unwrap_or_default();
        if !["html", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            return Err(format!("the report `{text}` must end in .html or .json"));
        }
        if text.replace(WINDOW, "").contains(['{', '}']) {
            return Err(format!("the report `{text}` can have {WINDOW} in it and no other braces"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path for a window, relative to the project.
    pub(crate) fn of(&self, calendar: Calendar, window: Span) -> String {
        self.0.replace(WINDOW, &calendar.label(window.start_us))
    }
}

/// Whom to tell, and when.
#[derive(Clone, Debug)]
pub struct AlertRule {
    /// Hysteresis and cool-down.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// The language of the texts.
    pub language: Language,
    /// Names of channels.
    pub channels: Vec<Name>,
}

/// A monitor.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "MonitorFile")]
pub struct Monitor {
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub description: Option<String>,
    /// What it watches.
    pub rows: Rows,
    /// The column of times that windows are cut by.
    pub time: String,
    /// The windows.
    pub cut: Cut,
    /// The zone in which days, weeks, months and years begin.
    pub zone: Tz,
    /// How long after its end a window is complete, microseconds.
    pub delay_us: i64,
    /// What it is compared with.
    pub reference: Reference,
    /// Only these columns; all without.
    pub columns: Option<BTreeSet<String>>,
    /// Not these columns.
    pub exclude: BTreeSet<String>,
    /// What counts as drift.
    pub options: Options,
    /// A window of fewer rows is bad.
    pub rows_min: u64,
    /// Predictions, if the rows have any.
    pub performance: Option<Performance>,
    /// Where each window's report is written, if anywhere.
    pub report: Option<ReportPath>,
    /// When to alert and whom.
    pub alert: AlertRule,
}

impl Monitor {
    pub(crate) fn calendar(&self) -> Calendar {
        Calendar { cut: self.cut, zone: self.zone }
    }

    /// Where the report of a window is written, relative to the project.
    pub(crate) fn report_of(&self, window: Span) -> Option<String> {
        self.report.as_ref().map(|path| path.of(self.calendar(), window))
    }
}

/// Reads all monitors of a project, in the order of the files' names.
///
/// # Errors
/// [`DefinitionError`] with file, line and column for anything that is not understood; unknown fields are errors.
pub fn read_definitions(project: &Path) -> Result<Definitions, DefinitionError> {
    let mut all = Definitions::default();
    for path in yaml_files(&project.join(FOLDER))? {
        let file: File = read_yaml(&path)?;
        let twice =
            |what, name: &Name| DefinitionError::Twice { what, name: name.clone(), path: path.clone() };
        for channel in file.channels.unwrap_or_default() {
            if all.channels.iter().any(|other| other.name == channel.name) {
                return Err(twice("channel", &channel.name));
            }
            all.channels.push(channel);
        }
        for monitor in file.monitors.unwrap_or_default() {
            if all.monitors.iter().any(|other| other.name == monitor.name) {
                return Err(twice("monitor", &monitor.name));
            }
            all.monitors.push(monitor);
        }
    }
    for monitor in &all.monitors {
        let is_known = |name: &&Name| all.channels.iter().any(|channel| channel.name == **name);
        if let Some(channel) = monitor.alert.channels.iter().find(|name| !is_known(name)) {
            return Err(DefinitionError::Channel { monitor: monitor.name.clone(), channel: channel.clone() });
        }
    }
    Ok(all)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    channels: Option<Vec<Channel>>,
    monitors: Option<Vec<Monitor>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MonitorFile {
    name: Name,
    description: Option<String>,
    table: Option<TableText>,
    sql: Option<String>,
    time: String,
    window: CutText,
    time_zone: Option<ZoneText>,
    #[serde(default)]
    delay: DurationText,
    reference: ReferenceFile,
    columns: Option<BTreeSet<String>>,
    #[serde(default)]
    exclude: BTreeSet<String>,
    #[serde(default)]
    thresholds: Thresholds,
    rows_min: Option<u64>,
    performance: Option<Performance>,
    report: Option<ReportText>,
    #[serde(default)]
    alert: AlertFile,
}

impl TryFrom<MonitorFile> for Monitor {
    type Error = String;

    fn try_from(file: MonitorFile) -> Result<Self, String> {
        let rows = match (file.table, file.sql) {
            (Some(table), None) => Rows::Table(table.0),
            (None, Some(sql)) => Rows::Sql(sql.trim().trim_end_matches(';').to_owned()),
            _ => return Err("a monitor has a `table` or a `sql`".to_owned()),
        };
        let zone = file.time_zone.map_or(Tz::UTC, |zone| zone.0);
        let reference = file.reference.resolve(zone)?;
        if matches!(rows, Rows::Sql(_)) && matches!(reference, Reference::Fixed { as_of: Some(_), .. }) {
            return Err("a query has no versions: write `for version as of` into it".to_owned());
        }
        if file.performance.is_some() && matches!(reference, Reference::Profile(_)) {
            return Err("a profile has no rows to measure performance on".to_owned());
        }
        let options = file.thresholds.options();
        options.checked().map_err(|error| error.to_string())?;
        Ok(Self {
            name: file.name,
            description: file.description,
            rows,
            time: file.time,
            cut: file.window.0,
            zone,
            delay_us: file.delay.0,
            reference,
            columns: file.columns,
            exclude: file.exclude,
            options,
            rows_min: file.rows_min.unwrap_or(1),
            performance: file.performance,
            report: file.report.map(|path| path.0),
            alert: file.alert.resolve()?,
        })
    }
}

/// Each is the field of [`Options`] of that name.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Thresholds {
    alpha: Option<f64>,
    power: Option<f64>,
    kolmogorov_smirnov: Option<f64>,
    wasserstein_scaled: Option<f64>,
    le_cam: Option<f64>,
    missing: Option<f64>,
    outside: Option<f64>,
    categories: Option<usize>,
}

impl Thresholds {
    fn options(&self) -> Options {
        let defaults = Options::default();
        Options {
            alpha: self.alpha.unwrap_or(defaults.alpha),
            power: self.power.unwrap_or(defaults.power),
            kolmogorov_smirnov: self.kolmogorov_smirnov.unwrap_or(defaults.kolmogorov_smirnov),
            wasserstein_scaled: self.wasserstein_scaled.unwrap_or(defaults.wasserstein_scaled),
            le_cam: self.le_cam.unwrap_or(defaults.le_cam),
            missing: self.missing.unwrap_or(defaults.missing),
            outside: self.outside.unwrap_or(defaults.outside),
            categories: self.categories.unwrap_or(defaults.categories),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceFile {
    trailing: Option<usize>,
    branch: Option<String>,
    version: Option<u64>,
    profile: Option<PathBuf>,
    from: Option<TimeText>,
    to: Option<TimeText>,
}

impl ReferenceFile {
    fn resolve(self, zone: Tz) -> Result<Reference, String> {
        let us = |time: Option<TimeText>| time.map(|time| time.0.us(zone)).transpose();
        let span = match (us(self.from)?, us(self.to)?) {
            (None, None) => None,
            (Some(start_us), Some(end_us)) if start_us < end_us => Some(Span { start_us, end_us }),
            (Some(_), Some(_)) => return Err("a reference's `from` must be before its `to`".to_owned()),
            _ => return Err("a reference has both `from` and `to`, or neither".to_owned()),
        };
        if let Some(path) = self.profile {
            return match (self.trailing, self.branch, self.version, span) {
                (None, None, None, None) => Ok(Reference::Profile(path)),
                _ => Err("`profile` goes with no other field of a reference".to_owned()),
            };
        }
        match (self.trailing, self.branch, self.version, span) {
            (Some(windows), None, None, None) if (1..=WINDOWS_MAX).contains(&windows) => {
                Ok(Reference::Trailing(windows))
            }
            (Some(_), None, None, None) => Err(format!("`trailing` must be from 1 to {WINDOWS_MAX} windows")),
            (None, None, None, None) => {
                Err("a reference needs `from` and `to`, `trailing`, `branch`, `version` or `profile`"
                    .to_owned())
            }
            (None, branch, version, span) => {
                Ok(Reference::Fixed { branch, as_of: version.map(AsOf::Version), span })
            }
            _ => Err("`trailing` goes with no other field of a reference".to_owned()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PerformanceFile {
    prediction: String,
    label: String,
    task: TaskText,
    metric: Option<String>,
    margin: Option<f64>,
    threshold: Option<f64>,
    features: Option<Vec<String>>,
}

impl TryFrom<PerformanceFile> for Performance {
    type Error = String;

    fn try_from(file: PerformanceFile) -> Result<Self, String> {
        let metrics = Metric::of(file.task.0);
        let named = |name: &String| metrics.iter().find(|metric| metric.name() == name);
        let metric = match &file.metric {
            Some(name) => named(name).ok_or_else(|| {
                let names: Vec<_> = metrics.iter().map(|metric| metric.name()).collect();
                format!("`{name}` is no metric of this task; there are {}", names.join(", "))
            })?,
            None => &metrics[0],
        };
        let threshold = file.threshold.unwrap_or(0.5);
        if !(0.0..=1.0).contains(&threshold)
            || file.margin.is_some_and(|margin| !(margin > 0.0 && margin.is_finite()))
        {
            return Err("a `margin` is above 0, a `threshold` from 0 to 1".to_owned());
        }
        let PerformanceFile { prediction, label, task, margin, features, .. } = file;
        if features.is_some() && task.0 != Task::Regression {
            return Err("`features` are for a regression, whose errors are learnt from them".to_owned());
        }
        if features.iter().flatten().any(|name| *name == prediction || *name == label) {
            return Err("`features` name neither the prediction nor the label".to_owned());
        }
        Ok(Self { prediction, label, task: task.0, metric: *metric, margin, threshold, features })
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct AlertFile {
    after: Option<u32>,
    clear_after: Option<u32>,
    cool_down: DurationText,
    severity: Severity,
    language: Language,
    channels: Vec<Name>,
}

impl AlertFile {
    fn resolve(self) -> Result<AlertRule, String> {
        let windows = |name: &str, count: Option<u32>| match count.unwrap_or(1) {
            0 => Err(format!("`{name}` must be at least 1 window")),
            count => Ok(count),
        };
        let rule = Rule {
            after: windows("after", self.after)?,
            clear_after: windows("clear_after", self.clear_after)?,
            cool_down_us: self.cool_down.0,
        };
        Ok(AlertRule { rule, severity: self.severity, language: self.language, channels: self.channels })
    }
}

/// Deserializes by a function of the text, which keeps the place of errors.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $parse:expr;)*) => {$(
        $(#[$doc])*
        struct $name($inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let parse: fn(&str) -> Result<$inner, String> = $parse;
                parse(&text).map(Self).map_err(D::Error::custom)
            }
        }
    )*};
}

texts! {
    /// `schema.table`.
    TableText(TableName) = |text| TableName::parse(text, "main").map_err(|error| error.to_string());
    /// `2013-01-31` and the like.
    TimeText(Written) = Written::parse;
    /// `7d` and the like.
    #[derive(Default)]
    DurationText(i64) = parse_duration;
    /// `regression` or `binary`.
    TaskText(Task) = |text| match text {
        "regression" => Ok(Task::Regression),
        "binary" => Ok(Task::Binary),
        _ => Err(format!("`{text}` is not regression or binary")),
    };
    /// A path with `{window}` in it.
    ReportText(ReportPath) = ReportPath::parse;
    /// A name of the IANA database.
    ZoneText(Tz) = |text| text.parse().map_err(|_| format!("`{text}` is no time zone such as Asia/Seoul"));
}

/// A time as it is written; without a zone it is the monitor's.
struct Written {
    us: i64,
    is_local: bool,
}

impl Written {
    fn parse(text: &str) -> Result<Self, String> {
        let us = parse_time(text).map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Self { us, is_local: DateTime::parse_from_rfc3339(text).is_err() })
    }

    fn us(&self, zone: Tz) -> Result<i64, String> {
        if !self.is_local {
            return Ok(self.us);
        }
        let local = DateTime::from_timestamp_micros(self.us).map(|time| time.naive_utc());
        let there = local.and_then(|local| zone.from_local_datetime(&local).earliest());
        there.map(|time| time.timestamp_micros()).ok_or_else(|| format!("there is no such time in {zone}"))
    }
}

/// `day`, `week`, `month`, `quarter`, `year`, a duration, or a map with `rows`.
struct CutText(Cut);

impl<'de> Deserialize<'de> for CutText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct ByRows {
            rows: u64,
        }
        struct CutVisitor;
        impl<'de> Visitor<'de> for CutVisitor {
            type Value = CutText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("day, week, month, quarter, year, a duration such as 7d, or a map with `rows`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<CutText, E> {
                Ok(CutText(match text {
                    "day" => Cut::Day,
                    "week" => Cut::Week,
                    "month" => Cut::Month,
                    "quarter" => Cut::Quarter,
                    "year" => Cut::Year,
                    _ => match parse_duration(text) {
                        Ok(us) if us > 0 => Cut::Every(us),
                        _ => {
                            return Err(E::custom(format!(
                                "`{text}` is not a window: write day, week, month, quarter, year, or a duration such as 7d"
                            )));
                        }
                    },
                }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CutText, A::Error> {
                let ByRows { rows } = ByRows::deserialize(MapAccessDeserializer::new(map))?;
                if rows == 0 {
                    return Err(A::Error::custom("a window has at least 1 row"));
                }
                Ok(CutText(Cut::Rows(rows)))
            }
        }
        deserializer.deserialize_any(CutVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hanok_error::Coded as _;

    fn read(yaml: &str) -> Result<Definitions, DefinitionError> {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir(project.path().join("monitors")).unwrap();
        std::fs::write(project.path().join("monitors/a.yaml"), yaml).unwrap();
        read_definitions(project.path())
    }

    #[test]
    fn a_whole_definition() {
        let read = read(
            "channels:\n  - { name: log, file: alerts.jsonl }\nmonitors:\n  - name: visits\n    description: How busy\n    table: mart.visits\n    \
             time: at\n    window: week\n    time_zone: Asia/Seoul\n    delay: 12h\n    reference: { trailing: 4 }\n    exclude: [id]\n    \
             thresholds: { missing: 0.2 }\n    rows_min: 10\n    alert: { after: 2, clear_after: 3, cool_down: 7d, severity: critical, \
             language: ko, channels: [log] }\n  - name: b\n    sql: select * from t;\n    time: at\n    window: { rows: 1000 }\n    \
             time_zone: America/New_York\n    reference: { branch: prod, from: 2013-01-01, to: 2013-02-01T05:00:00Z }\n    columns: [x]\n",
        )
        .unwrap();
        let [a, b] = &read.monitors[..] else { panic!("{read:?}") };
        assert_eq!((a.cut, a.zone, a.delay_us), (Cut::Week, Tz::Asia__Seoul, 43_200_000_000));
        assert_eq!(a.reference, Reference::Trailing(4));
        assert_eq!((a.options.missing, a.options.le_cam), (0.2, Options::default().le_cam));
        let rule = Rule { after: 2, clear_after: 3, cool_down_us: 604_800_000_000 };
        assert_eq!(
            (a.alert.rule, a.alert.severity, a.alert.language),
            (rule, Severity::Critical, Language::Ko)
        );
        assert_eq!((a.rows_min, &a.rows), (10, &Rows::Table(TableName::new("mart", "visits").unwrap())));
        assert_eq!((b.cut, &b.rows), (Cut::Rows(1000), &Rows::Sql("select * from t".to_owned())));
        let Reference::Fixed { branch: Some(branch), as_of: None, span: Some(span) } = &b.reference else {
            panic!("{b:?}")
        };
        assert_eq!((branch.as_str(), span.end_us - span.start_us), ("prod", 31 * 86_400_000_000));
        assert_eq!(b.columns.as_ref().unwrap().len(), 1);
        assert_eq!((b.rows_min, b.alert.rule.after, b.alert.channels.len()), (1, 1, 0));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let monitor = |line: &str| {
            format!(
                "monitors:\n  - name: a\n    table: t\n    time: at\n    window: day\n    reference: {{ trailing: 1 }}\n    {line}\n"
            )
        };
        let replaced = |from: &str, to: &str| monitor("description: x").replace(from, to);
        for (yaml, line, part) in [
            (monitor("colour: red"), Some(7), "colour"),
            (replaced("window: day", "window: fortnight"), Some(5), "fortnight"),
            (replaced("window: day", "window: { rows: 0 }"), Some(5), "1 row"),
            (monitor("time_zone: Asia/Seul"), Some(7), "Asia/Seul"),
            (monitor("delay: soon"), Some(7), "soon"),
            (monitor("thresholds: { missing: 0 }"), None, "missing"),
            (monitor("thresholds: { mising: 1 }"), Some(7), "mising"),
            (monitor("alert: { after: 0 }"), None, "after"),
            (monitor("alert: { severity: loud }"), Some(7), "loud"),
            (monitor("sql: select 1"), None, "`table` or a `sql`"),
            (replaced("{ trailing: 1 }", "{ trailing: 0 }"), None, "trailing"),
            (replaced("{ trailing: 1 }", "{ trailing: 1, branch: x }"), None, "trailing"),
            (replaced("{ trailing: 1 }", "{ from: 2013-02-01, to: 2013-01-01 }"), None, "before"),
            (replaced("{ trailing: 1 }", "{ from: yesterday, to: 2013-01-01 }"), Some(6), "yesterday"),
            (replaced("{ trailing: 1 }", "{}"), None, "reference"),
            (monitor("report: reports/a.pdf"), Some(7), ".html"),
            (monitor("report: \"a-{day}.html\""), Some(7), "{window}"),
            ("channels:\n  - { name: a }\n".to_owned(), Some(2), "file"),
            ("channels:\n  - { name: a, webhook: { url: \"ftp://x\" } }\n".to_owned(), Some(2), "ftp"),
        ] {
            let error = read(&yaml).unwrap_err();
            let place = error.place().unwrap();
            let wanted = line.map_or("a.yaml".to_owned(), |line| format!("a.yaml:{line}:"));
            assert!(place.contains(&wanted), "{yaml}: {place}: {error}");
            assert!(error.to_string().contains(part), "{yaml}: {error}");
        }
        let performance =
            |fields: &str| monitor(&format!("performance: {{ prediction: p, label: y, {fields} }}"));
        let read_one = |yaml: &str| read(yaml).map(|read| read.monitors[0].clone());
        let found = read_one(&performance("task: binary, margin: 0.1")).unwrap().performance.unwrap();
        assert_eq!((found.metric, found.margin, found.threshold), (Metric::Auc, Some(0.1), 0.5));
        for fields in [
            "task: ranking",
            "task: binary, metric: rmse",
            "task: regression, margin: 0",
            "task: binary, features: [x]",
            "task: regression, features: [x, y]",
        ] {
            assert!(read(&performance(fields)).is_err(), "{fields}");
        }
        let profile = replaced("{ trailing: 1 }", "{ profile: a.json }");
        assert_eq!(read_one(&profile).unwrap().reference, Reference::Profile("a.json".into()));
        assert!(read(&replaced("{ trailing: 1 }", "{ profile: a.json, version: 1 }")).is_err());
        let report =
            |line: &str| read_one(&monitor(line)).unwrap().report_of(Span { start_us: 0, end_us: 1 });
        assert_eq!(report("report: \"a/{window}.html\"").unwrap(), "a/1970-01-01.html");
        assert_eq!(report("report: newest.JSON").unwrap(), "newest.JSON");
        assert_eq!(report("rows_min: 1"), None);
        // A list whose entries are all commented out.
        assert!(read("channels:\nmonitors:\n").unwrap().monitors.is_empty());
        let twice =
            format!("{}{}", monitor("rows_min: 1"), monitor("rows_min: 1").trim_start_matches("monitors:\n"));
        assert!(matches!(read(&twice), Err(DefinitionError::Twice { what: "monitor", .. })));
        let unknown = read(&monitor("alert: { channels: [mail] }"));
        assert!(matches!(unknown, Err(DefinitionError::Channel { .. })), "{unknown:?}");
    }
}
