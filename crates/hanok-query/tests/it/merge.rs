//! Merges of tables with a declared key, compared row by row.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use hanok_catalog::{BranchKind, Catalog};
use hanok_lake::{
    CommitMode, CommitOptions, Conflict, ForkRequest, Lake, MergeMode, RowCounts, TableMerge, TableWriter,
    WriterOptions,
};
use hanok_query::{Session, SessionOptions};
use hanok_types::{BranchName, TableName};

use crate::fault::FaultStore;

/// Key → value.
type Rows = BTreeMap<i64, Option<i64>>;

const KEY: &str = "id";
/// More calls of the storage than any merge here has.
const CALLS_MAX: i64 = 400;

fn table() -> TableName {
    TableName::new("mart", "반").unwrap()
}

fn options(folder: &Path) -> SessionOptions {
    SessionOptions { threads: 2, memory_bytes_max: 64 << 20, spill_folder: folder.join("spill") }
}

/// A lake whose merges compare rows.
fn comparing(lake: &Lake, folder: &Path) -> Lake {
    lake.comparing_rows(Arc::new(Session::open(lake, &options(folder)).unwrap()))
}

async fn open(folder: &Path) -> Lake {
    let catalog = Catalog::open(&folder.join("catalog.sqlite")).await.unwrap();
    comparing(&Lake::open_local(&folder.join("lake"), catalog).unwrap(), folder)
}

