//! Arguments of `hanok swap`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::args::LanguageArg;
use crate::values::parse_gate;

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("rows").required(true).args(["data", "data_sql"]))]
pub(crate) struct SwapArgs {
    /// The model in use: a registered one, NAME or NAME@VERSION, or a model file
    #[arg(long, value_name = "MODEL")]
    pub(crate) m1: String,
    /// The model that is to take its place
    #[arg(long, value_name = "MODEL")]
    pub(crate) m2: String,
    /// The rows that both predict: a table, version, window, branch, file or query
    #[arg(long, value_name = "SIDE")]
    pub(crate) data: Option<String>,
    /// The rows from a query
    #[arg(long, value_name = "QUERY")]
    pub(crate) data_sql: Option<String>,
    /// The column with what really happened, null where that is not known: for performance and calibration
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: Option<String>,
    /// Columns whose values divide the rows into segments, separated by commas
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) by: Vec<String>,
    /// Earlier rows or their profile: how the inputs have moved since then; with --label in the rows, performance is estimated where
    /// it is unknown
    #[arg(long, value_name = "SIDE")]
    pub(crate) reference: Option<String>,
    /// The column with each row's time, for windows [default: the only one]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// Probability from which on a row counts as positive [default: 0.5]; of numbers, the difference from which on the models
    /// disagree [default: half a standard deviation of M1's predictions]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) threshold: Option<f64>,
    /// The metric that gates and segments look at, such as mae [default: rmse, auc or accuracy]
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// Columns that say which row is which, separated by commas [default: all that are no features]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) keys: Option<Vec<String>>,
    /// The features in the order of training, for models without feature names
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// The output of models that have several numbers, counted from 0
    #[arg(long, value_name = "OUTPUT")]
    pub(crate) class: Option<usize>,
    /// Rows that both models explain, drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) sample: u32,
    /// Draws another sample
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// A condition for the swap, NAME=VALUE, over its default; may be repeated
    #[arg(long = "gate", value_name = "NAME=VALUE", value_parser = parse_gate)]
    pub(crate) gates: Vec<(String, f64)>,
    /// Report to write: .html or .json
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Language of the report
    #[arg(long, value_enum, default_value_t = LanguageArg::En)]
    pub(crate) lang: LanguageArg,
}
