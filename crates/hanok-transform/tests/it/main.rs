//! Whole projects, read from disk and run against a lake.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod malformed;
mod reading;
mod running;

use std::path::{Path, PathBuf};

use hanok_transform::{Project, ProjectError, ProjectInput};
use serde_json::json;

/// The imitation of a small dbt project.
fn bakery() -> ProjectInput {
    let vars = json!({"open_since": "2024-01-01"});
    ProjectInput {
        root: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bakery"),
        name: "bakery".into(),
        vars: vars.as_object().unwrap().clone(),
        models: json!({"bakery": {
            "+materialized": "view",
            "marts": {"+materialized": "table", "+schema": "mart"},
        }}),
        loaded: Vec::new(),
    }
}

/// Writes `files` (path below `models/`, text) and reads them as a project.
fn project_of(files: &[(&str, &str)]) -> Result<Project, ProjectError> {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), files);
    Project::read(&input(root.path()))
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join("models").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn input(root: &Path) -> ProjectInput {
    ProjectInput { root: root.to_owned(), name: "test".into(), ..ProjectInput::default() }
}
