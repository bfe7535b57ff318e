//! Carrying a merge out: files, journal, commits, publication; and taking it back.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, Add, Remove, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use hanok_catalog::{Branch, Merge, MergeAction, MergeTable};
use hanok_types::{Id, TableName};
use object_store::{ObjectStoreExt as _, PutPayload};

use super::base::{Bases, State};
use super::plan::{Planned, Sides};
use super::replay::{Delta, RowChanges};
use super::rows::{Place, RowPlan, RowSort};
use super::{Conflict, MergeMode, frozen};
use crate::branch::{folders_of, locate};
use crate::error::is_conflict;
use crate::{Lake, LakeError, Table};

/// Rounds of one table's commit against writers that had begun before the journal.
const ATTEMPTS_MAX: u32 = 60;
/// How long commits that were on their way when the journal was written are waited for.
const SETTLE: Duration = Duration::from_millis(50);

/// One merge and its two sides.
pub(super) struct Merging<'a> {
    pub(super) branch: &'a Lake,
    pub(super) target: &'a Lake,
    /// See [`Sides::against`].
    pub(super) against: &'a Branch,
    pub(super) bases: &'a Bases,
    pub(super) merge: &'a Merge,
    pub(super) mode: MergeMode,
}

type Settled = Result<(), Vec<Conflict>>;

