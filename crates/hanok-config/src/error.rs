//! What can be wrong with a project's files.

use std::path::PathBuf;

use hanok_error::{Code, Coded, code};

/// A project or one of its YAML files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No `hanok.yaml` here or above.
    #[error("there is no hanok.yaml in {} or above it", .0.display())]
    NotFound(PathBuf),
    /// A file or folder cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A YAML file is not what it should be.
    #[error("{message}")]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Line from 1, when known.
        line: Option<u64>,
        /// Column from 1, when known.
        column: Option<u64>,
        /// What is wrong.
        message: String,
    },
    /// A value is outside of its range.
    #[error("`{name}` is {value}, from {origin}: it must be {expected}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Its text.
        value: String,
        /// Where it came from.
        origin: String,
        /// What is allowed.
        expected: &'static str,
    },
}

impl Coded for ConfigError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound(_) => code::PROJECT_NOT_FOUND,
            Self::Read { .. } => code::FILE_IO,
            Self::Yaml { .. } | Self::Value { .. } => code::PROJECT_INVALID,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Yaml { path, line: Some(line), column: Some(column), .. } => {
                Some(format!("{}:{line}:{column}", path.display()))
            }
            Self::Yaml { path, .. } => Some(path.display().to_string()),
            _ => None,
        }
    }
}
