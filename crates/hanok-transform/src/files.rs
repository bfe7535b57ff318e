//! The files under `models/`, in a fixed order, within limits.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::place::{Notice, Place};
use crate::project::ProjectError;

/// Deepest nesting of folders.
const DEPTH_MAX: usize = 32;
/// Most files and folders below `models/`.
const ENTRIES_MAX: usize = 50_000;
/// Largest model or properties file.
const BYTES_MAX: u64 = 4 << 20;

/// A file of the project, read.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the project, with `/`.
    pub(crate) file: String,
    /// Folders between `models/` and the file.
    pub(crate) folders: Vec<String>,
    /// The file's name without its ending.
    pub(crate) stem: String,
    pub(crate) text: String,
}

/// All files of a project's models.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) sql: Vec<SourceFile>,
    pub(crate) yaml: Vec<SourceFile>,
    pub(crate) notices: Vec<Notice>,
}

impl Files {
    /// Reads everything below `root/models`, sorted by path. A project without that folder has no models.
    pub(crate) fn read(root: &Path) -> Result<Self, ProjectError> {
        let mut files = Self::default();
        let mut entries = 0;
        let start = root.join("models");
        if start.is_dir() {
            files.read_folder(&start, &mut Vec::new(), &mut entries)?;
        }
        Ok(files)
    }

    fn read_folder(
        &mut self,
        folder: &Path,
        folders: &mut Vec<String>,
        entries: &mut usize,
    ) -> Result<(), ProjectError> {
        let here = display("", folders);
        if folders.len() > DEPTH_MAX {
            let limit = format!("folders are nested more than {DEPTH_MAX} deep");
            return Err(ProjectError::Limit { place: Place::new(here, 0), limit });
        }
        let io = |source| ProjectError::Io { path: here.clone(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(io)? {
            *entries += 1;
            if *entries > ENTRIES_MAX {
                let limit = format!("there are more than {ENTRIES_MAX} files below `models`");
                return Err(ProjectError::Limit { place: Place::new(here, 0), limit });
            }
            paths.push(entry.map_err(io)?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                // A linked folder could lead back up; the depth's limit would stop it, after many duplicates.
                if !path.is_symlink() {
                    folders.push(name);
                    self.read_folder(&path, folders, entries)?;
                    folders.pop();
                }
                continue;
            }
            let (Some(stem), Some(ending)) = (path.file_stem(), path.extension()) else { continue };
            let stem = stem.to_string_lossy().into_owned();
            match ending.to_str().unwrap_or_default() {
                "sql" => self.sql.push(read_file(&path, &name, folders, stem)?),
                "yml" | "yaml" => self.yaml.push(read_file(&path, &name, folders, stem)?),
                "py" => self.notices.push(Notice {
                    place: Place::new(display(&name, folders), 0),
                    message: "models in Python are not built by this version".to_owned(),
                }),
                _ => {}
            }
        }
        Ok(())
    }
}

fn read_file(path: &Path, name: &str, folders: &[String], stem: String) -> Result<SourceFile, ProjectError> {
    let file = display(name, folders);
    let io = |source| ProjectError::Io { path: file.clone(), source };
    let mut bytes = Vec::new();
    // The size is checked by reading, not by asking: a pipe or a device has none.
    std::fs::File::open(path).map_err(io)?.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > BYTES_MAX {
        let limit = format!("the file is larger than {} MiB", BYTES_MAX >> 20);
        return Err(ProjectError::Limit { place: Place::new(file, 0), limit });
    }
    let text = decode(&file, bytes)?;
    Ok(SourceFile { file, folders: folders.to_vec(), stem, text })
}

fn decode(file: &str, bytes: Vec<u8>) -> Result<String, ProjectError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|&byte| byte == b'\n').count();
        ProjectError::NotUtf8 { place: Place::new(file, u32::try_from(line).unwrap_or(u32::MAX)) }
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn display(name: &str, folders: &[String]) -> String {
    let mut path = PathBuf::from("models");
    path.extend(folders);
    if !name.is_empty() {
        path.push(name);
    }
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf8_is_refused_with_its_line() {
        let error = decode("models/a.sql", b"select\n\xff".to_vec()).unwrap_err();
        assert!(matches!(error, ProjectError::NotUtf8 { place } if place == Place::new("models/a.sql", 2)));
        assert_eq!(decode("a", "\u{feff}x".into()).unwrap(), "x");
    }

    #[test]
    fn files_come_in_order_with_their_folders() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b.sql", "a/c.sql", "a/.hidden.sql", "a/s.yml", "a/notes.md", "p.py"] {
            let path = root.path().join("models").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let files = Files::read(root.path()).unwrap();
        let names: Vec<_> = files.sql.iter().map(|file| file.file.as_str()).collect();
        assert_eq!(names, ["models/a/c.sql", "models/b.sql"]);
        assert_eq!((files.sql[0].folders.join("/"), files.sql[0].stem.as_str()), ("a".into(), "c"));
        assert_eq!((files.yaml.len(), files.notices.len()), (1, 1));
        assert!(Files::read(&root.path().join("none")).unwrap().sql.is_empty());
        std::fs::write(root.path().join("models/big.sql"), vec![b'x'; (BYTES_MAX + 1) as usize]).unwrap();
        assert!(matches!(Files::read(root.path()).unwrap_err(), ProjectError::Limit { .. }));
    }
}
