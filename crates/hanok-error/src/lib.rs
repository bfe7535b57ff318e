//! Coded errors: every failure a person can meet has a stable code `HKnnnn`, one short page and a remedy.
//!
//! Libraries keep their own `thiserror` enum per operation, with the data in the variants, and implement [`Coded`].
//! The text for people is put together once, at the edge, by [`Report`]; nothing below the edge formats hints.
//!
//! Must not exist here: anything that knows a file, a socket or another crate of the workspace.

mod codes;
mod report;

pub use codes::{Code, CodeInfo, all};
pub use report::Report;

/// The registered codes, one constant each, grouped by the room that raises them.
pub mod code {
    pub use crate::codes::table::*;
}

/// An error with a stable code.
///
/// `Display` of an implementor is a lowercase fragment that fits "failed to …: {error}".
pub trait Coded: std::error::Error {
    /// The stable code, from [`code`].
    fn code(&self) -> Code;

    /// What to do about this very error, when the data in the variant allows better advice than the code's page.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Where it happened, e.g. `models/marts/carrier.sql:12`, when it is not part of the message.
    fn place(&self) -> Option<String> {
        None
    }
}
