//! What can go wrong with a query.

use std::error::Error;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::object_store;
use datafusion::parquet::errors::ParquetError;
use hanok_error::{Code, Coded, Report, code};
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
    /// A table's log or its data files cannot be read.
    #[error("{}{reason}", tables.as_ref().map(|names| format!("cannot read {names}: ")).unwrap_or_default())]
    Table {
        /// The tables of the query, among which it is; none where the reason names it.
        tables: Option<String>,
        /// What kind of damage.
        code: Code,
        /// Why.
        reason: String,
    },
    /// Sorting or joining more than fits into memory needs the disk, which refused.
    #[error("cannot spill to disk: {reason}")]
    Spill {
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
        if let Some(error) = below_the_engine(root, &reason) {
            return error;
        }
        match root {
            DataFusionError::ResourcesExhausted(_) => Self::Memory { reason },
            // Tables are read through the lake's storage, whose errors are other ones.
            DataFusionError::IoError(_) => Self::Spill { reason },
            DataFusionError::ArrowError(error, _) if matches!(error.as_ref(), ArrowError::IoError(..)) => {
                Self::Spill { reason }
            }
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::Diagnostic(..)
            | DataFusionError::Configuration(_)
            | DataFusionError::NotImplemented(_) => Self::Invalid { reason },
            _ => Self::Failed { reason },
        }
    }

    /// Says which tables the query reads: the engine's errors about data files seldom name one.
    pub(crate) fn in_tables(self, names: &str) -> Self {
        match self {
            Self::Table { tables: Some(_), code, reason } if !names.is_empty() => {
                Self::Table { tables: Some(names.to_owned()), code, reason }
            }
            other => other,
        }
    }
}

/// An error that comes from below the engine: from the lake, the storage or a data file.
fn below_the_engine(root: &DataFusionError, reason: &str) -> Option<QueryError> {
    let in_some_table = |code| {
        let (tables, reason) = (Some("a table of the query".to_owned()), reason.to_owned());
        Some(QueryError::Table { tables, code, reason })
    };
    let mut cause: Option<&(dyn Error + 'static)> = Some(root);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<LakeError>() {
            let reason = Report::new(error).message;
            return Some(QueryError::Table { tables: None, code: error.code(), reason });
        }
        match error.downcast_ref::<object_store::Error>() {
            Some(object_store::Error::NotFound { .. }) => return in_some_table(code::LAKE_CORRUPT),
            Some(_) => return in_some_table(code::LAKE_IO),
            None => {}
        }
        if error.is::<ParquetError>() || matches!(error.downcast_ref(), Some(ArrowError::ParquetError(_))) {
            return in_some_table(code::LAKE_CORRUPT);
        }
        cause = error.source();
    }
    None
}

const PREFIXES: [&str; 10] = [
    "Error during planning: ",
    "Schema error: ",
    "SQL error: ",
    "Execution error: ",
    "External error: ",
    "Object Store error: ",
    "Parquet error: ",
    "Arrow error: ",
    "Io error: ",
    "IO error: ",
];

/// DataFusion's texts carry prefixes that mean nothing to a person.
fn first_line(text: &str) -> String {
    let mut text = text.trim();
    for prefix in PREFIXES {
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
            Self::Session { .. } | Self::Spill { .. } => code::SESSION_INVALID,
            Self::Table { code, .. } => *code,
            Self::Lake(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(error: DataFusionError) -> (Code, String) {
        let error = QueryError::from_engine(&error.context("while reading")).in_tables("`raw.a` or `raw.b`");
        (error.code(), error.to_string())
    }

    #[test]
    fn damage_below_the_engine_has_the_code_of_its_room() {
        let lake = LakeError::Locked { table: "raw.a".to_owned() };
        let (code, text) = seen(DataFusionError::External(Box::new(lake)));
        assert_eq!((code, text.starts_with("`raw.a` is being")), (code::LAKE_LOCKED, true), "{text}");
        let parquet = ParquetError::General("no magic".to_owned());
        let (code, text) = seen(DataFusionError::ParquetError(Box::new(parquet)));
        assert_eq!(code, code::LAKE_CORRUPT);
        assert!(text.starts_with("cannot read `raw.a` or `raw.b`: ") && text.ends_with("no magic"), "{text}");
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(seen(DataFusionError::IoError(full)).0, code::SESSION_INVALID);
        assert_eq!(seen(DataFusionError::Execution("1/0".to_owned())), (code::SQL_FAILED, "1/0".to_owned()));
    }
}
