//! Coded errors: every failure a person can meet has a stable code `HKnnnn`, one short page and a remedy.
//!
//! Libraries keep their own `thiserror` enum per operation, with the data in the variants, and implement [`Coded`].
//! The text for people is put together once, at the edge, by [`Report`]; nothing below the edge formats hints.
//!
//! Must not exist here: anything that knows a file, a socket or another crate of the workspace.

mod coded;
mod codes;
mod report;

pub use coded::Coded;
pub use codes::{Code, CodeInfo, all};
pub use report::Report;

/// The registered codes, one constant each, grouped by the room that raises them.
pub mod code {
    pub use crate::codes::table::*;
}
