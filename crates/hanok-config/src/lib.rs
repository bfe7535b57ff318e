//! The project: its folder, its `hanok.yaml`, and how YAML files of a project are read.
//!
//! Layers, weakest first: defaults, `hanok.yaml`, environment (`HANOK_LAKE`, `HANOK_BRANCH`, `HANOK_THREADS`, `HANOK_MEMORY_MB`),
//! flags. [`Setting`] remembers where each value came from.
//!
//! Must not exist here: what sources, models and features mean; databases; sockets.

mod error;
mod project;
mod setting;
mod yaml;

pub use error::ConfigError;
pub use project::{FlagLayer, PROJECT_FILE, Project, STATE_FOLDER};
pub use setting::{Origin, Setting};
pub use yaml::{YamlFile, parse_yaml, read_yaml, yaml_files};
