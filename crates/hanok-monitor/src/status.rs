//! How monitors stand.

use hanok_query::Session;
use serde::Serialize;

use crate::definition::{Definitions, Rows};
use crate::error::MonitorError;
use crate::history::{History, Row};
use crate::run::choose;
use crate::window::{Span, time_text};

/// A check whose alarm is on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alarm {
    /// The column; none when it is about the rows.
    pub column: Option<String>,
    /// What was looked at.
    pub aspect: String,
    /// The measure that decides.
    pub measure: Option<String>,
    /// Its value in the last window.
    pub value: Option<f64>,
    /// From here on it matters.
    pub threshold: Option<f64>,
    /// The start of the first bad window.
    pub since: Option<String>,
    /// Bad windows since the last good one.
    pub bad_windows: u32,
}

impl Alarm {
    /// None when it is off.
    pub(crate) fn of(row: &Row) -> Option<Self> {
        let state = row.state.filter(|state| state.is_alarming)?;
        Some(Self {
            column: row.check.column.clone(),
            aspect: row.check.aspect.clone(),
            measure: row.check.measure.clone(),
            value: row.check.value,
            threshold: row.check.threshold,
            since: state.since_us.map(time_text),
            bad_windows: state.bad,
        })
    }
}

/// How a monitor stands after the last window that is recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonitorStatus {
    /// Its name.
    pub monitor: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its table; none of a query.
    pub table: Option<String>,
    /// How its windows are cut.
    pub every: String,
    /// The last window; none when none is recorded.
    pub last: Option<Span>,
    /// `new`, `ok`, `pending` (bad windows, but not enough) or `alarming`.
    pub state: &'static str,
    /// The alarms that are on.
    pub alarms: Vec<Alarm>,
    /// Checks of the last window.
    pub checks: u64,
    /// The channels that it alerts.
    pub channels: Vec<String>,
}

/// How monitors stand on the session's branch, all of them when `names` is empty.
pub async fn status(
    session: &Session,
    definitions: &Definitions,
    names: &[String],
) -> Result<Vec<MonitorStatus>, MonitorError> {
    let history = History::new(session)?;
    let mut all = Vec::new();
    for monitor in choose(definitions, names)? {
        let rows = history.last(&monitor.name).await?;
        let has = |name: &str| rows.iter().filter_map(|row| row.state).any(|state| state.name() == name);
        let state = match () {
            () if rows.is_empty() => "new",
            () if has("alarming") => "alarming",
            () if has("pending") => "pending",
            () => "ok",
        };
        let table = match &monitor.rows {
            Rows::Table(name) => Some(name.to_string()),
            Rows::Sql(_) => None,
        };
        all.push(MonitorStatus {
            monitor: monitor.name.to_string(),
            description: monitor.description.clone(),
            table,
            every: monitor.cut.to_string(),
            last: rows.first().map(|row| row.window),
            state,
            alarms: rows.iter().filter_map(Alarm::of).collect(),
            checks: rows.len() as u64,
            channels: monitor.alert.channels.iter().map(ToString::to_string).collect(),
        });
    }
    Ok(all)
}
