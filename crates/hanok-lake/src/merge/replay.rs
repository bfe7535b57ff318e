//! What happened to a table between two versions, read off its commits.
//!
//! A file is told from others by its path and its deletion vector. Files that came and went in between are not in the
//! result, and neither is a file that went and came back.

use std::collections::{BTreeMap, BTreeSet};

use deltalake::kernel::{Action, Add, DeletionVectorDescriptor, Metadata, Protocol, Remove};
use deltalake::logstore::get_actions;

use crate::table::GREW_PROPERTY;
use crate::{LakeError, Table};

/// Path and deletion vector.
pub(super) type FileKey = (String, Option<String>);

/// The difference between two versions of a table.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// The later version.
    pub(super) version: u64,
    /// Files that only the later one has.
    pub(super) added: BTreeMap<FileKey, Add>,
    /// Files that only the earlier one has, with the commit that took each away.
    pub(super) removed: BTreeMap<FileKey, (Remove, u64)>,
    /// Whether rows came, and not only files that hold rows of others.
    pub(super) rows_added: bool,
    /// Whether rows of the earlier version were deleted or changed.
    pub(super) rows_removed: bool,
    /// The last change of columns or properties.
    pub(super) metadata: Option<Metadata>,
    /// Whether columns were added and nothing else about them changed. Hanok says so in the table's properties; what
    /// other writers do is not trusted to be that.
    pub(super) grew_only: bool,
    /// The last change of the protocol.
    pub(super) protocol: Option<Protocol>,
    /// Application transactions.
    pub(super) transactions: BTreeMap<String, i64>,
    /// Whether rows of the earlier version were moved and then removed, or new ones moved: what each file says of itself does
    /// not tell any more what the difference does to rows.
    pub(super) mixed: bool,
    /// What each commit was.
    pub(super) operations: BTreeMap<u64, String>,
    /// Files whose rows were in other files before.
    derived: BTreeSet<FileKey>,
}

impl Delta {
    /// Reads the commits after `base` up to `version`; all of them when there is no base.
    pub(super) async fn read(table: &Table, base: Option<u64>, version: u64) -> Result<Self, LakeError> {
        let mut delta = Self { version, ..Self::default() };
        for commit in base.map_or(0, |base| base + 1)..=version {
            let actions = table.commit_actions(commit).await?;
            delta.apply(commit, actions);
        }
        Ok(delta)
    }

    /// Whether the table's rows, columns and files are what they were.
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.metadata.is_none() && self.protocol.is_none()
    }

    fn apply(&mut self, commit: u64, actions: Vec<Action>) {
        let said = actions.iter().find_map(RowChanges::said);
        let removes = |wanted: &dyn Fn(&Remove) -> bool| {
            actions.iter().any(|action| matches!(action, Action::Remove(remove) if wanted(remove)))
        };
        // A commit without a change of rows only moves them.
        let moves = match said {
            Some(said) => !said.removed && removes(&|_| true),
            None => removes(&|remove| !remove.data_change),
        };
        for action in actions {
            match action {
                Action::Add(add) => {
                    let key = (add.path.clone(), vector(add.deletion_vector.as_ref()));
                    self.rows_added |= said.map_or(add.data_change, |said| said.added);
                    if moves && (!add.data_change || said.is_some()) {
                        self.derived.insert(key.clone());
                    }
                    if self.removed.remove(&key).is_none() {
                        self.added.insert(key, add);
                    }
                }
                Action::Remove(remove) => {
                    let key = (remove.path.clone(), vector(remove.deletion_vector.as_ref()));
                    let own = self.added.remove(&key);
                    let changes = said.map_or(remove.data_change, |said| said.removed);
                    let had_others = self.derived.contains(&key);
                    self.rows_removed |= changes && (own.is_none() || had_others);
                    match own {
                        Some(own) => self.mixed |= if changes { had_others } else { own.data_change },
                        None => drop(self.removed.insert(key, (remove, commit))),
                    }
                }
                Action::Metadata(metadata) => {
                    let grew =
                        metadata.configuration().get(GREW_PROPERTY).is_some_and(|value| value == "true");
                    self.grew_only = grew && (self.grew_only || self.metadata.is_none());
                    self.metadata = Some(metadata);
                }
                Action::Protocol(protocol) => self.protocol = Some(protocol),
                Action::Txn(transaction) => {
                    self.transactions.insert(transaction.app_id, transaction.version);
                }
                Action::CommitInfo(info) => {
                    self.operations.insert(commit, info.operation.unwrap_or_default());
                }
                _ => {}
            }
        }
    }
}

