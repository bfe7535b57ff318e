//! How a table drifts over time, and since when.

use serde::Serialize;

use crate::compare::What;
use crate::measure::Measure;

/// A window of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Window {
    /// Where it begins, in seconds since 1970 (UTC); included.
    pub start: f64,
    /// Where it ends; not included.
    pub end: f64,
    /// Rows in it. Windows may be empty.
    pub rows: u64,
}

/// Windows of the current table, each against the whole reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Course {
    /// The windows in the order of time, of one width, without gaps.
    pub windows: Vec<Window>,
    /// The columns, in the order in which they were given.
    pub columns: Vec<ColumnCourse>,
    /// Rows without a time, which are in no window.
    pub without_time: u64,
}

/// A column over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnCourse {
    /// Its name.
    pub name: String,
    /// What is shown: of the column's values and its missing rate that which goes farthest beyond its threshold in some window.
    pub what: What,
    /// The measure of the effects, the same in all windows.
    pub measure: Measure,
    /// Of each window the effect beyond noise ([`crate::Effect::beyond_noise`]); `None` where it has no values to compare.
    pub effects: Vec<Option<f64>>,
    /// From here on an effect matters.
    pub threshold: f64,
    /// Of each window the share of rows without a value; `None` without rows.
    pub missing: Vec<Option<f64>>,
    /// Where the column's distribution changes, ascending.
    pub changes: Vec<Change>,
    /// Since when the column has drifted from the reference: the first change after which its effect is beyond the threshold, or
    /// the first window when it is from there on. `None` when it has not, or when it cannot be said since when.
    pub began: Option<Change>,
}

/// A window with which a column's distribution changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The first window after the change.
    pub window: usize,
    /// Where that window begins, in seconds since 1970 (UTC).
    pub time: f64,
    /// The probability of a change as clear when the windows' order means nothing; when the column differs from the first window
    /// on, that of the difference from the reference. Adjusted for all columns.
    pub p: f64,
}
