//! Comparisons through the public surface.

#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "tests: what is missing fails them, and exact values are meant"
)]

mod classifier;
mod course;
mod damage;
mod draws;
mod kinds;
mod null;
mod outputs;
mod profiles;
mod properties;
mod rank;
mod tables;
