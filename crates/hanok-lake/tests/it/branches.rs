//! Branches: every operation on one leaves its parent's files as they were, byte by byte.

use std::collections::BTreeMap;
use std::fs::File;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hanok_catalog::{Branch, BranchKind, CatalogError};
use hanok_lake::{AsOf, Change, CommitMode, CommitOptions, ForkRequest, Lake, LakeError, StagedFiles, Table};
use hanok_types::{BranchName, TableName};

use super::{append, contents, name, numbers, open, stage};

pub(crate) fn request(name: &str) -> ForkRequest {
    ForkRequest {
        name: BranchName::new(name).unwrap(),
        kind: BranchKind::Branch,
        as_of: None,
        tables: None,
        expires_us: None,
        created_by: String::new(),
    }
}

pub(crate) async fn fork(lake: &Lake, name: &str) -> Lake {
    let made = lake.fork(&request(name)).await.unwrap();
    assert_eq!(made.name, name);
    lake.on_branch(name).await.unwrap()
}

async fn tag(lake: &Lake, name: &str) -> Lake {
    lake.fork(&ForkRequest { kind: BranchKind::Tag, ..request(name) }).await.unwrap();
    lake.on_branch(name).await.unwrap()
}

/// Every file below a folder with its bytes.
pub(crate) fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let shown = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(shown, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

async fn replace(lake: &Lake, range: std::ops::Range<i64>) -> u64 {
    let mut table = lake.table_for_write(&name()).await.unwrap();
    let staged = stage(&table, numbers(range)).await;
    table.commit(staged, CommitMode::Replace, &CommitOptions::default()).await.unwrap().version
}

pub(crate) async fn sums(lake: &Lake) -> (i64, i64, i64) {
    contents(lake, &lake.table(&name()).await.unwrap()).await
}

fn target() -> NonZeroU64 {
    NonZeroU64::new(1 << 20).unwrap()
}

async fn optimize(lake: &Lake) {
    lake.table(&name()).await.unwrap().optimize(target()).await.unwrap();
}

async fn vacuum(lake: &Lake) -> u64 {
    lake.table(&name()).await.unwrap().vacuum(Duration::ZERO, false).await.unwrap().files_deleted
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_branch_does_its_parent_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    append(&main, numbers(10..30)).await;
    let parent = folder.path().join("lake/main");
    let dev = fork(&main, "feature/개발").await;
    let before = files_of(&parent);
    let same = |what: &str| assert_eq!(files_of(&parent), before, "{what} changed the parent");

    assert_eq!(sums(&dev).await, (30, 30, 435));
    assert_eq!(dev.own_bytes().await.unwrap(), (0, 0), "a branch costs nothing");
    same("reading");
    assert_eq!(append(&dev, numbers(30..40)).await, 2);
    assert_eq!(sums(&dev).await, (40, 40, 780));
    same("an append");
    optimize(&dev).await;
    assert_eq!(sums(&dev).await, (40, 40, 780));
    same("an optimize");
    assert_eq!(vacuum(&dev).await, 1, "only the branch's own file goes");
    assert_eq!(sums(&dev).await, (40, 40, 780));
    same("a vacuum");
    replace(&dev, 100..103).await;
    assert_eq!(sums(&dev).await, (3, 3, 303));
    vacuum(&dev).await;
    assert_eq!(sums(&dev).await, (3, 3, 303));
    same("a replace and a vacuum");
    for version in [0, 1] {
        let then = dev.table_as_of(&name(), AsOf::Version(version)).await.unwrap();
        assert_eq!(contents(&dev, &then).await.0, [10, 30][version as usize], "time travel across the fork");
    }
    for n in 0..25 {
        append(&dev, numbers(n..n + 1)).await;
    }
    let log = dev.table(&name()).await.unwrap().local_folder().unwrap().join("_delta_log");
    assert!(log.join("_last_checkpoint").exists());
    assert_eq!(sums(&dev).await.0, 28);
    same("a checkpoint");
    let raw = dev.table(&name()).await.unwrap().raw_delta();
    let (raw, metrics) = raw.delete().with_predicate("n < 100").await.unwrap();
    assert_eq!(metrics.num_deleted_rows, Some(25));
    let (_, metrics) = raw.update().with_predicate("n = 100").with_update("n", "7").await.unwrap();
    assert_eq!(metrics.num_updated_rows, 1);
    assert_eq!(sums(&dev).await, (3, 3, 210));
    same("a delete and an update");
    assert!(dev.drop_table(&name()).await.unwrap());
    assert!(dev.find(&name()).await.unwrap().is_none());
    append(&dev, numbers(0..2)).await;
    assert_eq!(sums(&dev).await, (2, 2, 1));
    same("dropping the table and making it again");
    assert_eq!(sums(&main).await, (30, 30, 435));
    dev.drop_branch(dev.branch()).await.unwrap();
    same("dropping the branch");
    assert!(!folder.path().join("lake").join(dev.branch_id()).exists());
    assert!(matches!(
        main.on_branch("feature/개발").await,
        Err(LakeError::Catalog(CatalogError::UnknownBranch { .. }))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_goes_on_without_its_branches_seeing_it() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    for n in 0..22 {
        append(&main, numbers(n..n + 1)).await;
    }
    let dev = fork(&main, "dev").await;
    let expected = sums(&dev).await;
    assert_eq!(expected, (22, 22, 231));
    for n in 22..50 {
        append(&main, numbers(n..n + 1)).await;
    }
    optimize(&main).await;
    assert!(vacuum(&main).await > 0, "later files of the parent go");
    replace(&main, 0..1).await;
    vacuum(&main).await;
    assert_eq!(sums(&dev).await, expected);
    let again = open(folder.path()).await.on_branch("dev").await.unwrap();
    assert_eq!(sums(&again).await, expected, "another process sees the same");
    let files = again.table(&name()).await.unwrap().files().await.unwrap();
    assert!(files.iter().all(|file| file.local.as_ref().unwrap().exists()));
    assert_eq!(append(&again, numbers(22..23)).await, 22, "the branch's log goes on where it was forked");
    let files = again.table(&name()).await.unwrap().files().await.unwrap();
    assert!(files.iter().all(|file| file.local.as_ref().unwrap().exists()), "in either folder");
    let late = TableName::new("raw", "late").unwrap();
    let mut table = main.table_for_write(&late).await.unwrap();
    let staged = stage(&table, numbers(0..1)).await;
    table.commit(staged, CommitMode::Append, &CommitOptions::default()).await.unwrap();
    assert!(again.find(&late).await.unwrap().is_none());
    main.drop_table(&name()).await.unwrap();
    main.collect_garbage(Duration::ZERO, false).await.unwrap();
    assert_eq!(sums(&again).await.0, 23, "a branch keeps what its parent has dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn six_levels_read_through_each_other_and_survive_vacuums() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let mut lakes = vec![main];
    for level in 1..=6_i64 {
        let lake = fork(lakes.last().unwrap(), &format!("level-{level}")).await;
        assert_eq!(append(&lake, numbers(level * 10..level * 10 + 10)).await, level as u64);
        lakes.push(lake);
    }
    let rows = |level: usize| (level as i64 + 1) * 10;
    for (level, lake) in lakes.iter().enumerate() {
        assert_eq!(sums(lake).await.0, rows(level));
    }
    // The leaf keeps every level's files alive, whatever the levels do.
    for lake in &lakes[..6] {
        replace(lake, 0..1).await;
        optimize(lake).await;
        vacuum(lake).await;
        assert_eq!(sums(lake).await.0, 1);
    }
    lakes[6].collect_garbage(Duration::ZERO, false).await.unwrap();
    assert_eq!(sums(&lakes[6]).await.0, 70);
    let fresh = open(folder.path()).await.on_branch("level-6").await.unwrap();
    assert_eq!(sums(&fresh).await.0, 70);
    // A branch of a branch as that one was before it began itself.
    let past = ForkRequest { as_of: Some(AsOf::Version(2)), tables: Some(vec![name()]), ..request("past") };
    lakes[6].fork(&past).await.unwrap();
    let past = lakes[6].on_branch("past").await.unwrap();
    assert_eq!(sums(&past).await.0, 30);
    let in_use = lakes[0].drop_branch(lakes[6].branch()).await;
    assert!(matches!(in_use, Err(LakeError::Catalog(CatalogError::BranchInUse { .. }))));
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_race_on_a_branch_as_they_do_on_main() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..1)).await;
    let dev = fork(&main, "dev").await;
    let mut tasks = Vec::new();
    for writer in 0..8_i64 {
        // Half of them on the branch, half on its parent.
        let lake = if writer < 4 { dev.clone() } else { main.clone() };
        tasks.push(tokio::spawn(async move {
            for round in 0..5 {
                let first = 1 + ((writer % 4) * 5 + round) * 10;
                append(&lake, numbers(first..first + 10)).await;
                if round == 3 {
                    match lake.table(&name()).await.unwrap().optimize(target()).await {
                        Ok(_) | Err(LakeError::Locked { .. } | LakeError::Conflict { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let expected = (201, 201, 200 * 201 / 2);
    assert_eq!((sums(&main).await, sums(&dev).await), (expected, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_stays_and_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let v1 = tag(&main, "v1").await;
    replace(&main, 0..3).await;
    vacuum(&main).await;
    assert_eq!(sums(&v1).await.0, 10);
    let read_only = |error: LakeError| assert!(matches!(error, LakeError::ReadOnly { .. }), "{error:?}");
    read_only(v1.table_for_write(&name()).await.unwrap_err());
    read_only(v1.put_view(&name(), "select 1").await.unwrap_err());
    read_only(v1.drop_table(&name()).await.unwrap_err());
    let mut table = v1.table(&name()).await.unwrap();
    read_only(table.optimize(target()).await.unwrap_err());
    read_only(table.vacuum(Duration::ZERO, false).await.unwrap_err());
    let none = StagedFiles::none(table.schema().unwrap().unwrap());
    read_only(table.commit(none, CommitMode::Replace, &CommitOptions::default()).await.unwrap_err());
    assert!(table.raw_delta().optimize().with_target_size(target()).await.is_ok(), "nothing to do");
    assert!(table.raw_delta().delete().with_predicate("n < 3").await.is_err());
    let from_tag = fork(&v1, "from-tag").await;
    append(&from_tag, numbers(10..11)).await;
    assert_eq!((sums(&v1).await.0, sums(&from_tag).await.0), (10, 11));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_not_repeated_on_a_branch() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let options =
        CommitOptions { applications: vec![("load:abc".to_owned(), 1)], ..CommitOptions::default() };
    let commit = async |lake: &Lake| {
        let mut table = lake.table_for_write(&name()).await.unwrap();
        let staged = stage(&table, numbers(0..5)).await;
        table.commit(staged, CommitMode::Append, &options).await.unwrap().fresh
    };
    assert!(commit(&main).await);
    let dev = fork(&main, "dev").await;
    assert!(!commit(&dev).await);
    assert_eq!(sums(&dev).await.0, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_from_a_version_and_from_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let instant_us = chrono::Utc::now().timestamp_micros();
    tokio::time::sleep(Duration::from_millis(20)).await;
    append(&main, numbers(10..20)).await;
    let other = TableName::new("mart", "later").unwrap();
    let mut table = main.table_for_write(&other).await.unwrap();
    let staged = stage(&table, numbers(0..1)).await;
    table.commit(staged, CommitMode::Append, &CommitOptions::default()).await.unwrap();

    let then = ForkRequest { as_of: Some(AsOf::Timestamp(instant_us)), ..request("then") };
    assert_eq!(main.fork(&then).await.unwrap().fork_us, instant_us);
    let then = main.on_branch("then").await.unwrap();
    assert_eq!(sums(&then).await.0, 10);
    assert!(then.find(&other).await.unwrap().is_none(), "it did not exist then");
    assert!(then.records().await.unwrap().len() == 1);

    let refused = main.fork(&ForkRequest { as_of: Some(AsOf::Version(0)), ..request("first") }).await;
    assert!(matches!(refused, Err(LakeError::ForkVersion { .. })));
    let first = |version, branch: &str| ForkRequest {
        as_of: Some(AsOf::Version(version)),
        tables: Some(vec![name()]),
        ..request(branch)
    };
    main.fork(&first(0, "first")).await.unwrap();
    assert_eq!(sums(&main.on_branch("first").await.unwrap()).await.0, 10);
    assert!(matches!(main.fork(&first(7, "never")).await, Err(LakeError::Version { .. })));
    let unknown = ForkRequest { tables: Some(vec![TableName::new("raw", "x").unwrap()]), ..request("x") };
    assert!(matches!(main.fork(&unknown).await, Err(LakeError::Unknown { .. })));

    // What no branch needs any more may be vacuumed, and can then not be forked.
    replace(&main, 0..1).await;
    vacuum(&main).await;
    assert_eq!(sums(&then).await.0, 10, "a vacuum keeps what branches need");
    let gone = main.fork(&first(1, "gone")).await;
    assert!(matches!(gone, Err(LakeError::Fork { .. })), "{gone:?}");
    assert!(main.on_branch("gone").await.is_err());
    main.fork(&first(0, "kept")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_could_not_be_written_is_not_forked() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let log = main.table(&name()).await.unwrap().local_folder().unwrap().join("_delta_log");
    let upgrade = "{\"commitInfo\":{\"engineInfo\":\"another/1.0\"}}\n\
        {\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"rowTracking\",\"domainMetadata\"]}}\n";
    std::fs::write(log.join("00000000000000000001.json"), upgrade).unwrap();
    let refused = main.fork(&request("dev")).await.unwrap_err();
    let LakeError::Fork { table, reason } = &refused else { panic!("{refused:?}") };
    assert_eq!(table, "raw.수");
    assert!(reason.contains("rowTracking"), "{reason}");
    let other = TableName::new("mart", "t").unwrap();
    main.put_view(&other, "select 1").await.unwrap();
    main.fork(&ForkRequest { tables: Some(vec![other]), ..request("dev") }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_differences_and_resets() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let view = TableName::new("mart", "v").unwrap();
    main.put_view(&view, "select 1").await.unwrap();
    let dev = fork(&main, "dev").await;
    assert!(dev.changes().await.unwrap().is_empty());
    assert!(main.difference(&dev, None).await.unwrap().is_empty());
    append(&dev, numbers(10..30)).await;
    dev.put_view(&view, "select 2").await.unwrap();
    let new = TableName::new("mart", "new").unwrap();
    dev.put_view(&new, "select 3").await.unwrap();
    append(&main, numbers(10..11)).await;
    let changes = dev.changes().await.unwrap();
    let told: Vec<_> = changes.iter().map(|change| (change.table.as_str(), change.change)).collect();
    assert_eq!(told, [("mart.new", Change::Added), ("mart.v", Change::Changed), ("raw.수", Change::Changed)]);
    let table = &changes[2];
    assert_eq!((table.rows_before, table.rows_after, table.files_added), (Some(10), Some(30), 1));
    let difference = main.difference(&dev, Some(&name())).await.unwrap();
    assert_eq!((difference[0].rows_before, difference[0].files_removed), (Some(11), 1));
    let files = main.file_difference(&dev, &name()).await.unwrap();
    let count = |side: Option<(Table, Vec<String>)>| side.map(|(_, files)| files.len());
    assert_eq!((count(files.before), count(files.after)), (Some(1), Some(1)));

    let old = dev.branch_id().to_owned();
    let again: Branch = dev.reset(false).await.unwrap();
    assert_ne!(again.id, old);
    let dev = main.on_branch("dev").await.unwrap();
    assert_eq!(sums(&dev).await.0, 10, "where it began");
    assert!(dev.changes().await.unwrap().is_empty());
    dev.reset(true).await.unwrap();
    let dev = main.on_branch("dev").await.unwrap();
    assert_eq!(sums(&dev).await.0, 11, "what its parent has now");
    assert!(!folder.path().join("lake").join(old).exists());
    assert!(main.reset(false).await.is_err(), "main has nowhere to go back to");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_what_nobody_names() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let directory = main.table(&name()).await.unwrap().directory().to_string();
    let dev = fork(&main, "dev").await;
    append(&dev, numbers(10..20)).await;
    main.drop_table(&name()).await.unwrap();
    let garbage = async |dry_run| -> Vec<String> {
        let found = main.collect_garbage(Duration::ZERO, dry_run).await.unwrap();
        found.into_iter().map(|garbage| garbage.path).collect()
    };
    assert!(garbage(false).await.is_empty(), "the branch reads main's directory");
    dev.drop_table(&name()).await.unwrap();
    assert_eq!(garbage(true).await, [format!("{}/{directory}", dev.branch_id())]);
    assert_eq!(garbage(false).await.len(), 1, "the branch's own layer; its fork map still needs main's");
    let stray = folder.path().join("lake").join(hanok_types::Id::generate().to_string());
    std::fs::create_dir(&stray).unwrap();
    std::fs::create_dir(folder.path().join("lake/notes")).unwrap();
    assert!(main.collect_garbage(Duration::from_hours(1), false).await.unwrap().is_empty(), "too young");
    dev.drop_branch(dev.branch()).await.unwrap();
    assert_eq!(garbage(false).await.len(), 2, "main's directory and the folder of no branch");
    assert!(!stray.exists() && folder.path().join("lake/notes").exists());
    assert!(garbage(false).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tables_are_forked_without_reading_them() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..1)).await;
    let first = main.table(&name()).await.unwrap();
    let template = first.local_folder().unwrap();
    for at in 0..1000 {
        // Copies of one small table: making a thousand by commits would take a minute.
        let name = TableName::new("raw", &format!("t{at}")).unwrap();
        let directory = main.catalog().register_table("main", &name).await.unwrap().to_string();
        let copy = template.with_file_name(directory);
        std::fs::create_dir_all(copy.join("_delta_log")).unwrap();
        for file in files_of(template).keys() {
            std::fs::hard_link(template.join(file), copy.join(file)).unwrap();
        }
    }
    let started = std::time::Instant::now();
    main.fork(&request("dev")).await.unwrap();
    let took = started.elapsed();
    println!("1,001 tables forked in {took:?}");
    let dev = main.on_branch("dev").await.unwrap();
    let last = TableName::new("raw", "t999").unwrap();
    assert_eq!(contents(&dev, &dev.table(&last).await.unwrap()).await.0, 1);
    // The goal is 100 ms on a quiet machine; tests run beside each other.
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_from_a_time_sees_what_time_travel_sees() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let start = SystemTime::now() + Duration::from_hours(1);
    let at = |version: u64| start + Duration::from_mins(version);
    // As if a minute had passed between one commit and the next; the branch's begin where its parent's end.
    let date = async |lake: &Lake, version: u64| {
        let directory = lake.table(&name()).await.unwrap().directory().to_string();
        let log = folder.path().join("lake").join(lake.branch_id()).join(directory).join("_delta_log");
        File::open(log.join(format!("{version:020}.json"))).unwrap().set_modified(at(version)).unwrap();
    };
    let mut dev = None;
    for version in 0..26_u64 {
        if version == 3 {
            dev = Some(fork(&main, "dev").await);
        }
        let lake = dev.as_ref().unwrap_or(&main);
        let first = version.cast_signed() * 10;
        assert_eq!(append(lake, numbers(first..first + 10)).await, version);
        date(lake, version).await;
    }
    let dev = dev.unwrap();
    for (lake, last) in [(&main, 2), (&dev, 25)] {
        for half_minutes in 0..=52 {
            let instant = at(0) + Duration::from_secs(30) * half_minutes;
            let instant_us = instant.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as i64;
            let as_of = AsOf::Timestamp(instant_us);
            let forked = lake
                .fork(&ForkRequest { as_of: Some(as_of), ..request(&format!("{last}-{half_minutes}")) })
                .await
                .unwrap();
            let then = lake.on_branch(&forked.name).await.unwrap().table(&name()).await.unwrap();
            let travelled = lake.table_as_of(&name(), as_of).await.unwrap();
            assert_eq!(then.version(), travelled.version(), "{last} {half_minutes}");
            assert_eq!(then.version(), Some(u64::from(half_minutes / 2).min(last)));
        }
    }
    let long_ago = ForkRequest { as_of: Some(AsOf::Timestamp(1)), ..request("long-ago") };
    let made = main.fork(&long_ago).await.unwrap();
    assert!(main.on_branch(&made.name).await.unwrap().records().await.unwrap().is_empty());
}
