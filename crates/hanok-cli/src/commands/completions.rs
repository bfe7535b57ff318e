//! `hanok completions`.

use std::str::FromStr as _;

use clap_complete::Shell;

use crate::args::{CompletionsArgs, command};
use crate::context::Context;
use crate::error::CliError;
use crate::status::ExitStatus;

/// Prints the script that completes the command line in a shell.
pub(crate) fn completions(context: &Context, args: &CompletionsArgs) -> Result<ExitStatus, CliError> {
    let shell = Shell::from_str(&args.shell).map_err(CliError::Usage)?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "hanok", &mut script);
    if context.console.json {
        let text = String::from_utf8_lossy(&script);
        context.console.object(&serde_json::json!({ "shell": args.shell, "script": text }))?;
    } else {
        context.console.data(&script)?;
    }
    Ok(ExitStatus::Success)
}