impl Merging<'_> {
    /// From the plan to the publication.
    pub(super) async fn run(&self, planned: Vec<Planned>) -> Result<Settled, LakeError> {
        let names: Vec<MergeTable> = planned.iter().map(|planned| planned.table.clone()).collect();
        let _locks = self.lock(&names)?;
        let tables = match self.write_rows(planned).await? {
            Ok(tables) => tables,
            Err(conflicts) => return Ok(Err(conflicts)),
        };
        self.copy_all(&tables).await?;
        self.target.catalog().begin_merge(self.merge, &tables).await?;
        // From here on writers of these tables hold off. Those that had looked before are let through, and then
        // everything is checked again.
        tokio::time::sleep(SETTLE).await;
        let again = self.sides(&tables).plan().await?;
        let conflicts = match again.conflicts.is_empty() {
            true => match self.write_rows(again.tables).await? {
                Ok(moved) => return self.commit_all(&self.revised(tables, moved).await?, false).await,
                Err(conflicts) => conflicts,
            },
            false => again.conflicts,
        };
        self.target.catalog().abandon_merge(&self.merge.id).await?;
        Ok(Err(conflicts))
    }

    /// Merges the rows of tables that are merged by key, into files that nobody sees yet.
    async fn write_rows(
        &self,
        planned: Vec<Planned>,
    ) -> Result<Result<Vec<MergeTable>, Vec<Conflict>>, LakeError> {
        let (mut tables, mut conflicts) = (Vec::new(), Vec::new());
        for Planned { mut table, by_key, .. } in planned {
            if let (Some(key), Some(sort)) = (by_key, &self.branch.sort) {
                match self.rewritten(&table, key, sort.as_ref()).await? {
                    Ok(written) => match &mut table.action {
                        MergeAction::Commit { rewrite, .. } => *rewrite = Some(written),
                        _ => continue,
                    },
                    Err(conflict) => conflicts.push(conflict),
                }
            }
            tables.push(table);
        }
        Ok(if conflicts.is_empty() { Ok(tables) } else { Err(conflicts) })
    }

    /// The actions of a merge by key, as JSON.
    async fn rewritten(
        &self,
        table: &MergeTable,
        key: Vec<String>,
        sort: &dyn RowSort,
    ) -> Result<Result<String, Conflict>, LakeError> {
        let MergeTable { name, action } = table;
        let &MergeAction::Commit { directory, before, source, source_version, .. } = action else {
            return Ok(Err(moved(name)));
        };
        let ours = self.ours(name, action, source, source_version).await?;
        let base = self.source_base(name, source)?;
        let (branch, target) = (self.branch, self.target);
        let place = Place { name, branch, source, base, target, directory, before };
        let Ok(plan) = RowPlan::read(&place, key, &ours).await? else { return Ok(Err(moved(name))) };
        let written = plan.write(sort, &self.target.handle(name, directory)?).await?;
        if written.outcome.conflicts > 0 || written.outcome.refused.is_some() {
            return Ok(Err(moved(name)));
        }
        let mut actions: Vec<Action> =
            ours.metadata.filter(|_| plan.grows()).map(Action::Metadata).into_iter().collect();
        actions.extend(written.actions);
        let shown = |error: serde_json::Error| LakeError::Worker {
            table: name.to_string(),
            reason: format!("its merge cannot be written down: {error}"),
        };
        Ok(Ok(serde_json::to_string(&actions).map_err(shown)?))
    }

    /// From the journal of a merge that was killed to its publication.
    pub(super) async fn resume(&self, tables: Vec<MergeTable>) -> Result<Settled, LakeError> {
        let _locks = self.lock(&tables)?;
        self.copy_all(&tables).await?;
        self.commit_all(&tables, true).await
    }

    fn sides<'a>(&'a self, tables: &'a [MergeTable]) -> Sides<'a> {
        let frozen = frozen(tables);
        self.sides_with(frozen, tables)
    }

    fn sides_with<'a>(&'a self, frozen: BTreeMap<Id, u64>, settled: &'a [MergeTable]) -> Sides<'a> {
        let Self { branch, target, against, bases, mode, .. } = *self;
        Sides { branch, target, against, bases, mode, frozen, settled }
    }

    /// Keeps vacuums away from both sides: from files that are linked and not committed, and from those to be linked.
    fn lock(&self, tables: &[MergeTable]) -> Result<Vec<Option<File>>, LakeError> {
        let mut locks = Vec::new();
        for MergeTable { name, action } in tables {
            match action {
                MergeAction::Commit { directory, source, .. } => {
                    locks.push(self.target.handle(name, *directory)?.lock_maintenance()?);
                    locks.push(self.branch.handle(name, *source)?.lock_maintenance()?);
                }
                MergeAction::Create { source, .. } => {
                    locks.push(self.branch.handle(name, *source)?.lock_maintenance()?);
                }
                MergeAction::View { .. } | MergeAction::Drop => {}
            }
        }
        Ok(locks)
    }

    async fn copy_all(&self, tables: &[MergeTable]) -> Result<(), LakeError> {
        for MergeTable { name, action } in tables {
            if let MergeAction::Commit { directory, source, source_version, rewrite: None, .. }
            | MergeAction::Create { directory, source, source_version } = action
            {
                let ours = self.ours(name, action, *source, *source_version).await?;
                let paths: Vec<String> = ours.added.keys().map(|(path, _)| path.clone()).collect();
                self.copy(name, *source, *directory, paths).await?;
            }
        }
        Ok(())
    }

    /// What the branch did that the target does not have.
    async fn ours(
        &self,
        name: &TableName,
        action: &MergeAction,
        source: Id,
        version: u64,
    ) -> Result<Delta, LakeError> {
        let base = match action {
            MergeAction::Create { .. } => None,
            _ => Some(self.source_base(name, source)?),
        };
        Delta::read(&self.branch.handle(name, source)?, base, version).await
    }

    fn source_base(&self, name: &TableName, source: Id) -> Result<u64, LakeError> {
        match self.bases.get(name).map(|base| &base.ours) {
            Some(State::Table(directory, version)) if *directory == source => Ok(*version),
            _ => Err(LakeError::BranchGone { branch: self.branch.branch().name.clone() }),
        }
    }

    /// Links or copies files of the branch into the target's folder. Names are unique, so that what is there is right.
    async fn copy(
        &self,
        name: &TableName,
        source: Id,
        directory: Id,
        paths: Vec<String>,
    ) -> Result<(), LakeError> {
        let target = self.target.handle(name, directory)?;
        if let Some(folder) = target.local_folder().map(Path::to_owned) {
            let folders = folders_of(&self.branch.layers, source);
            let shown = folder.display().to_string();
            let linked = tokio::task::spawn_blocking(move || link(&folders, &folder, &paths)).await;
            let failed =
                |source| LakeError::File { action: "bring files of the branch into", path: shown, source };
            return linked.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(failed);
        }
        let from = self.branch.handle(name, source)?;
        let failed = |source| LakeError::Storage { action: "copy files of", table: name.to_string(), source };
        for path in paths {
            if target.has_object(&path).await? {
                continue;
            }
            let path = object_store::path::Path::from(path);
            let bytes = from.store().get(&path).await.map_err(failed)?.bytes().await.map_err(failed)?;
            target.store().put(&path, PutPayload::from(bytes)).await.map_err(failed)?;
        }
        Ok(())
    }

    /// The journal's tables, corrected by what writers have done since the plan.
    async fn revised(
        &self,
        mut tables: Vec<MergeTable>,
        now: Vec<MergeTable>,
    ) -> Result<Vec<MergeTable>, LakeError> {
        for table in now.into_iter().filter(|table| matches!(table.action, MergeAction::Commit { .. })) {
            let Some(known) = tables.iter_mut().find(|known| known.name == table.name) else { continue };
            if known.action != table.action {
                self.target.catalog().revise_merge(&self.merge.id, &table).await?;
                *known = table;
            }
        }
        self.copy_all(&tables).await?;
        Ok(tables)
    }

    /// Commits table by table and publishes. When a writer that the journal came too late for has made one of them
    /// impossible, takes the others back.
    ///
    /// `look_first` when nobody has looked since the journal was written.
    async fn commit_all(&self, tables: &[MergeTable], look_first: bool) -> Result<Settled, LakeError> {
        let mut after = BTreeMap::new();
        for MergeTable { name, action } in tables {
            let version = match action {
                MergeAction::Commit { source, source_version, .. } => {
                    let ours = self.ours(name, action, *source, *source_version).await?;
                    self.commit(name, action, &ours, look_first).await?
                }
                MergeAction::Create { directory, source, source_version } => {
                    let ours = self.ours(name, action, *source, *source_version).await?;
                    Some(self.create(name, *directory, &ours).await?)
                }
                MergeAction::View { .. } | MergeAction::Drop => continue,
            };
            let Some(version) = version else {
                let mut conflicts = self.sides(tables).plan().await?.conflicts;
                // Those of tables that are committed already are with this merge itself.
                conflicts.retain(|conflict| conflict.table == name.to_string());
                if conflicts.is_empty() {
                    conflicts.push(moved(name));
                }
                self.take_back(tables, &after).await?;
                self.target.catalog().abandon_merge(&self.merge.id).await?;
                return Ok(Err(conflicts));
            };
            after.insert(name.clone(), version);
        }
        self.target.catalog().publish_merge(self.merge, &after).await?;
        Ok(Ok(()))
    }

    fn token(&self) -> String {
        format!("hanok-merge:{}", self.merge.id)
    }

    fn properties(&self, transactions: &BTreeMap<String, i64>, rows: Option<RowChanges>) -> CommitProperties {
        let transactions = transactions.iter().map(|(name, version)| Transaction::new(name, *version));
        let transactions = transactions.chain([Transaction::new(self.token(), 1)]).collect();
        let info = [
            ("hanok.merge".to_owned(), self.merge.id.clone().into()),
            ("hanok.branch".to_owned(), self.merge.branch_name.clone().into()),
        ];
        let info = info.into_iter().chain(rows.map(RowChanges::entries).into_iter().flatten());
        CommitProperties::default()
            .with_max_retries(0)
            .with_cleanup_expired_logs(Some(false))
            .with_application_transactions(transactions)
            .with_metadata(info)
    }

    /// One commit on the target's latest version; `None` when that version no longer allows it.
    async fn commit(
        &self,
        name: &TableName,
        action: &MergeAction,
        ours: &Delta,
        look_first: bool,
    ) -> Result<Option<u64>, LakeError> {
        let MergeAction::Commit { directory, before, source, rewrite, .. } = action else { return Ok(None) };
        let (changes, overwrites, rows) = match rewrite {
            None => (actions(ours), !ours.removed.is_empty(), Some(RowChanges::of(ours))),
            Some(text) => (rewrite_of(name, text)?, true, None),
        };
        for round in 0..ATTEMPTS_MAX {
            let mut table = self.target.handle(name, *directory)?.exclusive();
            table.load().await?;
            if table.application_version(&self.token()).await?.is_some() {
                return self.version_of_token(&table).await.map(Some);
            }
            let stale = match rewrite {
                // The rows were compared with those of that version.
                Some(_) => table.version() != Some(*before),
                None => (round > 0 || look_first) && self.conflicts_now(name, action, *source, ours).await?,
            };
            if stale {
                return Ok(None);
            }
            // A number that the target recorded later than the branch must not go back.
            let transactions = self.newer(&table, ours).await?;
            let mode = if overwrites { SaveMode::Overwrite } else { SaveMode::Append };
            let operation = DeltaOperation::Write { mode, partition_by: None, predicate: None };
            let state = table.delta.snapshot().map_err(|error| table.failed("read", error))?;
            let committed = CommitBuilder::from(self.properties(&transactions, rows))
                .with_actions(changes.clone())
                .build(Some(state as &dyn TableReference), table.log_store(), operation)
                .await;
            match committed {
                Ok(committed) => {
                    table.sync_commit(committed.version()).await?;
                    return Ok(Some(committed.version()));
                }
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(table.failed("merge into", error)),
            }
        }
        Err(LakeError::Conflict { table: name.to_string(), attempts: ATTEMPTS_MAX })
    }

    /// The branch's application transactions that are newer than the target's.
    async fn newer(&self, table: &Table, ours: &Delta) -> Result<BTreeMap<String, i64>, LakeError> {
        let mut newer = BTreeMap::new();
        for (name, version) in &ours.transactions {
            if table.application_version(name).await?.is_none_or(|known| known < *version) {
                newer.insert(name.clone(), *version);
            }
        }
        Ok(newer)
    }

    /// Whether the target no longer allows what was decided for it.
    async fn conflicts_now(
        &self,
        name: &TableName,
        action: &MergeAction,
        source: Id,
        ours: &Delta,
    ) -> Result<bool, LakeError> {
        let frozen = BTreeMap::from([(source, ours.version)]);
        let settled = [MergeTable { name: name.clone(), action: action.clone() }];
        let sides = self.sides_with(frozen, &settled);
        let plan = sides.plan().await?;
        let by_key = |planned: &Planned| planned.table.name == *name && planned.by_key.is_some();
        Ok(plan.conflicts.iter().any(|conflict| conflict.table == name.to_string())
            || plan.tables.iter().any(by_key))
    }

    /// The version of this merge's commit, which a process that was killed has made.
    async fn version_of_token(&self, table: &Table) -> Result<u64, LakeError> {
        let latest = table.version().unwrap_or_default();
        for version in (0..=latest).rev() {
            let made = table.commit_actions(version).await?;
            let ours = |action: &Action| matches!(action, Action::Txn(txn) if txn.app_id == self.token());
            if made.iter().any(ours) {
                return Ok(version);
            }
        }
        Ok(latest)
    }

    async fn create(&self, name: &TableName, directory: Id, ours: &Delta) -> Result<u64, LakeError> {
        let mut table = self.target.handle(name, directory)?.exclusive();
        if table.load().await? {
            return Ok(table.version().unwrap_or_default());
        }
        let missing = || LakeError::Worker {
            table: name.to_string(),
            reason: "its log on the branch has no columns".to_owned(),
        };
        let metadata = ours.metadata.clone().ok_or_else(missing)?;
        let protocol = ours.protocol.clone().ok_or_else(missing)?;
        let log_store = table.log_store();
        let location = log_store.config().location().clone();
        let operation =
            DeltaOperation::Create { mode: SaveMode::ErrorIfExists, location, protocol, metadata };
        let committed = CommitBuilder::from(self.properties(&ours.transactions, None))
            .with_actions(actions(ours))
            .build(None, log_store, operation)
            .await
            .map_err(|error| table.failed("merge into", error))?;
        table.sync_commit(committed.version()).await?;
        Ok(committed.version())
    }

    /// Undoes the commits that nobody has seen yet: what came goes, what went comes back.
    async fn take_back(
        &self,
        tables: &[MergeTable],
        after: &BTreeMap<TableName, u64>,
    ) -> Result<(), LakeError> {
        for MergeTable { name, action } in tables {
            let (Some(version), MergeAction::Commit { directory, .. }) = (after.get(name), action) else {
                continue;
            };
            let mut table = self.target.handle(name, *directory)?.exclusive();
            table.load().await?;
            let made = Delta::read(&table, Some(version - 1), *version).await?;
            let mut before = self.target.handle(name, *directory)?;
            before.load_at(version - 1).await?;
            let back = undone(&before, &made)?;
            let operation = DeltaOperation::Restore { version: Some(version - 1), datetime: None };
            let properties =
                CommitProperties::default().with_max_retries(0).with_cleanup_expired_logs(Some(false));
            let state = table.delta.snapshot().map_err(|error| table.failed("read", error))?;
            CommitBuilder::from(properties)
                .with_actions(back)
                .build(Some(state as &dyn TableReference), table.log_store(), operation)
                .await
                .map_err(|error| table.failed("take a merge back from", error))?;
        }
        Ok(())
    }
}

