//! What can go wrong with the store itself, whoever uses it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hanok_error::{Code, Coded, code};
use heed::MdbError;

use crate::row::RowError;

/// Less room than this is none: a commit of one row takes a few pages.
const PROBE_BYTES: usize = 256 * 1024;

/// The store cannot be opened, read or committed to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The store's folder.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// LMDB refused for a reason that is neither damage nor lack of room.
    #[error("{}: {source}", path.display())]
    Lmdb {
        /// The store's folder.
        path: PathBuf,
        /// LMDB's reason.
        source: MdbError,
    },
    /// No room on the disk or within the size limit.
    #[error("{}: no room left", path.display())]
    Full {
        /// The store's folder.
        path: PathBuf,
    },
    /// The folder or its file system is read-only.
    #[error("{}: read-only", path.display())]
    ReadOnly {
        /// The store's folder.
        path: PathBuf,
    },
    /// Another process holds the writer's lock.
    #[error("{}: process {} is writing", path.display(), holder)]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// What the lock file says about its holder, usually a process id.
        holder: String,
    },
    /// The store has another layout than this version knows.
    #[error("{}: data format {found}, this version knows {known}", path.display())]
    Format {
        /// The store's folder.
        path: PathBuf,
        /// The stored format's number.
        found: u32,
        /// The only format this version reads.
        known: u32,
    },
    /// A page or a record cannot be understood.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The store's folder.
        path: PathBuf,
        /// Which record, and what is wrong with it.
        what: String,
    },
    /// A stored row cannot be decoded.
    #[error("{}: a row of view `{view}`: {source}", path.display())]
    Row {
        /// The store's folder.
        path: PathBuf,
        /// The view.
        view: String,
        /// What is wrong with it.
        source: RowError,
    },
}

impl StoreError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path }
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly { path },
            _ if source.raw_os_error() == Some(libc::EIO) && is_full(&path) => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn heed(path: &Path, source: heed::Error) -> Self {
        match source {
            heed::Error::Io(source) => Self::io(path, source),
            heed::Error::Mdb(
                source @ (MdbError::Corrupted
                | MdbError::Invalid
                | MdbError::PageNotFound
                | MdbError::VersionMismatch
                | MdbError::Incompatible
                | MdbError::CursorFull
                | MdbError::Panic),
            ) => Self::Damaged { path: path.to_owned(), what: source.to_string() },
            heed::Error::Mdb(source) => Self::Lmdb { path: path.to_owned(), source },
            other => Self::Damaged { path: path.to_owned(), what: other.to_string() },
        }
    }
}

/// Whether the disk takes no more. LMDB reports a write that the disk took only in part as an input/output error.
fn is_full(path: &Path) -> bool {
    let probe = path.join(format!("probe.{}", std::process::id()));
    let written = fs::write(&probe, vec![1; PROBE_BYTES]);
    let _ = fs::remove_file(&probe);
    written
        .is_err_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::Io { .. } | Self::Lmdb { .. } => code::ONLINE_IO,
            Self::Full { .. } => code::ONLINE_FULL,
            Self::ReadOnly { .. } => code::ONLINE_READ_ONLY,
            Self::Locked { .. } => code::ONLINE_LOCKED,
            Self::Format { .. } => code::ONLINE_FORMAT,
            Self::Damaged { .. } | Self::Row { .. } => code::ONLINE_DAMAGED,
        }
    }
}
