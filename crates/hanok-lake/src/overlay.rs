//! A branch's storage: what it has written itself over what it saw of its parent when it began.
//!
//! Reads look into the branch's own layer and then into the parent's, of which only the state at the fork is seen: of a
//! table in the fork map, log entries up to the fork's version and all data files; of other tables nothing. Writes,
//! commits and deletes touch the branch's own layer only. No whiteouts are needed: Delta's data files have names of
//! their own, so that deleting a parent's file on a branch may do nothing, and log entries are never deleted.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, RenameTargetMode, Result, WriteMultipart,
};

/// The folder of a table's log.
pub(crate) const LOG: &str = "_delta_log";
/// The file that says where the newest checkpoint is.
pub(crate) const LAST_CHECKPOINT: &str = "_last_checkpoint";
/// Digits of a version in the names of log entries.
const VERSION_DIGITS: usize = 20;
/// A larger file is copied in parts.
const COPY_WHOLE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a branch sees of one table of its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The last version.
    pub(crate) version: u64,
    /// The contents of `_last_checkpoint` at the fork. The parent's own may name a newer checkpoint since.
    pub(crate) hint: Option<String>,
}

/// By the table's directory.
pub(crate) type ForkMap = HashMap<String, Seen>;

/// A branch over its parent. Paths are relative to the branch's folder, so that they begin with a table's directory.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    upper: Arc<dyn ObjectStore>,
    lower: Arc<dyn ObjectStore>,
    forks: Arc<ForkMap>,
    read_only: bool,
}

/// Where an object may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    /// In the branch's own layer only.
    Upper,
    /// There, or else in the parent.
    Both,
    /// In the parent only: commits up to the fork.
    Lower,
    /// In the branch's own layer, or else this text.
    Hint(&'a str),
}

impl Place<'_> {
    fn in_lower(self) -> bool {
        matches!(self, Self::Both | Self::Lower)
    }
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a branch over {}", self.lower)
    }
}

impl Overlay {
    pub(crate) fn new(
        upper: Arc<dyn ObjectStore>,
        lower: Arc<dyn ObjectStore>,
        forks: Arc<ForkMap>,
        read_only: bool,
    ) -> Self {
        Self { upper, lower, forks, read_only }
    }

