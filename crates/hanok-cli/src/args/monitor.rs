//! Arguments of `hanok monitor`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::plot::LanguageArg;
use crate::values::parse_time;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct MonitorArgs {
    #[command(subcommand)]
    pub(crate) command: Option<MonitorCommand>,
    #[command(flatten)]
    pub(crate) run: MonitorRunArgs,
}

/// `hanok monitor …`.
#[derive(Subcommand, Debug)]
pub(crate) enum MonitorCommand {
    /// Show how each monitor stands after its last window
    #[command(
        visible_alias = "list",
        after_help = "\
Examples:
  hanok monitor status
  hanok monitor status departures --json"
    )]
    Status(MonitorStatusArgs),
}

#[derive(Args, Debug)]
pub(crate) struct MonitorRunArgs {
    /// Monitors of monitors/*.yaml [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) monitors: Vec<String>,
    /// Act as if it were this time: windows must be complete by then [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<i64>,
    /// Windows of the past from this time on; they are recorded and nobody is told of them
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "to", conflicts_with = "at")]
    pub(crate) from: Option<i64>,
    /// Windows of the past that end by this time
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "from")]
    pub(crate) to: Option<i64>,
    /// Record nothing and tell nobody
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Drift report of the monitor's last window: .html for people, .json for programs. When none is due, that of the last one recorded
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Language of an .html
    #[arg(long, value_enum, default_value_t = LanguageArg::En)]
    pub(crate) lang: LanguageArg,
}

#[derive(Args, Debug)]
pub(crate) struct MonitorStatusArgs {
    /// Monitors [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) monitors: Vec<String>,
}
