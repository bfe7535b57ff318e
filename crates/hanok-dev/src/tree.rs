//! The repository as the checks see it: every text file that is committed or could be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rust::Source;

/// Files longer than this are data, whatever their name says.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// Why the repository could not be read.
#[derive(Debug)]
pub(crate) enum TreeError {
    /// `git` could not be started.
    GitStart(std::io::Error),
    /// `git` refused, with its words.
    Git(String),
    /// A file could not be read or written.
    Io { path: PathBuf, error: std::io::Error },
}

impl std::fmt::Display for TreeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::GitStart(error) => write!(f, "git does not start: {error}"),
            Self::Git(message) => write!(f, "git: {message}"),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

/// One text file.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The scanned code of a `.rs` file.
    pub(crate) rust: Option<Source>,
}

impl File {
    /// The crate directory's name for files under `crates/`.
    pub(crate) fn krate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split_once('/').map(|(krate, _)| krate)
    }

    /// True for files under a folder of this name.
    pub(crate) fn is_under(&self, folder: &str) -> bool {
        let mut parts = self.path.split('/').rev();
        parts.next();
        parts.any(|part| part == folder)
    }

    /// Code that only tests, examples, benchmarks or fuzzers run.
    pub(crate) fn is_support(&self) -> bool {
        ["tests", "examples", "benches", "fuzz"].iter().any(|folder| self.is_under(folder))
    }
}

/// The repository's text files in the order of their paths.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads what git tracks and what it would track (so that findings come before the commit), without what it
    /// ignores.
    pub(crate) fn read(root: &Path) -> Result<Self, TreeError> {
        let output = Command::new("git")
            .current_dir(root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .map_err(TreeError::GitStart)?;
        if !output.status.success() {
            return Err(TreeError::Git(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        let paths: BTreeSet<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
        let mut samples = Vec::new();
        for path in paths {
            if let Some(text) = read_text(&root.join(path))? {
                samples.push((path.to_owned(), text));
            }
        }
        Ok(Self::new(samples))
    }

    /// A tree of these paths and texts.
    pub(crate) fn new(samples: Vec<(String, String)>) -> Self {
        let mut files: Vec<File> = samples
            .into_iter()
            .map(|(path, text)| {
                let rust = is_rust(&path).then(|| Source::scan(&text));
                File { path, text, rust }
            })
            .collect();
        let tests = test_modules(&files);
        for file in &mut files {
            if let Some(source) = &mut file.rust
                && tests.iter().any(|prefix| under_module(&file.path, prefix))
            {
                source.mark_all_as_test();
            }
        }
        Self { files }
    }

    /// The Rust files with their scanned code.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files.iter().filter_map(|file| file.rust.as_ref().map(|source| (file, source)))
    }

    /// The crates' manifests with the crate directory's name.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().filter_map(|file| {
            let krate = file.krate()?;
            (file.path == format!("crates/{krate}/Cargo.toml")).then_some((krate, file))
        })
    }

    #[cfg(test)]
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        Self::new(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The file's text; `None` for what is no text or no longer there.
fn read_text(path: &Path) -> Result<Option<String>, TreeError> {
    let io = |error| TreeError::Io { path: path.to_owned(), error };
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    if !meta.is_file() || meta.len() > TEXT_BYTES_MAX {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(io)?;
    Ok(if bytes.contains(&0) { None } else { String::from_utf8(bytes).ok() })
}

/// The paths, without `.rs`, of modules declared as `#[cfg(test)] mod NAME;`.
fn test_modules(files: &[File]) -> Vec<String> {
    let mut modules = Vec::new();
    for file in files {
        let Some(source) = &file.rust else { continue };
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let stem = name.trim_end_matches(".rs");
        let base = match stem {
            "lib" | "main" | "mod" => folder.to_owned(),
            _ => format!("{folder}/{stem}"),
        };
        modules.extend(source.test_modules().iter().map(|module| format!("{base}/{module}")));
    }
    modules
}

fn under_module(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_modules_in_their_own_files_are_tests() {
        let tree = Tree::sample(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod b;\n"),
            ("crates/a/src/tests.rs", "fn a() {}\n"),
            ("crates/a/src/tests/deep.rs", "fn a() {}\n"),
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod twin;\n"),
            ("crates/a/src/b/twin.rs", "fn a() {}\n"),
            ("crates/a/src/b/shipped.rs", "fn a() {}\n"),
        ]);
        let shipped: Vec<_> = tree
            .rust()
            .filter(|(_, source)| source.shipped.contains("fn"))
            .map(|(file, _)| file.path.as_str())
            .collect();
        assert_eq!(shipped, ["crates/a/src/b/shipped.rs"]);
    }

    #[test]
    fn a_file_knows_its_crate_and_folders() {
        let tree = Tree::sample(&[
            ("crates/a/tests/it/main.rs", ""),
            ("crates/a/Cargo.toml", ""),
            ("README.md", ""),
        ]);
        assert_eq!(tree.files[0].krate(), Some("a"));
        assert!(tree.files[0].is_under("tests") && tree.files[0].is_support());
        assert!(!tree.files[0].is_under("main.rs"));
        assert_eq!(tree.files[2].krate(), None);
        assert_eq!(tree.manifests().map(|(krate, _)| krate).collect::<Vec<_>>(), ["a"]);
    }
}
