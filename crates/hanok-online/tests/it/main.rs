//! The online store from outside: semantics, crashes, several processes, faults.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod crash;
mod faults;
mod kit;
mod processes;
mod schemas;
mod twin;
mod values;
