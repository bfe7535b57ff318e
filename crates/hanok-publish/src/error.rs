//! What can go wrong in publishing. No message carries a password.

use arrow::datatypes::DataType;
use hanok_error::{Code, Coded, code};

/// A publication failed; the target has what it had before.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A target that is not understood.
    #[error("the target is not understood: {problem}")]
    Target {
        /// What is wrong with it; never the text itself, which may hold a password.
        problem: String,
    },
    /// A name that cannot be used.
    #[error("the {what} `{name}` {problem}")]
    Name {
        /// `schema`, `table`, or `column of schema.table`.
        what: String,
        /// The name.
        name: String,
        /// Why not.
        problem: String,
    },
    /// A type without counterpart.
    #[error("the column `{column}` of {table} has the type {data_type}, which databases do not have")]
    Type {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        data_type: Box<DataType>,
    },
    /// A value that the column's type cannot hold.
    #[error("the column `{column}` of {table} {problem}, in row {row}")]
    Value {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Rows before it, in the order in which the table was read.
        row: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Something in the target that is not Hanok's.
    #[error("{what} {problem}")]
    Foreign {
        /// The table or folder.
        what: String,
        /// How that is known.
        problem: String,
    },
    /// The target cannot be opened.
    #[error("{target} cannot be opened: {reason}")]
    Connect {
        /// The target, without its password.
        target: String,
        /// Why not.
        reason: String,
    },
    /// The database refused a statement.
    #[error("the database could not {action}: {reason}")]
    Database {
        /// What was tried.
        action: String,
        /// Its message.
        reason: String,
    },
    /// A key that does not fit the tables, or rows that break it.
    #[error("{what} of {table} {problem}")]
    Key {
        /// E.g. `the primary key`.
        what: String,
        /// The table.
        table: String,
        /// What is wrong.
        problem: String,
    },
    /// A file that cannot be written.
    #[error("{path} cannot be written: {reason}")]
    File {
        /// The file or folder.
        path: String,
        /// Why not.
        reason: String,
    },
}

impl Coded for PublishError {
    fn code(&self) -> Code {
        match self {
            Self::Target { .. } => code::PUBLISH_TARGET,
            Self::Name { .. } => code::PUBLISH_NAME,
            Self::Type { .. } => code::PUBLISH_TYPE,
            Self::Value { .. } => code::PUBLISH_VALUE,
            Self::Foreign { .. } => code::PUBLISH_FOREIGN,
            Self::Connect { .. } => code::PUBLISH_CONNECT,
            Self::Database { .. } => code::PUBLISH_DATABASE,
            Self::Key { .. } => code::PUBLISH_KEY,
            Self::File { .. } => code::PUBLISH_FOLDER,
        }
    }
}

pub(crate) type Result<T, E = PublishError> = std::result::Result<T, E>;