    fn place(&self, location: &Path) -> Place<'_> {
        let mut parts = location.as_ref().splitn(3, '/');
        let (table, folder, name) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let Some(seen) = self.forks.get(table) else { return Place::Upper };
        match (folder, name) {
            (Some(LOG), Some(name)) => log_place(seen, name),
            (Some(_), _) => Place::Both,
            (None, _) => Place::Upper,
        }
    }

    /// Whether a folder of the parent's may hold something that the branch sees.
    fn sees_folder(&self, folder: &Path) -> bool {
        let mut parts = folder.as_ref().split('/');
        let (table, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        self.forks.contains_key(table)
            && (second != Some(LOG) || third.is_none_or(|folder| folder == "_sidecars"))
    }

    fn may_write(&self, location: &Path) -> Result<()> {
        if self.read_only {
            return Err(Error::PermissionDenied {
                path: location.to_string(),
                source: "a tag cannot be changed".into(),
            });
        }
        Ok(())
    }

    /// Whether the branch sees the object in its parent.
    async fn inherits(&self, location: &Path) -> Result<bool> {
        match self.place(location) {
            Place::Upper | Place::Hint(_) => Ok(false),
            Place::Lower => Ok(true),
            Place::Both => exists(&self.lower, location).await,
        }
    }

    async fn refuse_inherited(&self, location: &Path) -> Result<()> {
        if self.inherits(location).await? {
            let source = "the parent has it".into();
            return Err(Error::AlreadyExists { path: location.to_string(), source });
        }
        Ok(())
    }

    /// Makes a copy of an object of the parent's in the branch's own layer.
    async fn materialise(&self, from: &Path, to: &Path, create: bool) -> Result<()> {
        let found = self.lower.get(from).await?;
        if found.meta.size <= COPY_WHOLE_BYTES_MAX {
            let mode = if create { PutMode::Create } else { PutMode::Overwrite };
            let options = PutOptions { mode, ..PutOptions::default() };
            let bytes = found.bytes().await?;
            self.upper.put_opts(to, bytes.into(), options).await?;
            return Ok(());
        }
        if create && exists(&self.upper, to).await? {
            return Err(Error::AlreadyExists { path: to.to_string(), source: "it is there".into() });
        }
        let mut upload = WriteMultipart::new(self.upper.put_multipart(to).await?);
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.try_next().await? {
            upload.wait_for_capacity(2).await?;
            upload.put(chunk);
        }
        upload.finish().await?;
        Ok(())
    }

    /// Both layers' listings as one, sorted; of two objects of one name the branch's own.
    async fn merged(
        self,
        upper: BoxStream<'static, Result<ObjectMeta>>,
        lower: BoxStream<'static, Result<ObjectMeta>>,
    ) -> Result<Vec<ObjectMeta>> {
        let mut all: BTreeMap<Path, ObjectMeta> = BTreeMap::new();
        for meta in collected(lower).await? {
            if self.place(&meta.location).in_lower() {
                all.insert(meta.location.clone(), meta);
            }
        }
        for meta in collected(upper).await? {
            all.insert(meta.location.clone(), meta);
        }
        Ok(all.into_values().collect())
    }

    fn list_both(
        &self,
        upper: BoxStream<'static, Result<ObjectMeta>>,
        lower: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let overlay = self.clone();
        stream::once(async move {
            let all = overlay.merged(upper, lower).await?;
            Ok::<_, Error>(stream::iter(all.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }
}

/// `N.json`, `N.crc`, `N.checkpoint….parquet`, `A.B.compacted.json`, `_last_checkpoint`, and names of unfinished writes.
fn log_place<'a>(seen: &'a Seen, name: &str) -> Place<'a> {
    if name == LAST_CHECKPOINT {
        return seen.hint.as_deref().map_or(Place::Upper, Place::Hint);
    }
    if name.starts_with("_sidecars/") {
        return Place::Both;
    }
    let Some((version, rest)) = version_of(name) else { return Place::Upper };
    // A compacted entry names the last version that is in it second.
    let last = rest.strip_suffix(".compacted.json").and_then(|last| last.strip_prefix('.')?.parse().ok());
    match last.unwrap_or(version) <= seen.version {
        true if rest == ".json" => Place::Lower,
        true => Place::Both,
        false => Place::Upper,
    }
}

/// The version that the name of a log entry begins with, and the rest of the name.
pub(crate) fn version_of(name: &str) -> Option<(u64, &str)> {
    let (digits, rest) = name.split_at_checked(VERSION_DIGITS)?;
    (digits.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with('.'))
        .then(|| digits.parse().ok())
        .flatten()
        .map(|version| (version, rest))
}

fn is_missing<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::NotFound { .. }))
}

