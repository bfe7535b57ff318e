//! What a merge would do, name by name, and what forbids it.

use std::collections::{BTreeMap, BTreeSet};

use deltalake::kernel::Metadata;
use hanok_catalog::{Branch, MergeAction, MergeTable, TableKind, TableRecord};
use hanok_types::{Id, TableName};

use super::base::{Base, Bases, State};
use super::replay::{Delta, FileKey};
use super::rows::{Place, RowOutcome, RowPlan, file_keys};
use super::{Conflict, MergeMode, TableMerge};
use crate::{Lake, LakeError, Table};

/// Loads record the files that they took in under this name.
const LOADED_PREFIX: &str = "hanok-load:";
/// Names shown of a list.
const SHOWN_MAX: usize = 3;

/// A name that changes, and how.
pub(super) struct Planned {
    pub(super) table: MergeTable,
    pub(super) report: TableMerge,
    /// Of a table that is merged row by row: the key. Its files are yet to be written.
    pub(super) by_key: Option<Vec<String>>,
}

/// A merge that is thought through.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) tables: Vec<Planned>,
    pub(super) conflicts: Vec<Conflict>,
}

/// Both sides of a merge.
pub(super) struct Sides<'a> {
    pub(super) branch: &'a Lake,
    pub(super) target: &'a Lake,
    /// The branch that the target is, or stands for: with which the branch has a past in common.
    pub(super) against: &'a Branch,
    pub(super) bases: &'a Bases,
    pub(super) mode: MergeMode,
    /// Versions of the branch to merge, by directory; the latest when there are none.
    pub(super) frozen: BTreeMap<Id, u64>,
    /// What has been decided already, and holds as long as the versions of both sides are the same.
    pub(super) settled: &'a [MergeTable],
}

impl<'a> Sides<'a> {
    /// Both as they are now, with nothing decided yet.
    pub(super) fn now(
        branch: &'a Lake,
        target: &'a Lake,
        against: &'a Branch,
        bases: &'a Bases,
        mode: MergeMode,
    ) -> Self {
        Self { branch, target, against, bases, mode, frozen: BTreeMap::new(), settled: &[] }
    }

    /// Compares the branch since it was last the same as its target, and the target since then, name by name.
    pub(super) async fn plan(&self) -> Result<Plan, LakeError> {
        let ours = self.states(self.branch).await?;
        let theirs = self.states(self.target).await?;
        let names: BTreeSet<&TableName> = self.bases.keys().chain(ours.keys()).collect();
        let mut plan = Plan::default();
        for name in names {
            let base = self.bases.get(name).cloned().unwrap_or_default();
            let our = ours.get(name).cloned().unwrap_or(State::Absent);
            let their = theirs.get(name).cloned().unwrap_or(State::Absent);
            let merge = OneName { sides: self, name, base, our, their };
            match merge.decide().await? {
                Ok(Some(planned)) => plan.tables.push(planned),
                Ok(None) => {}
                Err(conflict) => plan.conflicts.push(conflict),
            }
        }
        Ok(plan)
    }

    /// The key of a table: as the branch declares it, else as the target does.
    pub(super) async fn key(&self, name: &TableName) -> Result<Vec<String>, LakeError> {
        let catalog = self.target.catalog();
        let key = catalog.key_columns(self.branch.branch_id(), name).await?;
        match key.is_empty() {
            true => Ok(catalog.key_columns(self.target.branch_id(), name).await?),
            false => Ok(key),
        }
    }

    /// A journal that keeps writers off every name of the branch, and changes none.
    pub(super) async fn hold(&self) -> Result<Vec<MergeTable>, LakeError> {
        let states = self.states(self.branch).await?.into_iter();
        let held = states.filter_map(|(name, state)| {
            let action = match state {
                State::Absent => return None,
                State::View(sql) => MergeAction::View { sql },
                State::Table(directory, before) => MergeAction::Commit {
                    directory,
                    before,
                    source: directory,
                    source_version: before,
                    rewrite: None,
                },
            };
            Some(MergeTable { name, action })
        });
        Ok(held.collect())
    }

    async fn states(&self, lake: &Lake) -> Result<BTreeMap<TableName, State>, LakeError> {
        let records = lake.records().await?;
        let (tables, views): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.directory().is_some());
        let mut states = BTreeMap::new();
        for (record, head) in lake.heads(tables).await? {
            let Some(directory) = record.directory() else { continue };
            let frozen = self.frozen.get(&directory).copied().filter(|_| std::ptr::eq(lake, self.branch));
            let version = match (frozen, head) {
                (Some(version), _) => Some(version),
                (None, Some(head)) => Some(head.version),
                (None, None) => lake.find(&record.name).await?.and_then(|table| table.version()),
            };
            if let Some(version) = version {
                states.insert(record.name, State::Table(directory, version));
            }
        }
        for TableRecord { name, kind } in views {
            if let TableKind::View { sql } = kind {
                states.insert(name, State::View(sql));
            }
        }
        Ok(states)
    }
}

