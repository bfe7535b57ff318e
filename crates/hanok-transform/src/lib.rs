//! SQL models: a folder of dbt-style templates becomes a graph of tables and views, and the tests over them.
//!
//! [`Project::read`] renders every template twice: once to learn what it refers to and how it is configured, once with
//! every name known. [`Project::select`] picks models as `dbt --select` does. [`run`](run()) builds them in parallel in
//! the order of the graph and then runs their tests.
//!
//! What is like dbt: `ref`, `source`, `config`, `var`, `this`, `target`; properties in YAML; the four generic tests; folder
//! settings; the default materialisation is `view`. What is not: a model's `schema` is taken literally (dbt puts the
//! target's schema and an underscore before it), and the default schema is `main`.
//!
//! Must not exist here: a second way to read or write a table (that is hanok-query and hanok-lake), and printing.

mod config;
mod data_tests;
mod files;
mod graph;
mod link;
mod locate;
mod place;
mod project;
mod properties;
mod run;
mod schedule;
mod select;
mod template;
mod warehouse;
mod yaml;

pub use config::{ConfigError, FolderConfig, Materialized, ModelConfig};
pub use data_tests::{DataTest, Severity, TestTarget};
pub use graph::{Graph, GraphCycle};
pub use place::{Notice, Place};
pub use project::{Column, Model, Project, ProjectError, ProjectInput, SourceTable};
pub use run::{Event, Node, NodeResult, NodeStatus, RunOptions, RunSummary, run};
pub use select::SelectError;
pub use template::{LineMap, TemplateError};
pub use warehouse::NodeError;
