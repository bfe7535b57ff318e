//! What can go wrong in the lake.

use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;
use hanok_catalog::CatalogError;
use hanok_error::{Code, Coded, code};
use hanok_types::TableName;

/// A failure of the lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The storage below the lake refused.
    #[error("cannot {action} `{table}`")]
    Storage {
        /// What was being done.
        action: &'static str,
        /// The table, or the lake's root.
        table: String,
        /// Why.
        source: object_store::Error,
    },
    /// A local file or folder of the lake refused.
    #[error("cannot {action} {path}")]
    File {
        /// What was being done.
        action: &'static str,
        /// The path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The table's log or its data files do not make sense.
    #[error("cannot {action} `{table}` in {folder}")]
    Delta {
        /// What was being done.
        action: &'static str,
        /// The table.
        table: String,
        /// The table's folder; only its name where the lake is no folder.
        folder: String,
        /// Why.
        source: Box<DeltaTableError>,
    },
    /// Batches cannot be encoded as Parquet.
    #[error("cannot encode rows of `{table}`")]
    Encode {
        /// The table.
        table: String,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// Arrow refused a conversion.
    #[error("cannot convert column values for `{table}`")]
    Convert {
        /// The table.
        table: String,
        /// Why.
        source: arrow::error::ArrowError,
    },
    /// Other writers won every round.
    #[error("`{table}` changed under the commit {attempts} times in a row")]
    Conflict {
        /// The table.
        table: String,
        /// Rounds lost.
        attempts: u32,
    },
    /// A name is neither in the catalog nor in the lake.
    #[error("there is no table `{table}`")]
    Unknown {
        /// The name.
        table: TableName,
    },
    /// No such version, or none as old as this.
    #[error("`{table}` has no {wanted}; its latest version is {latest}")]
    Version {
        /// The table.
        table: String,
        /// `version 7` or `version as of …`.
        wanted: String,
        /// The latest version there is.
        latest: u64,
    },
    /// Delta Lake cannot store the type.
    #[error("column `{column}` has the type {data_type}, which the lake cannot store")]
    Type {
        /// The column.
        column: String,
        /// Its Arrow type.
        data_type: String,
    },
    /// A column has another type in the table.
    #[error("column `{column}` of `{table}` is {have}, the new data has {new}")]
    SchemaMismatch {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Type in the table.
        have: String,
        /// Type in the data.
        new: String,
    },
    /// New columns came, and the commit does not allow them.
    #[error("the new data has the column `{column}`, which `{table}` does not have")]
    NewColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The query engine that sorts rows for a merge failed.
    #[error("cannot compare the rows of `{table}`: {reason}")]
    Sort {
        /// The table.
        table: String,
        /// Its code.
        code: Code,
        /// Why.
        reason: String,
    },
    /// A column of a declared key is not there.
    #[error("`{table}` has no column `{column}`, which is declared as its key")]
    KeyColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// Another process maintains the table.
    #[error("`{table}` is being optimised or vacuumed by another process")]
    Locked {
        /// The table.
        table: String,
    },
    /// A write to a tag.
    #[error("`{branch}` is a tag, which cannot be changed")]
    ReadOnly {
        /// Its name.
        branch: String,
    },
    /// The branch was dropped or reset since this handle on it was opened.
    #[error("the branch `{branch}` has been dropped or reset")]
    BranchGone {
        /// Its name.
        branch: String,
    },
    /// A branch cannot have the table.
    #[error("`{table}` cannot be forked: {reason}")]
    Fork {
        /// The table.
        table: String,
        /// Why.
        reason: String,
    },
    /// A branch cannot be merged there.
    #[error("`{branch}` cannot be merged: {reason}")]
    MergeInto {
        /// The branch.
        branch: String,
        /// Why.
        reason: String,
    },
    /// A branch was to begin at a version, which only one table has.
    #[error("a version number of `{branch}` means one table: name exactly one, or fork from a time")]
    ForkVersion {
        /// The branch to be forked.
        branch: String,
    },
    /// A task of the runtime was cancelled or panicked.
    #[error("a worker of `{table}` stopped: {reason}")]
    Worker {
        /// The table.
        table: String,
        /// Why.
        reason: String,
    },
}

impl Coded for LakeError {
    fn code(&self) -> Code {
        match self {
            Self::Catalog(error) => error.code(),
            Self::Storage { .. } | Self::File { .. } | Self::Worker { .. } => code::LAKE_IO,
            Self::Delta { source, .. } => delta_code(source),
            Self::Sort { code, .. } => *code,
            Self::Encode { source, .. } if is_io(source) => code::LAKE_IO,
            Self::Encode { .. }
            | Self::SchemaMismatch { .. }
            | Self::NewColumn { .. }
            | Self::KeyColumn { .. }
            | Self::Convert { .. } => code::LAKE_SCHEMA,
            Self::Conflict { .. } => code::LAKE_CONFLICT,
            Self::Unknown { .. } => code::TABLE_UNKNOWN,
            Self::Version { .. } => code::LAKE_VERSION,
            Self::Type { .. } => code::LAKE_TYPE,
            Self::Locked { .. } => code::LAKE_LOCKED,
            Self::ReadOnly { .. } => code::BRANCH_READ_ONLY,
            Self::BranchGone { .. } => code::BRANCH_UNKNOWN,
            Self::MergeInto { .. } => code::BRANCH_MERGE,
            Self::Fork { .. } | Self::ForkVersion { .. } => code::BRANCH_FORK,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Catalog(error) => error.hint(),
            Self::KeyColumn { .. } => {
                Some("correct `primary_key` of the source, or `unique_key` of the model".to_owned())
            }
            Self::ForkVersion { .. } => Some("add `--tables SCHEMA.TABLE`".to_owned()),
            _ => None,
        }
    }
}

fn delta_code(error: &DeltaTableError) -> Code {
    match error {
        DeltaTableError::ObjectStore { source }
            if !matches!(source, object_store::Error::NotFound { .. }) =>
        {
            code::LAKE_IO
        }
        DeltaTableError::Io { .. } => code::LAKE_IO,
        DeltaTableError::VersionAlreadyExists(_) | DeltaTableError::Transaction { .. } => code::LAKE_CONFLICT,
        _ => code::LAKE_CORRUPT,
    }
}

fn is_io(error: &parquet::errors::ParquetError) -> bool {
    matches!(error, parquet::errors::ParquetError::External(_))
}

/// Whether another writer was faster, so that reloading and trying again makes sense.
pub(crate) fn is_conflict(error: &DeltaTableError) -> bool {
    match error {
        DeltaTableError::VersionAlreadyExists(_) => true,
        DeltaTableError::Transaction { source } => matches!(
            source,
            TransactionError::VersionAlreadyExists(_)
                | TransactionError::CommitConflict(_)
                | TransactionError::MaxCommitAttempts(_)
        ),
        _ => false,
    }
}
