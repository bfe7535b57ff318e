//! A run: which windows, what they show, what is recorded.

mod reports;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use hanok_drift::Verdict;
use hanok_drift::profile::TableProfile;
use hanok_error::{Coded as _, Report};
use hanok_query::{Session, SessionOptions};
use hanok_report::Origin;
use hanok_types::{Id, TableName};
use serde::Serialize;

use crate::check::{Against, Check, Columns, columns_of, compared};
use crate::definition::{Definitions, Monitor, Reference, Rows};
use crate::deliver::{Delivery, deliver};
use crate::error::MonitorError;
use crate::history::{History, Row, Subject};
use crate::read::Reading;
use crate::report::{ReportFile, WINDOWS_SHOWN};
use crate::state::{Notice, State};
use crate::status::Alarm;
use crate::window::{Cut, Span, WINDOWS_MAX, time_text};

/// Windows that are recorded together: what is measured again when the process is killed.
const COMMIT_WINDOWS: usize = 16;

/// Where monitors run.
pub struct Place<'a> {
    /// The project's folder.
    pub folder: &'a Path,
    /// Its name.
    pub name: &'a str,
    /// A file that only one run holds.
    pub lock: &'a Path,
    /// The lake, on the branch that is watched and recorded on.
    pub session: &'a Session,
    /// For references on other branches.
    pub options: SessionOptions,
    /// Where tables' rows came from, for reports.
    pub origins: &'a BTreeMap<TableName, Vec<Origin>>,
    /// The run's id.
    pub run: &'a str,
    /// Now, microseconds since 1970-01-01 UTC.
    pub now_us: i64,
}

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Monitors by name; all when empty.
    pub names: Vec<String>,
    /// The moment at which windows must be complete; now without.
    pub at_us: Option<i64>,
    /// The complete windows in it that are not recorded, instead of those since the last one. Nobody is told of their alerts.
    pub range: Option<Span>,
    /// Nothing is recorded and nobody told, and of reports only [`Request::report`] is written.
    pub is_dry: bool,
    /// Where the last window's report is written: of those of this run, or else of those that are recorded, which then is compared again
    /// with the rows that there are now. For one monitor.
    pub report: Option<ReportFile>,
}

/// A check of a window that stands out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The column; none when it is about the rows.
    pub column: Option<String>,
    /// What was looked at.
    pub aspect: String,
    /// The measure that decides.
    pub measure: Option<String>,
    /// Its value.
    pub value: Option<f64>,
    /// From here on it matters.
    pub threshold: Option<f64>,
    /// The p-value, adjusted for all tests of the window.
    pub p_adjusted: Option<f64>,
    /// Whether this window drifted.
    pub is_bad: bool,
    /// What people are told.
    pub alert: Option<Notice>,
}

/// One window of a monitor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowResult {
    /// When.
    #[serde(flatten)]
    pub window: Span,
    /// Its rows.
    pub rows: u64,
    /// Rows of the reference.
    pub reference_rows: u64,
    /// Checks made.
    pub checks: u64,
    /// Checks for which there were too few rows.
    pub undecided: u64,
    /// Checks that drifted or have an alert.
    pub found: Vec<Found>,
    /// Whether it was looked at in its turn; a window before the last one that is recorded changes no state.
    pub in_turn: bool,
}

/// A report that was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Written {
    /// The file: as it was asked for, or from the project on.
    pub path: String,
    /// The window that it tells of.
    #[serde(flatten)]
    pub window: Span,
}

/// What became of a monitor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Monitored {
    /// Its name.
    pub monitor: String,
    /// Its table; none of a query.
    pub table: Option<String>,
    /// The windows that were looked at, oldest first.
    pub windows: Vec<WindowResult>,
    /// Alarms that are on now.
    pub alarms: Vec<Alarm>,
    /// Whether more windows are due than one run takes.
    pub has_more: bool,
    /// Reports that were written.
    pub reports: Vec<Written>,
    /// Why it could not run to its end.
    pub error: Option<String>,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ran {
    /// The monitors.
    pub monitors: Vec<Monitored>,
    /// Alerts that were sent, or could not be.
    pub deliveries: Vec<Delivery>,
}

impl Ran {
    /// Whether no alarm is on, no monitor failed and everything was delivered.
    pub fn is_healthy(&self) -> bool {
        self.monitors.iter().all(|monitor| monitor.alarms.is_empty() && monitor.error.is_none())
            && self.deliveries.iter().all(|delivery| delivery.error.is_none())
    }
}

