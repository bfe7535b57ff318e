//! What monitors have found, as tables of the lake.
//!
//! A window of a monitor is recorded in one commit to `monitor.results`: its checks, how each stands after it, and the alerts. The
//! commit carries the application transaction `hanok-monitor:<monitor>`, whose number is one more than the last one's, so that of
//! two processes that saw the same last window only one records the next. `monitor.deliveries` says which alerts reached which
//! channel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use hanok_drift::Verdict;
use hanok_lake::{CommitMode, CommitOptions, TableWriter, WriterOptions};
use hanok_query::Session;
use hanok_types::{Name, TableName};

use crate::check::Check;
use crate::error::MonitorError;
use crate::read::literal;
use crate::state::{Notice, State};
use crate::window::Span;

const SCHEMA: &str = "monitor";
const RESULTS: &str = "results";
const DELIVERIES: &str = "deliveries";
const ALERTS: &str = "alerts";
/// The view of the alerts.
const ALERTS_SQL: &str = "select monitor, alert, severity, column_name, aspect, measure, value, effect_beyond_noise, threshold, \
    p_adjusted, window_start, window_end, since, alert_id, recorded_at from monitor.results where alert is not null";
/// Rows that are read at once; a window of a thousand columns has a few thousand.
const ROWS_MAX: usize = 1_000_000;

/// A row of `monitor.results`: a check of a window, and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) monitor: String,
    pub(crate) run: String,
    pub(crate) window: Span,
    pub(crate) check: Check,
    /// The rows of the reference; none when it has no time.
    pub(crate) reference: Option<Span>,
    pub(crate) table_version: Option<u64>,
    pub(crate) severity: String,
    /// None of windows that were looked at after later ones.
    pub(crate) state: Option<State>,
    pub(crate) alert: Option<Notice>,
    /// The message that tells of it.
    pub(crate) alert_id: Option<String>,
    pub(crate) recorded_us: i64,
}

/// What tells checks of a monitor apart.
pub(crate) type Subject = (Option<String>, String);

