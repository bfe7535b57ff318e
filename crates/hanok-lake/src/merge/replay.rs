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
        // A commit without a change of rows only moves them.
        let moves =
            actions.iter().any(|action| matches!(action, Action::Remove(remove) if !remove.data_change));
        for action in actions {
            match action {
                Action::Add(add) => {
                    let key = (add.path.clone(), vector(add.deletion_vector.as_ref()));
                    self.rows_added |= add.data_change;
                    if moves && !add.data_change {
                        self.derived.insert(key.clone());
                    }
                    if self.removed.remove(&key).is_none() {
                        self.added.insert(key, add);
                    }
                }
                Action::Remove(remove) => {
                    let key = (remove.path.clone(), vector(remove.deletion_vector.as_ref()));
                    let own = self.added.remove(&key).is_some();
                    self.rows_removed |= remove.data_change && (!own || self.derived.contains(&key));
                    if !own {
                        self.removed.insert(key, (remove, commit));
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
        let own = delta(vec![vec![add("b", true)], vec![remove("b", true)]]);
        assert!(!own.rows_removed && own.is_empty());
    }
}
