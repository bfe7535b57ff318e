//! Wiring of `hanok monitor`.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hanok_catalog::{RunCounts, RunKind};
use hanok_monitor::{
    Definitions, MonitorStatus, Place, Ran, ReportFile, Request, Rows, Span, read_definitions,
};
use hanok_report::Origin;
use hanok_types::TableName;
use serde::Serialize;

use crate::drift::origins;
use crate::engine::{session_options, subject};
use crate::{Engine, EngineError, Event, Observer};

/// The file that one run of monitors holds, in the project's state.
const LOCK: &str = "monitor.lock";

/// Which monitors and windows.
#[derive(Clone, Debug, Default)]
pub struct MonitorRequest {
    /// Monitors by name; all when empty.
    pub monitors: Vec<String>,
    /// The moment at which windows must be complete, microseconds since 1970-01-01 UTC; now without.
    pub at_us: Option<i64>,
    /// Windows of the past, from a time to before another, without alerts.
    pub range_us: Option<(i64, i64)>,
    /// Nothing is recorded and nobody told.
    pub dry_run: bool,
    /// Where the last window's report is written, of one monitor.
    pub report: Option<ReportFile>,
}

/// `hanok monitor`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonitorReport {
    /// The run's id; none when nothing is recorded.
    pub run: Option<String>,
    /// What was found, recorded and told.
    #[serde(flatten)]
    pub ran: Ran,
    /// Whether no alarm is on, no monitor failed and everything was delivered.
    pub healthy: bool,
    /// Wall time.
    pub seconds: f64,
}

/// `hanok monitor status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatusReport {
    /// The monitors, in the order of their files.
    pub monitors: Vec<MonitorStatus>,
}

impl Engine {
    /// Runs monitors: compares the windows that are due, records what was found, alerts.
    pub async fn monitor(
        &self,
        request: MonitorRequest,
        observer: &Observer,
    ) -> Result<MonitorReport, EngineError> {
        if request.dry_run {
            return self.monitor_windows(None, request, observer).await;
        }
        let run = self.start(RunKind::Monitor, &subject(&request.monitors)).await?;
        let done = self.monitor_windows(Some(run.to_string()), request, observer).await;
        let windows =
            done.iter().flat_map(|report| &report.ran.monitors).flat_map(|monitor| &monitor.windows);
        let (rows_in, rows_out) =
            windows.fold((0, 0), |sum, window| (sum.0 + window.rows, sum.1 + window.checks));
        let counts = RunCounts { rows_in, rows_out, rows_rejected: 0 };
        if done.is_ok() {
            self.compact_after_load(&hanok_monitor::tables()).await;
        }
        let failed = done
            .iter()
            .flat_map(|report| &report.ran.monitors)
            .filter_map(|monitor| monitor.error.as_deref());
        let failed: Vec<_> = failed.collect();
        if !failed.is_empty() {
            self.catalog.finish_run(run, counts, Some(&failed.join("; "))).await?;
            return done;
        }
        self.finish(run, done, counts).await
    }

    async fn monitor_windows(
        &self,
        run: Option<String>,
        request: MonitorRequest,
        observer: &Observer,
    ) -> Result<MonitorReport, EngineError> {
        let started = Instant::now();
        let definitions = read_definitions(&self.project.folder)?;
        let origins = self.monitored_origins(&definitions, &request).await;
        let place = Place {
            folder: &self.project.folder,
            name: &self.project.name,
            lock: &self.project.state(LOCK),
            session: &self.session,
            options: session_options(&self.project, 1),
            origins: &origins,
            run: run.as_deref().unwrap_or_default(),
            now_us: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64),
        };
        let request = Request {
            names: request.monitors,
            at_us: request.at_us,
            range: request.range_us.map(|(start_us, end_us)| Span { start_us, end_us }),
            is_dry: request.dry_run,
            report: request.report,
        };
        let progress = |name: &str, done: usize, total: usize| {
            let what = "monitor";
            let (done, total) = (done as u64, total as u64);
            match done {
                0 if total > 0 => observer(Event::Started { what, name, total: Some(total) }),
                _ if done == total => observer(Event::Finished { what, name, rows: total, ok: true }),
                _ => observer(Event::Progress { what, name, done }),
            }
        };
        let ran = hanok_monitor::run(&place, &definitions, &request, &progress).await?;
        let (healthy, seconds) = (ran.is_healthy(), started.elapsed().as_secs_f64());
        Ok(MonitorReport { run, ran, healthy, seconds })
    }

    /// Where the rows of those tables came from that a report will tell of.
    async fn monitored_origins(
        &self,
        definitions: &Definitions,
        request: &MonitorRequest,
    ) -> BTreeMap<TableName, Vec<Origin>> {
        let mut found = BTreeMap::new();
        for monitor in &definitions.monitors {
            let is_named = request.monitors.is_empty()
                || request.monitors.iter().any(|name| name == monitor.name.as_str());
            let is_reported = request.report.is_some() || (monitor.report.is_some() && !request.dry_run);
            if let (true, true, Rows::Table(name)) = (is_named, is_reported, &monitor.rows) {
                found.insert(name.clone(), origins(self, &self.lake, name, None).await);
            }
        }
        found
    }

    /// How monitors stand, all of them when none is named.
    pub async fn monitor_status(&self, names: &[String]) -> Result<StatusReport, EngineError> {
        let definitions = read_definitions(&self.project.folder)?;
        let monitors = hanok_monitor::status(&self.session, &definitions, names).await?;
        Ok(StatusReport { monitors })
    }
}
