//! Integration tests of the point-in-time join: against a brute-force twin, in plans, and with broken input.

mod errors;
mod fixture;
mod plans;
mod twin;
