//! One window compared with its reference.

use arrow::datatypes::DataType;
use hanok_drift::{Column, Kind, Options, Pair, Report, Verdict, What, compare_columns};
use tokio::runtime::Handle;

use crate::definition::Monitor;
use crate::error::MonitorError;
use crate::read::Reading;
use crate::window::Span;

/// The check of how many rows a window has.
pub(crate) const ROWS: &str = "rows";
/// The check of whether a column is there.
const SCHEMA: &str = "schema";
/// The check of what kind of values a column has.
const KIND: &str = "kind";

/// What was found of one aspect of a column in one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The column; none when it is about the rows.
    pub column: Option<String>,
    /// What was looked at: `missing`, `values`, `range`, `length`, `pattern`, `token`, `element`, `hour`, `weekday`; `rows`,
    /// `schema`, `kind`.
    pub aspect: String,
    /// The measure that decides.
    pub measure: Option<String>,
    /// Its value.
    pub value: Option<f64>,
    /// What is left of it without what chance does: this is compared with the threshold.
    pub beyond_noise: Option<f64>,
    /// From here on it matters.
    pub threshold: Option<f64>,
    /// The p-value.
    pub p: Option<f64>,
    /// The same, adjusted for all tests of the window.
    pub p_adjusted: Option<f64>,
    /// Whether it matters.
    pub verdict: Verdict,
    /// Rows of the window.
    pub rows: u64,
    /// Rows of the reference.
    pub reference_rows: u64,
}

impl Check {
    /// Nothing but a verdict.
    pub(crate) fn bare(column: Option<String>, aspect: &str, verdict: Verdict, rows: [u64; 2]) -> Self {
        Self {
            column,
            aspect: aspect.to_owned(),
            measure: None,
            value: None,
            beyond_noise: None,
            threshold: None,
            p: None,
            p_adjusted: None,
            verdict,
            reference_rows: rows[0],
            rows: rows[1],
        }
    }
}

/// The columns of a monitor, by what both sides have.
pub(crate) struct Columns {
    compared: Vec<String>,
    vanished: Vec<String>,
}

impl Columns {
    /// # Errors
    /// [`MonitorError::Column`] for a column that is named and that neither side has, [`MonitorError::Nothing`] when none is left.
    pub(crate) fn new(
        monitor: &Monitor,
        reference: &Reading,
        current: &Reading,
    ) -> Result<Self, MonitorError> {
        let has = |reading: &Reading, name: &str| reading.schema.field_with_name(name).is_ok();
        let named = monitor.columns.iter().chain([&monitor.exclude]).flatten();
        for column in named {
            if !has(reference, column) && !has(current, column) {
                return Err(MonitorError::Column { monitor: monitor.name.clone(), column: column.clone() });
            }
        }
        let is_wanted = |name: &String| {
            *name != monitor.time
                && !monitor.exclude.contains(name)
                && monitor.columns.as_ref().is_none_or(|columns| columns.contains(name))
        };
        let comparable = |data_type: &DataType| Kind::of(data_type).is_some();
        let fields = reference.schema.fields().iter().filter(|field| is_wanted(field.name()));
        let (there, vanished): (Vec<_>, Vec<_>) = fields.partition(|field| has(current, field.name()));
        let compared = there.into_iter().filter(|field| {
            let current = current.schema.field_with_name(field.name());
            comparable(field.data_type()) && current.is_ok_and(|field| comparable(field.data_type()))
        });
        let compared: Vec<_> = compared.map(|field| field.name().clone()).collect();
        let vanished: Vec<_> = vanished.into_iter().map(|field| field.name().clone()).collect();
        if compared.is_empty() && vanished.is_empty() {
            return Err(MonitorError::Nothing(monitor.name.clone()));
        }
        Ok(Self { compared, vanished })
    }
}

/// Both sides of a comparison.
#[derive(Clone)]
pub(crate) struct Sides {
    pub(crate) reference: (Reading, Option<Span>),
    pub(crate) current: (Reading, Option<Span>),
}

/// Compares a window with its reference: a check of the rows first, then those of the columns.
pub(crate) async fn checks(
    monitor: &Monitor,
    sides: Sides,
    columns: &Columns,
    threads: usize,
) -> Result<Vec<Check>, MonitorError> {
    let rows =
        [sides.reference.0.count(sides.reference.1).await?, sides.current.0.count(sides.current.1).await?];
    let too_few = rows[1] < monitor.rows_min;
    let mut checks = vec![Check {
        measure: Some(ROWS.to_owned()),
        value: Some(rows[1] as f64),
        threshold: Some(monitor.rows_min as f64),
        ..Check::bare(None, ROWS, if too_few { Verdict::Drifted } else { Verdict::Stable }, rows)
    }];
    for column in &columns.vanished {
        checks.push(Check::bare(Some(column.clone()), SCHEMA, Verdict::Drifted, rows));
    }
    if rows[0] > 0 && rows[1] > 0 && !columns.compared.is_empty() {
        let report = compare(sides, columns.compared.clone(), monitor.options, threads).await?;
        for column in &report.columns {
            push(&mut checks, column, rows);
        }
    }
    Ok(checks)
}

/// Reads columns when a thread gets to them, so that a few of them are in memory at a time.
async fn compare(
    sides: Sides,
    names: Vec<String>,
    options: Options,
    threads: usize,
) -> Result<Report, MonitorError> {
    let handle = Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        let read = |at: usize| {
            let name = &names[at];
            let side =
                |(reading, span): &(Reading, Option<Span>)| handle.block_on(reading.column(name, *span));
            Ok::<_, MonitorError>(Pair {
                name: name.clone(),
                reference: side(&sides.reference)?,
                current: side(&sides.current)?,
            })
        };
        compare_columns(names.len(), read, &options, threads)
    });
    work.await.map_err(|error| MonitorError::Worker(error.to_string()))?
}

fn push(checks: &mut Vec<Check>, column: &Column, rows: [u64; 2]) {
    let name = Some(column.name.clone());
    if column.kinds[0] != column.kinds[1] {
        checks.push(Check::bare(name, KIND, Verdict::Drifted, rows));
        return;
    }
    for aspect in &column.aspects {
        checks.push(Check {
            measure: Some(aspect.effect.measure.name().to_owned()),
            value: Some(aspect.effect.value),
            beyond_noise: Some(aspect.effect.beyond_noise),
            threshold: Some(aspect.effect.threshold),
            p: Some(aspect.p),
            p_adjusted: Some(aspect.p_adjusted),
            ..Check::bare(name.clone(), aspect_name(aspect.what), aspect.verdict, rows)
        });
    }
}

fn aspect_name(what: What) -> &'static str {
    match what {
        What::Missing => "missing",
        What::Values => "values",
        What::Range => "range",
        What::Length => "length",
        What::Pattern => "pattern",
        What::Token => "token",
        What::Element => "element",
        What::Hour => "hour",
        What::Weekday => "weekday",
    }
}
