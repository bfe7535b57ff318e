//! The `hanok` binary.
//!
//! Must not exist here: anything but parse, run, exit code, which are `hanok-cli`'s.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hanok_cli::run(std::env::args_os())
}
