//! Input that cannot be joined: every kind of it is a coded error, and nothing else happens.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use hanok_error::Coded;
use hanok_pit::{EntityFrame, FeatureFile, FeatureSource, JoinOptions, PitError, ValueColumn, View, join};
use hanok_types::ValueType;

use crate::fixture::{Layout, collect, local, parquet_bytes};

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn times(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn frame(batch: RecordBatch) -> EntityFrame {
    EntityFrame { schema: batch.schema(), batches: vec![batch], timestamp: "ts".to_owned() }
}

fn entity() -> EntityFrame {
    frame(batch(vec![("k", numbers(&[1, 2])), ("ts", times(&[10, 20]))]))
}

fn features() -> RecordBatch {
    batch(vec![("k", numbers(&[1, 2])), ("ts", times(&[5, 15])), ("x", numbers(&[100, 200]))])
}

fn view(files: Vec<FeatureFile>) -> View {
    View {
        name: "v".to_owned(),
        source: FeatureSource::Files(files),
        keys: vec![("k".to_owned(), "k".to_owned())],
        timestamp: "ts".to_owned(),
        created: None,
        ttl_us: None,
        values: vec![ValueColumn { source: "x".to_owned(), output: "x".to_owned(), target: None }],
        as_known_at: false,
    }
}

fn file(folder: &tempfile::TempDir, name: &str, batch: &RecordBatch) -> FeatureFile {
    local(folder.path(), name, &parquet_bytes(batch, Layout::default()))
}

fn code(entity: EntityFrame, view: View) -> &'static str {
    let joined = join(entity, vec![view], &JoinOptions::default());
    let error = match joined {
        Err(error) => error,
        Ok(joined) => joined.collect::<Result<Vec<_>, PitError>>().unwrap_err(),
    };
    assert!(error.code().info().is_some());
    error.code().0
}

#[test]
fn missing_and_unfit_columns_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = || vec![file(&folder, "good.parquet", &features())];
    let mut missing = view(good());
    missing.values[0].source = "y".to_owned();
    assert_eq!(code(entity(), missing), "HK1001");
    let mut missing = view(good());
    missing.keys[0].0 = "nobody".to_owned();
    assert_eq!(code(entity(), missing), "HK1001");
    let mut missing = view(good());
    missing.created = Some("created".to_owned());
    let error = join(entity(), vec![missing], &JoinOptions::default()).unwrap_err();
    assert_eq!(error.code().0, "HK1001");
    assert_eq!(error.hint().unwrap(), "the columns there are: k, ts, x");

    let mut not_a_time = view(good());
    not_a_time.timestamp = "x".to_owned();
    assert_eq!(code(entity(), not_a_time), "HK1002");
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1", "2"]));
    assert_eq!(code(frame(batch(vec![("k", text), ("ts", times(&[1, 2]))])), view(good())), "HK1003");
    let real: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    assert_eq!(code(frame(batch(vec![("k", real), ("ts", times(&[1, 2]))])), view(good())), "HK1002");
    let mut twice = view(good());
    twice.values[0].output = "k".to_owned();
    assert_eq!(code(entity(), twice), "HK1006");
    let mut negative = view(good());
    negative.ttl_us = Some(-1);
    assert_eq!(code(entity(), negative), "HK1008");
    let mut known = view(good());
    known.as_known_at = true;
    assert_eq!(code(entity(), known), "HK1008");
}

#[test]
fn damaged_and_missing_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let good = parquet_bytes(&features(), Layout::default());
    for cut in [0, 3, 11, good.len() / 2, good.len() - 1] {
        assert_eq!(
            code(entity(), view(vec![local(folder.path(), "cut.parquet", &good[..cut])])),
            "HK1004",
            "{cut}"
        );
    }
    let mut absent = local(folder.path(), "absent.parquet", &good);
    std::fs::remove_file(absent.local.as_ref().unwrap()).unwrap();
    assert_eq!(code(entity(), view(vec![absent.clone()])), "HK1004");
    absent.local = None;
    assert_eq!(code(entity(), view(vec![absent])), "HK1004");
}

/// Whatever byte is wrong, there is an error or an answer, never a crash.
#[test]
fn flipped_bytes_never_crash() {
    let folder = tempfile::tempdir().unwrap();
    let good = parquet_bytes(
        &features(),
        Layout { compression: parquet::basic::Compression::UNCOMPRESSED, ..Layout::default() },
    );
    for at in 0..good.len() {
        for flip in [0xff, 0x01, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            let view = view(vec![local(folder.path(), &format!("bad-{at}-{flip}.parquet"), &bad)]);
            let options = JoinOptions { threads: 1, ..JoinOptions::default() };
            if let Ok(joined) = join(entity(), vec![view], &options) {
                let _ = joined.collect::<Result<Vec<_>, PitError>>();
            }
        }
    }
}

#[test]
fn a_column_that_older_files_lack_is_null_there() {
    let folder = tempfile::tempdir().unwrap();
    let old = file(&folder, "old.parquet", &batch(vec![("k", numbers(&[1])), ("ts", times(&[5]))]));
    let newer: ArrayRef = Arc::new(arrow::array::Int32Array::from(vec![7]));
    let new =
        file(&folder, "new.parquet", &batch(vec![("k", numbers(&[2])), ("ts", times(&[6])), ("x", newer)]));
    let mut view = view(vec![old, new]);
    view.values[0].target = Some(ValueType::Int64);
    let out = collect(join(entity(), vec![view], &JoinOptions::default()).unwrap());
    assert_eq!(out.column(2).as_ref(), &Int64Array::from(vec![None, Some(7)]));
}

#[test]
fn a_value_that_does_not_fit_its_declared_type_is_an_error_not_a_null() {
    let folder = tempfile::tempdir().unwrap();
    let big = batch(vec![("k", numbers(&[1])), ("ts", times(&[5])), ("x", numbers(&[1 << 40]))]);
    let mut view = view(vec![file(&folder, "big.parquet", &big)]);
    view.values[0].target = Some(ValueType::Int32);
    assert_eq!(code(entity(), view), "HK1002");
}

#[test]
fn nothing_on_either_side_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let none = EntityFrame { schema: entity().schema, batches: vec![], timestamp: "ts".to_owned() };
    let joined =
        join(none, vec![view(vec![file(&folder, "a.parquet", &features())])], &JoinOptions::default())
            .unwrap();
    assert_eq!(joined.schema().fields().len(), 3);
    assert_eq!(joined.count(), 0);
    let mut empty = view(vec![]);
    empty.values[0].target = Some(ValueType::Int64);
    let out = collect(join(entity(), vec![empty], &JoinOptions::default()).unwrap());
    assert_eq!(out.column(2).null_count(), 2);
    let empty = file(&folder, "empty.parquet", &features().slice(0, 0));
    let out = collect(join(entity(), vec![view(vec![empty])], &JoinOptions::default()).unwrap());
    assert_eq!(out.column(2).null_count(), 2);
}
