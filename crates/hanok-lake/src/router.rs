//! One object store for the whole lake: the first path segment is the branch, the rest is the object.
//!
//! DataFusion keys stores by scheme and host and never replaces one, so all branches must be served by one store. `main`
//! is plain storage, any other branch an overlay over its parent. The segment is the branch's id: DataFusion remembers
//! metadata of files by path, and a later branch of the same name must not be taken for an earlier one.
//!
//! Log entries are never deleted through here: branches may need them for as long as they live.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use parking_lot::RwLock;

use crate::overlay::{LAST_CHECKPOINT, LOG, version_of};

/// The URL under which the router is registered with query sessions.
pub const LAKE_URL: &str = "hanok://lake";

/// Routes `<branch>/<object>` to the store of the branch. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Router {
    branches: Arc<RwLock<BTreeMap<String, Arc<dyn ObjectStore>>>>,
}

impl fmt::Display for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hanok lake")
    }
}

impl Router {
    /// Serves `branch` from `store`, whose root is the branch's folder.
    pub fn mount(&self, branch: &str, store: Arc<dyn ObjectStore>) {
        self.branches.write().insert(branch.to_owned(), store);
    }

    /// Stops to serve a branch.
    pub(crate) fn unmount(&self, branch: &str) {
        self.branches.write().remove(branch);
    }

    /// The store of a branch that is served.
    pub(crate) fn store(&self, branch: &str) -> Option<Arc<dyn ObjectStore>> {
        self.branches.read().get(branch).cloned()
    }

    fn route(&self, location: &Path) -> Result<(String, Arc<dyn ObjectStore>, Path)> {
        let (branch, rest) = location.as_ref().split_once('/').unwrap_or((location.as_ref(), ""));
        let store = self.branches.read().get(branch).cloned().ok_or_else(|| Error::NotFound {
            path: location.to_string(),
            source: format!("no branch `{branch}`").into(),
        })?;
        let rest = Path::parse(rest).map_err(|source| Error::InvalidPath { source })?;
        Ok((branch.to_owned(), store, rest))
    }

    /// Both ends of a copy or rename, which never crosses branches.
    fn route_pair(&self, from: &Path, to: &Path) -> Result<(Arc<dyn ObjectStore>, Path, Path)> {
        let (from_branch, store, from_rest) = self.route(from)?;
        let (to_branch, _, to_rest) = self.route(to)?;
        if from_branch != to_branch {
            return Err(Error::NotSupported {
                source: format!("a copy from branch `{from_branch}` to `{to_branch}`").into(),
            });
        }
        Ok((store, from_rest, to_rest))
    }
}

/// Whether an object is part of a table's log, and not what an unfinished write left there.
fn is_log_entry(location: &Path) -> bool {
    let mut parts = location.parts().skip(1);
    if parts.next().is_none_or(|folder| folder.as_ref() != LOG) {
        return false;
    }
    let name = parts.next();
    name.is_some_and(|name| {
        let name = name.as_ref();
        name == LAST_CHECKPOINT || name == "_sidecars" || version_of(name).is_some()
    })
}

fn in_branch(branch: &str, path: &Path) -> Path {
    Path::from(branch).parts().chain(path.parts()).collect()
}