impl Row {
    pub(crate) fn subject(&self) -> Subject {
        (self.check.column.clone(), self.check.aspect.clone())
    }
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn schema_of(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn results_schema() -> SchemaRef {
    let (text, number, count, time) = (DataType::Utf8, DataType::Float64, DataType::Int64, time_type());
    schema_of(&[
        ("monitor", text.clone()),
        ("run", text.clone()),
        ("window_start", time.clone()),
        ("window_end", time.clone()),
        ("column_name", text.clone()),
        ("aspect", text.clone()),
        ("measure", text.clone()),
        ("value", number.clone()),
        ("effect_beyond_noise", number.clone()),
        ("threshold", number.clone()),
        ("p", number.clone()),
        ("p_adjusted", number),
        ("verdict", text.clone()),
        ("rows", count.clone()),
        ("reference_rows", count.clone()),
        ("reference_start", time.clone()),
        ("reference_end", time.clone()),
        ("table_version", count.clone()),
        ("severity", text.clone()),
        ("state", text.clone()),
        ("bad_windows", count.clone()),
        ("good_windows", count),
        ("since", time.clone()),
        ("alerted_at", time.clone()),
        ("alert", text.clone()),
        ("alert_id", text),
        ("recorded_at", time),
    ])
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Stable => "stable",
        Verdict::Undecided => "undecided",
        Verdict::Drifted => "drifted",
    }
}

fn texts<'a>(rows: &'a [Row], of: impl Fn(&'a Row) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

fn numbers(rows: &[Row], of: impl Fn(&Row) -> Option<f64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Float64Array>())
}

fn counts(rows: &[Row], of: impl Fn(&Row) -> Option<u64>) -> ArrayRef {
    Arc::new(rows.iter().map(|row| of(row).map(|count| count as i64)).collect::<Int64Array>())
}

fn times(rows: &[Row], of: impl Fn(&Row) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn batch(rows: &[Row]) -> Result<RecordBatch, MonitorError> {
    let state = |row: &Row| row.state;
    let columns = vec![
        texts(rows, |row| Some(&row.monitor)),
        texts(rows, |row| Some(&row.run)),
        times(rows, |row| Some(row.window.start_us)),
        times(rows, |row| Some(row.window.end_us)),
        texts(rows, |row| row.check.column.as_deref()),
        texts(rows, |row| Some(&row.check.aspect)),
        texts(rows, |row| row.check.measure.as_deref()),
        numbers(rows, |row| row.check.value),
        numbers(rows, |row| row.check.beyond_noise),
        numbers(rows, |row| row.check.threshold),
        numbers(rows, |row| row.check.p),
        numbers(rows, |row| row.check.p_adjusted),
        texts(rows, |row| Some(verdict_name(row.check.verdict))),
        counts(rows, |row| Some(row.check.rows)),
        counts(rows, |row| Some(row.check.reference_rows)),
        times(rows, |row| row.reference.map(|span| span.start_us)),
        times(rows, |row| row.reference.map(|span| span.end_us)),
        counts(rows, |row| row.table_version),
        texts(rows, |row| Some(&row.severity)),
        texts(rows, |row| row.state.as_ref().map(State::name)),
        counts(rows, |row| state(row).map(|state| u64::from(state.bad))),
        counts(rows, |row| state(row).map(|state| u64::from(state.good))),
        times(rows, |row| state(row).and_then(|state| state.since_us)),
        times(rows, |row| state(row).and_then(|state| state.alerted_us)),
        texts(rows, |row| row.alert.map(Notice::name)),
        texts(rows, |row| row.alert_id.as_deref()),
        times(rows, |row| Some(row.recorded_us)),
    ];
    Ok(RecordBatch::try_new(results_schema(), columns)?)
}

/// Columns of a result by name, in types that are known.
struct Table<'a> {
    name: &'a TableName,
    batch: RecordBatch,
}

impl Table<'_> {
    fn column(&self, name: &str, data_type: &DataType) -> Result<ArrayRef, MonitorError> {
        let missing = |reason: String| MonitorError::History { table: self.name.to_string(), reason };
        let column =
            self.batch.column_by_name(name).ok_or_else(|| missing(format!("it has no column `{name}`")))?;
        cast(column, data_type).map_err(|error| missing(format!("`{name}`: {error}")))
    }

