//! The LMDB environment: opening, the format, growth, stale readers and the writer's lock.
#![expect(unsafe_code, reason = "LMDB maps its file; opening and resizing it cannot be expressed safely")]

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};
use parking_lot::{Mutex, RwLock};

use crate::error::StoreError;
use crate::view::META_FORMAT;

/// The layout in `LAYOUT.md`.
const FORMAT: u32 = 1;
const FORMAT_MAGIC: &[u8; 8] = b"hanok-on";
const DATABASES: [&str; 5] = ["meta", "views", "rows", "changes", "marks"];
const READERS_MAX: u32 = 126;
/// Bytes of LMDB's lock file, made whole beforehand: growing it on a full disk kills the process.
const LOCK_FILE_BYTES: usize = 64 * (READERS_MAX as usize + 8);
const GROWTHS_MAX: u32 = 40;
/// Pages that an undamaged file may lack at its end.
const TAIL_PAGES_MAX: u64 = 64;
const OPEN_WAIT: Duration = Duration::from_secs(5);
const OPEN_POLL: Duration = Duration::from_millis(2);

/// Sizes of the store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Address space to begin with; the file itself only takes what is written. Grows by doubling.
    pub map_bytes: usize,
    /// The largest size that the store may grow to.
    pub map_bytes_max: usize,
    /// How long to wait for another writing process to finish.
    pub lock_wait_ms: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { map_bytes: 1 << 30, map_bytes_max: 1 << 40, lock_wait_ms: 2_000 }
    }
}

type Db = Database<'static, Bytes, Bytes>;

pub(crate) struct Dbs {
    pub meta: Db,
    pub views: Db,
    pub rows: Db,
    pub changes: Db,
    pub marks: Db,
}

/// One open environment. LMDB forbids opening a file twice in a process, so writers and readers share it.
pub(crate) struct Store {
    pub path: PathBuf,
    pub dbs: Dbs,
    env: Env<WithoutTls>,
    /// Held for reading by every transaction and for writing while the map changes size.
    gate: RwLock<()>,
    map_bytes_max: usize,
    read_only: bool,
}

static OPEN_STORES: Mutex<BTreeMap<PathBuf, Weak<Store>>> = Mutex::new(BTreeMap::new());

/// The writer's exclusive lock; released when dropped, or by the kernel when the process dies.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of the store in `path`.
    pub(crate) fn take(path: &Path, wait: Duration) -> Result<Self, StoreError> {
        let error = |source| StoreError::io(path, source);
        let open = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join("writer.lock"));
        let mut file = open.map_err(error)?;
        let deadline = Instant::now() + wait;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(OPEN_POLL),
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    let _ = file.read_to_string(&mut holder);
                    let holder = if holder.is_empty() { "unknown".to_owned() } else { holder };
                    return Err(StoreError::Locked { path: path.to_owned(), holder });
                }
                Err(TryLockError::Error(source)) => return Err(error(source)),
            }
        }
        // The process id is only for the message of the one who waits.
        let id = std::process::id().to_string();
        let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(id.as_bytes()));
        noted.map_err(error)?;
        Ok(Self { _file: file })
    }
}

impl Store {
    /// Opens the store in `path`, shared with whoever has it open in this process. Makes it when it does not exist.
    ///
    /// `lock` says that the caller holds the writer's lock.
    pub(crate) fn open(
        path: &Path,
        options: &StoreOptions,
        lock: Option<&WriterLock>,
    ) -> Result<Arc<Self>, StoreError> {
        let canonical = path.canonicalize().map_err(|source| StoreError::io(path, source))?;
        let mut stores = OPEN_STORES.lock();
        stores.retain(|_, store| store.strong_count() > 0);
        if let Some(store) = stores.get(&canonical).and_then(Weak::upgrade) {
            return if lock.is_some() && store.read_only {
                Err(StoreError::ReadOnly { path: canonical })
            } else {
                Ok(store)
            };
        }
        let store = Arc::new(Self::open_fresh(&canonical, options, lock)?);
        stores.insert(canonical, Arc::downgrade(&store));
        Ok(store)
    }

