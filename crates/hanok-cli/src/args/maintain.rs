//! Arguments of `hanok optimize`, `hanok vacuum` and `hanok checkpoint`.

use std::time::Duration;

use clap::Args;

use crate::values::parse_age;

#[derive(Args, Debug)]
pub(crate) struct TablesArgs {
    /// Tables [default: all]
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct VacuumArgs {
    #[command(flatten)]
    pub(crate) tables: TablesArgs,
    /// The age of versions whose files may go. Time travel reaches no further back then; 0s breaks queries and
    /// loads that run at this moment
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_age)]
    pub(crate) older_than: Duration,
    /// Only count the files
    #[arg(long)]
    pub(crate) dry_run: bool,
}