    fn texts(&self, name: &str) -> Result<Vec<Option<String>>, MonitorError> {
        let column = self.column(name, &DataType::Utf8)?;
        Ok(column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
    }

    fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, MonitorError> {
        Ok(self.column(name, &DataType::Float64)?.as_primitive::<Float64Type>().iter().collect())
    }

    fn counts(&self, name: &str) -> Result<Vec<Option<u64>>, MonitorError> {
        let column = self.column(name, &DataType::Int64)?;
        let column = column.as_primitive::<Int64Type>();
        Ok(column.iter().map(|count| count.and_then(|count| u64::try_from(count).ok())).collect())
    }

    fn times(&self, name: &str) -> Result<Vec<Option<i64>>, MonitorError> {
        Ok(self.column(name, &time_type())?.as_primitive::<TimestampMicrosecondType>().iter().collect())
    }

    fn rows(&self) -> Result<Vec<Row>, MonitorError> {
        let invalid = |what: &str| MonitorError::History {
            table: self.name.to_string(),
            reason: format!("`{what}` has a value that is not understood"),
        };
        let (monitor, run, severity) = (self.texts("monitor")?, self.texts("run")?, self.texts("severity")?);
        let (start, end) = (self.times("window_start")?, self.times("window_end")?);
        let (column, aspect, measure) =
            (self.texts("column_name")?, self.texts("aspect")?, self.texts("measure")?);
        let (value, beyond, threshold) =
            (self.numbers("value")?, self.numbers("effect_beyond_noise")?, self.numbers("threshold")?);
        let (p, p_adjusted, verdict) =
            (self.numbers("p")?, self.numbers("p_adjusted")?, self.texts("verdict")?);
        let (rows, reference_rows) = (self.counts("rows")?, self.counts("reference_rows")?);
        let (reference_start, reference_end) = (self.times("reference_start")?, self.times("reference_end")?);
        let (state, bad, good) =
            (self.texts("state")?, self.counts("bad_windows")?, self.counts("good_windows")?);
        let (since, alerted) = (self.times("since")?, self.times("alerted_at")?);
        let (alert, alert_id) = (self.texts("alert")?, self.texts("alert_id")?);
        let (version, recorded) = (self.counts("table_version")?, self.times("recorded_at")?);
        (0..self.batch.num_rows())
            .map(|at| {
                let text = |column: &[Option<String>], what| column[at].clone().ok_or_else(|| invalid(what));
                let window = start[at].zip(end[at]).ok_or_else(|| invalid("window_start"))?;
                let windows = |count: Option<u64>| u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX);
                let verdict = match verdict[at].as_deref() {
                    Some("stable") => Verdict::Stable,
                    Some("undecided") => Verdict::Undecided,
                    Some("drifted") => Verdict::Drifted,
                    _ => return Err(invalid("verdict")),
                };
                let alert = match alert[at].as_deref() {
                    None => None,
                    Some(text) => Some(Notice::parse(text).ok_or_else(|| invalid("alert"))?),
                };
                Ok(Row {
                    monitor: text(&monitor, "monitor")?,
                    run: text(&run, "run")?,
                    window: Span { start_us: window.0, end_us: window.1 },
                    check: Check {
                        column: column[at].clone(),
                        aspect: text(&aspect, "aspect")?,
                        measure: measure[at].clone(),
                        value: value[at],
                        beyond_noise: beyond[at],
                        threshold: threshold[at],
                        p: p[at],
                        p_adjusted: p_adjusted[at],
                        verdict,
                        rows: rows[at].unwrap_or(0),
                        reference_rows: reference_rows[at].unwrap_or(0),
                    },
                    reference: reference_start[at]
                        .zip(reference_end[at])
                        .map(|(start_us, end_us)| Span { start_us, end_us }),
                    table_version: version[at],
                    severity: text(&severity, "severity")?,
                    state: state[at].as_deref().map(|name| State {
                        is_alarming: name == "alarming",
                        bad: windows(bad[at]),
                        good: windows(good[at]),
                        since_us: since[at],
                        alerted_us: alerted[at],
                    }),
                    alert,
                    alert_id: alert_id[at].clone(),
                    recorded_us: recorded[at].ok_or_else(|| invalid("recorded_at"))?,
                })
            })
            .collect()
    }
}

/// An alert that was sent to a channel, or could not be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) alert_id: String,
    pub(crate) monitor: String,
    pub(crate) channel: String,
    pub(crate) run: String,
    pub(crate) at_us: i64,
    pub(crate) error: Option<String>,
}