fn meta_in_branch(branch: &str, meta: ObjectMeta) -> ObjectMeta {
    ObjectMeta { location: in_branch(branch, &meta.location), ..meta }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Router {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (_, store, rest) = self.route(location)?;
        store.put_opts(&rest, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let (_, store, rest) = self.route(location)?;
        store.put_multipart_opts(&rest, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (_, store, rest) = self.route(location)?;
        let mut result = store.get_opts(&rest, options).await?;
        result.meta.location = location.clone();
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (_, store, rest) = self.route(location)?;
        store.get_ranges(&rest, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let router = self.clone();
        locations
            .and_then(move |location| {
                let router = router.clone();
                async move {
                    let (_, store, rest) = router.route(&location)?;
                    if is_log_entry(&rest) {
                        // Refusing aloud would fail operations whose commit has happened already.
                        tracing::debug!(%location, "kept a log entry that was to be deleted");
                        return Ok(location);
                    }
                    store.delete(&rest).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (branch, store, rest) = match self.route(prefix.unwrap_or(&Path::default())) {
            Ok(routed) => routed,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        sorted(store.list(Some(&rest)), branch)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let routed = self.route(prefix.unwrap_or(&Path::default())).and_then(|(branch, store, rest)| {
            let (_, _, offset) = self.route(offset)?;
            Ok((branch, store, rest, offset))
        });
        match routed {
            Ok((branch, store, rest, offset)) => sorted(store.list_with_offset(Some(&rest), &offset), branch),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (branch, store, rest) = self.route(prefix.unwrap_or(&Path::default()))?;
        let listed = store.list_with_delimiter(Some(&rest)).await?;
        let mut objects: Vec<_> =
            listed.objects.into_iter().map(|meta| meta_in_branch(&branch, meta)).collect();
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        let common_prefixes = listed.common_prefixes.iter().map(|path| in_branch(&branch, path)).collect();
        Ok(ListResult { objects, common_prefixes })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (store, from, to) = self.route_pair(from, to)?;
        store.copy_opts(&from, &to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (store, from, to) = self.route_pair(from, to)?;
        store.rename_opts(&from, &to, options).await
    }
}

/// The Delta kernel expects lexicographic listings of every scheme but `file`, and a local folder lists in any order.
fn sorted(
    listing: BoxStream<'static, Result<ObjectMeta>>,
    branch: String,
) -> BoxStream<'static, Result<ObjectMeta>> {
    stream::once(async move {
        let mut all: Vec<ObjectMeta> = listing.try_collect().await?;
        all.sort_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, Error>(stream::iter(all.into_iter().map(move |meta| Ok(meta_in_branch(&branch, meta)))))
    })
    .try_flatten()
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    fn router() -> Router {
        let router = Router::default();
        router.mount("main", Arc::new(InMemory::new()));
        router.mount("dev", Arc::new(InMemory::new()));
        router
    }

    #[tokio::test]
    async fn branches_do_not_see_each_other_and_listings_are_sorted() {
        let router = router();
        for name in ["main/t/b", "main/t/a", "dev/t/c"] {
            router.put(&Path::from(name), name.into()).await.unwrap();
        }
        let listed: Vec<_> = router
            .list(Some(&Path::from("main/t")))
            .map_ok(|m| m.location.to_string())
            .try_collect()
            .await
            .unwrap();
        assert_eq!(listed, ["main/t/a", "main/t/b"]);
        let after: Vec<_> = router
            .list_with_offset(Some(&Path::from("main/t")), &Path::from("main/t/a"))
            .map_ok(|m| m.location.to_string())
            .try_collect()
            .await
            .unwrap();
        assert_eq!(after, ["main/t/b"]);
        assert!(router.get(&Path::from("dev/t/a")).await.is_err());
        assert!(matches!(router.get(&Path::from("nope/t/a")).await, Err(Error::NotFound { .. })));
    }

    #[tokio::test]
    async fn log_entries_are_not_deleted() {
        let router = router();
        let kept = ["t/_delta_log/00000000000000000000.json", "t/_delta_log/_last_checkpoint"];
        let gone = ["t/_delta_log/_commit_1.json.tmp", "t/part-1.parquet"];
        for name in kept.iter().chain(&gone) {
            let path = Path::from(format!("main/{name}"));
            router.put(&path, "x".into()).await.unwrap();
            router.delete(&path).await.unwrap();
            assert_eq!(router.head(&path).await.is_ok(), kept.contains(name), "{name}");
        }
    }

    #[tokio::test]
    async fn a_copy_across_branches_is_refused() {
        let router = router();
        router.put(&Path::from("main/x"), "1".into()).await.unwrap();
        let copied = router.copy(&Path::from("main/x"), &Path::from("dev/x")).await;
        assert!(matches!(copied, Err(Error::NotSupported { .. })));
    }
}
