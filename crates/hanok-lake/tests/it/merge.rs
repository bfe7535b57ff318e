//! Merging branches back.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use hanok_catalog::{Catalog, Merge, MergeAction, MergeTable};
use hanok_lake::{AsOf, CommitMode, CommitOptions, ForkRequest, Lake, LakeError, MergeMode, MergeOutcome};
use hanok_types::{Id, TableName};

use super::branches::{fork, request};
use super::fault::FaultStore;
use super::{contents, numbers, open, stage};

pub(crate) fn table(name: &str) -> TableName {
    TableName::new("raw", name).unwrap()
}

pub(crate) async fn write(lake: &Lake, name: &str, batch: RecordBatch, mode: CommitMode) -> u64 {
    let mut handle = lake.table_for_write(&table(name)).await.unwrap();
    let staged = stage(&handle, batch).await;
    let options = CommitOptions { evolve: true, ..CommitOptions::default() };
    handle.commit(staged, mode, &options).await.unwrap().version
}

pub(crate) async fn append(lake: &Lake, name: &str, range: std::ops::Range<i64>) -> u64 {
    write(lake, name, numbers(range), CommitMode::Append).await
}

pub(crate) async fn optimize(lake: &Lake, name: &str) {
    let mut table = lake.table(&table(name)).await.unwrap();
    table.optimize(NonZeroU64::new(1 << 20).unwrap()).await.unwrap();
}

pub(crate) async fn delete(lake: &Lake, name: &str, predicate: &str) {
    let table = lake.table(&table(name)).await.unwrap();
    table.raw_delta().delete().with_predicate(predicate).await.unwrap();
}

pub(crate) async fn sums(lake: &Lake, name: &str) -> Option<(i64, i64, i64)> {
    match lake.find(&table(name)).await.unwrap() {
        Some(table) => Some(contents(lake, &table).await),
        None => None,
    }
}

/// Tables `a` and `b` on main, and a branch that has appended to both.
pub(crate) async fn two_tables(main: &Lake) -> Lake {
    for name in ["a", "b"] {
        append(main, name, 0..10).await;
    }
    let dev = fork(main, "dev").await;
    for name in ["a", "b"] {
        append(&dev, name, 10..20).await;
    }
    dev
}

async fn merge(lake: &Lake, mode: MergeMode) -> MergeOutcome {
    lake.merge(mode, false).await.unwrap()
}

pub(crate) async fn merged(lake: &Lake) -> BTreeMap<String, &'static str> {
    let outcome = merge(lake, MergeMode::Strict).await;
    assert!(outcome.conflicts.is_empty(), "{:#?}", outcome.conflicts);
    outcome.tables.into_iter().map(|table| (table.table, table.what)).collect()
}

async fn refused(lake: &Lake, mode: MergeMode) -> Vec<String> {
    let outcome = merge(lake, mode).await;
    assert!(outcome.id.is_none());
    outcome.conflicts.into_iter().map(|conflict| format!("{}: {}", conflict.table, conflict.reason)).collect()
}

