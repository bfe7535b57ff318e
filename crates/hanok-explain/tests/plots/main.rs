//! Views and charts of explanation files.
#![expect(clippy::unwrap_used, reason = "a test ends at the first problem")]

mod charts;
mod file;
mod views;
