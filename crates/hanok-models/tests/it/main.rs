//! The crate through its public surface: against the libraries, against damaged files, against tables.

#![expect(clippy::unwrap_used, reason = "tests")]

mod damage;
mod fixtures;
mod libraries;
mod tables;
