//! One window compared with its reference.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Schema;
use hanok_drift::profile::{TableProfile, compare_profiles};
use hanok_drift::{Column, Kind, Options, Pair, Report, Verdict, What, compare_columns};
use tokio::runtime::Handle;

use crate::definition::{Monitor, Performance};
use crate::error::MonitorError;
use crate::performance;
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
    /// `schema`, `kind`; `performance`, `estimated_performance`.
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

    /// The verdict that the state goes by: an effect that was measured and is below its threshold is good, also where there are too few
    /// rows to be sure. Alarms of small windows would otherwise never end.
    pub(crate) fn standing(&self) -> Verdict {
        let is_small =
            self.beyond_noise.zip(self.threshold).is_some_and(|(effect, threshold)| effect < threshold);
        match self.verdict {
            Verdict::Undecided if is_small => Verdict::Stable,
            verdict => verdict,
        }
    }
}

/// The columns of a monitor, by what both sides have.
pub(crate) struct Columns {
    compared: Vec<String>,
    vanished: Vec<String>,
}

impl Columns {
    /// `reference` are the columns of the reference, and whether there are statistics for their types.
    ///
    /// # Errors
    /// [`MonitorError::Column`] for a column that is named and that neither side has, [`MonitorError::Nothing`] when none is left.
    pub(crate) fn new(
        monitor: &Monitor,
        reference: &[(String, bool)],
        current: &Reading,
    ) -> Result<Self, MonitorError> {
        let is_there = |name: &String| current.schema.field_with_name(name).is_ok();
        let features = monitor.performance.iter().flat_map(|performance| &performance.features).flatten();
        let named = monitor.columns.iter().chain([&monitor.exclude]).flatten().chain(features);
        for column in named {
            if !is_there(column) && reference.iter().all(|(name, _)| name != column) {
                return Err(MonitorError::Column { monitor: monitor.name.clone(), column: column.clone() });
            }
        }
        let is_wanted = |name: &String| {
            *name != monitor.time
                && !monitor.exclude.contains(name)
                && monitor.columns.as_ref().is_none_or(|columns| columns.contains(name))
        };
        let columns: BTreeMap<_, _> = columns_of(&current.schema).into_iter().collect();
        let wanted = reference.iter().filter(|(name, _)| is_wanted(name));
        let (there, vanished): (Vec<_>, Vec<_>) = wanted.partition(|(name, _)| is_there(name));
        let compared = there.into_iter().filter(|(name, is_comparable)| *is_comparable && columns[name]);
        let compared: Vec<_> = compared.map(|(name, _)| name.clone()).collect();
        let vanished: Vec<_> = vanished.into_iter().map(|(name, _)| name.clone()).collect();
        if compared.is_empty() && vanished.is_empty() && monitor.performance.is_none() {
            return Err(MonitorError::Nothing(monitor.name.clone()));
        }
        Ok(Self { compared, vanished })
    }

    /// What errors of a regression are learnt from; nothing where they are not.
    fn features(&self, performance: &Performance, current: &Reading) -> Vec<String> {
        if !performance::is_learnt(performance) {
            return Vec::new();
        }
        if let Some(named) = &performance.features {
            return named.clone();
        }
        let is_learnable = |name: &&String| {
            let kind =
                current.schema.field_with_name(name).ok().and_then(|field| Kind::of(field.data_type()));
            matches!(kind, Some(Kind::Numbers | Kind::Booleans | Kind::Texts))
        };
        let others =
            self.compared.iter().filter(|name| ![&performance.prediction, &performance.label].contains(name));
        others.filter(is_learnable).cloned().collect()
    }
}

/// Columns, and whether there are statistics for their types.
pub(crate) fn columns_of(schema: &Schema) -> Vec<(String, bool)> {
    let fields = schema.fields().iter();
    fields.map(|field| (field.name().clone(), Kind::of(field.data_type()).is_some())).collect()
}

