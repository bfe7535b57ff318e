//! Files by content.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::ReadError;
use crate::glob::expand;

/// A file and its BLAKE3.
#[derive(Debug)]
pub(super) struct HashedFile {
    pub(super) path: PathBuf,
    pub(super) hash: String,
    pub(super) bytes: u64,
}

/// Finds and hashes the files, each as a stream.
pub(super) async fn hash_files(project: &Path, patterns: &[String]) -> Result<Vec<HashedFile>, ReadError> {
    let (project, patterns) = (project.to_owned(), patterns.to_vec());
    let hashed = tokio::task::spawn_blocking(move || {
        expand(&project, &patterns)?
            .into_iter()
            .map(|path| {
                let failed = |source| ReadError::Io { file: path.to_string_lossy().into_owned(), source };
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(File::open(&path).map_err(failed)?).map_err(failed)?;
                let (hash, bytes) = (hasher.finalize().to_hex().to_string(), hasher.count());
                Ok(HashedFile { path, hash, bytes })
            })
            .collect()
    });
    hashed.await.unwrap_or(Err(ReadError::Stopped))
}

/// A file that somebody still writes to has another size by now.
pub(super) async fn check_unchanged(path: &Path, bytes: u64) -> Result<(), ReadError> {
    let found = tokio::fs::metadata(path).await;
    let file = path.to_string_lossy().into_owned();
    match found {
        Ok(found) if found.len() == bytes => Ok(()),
        Ok(found) => {
            let what = format!("it had {bytes} bytes and now has {}", found.len());
            Err(ReadError::Changed { file, what })
        }
        Err(source) => Err(ReadError::Io { file, source }),
    }
}
