//! Reading a project: files, properties, templates and their links become [`Project`].

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use hanok_error::{Code, Coded, code};
use hanok_types::{NameError, TableName};
use serde_json::{Map, Value};

use crate::config::{ConfigError, FolderConfig, ModelConfig};
use crate::data_tests::DataTest;
use crate::files::Files;
use crate::graph::Graph;
use crate::link;
use crate::place::{Notice, Place};
use crate::template::{LineMap, TemplateError};

/// What is needed to read a project's models.
#[derive(Debug, Clone, Default)]
pub struct ProjectInput {
    /// The folder that holds `models/`.
    pub root: PathBuf,
    /// The project's name, for `ref('name', …)` and folder settings under it.
    pub name: String,
    /// `vars:` of `hanok.yaml`.
    pub vars: Map<String, Value>,
    /// `models:` of `hanok.yaml`.
    pub models: Value,
    /// Tables that the project's sources load. They can be referred to as `source('schema', 'table')` without declaring
    /// them again.
    pub loaded: Vec<TableName>,
}

impl ProjectInput {
    /// From the project's settings and the tables that its sources load.
    pub fn new(project: &hanok_config::Project, loaded: Vec<TableName>) -> Self {
        Self {
            root: project.folder.clone(),
            name: project.name.clone(),
            vars: project.vars.clone().into_iter().collect(),
            models: project.models.clone(),
            loaded,
        }
    }
}

/// A column as its YAML describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// A model, ready to run.
#[derive(Debug, Clone)]
pub struct Model {
    /// The file's name without `.sql`; unique in the project.
    pub name: String,
    /// The file, relative to the project.
    pub file: String,
    /// Folders between `models/` and the file.
    pub folders: Vec<String>,
    /// What it writes.
    pub table: TableName,
    /// Its settings.
    pub config: ModelConfig,
    /// The columns that tell its rows apart: its `unique_key`, else the one column with the tests `unique` and
    /// `not_null`. Empty when nobody has said.
    pub key: Vec<String>,
    /// What it is.
    pub description: Option<String>,
    /// The columns described in YAML, which need not be all.
    pub columns: Vec<Column>,
    /// The rendered SQL.
    pub sql: String,
    /// From the SQL back to the file.
    pub lines: LineMap,
    /// Tables of sources that it reads, sorted.
    pub sources: Vec<TableName>,
}

/// A table that something else writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTable {
    /// The source's name.
    pub source: String,
    /// The table's name within the source.
    pub name: String,
    /// The table in the lake.
    pub table: TableName,
    /// What it is.
    pub description: Option<String>,
    /// The columns described.
    pub columns: Vec<Column>,
    /// Where it is declared; the file `sources/` for tables known only from loading.
    pub place: Place,
}

/// The models of a project: read, rendered, linked and checked. Free of circles.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Enabled models by name. Indices into this are the nodes of [`graph`](Self::graph).
    pub models: Vec<Model>,
    /// Which model needs which.
    pub graph: Graph,
    /// Declared sources by name.
    pub sources: Vec<SourceTable>,
    /// Enabled tests in the order of their files.
    pub tests: Vec<DataTest>,
    /// What has no effect.
    pub notices: Vec<Notice>,
}

/// A project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The operating system refused.
    #[error("`{path}` cannot be read")]
    Io {
        /// The file or folder, relative to the project.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file or folder is beyond a limit.
    #[error("{limit}")]
    Limit {
        /// Which.
        place: Place,
        /// The limit.
        limit: String,
    },
    /// A file is not UTF-8.
    #[error("the file is not UTF-8")]
    NotUtf8 {
        /// The first line that is not.
        place: Place,
    },
    /// A YAML file is not of the right form.
    #[error("{message}")]
    Yaml {
        /// Where.
        place: Place,
        /// Why, from the parser.
        message: String,
    },
    /// A template cannot be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A setting cannot be used.
    #[error("{source}")]
    Config {
        /// Where it is set.
        place: Place,
        /// Why.
        source: ConfigError,
    },
    /// A name cannot be used for a table.
    #[error("{source}")]
    Name {
        /// Where it is given.
        place: Place,
        /// Why.
        source: NameError,
    },
    /// Two of a kind with one name.
    #[error("{kind} `{name}` is defined twice, first in {first}")]
    Duplicate {
        /// E.g. "the model".
        kind: &'static str,
        /// The name.
        name: String,
        /// The first definition.
        first: Place,
        /// The second.
        place: Place,
    },
    /// `ref()` to a model that is switched off.
    #[error("the model `{name}` is disabled")]
    Disabled {
        /// Where it is referred to.
        place: Place,
        /// The model.
        name: String,
    },
    /// Models need each other in a circle.
    #[error("the models need each other in a circle: {}", circle(path))]
    Cycle {
        /// The circle: each model and where it refers to the next; the last refers to the first.
        path: Vec<(String, Place)>,
    },
    /// A test is not written as it should be.
    #[error("{message}")]
    Test {
        /// Where.
        place: Place,
        /// Why.
        message: String,
    },
}

fn circle(path: &[(String, Place)]) -> String {
    let steps = path.iter().map(|(name, place)| format!("{name} ({place})"));
    let first = path.first().map(|(name, _)| name.clone());
    steps.chain(first).collect::<Vec<_>>().join(" → ")
}

impl Coded for ProjectError {
    fn code(&self) -> Code {
        match self {
            Self::Io { .. } => code::FILE_IO,
            Self::Limit { .. } => code::MODEL_LIMIT,
            Self::NotUtf8 { place } if Path::new(&place.file).extension() == Some(OsStr::new("sql")) => {
                code::MODEL_TEMPLATE
            }
            Self::NotUtf8 { .. } | Self::Yaml { .. } | Self::Test { .. } => code::MODEL_YAML,
            Self::Template(error) => error.code(),
            Self::Config { .. } => code::MODEL_CONFIG,
            Self::Name { source, .. } => source.code(),
            Self::Duplicate { .. } => code::MODEL_DUPLICATE,
            Self::Disabled { .. } => code::MODEL_REF,
            Self::Cycle { .. } => code::MODEL_CYCLE,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Template(error) => error.hint(),
            Self::Disabled { name, .. } => {
                Some(format!("set `enabled: true` for `{name}`, or do not refer to it"))
            }
            _ => None,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Template(error) => error.place(),
            Self::Cycle { path } => path.first().map(|(_, place)| place.to_string()),
            Self::Limit { place, .. }
            | Self::NotUtf8 { place }
            | Self::Yaml { place, .. }
            | Self::Config { place, .. }
            | Self::Name { place, .. }
            | Self::Duplicate { place, .. }
            | Self::Disabled { place, .. }
            | Self::Test { place, .. } => Some(place.to_string()),
        }
    }
}

impl Project {
    /// Reads everything below `models/`, renders it and checks how it fits together. Reads files, so call it where
    /// blocking is allowed. The first error found is returned; files are looked at in the order of their paths.
    pub fn read(input: &ProjectInput) -> Result<Self, ProjectError> {
        let files = Files::read(&input.root)?;
        let folders = FolderConfig::read(&input.models, &input.name)
            .map_err(|source| ProjectError::Config { place: Place::new("hanok.yaml", 0), source })?;
        link::link(input, files, &folders)
    }

    /// The index of the model `name`.
    pub fn model(&self, name: &str) -> Option<usize> {
        self.models.binary_search_by(|model| model.name.as_str().cmp(name)).ok()
    }
}
