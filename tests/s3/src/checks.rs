//! The overlay over a bucket beside the same over memory, and what only a server shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::future::join_all;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};

use crate::overlay::{ForkMap, Overlay, Seen};

pub(crate) type Failure = Box<dyn std::error::Error>;
type Store = Arc<dyn ObjectStore>;

const SEQUENCES: u64 = 25;
const OPERATIONS: u64 = 40;
const WRITERS: usize = 6;
const VERSIONS: u64 = 20;
/// More than two pages of a listing.
const MANY: usize = 2300;
/// Larger than what the overlay copies in one part.
const LARGE: usize = 20 << 20;
/// The fork map: table `t` at version 2, with a hint; `later` is not in it.
const FORK: u64 = 2;

/// All checks on a bucket.
pub(crate) async fn run(endpoint: &str, bucket: &str, seed: u64) -> Result<(), Failure> {
    let s3 = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_bucket_name(bucket)
        .with_region("us-east-1")
        .with_access_key_id("test")
        .with_secret_access_key("test")
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .build()?;
    let s3: Store = Arc::new(s3);
    let mut dice = Dice(seed);
    let mut operations = 0;
    for sequence in 0..SEQUENCES {
        operations += same_as_in_memory(&s3, &format!("sequence-{sequence}"), &mut dice).await?;
    }
    println!("{operations} operations as in memory, the parent's objects as they were");
    println!("{}", racing_commits(&s3).await?);
    println!("{}", many_objects(&s3).await?);
    println!("{}", a_large_copy(&s3).await?);
    Ok(())
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

/// A branch over a parent, and the parent.
struct World {
    parent: Store,
    branch: Overlay,
}

impl World {
    async fn new(base: &Store, name: &str) -> Result<Self, Failure> {
        let parent: Store = Arc::new(PrefixStore::new(base.clone(), format!("{name}/main")));
        let own: Store = Arc::new(PrefixStore::new(base.clone(), format!("{name}/branch")));
        for at in 0..=4 {
            parent.put(&log("t", at), format!("parent's commit {at}").into()).await?;
            parent.put(&Path::from(format!("t/part-{at}")), format!("parent's rows {at}").into()).await?;
            parent.put(&log("later", at), "not seen".into()).await?;
        }
        parent.put(&Path::from("t/_delta_log/_last_checkpoint"), "newer than the fork".into()).await?;
        let seen = Seen { version: FORK, hint: Some("as at the fork".to_owned()) };
        let forks: ForkMap = [("t".to_owned(), seen)].into();
        let branch = Overlay::new(own, parent.clone(), Arc::new(forks), false);
        Ok(Self { parent, branch })
    }
}

fn log(table: &str, version: u64) -> Path {
    Path::from(format!("{table}/_delta_log/{version:020}.json"))
}

fn any_path(dice: &mut Dice) -> Path {
    match dice.roll(4) {
        0 => log("t", dice.roll(6)),
        1 => log("later", dice.roll(3)),
        2 => Path::from("t/_delta_log/_last_checkpoint"),
        _ => Path::from(format!("t/part-{}", dice.roll(8))),
    }
}

/// What an operation answers, without what differs between stores by right: times, tags, words of errors.
fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(Error::NotFound { .. }) => "not found".to_owned(),
        Err(Error::AlreadyExists { .. }) => "exists".to_owned(),
        Err(error) => format!("failed: {error}"),
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Put(Path, Bytes),
    Create(Path, Bytes),
    Get(Path),
    Range(Path, u64),
    Head(Path),
    Delete(Path),
    Copy(Path, Path),
    List(Option<Path>),
    Level(Option<Path>),
}

impl Operation {
    fn any(dice: &mut Dice, number: u64) -> Self {
        let text = Bytes::from(format!("branch's {number}"));
        let folder = |dice: &mut Dice| match dice.roll(3) {
            0 => None,
            1 => Some(Path::from("t")),
            _ => Some(Path::from("t/_delta_log")),
        };
        match dice.roll(12) {
            0 => Self::Put(any_path(dice), text),
            1..=3 => Self::Create(any_path(dice), text),
            4 | 5 => Self::Get(any_path(dice)),
            6 => Self::Range(any_path(dice), dice.roll(5)),
            7 => Self::Head(any_path(dice)),
            8 => Self::Delete(any_path(dice)),
            9 => match (any_path(dice), Path::from(format!("t/part-{}", 5 + dice.roll(3)))) {
                // S3 refuses to copy an object to itself.
                (from, to) if from == to => Self::Get(from),
                (from, to) => Self::Copy(from, to),
            },
            10 => Self::List(folder(dice)),
            _ => Self::Level(folder(dice)),
        }
    }

    async fn on(&self, store: &Overlay) -> String {
        match self {
            Self::Put(path, text) => told(store.put(path, text.clone().into()).await.map(drop)),
            Self::Create(path, text) => {
                let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
                told(store.put_opts(path, text.clone().into(), options).await.map(drop))
            }
            Self::Get(path) => match store.get(path).await {
                Ok(found) => told(found.bytes().await),
                Err(error) => told::<()>(Err(error)),
            },
            Self::Range(path, from) => {
                let options =
                    object_store::GetOptions { range: Some(GetRange::Offset(*from)), ..Default::default() };
                match store.get_opts(path, options).await {
                    Ok(found) => told(found.bytes().await),
                    Err(error) => told::<()>(Err(error)),
                }
            }
            Self::Head(path) => told(store.head(path).await.map(|meta| meta.size)),
            // S3 does not say whether there was anything to delete.
            Self::Delete(path) => told(store.delete(path).await.map(drop)).replace("not found", "()"),
            Self::Copy(from, to) => told(store.copy(from, to).await),
            Self::List(folder) => told(listed(store, folder.as_ref()).await),
            Self::Level(folder) => told(store.list_with_delimiter(folder.as_ref()).await.map(|level| {
                let objects: Vec<_> = level.objects.iter().map(shown).collect();
                (objects, level.common_prefixes)
            })),
        }
    }
}

