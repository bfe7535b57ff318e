//! The project folder and `hanok.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::yaml::read_yaml;
use crate::{ConfigError, Setting};

/// The file that makes a folder a project.
pub const PROJECT_FILE: &str = "hanok.yaml";
/// The folder of a project that holds its state: catalog, lake, online store.
pub const STATE_FOLDER: &str = ".hanok";
/// Folders above the current one that are searched for the project file.
const PARENTS_MAX: usize = 32;
/// The branch that every project has.
const BRANCH_DEFAULT: &str = "main";
/// Commits after which a table is compacted when nobody says otherwise.
const COMPACT_AFTER_DEFAULT: u32 = 50;
/// Memory for queries when nobody says otherwise.
const MEMORY_MB_DEFAULT: u64 = 2048;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    name: String,
    #[serde(default = "one")]
    version: u32,
    lake: Option<PathBuf>,
    branch: Option<String>,
    threads: Option<usize>,
    memory_mb: Option<u64>,
    compact_after: Option<u32>,
    #[serde(default)]
    vars: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    models: serde_json::Value,
}

fn one() -> u32 {
    1
}

/// What the command line says about the project.
#[derive(Clone, Debug, Default)]
pub struct FlagLayer {
    /// `--project`.
    pub project: Option<PathBuf>,
    /// `--branch`.
    pub branch: Option<String>,
    /// `--threads`.
    pub threads: Option<usize>,
    /// `--memory-mb`.
    pub memory_mb: Option<u64>,
    /// `--var NAME=VALUE`, over `vars:`.
    pub vars: BTreeMap<String, serde_json::Value>,
}

/// A project: a folder with a `hanok.yaml`, and its settings.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// `name:`.
    pub name: String,
    /// The lake's folder.
    pub lake: Setting<PathBuf>,
    /// The branch or tag that commands read and write.
    pub branch: Setting<String>,
    /// Threads for queries and joins.
    pub threads: Setting<usize>,
    /// Memory for queries, in MiB; beyond it they spill to disk.
    pub memory_mb: Setting<u64>,
    /// After how many commits of loads a table of `main` is compacted; 0 for never.
    pub compact_after: u32,
    /// `vars:` for models.
    pub vars: BTreeMap<String, serde_json::Value>,
    /// The `models:` section, whose shape belongs to `hanok-transform`.
    pub models: serde_json::Value,
}

impl Project {
    /// Finds the project of `flags.project`, or of the current folder or one above it.
    pub fn find(flags: &FlagLayer) -> Result<Self, ConfigError> {
        let start = match &flags.project {
            Some(folder) => folder.clone(),
            None => std::env::current_dir()
                .map_err(|source| ConfigError::Read { path: PathBuf::from("."), source })?,
        };
        let start =
            start.canonicalize().map_err(|source| ConfigError::Read { path: start.clone(), source })?;
        let levels = if flags.project.is_some() { 1 } else { PARENTS_MAX };
        let folder = start
            .ancestors()
            .take(levels)
            .find(|folder| folder.join(PROJECT_FILE).is_file())
            .ok_or_else(|| ConfigError::NotFound(start.clone()))?;
        Self::open(folder, flags)
    }

