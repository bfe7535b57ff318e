//! What only the caller of a report knows.

use hanok_drift::Verdict;
use hanok_drift::outputs::Metric;
use serde::Serialize;

/// One side of a comparison. What is not known is `None` and not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Side {
    /// What it is called in the report, e.g. `January` or `flights@12`.
    pub name: String,
    /// The table, file or saved profile.
    pub table: Option<String>,
    /// The version, branch or commit of it.
    pub version: Option<String>,
    /// Its first and last moment.
    pub time: Option<[String; 2]>,
    /// The condition that its rows fulfil.
    pub filter: Option<String>,
    /// Its rows.
    pub rows: Option<u64>,
    /// SHA-256 of its contents.
    pub hash: Option<String>,
}

/// How much columns matter to a predictive model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Importance {
    /// The model.
    pub model: String,
    /// Columns with their mean absolute contributions, in any order.
    pub columns: Vec<(String, f64)>,
}

/// Where rows came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Origin {
    /// The side's place: 0 for the reference; `None` for both.
    pub side: Option<usize>,
    /// Columns that came from there; empty for all.
    pub columns: Vec<String>,
    /// The source, e.g. a file or a connection.
    pub source: String,
    /// The load or run that brought them.
    pub load: Option<String>,
    /// When.
    pub at: Option<String>,
    /// How many rows.
    pub rows: Option<u64>,
}

/// What a monitor says beside the comparison of one window: its course are the windows before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Monitored {
    /// The monitor.
    pub monitor: String,
    /// Where the windows of the course begin, as people of the monitor's time zone write it.
    pub windows: Vec<String>,
    /// What was checked beside the columns' distributions: rows, predictions.
    pub checks: Vec<Checked>,
    /// Alarms that went on or were over in these windows, the newest first.
    pub alarms: Vec<AlarmTurn>,
}

/// A check that is no column's distribution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// `rows`, `performance`, `estimated_performance`.
    pub aspect: String,
    /// The column, if it is one's.
    pub column: Option<String>,
    /// What was measured of predictions.
    pub metric: Option<Metric>,
    /// Its value in this window.
    pub value: Option<f64>,
    /// Whether that matters.
    pub verdict: Verdict,
    /// Its values in the windows of the course; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

/// An alarm that went on or was over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmTurn {
    /// The window that did it, by its place in [`Monitored::windows`].
    pub window: usize,
    /// The column; none when it is about the rows.
    pub column: Option<String>,
    /// What was looked at, e.g. `values`, `missing`, `performance`.
    pub aspect: String,
    /// Whether it went on; over otherwise.
    pub is_on: bool,
}
