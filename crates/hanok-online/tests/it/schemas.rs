//! Views that change, and a log of changes that is outrun.

use hanok_online::{
    OnlineRead, OnlineWrite, Reader, RowState, SchemaChange, StoreOptions, ViewSchema, Writer,
};
use hanok_types::ValueType;

use crate::kit::{get, row, schema, write};

#[test]
fn rows_of_an_older_schema_keep_what_kept_its_name_and_type() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    assert_eq!(writer.apply_schema(&schema()).unwrap(), SchemaChange::Created);
    assert_eq!(writer.apply_schema(&schema()).unwrap(), SchemaChange::Unchanged);
    write(&mut writer, &[row(1, 1, 10)]);
    let reader = Reader::open(dir.path()).unwrap();

    // `a` moves, `b` goes, `a2` comes.
    let two = ViewSchema {
        features: vec![("a2".into(), ValueType::String), ("a".into(), ValueType::Int64)],
        ..schema()
    };
    assert_eq!(writer.apply_schema(&two).unwrap(), SchemaChange::Altered);
    for reader in [reader.clone(), Reader::open(dir.path()).unwrap()] {
        reader.refresh().unwrap();
        let views = reader.views();
        assert_eq!(views.table(0).unwrap().schema(), &two);
        let (mut keys, mut rows) = (hanok_online::Keys::default(), hanok_online::Rows::default());
        keys.reset(hanok_online::KeyKind::Word);
        keys.fixed(1);
        assert!(reader.read("v", &keys, &[0, 1], 0, &mut rows));
        assert!(rows.is_null(0, 0) && !rows.is_null(0, 1));
        assert_eq!(rows.word(0, 1), 10);
    }

    // `a` gets another type: the old number must not come back as a float.
    let three = ViewSchema {
        features: vec![("a".into(), ValueType::Float64), ("b".into(), ValueType::Float64)],
        ..schema()
    };
    assert_eq!(writer.apply_schema(&three).unwrap(), SchemaChange::Altered);
    reader.refresh().unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 1, None));
    // Back to the first form: the row was written under it, so it is whole again.
    writer.apply_schema(&schema()).unwrap();
    reader.refresh().unwrap();
    assert_eq!(get(&reader, 1, 0), (RowState::Found, 1, Some(10)));
}

#[test]
fn other_join_keys_empty_the_view_and_a_dropped_view_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&schema()).unwrap();
    writer.apply_schema(&ViewSchema { name: "w".into(), ..schema() }).unwrap();
    write(&mut writer, &[row(1, 1, 10)]);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.key_count("v"), Some(1));
    let other = ViewSchema { join_keys: vec![("id".into(), ValueType::Int32)], ..schema() };
    assert_eq!(writer.apply_schema(&other).unwrap(), SchemaChange::Replaced);
    reader.refresh().unwrap();
    assert_eq!(get(&reader, 1, 0).0, RowState::NotFound);
    assert_eq!(writer.key_count("v").unwrap(), 0);
    assert!(writer.drop_view("v").unwrap());
    assert!(!writer.drop_view("v").unwrap());
    reader.refresh().unwrap();
    assert_eq!((reader.key_count("v"), reader.key_count("w")), (None, Some(0)));
    // A view of the same name starts afresh.
    writer.apply_schema(&schema()).unwrap();
    reader.refresh().unwrap();
    assert_eq!(reader.key_count("v"), Some(0));
}

#[test]
fn a_reader_that_falls_behind_the_log_reads_everything_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.apply_schema(&schema()).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    for round in 0..1_100 {
        write(&mut writer, &[row(round % 7, round, round)]);
    }
    let refreshed = reader.refresh().unwrap();
    assert_eq!(refreshed.views_reloaded, 1);
    assert_eq!(reader.key_count("v"), Some(7));
    assert_eq!(get(&reader, 1_099 % 7, 0), (RowState::Found, 1_099, Some(1_099)));
    assert_eq!(reader.refresh().unwrap(), hanok_online::Refreshed::default());
}

#[test]
fn the_map_and_the_tables_grow() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions { map_bytes: 64 * 1024, ..StoreOptions::default() };
    let mut writer = Writer::open_with(dir.path(), &options).unwrap();
    writer.apply_schema(&schema()).unwrap();
    let reader = Reader::open_with(dir.path(), &options).unwrap();
    let rows: Vec<_> = (0..50_000).map(|id| row(id, 1, id)).collect();
    write(&mut writer, &rows);
    assert_eq!(reader.refresh().unwrap().rows, 50_000);
    assert_eq!(reader.key_count("v"), Some(50_000));
    for id in [0, 1, 25_000, 49_999] {
        assert_eq!(get(&reader, id, 0), (RowState::Found, 1, Some(id)));
    }
    assert_eq!(get(&reader, 50_000, 0).0, RowState::NotFound);
}
