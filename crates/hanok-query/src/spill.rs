//! Folders for spilled data: one for each session, told from those of killed processes by a lock.
//!
//! A process that is killed cannot remove what it spilled, and nobody may remove what a living one spills. So beside the
//! folder `<id>` lies the file `<id>.lock`, locked as long as the session lives; the kernel lets go of it when the process
//! dies, and the next session that opens removes both.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use hanok_types::Id;

/// Ids that are tried before giving up. A second one is needed only when a sweep hits the moment of making the first.
const CLAIMS_MAX: u32 = 16;

/// A folder of one session. Removed when dropped.
#[derive(Debug)]
pub(crate) struct SpillFolder {
    path: PathBuf,
    lock: PathBuf,
    _held: File,
    /// The folder around it, when it goes too.
    own_root: Option<PathBuf>,
}

impl SpillFolder {
    /// Makes a folder below `root`, and removes those of processes that were killed.
    pub(crate) fn claim(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        sweep(root)?;
        for _ in 0..CLAIMS_MAX {
            let path = root.join(Id::generate().to_string());
            let lock = path.with_extension("lock");
            let held = File::options().create_new(true).write(true).open(&lock)?;
            match held.try_lock() {
                // Gone when another process swept between the two lines above.
                Ok(()) if !lock.exists() => {}
                // A file system without locks: then nobody can sweep either.
                Ok(()) | Err(TryLockError::Error(_)) => {
                    fs::create_dir(&path)?;
                    return Ok(Self { path, lock, _held: held, own_root: None });
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        Err(io::Error::other("other processes kept removing the folder for spilled data"))
    }

    /// Makes a folder among the system's temporary files, for projects that cannot be written.
    pub(crate) fn claim_temporary() -> io::Result<Self> {
        let root = std::env::temp_dir().join(format!("hanok-spill-{}", Id::generate()));
        let mut builder = fs::DirBuilder::new();
        // What is spilled is for those who may read the project.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&root)?;
        let mut folder = Self::claim(&root)?;
        folder.own_root = Some(root);
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        // A folder that is not empty belongs to a stream that outlives its session; a later session removes it.
        if fs::remove_dir(&self.path).is_ok() {
            let _ = fs::remove_file(&self.lock);
            let _ = self.own_root.as_ref().map(fs::remove_dir);
        }
    }
}

/// Removes the folders whose locks nobody holds. What cannot be removed is left for the next time.
fn sweep(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let lock = entry?.path();
        if lock.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        // Another process may have removed it since.
        let Ok(file) = File::options().write(true).open(&lock) else { continue };
        if file.try_lock().is_err() {
            continue;
        }
        // The lock goes last: a folder without one would never be removed.
        let removed = fs::remove_dir_all(lock.with_extension(""));
        if removed.is_ok() || removed.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            let _ = fs::remove_file(&lock);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_dead_process_s_folder_goes_and_a_living_one_s_stays() {
        let root = tempfile::tempdir().unwrap();
        // What a killed process leaves: nobody holds the lock.
        let dead = root.path().join(Id::generate().to_string());
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("spilled"), "rows").unwrap();
        fs::write(dead.with_extension("lock"), "").unwrap();
        let living = SpillFolder::claim(root.path()).unwrap();
        fs::write(living.path().join("spilled"), "rows").unwrap();
        assert_eq!(names(root.path()).len(), 2, "{:?}", names(root.path()));
        let other = SpillFolder::claim(root.path()).unwrap();
        assert_ne!(other.path(), living.path());
        assert!(living.path().join("spilled").exists());
        drop(other);
        assert_eq!(names(root.path()).len(), 2);
        // Dropped while a stream still uses it: the next session removes it.
        drop(living);
        drop(SpillFolder::claim(root.path()).unwrap());
        assert_eq!(names(root.path()), Vec::<String>::new());
    }
}