/// What a merge says of its commit as a whole: the flags of its files cannot tell more than one of both where rows were moved
/// and changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowChanges {
    pub(super) added: bool,
    pub(super) removed: bool,
}

impl RowChanges {
    const ADDED: &'static str = "hanok.rowsAdded";
    const REMOVED: &'static str = "hanok.rowsRemoved";

    pub(super) fn of(delta: &Delta) -> Self {
        Self { added: delta.rows_added, removed: delta.rows_removed }
    }

    /// As a commit's own entries.
    pub(super) fn entries(self) -> [(String, serde_json::Value); 2] {
        [(Self::ADDED.to_owned(), self.added.into()), (Self::REMOVED.to_owned(), self.removed.into())]
    }

    fn said(action: &Action) -> Option<Self> {
        let Action::CommitInfo(info) = action else { return None };
        let flag = |name: &str| info.info.get(name)?.as_bool();
        Some(Self { added: flag(Self::ADDED)?, removed: flag(Self::REMOVED)? })
    }
}

fn vector(descriptor: Option<&DeletionVectorDescriptor>) -> Option<String> {
    descriptor.map(|vector| format!("{}@{}", vector.path_or_inline_dv, vector.offset.unwrap_or_default()))
}

impl Table {
    /// The actions of one commit.
    pub(super) async fn commit_actions(&self, version: u64) -> Result<Vec<Action>, LakeError> {
        let log_store = self.log_store();
        let read = log_store.read_commit_entry(version).await;
        let bytes = read.map_err(|error| self.failed("read the log of", error))?;
        let bytes = bytes.ok_or_else(|| LakeError::Version {
            table: self.name().to_string(),
            wanted: format!("commit {version} in its log"),
            latest: self.version().unwrap_or_default(),
        })?;
        get_actions(version, &bytes).map_err(|error| self.failed("read the log of", error))
    }
}

#[cfg(test)]
mod tests {
    use deltalake::kernel::CommitInfo;

    use super::*;

    fn add(path: &str, data_change: bool) -> Action {
        Action::Add(Add { path: path.to_owned(), data_change, ..Add::default() })
    }

    fn remove(path: &str, data_change: bool) -> Action {
        Action::Remove(Remove { path: path.to_owned(), data_change, ..Remove::default() })
    }

    fn delta(commits: Vec<Vec<Action>>) -> Delta {
        let mut delta = Delta::default();
        for (commit, actions) in commits.into_iter().enumerate() {
            delta.apply(commit as u64, actions);
        }
        delta
    }

    fn names<T>(files: &BTreeMap<FileKey, T>) -> Vec<&str> {
        files.keys().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn what_comes_and_goes_in_between_does_not_count() {
        let found = delta(vec![
            vec![add("b", true)],
            vec![remove("b", true), add("c", true)],
            vec![remove("a", true)],
            vec![add("a", true)],
        ]);
        assert_eq!((names(&found.added), names(&found.removed)), (vec!["c"], vec![]));
    }

    #[test]
    fn moving_rows_is_told_from_changing_them() {
        let appended = delta(vec![vec![add("b", true)]]);
        assert!(appended.rows_added && !appended.rows_removed);
        let moved = delta(vec![vec![remove("a", false), add("b", false)]]);
        assert!(!moved.rows_added && !moved.rows_removed && !moved.is_empty());
        // The rows of `a` are in `b` when they are deleted.
        let deleted = delta(vec![vec![remove("a", false), add("b", false)], vec![remove("b", true)]]);
        assert!(deleted.rows_removed);
        assert!(deleted.mixed && !moved.mixed && !appended.mixed);
        let own = delta(vec![vec![add("b", true)], vec![remove("b", true)]]);
        assert!(!own.rows_removed && own.is_empty() && !own.mixed);
        let joined =
            delta(vec![vec![add("b", true)], vec![remove("a", false), remove("b", false), add("ab", false)]]);
        assert!(joined.mixed && joined.rows_added && !joined.rows_removed);
        // What a merge says counts, whatever its files say.
        let info = CommitInfo {
            info: RowChanges::of(&joined).entries().into_iter().collect(),
            ..CommitInfo::default()
        };
        let merged = || vec![Action::CommitInfo(info.clone()), remove("a", true), add("ab", true)];
        let found = delta(vec![merged()]);
        assert!(found.rows_added && !found.rows_removed);
        assert!(delta(vec![merged(), vec![remove("ab", true)]]).rows_removed, "the rows of `a` were in it");
    }
}
