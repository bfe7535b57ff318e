//! The raw arguments, as clap reads them. Their help texts are the reference in `docs/cli.md`.

mod branch;
mod drift;
mod maintain;
mod monitor;
mod plot;
mod predictor;
mod staging;
mod swap;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, ArgGroup, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use hanok_config::FlagLayer;

pub(crate) use branch::{
    BranchCommand, CreateArgs, DiffArgs, GcArgs, MergeArgs, ModeArg, RebaseArgs, ResetArgs, TagCommand,
};
pub(crate) use drift::{
    DetectorArg, DriftArgs, DriftCommand, MethodOfDrift, ProfileArgs, ProfileCommand, WatchArgs,
};
pub(crate) use maintain::{TablesArgs, VacuumArgs};
pub(crate) use monitor::{MonitorArgs, MonitorCommand, MonitorRunArgs, MonitorStatusArgs};
pub(crate) use plot::{KindArg, LanguageArg, OrderArg, PlotArgs, ThemeArg};
pub(crate) use predictor::{
    AskingArgs, DataArgs, ExplainArgs, MethodArg, ModelAddArgs, ModelCommand, OutputArg, PredictArgs,
};
pub(crate) use staging::{StagingCommand, StagingCreateArgs, StagingPublishArgs};
pub(crate) use swap::SwapArgs;

use crate::values::{EntityPart, parse_address, parse_entity, parse_time, parse_var};

/// The heading of the flags that every command takes.
pub(crate) const GLOBAL_HEADING: &str = "Global options";

/// Exit codes and environment, at the end of the main help.
const MAIN_AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    the command failed; the error has a code (`hanok errors CODE` explains it)
  2    the command line was not understood
  3    models or tests of a build failed; a merge has conflicts; `drift --exit-code` found drift;
       `swap` found harm; a monitor has an alarm
  130  interrupted

Environment:
  HANOK_LAKE       folder of the lake's tables (over `lake:` in hanok.yaml)
  HANOK_BRANCH     branch or tag to work on (over `branch:`, under --branch)
  HANOK_THREADS    threads for queries and joins (over `threads:`, under --threads)
  HANOK_MEMORY_MB  memory for queries in MiB (over `memory_mb:`, under --memory-mb)
  NO_COLOR         when set, no colours

Examples:
  hanok demo                         try everything on real flights
  hanok init shop && cd shop         start a project of your own
  hanok load && hanok build          load the sources, build and test the models";

