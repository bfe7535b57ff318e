//! A table's version at a time, found as delta-rs finds it, by when commits were written, without reading the log.

use std::io;
use std::time::SystemTime;

use serde_json::Value;

use crate::branch::Layer;
use crate::head::{LocalLog, Log as _};

/// What a table was at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    /// At this version.
    At(u64),
    /// Not there yet.
    Younger,
    /// Its log has to be read: commits are missing.
    Unknown,
}

/// The table's log through the layers of a branch, when they are local folders.
pub(crate) struct LayeredLog {
    /// Each layer's own log and the last version that it sees of the layers below.
    logs: Vec<(LocalLog, Option<u64>)>,
}

impl LayeredLog {
    /// `None` when a layer is not a local folder.
    pub(crate) fn new(layers: &[Layer], directory: &str) -> Option<Self> {
        let mut logs = Vec::new();
        for layer in layers {
            let log = LocalLog::new(&layer.folder.as_ref()?.join(directory));
            let seen = layer.forks.get(directory).map(|seen| seen.version);
            logs.push((log, seen));
            if seen.is_none() {
                break;
            }
        }
        Some(Self { logs })
    }

    fn of(&self, version: u64) -> Option<&LocalLog> {
        self.logs.iter().find(|(_, seen)| seen.is_none_or(|seen| version > seen)).map(|(log, _)| log)
    }

    /// Milliseconds since 1970-01-01 UTC; `None` when the commit is not there.
    fn written_ms(&self, version: u64) -> io::Result<Option<i64>> {
        let Some(log) = self.of(version) else { return Ok(None) };
        let Some(written) = log.written(version)? else { return Ok(None) };
        let since = written.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Some(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The last version up to `latest` that was written at `instant_ms` or before.
    pub(crate) fn version_at(&self, latest: u64, instant_ms: i64) -> io::Result<Past> {
        let (mut there, mut missing) = (0, latest + 1);
        while missing - there > 1 {
            let middle = there + (missing - there) / 2;
            match self.written_ms(middle)? {
                Some(written) if written <= instant_ms => there = middle,
                Some(_) => missing = middle,
                None => return Ok(Past::Unknown),
            }
        }
        if there > 0 || self.written_ms(0)?.is_some_and(|written| written <= instant_ms) {
            return Ok(Past::At(there));
        }
        // As time travel does: the first commit counts from when it says that it was made.
        let first = self.of(0).map(|log| log.begin(0)).transpose()?.unwrap_or_default();
        let line = first.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let made = serde_json::from_slice::<Value>(line).ok();
        let made = made.and_then(|action| action.get("commitInfo")?.get("timestamp")?.as_i64());
        Ok(match made {
            Some(made) if made <= instant_ms => Past::At(0),
            Some(_) => Past::Younger,
            None => Past::Unknown,
        })
    }
}