fn shown(meta: &ObjectMeta) -> String {
    format!("{} {}", meta.location, meta.size)
}

/// In the order of the listing, which Delta's readers rely on.
async fn listed(store: &dyn ObjectStore, folder: Option<&Path>) -> Result<Vec<String>, Error> {
    store.list(folder).map_ok(|meta| shown(&meta)).try_collect().await
}

async fn exact(store: &dyn ObjectStore) -> Result<BTreeSet<String>, Error> {
    let meta = |meta: ObjectMeta| format!("{} {:?} {}", shown(&meta), meta.e_tag, meta.last_modified);
    store.list(None).map_ok(meta).try_collect().await
}

/// Random operations answer over the bucket what they answer over memory, and leave the parent alone.
async fn same_as_in_memory(s3: &Store, name: &str, dice: &mut Dice) -> Result<u64, Failure> {
    let memory: Store = Arc::new(InMemory::new());
    let (ours, twin) = (World::new(s3, name).await?, World::new(&memory, name).await?);
    let before = exact(&ours.parent).await?;
    let mut done = Vec::new();
    for number in 0..OPERATIONS {
        let operation = Operation::any(dice, number);
        let (found, expected) = (operation.on(&ours.branch).await, operation.on(&twin.branch).await);
        done.push(operation);
        if found != expected {
            return Err(format!("{name}: {found}, in memory {expected}, after {done:#?}").into());
        }
    }
    if listed(&ours.branch, None).await? != listed(&twin.branch, None).await? {
        return Err(format!("{name}: the listings differ after {done:#?}").into());
    }
    if exact(&ours.parent).await? != before {
        return Err(format!("{name}: the parent's objects changed after {done:#?}").into());
    }
    Ok(OPERATIONS)
}

/// Of writers that put the same commit at once, one wins, and it is the one that is read.
async fn racing_commits(s3: &Store) -> Result<String, Failure> {
    let world = World::new(s3, "race").await?;
    for version in FORK + 1..FORK + 1 + VERSIONS {
        let path = log("t", version);
        let writers = (0..WRITERS).map(|writer| {
            let (branch, path) = (world.branch.clone(), path.clone());
            async move {
                let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
                branch.put_opts(&path, format!("writer {writer}").into(), options).await
            }
        });
        let results = join_all(writers).await;
        let winners: Vec<usize> =
            results.iter().enumerate().filter(|(_, result)| result.is_ok()).map(|(at, _)| at).collect();
        let [winner] = winners.as_slice() else {
            return Err(format!("version {version}: winners {winners:?} of {results:?}").into());
        };
        if results.iter().any(|r| matches!(r, Err(error) if !matches!(error, Error::AlreadyExists { .. }))) {
            return Err(format!("version {version}: {results:?}").into());
        }
        let found = world.branch.get(&path).await?.bytes().await?;
        if found != format!("writer {winner}") {
            return Err(format!("version {version}: writer {winner} won, {found:?} is read").into());
        }
    }
    Ok(format!("{VERSIONS} commits with {WRITERS} writers each, one winner each"))
}

/// Listings of several pages from both layers are whole and sorted.
async fn many_objects(s3: &Store) -> Result<String, Failure> {
    let world = World::new(s3, "many").await?;
    let put = |store: Store, name: String| async move { store.put(&Path::from(name), "x".into()).await };
    let branch: Store = Arc::new(world.branch.clone());
    let mut expected: BTreeSet<String> = (0..=4).map(|at| format!("t/part-{at}")).collect();
    for chunk in (0..MANY).collect::<Vec<_>>().chunks(64) {
        let puts = chunk.iter().map(|at| {
            let name = format!("t/many-{at:05}");
            expected.insert(name.clone());
            put(if at % 2 == 0 { world.parent.clone() } else { branch.clone() }, name)
        });
        join_all(puts).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    }
    let found: Vec<String> =
        world.branch.list(Some(&Path::from("t"))).map_ok(|m| m.location.to_string()).try_collect().await?;
    if !found.is_sorted() {
        return Err("a listing of many pages is not sorted".into());
    }
    let data: BTreeSet<String> = found.into_iter().filter(|name| !name.contains("_delta_log")).collect();
    if data != expected {
        return Err(format!("{} objects listed, {} expected", data.len(), expected.len()).into());
    }
    Ok(format!("{MANY} objects of both layers listed in order"))
}

/// A large object of the parent's is copied into the branch in parts.
async fn a_large_copy(s3: &Store) -> Result<String, Failure> {
    let world = World::new(s3, "large").await?;
    let content: Vec<u8> = (0..LARGE).map(|at| (at / 1000 % 251) as u8).collect();
    let (from, to) = (Path::from("t/large"), Path::from("t/copied"));
    let mut upload = object_store::WriteMultipart::new(world.parent.put_multipart(&from).await?);
    upload.write(&content);
    upload.finish().await?;
    world.branch.copy(&from, &to).await?;
    if world.branch.get(&to).await?.bytes().await? != content {
        return Err("a large copy differs".into());
    }
    if world.parent.head(&to).await.is_ok() {
        return Err("the parent has got the copy".into());
    }
    Ok(format!("{} MiB copied in parts", LARGE >> 20))
}
