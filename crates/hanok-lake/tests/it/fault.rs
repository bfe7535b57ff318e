//! An object store in memory that fails once, at a call chosen beforehand.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// Fails one call, as a lost connection does: before it is done, or after, so that nobody learns that it was.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultStore {
    inner: Arc<InMemory>,
    /// Calls until the one that fails; below zero none does.
    left: Arc<AtomicI64>,
    after: Arc<AtomicI64>,
}

impl FaultStore {
    pub(crate) fn new() -> Self {
        let store = Self::default();
        store.heal();
        store
    }

    /// Makes the call fail that comes after `calls` others; `after` its work is done when that is set.
    pub(crate) fn fail_at(&self, calls: i64, after: bool) {
        self.after.store(i64::from(after), Ordering::SeqCst);
        self.left.store(calls, Ordering::SeqCst);
    }

    /// Whether the call that was to fail has come.
    pub(crate) fn has_failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    pub(crate) fn heal(&self) {
        self.left.store(-1, Ordering::SeqCst);
    }

    /// `Some(after)` when this call is the one.
    fn turn(&self) -> Option<bool> {
        (self.left.fetch_sub(1, Ordering::SeqCst) == 0).then(|| self.after.load(Ordering::SeqCst) == 1)
    }

    async fn call<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let error = || Error::Generic { store: "fault", source: "the connection was lost".into() };
        match self.turn() {
            None => work.await,
            Some(false) => Err(error()),
            Some(true) => {
                let _ = work.await;
                Err(error())
            }
        }
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fault")
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.call(self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.call(self.inner.put_multipart_opts(location, options)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.call(self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.call(self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |location| {
                let store = store.clone();
                async move {
                    let location = location?;
                    store.call(store.inner.delete(&location)).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.turn() {
            None => self.inner.list(prefix),
            Some(_) => {
                let error = Error::Generic { store: "fault", source: "the listing was lost".into() };
                stream::once(async { Err(error) }).boxed()
            }
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.call(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call(self.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.call(self.inner.rename_opts(from, to, options)).await
    }
}