    fn open_fresh(
        path: &Path,
        options: &StoreOptions,
        lock: Option<&WriterLock>,
    ) -> Result<Self, StoreError> {
        crate::fault::watch(path);
        let (env, read_only) = match open_env(path, options, EnvFlags::empty()) {
            Err(StoreError::ReadOnly { .. }) if lock.is_none() => {
                (open_env(path, options, EnvFlags::READ_ONLY)?, true)
            }
            other => (other?, false),
        };
        if !read_only {
            check_length(&env, path, lock)?;
        }
        let dbs = if read_only { open_databases(&env, path)? } else { prepare(&env, path, lock)? };
        let dbs = dbs.ok_or_else(|| StoreError::ReadOnly { path: path.to_owned() })?;
        let store = Self {
            path: path.to_owned(),
            dbs,
            env,
            gate: RwLock::new(()),
            map_bytes_max: page_multiple(options.map_bytes_max),
            read_only,
        };
        store.read(|txn| store.check_format(txn))?;
        Ok(store)
    }

    fn check_format(&self, txn: &RoTxn<'_>) -> Result<(), StoreError> {
        let stored = self.dbs.meta.get(txn, META_FORMAT).map_err(|error| self.error(error))?;
        let number = stored.and_then(|bytes| bytes.strip_prefix(FORMAT_MAGIC)?.try_into().ok());
        match number.map(u32::from_le_bytes) {
            Some(FORMAT) => Ok(()),
            Some(found) => Err(StoreError::Format { path: self.path.clone(), found, known: FORMAT }),
            None => {
                Err(StoreError::Damaged { path: self.path.clone(), what: "not an online store".to_owned() })
            }
        }
    }

    pub(crate) fn error(&self, error: heed::Error) -> StoreError {
        StoreError::heed(&self.path, error)
    }

    /// The id of the newest commit of any process. Cheap: no transaction, no lock.
    pub(crate) fn last_commit(&self) -> u64 {
        self.env.info().last_txn_id as u64
    }

    pub(crate) fn clear_stale_readers(&self) -> Result<usize, StoreError> {
        self.env.clear_stale_readers().map_err(|error| self.error(error))
    }

    /// Runs `work` in a read transaction.
    pub(crate) fn read<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&RoTxn<'_, WithoutTls>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut attempts = 0;
        loop {
            let begun = {
                let _gate = self.gate.read();
                match self.env.read_txn() {
                    Ok(txn) => return work(&txn),
                    Err(error) => error,
                }
            };
            self.recover(begun, &mut attempts)?;
        }
    }

    /// Runs `work` in a write transaction and commits it, or leaves nothing behind. `work` may run several times:
    /// when the map is full it grows and `work` starts again.
    pub(crate) fn write<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut RwTxn<'_>) -> Result<T, WorkError<E>>,
    ) -> Result<T, E> {
        let mut attempts = 0;
        loop {
            let error = {
                let _gate = self.gate.read();
                let done = match self.env.write_txn() {
                    Err(error) => Err(WorkError::Lmdb(error)),
                    Ok(mut txn) => work(&mut txn).and_then(|value| {
                        txn.commit().map_err(WorkError::Lmdb)?;
                        Ok(value)
                    }),
                };
                match done {
                    Ok(value) => return Ok(value),
                    Err(WorkError::Work(error)) => return Err(error),
                    Err(WorkError::Lmdb(error)) => error,
                }
            };
            self.recover(error, &mut attempts)?;
        }
    }

    /// Cures what a new attempt can cure, or returns the error.
    fn recover(&self, error: heed::Error, attempts: &mut u32) -> Result<(), StoreError> {
        *attempts += 1;
        let heed::Error::Mdb(kind) = error else {
            return Err(self.error(error));
        };
        if *attempts > GROWTHS_MAX {
            return Err(self.error(error));
        }
        match kind {
            MdbError::ReadersFull => {
                self.clear_stale_readers()?;
                std::thread::sleep(OPEN_POLL);
                Ok(())
            }
            // Another process made the store larger: take its size.
            MdbError::MapResized => self.resize(0),
            MdbError::MapFull => {
                self.clear_stale_readers()?;
                let size = self.env.info().map_size;
                if size >= self.map_bytes_max {
                    return Err(StoreError::Full { path: self.path.clone() });
                }
                self.resize(size.saturating_mul(2).min(self.map_bytes_max))
            }
            _ => Err(self.error(error)),
        }
    }

    fn resize(&self, bytes: usize) -> Result<(), StoreError> {
        let _gate = self.gate.write();
        // SAFETY: LMDB asks that no transaction of this process be active. Every transaction is begun and ended in
        // `read` or `write` under the gate, whose write half is held here.
        unsafe { self.env.resize(bytes) }.map_err(|error| self.error(error))
    }
}