async fn exists(store: &Arc<dyn ObjectStore>, location: &Path) -> Result<bool> {
    match store.head(location).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A folder that does not exist has nothing in it.
async fn collected(listing: BoxStream<'static, Result<ObjectMeta>>) -> Result<Vec<ObjectMeta>> {
    match listing.try_collect().await {
        Err(Error::NotFound { .. }) => Ok(Vec::new()),
        listed => listed,
    }
}

async fn collected_level(store: &Arc<dyn ObjectStore>, prefix: Option<&Path>) -> Result<ListResult> {
    match store.list_with_delimiter(prefix).await {
        Err(Error::NotFound { .. }) => Ok(ListResult { common_prefixes: Vec::new(), objects: Vec::new() }),
        listed => listed,
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Overlay {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.may_write(location)?;
        if matches!(options.mode, PutMode::Create) {
            self.refuse_inherited(location).await?;
        }
        self.upper.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.may_write(location)?;
        self.upper.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let place = self.place(location);
        if place == Place::Lower {
            return self.lower.get_opts(location, options).await;
        }
        let found = self.upper.get_opts(location, options.clone()).await;
        match place {
            Place::Both if is_missing(&found) => self.lower.get_opts(location, options).await,
            Place::Hint(text) if is_missing(&found) => {
                // A store of one object knows ranges and preconditions.
                let one = InMemory::new();
                one.put(location, Bytes::copy_from_slice(text.as_bytes()).into()).await?;
                one.get_opts(location, options).await
            }
            _ => found,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let place = self.place(location);
        if place == Place::Lower {
            return self.lower.get_ranges(location, ranges).await;
        }
        let found = self.upper.get_ranges(location, ranges).await;
        match place {
            Place::Both if is_missing(&found) => self.lower.get_ranges(location, ranges).await,
            Place::Hint(text) if is_missing(&found) => {
                let one = InMemory::new();
                one.put(location, Bytes::copy_from_slice(text.as_bytes()).into()).await?;
                one.get_ranges(location, ranges).await
            }
            _ => found,
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let overlay = self.clone();
        locations
            .and_then(move |location| {
                let overlay = overlay.clone();
                async move {
                    overlay.may_write(&location)?;
                    let deleted = overlay.upper.delete(&location).await;
                    if is_missing(&deleted) && overlay.place(&location) != Place::Upper {
                        return Ok(location);
                    }
                    deleted.map(|()| location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_both(self.upper.list(prefix), self.lower.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (upper, lower) = (&self.upper, &self.lower);
        self.list_both(upper.list_with_offset(prefix, offset), lower.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let lower = collected_level(&self.lower, prefix).await?;
        let upper = collected_level(&self.upper, prefix).await?;
        let seen = lower.objects.into_iter().filter(|meta| self.place(&meta.location).in_lower());
        let objects: BTreeMap<Path, ObjectMeta> =
            seen.chain(upper.objects).map(|meta| (meta.location.clone(), meta)).collect();
        let seen = lower.common_prefixes.into_iter().filter(|folder| self.sees_folder(folder));
        let mut common_prefixes: Vec<Path> = seen.chain(upper.common_prefixes).collect();
        common_prefixes.sort();
        common_prefixes.dedup();
        Ok(ListResult { objects: objects.into_values().collect(), common_prefixes })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.may_write(to)?;
        let create = matches!(options.mode, CopyMode::Create);
        if create {
            self.refuse_inherited(to).await?;
        }
        let copied = self.upper.copy_opts(from, to, options).await;
        if is_missing(&copied) && self.place(from).in_lower() {
            return self.materialise(from, to, create).await;
        }
        copied
    }

    /// An object of the parent's stays there under its old name, which the branch keeps seeing.
    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.may_write(to)?;
        let create = matches!(options.target_mode, RenameTargetMode::Create);
        if create {
            self.refuse_inherited(to).await?;
        }
        let renamed = self.upper.rename_opts(from, to, options).await;
        if is_missing(&renamed) && self.place(from).in_lower() {
            return self.materialise(from, to, create).await;
        }
        renamed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Path {
        Path::from(path)
    }

    async fn put(store: &dyn ObjectStore, path: &str) {
        store.put(&at(path), path.to_owned().into()).await.unwrap();
    }

    async fn parent() -> Arc<dyn ObjectStore> {
        let lower: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        for version in 0..4 {
            put(&lower, &format!("t/_delta_log/{version:020}.json")).await;
        }
        for name in [
            "t/a.parquet",
            "t/p=1/b.parquet",
            "t/_delta_log/00000000000000000001.checkpoint.parquet",
            "t/_delta_log/00000000000000000003.checkpoint.parquet",
            "t/_delta_log/00000000000000000000.00000000000000000002.compacted.json",
            "t/_delta_log/00000000000000000000.00000000000000000003.compacted.json",
            "t/_delta_log/_last_checkpoint",
            "t/_delta_log/_commit_1.json.tmp",
            "t/_delta_log/_staged_commits/00000000000000000002.x.json",
            "later/_delta_log/00000000000000000000.json",
        ] {
            put(&lower, name).await;
        }
        lower
    }

    fn branch(lower: &Arc<dyn ObjectStore>) -> (Arc<dyn ObjectStore>, Overlay) {
        let upper: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let seen = Seen { version: 2, hint: Some("{\"version\":1,\"size\":1}".to_owned()) };
        let forks = Arc::new(ForkMap::from([("t".to_owned(), seen)]));
        (upper.clone(), Overlay::new(upper, lower.clone(), forks, false))
    }

    async fn names(listing: BoxStream<'static, Result<ObjectMeta>>) -> Vec<String> {
        listing.map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap()
    }

    #[tokio::test]
    async fn only_the_state_at_the_fork_is_seen() {
        let lower = parent().await;
        let (_, overlay) = branch(&lower);
        let listed = names(overlay.list(None)).await;
        let expected = [
            "t/_delta_log/00000000000000000000.00000000000000000002.compacted.json",
            "t/_delta_log/00000000000000000000.json",
            "t/_delta_log/00000000000000000001.checkpoint.parquet",
            "t/_delta_log/00000000000000000001.json",
            "t/_delta_log/00000000000000000002.json",
            "t/a.parquet",
            "t/p=1/b.parquet",
        ];
        assert_eq!(listed, expected);
        for hidden in [
            "t/_delta_log/00000000000000000003.json",
            "t/_delta_log/_commit_1.json.tmp",
            "later/_delta_log/00000000000000000000.json",
        ] {
            assert!(is_missing(&overlay.get(&at(hidden)).await), "{hidden}");
        }
        let hint = overlay.get(&at("t/_delta_log/_last_checkpoint")).await.unwrap().bytes().await.unwrap();
        assert_eq!(&hint[..], b"{\"version\":1,\"size\":1}");
        let top = overlay.list_with_delimiter(None).await.unwrap();
        assert_eq!(top.common_prefixes, [at("t")]);
        let log = overlay.list_with_delimiter(Some(&at("t/_delta_log"))).await.unwrap();
        assert!(log.common_prefixes.is_empty() && log.objects.len() == 5, "{log:?}");
        let offset = at("t/_delta_log/00000000000000000001.json");
        let after = names(overlay.list_with_offset(Some(&at("t/_delta_log")), &offset)).await;
        assert_eq!(after, ["t/_delta_log/00000000000000000002.json"]);
    }

    #[tokio::test]
    async fn writes_and_deletes_stay_in_the_branch() {
        let lower = parent().await;
        let before = names(lower.list(None)).await;
        let (upper, overlay) = branch(&lower);
        let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        for taken in ["t/_delta_log/00000000000000000002.json", "t/a.parquet"] {
            let refused = overlay.put_opts(&at(taken), "x".into(), create()).await;
            assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{taken}");
        }
        let next = at("t/_delta_log/00000000000000000003.json");
        overlay.put_opts(&next, "own".into(), create()).await.unwrap();
        let refused = overlay.put_opts(&next, "again".into(), create()).await;
        assert!(matches!(refused, Err(Error::AlreadyExists { .. })));
        assert_eq!(&overlay.get(&next).await.unwrap().bytes().await.unwrap()[..], b"own");
        overlay.delete(&at("t/a.parquet")).await.unwrap();
        assert!(overlay.head(&at("t/a.parquet")).await.is_ok(), "a parent's file stays");
        overlay.delete(&next).await.unwrap();
        overlay.copy(&at("t/a.parquet"), &at("t/c.parquet")).await.unwrap();
        overlay.rename(&at("t/c.parquet"), &at("t/d.parquet")).await.unwrap();
        assert!(overlay.copy_if_not_exists(&at("t/d.parquet"), &at("t/p=1/b.parquet")).await.is_err());
        put(&overlay, "new/_delta_log/00000000000000000000.json").await;
        assert_eq!(names(lower.list(None)).await, before);
        assert_eq!(
            names(upper.list(None)).await,
            ["new/_delta_log/00000000000000000000.json", "t/d.parquet"]
        );
    }

    #[tokio::test]
    async fn a_tag_refuses_every_write() {
        let lower = parent().await;
        let (_, overlay) = branch(&lower);
        let tag = Overlay { read_only: true, ..overlay };
        let denied = |result: Result<()>| assert!(matches!(result, Err(Error::PermissionDenied { .. })));
        denied(tag.put(&at("t/x"), "x".into()).await.map(|_| ()));
        denied(tag.put_multipart(&at("t/x")).await.map(|_| ()));
        denied(tag.delete(&at("t/a.parquet")).await);
        denied(tag.copy(&at("t/a.parquet"), &at("t/x")).await);
        denied(tag.rename(&at("t/a.parquet"), &at("t/x")).await);
        assert!(tag.head(&at("t/a.parquet")).await.is_ok());
    }
}
