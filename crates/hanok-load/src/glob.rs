//! Patterns to files.

use std::path::{Path, PathBuf};

use crate::error::{OptionError, ReadError};

/// The files that the patterns name, relative to `base`, sorted within each pattern and each once. A path without
/// wildcards must exist; a pattern may match nothing as long as the others do.
pub fn expand(base: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, ReadError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        // A folder whose own name has brackets is no pattern.
        let plain = base.join(pattern);
        if plain.is_file() || !pattern.contains(['*', '?', '[']) {
            if !plain.is_file() {
                return Err(ReadError::NoFiles(vec![format!("`{pattern}`")]));
            }
            files.push(plain);
            continue;
        }
        let bad = |reason: String| ReadError::Option(OptionError::Glob { pattern: pattern.clone(), reason });
        let absolute = if Path::new(pattern).is_absolute() {
            pattern.clone()
        } else {
            let base = base.to_str().ok_or_else(|| bad("the project's path is not UTF-8".to_owned()))?;
            format!("{}/{pattern}", glob::Pattern::escape(base))
        };
        let mut found = Vec::new();
        for path in glob::glob(&absolute).map_err(|error| bad(error.to_string()))? {
            let path = path.map_err(|error| ReadError::Io {
                file: error.path().to_string_lossy().into_owned(),
                source: error.into(),
            })?;
            if path.is_file() {
                found.push(path);
            }
        }
        found.sort();
        files.extend(found);
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    if files.is_empty() {
        return Err(ReadError::NoFiles(patterns.iter().map(|pattern| format!("`{pattern}`")).collect()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_sorted_and_files_come_once() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "[x].csv", "c.txt"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let names = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|&text| text.to_owned()).collect();
            expand(dir.path(), &patterns).map(|files| {
                files
                    .iter()
                    .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(names(&["?.csv", "a.csv"]).unwrap(), ["a.csv", "b.csv"]);
        assert_eq!(names(&["[x].csv"]).unwrap(), ["[x].csv"]);
        assert!(matches!(names(&["z*.csv"]), Err(ReadError::NoFiles(_))));
        assert!(matches!(names(&["z.csv", "a.csv"]), Err(ReadError::NoFiles(_))));
        assert!(names(&["z*.csv", "a.csv"]).is_ok());
    }
}
