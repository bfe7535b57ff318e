//! Files to tables.

use std::path::Path;

use hanok_catalog::Catalog;
use hanok_lake::Lake;
use hanok_load::{FileStatus, LoadError, LoadOutcome, Source, load, read_sources};
use hanok_types::TableName;

use crate::support::write;

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) lake: Lake,
}

pub(crate) async fn open_lake(folder: &Path) -> Lake {
    let catalog = Catalog::open(&folder.join("catalog.sqlite")).await.unwrap();
    Lake::open_local(&folder.join("lake"), catalog).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = open_lake(folder.path()).await;
        Self { folder, lake }
    }

    pub(crate) fn source(&self, more: &str) -> Source {
        source(self.folder.path(), more)
    }

    async fn load(&self, more: &str) -> Result<LoadOutcome, LoadError> {
        load(&self.lake, self.folder.path(), &self.source(more), &|_| {}).await
    }

    async fn rows(&self, table: &str) -> Vec<Vec<String>> {
        rows(&self.lake, table).await
    }
}

pub(crate) fn source(folder: &Path, more: &str) -> Source {
    std::fs::create_dir_all(folder.join("sources")).unwrap();
    let yaml = format!("sources:\n  - name: t\n    files: \"*.csv\"\n{more}");
    std::fs::write(folder.join("sources/t.yaml"), yaml).unwrap();
    read_sources(folder).unwrap().remove(0)
}

/// All rows of a table, in the order of its files' commits.
pub(crate) async fn rows(lake: &Lake, table: &str) -> Vec<Vec<String>> {
    let name = TableName::parse(table, "raw").unwrap();
    let Some(table) = lake.find(&name).await.unwrap() else { return Vec::new() };
    let schema = table.schema().unwrap().unwrap();
    let mut all = Vec::new();
    for file in table.files().await.unwrap() {
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
            std::fs::File::open(file.local.unwrap()).unwrap(),
        );
        for batch in reader.unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
                Some(column) => column.clone(),
                None => arrow::array::new_null_array(field.data_type(), batch.num_rows()),
            });
            let whole = arrow::array::RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
            all.extend(crate::support::rows(&whole));
        }
    }
    all.sort();
    all
}

/// Without the load id at the end.
fn data(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.into_iter()
        .map(|mut row| {
            row.pop();
            row
        })
        .collect()
}

#[tokio::test]
async fn files_are_loaded_once_by_content() {
    let world = World::new().await;
    write(world.folder.path(), "1.csv", b"a,b\n1,x\n2,y,z\n");
    write(world.folder.path(), "2.csv", b"a,b\n1,x\n2,y,z\n");
    let first = world.load("").await.unwrap();
    assert_eq!((first.rows_in, first.rows_loaded, first.rows_rejected, first.files_skipped), (2, 1, 1, 1));
    assert_eq!(first.tables, ["raw.t", "raw.t__rejects"]);
    let again = world.load("").await.unwrap();
    assert_eq!(
        (again.rows_in, again.files_skipped, again.load_id, again.version),
        (0, 2, None, first.version)
    );
    write(world.folder.path(), "3.csv", b"a,c\n7,2.5\n");
    let third = world.load("").await.unwrap();
    assert_eq!((third.rows_loaded, third.files_skipped), (1, 2));
    assert_eq!(third.files[2].status, FileStatus::Loaded);
    // A column of the table stays in front, the load id where the first load put it, the new one comes last.
    let rows = world.rows("t").await;
    let (one, three) = (first.load_id.clone().unwrap(), third.load_id.unwrap());
    assert_eq!(rows, [["1", "x", &one, "∅"], ["7", "∅", &three, "2.5"]]);
    let rejects = world.rows("t__rejects").await;
    assert_eq!(rejects.len(), 1);
    assert!(rejects[0][0].ends_with("1.csv"));
    assert_eq!(rejects[0][1..], ["3", "expected 2 fields, found 3", "2,y,z", &one]);
    let ledger = world.lake.catalog().ledger("main", "raw.t").await.unwrap();
    let counts: Vec<_> = ledger.iter().map(|entry| (entry.rows_loaded, entry.rows_rejected)).collect();
    assert_eq!(counts, [(1, 1), (1, 0)]);
    assert_eq!(ledger[0].load_id, one);
}

#[tokio::test]
async fn replace_follows_the_files_and_does_nothing_when_they_stay() {
    let world = World::new().await;
    let replace = "    disposition: replace\n";
    write(world.folder.path(), "1.csv", b"a\n1\nx,y\n");
    let first = world.load(replace).await.unwrap();
    assert_eq!(data(world.rows("t").await), [["1"]]);
    assert_eq!(world.rows("t__rejects").await.len(), 1);
    let again = world.load(replace).await.unwrap();
    assert_eq!((again.files_skipped, again.version), (1, first.version));
    // Another type and no rejects: all of the old is gone.
    write(world.folder.path(), "1.csv", b"a\nword\n");
    world.load(replace).await.unwrap();
    assert_eq!(data(world.rows("t").await), [["word"]]);
    assert!(world.rows("t__rejects").await.is_empty());
    // Back to the first content: it counts as not loaded, because its rows went.
    write(world.folder.path(), "1.csv", b"a\n1\nx,y\n");
    assert_eq!(world.load(replace).await.unwrap().rows_loaded, 1);
    assert_eq!(world.rows("t__rejects").await.len(), 1);
    // Other options make other rows of the same files.
    let declared = world.load("    disposition: replace\n    columns: { a: string }\n").await.unwrap();
    assert_eq!(declared.rows_loaded, 1);
    // A switch to append knows what is there.
    assert_eq!(world.load("").await.unwrap().files_skipped, 1);
    write(world.folder.path(), "2.csv", b"a\n2\n");
    assert_eq!(world.load("").await.unwrap().rows_loaded, 1);
    assert_eq!(data(world.rows("t").await), [["1"], ["2"]]);
    // And back: the appended rows are part of the files, so they stay.
    assert_eq!(world.load(replace).await.unwrap().rows_loaded, 2);
}