fn batch(columns: &[(&str, Vec<Option<i64>>)]) -> RecordBatch {
    let columns = columns.iter().map(|(name, values)| -> (&str, ArrayRef, bool) {
        (name, Arc::new(Int64Array::from(values.clone())), true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

async fn commit(lake: &Lake, rows: RecordBatch, mode: CommitMode) {
    let mut table = lake.table_for_write(&table()).await.unwrap();
    let mut writer = TableWriter::new(&table, &rows.schema(), WriterOptions::default()).unwrap();
    writer.write(rows).await.unwrap();
    let staged = writer.finish().await.unwrap();
    let options = CommitOptions { evolve: true, key: Some(vec![KEY.to_owned()]), ..CommitOptions::default() };
    table.commit(staged, mode, &options).await.unwrap();
}

async fn write(lake: &Lake, rows: impl IntoIterator<Item = (i64, i64)>, mode: CommitMode) {
    let (keys, values) = rows.into_iter().map(|(key, value)| (Some(key), Some(value))).unzip();
    commit(lake, batch(&[(KEY, keys), ("v", values)]), mode).await;
}

async fn delete(lake: &Lake, predicate: &str) {
    lake.table(&table()).await.unwrap().raw_delta().delete().with_predicate(predicate).await.unwrap();
}

async fn update(lake: &Lake, key: i64, value: i64) {
    let raw = lake.table(&table()).await.unwrap().raw_delta();
    raw.update().with_predicate(format!("{KEY} = {key}")).with_update("v", value.to_string()).await.unwrap();
}

async fn optimize(lake: &Lake) {
    lake.table(&table()).await.unwrap().optimize(NonZeroU64::new(1 << 20).unwrap()).await.unwrap();
}

/// The rows of the table, no key twice.
async fn rows(lake: &Lake, folder: &Path) -> Rows {
    let session = Session::open(lake, &options(folder)).unwrap();
    let mut rows = Rows::new();
    for batch in session.sql("select id, v from mart.\"반\"").await.unwrap().collect().await.unwrap() {
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let value = column(1).is_valid(row).then(|| column(1).value(row));
            assert!(rows.insert(column(0).value(row), value).is_none(), "a key is there twice");
        }
    }
    rows
}

fn pairs(range: Range<i64>, value: i64) -> Vec<(i64, i64)> {
    range.map(|key| (key, value)).collect()
}

async fn fork(lake: &Lake, name: &str) -> Lake {
    let request = ForkRequest {
        name: BranchName::new(name).unwrap(),
        kind: BranchKind::Branch,
        as_of: None,
        tables: None,
        expires_us: None,
        created_by: String::new(),
    };
    lake.fork(&request).await.unwrap();
    lake.on_branch(name).await.unwrap()
}

/// Main with one table, and a branch of it.
async fn two_sides(main: &Lake) -> Lake {
    write(main, pairs(0..10, 0), CommitMode::Replace).await;
    fork(main, "dev").await
}

async fn merged(dev: &Lake) -> Vec<TableMerge> {
    let outcome = dev.merge(MergeMode::Strict, false).await.unwrap();
    assert!(outcome.conflicts.is_empty(), "{:#?}", outcome.conflicts);
    outcome.tables
}

async fn refused(dev: &Lake) -> Vec<Conflict> {
    let strict = dev.merge(MergeMode::Strict, false).await.unwrap();
    assert!(strict.id.is_none());
    assert_eq!(dev.merge(MergeMode::Lenient, false).await.unwrap().conflicts, strict.conflicts);
    strict.conflicts
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => _ = found.insert(path.display().to_string(), std::fs::read(&path).unwrap()),
        }
    }
    found.retain(|path, _| Path::new(path).extension() != Some("lock".as_ref()));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_both_sides_built_is_merged_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_sides(&main).await;
    let built = |changed: &[(i64, i64)], from: i64| {
        let mut rows: BTreeMap<i64, i64> = pairs(from..10, 0).into_iter().collect();
        rows.extend(changed.iter().copied());
        rows
    };
    // 1 is gone, 3 changed and 20 came on the branch; 5 changed and 21 came on main; both made 30 and 7 the same.
    let mut ours = built(&[(3, 1), (20, 1), (30, 3), (7, 3)], 0);
    ours.remove(&1);
    write(&dev, ours, CommitMode::Replace).await;
    write(&main, built(&[(5, 2), (21, 2), (30, 3), (7, 3)], 0), CommitMode::Replace).await;
    let tried = dev.merge(MergeMode::Strict, true).await.unwrap();
    let counts = RowCounts { added: 1, changed: 1, removed: 1 };
    assert_eq!((tried.tables[0].what, tried.tables[0].rows), ("by key", Some(counts)));
    assert_eq!(merged(&dev).await[0].rows, Some(counts));
    let mut expected: Rows = pairs(0..10, 0).into_iter().map(|(key, value)| (key, Some(value))).collect();
    expected.remove(&1);
    for (key, value) in [(3, 1), (20, 1), (5, 2), (21, 2), (30, 3), (7, 3)] {
        expected.insert(key, Some(value));
    }
    assert_eq!(rows(&main, folder.path()).await, expected);
    assert!(merged(&dev).await.is_empty(), "it has been merged");

    // The branch goes on from its own files, which main does not have.
    update(&dev, 4, 9).await;
    let again = merged(&dev).await;
    assert_eq!(again[0].rows, Some(RowCounts { changed: 1, ..RowCounts::default() }));
    expected.insert(4, Some(9));
    assert_eq!(rows(&main, folder.path()).await, expected);
    let fresh = open(folder.path()).await;
    assert_eq!(fresh.table(&table()).await.unwrap().rows().await.unwrap(), Some(expected.len() as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_both_changed_are_a_conflict_that_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_sides(&main).await;
    update(&dev, 3, 1).await;
    update(&main, 3, 2).await;
    delete(&dev, "id = 4").await;
    update(&main, 4, 2).await;
    write(&dev, [(11, 1)], CommitMode::Append).await;
    write(&main, [(11, 2)], CommitMode::Append).await;
    let before = files(&folder.path().join("lake/main"));
    let told = refused(&dev).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].reason,
        "both sides changed rows otherwise (here: the branch, there: `main`): id=3 (changed here, changed there); \
         id=4 (deleted here, changed there); id=11 (added here, added there)"
    );
    assert_eq!(files(&folder.path().join("lake/main")), before, "nothing has changed");
    // Once both agree, it is no conflict any more.
    for (key, value) in [(3, 2), (11, 2)] {
        update(&dev, key, value).await;
    }
    write(&dev, [(4, 2)], CommitMode::Append).await;
    assert_eq!(merged(&dev).await[0].rows, Some(RowCounts::default()));
    let both = (rows(&main, folder.path()).await, rows(&dev, folder.path()).await);
    assert_eq!(both.0, both.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_other_keys_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_sides(&main).await;
    delete(&dev, "id < 2").await;
    write(&main, pairs(20..25, 2), CommitMode::Append).await;
    // Files do not conflict, so they are taken as they are, in strict mode too.
    let tables = merged(&dev).await;
    assert_eq!((tables[0].what, tables[0].rows), ("merged", None));
    assert_eq!(rows(&main, folder.path()).await.len(), 13);
    // The same rows on both sides are there once.
    write(&dev, pairs(30..33, 3), CommitMode::Append).await;
    write(&main, pairs(32..35, 3), CommitMode::Append).await;
    assert_eq!(merged(&dev).await[0].rows, Some(RowCounts { added: 2, ..RowCounts::default() }));
    assert_eq!(rows(&main, folder.path()).await.len(), 18);
    // Moving rows between files changes none.
    optimize(&main).await;
    update(&dev, 9, 9).await;
    assert_eq!(merged(&dev).await[0].rows, Some(RowCounts { changed: 1, ..RowCounts::default() }));
    assert_eq!(rows(&main, folder.path()).await[&9], Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_one_side_is_null_in_the_rows_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_sides(&main).await;
    let wider = batch(&[(KEY, vec![Some(50)]), ("v", vec![Some(1)]), ("w", vec![Some(7)])]);
    commit(&dev, wider, CommitMode::Append).await;
    update(&dev, 2, 1).await;
    update(&main, 3, 2).await;
    let counts = RowCounts { added: 1, changed: 1, removed: 0 };
    assert_eq!(merged(&dev).await[0].rows, Some(counts));
    let session = Session::open(&main, &options(folder.path())).unwrap();
    let sql = "select sum(w) as w, count(*) as n, sum(v) as v from mart.\"반\"";
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    let found: Vec<i64> =
        batches[0].columns().iter().map(|column| column.as_primitive::<Int64Type>().value(0)).collect();
    assert_eq!(found, [7, 11, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_tell_rows_apart_leaves_files_to_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let main = open(folder.path()).await;
    let dev = two_sides(&main).await;
    write(&dev, [(11, 1), (11, 2)], CommitMode::Append).await;
    write(&main, [(12, 1)], CommitMode::Append).await;
    // Files do not conflict: both are taken, as without a key.
    assert_eq!(merged(&dev).await[0].what, "merged");
    write(&dev, pairs(0..5, 1), CommitMode::Replace).await;
    write(&main, pairs(0..5, 2), CommitMode::Replace).await;
    let told = refused(&dev).await;
    assert!(told[0].reason.starts_with("both sides replaced "), "{told:#?}");
    assert!(
        told[0].remedy.ends_with("; its key (id) does not help: where both sides began, rows share id=11"),
        "{told:#?}"
    );
}

/// SplitMix64: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % sides as u64) as i64
    }
}

/// Changes a side at random, and its model with it.
async fn change(lake: &Lake, model: &mut Rows, dice: &mut Dice) {
    let (key, value) = (dice.roll(12), dice.roll(3));
    match dice.roll(6) {
        0 if !model.contains_key(&key) => {
            write(lake, [(key, value)], CommitMode::Append).await;
            model.insert(key, Some(value));
        }
        1 | 2 if model.contains_key(&key) => {
            update(lake, key, value).await;
            model.insert(key, Some(value));
        }
        3 => {
            delete(lake, &format!("id = {key}")).await;
            model.remove(&key);
        }
        4 => {
            model.insert(key, Some(value));
            let rows = model.iter().map(|(key, value)| (*key, value.unwrap()));
            write(lake, rows.collect::<Vec<_>>(), CommitMode::Replace).await;
        }
        _ => optimize(lake).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_changes_of_both_sides_merge_as_rows_do() {
    for seed in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let main = open(folder.path()).await;
        let dev = two_sides(&main).await;
        let mut dice = Dice(seed);
        let mut theirs = rows(&main, folder.path()).await;
        let mut ours = theirs.clone();
        let mut base = theirs.clone();
        for round in 0..4 {
            for _ in 0..dice.roll(3) {
                change(&dev, &mut ours, &mut dice).await;
            }
            for _ in 0..dice.roll(3) {
                change(&main, &mut theirs, &mut dice).await;
            }
            let mut expected = theirs.clone();
            let mut conflict = false;
            for key in 0..12 {
                let (was, our, their) = (base.get(&key), ours.get(&key), theirs.get(&key));
                if was == our || our == their {
                    continue;
                }
                conflict |= was != their;
                match our {
                    Some(value) => expected.insert(key, *value),
                    None => expected.remove(&key),
                };
            }
            let outcome = dev.merge(MergeMode::Strict, false).await.unwrap();
            let context = format!("seed {seed}, round {round}: {outcome:#?}");
            assert_eq!(!outcome.conflicts.is_empty(), conflict, "{context}");
            if !conflict {
                theirs = expected;
                base = ours.clone();
            }
            assert_eq!(rows(&main, folder.path()).await, theirs, "{context}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_of_the_storage_fails_a_merge_by_key_is_whole_or_not_there() {
    let (mut wholes, mut nones) = (0, 0);
    for after in [false, true] {
        // Every call fails once, before its work or after it.
        for call in (i64::from(after)..CALLS_MAX).step_by(2) {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
            let faults = FaultStore::new();
            let plain = Lake::open_store(Arc::new(faults.clone()), catalog);
            let main = comparing(&plain, folder.path());
            let dev = two_sides(&main).await;
            write(&dev, pairs(5..12, 1), CommitMode::Replace).await;
            write(&main, pairs(0..10, 0).into_iter().chain([(20, 2)]), CommitMode::Replace).await;
            let none = rows(&main, folder.path()).await;
            let mut whole: Rows = pairs(5..12, 1).into_iter().map(|(key, v)| (key, Some(v))).collect();
            whole.insert(20, Some(2));
            faults.fail_at(call, after);
            let failed = dev.merge(MergeMode::Strict, false).await.is_err();
            let hit = faults.has_failed();
            faults.heal();
            // The next process opens the project before it has anything to sort rows with.
            plain.recover_merges().await.unwrap();
            let found = rows(&main, folder.path()).await;
            assert!(found == whole || (failed && found == none), "call {call}, after {after}: {found:?}");
            *(if found == whole { &mut wholes } else { &mut nones }) += 1;
            assert!(dev.merge(MergeMode::Strict, false).await.unwrap().conflicts.is_empty());
            assert_eq!(rows(&main, folder.path()).await, whole, "call {call}, after {after}");
            main.catalog().close().await;
            if !hit {
                break;
            }
            assert!(call + 2 < CALLS_MAX, "a merge has more calls");
        }
    }
    assert!(wholes > 2 && nones > 2, "faults hit before and after the journal: {wholes}, {nones}");
}