/// One way for data: from files to tables, to features, to training and online serving.
#[derive(Parser, Debug)]
#[command(name = "hanok", version, max_term_width = 100, after_help = MAIN_AFTER_HELP)]
#[command(propagate_version = false, disable_help_subcommand = true, subcommand_required = true)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = GLOBAL_HEADING)]
pub(crate) struct Global {
    /// Project folder [default: the nearest with a hanok.yaml, from here upwards]
    #[arg(long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Branch or tag to read and write [default: main]
    #[arg(long, global = true, value_name = "NAME")]
    branch: Option<String>,
    /// Print one JSON object on standard output, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Threads for queries and joins [default: one a core]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// Memory for queries in MiB; beyond it they spill to disk [default: 2048]
    #[arg(long, global = true, value_name = "MIB")]
    memory_mb: Option<u64>,
    /// A value for `{{ var('NAME') }}` in models; may be repeated
    #[arg(long = "var", global = true, value_name = "NAME=VALUE", value_parser = parse_var)]
    vars: Vec<(String, serde_json::Value)>,
    /// Log to standard error; twice for debugging
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// No progress bars, no summaries, no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

impl Global {
    /// The flags that are settings of the project.
    pub(crate) fn flags(&self) -> FlagLayer {
        FlagLayer {
            project: self.project.clone(),
            branch: self.branch.clone(),
            threads: self.threads,
            memory_mb: self.memory_mb,
            vars: self.vars.iter().cloned().collect::<BTreeMap<_, _>>(),
        }
    }
}

/// The commands, in the order of a day's work.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Write a commented project that runs
    #[command(after_help = "\
Examples:
  hanok init shop                         an empty project with comments
  hanok init flights --template flights   the flights example with its data")]
    Init(InitArgs),
    /// Load files into raw tables; files that were loaded before are skipped
    #[command(after_help = "\
Examples:
  hanok load                   every source of sources/*.yaml
  hanok load flights weather   two of them
  hanok load --json            what was loaded, for scripts")]
    Load(LoadArgs),
    /// Build the SQL models in parallel, then run their tests
    #[command(after_help = "\
Examples:
  hanok build                            every model and test
  hanok build carrier_delay              one model and its tests
  hanok build +carrier_delay             with the models that it reads
  hanok build --var training_month=2     with another value for var('training_month')")]
    Build(BuildArgs),
    /// Run SQL over the lake
    #[command(after_help = "\
Examples:
  hanok sql \"select carrier, count(*) as flights from mart.departures group by carrier\"
  hanok sql \"select * from raw.flights\" -o flights.parquet
  hanok sql \"select * from information_schema.tables\" --format csv
  hanok sql - < report.sql")]
    Sql(SqlArgs),
    /// Check and register entities, feature views and feature services
    #[command(after_help = "\
Examples:
  hanok apply           register what features/*.yaml says
  hanok apply --json    what was created, changed and removed, for scripts")]
    Apply,
    /// Training sets and online reads
    #[command(
        subcommand,
        subcommand_required = true,
        arg_required_else_help = true,
        after_help = "\
Examples:
  hanok features join --entities mart.departure_labels --service departure_delay -o training.parquet
  hanok features get --service departure_delay --entity origin=JFK,dest=LAX,carrier=B6,tailnum=X"
    )]
    Features(FeaturesCommand),
    /// Write the newest feature values into the online store
    #[command(after_help = "\
Examples:
  hanok materialize                                        what is new since the last time
  hanok materialize carrier_delay                          one feature view
  hanok materialize --from 2013-12-01 --to 2013-12-31T12:00:00Z")]
    Materialize(MaterializeArgs),
    /// Serve online features over HTTP, as Feast's feature server does, and predictive models
    #[command(after_help = "\
Examples:
  hanok serve
  hanok serve --http 0.0.0.0:6566
  curl -s http://127.0.0.1:6566/get-online-features -H 'content-type: application/json' \\
    -d '{\"features\": [\"carrier_delay:mean_dep_delay_7d\"], \"entities\": {\"carrier\": [\"B6\"]}}'
  curl -s http://127.0.0.1:6566/explain/delay?top_k=3 -d '{\"entities\": {
    \"origin\": [\"EWR\"], \"dest\": [\"IAH\"], \"carrier\": [\"UA\"], \"tailnum\": [\"N14228\"]}}'")]
    Serve(ServeArgs),
    /// Register predictive models: tree ensembles of XGBoost, LightGBM, CatBoost and scikit-learn
    #[command(
        subcommand,
        subcommand_required = true,
        arg_required_else_help = true,
        after_help = "\
Examples:
  hanok model add delay models/delay.json
  hanok model list"
    )]
    Model(ModelCommand),
    /// Predict the rows of a table or file with a predictive model
    #[command(after_help = "\
Examples:
  hanok predict delay --data mart.departures -o predicted.parquet
  hanok predict models/delay.json --data departures.csv -o predicted.csv
  hanok predict delay@1 --data-sql \"select * from mart.departures where month = 2\" -o feb.parquet
  hanok predict delay --data mart.departures --keys flight_id --table mart.predicted_delays")]
    Predict(PredictArgs),
    /// Explain a predictive model's predictions by SHAP values
    #[command(after_help = "\
Examples:
  hanok explain delay --data mart.departures -o explained.parquet
  hanok explain delay --data mart.departures --row carrier=B6,flight=725
  hanok explain delay --data mart.departures --background mart.typical_day --output probability
  hanok explain delay --data departures.csv --interactions --check -o explained.parquet
  hanok explain net.onnx --data mart.departures --background mart.typical_day --background-rows 100")]
    Explain(ExplainArgs),
    /// Compare two models on the same rows: may the second one take the first one's place?
    #[command(after_help = drift::with_sides("\
Gates of --gate, and what they allow by default (docs/swap.md):
  performance=0.01       loss of the metric; of errors 2 % of M1's
  calibration=0.02       growth of the expected calibration error
  missing=0              growth of the share of rows without a prediction
  disagreement=0.05      share of rows with another class, or a difference beyond --threshold
  score_psi=0.25         population stability index of the predictions
  rank_correlation=0.9   Spearman's correlation of the predictions, at least
  attribution=0.9        nDCG of the features by their SHAP values, at least

Ends with 3 when M2 would do harm: worse by labels, in a segment, in calibration, or by missing
predictions.

Examples:
  hanok swap --m1 delay --m2 delay_next.txt --data july.parquet --label dep_delay -o swap.html
  hanok swap --m1 delay@1 --m2 delay@2 --data mart.departures --label dep_delay --by carrier,origin
  hanok swap --m1 delay@1 --m2 delay@2 --data 'mart.t[2013-07]' --reference 'mart.t[2013-01]'
  hanok swap --m1 risk --m2 new.cbm --data mart.today --reference mart.last_year --label defaulted
  hanok swap --m1 a.json --m2 b.json --data rows.csv --gate disagreement=0.1 --json"))]
    Swap(Box<SwapArgs>),
    /// Draw charts of explanations
    #[command(after_help = "\
Examples:
  hanok plot beeswarm explained.parquet -o beeswarm.svg
  hanok plot bar explained.parquet --cohort carrier -o carriers.html
  hanok plot scatter explained.parquet --feature visibility --color wind -o visibility.png
  hanok plot waterfall delay --data mart.departures --row carrier=B6,flight=725 -o why.svg
  hanok plot bar explained.parquet -o importance.csv    the numbers behind it")]
    Plot(PlotArgs),
    /// Compare what data was with what it is: which columns drifted, how far, since when
    Drift(DriftArgs),
    /// Keep what there is to say of rows without the rows: a profile that can be compared and added up
    Profile(ProfileArgs),
    /// Compare the newest windows of tables with their references, record what was found, alert
    #[command(after_help = "\
Examples:
  hanok monitor                                     the windows since the last run, of every monitor
  hanok monitor departures --dry-run                what one would find; records and tells nothing
  hanok monitor --from 2013-02-01 --to 2014-01-01   windows of the past, without alerts
  hanok monitor departures -o departures.html       a report of its last window
  hanok monitor status                              how each monitor stands
  hanok sql \"select * from monitor.results where verdict = 'drifted'\"")]
    Monitor(MonitorArgs),
    /// Join the small files of tables into larger ones
    #[command(after_help = "\
Examples:
  hanok optimize                       every table
  hanok optimize raw.visits            one table")]
    Optimize(TablesArgs),
    /// Delete files that no branch, tag or version of the last days needs, and those of broken writes
    #[command(after_help = "\
Examples:
  hanok vacuum                              every table; the last 7 days stay
  hanok vacuum --dry-run                    only how many files
  hanok vacuum raw.visits --older-than 30d")]
    Vacuum(VacuumArgs),
    /// Shorten what opening tables reads of their logs; every 20 commits that happens by itself
    #[command(after_help = "\
Examples:
  hanok checkpoint                     every table
  hanok checkpoint raw.visits          one table")]
    Checkpoint(TablesArgs),
    /// Make, compare, merge and drop branches of the lake, without copying anything
    #[command(
        subcommand,
        subcommand_required = true,
        arg_required_else_help = true,
        after_help = "\
Examples:
  hanok branch create dev           every table as it is now
  hanok build --branch dev          work on it; main stays as it is
  hanok branch diff main..dev       what it has other than main
  hanok branch merge dev            bring it back"
    )]
    Branch(BranchCommand),
    /// Name fixed points across all tables
    #[command(
        subcommand,
        subcommand_required = true,
        arg_required_else_help = true,
        after_help = "\
Examples:
  hanok tag create 2026-school-year
  hanok sql --branch 2026-school-year \"select count(*) from raw.visits\""
    )]
    Tag(TagCommand),
    /// Branches for development: masked samples of personal tables, everything else without a copy
    #[command(
        subcommand,
        subcommand_required = true,
        arg_required_else_help = true,
        after_help = "\
Examples:
  hanok staging create dev --plan staging.yaml --preview    what it would hold, and why
  hanok staging create dev --plan staging.yaml
  hanok staging show dev                                    what was done to each column"
    )]
    Staging(StagingCommand),
    /// Remove files that no branch, tag or version can reach
    #[command(after_help = "\
Examples:
  hanok gc --dry-run    what would be removed
  hanok gc")]
    Gc(GcArgs),
    /// Show what ran, when, how long and with how many rows
    #[command(after_help = "\
Examples:
  hanok runs              the last 20 runs
  hanok runs --limit 1    the last one")]
    Runs(RunsArgs),
    /// Try everything on real flights: load, build, join, materialize, predict, explain, serve
    #[command(after_help = "\
Examples:
  hanok demo                    in ./hanok-demo
  hanok demo --dir ../demo
  hanok demo --json             one object with rows, seconds and the served answer")]
    Demo(DemoArgs),
    /// Explain an error code, or list them all
    #[command(after_help = "\
Examples:
  hanok errors          every code with its title
  hanok errors HK0001   why it happens and what to do")]
    Errors(ErrorsArgs),
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  hanok completions bash > ~/.local/share/bash-completion/completions/hanok
  hanok completions zsh > ~/.zfunc/_hanok
  hanok completions fish > ~/.config/fish/completions/hanok.fish")]
    Completions(CompletionsArgs),
}

/// `hanok features …`.
#[derive(Subcommand, Debug)]
pub(crate) enum FeaturesCommand {
    /// Join features to entity rows as they were at each row's time
    #[command(after_help = "\
Examples:
  hanok features join --entities mart.departure_labels --service departure_delay -o training.parquet
  hanok features join --entities labels.csv --features carrier_delay:flights_7d,weather:temp_f \\
    --timestamp seen_at -o training.csv
  hanok features join --entities-sql \"select * from mart.departure_labels where origin = 'JFK'\" \\
    --service departure_delay -o jfk.parquet")]
    Join(JoinArgs),
    /// Read features from the online store, once
    #[command(after_help = "\
Examples:
  hanok features get --features carrier_delay:mean_dep_delay_7d --entity carrier=B6
  hanok features get --features carrier_delay:flights_7d --entity carrier=B6 --entity carrier=UA
  hanok features get --features route_delay:flights_30d --entity origin=JFK,dest=LAX --json")]
    Get(GetArgs),
}

#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Folder to make; it must not exist, or be empty
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// What to put into it
    #[arg(long, value_enum, default_value_t = TemplateArg::Blank)]
    pub(crate) template: TemplateArg,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum TemplateArg {
    /// The flights example with its data
    Flights,
    /// Commented files to fill in
    Blank,
}

#[derive(Args, Debug)]
pub(crate) struct LoadArgs {
    /// Sources to load [default: all]
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct BuildArgs {
    /// Models, folders or tag:TAG; +MODEL takes what it reads too, MODEL+ what reads it [default: all]
    #[arg(value_name = "MODEL")]
    pub(crate) models: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct SqlArgs {
    /// The query; `-` reads it from standard input
    #[arg(value_name = "QUERY")]
    pub(crate) query: String,
    /// Format of the result [default: by the file's extension, else table]
    #[arg(long, value_enum)]
    pub(crate) format: Option<FormatArg>,
    /// File to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormatArg {
    /// Aligned columns for people
    Table,
    /// Comma-separated values with a header
    Csv,
    /// JSON lines: one object a row
    Json,
    /// Apache Parquet
    Parquet,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("rows").required(true).args(["entities", "entities_sql"]))]
#[command(group = ArgGroup::new("selection").required(true).args(["features", "service"]))]
pub(crate) struct JoinArgs {
    /// Entity rows: a .parquet, .csv or .jsonl file, or a table such as mart.labels
    #[arg(long, value_name = "FILE|TABLE")]
    pub(crate) entities: Option<String>,
    /// Entity rows from a query
    #[arg(long, value_name = "QUERY")]
    pub(crate) entities_sql: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// File to write: .parquet, .csv or .jsonl
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Column with each row's time [default: event_timestamp]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) timestamp: Option<String>,
    /// Use only what had been written by then: created <= the row's time
    #[arg(long)]
    pub(crate) as_known_at: bool,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("selection").required(true).args(["features", "service"]))]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// An entity, KEY=VALUE[,KEY=VALUE…]; a key that comes again begins the next row
    #[arg(long = "entity", value_name = "KEY=VALUE", required = true, value_parser = parse_entity)]
    pub(crate) entities: Vec<EntityPart>,
}

/// Which features, and how they are called.
#[derive(Args, Debug)]
pub(crate) struct SelectionArgs {
    /// Features, VIEW:FEATURE, separated by commas
    #[arg(long, value_name = "VIEW:FEATURE", value_delimiter = ',')]
    pub(crate) features: Vec<String>,
    /// All features of a feature service
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Name columns VIEW__FEATURE instead of FEATURE
    #[arg(long)]
    pub(crate) full_feature_names: bool,
}

#[derive(Args, Debug)]
pub(crate) struct MaterializeArgs {
    /// Feature views [default: all that are online]
    #[arg(value_name = "VIEW")]
    pub(crate) views: Vec<String>,
    /// Only rows from this time on: RFC 3339, or a date for its midnight UTC [default: what is new]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) from: Option<i64>,
    /// Only rows up to this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) to: Option<i64>,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6566", value_parser = parse_address)]
    pub(crate) http: SocketAddr,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<usize>,
    /// Connections at a time [default: 4096]
    #[arg(long, value_name = "N")]
    pub(crate) connections_max: Option<usize>,
    /// Entities, or rows for a model, of one request [default: 50000]
    #[arg(long, value_name = "N")]
    pub(crate) entities_max: Option<usize>,
    /// Features of one request [default: 2000]
    #[arg(long, value_name = "N")]
    pub(crate) features_max: Option<usize>,
    /// Size of one request in KiB [default: 4096]
    #[arg(long, value_name = "KIB")]
    pub(crate) body_kb_max: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct RunsArgs {
    /// How many, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Folder of the demo's project; made when it does not exist, used again when it does
    #[arg(long, value_name = "DIR", default_value = "hanok-demo")]
    pub(crate) dir: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ErrorsArgs {
    /// A code such as HK0001 [default: list all]
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(SHELLS))]
    pub(crate) shell: String,
}

/// The shells that completions are written for.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// The command line's definition.
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_a_description_and_examples() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no description", command.get_name());
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:\n  hanok "), "{} has no examples", command.get_name());
            // Help wraps at this width, and a wrapped example cannot be copied.
            assert!(
                after.lines().all(|line| line.chars().count() <= 100),
                "{} has a long line",
                command.get_name()
            );
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }

    #[test]
    fn global_flags_go_anywhere() {
        for line in ["hanok --json --project p runs", "hanok runs --json --project p"] {
            let cli = parse(line).unwrap();
            assert!(cli.global.json);
            assert_eq!(cli.global.flags().project, Some(PathBuf::from("p")));
        }
    }

    #[test]
    fn a_join_needs_rows_and_features_and_one_of_each() {
        assert!(parse("hanok features join --entities a.b --service s -o x.csv").is_ok());
        assert!(parse("hanok features join --service s -o x.csv").is_err());
        assert!(parse("hanok features join --entities a.b -o x.csv").is_err());
        assert!(parse("hanok features join --entities a.b --service s --features v:f -o x.csv").is_err());
        assert!(parse("hanok features join --entities a.b --entities-sql q --service s -o x.csv").is_err());
    }

    #[test]
    fn features_are_split_at_commas() {
        let cli = parse("hanok features get --features a:b,c:d --entity k=1").unwrap();
        let Command::Features(FeaturesCommand::Get(args)) = cli.command else { panic!("another command") };
        assert_eq!(args.selection.features, ["a:b", "c:d"]);
    }
}
