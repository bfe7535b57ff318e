//! What can go wrong with features.

use hanok_catalog::CatalogError;
use hanok_config::ConfigError;
use hanok_error::{Code, Coded, code};
use hanok_lake::LakeError;
use hanok_online::{StoreError, WriteError};
use hanok_pit::PitError;
use hanok_query::QueryError;

/// A failure of definitions, training sets or materialisation.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// A YAML file cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A query failed.
    #[error("the source of {what}")]
    Query {
        /// Which feature view, or the entity rows.
        what: String,
        /// Why.
        source: QueryError,
    },
    /// The join failed.
    #[error(transparent)]
    Join(#[from] PitError),
    /// The online store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The online store refused rows.
    #[error("cannot write the online values of `{view}`")]
    Write {
        /// The feature view.
        view: String,
        /// Why.
        source: WriteError,
    },
    /// A definition does not make sense by itself.
    #[error("{what} `{name}`: {reason}")]
    Definition {
        /// `entity`, `feature view` or `feature service`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
        /// The file that defines it.
        file: String,
    },
    /// A view does not fit its source.
    #[error("feature view `{view}`: {reason}")]
    Source {
        /// The view.
        view: String,
        /// What does not fit.
        reason: String,
    },
    /// Something asked for is not registered.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What was asked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// A registered name that looks like it.
        similar: Option<String>,
    },
    /// A reference is not of the form `view:feature`.
    #[error("`{0}` is not of the form view:feature")]
    Reference(String),
    /// Two columns of the result would have one name.
    #[error("the name `{name}` would be in the result twice, from `{first}` and from `{second}`")]
    Collision {
        /// The column.
        name: String,
        /// One origin.
        first: String,
        /// The other.
        second: String,
    },
    /// The entity rows lack something.
    #[error("the entity rows {reason}")]
    Entities {
        /// What is wrong.
        reason: String,
    },
    /// A file of the user's cannot be read or written.
    #[error("cannot {action} {path}: {reason}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// A worker thread stopped.
    #[error("a worker stopped: {0}")]
    Worker(String),
}

impl Coded for FeatureError {
    fn code(&self) -> Code {
        match self {
            Self::Config(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Lake(error) => error.code(),
            Self::Query { source, .. } => source.code(),
            Self::Join(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Write { source, .. } => source.code(),
            Self::Definition { .. } => code::FEATURE_DEFINITION,
            Self::Source { .. } => code::FEATURE_SOURCE,
            Self::Unknown { .. } | Self::Reference(_) => code::FEATURE_UNKNOWN,
            Self::Collision { .. } => code::FEATURE_COLLISION,
            Self::Entities { .. } => code::ENTITY_ROWS,
            Self::File { .. } => code::FILE_IO,
            Self::Worker(_) => code::JOIN_FAILED,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Join(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Unknown { similar: Some(similar), .. } => Some(format!("did you mean `{similar}`?")),
            _ => None,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.place(),
            Self::Definition { file, .. } => Some(file.clone()),
            _ => None,
        }
    }
}
