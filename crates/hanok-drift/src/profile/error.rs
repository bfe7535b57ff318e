//! What can go wrong with a profile.

use hanok_error::{Code, Coded, code};

use crate::error::CompareError;

/// A profile could not be made, merged or read.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A batch does not have the profile's columns in the profile's order.
    #[error("column {at} of the rows is {found}, but the profile expects {expected}")]
    Batch {
        /// Its place, from 0.
        at: usize,
        /// Its name and type.
        found: String,
        /// What there should be.
        expected: String,
    },
    /// Two profiles have different columns.
    #[error("the column `{column}` {reason}")]
    Merge {
        /// The column.
        column: String,
        /// Why it cannot be merged.
        reason: &'static str,
    },
    /// More than a profile counts.
    #[error("{what} is {found}; at most {limit} is allowed")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there would be.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// A saved profile of a format that this version does not read.
    #[error("the profile has version {found} of the format; this program reads version {expected}")]
    Version {
        /// The document's version.
        found: u32,
        /// The version that is read.
        expected: u32,
    },
    /// Not a document of the format.
    #[error("not a profile: {0}")]
    Json(#[from] serde_json::Error),
    /// A part of a saved profile is damaged or does not agree with another.
    #[error("the profile is damaged{}: {what}", column.as_ref().map_or_else(String::new, |name| format!(" at the column `{name}`")))]
    Damaged {
        /// The column, if it is in one.
        column: Option<String>,
        /// What is wrong.
        what: &'static str,
    },
    /// A name that occurs twice, or a column that could not be converted.
    #[error(transparent)]
    Column(#[from] CompareError),
}

impl Coded for ProfileError {
    fn code(&self) -> Code {
        match self {
            ProfileError::Batch { .. } => code::PROFILE_ROWS,
            ProfileError::Merge { .. } => code::PROFILE_MERGE,
            ProfileError::Limit { .. } => code::PROFILE_LIMIT,
            ProfileError::Version { .. } => code::PROFILE_VERSION,
            ProfileError::Json(_) | ProfileError::Damaged { .. } => code::PROFILE_DAMAGED,
            ProfileError::Column(error) => error.code(),
        }
    }
}