/// The target was written to between the comparison and the commit.
fn moved(name: &TableName) -> Conflict {
    Conflict {
        table: name.to_string(),
        reason: "others wrote to it while its rows were compared".to_owned(),
        remedy: "run the command again".to_owned(),
    }
}

/// The actions of a merge by key, as the journal has them.
fn rewrite_of(name: &TableName, text: &str) -> Result<Vec<Action>, LakeError> {
    serde_json::from_str(text).map_err(|error| LakeError::Worker {
        table: name.to_string(),
        reason: format!("its merge in the journal cannot be read: {error}"),
    })
}

/// The actions that make a table what the branch made of it.
fn actions(ours: &Delta) -> Vec<Action> {
    let now = chrono::Utc::now().timestamp_millis();
    let mut actions: Vec<Action> = Vec::new();
    actions.extend(ours.protocol.clone().map(Action::Protocol));
    actions.extend(ours.metadata.clone().map(Action::Metadata));
    let data_change = |own: bool| own || ours.mixed;
    actions.extend(ours.removed.values().map(|(remove, _)| {
        let data_change = data_change(remove.data_change);
        Action::Remove(Remove { deletion_timestamp: Some(now), data_change, ..remove.clone() })
    }));
    actions.extend(
        ours.added
            .values()
            .map(|add| Action::Add(Add { data_change: data_change(add.data_change), ..add.clone() })),
    );
    actions
}

