//! What can go wrong with a query.

use datafusion::error::DataFusionError;
use hanok_error::{Code, Coded, code};
use hanok_lake::LakeError;

/// A query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The SQL does not parse or cannot be planned.
    #[error("{reason}")]
    Invalid {
        /// Why.
        reason: String,
    },
    /// It failed while it ran.
    #[error("{reason}")]
    Failed {
        /// Why.
        reason: String,
    },
    /// The memory limit was reached by an operator that cannot spill.
    #[error("{reason}")]
    Memory {
        /// Which operator.
        reason: String,
    },
    /// The statement is not a query.
    #[error("only queries are allowed here: {reason}")]
    NotAQuery {
        /// What it would do.
        reason: String,
    },
    /// The session's settings do not work.
    #[error("cannot open a query session: {reason}")]
    Session {
        /// Why.
        reason: String,
    },
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl QueryError {
    /// Sorts DataFusion's errors by what a person can do about them.
    pub fn from_engine(error: &DataFusionError) -> Self {
        let root = error.find_root();
        let reason = first_line(&root.strip_backtrace());
        match root {
            DataFusionError::ResourcesExhausted(_) => Self::Memory { reason },
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::Diagnostic(..)
            | DataFusionError::Configuration(_)
            | DataFusionError::NotImplemented(_) => Self::Invalid { reason },
            _ => Self::Failed { reason },
        }
    }
}

/// DataFusion's texts carry prefixes that mean nothing to a person.
fn first_line(text: &str) -> String {
    let mut text = text.trim();
    for prefix in
        ["Error during planning: ", "Schema error: ", "SQL error: ", "Execution error: ", "External error: "]
    {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    text.to_owned()
}

impl Coded for QueryError {
    fn code(&self) -> Code {
        match self {
            Self::Invalid { .. } => code::SQL_INVALID,
            Self::Failed { .. } => code::SQL_FAILED,
            Self::Memory { .. } => code::SQL_MEMORY,
            Self::NotAQuery { .. } => code::SQL_READ_ONLY,
            Self::Session { .. } => code::SESSION_INVALID,
            Self::Lake(error) => error.code(),
        }
    }
}
