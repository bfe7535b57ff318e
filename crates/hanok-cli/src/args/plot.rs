//! Arguments of `hanok plot`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hanok_charts::Language;
use hanok_engine::RowKey;

use crate::values::parse_row;

#[derive(Args, Debug)]
pub(crate) struct PlotArgs {
    /// What to draw
    #[arg(value_name = "KIND", value_enum)]
    pub(crate) kind: KindArg,
    /// An explanation of `hanok explain`, a file or a table, or a predictive model whose rows are explained for this chart
    #[arg(value_name = "EXPLANATION|MODEL")]
    pub(crate) source: String,
    /// File to write: .svg, .png or .html; .parquet, .csv or .jsonl for the numbers behind the chart
    #[arg(short, long, value_name = "FILE", required_unless_present = "table")]
    pub(crate) output: Option<PathBuf>,
    /// Table of the lake to write the numbers behind the chart to, in place of its rows
    #[arg(long, value_name = "SCHEMA.TABLE")]
    pub(crate) table: Option<String>,
    /// The model's rows: a table or a file
    #[arg(long, value_name = "TABLE|FILE", help_heading = DATA_HEADING)]
    pub(crate) data: Option<String>,
    /// The model's rows from a query
    #[arg(long, value_name = "QUERY", conflicts_with = "data", help_heading = DATA_HEADING)]
    pub(crate) data_sql: Option<String>,
    /// Columns that say which row is which, separated by commas [default: all that are no features]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = DATA_HEADING)]
    pub(crate) keys: Option<Vec<String>>,
    /// The rows to compare with: explains by the interventional method
    #[arg(long, value_name = "TABLE|FILE", help_heading = DATA_HEADING)]
    pub(crate) background: Option<String>,
    /// Only the first rows
    #[arg(long, value_name = "N", help_heading = DATA_HEADING)]
    pub(crate) limit: Option<u64>,
    /// The feature of a scatter
    #[arg(long, value_name = "FEATURE")]
    pub(crate) feature: Option<String>,
    /// What colours a scatter: a feature or a column [default: the feature that acts most together with it]
    #[arg(long, value_name = "FEATURE|COLUMN")]
    pub(crate) color: Option<String>,
    /// The row of a waterfall or force: KEY=VALUE[,KEY=VALUE…], or its number from 1; stands out in a decision
    #[arg(long, value_name = "KEY", value_parser = parse_row)]
    pub(crate) row: Option<RowKey>,
    /// A bar for each value of this column, or for quarters of its numbers
    #[arg(long, value_name = "COLUMN")]
    pub(crate) cohort: Option<String>,
    /// The output of a model that has several, counted from 0
    #[arg(long, value_name = "OUTPUT")]
    pub(crate) class: Option<String>,
    /// Features of a heatmap: the most important ones first, or alike ones beside each other
    #[arg(long, value_enum, default_value_t = OrderArg::Importance)]
    pub(crate) order: OrderArg,
    /// Features shown, at most [default: by the kind]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) max: Option<u16>,
    /// Colours; auto follows the reader's system
    #[arg(long, value_enum, default_value_t = ThemeArg::Auto)]
    pub(crate) theme: ThemeArg,
    /// Language of titles and captions
    #[arg(long, value_enum, default_value_t = LanguageArg::En)]
    pub(crate) lang: LanguageArg,
    /// Width in pixels; the height follows
    #[arg(long, value_name = "PIXELS", default_value_t = 720, value_parser = clap::value_parser!(u16).range(280..=4000))]
    pub(crate) width: u16,
    /// Pixels of a .png for each pixel of --width
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) scale: u8,
    /// Font of a .png for letters beyond Latin, Greek and Cyrillic [default: one of the system's]
    #[arg(long, value_name = "FILE")]
    pub(crate) font: Option<PathBuf>,
}

/// The heading of what only a model needs.
const DATA_HEADING: &str = "Rows of a model";

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KindArg {
    /// Importance of features: mean |SHAP value|; by --cohort, or by class
    Bar,
    /// Every row's SHAP values as dots, coloured by the feature's value
    Beeswarm,
    /// Their distributions as shapes
    Violin,
    /// One row, from the base value to the prediction
    Waterfall,
    /// One row as the balance of two sides
    Force,
    /// A feature's SHAP values over its own values
    Scatter,
    /// Rows as colours, alike ones beside each other
    Heatmap,
    /// Paths of rows to their predictions
    Decision,
    /// What pairs of features do together; needs --interactions of `hanok explain`
    Interactions,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderArg {
    Importance,
    Clustered,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThemeArg {
    Auto,
    Light,
    Dark,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LanguageArg {
    En,
    Ko,
}

impl From<LanguageArg> for Language {
    fn from(language: LanguageArg) -> Self {
        match language {
            LanguageArg::En => Self::En,
            LanguageArg::Ko => Self::Ko,
        }
    }
}
