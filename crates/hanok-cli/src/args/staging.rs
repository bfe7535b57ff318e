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
    /// Put the tables of any branch into the database that a service uses: all of them, or nothing changes there
    #[command(after_help = "\
Examples:
  hanok staging publish dev --to postgres://app@127.0.0.1/dev --plan staging.yaml
  hanok staging publish dev --to \"postgres://app@db/dev?schema=app&sslmode=verify-full\"
  hanok staging publish dev --to sqlite:dev.db --plan staging.yaml
  hanok staging publish dev --to out/dev    Parquet files, schema.sql and manifest.json")]
    Publish(StagingPublishArgs),
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

#[derive(Args, Debug)]
pub(crate) struct StagingPublishArgs {
    /// The branch or tag
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Where to: postgres://USER@HOST/DATABASE, with ?schema= and ?sslmode= (disable, prefer, require, verify-ca, verify-full)
    /// if wanted; sqlite:FILE; or a folder. The password may be in PGPASSWORD
    #[arg(long, value_name = "URL|DIR")]
    pub(crate) to: String,
    /// Only these tables and views, separated by commas [default: all tables but those of rejected rows]
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// The schema in the target [default: each table's own, such as raw]
    #[arg(long, value_name = "SCHEMA")]
    pub(crate) schema: Option<String>,
    /// A staging plan, for its keys, references and indexes [default: only the keys that are known]
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
}
