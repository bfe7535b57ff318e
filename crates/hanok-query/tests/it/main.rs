//! SQL behaviour, from the `.slt` files in `tests/slt`, over a small lake.
#![expect(
    clippy::unwrap_used,
    reason = "tests; clippy.toml allows it in test functions only, not in their helpers"
)]

#[path = "../../../hanok-lake/tests/it/fault.rs"]
mod fault;
mod merge;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hanok_catalog::{Catalog, MAIN_BRANCH};
use hanok_lake::{CommitMode, CommitOptions, Lake, TableWriter, WriterOptions};
use hanok_query::{QueryError, Session, SessionOptions};
use hanok_types::TableName;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

/// Two versions of `raw.scores` and one of `raw."학생"`, a view over them, and a view that refers to itself.
async fn session(folder: &Path, memory_bytes_max: usize) -> Session {
    let catalog = Catalog::open(&folder.join("catalog.sqlite")).await.unwrap();
    let lake = Lake::open_local(&folder.join("lake"), catalog).unwrap();
    commit(&lake, "scores", &[("a", 1), ("b", 2)]).await;
    commit(&lake, "scores", &[("c", 5)]).await;
    commit(&lake, "학생", &[("민준", 90)]).await;
    let view = |name: &str| TableName::new("mart", name).unwrap();
    let catalog = lake.catalog();
    catalog.put_view(MAIN_BRANCH, &view("best"), "select max(score) as best from raw.scores").await.unwrap();
    catalog.put_view(MAIN_BRANCH, &view("circle"), "select * from mart.circle").await.unwrap();
    let options = SessionOptions { threads: 2, memory_bytes_max, spill_folder: folder.join("spill") };
    Session::open(&lake, &options).unwrap()
}

async fn commit(lake: &Lake, table: &str, rows: &[(&str, i64)]) {
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
    let scores: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
    let batch = RecordBatch::try_from_iter([("name", names), ("score", scores)]).unwrap();
    let mut table = lake.table_for_write(&TableName::new("raw", table).unwrap()).await.unwrap();
    let mut writer = TableWriter::new(&table, &batch.schema(), WriterOptions::default()).unwrap();
    writer.write(batch).await.unwrap();
    let staged = writer.finish().await.unwrap();
    table.commit(staged, CommitMode::Append, &CommitOptions::default()).await.unwrap();
}

struct Db(Session);

#[async_trait::async_trait]
impl AsyncDB for Db {
    type Error = QueryError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, QueryError> {
        let stream = self.0.sql(sql).await?;
        let types = vec![DefaultColumnType::Any; stream.schema().fields().len()];
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        for batch in stream.collect().await? {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            rows.extend(
                (0..batch.num_rows()).map(|row| {
                    columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>()
                }),
            );
        }
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn slt_files() {
    let files: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let folder = tempfile::tempdir().unwrap();
        let session = session(folder.path(), 64 << 20).await;
        let mut runner = Runner::new(|| {
            let session = session.clone();
            async move { Ok(Db(session)) }
        });
        runner.run_file_async(&file).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sort_larger_than_its_memory_spills() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), 24 << 20).await;
    let sql = "select count(*) as n, min(x) as lo from
               (select value as x, repeat('x', 100) as pad from generate_series(1, 1000000) order by pad, x desc)";
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_coded() {
    use hanok_error::{Coded as _, code};
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), 64 << 20).await;
    let cases = [
        ("selec 1", code::SQL_INVALID),
        ("select nope from raw.scores", code::SQL_INVALID),
        ("select * from raw.nope", code::SQL_INVALID),
        ("select * from mart.circle", code::SQL_INVALID),
        ("create table x (a int)", code::SQL_READ_ONLY),
        ("insert into raw.scores values ('x', 1)", code::SQL_READ_ONLY),
        ("select * from raw.scores for version as of 'x'", code::SQL_INVALID),
    ];
    for (sql, wanted) in cases {
        let error = match session.sql(sql).await {
            Ok(stream) => stream.collect().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.code(), wanted, "{sql}: {error}");
    }
    let failing = session.sql("select cast(name as bigint) from raw.scores").await.unwrap();
    assert_eq!(failing.collect().await.unwrap_err().code(), code::SQL_FAILED);
}
