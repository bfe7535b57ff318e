//! What comes back: every type, nulls, keys of every kind, ttl.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, TimestampNanosecondArray, UInt16Array,
};
use hanok_online::{
    KeyKind, Keys, OnlineRead, OnlineWrite, Reader, RowState, Rows, ViewSchema, WriteBatch, WriteError,
    WriteOutcome, Writer,
};
use hanok_types::ValueType;

use crate::kit::{Row, batch, get, request, row, schema, timestamps, write};

#[test]
fn every_type_reads_back_with_its_nulls() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    let types = [
        ("bool", ValueType::Bool),
        ("i32", ValueType::Int32),
        ("i64", ValueType::Int64),
        ("f32", ValueType::Float32),
        ("f64", ValueType::Float64),
        ("text", ValueType::String),
        ("bytes", ValueType::Bytes),
        ("ts", ValueType::Timestamp),
    ];
    let schema = ViewSchema {
        name: "all".into(),
        join_keys: vec![("origin".into(), ValueType::String), ("seat".into(), ValueType::Int32)],
        features: types.map(|(name, value_type)| (name.to_owned(), value_type)).to_vec(),
        ttl_us: None,
    };
    writer.apply_schema(&schema).unwrap();
    let long = "k".repeat(2_000);
    let columns: [(&str, ArrayRef); 11] = [
        ("origin", Arc::new(LargeStringArray::from(vec!["JFK", "서울", long.as_str()]))),
        ("seat", Arc::new(UInt16Array::from(vec![1, 2, 3]))),
        ("at", timestamps([1, 2, 3].into_iter().map(Some))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("i32", Arc::new(Int32Array::from(vec![Some(-7), None, Some(i32::MIN)]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(-1)]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.25), None, Some(f32::NAN)]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(-0.5), None, Some(f64::INFINITY)]))),
        ("text", Arc::new(StringArray::from(vec![Some("한옥"), None, Some("")]))),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&b"\0\xff"[..]), None, Some(b"")]))),
        ("ts", Arc::new(TimestampNanosecondArray::from(vec![Some(5_000), None, Some(-1_000)]))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let batch = WriteBatch { rows: &rows, event_timestamp: "at", created: None, watermark: None };
    assert_eq!(writer.write("all", &batch).unwrap().written, 3);
    // Once from a filled table, once from a refreshed one.
    let reader = Reader::open(dir.path()).unwrap();
    check_all(&reader, &long);
    writer.write("all", &batch).unwrap();
    assert_eq!(reader.refresh().unwrap().rows, 3);
    check_all(&reader, &long);
}

fn check_all(reader: &Reader, long: &str) {
    let mut keys = Keys::default();
    keys.reset(KeyKind::Bytes);
    for (origin, seat) in [("JFK", 1), ("서울", 2), (long, 3), ("JFK", 2), ("", 1)] {
        keys.variable(origin.as_bytes());
        keys.fixed(seat);
        assert!(keys.finish());
    }
    let mut rows = Rows::default();
    assert!(reader.read("all", &keys, &[0, 1, 2, 3, 4, 5, 6, 7], 0, &mut rows));
    let (found, absent) = (RowState::Found, RowState::NotFound);
    assert_eq!(rows.states(), [found, found, found, absent, absent]);
    assert_eq!(rows.events_us(), [1, 2, 3, 0, 0]);
    assert!(
        (0..8).all(|column| !rows.is_null(0, column) && rows.is_null(1, column) && !rows.is_null(2, column))
    );
    assert_eq!((rows.word(0, 0), rows.word(2, 0)), (1, 0));
    assert_eq!((rows.word(0, 1) as i64, rows.word(2, 1) as i64), (-7, i64::from(i32::MIN)));
    assert_eq!((rows.word(0, 2) as i64, rows.word(2, 2) as i64), (i64::MAX, -1));
    assert_eq!(f32::from_bits(rows.word(0, 3) as u32).to_bits(), 0.25f32.to_bits());
    assert!(f32::from_bits(rows.word(2, 3) as u32).is_nan());
    assert_eq!(f64::from_bits(rows.word(2, 4)).to_bits(), f64::INFINITY.to_bits());
    assert_eq!((rows.bytes(0, 5), rows.bytes(2, 5)), ("한옥".as_bytes(), &b""[..]));
    assert_eq!((rows.bytes(0, 6), rows.bytes(2, 6)), (&b"\0\xff"[..], &b""[..]));
    assert_eq!((rows.word(0, 7) as i64, rows.word(2, 7) as i64), (5, -1));
    // A projection in another order.
    assert!(reader.read("all", &keys, &[5, 0], 0, &mut rows));
    assert_eq!((rows.bytes(0, 0), rows.word(0, 1)), ("한옥".as_bytes(), 1));
}

#[test]
fn the_newer_event_wins_then_the_newer_created_then_the_later_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&schema()).unwrap();
    assert_eq!(
        write(&mut writer, &[row(1, 100, 1)]),
        WriteOutcome { written: 1, older_kept: 0, null_skipped: 0 }
    );
    assert_eq!(
        write(&mut writer, &[row(1, 99, 2)]),
        WriteOutcome { written: 0, older_kept: 1, null_skipped: 0 }
    );
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 100, Some(1)));
    let made = |created_us, a| Row { id: 1, event_us: 100, created_us, a: Some(a) };
    for (created_us, a, expected) in [(Some(7), 3, 3), (Some(6), 4, 3), (None, 5, 3), (Some(7), 6, 6)] {
        write(&mut writer, &[made(created_us, a)]);
        reader.refresh().unwrap();
        assert_eq!(get(&reader, 1, 0), (RowState::Found, 100, Some(expected)));
    }
    // Within one batch, the last of equal rows.
    let outcome = write(&mut writer, &[row(2, 5, 1), row(2, 6, 2), row(2, 6, 3), row(2, 4, 4)]);
    assert_eq!(outcome, WriteOutcome { written: 1, older_kept: 3, null_skipped: 0 });
    reader.refresh().unwrap();
    assert_eq!(get(&reader, 2, 0), (RowState::Found, 6, Some(3)));
    assert_eq!(writer.key_count("v").unwrap(), 2);
}