/// Why the work of a write transaction stopped.
pub(crate) enum WorkError<E> {
    /// LMDB's own: growth may cure it.
    Lmdb(heed::Error),
    /// The caller's.
    Work(E),
}

impl<E> From<heed::Error> for WorkError<E> {
    fn from(error: heed::Error) -> Self {
        Self::Lmdb(error)
    }
}

fn page_multiple(bytes: usize) -> usize {
    const PAGE: usize = 64 * 1024;
    bytes.max(PAGE).div_ceil(PAGE) * PAGE
}

fn open_env(path: &Path, options: &StoreOptions, flags: EnvFlags) -> Result<Env<WithoutTls>, StoreError> {
    if !flags.contains(EnvFlags::READ_ONLY) {
        make_lock_file(path).map_err(|source| StoreError::io(path, source))?;
    }
    let mut open = EnvOpenOptions::new().read_txn_without_tls();
    open.map_size(page_multiple(options.map_bytes)).max_readers(READERS_MAX).max_dbs(DATABASES.len() as u32);
    // SAFETY: no flag that weakens durability or locking is set; READ_ONLY only removes rights.
    unsafe { open.flags(flags) };
    let deadline = Instant::now() + OPEN_WAIT;
    loop {
        // SAFETY: the map is only undefined if the file is changed by others than LMDB. The folder is the store's own
        // (documented in LAYOUT.md), `OPEN_STORES` keeps a second environment of this process away, and the process
        // never uses an environment across a fork.
        match unsafe { open.open(path) } {
            // The last handle is being dropped on another thread.
            Err(heed::Error::EnvAlreadyOpened) if Instant::now() < deadline => std::thread::sleep(OPEN_POLL),
            result => return result.map_err(|error| StoreError::heed(path, error)),
        }
    }
}

/// Refuses a file that was cut off: touching the missing part of the map would kill the process.
///
/// LMDB may leave pages at the very end unwritten when a transaction freed them again, so only a file that lacks
/// more than [`TAIL_PAGES_MAX`] pages is certainly cut off; one that lacks less is lengthened by holes, which LMDB
/// then reports as damage if anything still refers to them.
fn check_length(env: &Env<WithoutTls>, path: &Path, lock: Option<&WriterLock>) -> Result<(), StoreError> {
    if missing_pages(env, path)?.0 == 0 {
        return Ok(());
    }
    let own = match lock {
        Some(_) => None,
        None => match WriterLock::take(path, Duration::ZERO) {
            // A writer lives; it has been here.
            Err(StoreError::Locked { .. }) => return Ok(()),
            taken => Some(taken?),
        },
    };
    // Once more, now that nobody can append meanwhile.
    let (missing, length) = missing_pages(env, path)?;
    if missing > TAIL_PAGES_MAX {
        let what = format!("the data file lacks {missing} pages at its end");
        return Err(StoreError::Damaged { path: path.to_owned(), what });
    }
    if missing > 0 {
        let file = File::options().write(true).open(path.join("data.mdb"));
        file.and_then(|file| file.set_len(length)).map_err(|source| StoreError::io(path, source))?;
    }
    drop(own);
    Ok(())
}

