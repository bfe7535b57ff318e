//! Arguments of `hanok drift` and `hanok profile`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::plot::LanguageArg;
use crate::values::{parse_address, parse_setting};

/// How sides are written, at the end of the helps.
const SIDES: &str = "\
Sides:
  mart.departures                     a table or view
  mart.departures@12                  its version 12, or as of a time: @2026-01-31
  mart.departures@dev                 on a branch or tag
  'mart.departures[2013-01..2013-02]' January without February; also [2013-01], [2013-06-15..]
  january.parquet                     a .parquet, .csv or .jsonl file, also with a window
  january.json                        a profile saved by `hanok profile`
  \"select * from mart.departures\"     a query";

/// The same before the rest of a help.
pub(super) fn with_sides(text: &str) -> String {
    format!("{SIDES}\n\n{text}")
}

#[derive(Args, Debug)]
#[command(subcommand_negates_reqs = true, after_help = with_sides("\
Examples:
  hanok drift --reference 'mart.departures[2013-01]' --current 'mart.departures[2013-07]'
  hanok drift --reference train.parquet --current mart.today --by carrier -o drift.html
  hanok drift --reference january.json --current mart.departures --exit-code
  hanok drift --reference mart.t@12 --current mart.t --model delay --json"))]
#[command(group = ArgGroup::new("ranking").args(["model", "importance"]))]
pub(crate) struct DriftArgs {
    #[command(subcommand)]
    pub(crate) command: Option<DriftCommand>,
    /// What it was: a table, version, window, branch, file, profile or query
    #[arg(long, value_name = "SIDE", required = true)]
    pub(crate) reference: Option<String>,
    /// What it is now
    #[arg(long, value_name = "SIDE", required = true)]
    pub(crate) current: Option<String>,
    /// Columns to compare, separated by commas [default: all that both have]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Compare each of the most frequent values of this column by itself, too
    #[arg(long, value_name = "COLUMN")]
    pub(crate) by: Option<String>,
    /// How many values of --by
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) segments: u16,
    /// Column with each row's time, for windows and since when it drifts [default: the only one with times]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// Rank columns by what they mean to a predictive model: NAME, NAME@VERSION or a model file
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Rank columns by an explanation of `hanok explain`
    #[arg(long, value_name = "FILE")]
    pub(crate) importance: Option<PathBuf>,
    /// Whose tests decide; the other two for comparing with reports of those libraries
    #[arg(long, value_enum, default_value_t = MethodOfDrift::Hanok)]
    pub(crate) method: MethodOfDrift,
    /// Look at columns together, too: whether rows can be told apart, and how correlations changed
    #[arg(long)]
    pub(crate) together: bool,
    /// A threshold, such as le_cam=0.2; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// File to write: .html for people, .json for programs
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Language of an .html
    #[arg(long, value_enum, default_value_t = LanguageArg::En)]
    pub(crate) lang: LanguageArg,
    /// End with 3 when a column has drifted
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `hanok drift …`.
#[derive(Subcommand, Debug)]
pub(crate) enum DriftCommand {
    /// Watch a stream of events: each column has a detector that tells when it drifts
    #[command(after_help = "\
Events come one a line, from standard input or a file: numbers, JSON objects, CSV with a header.
Or they are pushed over HTTP (--listen): JSON objects, of which the columns of --column are watched.

Detectors and their settings:
  adwin         a mean          delta=0.002 clock=32 buckets_max=5 window_min=5 grace=10
  page-hinkley  a mean          instances_min=30 delta=0.005 threshold=50 fading=0.9999
  ddm           a rate of 1s    warm_start=30 warning=2 drift=3
  eddm          gaps between 1s warm_start=30 warning=0.95 drift=0.9
  kswin         a distribution  alpha=0.005 window_size=100 stat_size=30 seed=0
  hddm-a        a mean in 0..1  drift_confidence=0.001 warning_confidence=0.005 both=false
  hddm-w        a mean in 0..1  the same and weight=0.05

Examples:
  hanok drift watch --detector adwin < numbers.txt
  tail -F events.jsonl | hanok drift watch --detector kswin --column latency_ms --time at
  hanok drift watch --detector ddm --file errors.csv --set drift=2.5 --json
  hanok drift watch --detector adwin --column latency_ms --listen 127.0.0.1:8787
    curl --data-binary @events.jsonl http://127.0.0.1:8787/events")]
    Watch(WatchArgs),
}

#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// The detector of each column
    #[arg(long, value_enum)]
    pub(crate) detector: DetectorArg,
    /// A setting of the detector; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// Columns to watch, separated by commas [default: those with numbers in the first event]
    #[arg(long = "column", value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Column that says when an event was [default: when it comes]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// File to read instead of standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Address to listen on for events that are pushed: POST /events
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address, conflicts_with = "file", requires = "columns")]
    pub(crate) listen: Option<SocketAddr>,
    /// Leave out lines that cannot be read; they are counted
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodOfDrift {
    /// Effect sizes with thresholds, and p-values adjusted for all tests
    Hanok,
    /// The tests that Evidently 0.7 chooses by default
    Evidently,
    /// Jensen–Shannon distances of chunks, as NannyML 0.13 by default
    Nannyml,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DetectorArg {
    Adwin,
    PageHinkley,
    Ddm,
    Eddm,
    Kswin,
    HddmA,
    HddmW,
}

#[derive(Args, Debug)]
#[command(subcommand_negates_reqs = true, after_help = with_sides("\
Examples:
  hanok profile mart.departures -o departures.json
  hanok profile 'mart.departures[2013-01]' -o january.json
  hanok profile big.parquet --columns amount,country -o big.json"))]
pub(crate) struct ProfileArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ProfileCommand>,
    /// A table, version, window, branch, file or query
    #[arg(value_name = "SIDE", required = true)]
    pub(crate) side: Option<String>,
    /// File to write, .json
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Columns to profile, separated by commas [default: all]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Column with each row's time, for a window [default: the only one with times]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
}

/// `hanok profile …`.
#[derive(Subcommand, Debug)]
pub(crate) enum ProfileCommand {
    /// Add up profiles of parts: days, partitions, windows of a stream
    #[command(after_help = "\
Examples:
  hanok profile merge monday.json tuesday.json -o week.json
  hanok profile merge days/*.json -o month.json")]
    Merge(ProfileMergeArgs),
    /// Show what a profile says
    #[command(after_help = "\
Examples:
  hanok profile show january.json
  hanok profile show january.json --json    for scripts")]
    Show(ProfileShowArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ProfileMergeArgs {
    /// Profiles of the same table's parts
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) files: Vec<PathBuf>,
    /// File to write, .json
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ProfileShowArgs {
    /// A profile
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}
