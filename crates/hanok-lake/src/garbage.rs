//! Removing what nobody can reach any more: directories of tables that no branch or tag names, and folders of branches
//! that are gone.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hanok_types::Id;

use crate::branch::remove_folder;
use crate::{Lake, LakeError};

/// Folders below each other that are searched for the time of the last write.
const DEPTH_MAX: u32 = 8;
/// Extensions of files that lock a table: of its maintenance and of its loads.
const LOCKS: [&str; 2] = ["lock", "load-lock"];

/// A directory that nobody needs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Garbage {
    /// Where it is, below the lake's folder: `<branch id>/<directory>`, or `<branch id>`.
    pub path: String,
    /// Bytes in it.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
}

impl Lake {
    /// Removes the directories of tables that no branch's or tag's tables name and no fork map needs, and the folders of
    /// branches that are gone, when nothing has been written to them for `grace`: a first commit may be on its way.
    /// Returns what was removed; with `dry_run`, what would have been.
    ///
    /// Only directories whose names are ULIDs are ever looked at. A lake that is not a local folder is left alone.
    pub async fn collect_garbage(&self, grace: Duration, dry_run: bool) -> Result<Vec<Garbage>, LakeError> {
        let Some(root) = self.storage.root.clone() else { return Ok(Vec::new()) };
        // In this order: a branch that is made in between has its folder in neither list's way.
        let folders = {
            let root = root.clone();
            blocking(&root.clone(), move || directories(&root)).await?
        };
        let needed: HashSet<(String, String)> =
            self.catalog().needed_directories().await?.into_iter().collect();
        let branches: HashSet<String> =
            self.catalog().branches().await?.into_iter().map(|branch| branch.id).collect();
        blocking(&root.clone(), move || {
            let mut found = Vec::new();
            for (branch, directory) in folders {
                let (path, reachable) = match &directory {
                    Some(directory) => (
                        root.join(&branch).join(directory),
                        !branches.contains(&branch) || needed.contains(&(branch.clone(), directory.clone())),
                    ),
                    None => (root.join(&branch), branches.contains(&branch)),
                };
                if reachable {
                    continue;
                }
                let contents = contents(&path, DEPTH_MAX)?;
                let quiet = contents.written.is_none_or(|at| at.elapsed().is_ok_and(|age| age >= grace));
                if !quiet {
                    continue;
                }
                if !dry_run {
                    remove(&path)?;
                }
                let name =
                    directory.map_or_else(|| branch.clone(), |directory| format!("{branch}/{directory}"));
                found.push(Garbage { path: name, bytes: contents.bytes, files: contents.files });
            }
            Ok(found)
        })
        .await
    }

    /// Bytes and files of the branch's own tables.
    pub async fn own_bytes(&self) -> Result<(u64, u64), LakeError> {
        let Some(folder) = self.storage.folder(self.branch_id()) else { return Ok((0, 0)) };
        let contents = blocking(&folder.clone(), move || contents(&folder, DEPTH_MAX)).await?;
        Ok((contents.bytes, contents.files))
    }
}

async fn blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, LakeError> {
    let shown = folder.display().to_string();
    let done = tokio::task::spawn_blocking(work).await;
    let failed = |source| LakeError::File { action: "look through", path: shown, source };
    done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(failed)
}

/// All folders of branches, and in them all of tables.
fn directories(root: &Path) -> io::Result<Vec<(String, Option<String>)>> {
    let mut found = Vec::new();
    for branch in subfolders(root)? {
        if Id::parse(&branch).is_some() {
            found.push((branch.clone(), None));
        } else if branch != hanok_catalog::MAIN_BRANCH {
            continue;
        }
        for directory in subfolders(&root.join(&branch))? {
            if Id::parse(&directory).is_some() {
                found.push((branch.clone(), Some(directory)));
            }
        }
    }
    Ok(found)
}

/// None in a folder that is gone: a branch may be dropped meanwhile.
fn subfolders(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}

#[derive(Default)]
struct Contents {
    bytes: u64,
    files: u64,
    /// The newest modification of anything in it.
    written: Option<SystemTime>,
}

fn contents(folder: &Path, depth: u32) -> io::Result<Contents> {
    let mut all = Contents::default();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        Err(error) => return Err(error),
    };
    all.written = std::fs::metadata(folder).and_then(|metadata| metadata.modified()).ok();
    for entry in entries {
        let entry = entry?;
        // Something else may remove it meanwhile.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            if depth > 0 {
                let inner = contents(&entry.path(), depth - 1)?;
                all.bytes += inner.bytes;
                all.files += inner.files;
                all.written = all.written.max(inner.written);
            }
        } else {
            // The locks of tables lie beside their folders.
            if !is_lock(&entry.path()) {
                all.bytes += metadata.len();
                all.files += 1;
            }
            all.written = all.written.max(metadata.modified().ok());
        }
    }
    Ok(all)
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| LOCKS.iter().any(|lock| extension == *lock))
}

/// Removes a directory and the lock files beside it.
fn remove(path: &Path) -> io::Result<()> {
    remove_folder(path)?;
    for extension in LOCKS {
        let _ = std::fs::remove_file(path.with_extension(extension));
    }
    Ok(())
}
