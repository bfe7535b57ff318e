//! Merges and rebases: what the model says, or conflicts and nothing.

use std::collections::BTreeSet;

use hanok_catalog::{BranchKind, CatalogError};
use hanok_lake::{LakeError, MergeMode, MergeOutcome};
use hanok_types::TableName;

use super::World;
use super::state::{Base, Modelled, Rows, Tables, Touch, digest, three_way};

/// A table that the branch has touched: how, and what it is on both sides afterwards.
struct Moved {
    table: TableName,
    touch: Touch,
    ours: Option<Rows>,
    merged: Option<Rows>,
}

/// What bringing a branch and its parent together may come to.
struct Decided {
    merged: Tables,
    moved: Vec<Moved>,
    must: bool,
    may: bool,
}

impl World {
    fn any_mode(&mut self) -> MergeMode {
        if self.dice.roll(2) == 0 { MergeMode::Strict } else { MergeMode::Lenient }
    }

    fn decide(&self, branch: &str, parent: &str, mode: MergeMode) -> Decided {
        let (ours, theirs) = (&self.branches[branch], &self.branches[parent]);
        let names = ours.at_fork.keys().chain(ours.bases.keys()).chain(ours.tables.keys());
        let names: BTreeSet<TableName> = names.cloned().collect();
        let mut decided = Decided { merged: theirs.tables.clone(), moved: Vec::new(), must: true, may: true };
        for table in names {
            let base = ours.base(&table);
            let touched = (ours.touched(&table, base.touches.0), theirs.touched(&table, base.touches.1));
            decided.must &= match touched {
                (None, _) | (Some(Touch::Appended), None | Some(Touch::Appended)) => true,
                // Before the last merge the parent may have replaced files that the branch has replaced since.
                (Some(Touch::Other), None) => !ours.bases.contains_key(&table),
                _ => false,
            };
            let (our, their) = (ours.tables.get(&table), theirs.tables.get(&table));
            let removed = |before: &Option<Rows>, now: Option<&Rows>| match (before, now) {
                (Some(before), Some(now)) => !before.is_subset(now),
                _ => false,
            };
            let changed = our != base.ours.as_ref() && their != base.theirs.as_ref();
            let unseen = removed(&base.ours, our) || removed(&base.theirs, their);
            decided.may &= !(mode == MergeMode::Strict && changed && unseen);
            // What the branch has not touched since, stays as it is on the parent.
            let Some(touch) = touched.0 else { continue };
            let merged = three_way(&base, our, their);
            match merged.clone() {
                Some(rows) => decided.merged.insert(table.clone(), rows),
                None => decided.merged.remove(&table),
            };
            decided.moved.push(Moved { table, touch, ours: our.cloned(), merged });
        }
        decided
    }

    /// Whether it happened: as decided, or not at all. `before` is what `changed`, a branch, held.
    async fn happened(
        &self,
        done: &Result<MergeOutcome, LakeError>,
        decided: &Decided,
        (changed, before): (&str, &Tables),
    ) -> bool {
        let digests = |tables: &Tables| -> Vec<_> {
            tables.iter().map(|(name, rows)| (name.clone(), digest(rows))).collect()
        };
        let (before, after) = (digests(before), digests(&decided.merged));
        let found: Vec<_> = self.read_all(changed).await.into_iter().collect();
        let happened = match done {
            Ok(outcome) => {
                assert!(outcome.conflicts.is_empty() || !decided.must, "{outcome:#?}\n{:#?}", self.log);
                assert!(!outcome.conflicts.is_empty() || decided.may, "{outcome:#?}\n{:#?}", self.log);
                outcome.conflicts.is_empty()
            }
            Err(error) => {
                assert!(self.faults.is_some(), "{error:?}\n{:#?}", self.log);
                // Were both the same, it would not matter which.
                found == after
            }
        };
        assert_eq!(found, if happened { after } else { before }, "{done:?}\n{:#?}", self.log);
        happened
    }

    /// Merges into the parent.
    pub(super) async fn merge(&mut self, branch: &str) {
        let mode = self.any_mode();
        let done = async { self.lake_on(branch).await?.merge(mode, false).await };
        let done = done.await;
        self.heal().await;
        let parent = match (&done, self.branches[branch].parent.clone()) {
            (Err(LakeError::MergeInto { .. }), None) => return,
            (Err(LakeError::ReadOnly { .. }), Some(parent)) => {
                assert_eq!(self.branches[&parent].kind, BranchKind::Tag);
                return;
            }
            (_, parent) => parent.unwrap(),
        };
        let decided = self.decide(branch, &parent, mode);
        if !self.happened(&done, &decided, (&parent, &self.branches[&parent].tables)).await {
            return;
        }
        let ours = self.branches[branch].touches.len();
        let theirs = self.branches.get_mut(&parent).unwrap();
        theirs.touches.extend(decided.moved.iter().map(|moved| (moved.table.clone(), moved.touch)));
        theirs.tables = decided.merged;
        let touches = (ours, theirs.touches.len());
        let modelled = self.branches.get_mut(branch).unwrap();
        for moved in decided.moved {
            // Maintenance that found nothing to do left nothing to merge, and then the base is still the old one.
            let old = modelled.base(&moved.table);
            let touches = if moved.ours == old.ours { old.touches } else { touches };
            let base = Base { ours: moved.ours, theirs: moved.merged, touches };
            modelled.bases.insert(moved.table, base);
        }
    }

    /// Makes the branch begin with what its parent has now.
    pub(super) async fn rebase(&mut self, branch: &str) {
        let mode = self.any_mode();
        let before = self.lake_on(branch).await.unwrap().branch_id().to_owned();
        let done = async { self.lake_on(branch).await?.rebase(mode, false).await };
        let done = done.await;
        self.heal().await;
        let may = branch != "main" && !self.has_children(branch);
        match &done {
            Err(LakeError::Catalog(CatalogError::BranchInUse { .. })) => {
                assert!(!may, "{:#?}", self.log);
                return;
            }
            Err(LakeError::ReadOnly { .. }) => {
                assert_eq!(self.branches[branch].kind, BranchKind::Tag);
                return;
            }
            _ => assert!(may || done.is_err(), "{:#?}", self.log),
        }
        let Some(parent) = self.branches[branch].parent.clone() else { return };
        let decided = self.decide(branch, &parent, mode);
        let held = self.branches[branch].tables.clone();
        let happened = self.happened(&done, &decided, (branch, &held)).await;
        // An unchanged content does not tell, the id does.
        let now = self.lake_on(branch).await.unwrap().branch_id().to_owned();
        assert!(before != now || !happened || done.is_err(), "{done:?}\n{:#?}", self.log);
        if before == now {
            return;
        }
        let below = &self.branches[&parent];
        let kind = self.branches[branch].kind;
        let mut modelled =
            Modelled::new(Some(parent.clone()), kind, below.tables.clone(), below.touches.len());
        modelled.touches = decided.moved.into_iter().map(|moved| (moved.table, moved.touch)).collect();
        modelled.tables = decided.merged;
        self.branches.insert(branch.to_owned(), modelled);
    }

    /// The storage works again, and what was killed is brought to its end.
    async fn heal(&self) {
        if let Some(faults) = &self.faults {
            faults.heal();
        }
        self.lake.recover_merges().await.unwrap();
    }
}
