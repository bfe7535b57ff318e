//! How a command ended, as the process's exit code.

use std::process::ExitCode;

/// The exit codes, which `hanok --help` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// The command did what it was asked.
    Success,
    /// It failed with a coded error.
    Failure,
    /// The command line was not understood.
    Usage,
    /// The build ran, but models or tests failed; a merge has conflicts; drift was found and asked for.
    Unhealthy,
    /// Ctrl-C.
    Interrupted,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::Failure => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Unhealthy => 3,
            ExitStatus::Interrupted => 130,
        })
    }
}
