//! The lake through its public surface: commits, races, history, maintenance.
#![expect(
    clippy::unwrap_used,
    reason = "tests; clippy.toml allows it in test functions only, not in their helpers"
)]

mod ancestors;
mod branches;
mod fault;
mod guard;
mod merge;
mod model;
mod races;
mod rebase;

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;
use hanok_catalog::{Catalog, MAIN_BRANCH, TableKind, TableRecord};
use hanok_lake::{
    AsOf, CommitMode, CommitOptions, LAKE_URL, Lake, LakeError, StagedFiles, Table, TableWriter,
    WriterOptions,
};
use hanok_types::TableName;

async fn open(folder: &Path) -> Lake {
    let catalog = Catalog::open(&folder.join("catalog.sqlite")).await.unwrap();
    Lake::open_local(&folder.join("lake"), catalog).unwrap()
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

fn name() -> TableName {
    TableName::new("raw", "수").unwrap()
}

async fn stage(table: &Table, batch: RecordBatch) -> StagedFiles {
    let mut writer = TableWriter::new(table, &batch.schema(), WriterOptions::default()).unwrap();
    writer.write(batch).await.unwrap();
    writer.finish().await.unwrap()
}

async fn append(lake: &Lake, batch: RecordBatch) -> u64 {
    let mut table = lake.table_for_write(&name()).await.unwrap();
    let staged = stage(&table, batch).await;
    table.commit(staged, CommitMode::Append, &CommitOptions::default()).await.unwrap().version
}

/// The query engine with the table as `t`.
async fn session(lake: &Lake, table: &Table) -> SessionContext {
    let session = SessionContext::new();
    let url = url::Url::parse(LAKE_URL).unwrap();
    session.runtime_env().register_object_store(&url, Arc::new(lake.router().clone()));
    session.register_table("t", table.provider().await.unwrap()).unwrap();
    session
}

/// Rows, distinct values and their sum, through the query engine.
async fn contents(lake: &Lake, table: &Table) -> (i64, i64, i64) {
    let session = session(lake, table).await;
    let sql = "select count(*), count(distinct n), coalesce(sum(n), 0) from t";
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    let value =
        |column: usize| batches[0].column(column).as_any().downcast_ref::<Int64Array>().unwrap().value(0);
    (value(0), value(1), value(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_replaces_and_history() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    assert!(matches!(lake.table(&name()).await, Err(LakeError::Unknown { .. })));
    assert_eq!(append(&lake, numbers(0..10)).await, 0);
    assert_eq!(append(&lake, numbers(10..30)).await, 1);
    let table = lake.table(&name()).await.unwrap();
    assert_eq!(contents(&lake, &table).await, (30, 30, 435));
    assert_eq!(table.rows().await.unwrap(), Some(30));
    assert_eq!(table.files_added_since(0).await.unwrap().unwrap().len(), 1);

    let mut table = lake.table_for_write(&name()).await.unwrap();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let staged = stage(&table, RecordBatch::try_from_iter([("n", text)]).unwrap()).await;
    table.commit(staged, CommitMode::Replace, &CommitOptions::default()).await.unwrap();
    assert_eq!(table.schema().unwrap().unwrap().field(0).data_type(), &arrow::datatypes::DataType::Utf8);
    assert_eq!(table.files_added_since(0).await.unwrap(), None, "a replace is not an append");
    let then = lake.table_as_of(&name(), AsOf::Version(0)).await.unwrap();
    assert_eq!(contents(&lake, &then).await, (10, 10, 45));
    assert!(matches!(
        lake.table_as_of(&name(), AsOf::Version(9)).await,
        Err(LakeError::Version { latest: 2, .. })
    ));
    assert!(matches!(lake.table_as_of(&name(), AsOf::Timestamp(1)).await, Err(LakeError::Version { .. })));
    assert_eq!(table.history(10).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_with_recorded_applications_happens_once() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    let options =
        CommitOptions { applications: vec![("load:abc".to_owned(), 1)], ..CommitOptions::default() };
    for round in 0..3 {
        let mut table = lake.table_for_write(&name()).await.unwrap();
        let staged = stage(&table, numbers(0..5)).await;
        let committed = table.commit(staged, CommitMode::Append, &options).await.unwrap();
        assert_eq!((committed.version, committed.fresh), (0, round == 0));
    }
    let table = lake.table(&name()).await.unwrap();
    assert_eq!(contents(&lake, &table).await.0, 5);
    assert_eq!(table.application_version("load:abc").await.unwrap(), Some(1));
    assert_eq!(table.application_version("load:def").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_added_only_when_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    append(&lake, numbers(0..3)).await;
    let wider = || {
        let n: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        let more: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        RecordBatch::try_from_iter([("more", more), ("n", n)]).unwrap()
    };
    let mut table = lake.table_for_write(&name()).await.unwrap();
    let refused =
        table.commit(stage(&table, wider()).await, CommitMode::Append, &CommitOptions::default()).await;
    assert!(matches!(refused, Err(LakeError::NewColumn { column, .. }) if column == "more"));
    assert!(!table.grew());
    let options = CommitOptions { evolve: true, ..CommitOptions::default() };
    table.commit(stage(&table, wider()).await, CommitMode::Append, &options).await.unwrap();
    assert!(table.grew());
    assert_eq!(contents(&lake, &table).await, (4, 4, 10));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let clash = RecordBatch::try_from_iter([("n", text)]).unwrap();
    let refused = table.commit(stage(&table, clash).await, CommitMode::Append, &options).await;
    assert!(matches!(refused, Err(LakeError::SchemaMismatch { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_key_stays_until_the_declaration_changes() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    let write = async |key: Option<&[&str]>, mode| {
        let mut table = lake.table_for_write(&name()).await.unwrap();
        let staged = stage(&table, numbers(0..3)).await;
        let key = key.map(|key| key.iter().map(|&column| column.to_owned()).collect());
        let options = CommitOptions { key, ..CommitOptions::default() };
        let done = table.commit(staged, mode, &options).await;
        (done.map(|_| ()), lake.catalog().key_columns(MAIN_BRANCH, &name()).await.unwrap())
    };
    let key = vec!["n".to_owned()];
    assert_eq!(write(Some(&["N"]), CommitMode::Append).await.1, key, "as the table spells it");
    assert_eq!(write(None, CommitMode::Replace).await.1, key, "who does not know leaves it");
    let (refused, kept) = write(Some(&["m"]), CommitMode::Append).await;
    assert!(matches!(refused, Err(LakeError::KeyColumn { column, .. }) if column == "m"));
    assert_eq!(kept, key);
    assert_eq!(lake.table(&name()).await.unwrap().version(), Some(1), "nothing was committed");
    assert!(write(Some(&[]), CommitMode::Replace).await.1.is_empty());
    let branch = "dev";
    write(Some(&["n"]), CommitMode::Append).await.0.unwrap();
    lake.fork(&branches::request(branch)).await.unwrap();
    let dev = lake.on_branch(branch).await.unwrap();
    assert_eq!(lake.catalog().key_columns(dev.branch_id(), &name()).await.unwrap(), key);
    lake.put_view(&name(), "select 1").await.unwrap();
    assert!(lake.catalog().key_columns(MAIN_BRANCH, &name()).await.unwrap().is_empty(), "a view has none");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_and_optimisers_at_once_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    append(&lake, numbers(0..1)).await;
    let mut tasks = Vec::new();
    for writer in 0..4_i64 {
        let lake = lake.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..5 {
                let first = 1 + (writer * 5 + round) * 10;
                append(&lake, numbers(first..first + 10)).await;
            }
        }));
    }
    for _ in 0..2 {
        let lake = lake.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..3 {
                let mut table = lake.table_for_write(&name()).await.unwrap();
                match table.optimize(NonZeroU64::new(1 << 20).unwrap()).await {
                    Ok(_) | Err(LakeError::Locked { .. } | LakeError::Conflict { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let table = lake.table(&name()).await.unwrap();
    assert_eq!(contents(&lake, &table).await, (201, 201, 200 * 201 / 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_stays_until_the_table_that_follows_it_has_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    let catalog = lake.catalog();
    catalog.put_view(MAIN_BRANCH, &name(), "select 1").await.unwrap();
    let (mut winner, mut loser) =
        (lake.table_for_write(&name()).await.unwrap(), lake.table_for_write(&name()).await.unwrap());
    let staged = stage(&winner, numbers(0..3)).await;
    let late = stage(&loser, numbers(3..6)).await;
    let kind = |record: Option<TableRecord>| record.map(|record| record.kind);
    let before = kind(catalog.table(MAIN_BRANCH, &name()).await.unwrap());
    assert_eq!(before, Some(TableKind::View { sql: "select 1".to_owned() }));
    winner.commit(staged, CommitMode::Replace, &CommitOptions::default()).await.unwrap();
    let after = kind(catalog.table(MAIN_BRANCH, &name()).await.unwrap());
    assert_eq!(after, Some(TableKind::Table { directory: winner.directory() }));
    let refused = loser.commit(late, CommitMode::Replace, &CommitOptions::default()).await.unwrap_err();
    assert!(matches!(refused, LakeError::Conflict { .. }), "{refused}");
    assert_eq!(lake.table(&name()).await.unwrap().rows().await.unwrap(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_twentieth_commit_makes_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    for n in 0..21 {
        append(&lake, numbers(n..n + 1)).await;
    }
    let table = lake.table(&name()).await.unwrap();
    let log = table.local_folder().unwrap().join("_delta_log");
    let checkpoints = std::fs::read_dir(log).unwrap().filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".checkpoint.parquet")
    });
    assert_eq!(checkpoints.count(), 1);
    assert_eq!(contents(&lake, &table).await, (21, 21, 210));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_write_is_unseen_and_vacuumed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    append(&lake, numbers(0..3)).await;
    let mut table = lake.table_for_write(&name()).await.unwrap();
    drop(stage(&table, numbers(3..9)).await);
    assert_eq!(contents(&lake, &table).await.0, 3);
    let outcome = table.vacuum(Duration::ZERO, false).await.unwrap();
    assert_eq!(outcome.files_deleted, 1);
    assert_eq!(contents(&lake, &table).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_is_a_coded_error() {
    use hanok_error::Coded as _;
    let folder = tempfile::tempdir().unwrap();
    let lake = open(folder.path()).await;
    append(&lake, numbers(0..3)).await;
    append(&lake, numbers(3..6)).await;
    let table = lake.table(&name()).await.unwrap();
    let commit = table.local_folder().unwrap().join("_delta_log/00000000000000000000.json");
    let whole = std::fs::read(&commit).unwrap();
    std::fs::write(&commit, &whole[..whole.len() / 2]).unwrap();
    let error = lake.table(&name()).await.unwrap_err();
    assert_eq!(error.code(), hanok_error::code::LAKE_CORRUPT, "{error:?}");
    std::fs::remove_file(&commit).unwrap();
    let error = lake.table(&name()).await.unwrap_err();
    assert_eq!(error.code(), hanok_error::code::LAKE_CORRUPT, "{error:?}");
}
