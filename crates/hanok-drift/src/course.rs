//! How a table drifts over time, and since when.
//!
//! Each window of the current table is compared with the whole reference. Where a column's distribution changes is found on counts
//! a window and bin (deciles of all rows, or values where there are few; categories; what is missing): the split with the largest χ² of the
//! table of before and after (Horváth and Serbinowska 1995, "Testing for changes in multinomial observations"), and again
//! within the parts (as Matteson and James 2014 do, "A nonparametric approach for multiple change point analysis"). Its p-value is the
//! share of random orders of the windows with a split as clear. Windows rather than rows are put into another order, because days
//! differ from each other without any drift. The test takes their order to mean nothing: a column in which neighbouring days are alike,
//! such as the weather, has changes that do not last. With fewer than eight windows no change is looked for.

mod changes;
mod values;
mod windows;

pub use windows::Windows;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use hanok_error::{Code, Coded, code};
use serde::Serialize;

use crate::compare::{Pair, Tables, What};
use crate::error::CompareError;
use crate::measure::Measure;
use crate::threads;
use crate::verdict::{Options, benjamini_hochberg};
use changes::Split;
use values::Values;

/// A course over time could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// The column of the time is not in the current table.
    #[error("the current table has no column `{0}` of times")]
    NoColumn(String),
    /// It has another type.
    #[error("the column of times is of type {0}; it must be a date, a timestamp or a number of seconds")]
    NoTimes(Box<DataType>),
    /// No row has a time, or the width makes too many windows.
    #[error("the times make {found} windows; from 1 to {limit} are allowed")]
    Windows {
        /// How many windows there would be.
        found: f64,
        /// How many there may be.
        limit: usize,
    },
    /// A column has another number of rows than the column of times.
    #[error("the column `{column}` has {rows} rows, the column of times {times}")]
    Rows {
        /// The column.
        column: String,
        /// Its current rows.
        rows: usize,
        /// Rows of the column of times.
        times: usize,
    },
    /// Columns could not be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
}

impl Coded for CourseError {
    fn code(&self) -> Code {
        match self {
            CourseError::NoColumn(_) => code::DRIFT_COLUMNS,
            CourseError::NoTimes(_) => code::DRIFT_TYPE,
            CourseError::Windows { .. } | CourseError::Rows { .. } => code::DRIFT_WINDOWS,
            CourseError::Compare(error) => error.code(),
        }
    }
}

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

/// The course of all columns that two tables have in common, but for that of the times, on some threads. `width` is that of the
/// windows in seconds; without it they are of a readable width, at most 60 of them.
pub fn course(
    reference: &[RecordBatch],
    current: &[RecordBatch],
    time: &str,
    width: Option<f64>,
    options: &Options,
    threads: usize,
) -> Result<Course, CourseError> {
    let times: Vec<_> = current.iter().filter_map(|batch| batch.column_by_name(time).cloned()).collect();
    if times.len() < current.len() {
        return Err(CourseError::NoColumn(time.to_owned()));
    }
    let windows = Windows::new(&times, width)?;
    let tables = Tables::new(reference, current)?;
    let is_value = |at: &usize| tables.name(tables.common[*at]) != time;
    let columns: Vec<usize> = (0..tables.common.len()).filter(is_value).collect();
    let read = |at: usize| Ok::<_, CourseError>(tables.pair(columns[at]));
    course_columns(&windows, columns.len(), read, options, threads)
}

