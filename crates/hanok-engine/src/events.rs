//! What happens while a command runs, for progress bars and logs.

/// Something that happened. Names are those of sources, models, tests, feature views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Work on a thing began.
    Started {
        /// `load`, `model`, `test`, `view`, `join`, `table`, `publish`, `stage`,
        /// `predict`, `explain`, `monitor`.
        what: &'static str,
        /// Its name.
        name: &'a str,
        /// Units that it will take, when known: bytes of files, rows of the entity side.
        total: Option<u64>,
    },
    /// It moved on.
    Progress {
        /// As in `Started`.
        what: &'static str,
        /// Its name.
        name: &'a str,
        /// Units done so far.
        done: u64,
    },
    /// It ended.
    Finished {
        /// As in `Started`.
        what: &'static str,
        /// Its name.
        name: &'a str,
        /// Rows that came out.
        rows: u64,
        /// Whether it ended well.
        ok: bool,
    },
}

/// Called from any thread, must return quickly.
pub type Observer = dyn Fn(Event<'_>) + Send + Sync;