/// Runs monitors. A monitor that fails does not keep the others from running; the error is in its result.
///
/// `progress` is told a monitor's name, windows done and windows to do.
pub async fn run(
    place: &Place<'_>,
    definitions: &Definitions,
    request: &Request,
    progress: &(dyn Fn(&str, usize, usize) + Send + Sync),
) -> Result<Ran, MonitorError> {
    let chosen = choose(definitions, &request.names)?;
    let _lock = if request.is_dry { None } else { Some(lock(place.lock)?) };
    let history = History::new(place.session)?;
    let mut ran = Ran::default();
    for monitor in chosen {
        let table = match &monitor.rows {
            Rows::Table(name) => Some(name.to_string()),
            Rows::Sql(_) => None,
        };
        let mut done = Monitored {
            monitor: monitor.name.to_string(),
            table,
            windows: Vec::new(),
            alarms: Vec::new(),
            has_more: false,
            reports: Vec::new(),
            error: None,
        };
        let (past, unwritten) = (Vec::new(), None);
        let mut running =
            Running { place, history: &history, monitor, request, past, unwritten, done: &mut done };
        match running.run(progress).await {
            Ok(()) => {}
            Err(error @ (MonitorError::Busy | MonitorError::History { .. } | MonitorError::Rows(_))) => {
                return Err(error);
            }
            Err(error) => {
                let report = Report::new(&error);
                done.error = Some(format!("{}: {}", error.code(), report.message));
            }
        }
        ran.monitors.push(done);
    }
    if !request.is_dry {
        ran.deliveries = deliver(place, &history, definitions, place.now_us).await?;
    }
    Ok(ran)
}

/// The tables that runs write to.
pub fn tables() -> [String; 2] {
    History::tables()
}

pub(crate) fn choose<'a>(
    definitions: &'a Definitions,
    names: &[String],
) -> Result<Vec<&'a Monitor>, MonitorError> {
    if names.is_empty() {
        return Ok(definitions.monitors.iter().collect());
    }
    let find = |name: &String| definitions.monitors.iter().find(|monitor| monitor.name.as_str() == name);
    let known =
        || definitions.monitors.iter().map(|monitor| monitor.name.to_string()).collect::<Vec<_>>().join(", ");
    let unknown = |name: &String| MonitorError::Unknown { name: name.clone(), known: known() };
    names.iter().map(|name| find(name).ok_or_else(|| unknown(name))).collect()
}

/// Held until dropped; the system lets go of it when the process dies.
fn lock(path: &Path) -> Result<File, MonitorError> {
    let refused = |source| MonitorError::Lock { path: path.display().to_string(), source };
    let file = File::options().create(true).append(true).open(path).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(MonitorError::Busy),
        Err(TryLockError::Error(source)) => Err(refused(source)),
    }
}

/// One monitor of a run.
struct Running<'a> {
    place: &'a Place<'a>,
    history: &'a History<'a>,
    monitor: &'a Monitor,
    request: &'a Request,
    /// The rows of the last windows, the oldest first, when there are reports to write.
    past: Vec<Vec<Row>>,
    /// Why a report was not written, which keeps nothing from being recorded and told.
    unwritten: Option<MonitorError>,
    done: &'a mut Monitored,
}

