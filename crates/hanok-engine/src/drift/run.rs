//! A comparison from its sides to its report.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use hanok_catalog::MAIN_BRANCH;
use hanok_drift::course::{Course, CourseError, Windows, course_columns};
use hanok_drift::{Report, Verdict};
use hanok_lake::Lake;
use hanok_report::{DriftReport, Joint, Origin, Side};
use hanok_types::TableName;

use super::compare::{Names, Segments, compare_all, compare_segments, pair, threads_with_room};
use super::open::{Opened, Wanted, blocking};
use super::peers::{PeerMethod, PeerReport, by_peer, table_drift};
use super::profile::saved;
use super::side::{DriftSide, Place};
use super::{DriftError, DriftOutcome, DriftPlace, DriftRequest, lineage, together};
use crate::{EngineError, Event, Observer};

impl DriftPlace {
    /// Compares two sides.
    pub async fn drift(
        &self,
        request: DriftRequest,
        observer: Arc<Observer>,
    ) -> Result<DriftOutcome, EngineError> {
        if let Some(outcome) = self.drift_of_profiles(&request, &observer).await? {
            return Ok(outcome);
        }
        let started = Instant::now();
        let (sides, names) = self.both(&request).await?;
        let importance = match &request.importance {
            Some(source) => Some(self.importance(source, &sides[1].columns).await?),
            None => None,
        };
        let origins = self.origins(&sides).await;
        let about = [(&request.reference, &sides[0]), (&request.current, &sides[1])].map(|(side, opened)| {
            let rows = Some(opened.columns.rows);
            Side { rows, ..described(side, opened.table.as_ref(), opened.version) }
        });
        let title = title(&request);
        let place = self.clone();
        let found = blocking(move || place.compare(&sides, &names, &request, observer.as_ref())).await?;
        let report = DriftReport {
            made: Some(now()),
            course: found.course,
            joint: found.joint,
            importance,
            origins,
            ..DriftReport::new(title, about, found.report)
        };
        Ok(DriftOutcome { report, segments: found.segments, seconds: started.elapsed().as_secs_f64() })
    }

    /// Compares two sides by another library's tests.
    pub async fn drift_by_peer(
        &self,
        request: DriftRequest,
        method: PeerMethod,
    ) -> Result<PeerReport, EngineError> {
        let started = Instant::now();
        if [&request.reference, &request.current].into_iter().any(|side| saved(side).is_some()) {
            return Err(DriftError::Profiles("--method").into());
        }
        let (sides, names) = self.both(&request).await?;
        let shown =
            [(request.reference.text, sides[0].columns.rows), (request.current.text, sides[1].columns.rows)];
        let place = self.clone();
        let (columns, skipped) = blocking(move || {
            let columns = [&sides[0].columns, &sides[1].columns];
            let threads = threads_with_room(columns, place.threads, place.memory_bytes)?;
            by_peer(method, columns, &names, threads)
        })
        .await?;
        let has_drifted = table_drift(method, &columns);
        let seconds = started.elapsed().as_secs_f64();
        Ok(PeerReport { method, sides: shown, columns, skipped, has_drifted, seconds })
    }

    /// Both sides, open, and what is compared of them.
    async fn both(&self, request: &DriftRequest) -> Result<([Opened; 2], Names), EngineError> {
        let by = request.by.as_ref().map(|(column, _)| column.clone());
        let wanted = Wanted { columns: request.columns.clone(), by, time: request.time.clone() };
        let sides =
            [self.open(&request.reference, &wanted).await?, self.open(&request.current, &wanted).await?];
        let names = Names::new([&sides[0].columns, &sides[1].columns], &request.columns)?;
        Ok((sides, names))
    }

    fn compare(
        &self,
        sides: &[Opened; 2],
        names: &Names,
        request: &DriftRequest,
        observer: &Observer,
    ) -> Result<Found, EngineError> {
        let columns = [&sides[0].columns, &sides[1].columns];
        let threads = threads_with_room(columns, self.threads, self.memory_bytes)?;
        let (what, name) = ("drift", request.current.text.as_str());
        observer(Event::Started { what, name, total: Some(names.common.len() as u64) });
        let begun = AtomicU64::new(0);
        let progress = || {
            let done = begun.fetch_add(1, Ordering::Relaxed);
            observer(Event::Progress { what, name, done });
        };
        let report = compare_all(columns, names, &request.options, threads, &progress)?;
        let segments = match &request.by {
            Some((by, most)) => Some(compare_segments(columns, names, by, *most, &request.options, threads)?),
            None => None,
        };
        let course = course(sides, &report, request, threads)?;
        let joint = match request.together {
            true => together::joint(columns, &report, &request.options, threads)?,
            false => None,
        };
        observer(Event::Finished { what, name, rows: columns[1].rows, ok: true });
        Ok(Found { report, segments, course, joint })
    }

