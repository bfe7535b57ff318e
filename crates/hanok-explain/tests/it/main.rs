//! The crate through its public surface, with the model files of hanok-models' fixtures.

#![expect(clippy::unwrap_used, reason = "tests")]

mod asked;
mod explanations;
mod pairs;
mod registry;
mod rows;
mod support;
