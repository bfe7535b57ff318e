//! Arguments of `hanok branch`, `hanok tag` and `hanok gc`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::values::{ForkPoint, parse_fork_point, parse_ttl};

/// `hanok branch …`.
#[derive(Subcommand, Debug)]
pub(crate) enum BranchCommand {
    /// Make a branch: every table as it is now, without copying anything
    #[command(after_help = "\
Examples:
  hanok branch create dev                          from main, as it is now
  hanok branch create ci-123 --ttl 2d              for a pull request; `branch expire` drops it
  hanok branch create fix --from dev@2026-01-31    from another branch, as it was then
  hanok branch create one --from main@7 --tables raw.visits")]
    Create(CreateArgs),
    /// List the branches
    #[command(after_help = "\
Examples:
  hanok branch list
  hanok branch list --json")]
    List,
    /// Show a branch: where it began, what it has changed, what it takes
    #[command(after_help = "\
Examples:
  hanok branch show dev
  hanok branch show dev --json")]
    Show(NameArgs),
    /// Show what one branch has other than another
    #[command(after_help = "\
Examples:
  hanok branch diff main..dev                                     tables, columns, files, rows
  hanok branch diff main..dev --table raw.visits --rows           the rows that differ
  hanok branch diff main..dev --table raw.visits --rows --key day,place")]
    Diff(DiffArgs),
    /// Merge a branch into the one that it was forked from: all tables or none
    #[command(after_help = "\
Examples:
  hanok branch merge ci-123              what it has changed goes to its parent
  hanok branch merge ci-123 --dry-run    only what that would do")]
    Merge(MergeArgs),
    /// Move a branch to what its parent has now, with everything that it has changed
    #[command(after_help = "\
Examples:
  hanok branch rebase dev              as if it had been made now, and its changes made again
  hanok branch rebase dev --dry-run    only what that would do")]
    Rebase(RebaseArgs),
    /// Drop a branch with everything that it has changed
    #[command(after_help = "\
Examples:
  hanok branch drop dev")]
    Drop(NameArgs),
    /// Forget what a branch has changed
    #[command(after_help = "\
Examples:
  hanok branch reset dev              back to where it began
  hanok branch reset dev --to-head    to what its parent has now")]
    Reset(ResetArgs),
    /// Keep a branch from being dropped, reset or expired
    #[command(after_help = "\
Examples:
  hanok branch protect staging")]
    Protect(NameArgs),
    /// Take a branch's protection away
    #[command(after_help = "\
Examples:
  hanok branch unprotect staging")]
    Unprotect(NameArgs),
    /// Drop the branches and tags whose time is over
    #[command(after_help = "\
Examples:
  hanok branch expire")]
    Expire,
}

/// `hanok tag …`.
#[derive(Subcommand, Debug)]
pub(crate) enum TagCommand {
    /// Make a tag: a fixed point across all tables
    #[command(after_help = "\
Examples:
  hanok tag create 2026-school-year
  hanok tag create before-the-move --from main@2026-01-31T12:00:00Z
  hanok sql --branch 2026-school-year \"select count(*) from raw.visits\"")]
    Create(CreateArgs),
    /// List the tags
    #[command(after_help = "\
Examples:
  hanok tag list")]
    List,
    /// Drop a tag
    #[command(after_help = "\
Examples:
  hanok tag drop 2026-school-year")]
    Drop(NameArgs),
}

#[derive(Args, Debug)]
pub(crate) struct NameArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// Its name: letters of any script, digits, `_`, `-`, `.` and `/`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it begins with: a branch or tag, as it is now or was at a time; with one table also at a version
    #[arg(long, value_name = "BRANCH[@TIME|@VERSION]", default_value = "main", value_parser = parse_fork_point)]
    pub(crate) from: ForkPoint,
    /// How long it lives: 90m, 12h, 7d; `hanok branch expire` drops it then
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl)]
    pub(crate) ttl: Option<Duration>,
    /// Only these tables and views, separated by commas [default: all]
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// Two branches or tags, with two dots between them
    #[arg(value_name = "A..B", value_parser = parse_pair)]
    pub(crate) pair: (String, String),
    /// Only this table or view
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// The rows that differ, instead of counts; needs --table
    #[arg(long, requires = "table")]
    pub(crate) rows: bool,
    /// Columns that tell rows apart, separated by commas [default: those declared, else whole rows]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', requires = "rows")]
    pub(crate) key: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The branch that it was forked from, or one further up [default: the former]
    #[arg(long, value_name = "BRANCH")]
    pub(crate) into: Option<String>,
    /// What to do when one side deleted or changed rows while the other side got new ones
    #[arg(long, value_enum, default_value_t = ModeArg::Strict)]
    pub(crate) mode: ModeArg,
    /// Only tell what would be merged
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RebaseArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What to do when one side deleted or changed rows while the other side got new ones
    #[arg(long, value_enum, default_value_t = ModeArg::Strict)]
    pub(crate) mode: ModeArg,
    /// Only tell what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum ModeArg {
    /// It is a conflict
    Strict,
    /// Take both
    Lenient,
}

#[derive(Args, Debug)]
pub(crate) struct ResetArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Begin with what its parent has now, instead of where it began
    #[arg(long)]
    pub(crate) to_head: bool,
}

#[derive(Args, Debug)]
pub(crate) struct GcArgs {
    /// Only tell what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave alone what was written to in the last hours: a first commit may be on its way
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(crate) grace_hours: u32,
}

/// `A..B`.
fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once("..") {
        Some((before, after)) if !before.is_empty() && !after.is_empty() => {
            Ok((before.to_owned(), after.to_owned()))
        }
        _ => Err("it must be two branches with two dots between them, such as main..dev".to_owned()),
    }
}
