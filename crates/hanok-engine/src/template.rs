//! New projects.

use std::path::{Path, PathBuf};

use crate::EngineError;

/// What a new project starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Real flights from New York in 2013, from raw files to features.
    Flights,
    /// An empty project with commented files.
    Blank,
}

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../", $folder, "/", $path)))),*]
    };
}

type Files = &'static [(&'static str, &'static [u8])];

const FLIGHTS: Files = files! { "examples/flights":
    "README.md",
    "data/SOURCE.md",
    "data/airlines.csv",
    "data/airports.csv.gz",
    "data/flights.csv.zip",
    "data/planes.csv.gz",
    "data/weather.csv.gz",
    "features/entities.yaml",
    "features/services.yaml",
    "features/views.yaml",
    "hanok.yaml",
    "models/marts/carrier_delay.sql",
    "models/marts/departure_labels.sql",
    "models/marts/departures.sql",
    "models/marts/marts.yml",
    "models/marts/origin_delay.sql",
    "models/marts/plane.sql",
    "models/marts/route_delay.sql",
    "models/marts/weather_hourly.sql",
    "models/staging/sources.yml",
    "models/staging/staging.yml",
    "models/staging/stg_airlines.sql",
    "models/staging/stg_airports.sql",
    "models/staging/stg_flights.sql",
    "models/staging/stg_planes.sql",
    "models/staging/stg_weather.sql",
    "monitors/flights.yaml",
    "sources/nycflights13.yaml",
    "train.py",
    "trained/delay.json",
    "trained/delay_next.txt",
};

const BLANK: Files = files! { "examples/blank":
    "README.md",
    "data/visits.csv",
    "features/features.yaml",
    "hanok.yaml",
    "models/schema.yml",
    "models/visits_by_day.sql",
    "monitors/monitors.yaml",
    "sources/visits.yaml",
};

/// State and results do not belong into version control.
const IGNORED: &[u8] = b"/.hanok/\n*.parquet\n";

/// Writes a new project into `folder`, which is made when it is missing. Returns the files, relative to it.
///
/// # Errors
/// [`EngineError::NotEmpty`] when there are files: nothing is ever overwritten.
pub fn init(folder: &Path, template: Template) -> Result<Vec<PathBuf>, EngineError> {
    let shown = folder.display().to_string();
    let refused = |path: &Path, error: std::io::Error| EngineError::File {
        action: "create",
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    std::fs::create_dir_all(folder).map_err(|error| refused(folder, error))?;
    if std::fs::read_dir(folder).map_err(|error| refused(folder, error))?.next().is_some() {
        return Err(EngineError::NotEmpty(shown));
    }
    let files = match template {
        Template::Flights => FLIGHTS,
        Template::Blank => BLANK,
    };
    // The project file comes last: a folder without it is not taken for a finished project.
    let ordered = files.iter().filter(|file| file.0 != hanok_config::PROJECT_FILE);
    let project = files.iter().filter(|file| file.0 == hanok_config::PROJECT_FILE);
    let mut written = Vec::new();
    for (path, bytes) in ordered.copied().chain([(".gitignore", IGNORED)]).chain(project.copied()) {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(|error| refused(parent, error))?;
        }
        std::fs::write(&target, bytes).map_err(|error| refused(&target, error))?;
        written.push(PathBuf::from(path));
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_examples_is_in_its_template() {
        for (folder, template) in [("flights", FLIGHTS), ("blank", BLANK)] {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(folder);
            let mut stack = vec![root.clone()];
            while let Some(at) = stack.pop() {
                for entry in std::fs::read_dir(at).unwrap() {
                    let path = entry.unwrap().path();
                    let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    // A new project's own .gitignore is written by `init`.
                    if relative.starts_with(".hanok")
                        || relative == ".gitignore"
                        || relative.ends_with(".parquet")
                    {
                        continue;
                    }
                    if path.is_dir() {
                        stack.push(path);
                    } else {
                        assert!(
                            template.iter().any(|file| file.0 == relative),
                            "{folder}/{relative} is not in it"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_folder_with_files_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.txt"), "x").unwrap();
        assert!(matches!(init(folder.path(), Template::Blank), Err(EngineError::NotEmpty(_))));
    }
}