struct OneName<'a> {
    sides: &'a Sides<'a>,
    name: &'a TableName,
    base: Base,
    our: State,
    their: State,
}

type Decision = Result<Option<Planned>, Conflict>;

/// What came of comparing a table's rows.
enum Compared {
    /// They can be merged, or are in conflict.
    Decided(Decision),
    /// There is no key, or it does not tell rows apart, for this reason.
    Undecided(Planned, Option<String>),
}

impl OneName<'_> {
    async fn decide(self) -> Result<Decision, LakeError> {
        if self.our == self.base.ours {
            return Ok(Ok(None));
        }
        if let Some(between) = &self.base.unknown {
            let parent = &self.sides.against.name;
            let reason =
                format!("`{between}` was merged into `{parent}` since the branch was forked from it");
            let remedy = format!("merge into `{between}`, and `{between}` into `{parent}`");
            return Ok(Err(self.conflict(reason, &remedy)));
        }
        match (self.base.ours.clone(), self.our.clone()) {
            (State::Table(before, base), State::Table(now, version)) if before == now => {
                let ours = Delta::read(&self.handle(self.sides.branch, now)?, Some(base), version).await?;
                self.decide_commits(ours, base, now).await
            }
            _ => self.decide_name().await,
        }
    }

    fn handle(&self, lake: &Lake, directory: Id) -> Result<Table, LakeError> {
        lake.handle(self.name, directory)
    }

    fn conflict(&self, reason: String, remedy: &str) -> Conflict {
        Conflict { table: self.name.to_string(), reason, remedy: remedy.to_owned() }
    }

    fn planned(&self, action: MergeAction, what: &'static str, files: (usize, usize)) -> Planned {
        let report = TableMerge {
            table: self.name.to_string(),
            what,
            files_added: files.0 as u64,
            files_removed: files.1 as u64,
            rows: None,
        };
        Planned { table: MergeTable { name: self.name.clone(), action }, report, by_key: None }
    }

    /// What the target did since the base; `None` when the name stands for something else there now.
    async fn theirs(&self) -> Result<Option<Delta>, LakeError> {
        match (&self.base.theirs, &self.their) {
            (State::Table(before, base), State::Table(now, version)) if before == now => {
                let table = self.handle(self.sides.target, *now)?;
                Ok(Some(Delta::read(&table, Some(*base), *version).await?))
            }
            _ => Ok(None),
        }
    }

    /// The branch has other commits in the same table.
    async fn decide_commits(self, ours: Delta, base: u64, source: Id) -> Result<Decision, LakeError> {
        if ours.is_empty() {
            return Ok(Ok(None));
        }
        let parent = &self.sides.against.name;
        let (Some(theirs), State::Table(directory, before)) = (self.theirs().await?, self.their.clone())
        else {
            let reason = format!("the branch changed it, and `{parent}` dropped it or made it anew");
            return Ok(Err(self.conflict(reason, "make the change again on a new branch")));
        };
        let (branch, target) = (self.sides.branch, self.sides.target);
        let place = Place { name: self.name, branch, source, base, target, directory, before };
        let what = if theirs.is_empty() { "fast-forward" } else { "merged" };
        let action = |rewrite| MergeAction::Commit {
            directory,
            before,
            source,
            source_version: ours.version,
            rewrite,
        };
        let added = ours.added.keys().filter(|key| !theirs.added.contains_key(*key)).count();
        let files = (added, ours.removed.len());
        if let Some(settled) = self.settled(&action) {
            return Ok(Ok(Some(self.planned(settled, what, files))));
        }
        let gone = self.gone(&place, &ours, &theirs).await?;
        let by_file = self.incompatible(&ours, &theirs, &gone);
        let moves = |delta: &Delta| !delta.rows_added && !delta.rows_removed;
        let other_rows = !moves(&ours) && !moves(&theirs) || !gone.is_empty();
        // After a merge the target may have rows that the branch does not know.
        if !other_rows && !self.base.merged {
            return Ok(match by_file {
                Some(conflict) => Err(conflict),
                None => Ok(Some(self.planned(action(None), what, files))),
            });
        }
        let planned = self.planned(action(None), what, files);
        let (planned, hint) = match self.compare_rows(&place, &ours, &theirs, planned).await? {
            Compared::Decided(decision) => return Ok(decision),
            Compared::Undecided(planned, hint) => (planned, hint),
        };
        Ok(match by_file {
            Some(mut conflict) => {
                let unkeyed = (!gone.is_empty()).then(|| DECLARE.to_owned());
                conflict.remedy.extend(hint.or(unkeyed));
                Err(conflict)
            }
            None => Ok(Some(planned)),
        })
    }

    /// The decision on this table when it was made before, for the same versions.
    fn settled(&self, action: &dyn Fn(Option<String>) -> MergeAction) -> Option<MergeAction> {
        let known = self.sides.settled.iter().find(|known| known.name == *self.name)?;
        let MergeAction::Commit { rewrite, .. } = &known.action else { return None };
        (known.action == action(rewrite.clone())).then(|| known.action.clone())
    }

    /// Files that the branch took away and that the target does not have either.
    async fn gone(&self, place: &Place<'_>, ours: &Delta, theirs: &Delta) -> Result<Vec<FileKey>, LakeError> {
        let taken = || ours.removed.keys();
        if self.base.merged && !ours.removed.is_empty() {
            // The target may have put others in their place before the base, where it merges by key or joins files.
            let there = file_keys(&place.target_table().await?).await?;
            return Ok(taken().filter(|key| !there.contains(*key)).cloned().collect());
        }
        Ok(taken().filter(|key| theirs.removed.contains_key(*key)).cloned().collect())
    }

    /// Decides by the rows of a table that has a key; `planned` is what is done when files are taken as they are.
    async fn compare_rows(
        &self,
        place: &Place<'_>,
        ours: &Delta,
        theirs: &Delta,
        mut planned: Planned,
    ) -> Result<Compared, LakeError> {
        let key = self.sides.key(self.name).await?;
        let (Some(sort), false) = (&self.sides.branch.sort, key.is_empty()) else {
            return Ok(Compared::Undecided(planned, None));
        };
        let refused = |reason| Some(format!("; its key ({}) does not help: {reason}", key.join(", ")));
        if let Some(reason) = columns_clash(ours, theirs) {
            return Ok(Compared::Undecided(planned, refused(reason)));
        }
        let plan = match RowPlan::read(place, key.clone(), ours).await? {
            Ok(plan) => plan,
            Err(reason) => return Ok(Compared::Undecided(planned, refused(reason))),
        };
        let outcome = plan.check(sort.as_ref()).await?;
        if let Some(reason) = outcome.refused {
            return Ok(Compared::Undecided(planned, refused(reason)));
        }
        if outcome.conflicts > 0 {
            return Ok(Compared::Decided(Err(self.rows_conflict(&outcome))));
        }
        if plan.same_file || outcome.same > 0 || !can_move(ours) {
            planned.report.what = "by key";
            (planned.report.files_added, planned.report.files_removed) = (0, 0);
            planned.report.rows = Some(outcome.taken);
            planned.by_key = Some(key);
        }
        Ok(Compared::Decided(Ok(Some(planned))))
    }

    fn rows_conflict(&self, outcome: &RowOutcome) -> Conflict {
        let (branch, parent) = (&self.sides.branch.branch().name, &self.sides.against.name);
        let rows = if outcome.conflicts == 1 { "a row" } else { "rows" };
        let reason = format!(
            "both sides changed {rows} otherwise (here: the branch, there: `{parent}`): {}",
            outcome.keys()
        );
        let remedy = format!(
            "make these rows the same on both sides; `hanok branch diff {parent}..{branch} --table {} --rows` shows them",
            self.name
        );
        self.conflict(reason, &remedy)
    }

    fn incompatible(&self, ours: &Delta, theirs: &Delta, gone: &[FileKey]) -> Option<Conflict> {
        let parent = &self.sides.against.name;
        if !can_move(ours) {
            let reason = "the branch has files with deletion vectors, which Hanok cannot move".to_owned();
            return Some(self.conflict(reason, "optimise the table on the branch first"));
        }
        if let Some(first) = gone.first() {
            let reason = format!(
                "both sides replaced {} ({}): {} on the branch, {} on `{parent}`",
                if gone.len() == 1 { "a file".to_owned() } else { format!("{} files", gone.len()) },
                shown(gone.iter().map(|(path, _)| path.as_str())),
                commit(ours, first),
                commit(theirs, first),
            );
            return Some(self.conflict(reason, REDO));
        }
        if theirs.is_empty() {
            return None;
        }
        let loaded = |delta: &Delta| -> BTreeSet<String> {
            let names = delta.transactions.keys().filter(|name| name.starts_with(LOADED_PREFIX));
            names.cloned().collect()
        };
        let twice: Vec<String> = loaded(ours).intersection(&loaded(theirs)).cloned().collect();
        if !twice.is_empty() {
            let reason = format!("both sides loaded the same files ({} of them)", twice.len());
            let remedy = "reset the branch to the head of its parent, and load there what is missing";
            return Some(self.conflict(reason, remedy));
        }
        if let Some(reason) = columns_clash(ours, theirs) {
            return Some(self.conflict(reason, REDO));
        }
        if self.sides.mode == MergeMode::Strict {
            let unseen = |a: &Delta, b: &Delta| a.rows_removed && (b.rows_added || b.rows_removed);
            if unseen(ours, theirs) || unseen(theirs, ours) {
                let side = if ours.rows_removed { "the branch" } else { parent };
                let reason = format!(
                    "{side} deleted or changed rows without seeing what the other side did to others"
                );
                return Some(self.conflict(reason, "`--mode lenient` takes both, if that is meant"));
            }
        }
        None
    }

    /// The name stands for something else on the branch than it did at the base.
    async fn decide_name(self) -> Result<Decision, LakeError> {
        if self.our == self.their {
            return Ok(Ok(None));
        }
        let parent = &self.sides.against.name;
        let same = match self.theirs().await? {
            Some(theirs) => theirs.is_empty(),
            None => self.their == self.base.theirs,
        };
        if !same {
            let reason = format!("the name changed on the branch and on `{parent}`");
            return Ok(Err(self.conflict(reason, "take one side: drop or rename the table on the branch")));
        }
        Ok(Ok(Some(match &self.our {
            State::Absent => self.planned(MergeAction::Drop, "dropped", (0, 0)),
            State::View(sql) => self.planned(MergeAction::View { sql: sql.clone() }, "view", (0, 0)),
            State::Table(source, version) => {
                let table = self.handle(self.sides.branch, *source)?;
                let ours = Delta::read(&table, None, *version).await?;
                if !can_move(&ours) {
                    let reason = "it has files with deletion vectors, which Hanok cannot move".to_owned();
                    return Ok(Err(self.conflict(reason, "optimise the table on the branch first")));
                }
                let action = MergeAction::Create {
                    directory: Id::generate(),
                    source: *source,
                    source_version: *version,
                };
                self.planned(action, "new", (ours.added.len(), 0))
            }
        })))
    }
}

