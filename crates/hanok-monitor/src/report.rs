//! The report of a window: that of `hanok drift` for the same rows, with the monitor's windows before it as the course over time, its other
//! checks, and its alarms.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hanok_charts::Language;
use hanok_drift::course::{Change, ColumnCourse, Course, Window};
use hanok_drift::{Column, Verdict};
use hanok_report::{AlarmTurn, Checked, DriftReport, Monitored, Side};

use crate::check::{Against, Compared, ROWS, aspect_name};
use crate::definition::{Monitor, Reference, Rows};
use crate::error::MonitorError;
use crate::history::Row;
use crate::performance::{ESTIMATED, PERFORMANCE};
use crate::state::Notice;
use crate::window::{Span, time_text};

/// Windows of a course, the reported one among them.
pub(crate) const WINDOWS_SHOWN: usize = 60;

/// Where one report is to be written, beside those of the definitions.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportFile {
    /// HTML or JSON, by its extension.
    pub path: PathBuf,
    /// The language of HTML.
    pub language: Language,
}

/// What a report tells of.
pub(crate) struct Reported<'a> {
    pub(crate) monitor: &'a Monitor,
    pub(crate) window: Span,
    pub(crate) against: &'a Against,
    /// The version of the window's table.
    pub(crate) version: Option<u64>,
    /// The rows of the last windows, this one the last.
    pub(crate) past: &'a [Vec<Row>],
    /// Now, microseconds since 1970-01-01 UTC.
    pub(crate) now_us: i64,
}

