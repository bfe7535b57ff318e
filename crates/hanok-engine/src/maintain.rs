//! Wiring of `hanok optimize`, `hanok vacuum` and `hanok checkpoint`, and compaction by itself after loads.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::{Duration, Instant};

use hanok_catalog::{RunCounts, RunKind, TableKind};
use hanok_lake::{LakeError, Table};
use hanok_types::{Id, TableName};

use crate::engine::subject;
use crate::report::{MaintainedTable, MaintenanceReport};
use crate::{Engine, EngineError, Event, Observer};

/// Delta's own default is 100 MB; a power of two of about that size.
const TARGET_BYTES: NonZeroU64 = NonZeroU64::MIN.saturating_add((128 << 20) - 1);

/// What to do with tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// Join small files into larger ones.
    Optimize,
    /// Delete files that no version refers to which is younger than `older_than`, and those of broken writes. Queries
    /// of older versions then fail.
    Vacuum {
        /// The age.
        older_than: Duration,
        /// Only count them.
        dry_run: bool,
    },
    /// Write checkpoints of the logs.
    Checkpoint,
}

impl Maintenance {
    fn kind(self) -> RunKind {
        match self {
            Self::Optimize => RunKind::Optimize,
            Self::Vacuum { .. } => RunKind::Vacuum,
            Self::Checkpoint => RunKind::Checkpoint,
        }
    }

    async fn of(self, table: &mut Table) -> Result<MaintainedTable, LakeError> {
        let begun = Instant::now();
        let mut done = MaintainedTable { table: table.name().to_string(), ..MaintainedTable::default() };
        match self {
            Self::Optimize => {
                let joined = table.optimize(TARGET_BYTES).await?;
                (done.files_removed, done.files_added) = (joined.files_removed, joined.files_added);
            }
            Self::Vacuum { older_than, dry_run } => {
                done.files_deleted = table.vacuum(older_than, dry_run).await?.files_deleted;
            }
            Self::Checkpoint => done.version = table.checkpoint().await?,
        }
        done.seconds = begun.elapsed().as_secs_f64();
        Ok(done)
    }
}

impl Engine {
    /// Maintains tables, `schema.table`; all of them when none is named.
    pub async fn maintain(
        &self,
        what: Maintenance,
        tables: &[String],
        observer: &Observer,
    ) -> Result<MaintenanceReport, EngineError> {
        let run = self.start(what.kind(), &subject(tables)).await?;
        let done = self.maintain_tables(run, what, tables, observer).await;
        self.finish(run, done, RunCounts::default()).await
    }

    async fn maintain_tables(
        &self,
        run: Id,
        what: Maintenance,
        tables: &[String],
        observer: &Observer,
    ) -> Result<MaintenanceReport, EngineError> {
        let started = Instant::now();
        let mut report = MaintenanceReport { run: run.to_string(), ..MaintenanceReport::default() };
        for name in self.tables_named(tables).await? {
            // A table that was registered and never committed has no files; one that the user named must exist.
            let table = match tables.is_empty() {
                true => self.lake.find(&name).await?,
                false => Some(self.lake.table(&name).await?),
            };
            let Some(mut table) = table else { continue };
            let title = name.to_string();
            observer(Event::Started { what: "table", name: &title, total: None });
            let done = what.of(&mut table).await;
            observer(Event::Finished { what: "table", name: &title, rows: 0, ok: done.is_ok() });
            report.tables.push(done?);
        }
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    async fn tables_named(&self, names: &[String]) -> Result<Vec<TableName>, EngineError> {
        if !names.is_empty() {
            let names = names.iter().map(|name| TableName::parse(name, "main"));
            return Ok(names.collect::<Result<_, _>>()?);
        }
        let records = self.lake.records().await?;
        let tables = records.into_iter().filter(|record| matches!(record.kind, TableKind::Table { .. }));
        Ok(tables.map(|record| record.name).collect())
    }

    /// After a load: compacts those of its tables that have had many commits since they last were.
    ///
    /// On `main` only: on a branch it would write anew what is shared with the parent, and branches do not live long.
    /// What goes wrong is on record as a run of its own; the load has done its work.
    pub(crate) async fn compact_after_load(&self, tables: &[String]) {
        let Some(commits) = NonZeroU32::new(self.project.compact_after) else { return };
        if !self.lake.branch().is_main() {
            return;
        }
        for name in tables {
            let _ = self.compact_if_wanted(name, commits).await;
        }
    }

    async fn compact_if_wanted(&self, name: &str, commits: NonZeroU32) -> Result<(), EngineError> {
        let Some(mut table) = self.lake.find(&TableName::parse(name, "main")?).await? else { return Ok(()) };
        if !table.wants_compaction(commits, TARGET_BYTES).await? {
            return Ok(());
        }
        let run = self.start(RunKind::Optimize, name).await?;
        let done = Maintenance::Optimize.of(&mut table).await.map_err(EngineError::from);
        self.finish(run, done, RunCounts::default()).await.map(drop)
    }
}