impl Running<'_> {
    async fn run(
        &mut self,
        progress: &(dyn Fn(&str, usize, usize) + Send + Sync),
    ) -> Result<(), MonitorError> {
        let (monitor, history) = (self.monitor, self.history);
        let last = history.last(&monitor.name).await?;
        let mut last_end_us = last.first().map(|row| row.window.end_us);
        let mut states: BTreeMap<Subject, Row> = last.into_iter().map(|row| (row.subject(), row)).collect();
        self.done.alarms = states.values().filter_map(Alarm::of).collect();
        let current = Arc::new(Reading::open(self.place.session, monitor, None).await?);
        let reference = self.reference(&current).await?;
        let columns = Columns::new(monitor, &reference.columns(&current), &current)?;
        let (spans, has_more) = self.due(&current, last_end_us).await?;
        self.done.has_more = has_more;
        let mut number = history.number(&monitor.name).await?;
        let has_reports = self.has_reports();
        if let Some(first) = spans.first().filter(|_| has_reports) {
            self.past = history.windows(&monitor.name, first.start_us, WINDOWS_SHOWN - 1).await?;
        }
        for chunk in spans.chunks(COMMIT_WINDOWS) {
            let mut rows = Vec::new();
            for span in chunk {
                progress(monitor.name.as_str(), self.done.windows.len(), spans.len());
                let against = self.against(&reference, &current, *span).await?;
                let threads = self.place.options.threads;
                let mut found =
                    compared(monitor, against.clone(), (&current, *span), &columns, threads).await?;
                let in_turn = last_end_us.is_none_or(|end_us| span.start_us >= end_us);
                let (version, checks) = (current.version, std::mem::take(&mut found.checks));
                let judged =
                    self.judge(*span, against.span(), version, checks, in_turn.then_some(&mut states));
                if in_turn {
                    last_end_us = Some(span.end_us);
                }
                self.done.windows.push(summary(*span, &judged, in_turn));
                if has_reports {
                    self.past.push(judged.clone());
                    let files = self.report_files(*span, spans.last() == Some(span));
                    self.report(*span, &against, version, found, files).await;
                }
                rows.extend(judged);
            }
            if !self.request.is_dry {
                number += 1;
                history.record(&monitor.name, number, &rows).await?;
            }
            self.done.alarms = states.values().filter_map(Alarm::of).collect();
        }
        if spans.is_empty() {
            self.report_recorded(&reference, &current, &columns).await?;
        }
        progress(monitor.name.as_str(), spans.len(), spans.len());
        self.unwritten.take().map_or(Ok(()), Err)
    }

    /// What a window is compared with.
    async fn against(
        &self,
        reference: &Base,
        current: &Arc<Reading>,
        window: Span,
    ) -> Result<Against, MonitorError> {
        match reference {
            Base::Same(against) => Ok(against.clone()),
            Base::Before(windows) => self.before(current, window, *windows).await,
        }
    }

    /// What the reference is.
    async fn reference(&self, current: &Arc<Reading>) -> Result<Base, MonitorError> {
        Ok(Base::Same(match &self.monitor.reference {
            Reference::Trailing(windows) => return Ok(Base::Before(*windows)),
            Reference::Fixed { branch: None, as_of: None, span } => Against::Rows(current.clone(), *span),
            Reference::Fixed { branch, as_of, span } => {
                let session = match branch {
                    Some(branch) => {
                        let lake = self.place.session.lake().on_branch(branch).await?;
                        Session::open(&lake, &self.place.options)?
                    }
                    None => self.place.session.clone(),
                };
                Against::Rows(Arc::new(Reading::open(&session, self.monitor, *as_of).await?), *span)
            }
            Reference::Profile(path) => {
                let path = self.place.folder.join(path);
                let refused = |source| MonitorError::Saved { path: path.display().to_string(), source };
                Against::Profile(Arc::new(TableProfile::from_json(&std::fs::read(&path).map_err(refused)?)?))
            }
        }))
    }

    /// The windows to look at, oldest first, and whether there are more than a run takes.
    async fn due(
        &self,
        current: &Reading,
        last_end_us: Option<i64>,
    ) -> Result<(Vec<Span>, bool), MonitorError> {
        let (monitor, range) = (self.monitor, self.request.range);
        let ready_us = self.request.at_us.unwrap_or(self.place.now_us).saturating_sub(monitor.delay_us);
        let (mut spans, has_more) = match monitor.cut {
            Cut::Rows(rows) => self.due_rows(current, rows, ready_us, last_end_us).await?,
            _ => monitor.calendar().due(ready_us, last_end_us, range),
        };
        if let Some(range) = range {
            if spans.is_empty() {
                let (from, to) = (time_text(range.start_us), time_text(range.end_us));
                return Err(MonitorError::Windows { monitor: monitor.name.clone(), from, to });
            }
            let recorded = self.history.recorded(&monitor.name, range).await?;
            spans.retain(|span| !recorded.contains(&span.start_us));
        }
        Ok((spans, has_more))
    }

    /// Windows of rows: each begins where the last one ended and ends before the first row that does not fit, so that rows of one
    /// time stay together.
    async fn due_rows(
        &self,
        current: &Reading,
        rows: u64,
        ready_us: i64,
        last_end_us: Option<i64>,
    ) -> Result<(Vec<Span>, bool), MonitorError> {
        let after_reference = match self.monitor.reference {
            Reference::Fixed { branch: None, as_of: None, span } => span.map(|span| span.end_us),
            _ => None,
        };
        let range = self.request.range;
        let from_us = range.map(|range| range.start_us).or(last_end_us).or(after_reference);
        let end_us = range.map_or(ready_us, |range| ready_us.min(range.end_us));
        let mut spans = Vec::new();
        let mut next = current.time_after(from_us, 0).await?;
        while let Some(start_us) = next {
            let Some(filled_us) = current.time_after(Some(start_us), rows - 1).await? else { break };
            next = current.time_after(Some(filled_us + 1), 0).await?;
            let Some(span) =
                next.map(|end_us| Span { start_us, end_us }).filter(|span| span.end_us <= end_us)
            else {
                break;
            };
            if spans.len() == WINDOWS_MAX {
                return Ok((spans, true));
            }
            spans.push(span);
        }
        Ok((spans, false))
    }

    /// The windows before one, of a trailing reference.
    async fn before(
        &self,
        current: &Arc<Reading>,
        span: Span,
        windows: usize,
    ) -> Result<Against, MonitorError> {
        let start_us = match self.monitor.cut {
            Cut::Rows(rows) => {
                let offset = (windows as u64).saturating_mul(rows) - 1;
                match current.time_before(span.start_us, offset).await? {
                    Some(us) => us,
                    None => current.time_after(None, 0).await?.unwrap_or(span.start_us),
                }
            }
            _ => self
                .monitor
                .calendar()
                .shifted(span, -(windows as i64))
                .map_or(span.start_us, |span| span.start_us),
        };
        Ok(Against::Rows(current.clone(), Some(Span { start_us, end_us: span.start_us })))
    }

    /// Takes checks through their states; without states the window is out of its turn.
    fn judge(
        &self,
        window: Span,
        reference: Option<Span>,
        table_version: Option<u64>,
        checks: Vec<Check>,
        states: Option<&mut BTreeMap<Subject, Row>>,
    ) -> Vec<Row> {
        let rule = &self.monitor.alert.rule;
        // Of windows of the past nobody is told, and so the next window that is bad tells of it.
        let is_silent = self.request.range.is_some();
        let step = |before: State, verdict: Verdict| match before.after(rule, window, verdict) {
            (state, _) if is_silent => (State { alerted_us: before.alerted_us, ..state }, None),
            told => told,
        };
        let row = |check: Check, state: Option<State>, alert: Option<Notice>| Row {
            monitor: self.monitor.name.to_string(),
            run: self.place.run.to_owned(),
            window,
            check,
            reference,
            table_version,
            severity: self.monitor.alert.severity.name().to_owned(),
            state,
            alert,
            alert_id: None,
            recorded_us: self.place.now_us,
        };
        let Some(states) = states else {
            return checks.into_iter().map(|check| row(check, None, None)).collect();
        };
        let rows_of = checks.first().map_or([0, 0], |check| [check.reference_rows, check.rows]);
        let mut judged = Vec::with_capacity(checks.len());
        for check in checks {
            let before = states.remove(&(check.column.clone(), check.aspect.clone()));
            let before = before.and_then(|row| row.state).unwrap_or_default();
            let (state, notice) = step(before, check.standing());
            judged.push(row(check, Some(state), notice));
        }
        // What was checked before and is not now: without rows nothing is known of it; with rows there is no such thing any more.
        let verdict = if rows_of.contains(&0) { Verdict::Undecided } else { Verdict::Stable };
        for ((column, aspect), before) in std::mem::take(states) {
            let Some(before) = before.state else { continue };
            let (state, notice) = step(before, verdict);
            let is_cooling =
                state.alerted_us.is_some_and(|us| window.end_us.saturating_sub(us) < rule.cool_down_us);
            if verdict == Verdict::Undecided || notice.is_some() || state.is_alarming || is_cooling {
                judged.push(row(Check::bare(column, &aspect, verdict, rows_of), Some(state), notice));
            }
        }
        let id = Id::generate().to_string();
        for row in judged.iter_mut().filter(|row| row.alert.is_some()) {
            row.alert_id = Some(id.clone());
        }
        *states = judged.iter().map(|row| (row.subject(), row.clone())).collect();
        judged
    }
}

