//! Branches while others write, merge, drop and collect garbage.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use hanok_lake::{Lake, LakeError, MergeMode, Table};

use super::branches::{files_of, fork, sums};
use super::{append, name, numbers, open, session};

/// What a query on a table that was opened before says now.
async fn count(lake: &Lake, table: &Table) -> Result<i64, datafusion::error::DataFusionError> {
    // Statistics would answer a plain count without reading.
    let rows = session(lake, table).await.sql("select n from t where n % 2 >= 0").await?.collect().await?;
    Ok(rows.iter().map(|batch| batch.num_rows() as i64).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_on_one_branch_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let before = files_of(&folder.path().join("lake/main"));
    fork(&main, "dev").await;
    let mut writers = Vec::new();
    for writer in 0..2_i64 {
        // A connection and a handle of its own, as another process has them.
        let lake = open(folder.path()).await.on_branch("dev").await.unwrap();
        writers.push(tokio::spawn(async move {
            for round in 0..8 {
                let first = 10 + (writer * 8 + round) * 10;
                append(&lake, numbers(first..first + 10)).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let dev = main.on_branch("dev").await.unwrap();
    assert_eq!(sums(&dev).await, (170, 170, 169 * 170 / 2));
    assert_eq!(files_of(&folder.path().join("lake/main")), before);
}

/// Makes everything below a folder look as if it had been written a day ago.
fn age(folder: &Path) {
    let yesterday = SystemTime::now() - Duration::from_hours(24);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        }
        File::open(&path).unwrap().set_modified(yesterday).unwrap();
    }
    File::open(folder).unwrap().set_modified(yesterday).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_collected_while_everything_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let collector = {
        let (lake, stop) = (open(folder.path()).await, stop.clone());
        tokio::spawn(async move {
            let mut collected = 0;
            while !stop.load(Ordering::SeqCst) {
                collected += lake.collect_garbage(Duration::from_mins(1), false).await.unwrap().len();
            }
            collected
        })
    };
    for round in 0..12_i64 {
        let dev = fork(&main, &format!("dev{round}")).await;
        let first = 10 + round * 10;
        append(&dev, numbers(first..first + 5)).await;
        append(&main, numbers(first + 5..first + 10)).await;
        // What was written long ago and is needed must stay, and what a dropped branch left must go.
        age(&folder.path().join("lake"));
        let merged = dev.merge(MergeMode::Strict, false).await.unwrap();
        assert!(merged.conflicts.is_empty(), "{merged:#?}");
        let leftover = folder.path().join("lake").join(dev.branch_id());
        let copy = folder.path().join("left over");
        if round % 3 == 0 {
            // As if the process had been killed before it removed the branch's folder.
            std::fs::rename(&leftover, &copy).unwrap();
            dev.drop_branch(dev.branch()).await.unwrap();
            age(&copy);
            std::fs::rename(&copy, &leftover).unwrap();
        } else {
            dev.drop_branch(dev.branch()).await.unwrap();
        }
        let expected = first + 10;
        assert_eq!(sums(&main).await, (expected, expected, (expected - 1) * expected / 2));
    }
    // It looks once more at what the last round left.
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.store(true, Ordering::SeqCst);
    let collected =
        collector.await.unwrap() + main.collect_garbage(Duration::ZERO, false).await.unwrap().len();
    assert!(collected >= 4, "{collected} folders of killed drops were collected");
    assert_eq!(sums(&open(folder.path()).await).await.0, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_a_branch_that_goes_gets_its_rows_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    append(&main, numbers(0..10)).await;
    let (same, changed) = (fork(&main, "same").await, fork(&main, "changed").await);
    append(&changed, numbers(10..20)).await;
    // Another process reads.
    let reader = open(folder.path()).await;
    let (on_same, on_changed) =
        (reader.on_branch("same").await.unwrap(), reader.on_branch("changed").await.unwrap());
    let (of_same, of_changed) =
        (on_same.table(&name()).await.unwrap(), on_changed.table(&name()).await.unwrap());
    assert_eq!(count(&reader, &of_changed).await.unwrap(), 20);
    for lake in [&same, &changed] {
        lake.drop_branch(lake.branch()).await.unwrap();
    }
    // All of its files are the parent's.
    assert_eq!(count(&reader, &of_same).await.unwrap(), 10);
    // One of its files is gone: half of the rows would be a wrong answer.
    let gone = count(&reader, &of_changed).await;
    assert!(gone.is_err(), "{gone:?}");
    // Writers that began before cannot bring it back, nor write into a later branch of the name.
    let again = fork(&main, "changed").await;
    let late = on_changed.table_for_write(&name()).await;
    assert!(late.is_err() || late.unwrap().version().is_none());
    assert_eq!(sums(&again).await.0, 10);
    assert!(matches!(main.on_branch("same").await, Err(LakeError::Catalog(_))));
}
