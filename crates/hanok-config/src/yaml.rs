//! Reading YAML files, with file, line and column in every error.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::ConfigError;

/// Files above this size are refused rather than read into memory.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Folders are searched to this depth, so that a link that points to its parent ends.
const DEPTH_MAX: usize = 16;

/// A parsed file.
#[derive(Debug)]
pub struct YamlFile<T> {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub value: T,
}

/// Parses `text` as the contents of `path`. Fields that `T` does not know are errors when `T` denies them.
pub fn parse_yaml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location();
        let whole = error.without_snippet().to_string();
        // The place is reported by itself, so it is cut off the message.
        let message = whole.split(" at line ").next().unwrap_or(&whole).to_owned();
        ConfigError::Yaml {
            path: path.to_owned(),
            line: location.map(|at| at.line()),
            column: location.map(|at| at.column()),
            message,
        }
    })
}

/// Reads and parses a file.
pub fn read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let refused = |source| ConfigError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(refused)?.len() > FILE_BYTES_MAX {
        return Err(refused(std::io::Error::other("a YAML file of more than 4 MiB")));
    }
    parse_yaml(path, &std::fs::read_to_string(path).map_err(refused)?)
}

/// The `.yaml` and `.yml` files below `folder`, sorted; none when the folder does not exist.
pub fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let mut found = Vec::new();
    collect(folder, DEPTH_MAX, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), ConfigError> {
    let refused = |source| ConfigError::Read { path: folder.to_owned(), source };
    if depth == 0 || !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        if path.is_dir() {
            collect(&path, depth - 1, found)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
    Ok(())
}