/// What a window is compared with.
#[derive(Clone)]
pub(crate) enum Against {
    /// Rows, all of them without a span.
    Rows(Arc<Reading>, Option<Span>),
    /// A profile.
    Profile(Arc<TableProfile>),
}

impl Against {
    /// When its rows are from.
    pub(crate) fn span(&self) -> Option<Span> {
        match self {
            Self::Rows(_, span) => *span,
            Self::Profile(_) => None,
        }
    }

    async fn rows(&self) -> Result<u64, MonitorError> {
        match self {
            Self::Rows(reading, span) => reading.count(*span).await,
            Self::Profile(profile) => Ok(profile.rows()),
        }
    }
}

/// A window compared with its reference.
pub(crate) struct Compared {
    /// The rows first, then the predictions and the columns.
    pub(crate) checks: Vec<Check>,
    /// The columns; empty when a side has no rows.
    pub(crate) report: Report,
    /// Rows of the reference and of the window.
    pub(crate) rows: [u64; 2],
}

/// Compares a window with its reference.
pub(crate) async fn compared(
    monitor: &Monitor,
    against: Against,
    (current, span): (&Arc<Reading>, Span),
    columns: &Columns,
    threads: usize,
) -> Result<Compared, MonitorError> {
    let rows = [against.rows().await?, current.count(Some(span)).await?];
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
    let mut report = Report {
        columns: Vec::new(),
        vanished: columns.vanished.clone(),
        new: Vec::new(),
        skipped: Vec::new(),
        options: monitor.options,
    };
    if rows.contains(&0) {
        return Ok(Compared { checks, report, rows });
    }
    if let (Some(performance), Against::Rows(reference, reference_span)) = (&monitor.performance, &against) {
        let names = [performance.prediction.as_str(), performance.label.as_str()];
        let features = columns.features(performance, current);
        let sides = [
            reference.predicted(names, &features, *reference_span).await?,
            current.predicted(names, &features, Some(span)).await?,
        ];
        let (performance, alpha) = (performance.clone(), monitor.options.alpha);
        let work =
            tokio::task::spawn_blocking(move || performance::checks(&performance, &sides, alpha, rows));
        checks.extend(work.await.map_err(|error| MonitorError::Worker(error.to_string()))??);
    }
    if !columns.compared.is_empty() {
        let names = columns.compared.clone();
        let found = match against {
            Against::Rows(reference, reference_span) => {
                let sides = [(reference, reference_span), (current.clone(), Some(span))];
                compare(sides, names, monitor.options, threads).await?
            }
            Against::Profile(reference) => {
                let current = current.profile(&names, Some(span), threads).await?;
                compare_profiles(&reference, &current, &monitor.options)?
            }
        };
        for column in &found.columns {
            push(&mut checks, column, rows);
        }
        report.columns = found.columns;
    }
    Ok(Compared { checks, report, rows })
}

/// Reads columns when a thread gets to them, so that a few of them are in memory at a time.
async fn compare(
    sides: [(Arc<Reading>, Option<Span>); 2],
    names: Vec<String>,
    options: Options,
    threads: usize,
) -> Result<Report, MonitorError> {
    let handle = Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        let read = |at: usize| {
            let name = &names[at];
            let side =
                |(reading, span): &(Arc<Reading>, Option<Span>)| handle.block_on(reading.column(name, *span));
            Ok::<_, MonitorError>(Pair {
                name: name.clone(),
                reference: side(&sides[0])?,
                current: side(&sides[1])?,
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

/// The name of an aspect in results.
pub(crate) fn aspect_name(what: What) -> &'static str {
    match what {
        What::Missing => "missing",
        What::Values => "values",
        What::Range => "range",
        What::Length => "length",
        What::Pattern => "pattern",
        What::Token => "token",
        What::Element => "element",
        What::Direction => "direction",
        What::Distance => "distance",
        What::Hour => "hour",
        What::Weekday => "weekday",
    }
}
