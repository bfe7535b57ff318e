//! Behaviour through the public surface: the bytes of every kind, specifications from JSON, pages and pictures.
#![expect(clippy::unwrap_used, reason = "a panic is how a test is told")]

mod pages;
mod pictures;
mod refusals;
mod samples;
mod snapshots;
