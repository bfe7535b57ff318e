//! Wiring of `hanok branch`, `hanok tag` and `hanok gc`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hanok_catalog::{Branch, BranchKind, RunCounts, RunKind};
use hanok_lake::{AsOf, ForkRequest, Garbage, LakeError, MergeMode, MergeOutcome, TableDifference};
use hanok_types::{BranchName, Id, TableName};
use serde::Serialize;

use crate::engine::{ONLINE_BRANCHES, file_error};
use crate::output::{Format, ResultWriter};
use crate::report::QueryReport;
use crate::{Engine, EngineError};

/// A branch or tag to be made.
#[derive(Clone, Debug)]
pub struct BranchRequest {
    /// Its name.
    pub name: String,
    /// Branch or tag.
    pub kind: BranchKind,
    /// The branch or tag that it is forked from; `main` when there is none.
    pub from: Option<String>,
    /// The moment of that one; now when there is none.
    pub as_of: Option<AsOf>,
    /// After which time it may be dropped.
    pub ttl: Option<Duration>,
    /// The tables and views that it sees, `schema.table`; all when empty.
    pub tables: Vec<String>,
}

/// A branch or tag, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BranchReport {
    /// The branch.
    #[serde(flatten)]
    pub branch: Branch,
    /// Tables and views that it sees.
    pub tables: u64,
    /// Whether its time is over.
    pub expired: bool,
}

/// `hanok branch show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BranchDetails {
    /// The branch.
    #[serde(flatten)]
    pub report: BranchReport,
    /// The names of branches and tags that were forked from it.
    pub children: Vec<String>,
    /// Bytes in its own folder.
    pub own_bytes: u64,
    /// Files in its own folder.
    pub own_files: u64,
    /// What it has changed since it began.
    pub changes: Vec<TableDifference>,
}

/// Dropped branches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExpireReport {
    /// Names of those that went.
    pub dropped: Vec<String>,
    /// Names of those whose time is over and that must stay, each with the reason.
    pub kept: Vec<(String, String)>,
}

/// `hanok branch merge`, `hanok branch rebase`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MergeReport {
    /// The run's id; none of a dry run.
    pub run: Option<String>,
    /// What was merged, or why not.
    #[serde(flatten)]
    pub outcome: MergeOutcome,
    /// Wall time.
    pub seconds: f64,
}

/// `hanok gc`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GarbageReport {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// What was removed, below the lake's folder; of online stores, below `.hanok`.
    pub removed: Vec<Garbage>,
    /// Its size.
    pub bytes: u64,
    /// Wall time.
    pub seconds: f64,
}

impl Engine {
    /// Makes a branch or tag. Nothing is copied.
    pub async fn create_branch(&self, request: &BranchRequest) -> Result<BranchReport, EngineError> {
        let name = BranchName::new(request.name.clone())?;
        let tables = names(&request.tables)?;
        let parent =
            self.lake.on_branch(request.from.as_deref().unwrap_or(hanok_catalog::MAIN_BRANCH)).await?;
        let expires_us = request.ttl.map(expiry);
        let made = parent
            .fork(&ForkRequest {
                name,
                kind: request.kind,
                as_of: request.as_of,
                tables: (!tables.is_empty()).then_some(tables),
                expires_us,
                created_by: user(),
            })
            .await?;
        self.branch_report(made).await
    }

    /// All branches or all tags, `main` first.
    pub async fn branches(&self, kind: BranchKind) -> Result<Vec<BranchReport>, EngineError> {
        let mut reports = Vec::new();
        for branch in self.catalog.branches().await? {
            if branch.kind == kind {
                reports.push(self.branch_report(branch).await?);
            }
        }
        Ok(reports)
    }

    async fn branch_report(&self, branch: Branch) -> Result<BranchReport, EngineError> {
        let tables = self.catalog.table_count(&branch.id).await?;
        let expired = branch.expires_us.is_some_and(|at| at <= now_us());
        Ok(BranchReport { branch, tables, expired })
    }

    /// A branch or tag with what it has changed.
    pub async fn show_branch(&self, name: &str) -> Result<BranchDetails, EngineError> {
        let lake = self.lake.on_branch(name).await?;
        let branch = lake.branch().clone();
        let children = self.catalog.branches().await?.into_iter();
        let children = children.filter(|child| child.parent.as_ref() == Some(&branch.id));
        let children = children.map(|child| child.name).collect();
        let changes = if branch.is_main() { Vec::new() } else { lake.changes().await? };
        let (own_bytes, own_files) = lake.own_bytes().await?;
        let report = self.branch_report(branch).await?;
        Ok(BranchDetails { report, children, own_bytes, own_files, changes })
    }

