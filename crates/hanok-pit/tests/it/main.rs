//! Integration tests of the point-in-time join: against a brute-force twin, in plans, and with broken input.
#![expect(
    clippy::unwrap_used,
    reason = "tests; clippy.toml allows it in test functions only, not in their helpers"
)]

mod errors;
mod fixture;
mod plans;
mod twin;