#[test]
fn rows_past_their_ttl_read_as_expired() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&ViewSchema { ttl_us: Some(50), ..schema() }).unwrap();
    write(&mut writer, &[row(1, 100, 1)]);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(get(&reader, 1, 150), (RowState::Found, 100, Some(1)));
    assert_eq!(get(&reader, 1, 151), (RowState::Expired, 100, None));
    writer.apply_schema(&ViewSchema { ttl_us: Some(60), ..schema() }).unwrap();
    assert_eq!(reader.refresh().unwrap().views_reloaded, 0);
    assert_eq!(get(&reader, 1, 151), (RowState::Found, 100, Some(1)));
    assert_eq!(get(&reader, 1, i64::MAX), (RowState::Expired, 100, None));
}

#[test]
fn null_keys_and_null_timestamps_are_counted_and_null_values_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&schema()).unwrap();
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("at", timestamps([Some(1), Some(1), None].into_iter())),
        ("a", Arc::new(Int64Array::from(vec![None, Some(1), Some(1)]))),
        ("b", Arc::new(Float64Array::from(vec![None, Some(1.0), Some(1.0)]))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let batch = WriteBatch { rows: &rows, event_timestamp: "at", created: None, watermark: None };
    let outcome = writer.write("v", &batch).unwrap();
    assert_eq!(outcome, WriteOutcome { written: 1, older_kept: 0, null_skipped: 2 });
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 1, None));
}

#[test]
fn a_batch_that_does_not_fit_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&schema()).unwrap();
    let rows = batch(&[row(1, 1, 1)]);
    assert!(matches!(writer.write("w", &request(&rows)), Err(WriteError::ViewUnknown { .. })));
    let part = rows.project(&[0, 1, 2, 3]).unwrap();
    assert!(
        matches!(writer.write("v", &request(&part)), Err(WriteError::ColumnMissing { column, .. }) if column == "b")
    );
    let texts: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(StringArray::from(vec!["1"]))),
        ("at", Arc::clone(rows.column(1))),
        ("made", Arc::clone(rows.column(2))),
        ("a", Arc::clone(rows.column(3))),
        ("b", Arc::clone(rows.column(4))),
    ];
    let texts = RecordBatch::try_from_iter(texts).unwrap();
    assert!(
        matches!(writer.write("v", &request(&texts)), Err(WriteError::ColumnType { column, .. }) if column == "id")
    );
    assert_eq!(writer.key_count("v").unwrap(), 0);
}

#[test]
fn a_watermark_is_committed_with_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&schema()).unwrap();
    assert_eq!(writer.watermark("v").unwrap(), None);
    let rows = batch(&[row(1, 1, 1)]);
    writer.write("v", &WriteBatch { watermark: Some(("v", b"until 7")), ..request(&rows) }).unwrap();
    assert_eq!(writer.watermark("v").unwrap().unwrap(), b"until 7");
    assert_eq!(Reader::open(dir.path()).unwrap().watermark("v").unwrap().unwrap(), b"until 7");
    writer.set_watermark("v", None).unwrap();
    assert_eq!(writer.watermark("v").unwrap(), None);
    let mark = Some(("", &b""[..]));
    assert!(matches!(
        writer.write("v", &WriteBatch { watermark: mark, ..request(&rows) }),
        Err(WriteError::MarkKey { bytes: 0 })
    ));
}

#[test]
fn a_view_without_entities_has_one_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&ViewSchema { join_keys: Vec::new(), ..schema() }).unwrap();
    write(&mut writer, &[row(1, 1, 1), row(2, 3, 3), row(3, 2, 2)]);
    let reader = Reader::open(dir.path()).unwrap();
    let (mut keys, mut rows) = (Keys::default(), Rows::default());
    keys.reset(KeyKind::Bytes);
    keys.finish();
    assert!(reader.read("v", &keys, &[0], 0, &mut rows));
    assert_eq!((rows.states()[0], rows.word(0, 0)), (RowState::Found, 3));
    assert_eq!(reader.key_count("v"), Some(1));
    assert!(!reader.read("w", &keys, &[0], 0, &mut rows));
}

#[test]
fn the_wrong_kind_of_key_or_column_is_not_found_and_does_not_panic() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&schema()).unwrap();
    write(&mut writer, &[row(1, 1, 1)]);
    let reader = Reader::open(dir.path()).unwrap();
    let (mut keys, mut rows) = (Keys::default(), Rows::default());
    keys.reset(KeyKind::Bytes);
    keys.fixed(1);
    keys.finish();
    assert!(reader.read("v", &keys, &[0], 0, &mut rows));
    assert_eq!(rows.states(), [RowState::NotFound]);
    keys.reset(KeyKind::Word);
    keys.fixed(1);
    assert!(reader.read("v", &keys, &[2], 0, &mut rows));
    assert_eq!(rows.states(), [RowState::NotFound]);
    assert!(rows.is_null(0, 0) && rows.bytes(0, 0).is_empty());
}