    /// Which source and which load the rows came from, as far as the catalog knows.
    async fn origins(&self, sides: &[Opened; 2]) -> Vec<Origin> {
        let Some(engine) = &self.engine else { return Vec::new() };
        let of = |opened: &Opened| {
            opened.table.as_ref().map(|(lake, name)| (lake.branch_id().to_owned(), name.clone()))
        };
        let is_one = of(&sides[0]).is_some() && of(&sides[0]) == of(&sides[1]);
        let mut found = Vec::new();
        for (at, side) in sides.iter().enumerate().skip(usize::from(is_one)) {
            if let Some((lake, name)) = &side.table {
                found.extend(lineage::origins(engine, lake, name, (!is_one).then_some(at)).await);
            }
        }
        found
    }
}

/// What a comparison gives.
struct Found {
    report: Report,
    segments: Option<Segments>,
    course: Option<Course>,
    joint: Option<Joint>,
}

/// What the columns that are not stable do over the current side's time; nothing without times.
fn course(
    sides: &[Opened; 2],
    report: &Report,
    request: &DriftRequest,
    threads: usize,
) -> Result<Option<Course>, EngineError> {
    let Some(time) = &sides[1].time else { return Ok(None) };
    let columns = [&sides[0].columns, &sides[1].columns];
    let names: Vec<&str> = report
        .columns
        .iter()
        .filter(|column| {
            column.verdict != Verdict::Stable && column.kinds[0] == column.kinds[1] && column.name != *time
        })
        .map(|column| column.name.as_str())
        .collect();
    let windows = match Windows::new(&columns[1].column(time)?, None) {
        Ok(windows) => windows,
        // Times that make no windows are an error only when they were asked for.
        Err(CourseError::Windows { .. }) if request.time.is_none() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let read = |at: usize| pair(columns, names[at]);
    Ok(Some(course_columns::<EngineError>(&windows, names.len(), read, &request.options, threads)?))
}

/// A side for readers of a report, with the table that it was found to be.
pub(super) fn described(side: &DriftSide, found: Option<&(Lake, TableName)>, version: Option<u64>) -> Side {
    let (table, filter, branch) = match &side.place {
        Place::File(path) => (Some(path.display().to_string()), None, None),
        Place::Table { name, branch, .. } => (Some(name.to_string()), None, branch.as_deref()),
        Place::Sql(sql) => (None, Some(sql.clone()), None),
    };
    // The branch that the command works on need not be named.
    let worked_on = found.map(|(lake, _)| lake.branch().name.as_str()).filter(|name| *name != MAIN_BRANCH);
    let version = [version.map(|version| version.to_string()), branch.or(worked_on).map(str::to_owned)];
    let version: Vec<String> = version.into_iter().flatten().collect();
    let time = side
        .window
        .map(|window| [window.from_us, window.until_us].map(|us| us.map_or_else(|| "…".to_owned(), moment)));
    Side {
        name: side.short_name(),
        table,
        version: (!version.is_empty()).then(|| version.join(", ")),
        time,
        filter,
        rows: None,
        hash: None,
    }
}

pub(crate) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment as a date, with its time unless it is midnight.
fn moment(us: i64) -> String {
    let Some(time) = DateTime::<Utc>::from_timestamp_micros(us) else { return us.to_string() };
    let form = if us.rem_euclid(86_400_000_000) == 0 { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M:%S" };
    time.format(form).to_string()
}

/// What a report of it is called.
pub(super) fn title(request: &DriftRequest) -> String {
    let table = |side: &DriftSide| match &side.place {
        Place::Table { name, .. } => Some(name.to_string()),
        _ => None,
    };
    match (table(&request.reference), table(&request.current)) {
        (Some(reference), Some(current)) if reference == current => reference,
        _ => format!("{} → {}", request.reference.short_name(), request.current.short_name()),
    }
}