fn undone(before: &Table, made: &Delta) -> Result<Vec<Action>, LakeError> {
    let now = chrono::Utc::now().timestamp_millis();
    let removes = made.added.values().map(|add| Action::Remove(remove_of(add, now)));
    let adds = made.removed.values().map(|(remove, _)| Action::Add(add_of(remove)));
    let mut actions: Vec<Action> = removes.chain(adds).collect();
    if made.metadata.is_some() {
        let state = before.delta.snapshot().map_err(|error| before.failed("read", error))?;
        actions.push(Action::Metadata(state.metadata().clone()));
    }
    Ok(actions)
}

fn remove_of(add: &Add, now: i64) -> Remove {
    Remove {
        path: add.path.clone(),
        data_change: true,
        deletion_timestamp: Some(now),
        extended_file_metadata: Some(true),
        size: Some(add.size),
        partition_values: Some(add.partition_values.clone()),
        deletion_vector: add.deletion_vector.clone(),
        ..Remove::default()
    }
}

/// Without statistics, which removals do not carry: readers look into the file.
fn add_of(remove: &Remove) -> Add {
    Add {
        path: remove.path.clone(),
        size: remove.size.unwrap_or_default(),
        partition_values: remove.partition_values.clone().unwrap_or_default(),
        modification_time: remove.deletion_timestamp.unwrap_or_default(),
        data_change: true,
        deletion_vector: remove.deletion_vector.clone(),
        ..Add::default()
    }
}

fn link(folders: &[PathBuf], target: &Path, paths: &[String]) -> std::io::Result<()> {
    for path in paths {
        let to = target.join(path);
        let Some(from) = locate(folders, path) else { continue };
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match std::fs::hard_link(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            // Some file systems have no links. A copy that is cut short must not take the name.
            Err(_) => {
                let partial =
                    to.with_file_name(format!("{}#1", to.file_name().unwrap_or_default().display()));
                std::fs::copy(&from, &partial)?;
                File::open(&partial)?.sync_all()?;
                std::fs::rename(&partial, &to)?;
            }
        }
    }
    // The names must survive a power cut before a commit refers to them.
    if target.is_dir() { File::open(target)?.sync_all() } else { Ok(()) }
}
