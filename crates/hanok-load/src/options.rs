//! What to read and how.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::types::ColumnType;

/// The format of a source's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Rows of fields with a delimiter between them.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format that a file's name promises, looking through `.gz` and `.zip`.
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zip")).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// How CSV files are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CsvOptions {
    /// One ASCII character between fields; none means a comma, or a tab for `.tsv`.
    pub delimiter: Option<u8>,
    /// Whether the first row names the columns; otherwise they are `column_1`, `column_2`, …
    pub header: bool,
    /// One ASCII character around fields; a doubled one inside stands for itself. None switches quoting off.
    pub quote: Option<u8>,
    /// Texts that stand for a missing value, quoted or not.
    pub nulls: Vec<String>,
    /// A label of the WHATWG Encoding Standard. A byte-order mark in the file wins.
    pub encoding: String,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: None,
            header: true,
            quote: Some(b'"'),
            nulls: vec![String::new()],
            encoding: "utf-8".to_owned(),
        }
    }
}

/// What to do with data that an existing table has no place for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Make a place: a new column, or a variant column `name__v_type` for values of another type.
    #[default]
    Evolve,
    /// Fail; nothing is loaded.
    Freeze,
    /// Send the row to the rejects.
    DiscardRow,
}

/// The agreement with an existing table. It has no say while the table does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Contract {
    /// For columns that the table does not have.
    pub columns: Policy,
    /// For values that the table's column cannot hold.
    pub types: Policy,
}

/// Bounds on memory and threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// A longer row is rejected.
    pub row_bytes_max: usize,
    /// A reject keeps at most this much of the raw text.
    pub raw_bytes_max: usize,
    /// How much text is parsed at once.
    pub block_bytes: usize,
    /// Distinct columns of a source.
    pub columns_max: usize,
    /// Parser threads; 0 means one for each core, 8 at most.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            row_bytes_max: 16 << 20,
            raw_bytes_max: 64 << 10,
            block_bytes: 1 << 20,
            columns_max: 4096,
            threads: 0,
        }
    }
}

impl Limits {
    pub(crate) fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(8),
            threads => threads.min(64),
        }
    }
}

/// How to read a source's files.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The format; none means that of the first file's name.
    pub format: Option<Format>,
    /// For CSV.
    pub csv: CsvOptions,
    /// Declared types by column name; a value that does not fit sends its row to the rejects.
    pub columns: BTreeMap<String, ColumnType>,
    /// The agreement with an existing table.
    pub contract: Contract,
    /// Bounds.
    pub limits: Limits,
}
