//! Moving a branch to what its parent has now.
//!
//! A new branch is forked from the parent's head under a name that nobody else can give, what the old one has changed is
//! merged into it, and in one transaction it takes the old one's name. Whatever is killed when, the name stands for one
//! of the two. What is left of the other is removed by the next merge or rebase or by opening the project; its folder, at
//! the latest, by `gc`.
//! Writers of the branch hold off meanwhile, as they do from the target of a merge.

use std::time::Duration;

use hanok_catalog::{Branch, Merge, MergeTable};
use hanok_types::{BranchName, Id};

use super::apply::Merging;
use super::base::{Bases, bases};
use super::plan::Sides;
use super::{MergeMode, MergeOutcome};
use crate::{ForkRequest, Lake, LakeError};

/// What the journal calls the mode of the entry that keeps writers off a branch that is being rebased.
const HOLD: &str = "rebase";
/// How long commits that were on their way when the journal was written are waited for.
const SETTLE: Duration = Duration::from_millis(50);

impl Lake {
    /// Makes this branch begin with what its parent has now, and brings what it has changed since they were last the same
    /// onto that. With `dry_run`, only says what that would do. The handle is of no use afterwards.
    ///
    /// # Errors
    /// [`hanok_catalog::CatalogError::BranchInUse`] for `main`, a protected or staging branch, and one that others were forked from;
    /// [`LakeError::ReadOnly`] for a tag; [`LakeError::Conflict`] when writers of the branch did not hold off.
    pub async fn rebase(&self, mode: MergeMode, dry_run: bool) -> Result<MergeOutcome, LakeError> {
        self.may_write()?;
        let _one_at_a_time = self.lock_merges()?;
        self.finish_merges().await?;
        self.catalog().check_replaceable(self.branch_id()).await?;
        let Some(parent) = &self.branch().parent_name else {
            return Err(LakeError::BranchGone { branch: self.branch().name.clone() });
        };
        let parent = self.on_branch(parent).await?;
        let bases = &bases(self, parent.branch_id()).await?;
        let sides = Sides::now(self, &parent, parent.branch(), bases, mode);
        if dry_run {
            let plan = sides.plan().await?;
            return Ok(self.outcome(
                &parent,
                plan.tables.iter().map(|planned| planned.report.clone()),
                plan.conflicts,
            ));
        }
        let hold = self.journal(self.branch_id(), HOLD);
        let held = sides.hold().await?;
        self.catalog().begin_merge(&hold, &held).await?;
        tokio::time::sleep(SETTLE).await;
        let done = self.rebase_held(&parent, bases, mode, (&hold, &held)).await;
        if !matches!(&done, Ok(outcome) if outcome.conflicts.is_empty()) {
            // A failure here is made up for by the next one that has the lock.
            self.give_up_rebases().await?;
        }
        done
    }

    /// With writers held off.
    async fn rebase_held(
        &self,
        parent: &Self,
        bases: &Bases,
        mode: MergeMode,
        (hold, held): (&Merge, &[MergeTable]),
    ) -> Result<MergeOutcome, LakeError> {
        let old = self.branch();
        let records = self.records().await?;
        let made = self.fork_anew(parent).await?;
        let target = self.on_branch(&made.name).await?;
        let against = parent.branch();
        let sides = Sides::now(self, &target, against, bases, mode);
        let plan = sides.plan().await?;
        let reports: Vec<_> = plan.tables.iter().map(|planned| planned.report.clone()).collect();
        let mut outcome = self.outcome(parent, reports.into_iter(), plan.conflicts);
        if !outcome.conflicts.is_empty() {
            return Ok(outcome);
        }
        let merge = self.journal(&made.id, mode.name());
        if !plan.tables.is_empty() {
            let merging = Merging { branch: self, target: &target, against, bases, merge: &merge, mode };
            if let Err(conflicts) = merging.run(plan.tables).await? {
                outcome.conflicts = conflicts;
                return Ok(outcome);
            }
        }
        let changed = sides.hold().await? != held;
        if changed || !self.catalog().replace_branch((old, &made), &hold.id, &records).await? {
            return Err(LakeError::Conflict { table: old.name.clone(), attempts: 1 });
        }
        self.forget(&old.id).await?;
        outcome.id = Some(merge.id);
        Ok(outcome)
    }

    /// A branch of the parent as it is now, under a name of its own.
    async fn fork_anew(&self, parent: &Self) -> Result<Branch, LakeError> {
        let old = self.branch();
        let name = BranchName::new(old.name.clone())
            .map_err(|error| LakeError::Worker { table: old.name.clone(), reason: error.to_string() })?;
        let request = ForkRequest {
            name: name.rebasing(),
            kind: old.kind,
            as_of: None,
            tables: None,
            expires_us: None,
            created_by: old.created_by.clone(),
        };
        parent.fork(&request).await
    }

    /// An entry of the journal about this branch.
    pub(super) fn journal(&self, target: &str, mode: &str) -> Merge {
        Merge {
            id: Id::generate().to_string(),
            branch: self.branch_id().to_owned(),
            branch_name: self.branch().name.clone(),
            target: target.to_owned(),
            mode: mode.to_owned(),
        }
    }

    /// With the lock: takes away what rebases have left that were killed before the new branch had the name.
    pub(super) async fn give_up_rebases(&self) -> Result<(), LakeError> {
        let mut unfinished = self.catalog().branches().await?;
        unfinished.retain(|branch| BranchName::is_rebasing(&branch.name));
        for branch in &unfinished {
            self.drop_branch(branch).await?;
        }
        // Last, so that there is an open journal as long as there is anything to take away.
        for merge in self.catalog().open_merges().await? {
            if merge.mode == HOLD {
                self.catalog().abandon_merge(&merge.id).await?;
            }
        }
        Ok(())
    }
}
