//! A table's latest version, found without listing its log: from the newest checkpoint that the log names, by looking
//! whether commits are there, in growing steps and then by halving. The cost is that of a few looks, whatever the number
//! of commits and rows.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use object_store::{Error, ObjectStore, ObjectStoreExt as _};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::overlay::{LAST_CHECKPOINT, LOG, Seen};

/// Bytes at a commit's beginning in which its first action is sought.
const BEGIN_BYTES: u64 = 32 * 1024;

/// The latest version of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: u64,
    /// The contents of `_last_checkpoint`, when it is not newer.
    pub(crate) hint: Option<String>,
    /// Whether this delta-rs itself wrote the version, so that it can write the next one. If not, nobody knows.
    pub(crate) writable: bool,
}

/// A log in one layer.
pub(crate) trait Log {
    fn has(&self, version: u64) -> io::Result<bool>;
    fn last_checkpoint(&self) -> io::Result<Option<String>>;
    /// The first bytes of a commit.
    fn begin(&self, version: u64) -> io::Result<Vec<u8>>;
}

/// The latest version in the branch's own log over what it sees of its parent's. `None` when there is neither.
pub(crate) fn head(log: &dyn Log, seen: Option<&Seen>) -> io::Result<Option<Head>> {
    let own = log.last_checkpoint()?.filter(|text| checkpoint_version(text).is_some());
    let known = own.as_deref().and_then(checkpoint_version);
    let floor = seen.map(|seen| seen.version);
    let start = match known.max(floor) {
        Some(version) => version,
        None if log.has(0)? => 0,
        None => return Ok(None),
    };
    let version = last_from(log, start)?;
    let hint = own.or_else(|| seen.and_then(|seen| seen.hint.clone()));
    // What the branch was forked from was looked at then.
    let writable = floor.is_some_and(|floor| version <= floor) || is_ours(&log.begin(version)?, version);
    Ok(Some(Head { version, hint, writable }))
}

fn last_from(log: &dyn Log, start: u64) -> io::Result<u64> {
    let (mut there, mut step) = (start, 1);
    while log.has(there + step)? {
        there += step;
        step *= 2;
    }
    let mut missing = there + step;
    while missing - there > 1 {
        let middle = there + (missing - there) / 2;
        if log.has(middle)? {
            there = middle;
        } else {
            missing = middle;
        }
    }
    Ok(there)
}

/// The version that a `_last_checkpoint` names.
pub(crate) fn checkpoint_version(text: &str) -> Option<u64> {
    serde_json::from_str::<Value>(text).ok()?.get("version")?.as_u64()
}

/// Whether a commit was written by this version of delta-rs. It refuses to commit to tables with features that it cannot
/// write; only the first commit, which it does not check, must show its protocol.
fn is_ours(begin: &[u8], version: u64) -> bool {
    let whole = begin.len() < BEGIN_BYTES as usize;
    let cut = if whole { begin.len() } else { begin.iter().rposition(|&byte| byte == b'\n').unwrap_or(0) };
    let mut actions = begin[..cut]
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let Some(first) = actions.next() else { return false };
    let engine = first.get("commitInfo").and_then(|info| info.get("engineInfo")).and_then(Value::as_str);
    if engine != Some(&format!("delta-rs:{}", deltalake::crate_version())) {
        return false;
    }
    let plain = |protocol: &Value| {
        let version = |name: &str| protocol.get(name).and_then(Value::as_u64);
        version("minReaderVersion") == Some(1) && version("minWriterVersion").is_some_and(|v| v <= 2)
    };
    version > 0 || actions.any(|action| action.get("protocol").is_some_and(plain))
}

fn commit_name(version: u64) -> String {
    format!("{version:020}.json")
}

/// A log in a local folder.
pub(crate) struct LocalLog(PathBuf);

