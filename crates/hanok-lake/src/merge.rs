//! Merging a branch into the one that it was forked from, or into one that it descends from.
//!
//! Three states are compared: where both sides were last the same (the fork, or the last merge), and both sides as they
//! are; by their commits, that is by files and deletion vectors. Everything is checked before anything is changed. Then
//! the branch's new files are linked or copied into the target's folders, the journal is written, each table gets one
//! commit, and the merge is published: for Hanok's readers all tables change at once. A merge that was killed is rolled
//! forward by the next one, or when the project is opened; each commit carries the merge's id as an application
//! transaction, so that none happens twice.

mod apply;
mod base;
mod plan;
mod rebase;
mod replay;
mod rows;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};

use hanok_catalog::{MergeAction, MergeTable};
use hanok_types::Id;

use base::bases;
use plan::Sides;

pub use rows::{RowCounts, RowSort, SIDE_COLUMN, SideRows, SortedRows};

use crate::{Lake, LakeError};

/// How much one side may do that the other has not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeMode {
    /// Rows that one side deleted or changed, and rows that came on the other, are a conflict.
    #[default]
    Strict,
    /// They are not: each side's changes are taken.
    Lenient,
}

impl MergeMode {
    fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Lenient => "lenient",
        }
    }
}

/// A name that a merge changes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TableMerge {
    /// `schema.table`.
    pub table: String,
    /// `fast-forward`, `merged`, `by key`, `new`, `view` or `dropped`.
    pub what: &'static str,
    /// Files that the target gets.
    pub files_added: u64,
    /// Files that it loses.
    pub files_removed: u64,
    /// Rows that change, where they were compared by key. What happens to files is known when they are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowCounts>,
}

/// Why a table cannot be merged, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Conflict {
    /// `schema.table`.
    pub table: String,
    /// What each side did.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// How a merge ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MergeOutcome {
    /// The merge's id; none when nothing was merged.
    pub id: Option<String>,
    /// The branch.
    pub branch: String,
    /// What it was merged into.
    pub into: String,
    /// Names that changed, or would.
    pub tables: Vec<TableMerge>,
    /// What forbids it. Nothing has changed then.
    pub conflicts: Vec<Conflict>,
}

impl Lake {
    /// Merges this branch into its parent. With `dry_run`, only says what that would do.
    ///
    /// # Errors
    /// As of [`Lake::merge_into`]; [`LakeError::MergeInto`] for `main`.
    pub async fn merge(&self, mode: MergeMode, dry_run: bool) -> Result<MergeOutcome, LakeError> {
        let name = &self.branch().name;
        let parent = self.branch().parent_name.as_ref();
        self.merge_into(parent.unwrap_or(name), mode, dry_run).await
    }

    /// Merges this branch into one that it descends from.
    ///
    /// # Errors
    /// [`LakeError::MergeInto`] when it does not descend from that; [`LakeError::ReadOnly`] when that is a tag;
    /// [`LakeError::Locked`] when another merge, or the maintenance of a table, is on its way. Conflicts are no error but
    /// in the outcome.
    pub async fn merge_into(
        &self,
        into: &str,
        mode: MergeMode,
        dry_run: bool,
    ) -> Result<MergeOutcome, LakeError> {
        let target = self.on_branch(into).await?;
        let chain = self.catalog().branch_chain(self.branch_id()).await?;
        if !chain.iter().skip(1).any(|member| member.id == target.branch_id()) {
            let reason = match &self.branch().parent_name {
                Some(_) => format!("it does not descend from `{into}`"),
                None => "it was not forked from any".to_owned(),
            };
            return Err(LakeError::MergeInto { branch: self.branch().name.clone(), reason });
        }
        target.may_write()?;
        let _one_at_a_time = self.lock_merges()?;
        self.finish_merges().await?;
        let against = target.branch();
        let bases = &bases(self, &against.id).await?;
        let sides = Sides::now(self, &target, against, bases, mode);
        let plan = sides.plan().await?;
        let reports: Vec<_> = plan.tables.iter().map(|planned| planned.report.clone()).collect();
        let mut outcome = self.outcome(&target, reports.into_iter(), plan.conflicts);
        if dry_run || !outcome.conflicts.is_empty() || plan.tables.is_empty() {
            return Ok(outcome);
        }
        let merge = self.journal(target.branch_id(), mode.name());
        let merging = apply::Merging { branch: self, target: &target, against, bases, merge: &merge, mode };
        match merging.run(plan.tables).await? {
            Ok(()) => outcome.id = Some(merge.id),
            Err(conflicts) => outcome.conflicts = conflicts,
        }
        Ok(outcome)
    }

