//! Staging branches through the public surface, on real lakes in temporary folders.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot prepare its ground has failed")]

mod closure;
mod create;
mod plan;
mod support;
mod synthetic;
