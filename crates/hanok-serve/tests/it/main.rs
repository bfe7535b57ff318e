//! The server from outside: answers, every client mistake, hostile clients, life and death of the process.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod answers;
mod hostile;
mod kit;
mod lifecycle;
mod mistakes;
mod models;