    /// What one branch has other than another, table by table.
    pub async fn branch_difference(
        &self,
        before: &str,
        after: &str,
        table: Option<&str>,
    ) -> Result<Vec<TableDifference>, EngineError> {
        let table = table.map(|table| TableName::parse(table, "main")).transpose()?;
        let (before, after) = (self.lake.on_branch(before).await?, self.lake.on_branch(after).await?);
        Ok(before.difference(&after, table.as_ref()).await?)
    }

    /// The rows of a table that only one of two branches has, written to `sink`. Without a key given here, the one that
    /// the table has in the catalog counts; without any, whole rows are compared.
    pub async fn row_difference(
        &self,
        (before, after): (&str, &str),
        table: &str,
        key: &[String],
        format: Format,
        sink: &mut (dyn Write + Send),
    ) -> Result<QueryReport, EngineError> {
        let started = Instant::now();
        let name = TableName::parse(table, "main")?;
        let (before, after) = (self.lake.on_branch(before).await?, self.lake.on_branch(after).await?);
        let declared = match key {
            [] => self.catalog.key_columns(after.branch_id(), &name).await?,
            given => given.to_vec(),
        };
        let files = before.file_difference(&after, &name).await?;
        let mut rows = self.session.row_difference(files, &declared).await?;
        let mut writer = ResultWriter::new(format, &rows.schema(), sink, "the output")?;
        while let Some(batch) = rows.next().await? {
            writer.write(&batch)?;
        }
        let (rows, sink) = writer.finish()?;
        sink.flush().map_err(|error| file_error("write", Path::new("the output"), &error))?;
        Ok(QueryReport { rows, seconds: started.elapsed().as_secs_f64() })
    }

    /// Forgets a branch or tag and removes what it wrote, its online store too.
    ///
    /// # Errors
    /// A tag where a branch is meant, and the other way round, is not found.
    pub async fn drop_branch(&self, name: &str, kind: BranchKind) -> Result<Branch, EngineError> {
        let branch = self.catalog.branch(name).await?;
        if branch.kind != kind {
            return Err(EngineError::BranchKind {
                name: branch.name,
                found: branch.kind.name(),
                wanted: kind.name(),
            });
        }
        self.lake.drop_branch(&branch).await?;
        self.remove_online(&branch.id)?;
        Ok(branch)
    }

    /// Forgets what a branch has changed.
    pub async fn reset_branch(&self, name: &str, to_head: bool) -> Result<BranchReport, EngineError> {
        let lake = self.lake.on_branch(name).await?;
        let made = lake.reset(to_head).await?;
        self.remove_online(lake.branch_id())?;
        self.branch_report(made).await
    }

    /// Sets or takes away a branch's protection.
    pub async fn protect_branch(&self, name: &str, protected: bool) -> Result<BranchReport, EngineError> {
        let branch = self.catalog.branch(name).await?;
        self.catalog.protect_branch(&branch.id, protected).await?;
        self.branch_report(Branch { protected, ..branch }).await
    }