fn whats<const N: usize>(pairs: [(&str, &'static str); N]) -> BTreeMap<String, &'static str> {
    pairs.map(|(name, what)| (name.to_owned(), what)).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_comes_back_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    for name in ["ahead", "both", "same", "gone", "anew"] {
        append(&main, name, 0..10).await;
    }
    main.put_view(&table("view"), "select 1").await.unwrap();
    let dev = fork(&main, "dev").await;
    append(&dev, "ahead", 10..20).await;
    optimize(&dev, "ahead").await;
    append(&dev, "both", 10..20).await;
    append(&main, "both", 20..30).await;
    append(&dev, "new", 0..5).await;
    dev.drop_table(&table("gone")).await.unwrap();
    dev.drop_table(&table("anew")).await.unwrap();
    append(&dev, "anew", 0..3).await;
    dev.put_view(&table("view"), "select 2").await.unwrap();

    let tried = dev.merge(MergeMode::Strict, true).await.unwrap();
    assert!(tried.id.is_none() && tried.tables.len() == 6);
    assert_eq!(sums(&main, "ahead").await.unwrap().0, 10, "a dry run changes nothing");
    let expected = whats([
        ("raw.ahead", "fast-forward"),
        ("raw.anew", "new"),
        ("raw.both", "merged"),
        ("raw.gone", "dropped"),
        ("raw.new", "new"),
        ("raw.view", "view"),
    ]);
    assert_eq!(merged(&dev).await, expected);
    assert_eq!(sums(&main, "ahead").await, Some((20, 20, 190)));
    assert_eq!(sums(&main, "both").await, Some((30, 30, 435)));
    assert_eq!(sums(&main, "same").await, Some((10, 10, 45)));
    assert_eq!(sums(&main, "new").await, Some((5, 5, 10)));
    assert_eq!(sums(&main, "anew").await, Some((3, 3, 3)));
    assert_eq!(sums(&main, "gone").await, None);
    assert!(merged(&dev).await.is_empty(), "it has been merged");

    // Both go on, and the next merge brings what came since the last one.
    append(&dev, "both", 30..40).await;
    append(&dev, "new", 5..6).await;
    append(&main, "both", 40..50).await;
    optimize(&main, "both").await;
    assert_eq!(merged(&dev).await, whats([("raw.both", "merged"), ("raw.new", "fast-forward")]));
    assert_eq!(sums(&main, "both").await, Some((50, 50, 49 * 50 / 2)));
    assert_eq!(sums(&main, "new").await, Some((6, 6, 15)));
    // The branch may go: main has files of its own.
    dev.drop_branch(dev.branch()).await.unwrap();
    main.collect_garbage(Duration::ZERO, false).await.unwrap();
    let again = open(folder.path()).await;
    for (name, rows) in [("ahead", 20), ("both", 50), ("new", 6), ("anew", 3)] {
        assert_eq!(sums(&again, name).await.unwrap().0, rows, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_told_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    for name in ["rewritten", "deleted", "named", "columns", "fine"] {
        append(&main, name, 0..10).await;
        append(&main, name, 10..20).await;
    }
    let dev = fork(&main, "dev").await;
    append(&dev, "fine", 20..30).await;
    optimize(&main, "rewritten").await;
    delete(&dev, "rewritten", "n = 3").await;
    delete(&dev, "deleted", "n = 3").await;
    append(&main, "deleted", 20..30).await;
    append(&dev, "named", 20..30).await;
    main.drop_table(&table("named")).await.unwrap();
    let wider = |name: &str| {
        let n: ArrayRef = Arc::new(Int64Array::from(vec![99]));
        RecordBatch::try_from_iter([("n", n.clone()), (name, n)]).unwrap()
    };
    write(&dev, "columns", wider("a"), CommitMode::Append).await;
    write(&main, "columns", wider("b"), CommitMode::Append).await;
    let told = refused(&dev, MergeMode::Strict).await;
    let expected = [
        "raw.columns: columns",
        "raw.deleted: the branch deleted",
        "raw.named: ",
        "raw.rewritten: both sides replaced a file",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    assert_eq!(sums(&main, "fine").await.unwrap().0, 20, "all tables or none");
    let told = refused(&dev, MergeMode::Lenient).await;
    assert_eq!(told.len(), 3, "{told:#?}");
    for name in ["columns", "named", "rewritten"] {
        dev.drop_table(&table(name)).await.unwrap();
    }
    // What main has changed cannot be dropped by a merge either.
    assert_eq!(refused(&dev, MergeMode::Lenient).await.len(), 2);
    assert!(matches!(main.merge(MergeMode::Strict, false).await, Err(LakeError::MergeInto { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn lenient_takes_both_and_growth_of_columns_is_no_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    for name in ["deleted", "columns"] {
        append(&main, name, 0..10).await;
    }
    let dev = fork(&main, "dev").await;
    delete(&dev, "deleted", "n < 5").await;
    append(&main, "deleted", 10..20).await;
    let n: ArrayRef = Arc::new(Int64Array::from(vec![99]));
    let wider = RecordBatch::try_from_iter([("n", n.clone()), ("more", n)]).unwrap();
    write(&dev, "columns", wider, CommitMode::Append).await;
    append(&main, "columns", 10..20).await;
    assert_eq!(refused(&dev, MergeMode::Strict).await.len(), 1);
    let outcome = merge(&dev, MergeMode::Lenient).await;
    assert!(outcome.conflicts.is_empty(), "{:#?}", outcome.conflicts);
    assert_eq!(sums(&main, "deleted").await, Some((15, 15, 180)));
    assert_eq!(sums(&main, "columns").await, Some((21, 21, 289)));
    assert_eq!(main.table(&table("columns")).await.unwrap().schema().unwrap().unwrap().fields().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_merge_did_to_rows_is_known_to_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, "t", 0..5).await;
    append(&main, "t", 5..10).await;
    let (one, other, third) =
        (fork(&main, "one").await, fork(&main, "other").await, fork(&main, "third").await);
    append(&third, "t", 30..40).await;
    // The files that it takes from main were joined, and only then were their rows removed.
    optimize(&one, "t").await;
    write(&one, "t", numbers(10..20), CommitMode::Replace).await;
    append(&other, "t", 20..30).await;
    merged(&one).await;
    let told = refused(&other, MergeMode::Strict).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(sums(&main, "t").await, Some((10, 10, 145)));
    // Rows that were moved before they were merged have come nevertheless.
    let joined = fork(&main, "joined").await;
    append(&joined, "t", 50..60).await;
    optimize(&joined, "t").await;
    merged(&joined).await;
    assert_eq!(sums(&main, "t").await.unwrap().0, 20);
    let shown = merge(&third, MergeMode::Lenient).await;
    assert!(shown.conflicts.is_empty(), "{shown:#?}");
    assert_eq!(sums(&main, "t").await.unwrap().0, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_both_sides_loaded_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, "t", 0..10).await;
    let dev = fork(&main, "dev").await;
    let options =
        CommitOptions { applications: vec![("hanok-load:abc".to_owned(), 7)], ..CommitOptions::default() };
    for lake in [&main, &dev] {
        let mut handle = lake.table_for_write(&table("t")).await.unwrap();
        let staged = stage(&handle, numbers(10..20)).await;
        assert!(handle.commit(staged, CommitMode::Append, &options).await.unwrap().fresh);
    }
    assert!(refused(&dev, MergeMode::Lenient).await[0].contains("loaded the same files"));
    // What only the branch loaded, main knows afterwards.
    dev.reset(true).await.unwrap();
    let dev = main.on_branch("dev").await.unwrap();
    let mut handle = dev.table_for_write(&table("t")).await.unwrap();
    let staged = stage(&handle, numbers(20..30)).await;
    let options =
        CommitOptions { applications: vec![("hanok-load:def".to_owned(), 8)], ..CommitOptions::default() };
    handle.commit(staged, CommitMode::Append, &options).await.unwrap();
    merged(&dev).await;
    let known = main.table(&table("t")).await.unwrap().application_version("hanok-load:def").await.unwrap();
    assert_eq!(known, Some(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_all_of_a_merge_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_tables(&main).await;
    // A reader that began before opens its second table after the merge.
    let (reader, records) = main.at_once().await.unwrap();
    let first = reader.open_record(&records[0]).await.unwrap().unwrap();
    merged(&dev).await;
    let second = reader.open_record(&records[1]).await.unwrap().unwrap();
    assert_eq!((first.version(), second.version()), (Some(0), Some(0)));
    let (reader, records) = main.at_once().await.unwrap();
    assert_eq!(reader.open_record(&records[1]).await.unwrap().unwrap().version(), Some(1));
}

/// A process that is killed between its journal and its publication leaves what this makes.
async fn half_merged(main: &Lake, dev: &Lake) -> Merge {
    let merge = Merge {
        id: Id::generate().to_string(),
        branch: dev.branch_id().to_owned(),
        branch_name: "dev".to_owned(),
        target: "main".to_owned(),
        mode: "strict".to_owned(),
    };
    let mut tables = Vec::new();
    for name in ["a", "b"] {
        let directory = main.table(&table(name)).await.unwrap().directory();
        let action =
            MergeAction::Commit { directory, before: 0, source: directory, source_version: 1, rewrite: None };
        tables.push(MergeTable { name: table(name), action });
    }
    main.catalog().begin_merge(&merge, &tables).await.unwrap();
    merge
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_was_killed_is_rolled_forward() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_tables(&main).await;
    half_merged(&main, &dev).await;
    let (reader, records) = main.at_once().await.unwrap();
    assert_eq!(reader.open_record(&records[0]).await.unwrap().unwrap().version(), Some(0));
    assert!(matches!(dev.drop_branch(dev.branch()).await, Err(LakeError::Catalog(_))), "it is being merged");
    // Another process finds it.
    let again = open(folder.path()).await;
    assert_eq!(again.recover_merges().await.unwrap(), 1);
    assert_eq!(again.recover_merges().await.unwrap(), 0);
    for name in ["a", "b"] {
        assert_eq!(sums(&main, name).await, Some((20, 20, 190)));
    }
    assert!(merged(&dev).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_does_not_see_half_a_merge() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_tables(&main).await;
    // Stands for what the merge has committed when it is killed.
    append(&main, "a", 50..51).await;
    half_merged(&main, &dev).await;
    let now = AsOf::Timestamp(chrono::Utc::now().timestamp_micros());
    for (branch, as_of) in [("head", None), ("time", Some(now))] {
        let made = main.fork(&ForkRequest { as_of, ..request(branch) }).await.unwrap();
        let made = main.on_branch(&made.name).await.unwrap();
        assert_eq!(sums(&made, "a").await, Some((10, 10, 45)), "{branch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_its_target_no_longer_allows_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    for name in ["a", "b"] {
        append(&main, name, 0..10).await;
    }
    let dev = fork(&main, "dev").await;
    append(&dev, "a", 10..20).await;
    write(&dev, "b", numbers(50..60), CommitMode::Replace).await;
    // A writer that the journal came too late for.
    write(&main, "b", numbers(70..80), CommitMode::Replace).await;
    half_merged(&main, &dev).await;
    main.recover_merges().await.unwrap();
    assert_eq!(sums(&main, "a").await, Some((10, 10, 45)), "the commit of `a` was taken back");
    assert_eq!(sums(&main, "b").await, Some((10, 10, 745)));
    assert!(main.catalog().open_merges().await.unwrap().is_empty());
    assert_eq!(append(&main, "a", 10..11).await, 3, "writers go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_race_with_appends_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    for name in ["a", "b"] {
        append(&main, name, 0..1).await;
    }
    let writer = {
        let main = main.clone();
        tokio::spawn(async move {
            for n in 0..20_i64 {
                for name in ["a", "b"] {
                    append(&main, name, 1000 + n..1001 + n).await;
                }
            }
        })
    };
    let mut merges = 0;
    while !writer.is_finished() {
        let dev = fork(&main, &format!("dev{merges}")).await;
        for name in ["a", "b"] {
            append(&dev, name, 2000 + merges..2001 + merges).await;
        }
        let outcome = merge(&dev, MergeMode::Strict).await;
        assert!(outcome.conflicts.is_empty(), "{outcome:#?}");
        merges += 1;
    }
    writer.await.unwrap();
    for name in ["a", "b"] {
        let (rows, distinct, _) = sums(&main, name).await.unwrap();
        assert_eq!((rows, distinct), (21 + merges, 21 + merges), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_of_the_storage_fails_a_merge_is_whole_or_not_there() {
    for after in [false, true] {
        for call in 0..60 {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
            let faults = FaultStore::new();
            let main = Lake::open_store(Arc::new(faults.clone()), catalog);
            let dev = two_tables(&main).await;
            append(&dev, "c", 10..20).await;
            faults.fail_at(call, after);
            let failed = dev.merge(MergeMode::Strict, false).await.is_err();
            faults.heal();
            main.recover_merges().await.unwrap();
            let rows = [sums(&main, "a").await, sums(&main, "b").await, sums(&main, "c").await];
            let whole = [Some((20, 20, 190)), Some((20, 20, 190)), Some((10, 10, 145))];
            let none = [Some((10, 10, 45)), Some((10, 10, 45)), None];
            assert!(rows == whole || (failed && rows == none), "call {call}, after {after}: {rows:?}");
            assert!(merge(&dev, MergeMode::Strict).await.conflicts.is_empty());
            let rows = [sums(&main, "a").await, sums(&main, "b").await, sums(&main, "c").await];
            assert_eq!(rows, whole, "call {call}, after {after}");
            main.catalog().close().await;
            if !failed && call > 20 {
                break;
            }
        }
    }
}