/// The course of columns that are read when a thread gets to them. Their current rows must be those of the times, in the same order.
pub fn course_columns<E: From<CourseError> + Send>(
    windows: &Windows,
    count: usize,
    read: impl Fn(usize) -> Result<Pair, E> + Sync,
    options: &Options,
    threads: usize,
) -> Result<Course, E> {
    options.checked().map_err(CourseError::from)?;
    let permutations = changes::permutations(count, options.alpha);
    let run = |at: usize, scratch: &mut Vec<u64>| {
        let pair = read(at)?;
        let rows = pair.current.iter().map(|chunk| chunk.len()).sum();
        if rows != windows.rows() {
            return Err(CourseError::Rows { column: pair.name, rows, times: windows.rows() }.into());
        }
        let values = Values::new(&pair, windows, options, scratch).map_err(CourseError::from)?;
        Ok::<_, E>(Draft::new(pair.name, &values, windows.list.len(), permutations, options))
    };
    let drafts = threads::each(count, threads, run)?;
    let columns = judged(drafts, windows, options);
    Ok(Course { windows: windows.list.clone(), columns, without_time: windows.without_time })
}

/// A column before p-values are adjusted.
struct Draft {
    column: ColumnCourse,
    /// The clearest split's p-value.
    p: f64,
    splits: Vec<Split>,
    /// Of the segments between the splits, the largest effect in thresholds.
    sizes: Vec<f64>,
    /// The probability of the first segment as a sample of the reference.
    p_first: f64,
}

impl Draft {
    fn new(name: String, values: &Values, count: usize, permutations: usize, options: &Options) -> Draft {
        let shown = values.shown(options);
        let splits = changes::splits(&values.bins(), permutations, options.alpha);
        let starts: Vec<usize> = [0].into_iter().chain(splits.iter().map(|split| split.window)).collect();
        let ends = starts[1..].iter().copied().chain([count]);
        let segments: Vec<_> =
            starts.iter().zip(ends).map(|(start, end)| values.segment(*start..end, options)).collect();
        let mut sizes: Vec<f64> = segments.iter().map(|segment| segment.ratio).collect();
        // What is not seen as a change must not move the beginning: most windows of the first segment have to be as far away.
        if let Some(first) = sizes.first_mut() {
            *first = first.min(shown.median_ratio(..starts.get(1).copied().unwrap_or(count)));
        }
        let column = ColumnCourse {
            name,
            what: shown.what,
            measure: shown.measure,
            effects: shown.effects,
            threshold: shown.threshold,
            missing: values.missing_rates(),
            changes: Vec::new(),
            began: None,
        };
        let p = splits.iter().map(|split| split.p).fold(1.0, f64::min);
        Draft { column, p, splits, sizes, p_first: segments.first().map_or(1.0, |segment| segment.p) }
    }
}

/// Adjusts the p-values for all columns and says since when each has drifted.
fn judged(drafts: Vec<Draft>, windows: &Windows, options: &Options) -> Vec<ColumnCourse> {
    let of = |p: fn(&Draft) -> f64| benjamini_hochberg(&drafts.iter().map(p).collect::<Vec<_>>());
    let (adjusted, first) = (of(|draft| draft.p), of(|draft| draft.p_first));
    let change =
        |window: usize, p: f64| Change { window, time: windows.list.get(window).map_or(0.0, |w| w.start), p };
    let done = |((draft, adjusted), first): ((Draft, f64), f64)| {
        let mut column = draft.column;
        // Later splits of a column are adjusted as much as its clearest one.
        let factor = adjusted / draft.p;
        let p = [first].into_iter().chain(draft.splits.iter().map(|split| (split.p * factor).min(1.0)));
        let starts = [0].into_iter().chain(draft.splits.iter().map(|split| split.window));
        let segments: Vec<Change> = starts.zip(p).map(|(window, p)| change(window, p)).collect();
        let is_clear = |segment: &&Change| segment.p <= options.alpha;
        column.changes = segments.iter().skip(1).filter(is_clear).copied().collect();
        let mut far = segments.iter().zip(&draft.sizes).filter(|(_, size)| **size >= 1.0);
        column.began = far.next().map(|(segment, _)| *segment).filter(|segment| is_clear(&segment));
        column
    };
    drafts.into_iter().zip(adjusted).zip(first).map(done).collect()
}