fn deliveries_batch(sent: &[Sent]) -> Result<RecordBatch, MonitorError> {
    let text = |of: fn(&Sent) -> Option<&str>| -> ArrayRef {
        Arc::new(sent.iter().map(of).collect::<StringArray>())
    };
    let times: TimestampMicrosecondArray = sent.iter().map(|sent| Some(sent.at_us)).collect();
    let delivered: BooleanArray = sent.iter().map(|sent| Some(sent.error.is_none())).collect();
    let schema = schema_of(&[
        ("alert_id", DataType::Utf8),
        ("monitor", DataType::Utf8),
        ("channel", DataType::Utf8),
        ("sent_at", time_type()),
        ("delivered", DataType::Boolean),
        ("error", DataType::Utf8),
        ("run", DataType::Utf8),
    ]);
    let columns = vec![
        text(|sent| Some(&sent.alert_id)),
        text(|sent| Some(&sent.monitor)),
        text(|sent| Some(&sent.channel)),
        Arc::new(times.with_timezone("UTC")),
        Arc::new(delivered),
        text(|sent| sent.error.as_deref()),
        text(|sent| Some(&sent.run)),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The history of a branch.
pub(crate) struct History<'a> {
    session: &'a Session,
    results: TableName,
    deliveries: TableName,
}

impl<'a> History<'a> {
    pub(crate) fn new(session: &'a Session) -> Result<Self, MonitorError> {
        let table = |name| TableName::new(SCHEMA, name);
        Ok(Self { session, results: table(RESULTS)?, deliveries: table(DELIVERIES)? })
    }

    /// The tables that it writes to.
    pub(crate) fn tables() -> [String; 2] {
        [RESULTS, DELIVERIES].map(|name| format!("{SCHEMA}.{name}"))
    }

    async fn read(&self, name: &TableName, rest: &str) -> Result<Option<RecordBatch>, MonitorError> {
        if self.session.lake().find(name).await?.is_none() {
            return Ok(None);
        }
        let stream = self.session.sql(&format!("select * from {name} where {rest} limit {ROWS_MAX}")).await?;
        let schema = stream.schema();
        let batches = stream.collect().await?;
        Ok(Some(arrow::compute::concat_batches(&schema, &batches)?))
    }

    async fn rows(&self, rest: &str) -> Result<Vec<Row>, MonitorError> {
        match self.read(&self.results, rest).await? {
            Some(batch) => Table { name: &self.results, batch }.rows(),
            None => Ok(Vec::new()),
        }
    }

    /// How each check of a monitor stands, by the last window that was recorded in its turn; nothing when none is.
    pub(crate) async fn last(&self, monitor: &Name) -> Result<Vec<Row>, MonitorError> {
        let monitor = literal(monitor.as_str());
        let last = format!(
            "select max(window_end) from {} where monitor = {monitor} and state is not null",
            self.results
        );
        self.rows(&format!("monitor = {monitor} and state is not null and window_end = ({last})")).await
    }

    /// The last windows of a monitor that end by a time, so many of them, the oldest first; the rows of each.
    pub(crate) async fn windows(
        &self,
        monitor: &Name,
        until_us: i64,
        count: usize,
    ) -> Result<Vec<Vec<Row>>, MonitorError> {
        let those = format!(
            "monitor = {} and window_end <= to_timestamp_micros({until_us})",
            literal(monitor.as_str())
        );
        let first = format!(
            "select min(window_start) from (select distinct window_start from {} where {those} order by window_start desc limit {count})",
            self.results
        );
        let mut windows: BTreeMap<Span, Vec<Row>> = BTreeMap::new();
        for row in self.rows(&format!("{those} and window_start >= ({first})")).await? {
            windows.entry(row.window).or_default().push(row);
        }
        Ok(windows.into_values().collect())
    }

    /// The starts of the windows in a range that are recorded.
    pub(crate) async fn recorded(&self, monitor: &Name, range: Span) -> Result<BTreeSet<i64>, MonitorError> {
        let rest = format!(
            "monitor = {} and aspect = 'rows' and window_start >= to_timestamp_micros({}) and window_start < to_timestamp_micros({})",
            literal(monitor.as_str()),
            range.start_us,
            range.end_us
        );
        Ok(self.rows(&rest).await?.into_iter().map(|row| row.window.start_us).collect())
    }

    /// The number of a monitor's last commit.
    pub(crate) async fn number(&self, monitor: &Name) -> Result<i64, MonitorError> {
        let Some(table) = self.session.lake().find(&self.results).await? else { return Ok(0) };
        Ok(table.application_version(&application(monitor)).await?.unwrap_or(0))
    }

    /// Records windows of a monitor, as its commit of that number.
    ///
    /// # Errors
    /// [`MonitorError::Busy`] when another process made that commit.
    pub(crate) async fn record(&self, monitor: &Name, number: i64, rows: &[Row]) -> Result<(), MonitorError> {
        let options = CommitOptions {
            applications: vec![(application(monitor), number)],
            evolve: true,
            info: [("hanok.monitor".to_owned(), monitor.to_string().into())].into(),
            ..CommitOptions::default()
        };
        if !self.append(&self.results, batch(rows)?, &options).await? {
            return Err(MonitorError::Busy);
        }
        let alerts = TableName::new(SCHEMA, ALERTS)?;
        if self.session.lake().records().await?.iter().all(|record| record.name != alerts) {
            self.session.lake().put_view(&alerts, ALERTS_SQL).await?;
        }
        Ok(())
    }

    async fn append(
        &self,
        name: &TableName,
        batch: RecordBatch,
        options: &CommitOptions,
    ) -> Result<bool, MonitorError> {
        let mut table = self.session.lake().table_for_write(name).await?;
        let mut writer = TableWriter::new(&table, &batch.schema(), WriterOptions::default())?;
        writer.write(batch).await?;
        let staged = writer.finish().await?;
        Ok(table.commit(staged, CommitMode::Append, options).await?.fresh)
    }

    /// Alerts that were recorded since a time and are to be told, by message.
    pub(crate) async fn alerts(&self, since_us: i64) -> Result<BTreeMap<String, Vec<Row>>, MonitorError> {
        let rest = format!("alert_id is not null and recorded_at >= to_timestamp_micros({since_us})");
        let mut alerts: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in self.rows(&rest).await? {
            alerts.entry(row.alert_id.clone().unwrap_or_default()).or_default().push(row);
        }
        for rows in alerts.values_mut() {
            rows.sort_by_key(Row::subject);
        }
        Ok(alerts)
    }

    /// What was delivered since a time: messages and their channels.
    pub(crate) async fn delivered(&self, since_us: i64) -> Result<BTreeSet<(String, String)>, MonitorError> {
        let rest = format!("delivered and sent_at >= to_timestamp_micros({since_us})");
        let Some(batch) = self.read(&self.deliveries, &rest).await? else { return Ok(BTreeSet::new()) };
        let table = Table { name: &self.deliveries, batch };
        let pairs = table.texts("alert_id")?.into_iter().zip(table.texts("channel")?);
        Ok(pairs.filter_map(|(alert, channel)| alert.zip(channel)).collect())
    }

    /// Records what was sent.
    pub(crate) async fn sent(&self, sent: &[Sent]) -> Result<(), MonitorError> {
        let options = CommitOptions { evolve: true, ..CommitOptions::default() };
        self.append(&self.deliveries, deliveries_batch(sent)?, &options).await.map(drop)
    }
}

fn application(monitor: &Name) -> String {
    format!("hanok-monitor:{monitor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were() {
        let name = TableName::new(SCHEMA, RESULTS).unwrap();
        let window = Span { start_us: -5, end_us: 86_400_000_000 };
        let full = Row {
            monitor: "출발".into(),
            run: "r".into(),
            window,
            check: Check {
                column: Some("지연 \"x\"".into()),
                aspect: "values".into(),
                measure: Some("wasserstein_scaled".into()),
                value: Some(f64::INFINITY),
                beyond_noise: Some(0.25),
                threshold: Some(0.2),
                p: Some(1e-300),
                p_adjusted: Some(1.0),
                verdict: Verdict::Drifted,
                rows: 3,
                reference_rows: u64::from(u32::MAX),
            },
            reference: Some(window),
            table_version: Some(7),
            severity: "warning".into(),
            state: Some(State {
                is_alarming: true,
                bad: 2,
                good: 0,
                since_us: Some(-5),
                alerted_us: Some(9),
            }),
            alert: Some(Notice::Raised),
            alert_id: Some("01".into()),
            recorded_us: 1,
        };
        let bare = Row {
            check: Check::bare(None, "rows", Verdict::Undecided, [0, 0]),
            reference: None,
            table_version: None,
            state: None,
            alert: None,
            alert_id: None,
            ..full.clone()
        };
        let pending = Row { state: Some(State { bad: 1, ..State::default() }), ..bare.clone() };
        let rows = vec![full, bare, pending];
        let table = Table { name: &name, batch: batch(&rows).unwrap() };
        assert_eq!(table.rows().unwrap(), rows);
    }
}