impl LocalLog {
    /// The log of the table in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.join(LOG))
    }

    /// When a commit was written.
    pub(crate) fn written(&self, version: u64) -> io::Result<Option<SystemTime>> {
        found(std::fs::metadata(self.0.join(commit_name(version))))?.map(|file| file.modified()).transpose()
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Log for LocalLog {
    fn has(&self, version: u64) -> io::Result<bool> {
        Ok(found(std::fs::metadata(self.0.join(commit_name(version))))?.is_some())
    }

    fn last_checkpoint(&self) -> io::Result<Option<String>> {
        found(std::fs::read_to_string(self.0.join(LAST_CHECKPOINT)))
    }

    fn begin(&self, version: u64) -> io::Result<Vec<u8>> {
        let Some(file) = found(File::open(self.0.join(commit_name(version))))? else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        file.take(BEGIN_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A log in an object store, looked into from a thread that may wait.
pub(crate) struct RemoteLog {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) table: object_store::path::Path,
    pub(crate) runtime: Handle,
}

impl RemoteLog {
    fn path(&self, name: &str) -> object_store::path::Path {
        self.table.clone().join(LOG).join(name)
    }

    fn wait<T>(&self, future: impl Future<Output = object_store::Result<T>>) -> io::Result<Option<T>> {
        match self.runtime.block_on(future) {
            Ok(value) => Ok(Some(value)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

impl Log for RemoteLog {
    fn has(&self, version: u64) -> io::Result<bool> {
        Ok(self.wait(self.store.head(&self.path(&commit_name(version))))?.is_some())
    }

    fn last_checkpoint(&self) -> io::Result<Option<String>> {
        let path = self.path(LAST_CHECKPOINT);
        let bytes = self.wait(async { self.store.get(&path).await?.bytes().await })?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()))
    }

    fn begin(&self, version: u64) -> io::Result<Vec<u8>> {
        let path = self.path(&commit_name(version));
        let bytes = self.wait(self.store.get_range(&path, 0..BEGIN_BYTES))?;
        Ok(bytes.map(|bytes| bytes.to_vec()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct Counted {
        first: u64,
        /// None when there are no commits.
        last: Option<u64>,
        hint: Option<u64>,
        looks: Cell<u32>,
    }

    impl Log for Counted {
        fn has(&self, version: u64) -> io::Result<bool> {
            self.looks.set(self.looks.get() + 1);
            Ok(version >= self.first && self.last.is_some_and(|last| version <= last))
        }

        fn last_checkpoint(&self) -> io::Result<Option<String>> {
            Ok(self.hint.map(|version| format!("{{\"version\":{version},\"size\":3}}")))
        }

        fn begin(&self, _: u64) -> io::Result<Vec<u8>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn the_head_takes_few_looks_whatever_the_number_of_commits() {
        for (last, hint) in
            [(0, None), (1, None), (19, None), (10_000, Some(9_990)), (10_000, None), (7, Some(7))]
        {
            let log = Counted { first: 0, last: Some(last), hint, looks: Cell::new(0) };
            assert_eq!(head(&log, None).unwrap().map(|head| head.version), Some(last));
            assert!(log.looks.get() <= 32, "{last}: {}", log.looks.get());
        }
        let empty = Counted { first: 0, last: None, hint: None, looks: Cell::new(0) };
        assert_eq!(head(&empty, None).unwrap(), None);
    }

    #[test]
    fn a_branch_begins_at_its_fork() {
        let seen = Seen { version: 4, hint: Some("{\"version\":2}".to_owned()) };
        let none = Counted { first: 0, last: None, hint: None, looks: Cell::new(0) };
        let expected = Head { version: 4, hint: seen.hint.clone(), writable: true };
        assert_eq!(head(&none, Some(&seen)).unwrap(), Some(expected));
        let own = Counted { first: 5, last: Some(30), hint: Some(24), looks: Cell::new(0) };
        let found = head(&own, Some(&seen)).unwrap().unwrap();
        assert_eq!((found.version, found.hint.as_deref()), (30, Some("{\"version\":24,\"size\":3}")));
    }

    #[test]
    fn only_our_own_commits_are_trusted() {
        let engine = format!("delta-rs:{}", deltalake::crate_version());
        let info = |engine: &str| format!("{{\"commitInfo\":{{\"engineInfo\":\"{engine}\"}}}}\n");
        assert!(is_ours(info(&engine).as_bytes(), 3));
        assert!(!is_ours(info("Apache-Spark/3.5").as_bytes(), 3));
        assert!(!is_ours(info(&engine).as_bytes(), 0), "the first commit must show its protocol");
        let protocol = |writer: u64| {
            format!("{{\"protocol\":{{\"minReaderVersion\":1,\"minWriterVersion\":{writer}}}}}")
        };
        assert!(is_ours((info(&engine) + &protocol(2)).as_bytes(), 0));
        assert!(!is_ours((info(&engine) + &protocol(7)).as_bytes(), 0));
        assert!(!is_ours(b"", 3) && !is_ours(b"{\"add\":{}}", 3));
    }
}