#[tokio::test]
async fn a_primary_key_is_known_even_if_nothing_is_loaded() {
    let world = World::new().await;
    write(world.folder.path(), "1.csv", b"day,place\n1,x\n");
    let key = async || {
        let table = TableName::new("raw", "t").unwrap();
        world.lake.catalog().key_columns("main", &table).await.unwrap()
    };
    world.load("").await.unwrap();
    assert!(key().await.is_empty());
    world.load("    primary_key: [Day, place]\n").await.unwrap();
    assert_eq!(key().await, ["day", "place"]);
    let refused = world.load("    primary_key: date\n").await.unwrap_err();
    assert!(refused.to_string().contains("no column `date`"), "{refused}");
    world.load("").await.unwrap();
    assert!(key().await.is_empty());
}

#[tokio::test]
async fn a_contract_holds_against_the_table() {
    let world = World::new().await;
    write(world.folder.path(), "1.csv", b"a\n1\n");
    world.load("").await.unwrap();
    write(world.folder.path(), "2.csv", b"a,b\nx,1\n2,\n");
    let error = world.load("    contract: freeze\n").await.unwrap_err();
    assert_eq!(hanok_error::Coded::code(&error).0, "HK0305");
    assert_eq!(data(world.rows("t").await), [["1"]]);
    let outcome = world.load("    contract: discard_row\n").await.unwrap();
    assert_eq!((outcome.rows_loaded, outcome.rows_rejected), (1, 1));
    assert_eq!(data(world.rows("t").await), [["1"], ["2"]]);
    write(world.folder.path(), "3.csv", b"a,b\ny,3\n");
    world.load("").await.unwrap();
    let rows = world.rows("t").await;
    assert_eq!(rows.iter().map(|row| row.len()).max(), Some(4));
    assert!(rows.iter().any(|row| row[0] == "∅" && row[2..] == ["3", "y"]));
}

#[tokio::test]
async fn a_broken_file_loads_nothing() {
    let world = World::new().await;
    write(world.folder.path(), "1.csv", b"a\n1\n");
    let mut text = b"a\n".to_vec();
    (0..100_000).for_each(|n| text.extend(format!("{n}\n").bytes()));
    let packed = crate::support::gzip(&text);
    write(world.folder.path(), "2.csv", &packed[..packed.len() - 9]);
    let error = world.load("").await.unwrap_err();
    assert_eq!(hanok_error::Coded::code(&error).0, "HK0302");
    assert!(world.rows("t").await.is_empty());
    write(world.folder.path(), "2.csv", &packed);
    assert_eq!(world.load("").await.unwrap().rows_loaded, 100_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_loads_at_once_load_each_file_once() {
    let world = World::new().await;
    for n in 0..4 {
        let text = format!("a,b\n{n},x\nbad {n}\n");
        write(world.folder.path(), &format!("{n}.csv"), text.as_bytes());
    }
    let source = world.source("");
    let other = open_lake(world.folder.path()).await;
    let (one, two) = tokio::join!(
        load(&world.lake, world.folder.path(), &source, &|_| {}),
        load(&other, world.folder.path(), &source, &|_| {}),
    );
    assert_eq!(one.unwrap().rows_loaded + two.unwrap().rows_loaded, 4);
    assert_eq!(world.rows("t").await.len(), 4);
    assert_eq!(world.rows("t__rejects").await.len(), 4);
}

#[tokio::test]
async fn a_lost_ledger_is_written_again_from_the_log() {
    let world = World::new().await;
    write(world.folder.path(), "1.csv", b"a\n1\nx,y\n");
    let first = world.load("").await.unwrap();
    let before = world.lake.catalog().ledger("main", "raw.t").await.unwrap();
    // Another catalog over the same folders: the ledger is empty, the table known.
    let record = world.lake.catalog().table("main", &TableName::parse("t", "raw").unwrap()).await.unwrap();
    assert!(record.is_some());
    let status = std::process::Command::new("sqlite3")
        .arg(world.folder.path().join("catalog.sqlite"))
        .arg("DELETE FROM load_ledger")
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return;
    }
    world.load("").await.unwrap();
    let after = world.lake.catalog().ledger("main", "raw.t").await.unwrap();
    assert_eq!(before, after);
    assert_eq!(after[0].load_id, first.load_id.unwrap());
}
