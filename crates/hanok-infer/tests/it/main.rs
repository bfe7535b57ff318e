//! The crate through its public surface: against onnxruntime and damaged files, against servers that misbehave.

#![expect(clippy::unwrap_used, reason = "tests")]

mod endpoint;
mod graphs;
mod server;