    /// Of a merge that has not happened yet.
    fn outcome(
        &self,
        into: &Self,
        tables: impl Iterator<Item = TableMerge>,
        conflicts: Vec<Conflict>,
    ) -> MergeOutcome {
        MergeOutcome {
            id: None,
            branch: self.branch().name.clone(),
            into: into.branch().name.clone(),
            tables: tables.collect(),
            conflicts,
        }
    }

    /// Rolls merges forward that were killed. Returns how many there were; none while a merge is alive.
    pub async fn recover_merges(&self) -> Result<u64, LakeError> {
        if self.catalog().open_merges().await?.is_empty() {
            return Ok(0);
        }
        match self.lock_merges() {
            Ok(_one_at_a_time) => self.finish_merges().await,
            Err(LakeError::Locked { .. }) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The same where nobody waits for it: what fails is logged, and readers see the tables as they were before.
    pub async fn recover_merges_if_possible(&self) {
        if let Err(error) = self.recover_merges().await {
            tracing::warn!(%error, "a merge that was killed cannot be rolled forward");
        }
    }

    /// With the lock: what is not published now was left by the dead.
    async fn finish_merges(&self) -> Result<u64, LakeError> {
        let mut finished = 0;
        self.give_up_rebases().await?;
        for merge in self.catalog().open_merges().await? {
            let branches = self.catalog().branches().await?;
            let name =
                |id: &str| branches.iter().find(|branch| branch.id == *id).map(|branch| branch.name.clone());
            let (Some(branch), Some(target)) = (name(&merge.branch), name(&merge.target)) else {
                // Neither can be dropped while the journal names it.
                let what = merge.branch_name.clone();
                return Err(LakeError::BranchGone { branch: what });
            };
            let (branch, target) = (self.on_branch(&branch).await?, self.on_branch(&target).await?);
            let mode = if merge.mode == "lenient" { MergeMode::Lenient } else { MergeMode::Strict };
            tracing::warn!(
                merge = merge.id,
                branch = merge.branch_name,
                "rolling forward a merge that was killed"
            );
            let against = target.branch();
            let bases = &bases(&branch, &against.id).await?;
            let merging =
                apply::Merging { branch: &branch, target: &target, against, bases, merge: &merge, mode };
            let tables = self.catalog().merge_tables(&merge.id).await?;
            // Conflicts that came up meanwhile have been told to nobody; the tables are as they were before the merge.
            if let Err(conflicts) = merging.resume(tables).await? {
                tracing::warn!(?conflicts, "the merge was taken back: its target had changed");
            }
            finished += 1;
        }
        Ok(finished)
    }

    /// Held until dropped; the operating system lets go of it when the process dies.
    fn lock_merges(&self) -> Result<Option<File>, LakeError> {
        let Some(root) = &self.storage.root else { return Ok(None) };
        let path = root.join("merge.lock");
        let refused = |source| LakeError::File { action: "lock", path: path.display().to_string(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {
                Err(LakeError::Locked { table: "the lake (by a merge)".to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(refused(source)),
        }
    }
}

/// Versions of the branch that a merge takes, by directory.
fn frozen(tables: &[MergeTable]) -> BTreeMap<Id, u64> {
    let versions = tables.iter().filter_map(|table| match table.action {
        MergeAction::Commit { source, source_version, .. }
        | MergeAction::Create { source, source_version, .. } => Some((source, source_version)),
        _ => None,
    });
    versions.collect()
}
