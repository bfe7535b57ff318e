//! The contract of the command line: exit code, standard output and standard error of the real binary.
//!
//! Snapshots are in `snapshots/`; `INSTA_UPDATE=always cargo nextest run --release -p hanok` writes them anew.
#![expect(
    clippy::unwrap_used,
    reason = "tests; clippy.toml allows it in test functions only, not in their helpers"
)]

mod branches;
mod drift;
mod help;
mod mail;
mod monitors;
mod plots;
mod predictors;
mod processes;
mod project;
mod staging;
mod support;
mod swaps;
mod usage;
