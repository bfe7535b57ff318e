//! Why files cannot be read.

use std::path::PathBuf;

use hanok_error::{Code, Coded, code};

/// A source's files cannot be read. Nothing of the source is to be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error("`{file}` cannot be read: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A compressed stream, a zip directory or a Parquet file does not hold together.
    #[error("`{file}` is corrupt or truncated {at}: {reason}")]
    Corrupt {
        /// The file, and the member within a zip.
        file: String,
        /// How far it could be read, e.g. `after byte 812 (line 14) of its content`.
        at: String,
        /// What the decoder said.
        reason: String,
    },
    /// An option cannot be used.
    #[error("{0}")]
    Option(OptionError),
    /// The first row cannot be read as a header.
    #[error("the header of `{file}` cannot be read: {reason}")]
    Header {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The contract is `freeze` and the table has no such column.
    #[error("the contract is frozen, and `{file}` has the column `{column}`, which the table does not have")]
    FrozenColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// The contract is `freeze` and a value does not fit the table's column.
    #[error(
        "the contract is frozen, and `{file}` has a value in column `{column}` that is no {expected}: {value}"
    )]
    FrozenType {
        /// The file.
        file: String,
        /// The 1-based physical line of the row; 0 if the whole column does not fit.
        line: u64,
        /// The column.
        column: String,
        /// The column's type in the table.
        expected: String,
        /// The value, shortened.
        value: String,
    },
    /// Too many distinct columns.
    #[error("`{file}` brings the source to more than {columns_max} columns")]
    Columns {
        /// The file.
        file: String,
        /// The limit.
        columns_max: usize,
    },
    /// A second look found other data than the first.
    #[error("`{file}` changed while it was read: {what}")]
    Changed {
        /// The file.
        file: String,
        /// What differs.
        what: String,
    },
    /// No file matches.
    #[error("no file matches {}", .0.join(", "))]
    NoFiles(Vec<String>),
    /// A type of a Parquet file has no place in the lake.
    #[error("column `{column}` of `{file}` has the type {data_type}, which cannot be loaded")]
    Type {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The Arrow type.
        data_type: String,
    },
    /// Arrow refused to put a batch together.
    #[error("a batch of `{file}` cannot be put together: {source}")]
    Arrow {
        /// The file.
        file: String,
        /// Why.
        source: arrow::error::ArrowError,
    },
    /// A worker ended without an answer.
    #[error("a reader thread stopped without an answer")]
    Stopped,
}

/// An option cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    /// No such encoding.
    #[error("`{0}` is not an encoding of the WHATWG Encoding Standard")]
    Encoding(String),
    /// The delimiter or the quote is not one ASCII character of its own.
    #[error(
        "the delimiter {delimiter:?} and the quote {quote:?} must be two different ASCII characters, not line ends"
    )]
    Characters {
        /// The delimiter.
        delimiter: char,
        /// The quote.
        quote: Option<char>,
    },
    /// A glob is malformed.
    #[error("`{pattern}` is not a file pattern: {reason}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// The name does not tell the format.
    #[error("the name of `{}` does not tell its format; set `format: csv`, `jsonl` or `parquet`", .0.display())]
    Format(PathBuf),
    /// Parquet in gzip or zip.
    #[error("`{}` is compressed Parquet; unpack it first", .0.display())]
    CompressedParquet(PathBuf),
}

impl Coded for ReadError {
    fn code(&self) -> Code {
        match self {
            Self::Io { .. } => code::LOAD_READ,
            Self::Corrupt { .. } => code::LOAD_CORRUPT,
            Self::Option(_) => code::LOAD_OPTION,
            Self::Header { .. } => code::LOAD_HEADER,
            Self::FrozenColumn { .. } | Self::FrozenType { .. } => code::LOAD_CONTRACT,
            Self::Columns { .. } => code::LOAD_COLUMNS,
            Self::Changed { .. } => code::LOAD_CHANGED,
            Self::NoFiles(_) => code::LOAD_NO_FILES,
            Self::Type { .. } => code::LOAD_TYPE,
            Self::Arrow { .. } | Self::Stopped => code::LOAD_STOPPED,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::FrozenType { file, line, .. } if *line > 0 => Some(format!("{file}:{line}")),
            _ => None,
        }
    }
}