const DECLARE: &str = "; if the table had a declared key, its rows would be compared instead";
const REDO: &str = "reset the branch to the head of its parent, and make the change again there";

/// Whether the branch's files can be brought into the target's folder.
fn can_move(ours: &Delta) -> bool {
    ours.added.values().all(|add| add.deletion_vector.as_ref().is_none_or(is_inline))
}

fn is_inline(vector: &deltalake::kernel::DeletionVectorDescriptor) -> bool {
    vector.storage_type == deltalake::kernel::StorageType::Inline
}

fn commit(delta: &Delta, key: &FileKey) -> String {
    let Some((_, version)) = delta.removed.get(key) else {
        return "before the last merge".to_owned();
    };
    let operation = delta.operations.get(version).map_or("", String::as_str);
    format!("{operation} in version {version}")
}

fn shown<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = names.collect();
    let more = all.len().saturating_sub(SHOWN_MAX);
    all.truncate(SHOWN_MAX);
    let list = all.join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

/// Why the columns of both sides do not go together. Columns may be added on one side; files without them read as null.
fn columns_clash(ours: &Delta, theirs: &Delta) -> Option<String> {
    if ours.protocol.is_some() || theirs.protocol.is_some() {
        return Some("the table's protocol changed on one side".to_owned());
    }
    match (&ours.metadata, &theirs.metadata) {
        (None, None) => None,
        (Some(our), Some(their)) => {
            (columns(our) != columns(their)).then(|| "columns changed on both sides".to_owned())
        }
        // The other side's new files have the columns of the base, which must all be there still, with their types.
        (Some(_), None) | (None, Some(_)) => {
            let (changed, other) = if ours.metadata.is_some() { (ours, theirs) } else { (theirs, ours) };
            (!other.added.is_empty() && !changed.grew_only)
                .then(|| "columns were removed or changed on one side, and rows came on the other".to_owned())
        }
    }
}

/// The columns, as the log writes them.
fn columns(metadata: &Metadata) -> Option<String> {
    let text = serde_json::to_value(metadata).ok()?.get("schemaString")?.as_str()?.to_owned();
    Some(text)
}
