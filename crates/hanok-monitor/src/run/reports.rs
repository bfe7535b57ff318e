//! Which reports a run writes, and where.

use std::sync::Arc;

use super::{Base, Running, Written};
use crate::check::{Against, Columns, Compared, compared};
use crate::definition::Rows;
use crate::error::MonitorError;
use crate::read::Reading;
use crate::report::{self, ReportFile, Reported, WINDOWS_SHOWN};
use crate::window::Span;

impl Running<'_> {
    /// Whether anybody wants to see a window's report.
    pub(super) fn has_reports(&self) -> bool {
        self.request.report.is_some() || (self.monitor.report.is_some() && !self.request.is_dry)
    }

    /// Where a window's report is written, as it is told and as it is found: where the monitor and, of the last window, the request say.
    pub(super) fn report_files(&self, window: Span, is_last: bool) -> Vec<(String, ReportFile)> {
        let (monitor, request) = (self.monitor, self.request);
        let of_monitor = monitor.report_of(window).filter(|_| !request.is_dry).map(|shown| {
            let (path, language) = (self.place.folder.join(&shown), monitor.alert.language.into());
            (shown, ReportFile { path, language })
        });
        let of_request = request.report.clone().filter(|_| is_last);
        let of_request = of_request.map(|file| (file.path.display().to_string(), file));
        of_monitor.into_iter().chain(of_request).collect()
    }

    /// Writes a window's report, whose rows are the last of the past.
    pub(super) async fn report(
        &mut self,
        window: Span,
        against: &Against,
        version: Option<u64>,
        found: Compared,
        files: Vec<(String, ReportFile)>,
    ) {
        if self.past.len() > WINDOWS_SHOWN {
            self.past.remove(0);
        }
        let (monitor, past, now_us) = (self.monitor, self.past.as_slice(), self.place.now_us);
        let mut report = Reported { monitor, window, against, version, past, now_us }.report(found);
        if let Rows::Table(name) = &monitor.rows {
            report.origins = self.place.origins.get(name).cloned().unwrap_or_default();
        }
        let report = Arc::new(report);
        for (path, file) in files {
            match report::write(&report, file).await {
                Ok(()) => self.done.reports.push(Written { path, window }),
                Err(error) => {
                    tracing::warn!(%error, "a report was not written");
                    self.unwritten.get_or_insert(error);
                }
            }
        }
    }

    /// Writes the asked-for report of the last window that is recorded, in the range if there is one.
    pub(super) async fn report_recorded(
        &mut self,
        reference: &Base,
        current: &Arc<Reading>,
        columns: &Columns,
    ) -> Result<(), MonitorError> {
        let Some(file) = self.request.report.clone() else { return Ok(()) };
        let (monitor, threads) = (self.monitor, self.place.options.threads);
        let now_us = self.request.at_us.unwrap_or_default().max(self.place.now_us);
        let until_us = self.request.range.map_or(now_us, |range| range.end_us);
        self.past = self.history.windows(&monitor.name, until_us, WINDOWS_SHOWN).await?;
        let last = self.past.last().and_then(|rows| rows.first()).map(|row| row.window);
        let window = last.ok_or_else(|| MonitorError::NoWindow(monitor.name.clone()))?;
        let against = self.against(reference, current, window).await?;
        let found = compared(monitor, against.clone(), (current, window), columns, threads).await?;
        let files = vec![(file.path.display().to_string(), file)];
        self.report(window, &against, current.version, found, files).await;
        Ok(())
    }
}