/// What windows are compared with.
enum Base {
    /// So many windows before each.
    Before(usize),
    /// The same for all.
    Same(Against),
}

impl Base {
    /// Its columns, and whether there are statistics for their types.
    fn columns(&self, current: &Reading) -> Vec<(String, bool)> {
        match self {
            Self::Before(_) => columns_of(&current.schema),
            Self::Same(Against::Rows(reading, _)) => columns_of(&reading.schema),
            Self::Same(Against::Profile(profile)) => {
                let columns = profile.columns().iter().map(|column| (column.name().to_owned(), true));
                columns.chain(profile.skipped().iter().map(|name| (name.clone(), false))).collect()
            }
        }
    }
}

fn summary(window: Span, rows: &[Row], in_turn: bool) -> WindowResult {
    let is_bad = |row: &Row| row.check.verdict == Verdict::Drifted;
    let found = rows.iter().filter(|row| is_bad(row) || row.alert.is_some()).map(|row| Found {
        column: row.check.column.clone(),
        aspect: row.check.aspect.clone(),
        measure: row.check.measure.clone(),
        value: row.check.value,
        threshold: row.check.threshold,
        p_adjusted: row.check.p_adjusted,
        is_bad: is_bad(row),
        alert: row.alert,
    });
    WindowResult {
        window,
        rows: rows.first().map_or(0, |row| row.check.rows),
        reference_rows: rows.first().map_or(0, |row| row.check.reference_rows),
        checks: rows.len() as u64,
        undecided: rows.iter().filter(|row| row.check.verdict == Verdict::Undecided).count() as u64,
        found: found.collect(),
        in_turn,
    }
}