/// How many pages the data file lacks, and the length it should have.
fn missing_pages(env: &Env<WithoutTls>, path: &Path) -> Result<(u64, u64), StoreError> {
    let found = fs::metadata(path.join("data.mdb")).map_err(|source| StoreError::io(path, source))?.len();
    let page_bytes = u64::from(env.unnamed_database_stat().page_size).max(1);
    let pages = env.info().last_page_number as u64 + 1;
    Ok((pages.saturating_sub(found / page_bytes), pages * page_bytes))
}

/// Makes LMDB's lock file at its full size, whole or not at all.
fn make_lock_file(path: &Path) -> std::io::Result<()> {
    let lock_file = path.join("lock.mdb");
    if lock_file.exists() {
        return Ok(());
    }
    let draft = path.join(format!("lock.mdb.{}", std::process::id()));
    let mut file = File::create(&draft)?;
    let made = file.write_all(&vec![0; LOCK_FILE_BYTES]).and_then(|()| file.sync_all());
    // A link fails when another process was faster, which is as good.
    let linked = made.map(|()| {
        let _ = fs::hard_link(&draft, &lock_file);
    });
    fs::remove_file(&draft)?;
    linked
}

fn open_databases(env: &Env<WithoutTls>, path: &Path) -> Result<Option<Dbs>, StoreError> {
    let txn = env.read_txn().map_err(|error| StoreError::heed(path, error))?;
    let opened = env.open_databases_and_commit(txn, |opener, txn| {
        let mut dbs = [None; DATABASES.len()];
        for (db, name) in dbs.iter_mut().zip(DATABASES) {
            *db = opener.open_database::<Bytes, Bytes>(txn, Some(name))?;
        }
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(dbs))
    });
    let dbs = opened.map_err(|error| StoreError::heed(path, error))?.commit();
    Ok(match dbs {
        Some([Some(meta), Some(views), Some(rows), Some(changes), Some(marks)]) => {
            Some(Dbs { meta, views, rows, changes, marks })
        }
        _ => None,
    })
}

/// Opens the databases, and makes them in a new store. Without the caller's lock it takes the lock for a moment, or
/// waits for the process that has it.
fn prepare(env: &Env<WithoutTls>, path: &Path, lock: Option<&WriterLock>) -> Result<Option<Dbs>, StoreError> {
    let deadline = Instant::now() + OPEN_WAIT;
    loop {
        if let Some(dbs) = open_databases(env, path)? {
            return Ok(Some(dbs));
        }
        let own = match lock {
            Some(_) => None,
            None => match WriterLock::take(path, Duration::ZERO) {
                Err(StoreError::Locked { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(OPEN_POLL);
                    continue;
                }
                taken => Some(taken?),
            },
        };
        create_databases(env, path)?;
        drop(own);
    }
}

fn create_databases(env: &Env<WithoutTls>, path: &Path) -> Result<(), StoreError> {
    let error = |error| StoreError::heed(path, error);
    let txn = env.write_txn().map_err(error)?;
    let made = env.create_databases_and_commit(txn, |opener, txn| {
        let mut format = FORMAT_MAGIC.to_vec();
        format.extend_from_slice(&FORMAT.to_le_bytes());
        for name in DATABASES {
            let db = opener.create_database::<Bytes, Bytes>(txn, Some(name))?;
            if name == DATABASES[0] && db.get(txn, META_FORMAT)?.is_none() {
                db.put(txn, META_FORMAT, &format)?;
            }
        }
        Ok::<_, heed::Error>(CommitOrAbort::<(), ()>::Commit(()))
    });
    made.map(|_| ()).map_err(error)
}
