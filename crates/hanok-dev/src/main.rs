//! The project's own chores: `hanok-dev tidy` checks the rules that reviews forget, `hanok-dev generate` writes the
//! references that are made from the code.
//!
//! Must not exist here: anything a user runs, and heavy dependencies, because this is built before everything else.

mod command;
mod finding;
mod generated;
mod manifest;
mod rust;
mod tidy;
mod tree;

fn main() -> std::process::ExitCode {
    command::run(std::env::args().skip(1))
}
