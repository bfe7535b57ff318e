//! Arguments of `hanok model`, `hanok predict` and `hanok explain`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use hanok_engine::RowKey;

use crate::values::parse_row;

/// `hanok model …`.
#[derive(Subcommand, Debug)]
pub(crate) enum ModelCommand {
    /// Register a model file of XGBoost, LightGBM, CatBoost, scikit-learn or ONNX as the next version of a name
    #[command(after_help = "\
Examples:
  hanok model add delay models/delay.json
  hanok model add delay models/delay.json    the same bytes again: the same version")]
    Add(ModelAddArgs),
    /// List the registered predictive models
    #[command(after_help = "\
Examples:
  hanok model list
  hanok model list --json    with the names of all features, for scripts")]
    List,
    /// Show a predictive model: its features, where it came from, its versions
    #[command(after_help = "\
Examples:
  hanok model show delay
  hanok model show delay@1    its first version")]
    Show(ModelShowArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ModelAddArgs {
    /// Its name: letters of any script, digits and `_`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The file, as its library saved it; a copy is kept in the project
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ModelShowArgs {
    /// Its name, with @VERSION for another version than the newest
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: String,
}

/// Which model, on which rows.
#[derive(Args, Debug)]
pub(crate) struct DataArgs {
    /// A registered predictive model, NAME or NAME@VERSION, a model file, or the http:// address of a server that predicts
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Its rows: a table such as mart.departures, or a .parquet, .csv or .jsonl file
    #[arg(long, value_name = "TABLE|FILE")]
    pub(crate) data: Option<String>,
    /// Its rows from a query, in the order that the query asks for
    #[arg(long, value_name = "QUERY")]
    pub(crate) data_sql: Option<String>,
    /// Columns that are taken over, separated by commas [default: all that are no features]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) keys: Option<Vec<String>>,
    /// The features in the order of training, for a model without feature names
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Only the first rows
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("rows").required(true).args(["data", "data_sql"]))]
#[command(group = ArgGroup::new("target").required(true).args(["output", "table"]))]
pub(crate) struct PredictArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// File to write: .parquet, .csv or .jsonl
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Table to write, in place of the rows that it has
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("rows").required(true).args(["data", "data_sql"]))]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Show one row: KEY=VALUE[,KEY=VALUE…] of its columns, or its number, counted from 1
    #[arg(long, value_name = "KEY", value_parser = parse_row, conflicts_with_all = ["out", "table", "interactions"])]
    pub(crate) row: Option<RowKey>,
    /// How values are computed [default: path; with --background interventional, for a model that is no trees exact up to 8 features and
    /// permutation beyond]
    #[arg(long, value_enum)]
    pub(crate) method: Option<MethodArg>,
    /// The rows to compare with, for all methods but path and saabas: a table or a file
    #[arg(long, value_name = "TABLE|FILE")]
    pub(crate) background: Option<String>,
    /// What is explained; other than raw with --background only
    #[arg(long, value_enum, default_value_t = OutputArg::Raw)]
    pub(crate) output: OutputArg,
    /// The column with the truth, 0 or 1, for log_loss
    #[arg(long, value_name = "COLUMN", required_if_eq("output", "log_loss"))]
    pub(crate) label: Option<String>,
    /// Compute the interaction values of all pairs of features too
    #[arg(long)]
    pub(crate) interactions: bool,
    /// Fail, and write nothing, if the values of a row do not add up to its prediction
    #[arg(long)]
    pub(crate) check: bool,
    /// File to write, .parquet [default: only show which features matter]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Table to write, in place of the rows that it has
    #[arg(long, value_name = "TABLE", conflicts_with = "out")]
    pub(crate) table: Option<String>,
    #[command(flatten)]
    pub(crate) asking: AskingArgs,
}

/// How a model is asked.
#[derive(Args, Debug)]
#[command(next_help_heading = "Methods that ask the model")]
pub(crate) struct AskingArgs {
    /// Only so many rows of --background, evenly spread; for interventional too
    #[arg(long, value_name = "N", requires = "background", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) background_rows: Option<u32>,
    /// Coalitions of features that a row may take, for sampling model rows [default: by the method, at least 500]
    #[arg(long, value_name = "N", requires = "background", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) evaluations: Option<u32>,
    /// Where random choices begin
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Rows that the model may be given, at most; more are refused before the first [default: 100,000,000, for a server 1,000,000]
    #[arg(long, value_name = "N", requires = "background", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) model_rows_max: Option<u64>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodArg {
    /// SHAP values of trees by how the training data went along their paths
    Path,
    /// Exact SHAP values of trees against the rows of --background
    Interventional,
    /// Values along each row's own path through trees: fast, but no SHAP values
    Saabas,
    /// Exact SHAP values of any model of up to 16 features, by all coalitions
    Exact,
    /// Estimates for any model, by random orders of the features; exact if features act in pairs at most
    Permutation,
    /// Estimates for any model, by weighted least squares
    Kernel,
    /// Estimates for any model, by single rows of a large --background
    Sampling,
    /// Owen values of any model: features that correlate are a group
    Partition,
    /// Exact SHAP values of linear models; others are refused
    Linear,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputArg {
    /// The sum of the trees: log-odds of a classifier, the value of a regression
    Raw,
    /// The probability of a binary classifier
    Probability,
    /// Its logarithmic loss against --label
    #[value(name = "log_loss")]
    LogLoss,
}
