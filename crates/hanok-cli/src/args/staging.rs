//! Arguments of `hanok staging`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::branch::NameArgs;
use crate::values::{ForkPoint, parse_fork_point, parse_ttl};

/// `hanok staging …`.
#[derive(Subcommand, Debug)]
pub(crate) enum StagingCommand {
    /// Make a staging branch: personal tables as a masked sample or made up, the others without a copy
    #[command(after_help = "\
Examples:
  hanok staging create dev --plan staging.yaml --preview    what it would hold, and why
  hanok staging create dev --plan staging.yaml --ttl 30d
  hanok sql --branch dev \"select * from raw.students\"")]
    Create(StagingCreateArgs),
    /// List the staging branches
    #[command(after_help = "\
Examples:
  hanok staging list")]
    List,
    /// Show what was done to make a staging branch, and whether that is what was signed
    #[command(after_help = "\
Examples:
  hanok staging show dev
  hanok staging show dev --json    the whole manifest")]
    Show(NameArgs),
}

#[derive(Args, Debug)]
pub(crate) struct StagingCreateArgs {
    /// Its name: letters of any script, digits, `_`, `-`, `.` and `/`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What becomes of tables and columns
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// Only say what would be made
    #[arg(long)]
    pub(crate) preview: bool,
    /// What it is made of: a branch or tag, as it is now or was at a time
    #[arg(long, value_name = "BRANCH[@TIME]", default_value = "main", value_parser = parse_fork_point)]
    pub(crate) from: ForkPoint,
    /// How long it lives: 90m, 12h, 7d; `hanok branch expire` drops it then
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl)]
    pub(crate) ttl: Option<Duration>,
    /// A masking key of 64 hexadecimal digits, so that the same plan gives the same values again. Whoever has it can
    /// undo some treatments [default: a random key that nothing keeps]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}
