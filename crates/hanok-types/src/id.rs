//! Ids: ULIDs, so that they sort by the time they were made.

use std::fmt;

/// A ULID in its 26-character text form: the id of a run, a load, a table directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(ulid::Ulid);

impl Id {
    /// A new id from the clock and random bits.
    pub fn generate() -> Self {
        Self(ulid::Ulid::generate())
    }

    /// Parses the text form; `None` when it is not a ULID.
    pub fn parse(text: &str) -> Option<Self> {
        ulid::Ulid::from_string(text).ok().map(Self)
    }

    /// When it was made, milliseconds since 1970-01-01 UTC.
    pub fn made_ms(self) -> u64 {
        self.0.timestamp_ms()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
