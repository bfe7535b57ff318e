//! The concurrent-OPTIMIZE hole of deltalake-core 1.1: open without the guard, closed with it.

use std::num::NonZeroU64;
use std::sync::Arc;

use deltalake::DeltaTable;
use deltalake::protocol::SaveMode;
use hanok_lake::LakeError;

use super::{append, contents, name, numbers, open, stage};

fn target() -> NonZeroU64 {
    NonZeroU64::new(1 << 20).unwrap()
}

/// If this fails, delta-rs has closed the hole, and the guard may go.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_guard_a_stale_optimize_doubles_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let url = url::Url::from_directory_path(folder.path()).unwrap();
    let mut table = DeltaTable::try_from_url(url.clone()).await.unwrap();
    for first in [0, 10] {
        table = table.write([numbers(first..first + 10)]).with_save_mode(SaveMode::Append).await.unwrap();
    }
    let stale = table.clone();
    table.optimize().with_target_size(target()).await.unwrap();
    let (doubled, _) = stale.optimize().with_target_size(target()).await.unwrap();
    let session = datafusion::prelude::SessionContext::new();
    session.register_table("t", doubled.table_provider().await.unwrap()).unwrap();
    let rows = session.table("t").await.unwrap().count().await.unwrap();
    assert_eq!(rows, 40, "20 rows went in");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_guard_a_stale_optimize_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    append(&lake, numbers(0..10)).await;
    append(&lake, numbers(10..20)).await;
    // Two handles of the same version; the raw operation of the second does not know of the first's commit.
    let mut fresh = lake.table(&name()).await.unwrap();
    let stale = lake.table(&name()).await.unwrap();
    fresh.optimize(target()).await.unwrap();
    let refused = stale.raw_delta().optimize().with_target_size(target()).await;
    assert!(refused.is_err(), "the guard let a second removal of the same files pass");
    let table = lake.table(&name()).await.unwrap();
    assert_eq!(contents(&lake, &table).await, (20, 20, 190));
    // The same through the front door: it starts again from the latest version.
    let mut again = stale;
    again.optimize(target()).await.unwrap();
    assert_eq!(contents(&lake, &again).await, (20, 20, 190));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_guard_a_stale_overwrite_does_not_bring_rows_back() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    append(&lake, numbers(0..10)).await;
    append(&lake, numbers(10..20)).await;
    let stale = lake.table(&name()).await.unwrap();
    lake.table(&name()).await.unwrap().optimize(target()).await.unwrap();
    let refused = stale.raw_delta().write([numbers(100..101)]).with_save_mode(SaveMode::Overwrite).await;
    assert!(refused.is_err(), "the guard let a second removal of the same files pass");
    let mut table = stale;
    let staged = stage(&table, numbers(100..101)).await;
    let options = hanok_lake::CommitOptions::default();
    table.commit(staged, hanok_lake::CommitMode::Replace, &options).await.unwrap();
    assert_eq!(contents(&lake, &table).await, (1, 1, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_optimiser_is_told_that_the_table_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    append(&lake, numbers(0..10)).await;
    let mut table = lake.table(&name()).await.unwrap();
    let lock = table.local_folder().unwrap().with_extension("lock");
    let held = std::fs::File::create(&lock).unwrap();
    held.lock().unwrap();
    assert!(matches!(table.optimize(target()).await, Err(LakeError::Locked { .. })));
    drop(Arc::new(held));
    table.optimize(target()).await.unwrap();
}