    fn open(folder: &Path, flags: &FlagLayer) -> Result<Self, ConfigError> {
        let path = folder.join(PROJECT_FILE);
        let file: ProjectFile = read_yaml(&path)?;
        if file.version != 1 {
            return Err(ConfigError::Yaml {
                path,
                line: None,
                column: None,
                message: format!("`version` is {}; this binary knows version 1", file.version),
            });
        }
        let mut vars = file.vars;
        vars.extend(flags.vars.clone());
        let lake = Setting::resolve(
            None,
            std::env::var_os("HANOK_LAKE").map(PathBuf::from),
            file.lake,
            PathBuf::from(STATE_FOLDER).join("lake"),
        );
        let project = Self {
            lake: Setting { value: folder.join(lake.value), origin: lake.origin },
            branch: Setting::resolve(
                flags.branch.clone(),
                from_environment("HANOK_BRANCH", "the name of a branch")?
                    .filter(|name: &String| !name.is_empty()),
                file.branch,
                BRANCH_DEFAULT.to_owned(),
            ),
            threads: Setting::resolve(
                flags.threads,
                from_environment("HANOK_THREADS", "a number from 1 to 1024")?,
                file.threads,
                std::thread::available_parallelism().map_or(2, usize::from),
            ),
            memory_mb: Setting::resolve(
                flags.memory_mb,
                from_environment("HANOK_MEMORY_MB", "a number of MiB")?,
                file.memory_mb,
                MEMORY_MB_DEFAULT,
            ),
            compact_after: file.compact_after.unwrap_or(COMPACT_AFTER_DEFAULT),
            folder: folder.to_owned(),
            name: file.name,
            models: file.models,
            vars,
        };
        project.check()?;
        Ok(project)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |name, value: String, origin: crate::Origin, expected| {
            Err(ConfigError::Value { name, value, origin: origin.to_string(), expected })
        };
        if !(1..=1024).contains(&self.threads.value) {
            return wrong("threads", self.threads.value.to_string(), self.threads.origin, "from 1 to 1024");
        }
        if self.memory_mb.value < 64 {
            return wrong(
                "memory_mb",
                self.memory_mb.value.to_string(),
                self.memory_mb.origin,
                "at least 64",
            );
        }
        Ok(())
    }

    /// A path below [`STATE_FOLDER`].
    pub fn state(&self, name: &str) -> PathBuf {
        self.folder.join(STATE_FOLDER).join(name)
    }
}

fn from_environment<T: std::str::FromStr>(
    name: &'static str,
    expected: &'static str,
) -> Result<Option<T>, ConfigError> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    match text.parse() {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(ConfigError::Value {
            name,
            value: text,
            origin: crate::Origin::Environment.to_string(),
            expected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hanok_error::Coded as _;

    fn open(text: &str) -> Result<Project, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(PROJECT_FILE), text).unwrap();
        let flags = FlagLayer { project: Some(folder.path().to_owned()), ..FlagLayer::default() };
        Project::find(&flags)
    }

    #[test]
    fn defaults_fill_what_the_file_leaves_out() {
        let project = open("name: school\nvars: {month: 1}\n").unwrap();
        assert_eq!(project.name, "school");
        assert_eq!(project.memory_mb.value, MEMORY_MB_DEFAULT);
        assert!(project.lake.value.ends_with(".hanok/lake"));
        assert_eq!(project.vars["month"], serde_json::json!(1));
        assert_eq!(project.branch.value, "main");
        assert_eq!(open("name: school\nbranch: dev\n").unwrap().branch.value, "dev");
    }

    #[test]
    fn an_unknown_field_is_named_with_its_place() {
        let error = open("name: school\nlaek: x\n").unwrap_err();
        assert!(matches!(error, ConfigError::Yaml { line: Some(2), .. }), "{error:?}");
        assert!(error.to_string().contains("laek"), "{error}");
        assert!(error.place().is_some_and(|place| place.contains("hanok.yaml:2:")));
    }

    #[test]
    fn zero_threads_and_a_later_version_are_refused() {
        assert!(matches!(open("name: s\nthreads: 0\n"), Err(ConfigError::Value { name: "threads", .. })));
        assert!(matches!(open("name: s\nversion: 2\n"), Err(ConfigError::Yaml { .. })));
    }

    #[test]
    fn no_project_here() {
        let folder = tempfile::tempdir().unwrap();
        let flags = FlagLayer { project: Some(folder.path().to_owned()), ..FlagLayer::default() };
        assert!(matches!(Project::find(&flags), Err(ConfigError::NotFound(_))));
    }
}