impl Reported<'_> {
    /// The report, without the origins of the rows.
    pub(crate) fn report(&self, compared: Compared) -> DriftReport {
        let name = self.span_name(self.window);
        let title = format!("{}: {name}", self.monitor.name);
        let course = self.course(&compared.report.columns);
        let sides = self.sides(name, compared.rows);
        DriftReport {
            made: Some(time_text(self.now_us - self.now_us.rem_euclid(1_000_000))),
            course: Some(course),
            monitored: Some(self.monitored()),
            ..DriftReport::new(title, sides, compared.report)
        }
    }

    fn span_name(&self, span: Span) -> String {
        self.times(span).join(" – ")
    }

    fn times(&self, span: Span) -> [String; 2] {
        let calendar = self.monitor.calendar();
        [span.start_us, span.end_us].map(|us| calendar.moment(us))
    }

    fn sides(&self, window: String, rows: [u64; 2]) -> [Side; 2] {
        let table = match &self.monitor.rows {
            Rows::Table(name) => Some(name.to_string()),
            Rows::Sql(_) => None,
        };
        let side = |name: String, span: Option<Span>, version: Option<u64>, rows: u64| Side {
            name,
            table: table.clone(),
            version: version.map(|version| version.to_string()),
            time: span.map(|span| self.times(span)),
            rows: Some(rows),
            ..Side::default()
        };
        let (version, profile) = match self.against {
            Against::Rows(reading, _) => (reading.version, None),
            Against::Profile(_) => (None, Some(&self.monitor.reference)),
        };
        let span = self.against.span();
        let name = span.map_or_else(String::new, |span| self.span_name(span));
        let mut reference = side(name, span, version, rows[0]);
        match (profile, &self.monitor.reference) {
            (Some(Reference::Profile(path)), _) => {
                reference.name = path.display().to_string();
                reference.table = None;
            }
            (_, Reference::Fixed { branch: Some(branch), .. }) => {
                let version = reference.version.take();
                reference.version =
                    Some(version.map_or_else(|| branch.clone(), |version| format!("{version}, {branch}")));
            }
            _ => {}
        }
        [reference, side(window, Some(self.window), self.version, rows[1])]
    }

    /// Each column's deciding aspect over the windows.
    fn course(&self, columns: &[Column]) -> Course {
        let seconds = |us: i64| us as f64 / 1e6;
        let windows = self.past.iter().filter_map(|rows| rows.first()).map(|row| Window {
            start: seconds(row.window.start_us),
            end: seconds(row.window.end_us),
            rows: row.check.rows,
        });
        Course {
            windows: windows.collect(),
            columns: columns.iter().filter_map(|column| self.column_course(column)).collect(),
            without_time: 0,
        }
    }

    fn column_course(&self, column: &Column) -> Option<ColumnCourse> {
        let worst = column.worst().filter(|_| column.kinds[0] == column.kinds[1])?;
        let (aspect, threshold) = (aspect_name(worst.what), worst.effect.threshold);
        let found = |rows: &Vec<Row>| rows_of(rows, aspect, Some(&column.name)).cloned();
        let rows: Vec<Option<Row>> = self.past.iter().map(found).collect();
        // Numbers are judged by the worse of two measures: one has as many thresholds as the other had.
        let effect = |row: &Option<Row>| {
            let row = row.as_ref()?;
            Some(row.check.beyond_noise? / row.check.threshold? * threshold)
        };
        let last = rows.last().and_then(Option::as_ref);
        let began = last.filter(|row| row.check.verdict == Verdict::Drifted).and_then(|row| {
            let since_us = row.state?.since_us?;
            let window =
                self.past.iter().position(|rows| rows.iter().any(|row| row.window.start_us >= since_us));
            Some(Change { window: window?, time: since_us as f64 / 1e6, p: row.check.p_adjusted? })
        });
        Some(ColumnCourse {
            name: column.name.clone(),
            what: worst.what,
            measure: worst.effect.measure,
            effects: rows.iter().map(effect).collect(),
            threshold,
            missing: vec![None; rows.len()],
            changes: began.into_iter().collect(),
            began,
        })
    }

    fn monitored(&self) -> Monitored {
        let performance = self.monitor.performance.as_ref();
        let checks = [ROWS, PERFORMANCE, ESTIMATED].into_iter().filter_map(|aspect| {
            let row = self.past.last()?.iter().find(|row| row.check.aspect == aspect)?;
            let column = row.check.column.as_ref();
            let value = |rows: &Vec<Row>| rows_of(rows, aspect, column).and_then(|row| row.check.value);
            Some(Checked {
                aspect: aspect.to_owned(),
                column: column.cloned(),
                metric: performance.filter(|_| aspect != ROWS).map(|performance| performance.metric),
                value: row.check.value,
                verdict: row.check.verdict,
                values: self.past.iter().map(value).collect(),
            })
        });
        let rows = self.past.iter().enumerate().flat_map(|(at, rows)| rows.iter().map(move |row| (at, row)));
        let alarms = rows.filter_map(|(window, row)| {
            Some(AlarmTurn {
                window,
                column: row.check.column.clone(),
                aspect: row.check.aspect.clone(),
                is_on: row.alert? == Notice::Raised,
            })
        });
        let mut alarms: Vec<AlarmTurn> = alarms.collect();
        alarms.sort_by(|a, b| {
            b.window.cmp(&a.window).then_with(|| (&a.column, &a.aspect).cmp(&(&b.column, &b.aspect)))
        });
        let calendar = self.monitor.calendar();
        let windows =
            self.past.iter().filter_map(|rows| Some(calendar.moment(rows.first()?.window.start_us)));
        Monitored {
            monitor: self.monitor.name.to_string(),
            windows: windows.collect(),
            checks: checks.collect(),
            alarms,
        }
    }
}

fn rows_of<'a>(rows: &'a [Row], aspect: &str, column: Option<&String>) -> Option<&'a Row> {
    rows.iter().find(|row| row.check.aspect == aspect && row.check.column.as_ref() == column)
}

/// Writes a report, on a thread that may wait. The file takes its name when it is whole.
pub(crate) async fn write(
    report: &std::sync::Arc<DriftReport>,
    file: ReportFile,
) -> Result<(), MonitorError> {
    let report = report.clone();
    let work = tokio::task::spawn_blocking(move || {
        let is_json = file.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let text = if is_json { report.json()? } else { report.html(file.language)? };
        let refused = |source| MonitorError::Unwritten { path: file.path.display().to_string(), source };
        put(&file.path, text.as_bytes()).map_err(refused)
    });
    work.await.map_err(|error| MonitorError::Worker(error.to_string()))?
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let written = File::create(&partial)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        // What is left of it; the reason is told already.
        let _ = std::fs::remove_file(&partial);
    }
    written
}
