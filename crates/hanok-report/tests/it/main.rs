//! Reports as readers and browsers meet them.
#![expect(clippy::unwrap_used, reason = "a panic is how a test is told")]

mod bytes;
mod models;
mod pages;
mod samples;
