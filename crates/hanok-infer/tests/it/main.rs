//! The crate through its public surface, against servers that misbehave.

#![expect(clippy::unwrap_used, reason = "tests")]

mod endpoint;
mod server;