    /// Drops the branches and tags whose time is over. Those that must stay are named with the reason.
    pub async fn expire_branches(&self) -> Result<ExpireReport, EngineError> {
        let mut report = ExpireReport::default();
        // A branch goes after those that were forked from it, which were made later.
        let mut branches = self.catalog.branches().await?;
        branches.sort_by_key(|branch| std::cmp::Reverse(branch.created_us));
        for branch in branches {
            if branch.expires_us.is_none_or(|at| at > now_us()) {
                continue;
            }
            match self.lake.drop_branch(&branch).await {
                Ok(()) => {
                    self.remove_online(&branch.id)?;
                    report.dropped.push(branch.name);
                }
                Err(LakeError::Catalog(hanok_catalog::CatalogError::BranchInUse { reason, .. })) => {
                    report.kept.push((branch.name, reason));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(report)
    }

    /// Merges a branch into the one that it was forked from, or into one further up. Conflicts are in the report.
    ///
    /// # Errors
    /// [`LakeError::MergeInto`] when it does not descend from `into`.
    pub async fn merge_branch(
        &self,
        name: &str,
        into: Option<&str>,
        mode: MergeMode,
        dry_run: bool,
    ) -> Result<MergeReport, EngineError> {
        let started = Instant::now();
        let lake = self.lake.comparing_rows(Arc::new(self.session.clone())).on_branch(name).await?;
        let into = into.or(lake.branch().parent_name.as_deref()).unwrap_or(name);
        if dry_run {
            let outcome = lake.merge_into(into, mode, true).await?;
            return Ok(MergeReport { run: None, outcome, seconds: started.elapsed().as_secs_f64() });
        }
        let run = self.catalog.start_run(into, RunKind::Merge, name).await?;
        let done = lake.merge_into(into, mode, false).await.map_err(EngineError::from);
        self.merge_report(run, done, started).await
    }

    /// Makes a branch begin with what its parent has now, and brings its own changes onto that. Conflicts are in the
    /// report. Its online store is a new, empty one.
    pub async fn rebase_branch(
        &self,
        name: &str,
        mode: MergeMode,
        dry_run: bool,
    ) -> Result<MergeReport, EngineError> {
        let started = Instant::now();
        let lake = self.lake.comparing_rows(Arc::new(self.session.clone())).on_branch(name).await?;
        if dry_run {
            let outcome = lake.rebase(mode, true).await?;
            return Ok(MergeReport { run: None, outcome, seconds: started.elapsed().as_secs_f64() });
        }
        let onto = lake.branch().parent_name.clone().unwrap_or_default();
        let run = self.catalog.start_run(name, RunKind::Rebase, &onto).await?;
        let done = lake.rebase(mode, false).await.map_err(EngineError::from);
        if matches!(&done, Ok(outcome) if outcome.id.is_some()) {
            // It says up to which versions of the old branch's tables it was filled.
            self.remove_online(lake.branch_id())?;
        }
        self.merge_report(run, done, started).await
    }

    /// Records how a merge or a rebase ended; conflicts are a failure.
    async fn merge_report(
        &self,
        run: Id,
        done: Result<MergeOutcome, EngineError>,
        started: Instant,
    ) -> Result<MergeReport, EngineError> {
        let conflicts = done.as_ref().map_or(0, |outcome| outcome.conflicts.len());
        let outcome = if conflicts == 0 {
            self.finish(run, done, RunCounts::default()).await?
        } else {
            let plural = if conflicts == 1 { "" } else { "s" };
            let message = format!("{conflicts} conflict{plural}");
            self.catalog.finish_run(run, RunCounts::default(), Some(&message)).await?;
            done?
        };
        Ok(MergeReport { run: Some(run.to_string()), outcome, seconds: started.elapsed().as_secs_f64() })
    }

    /// Removes what nobody can reach any more, when nothing has been written to it for `grace`.
    pub async fn collect_garbage(
        &self,
        grace: Duration,
        dry_run: bool,
    ) -> Result<GarbageReport, EngineError> {
        let started = Instant::now();
        let mut removed = self.lake.collect_garbage(grace, dry_run).await?;
        removed.extend(self.online_garbage(dry_run).await?);
        let bytes = removed.iter().map(|garbage| garbage.bytes).sum();
        Ok(GarbageReport { dry_run, removed, bytes, seconds: started.elapsed().as_secs_f64() })
    }

    fn online_of(&self, id: &str) -> PathBuf {
        self.project.state(ONLINE_BRANCHES).join(id)
    }

    fn remove_online(&self, id: &str) -> Result<(), EngineError> {
        let folder = self.online_of(id);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(file_error("remove", &folder, &error))
            }
            _ => Ok(()),
        }
    }

    /// The online stores of branches that are gone, which a command that was killed has left.
    async fn online_garbage(&self, dry_run: bool) -> Result<Vec<Garbage>, EngineError> {
        let folder = self.project.state(ONLINE_BRANCHES);
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let known: Vec<String> = self.catalog.branches().await?.into_iter().map(|branch| branch.id).collect();
        let mut removed = Vec::new();
        for entry in entries.flatten() {
            let Ok(id) = entry.file_name().into_string() else { continue };
            if hanok_types::Id::parse(&id).is_none() || known.contains(&id) {
                continue;
            }
            let files = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
            let sizes: Vec<u64> =
                files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).collect();
            if !dry_run {
                self.remove_online(&id)?;
            }
            removed.push(Garbage {
                path: format!("{ONLINE_BRANCHES}/{id}"),
                bytes: sizes.iter().sum(),
                files: sizes.len() as u64,
            });
        }
        Ok(removed)
    }
}

fn names(tables: &[String]) -> Result<Vec<TableName>, EngineError> {
    Ok(tables.iter().map(|table| TableName::parse(table, "main")).collect::<Result<_, _>>()?)
}

/// When what lives so long may be dropped.
pub(crate) fn expiry(ttl: Duration) -> i64 {
    let ttl_us = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
    now_us().saturating_add(ttl_us)
}

fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Who runs this, as far as the environment says.
pub(crate) fn user() -> String {
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default()
}
