//! The crate through its public surface: against onnxruntime and damaged files, against servers that misbehave.

#![expect(clippy::unwrap_used, reason = "tests")]

mod damage;
mod endpoint;
mod fixtures;
mod graphs;
mod onnx;
mod server;
