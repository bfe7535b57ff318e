//! What only the caller of a report knows.

use serde::Serialize;

/// One side of a comparison. What is not known is `None` and not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Side {
    /// What it is called in the report, e.g. `January` or `flights@12`.
    pub name: String,
    /// The table, file or saved profile.
    pub table: Option<String>,
    /// The version, branch or commit of it.
    pub version: Option<String>,
    /// Its first and last moment.
    pub time: Option<[String; 2]>,
    /// The condition that its rows fulfil.
    pub filter: Option<String>,
    /// Its rows.
    pub rows: Option<u64>,
    /// SHA-256 of its contents.
    pub hash: Option<String>,
}

/// How much columns matter to a predictive model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Importance {
    /// The model.
    pub model: String,
    /// Columns with their mean absolute contributions, in any order.
    pub columns: Vec<(String, f64)>,
}

/// Where rows came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Origin {
    /// The side's place: 0 for the reference; `None` for both.
    pub side: Option<usize>,
    /// Columns that came from there; empty for all.
    pub columns: Vec<String>,
    /// The source, e.g. a file or a connection.
    pub source: String,
    /// The load or run that brought them.
    pub load: Option<String>,
    /// When.
    pub at: Option<String>,
    /// How many rows.
    pub rows: Option<u64>,
}
