//! What the tests share: small schemas, batches and lookups.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use hanok_online::{
    KeyKind, Keys, OnlineRead, OnlineWrite, Reader, RowState, Rows, ViewSchema, WriteBatch, WriteOutcome,
    Writer,
};
use hanok_types::ValueType;

/// View `v`: key `id`, features `a` (int64) and `b` (float64).
pub(crate) fn schema() -> ViewSchema {
    ViewSchema {
        name: "v".into(),
        join_keys: vec![("id".into(), ValueType::Int64)],
        features: vec![("a".into(), ValueType::Int64), ("b".into(), ValueType::Float64)],
        ttl_us: None,
    }
}

/// One row of view `v`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub id: i64,
    pub event_us: i64,
    pub created_us: Option<i64>,
    pub a: Option<i64>,
}

pub(crate) fn row(id: i64, event_us: i64, a: i64) -> Row {
    Row { id, event_us, created_us: None, a: Some(a) }
}

pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.id)))),
        ("at", timestamps(rows.iter().map(|row| Some(row.event_us)))),
        ("made", timestamps(rows.iter().map(|row| row.created_us))),
        ("a", Arc::new(rows.iter().map(|row| row.a).collect::<Int64Array>())),
        ("b", Arc::new(rows.iter().map(|row| row.a.map(|a| a as f64 / 2.0)).collect::<Float64Array>())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn timestamps(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

pub(crate) fn request(rows: &RecordBatch) -> WriteBatch<'_> {
    WriteBatch { rows, event_timestamp: "at", created: Some("made"), watermark: None }
}

pub(crate) fn write(writer: &mut Writer, rows: &[Row]) -> WriteOutcome {
    writer.write("v", &request(&batch(rows))).unwrap()
}

/// State, event timestamp and column `a` of a key; checks that `b` belongs to the same row.
pub(crate) fn get(reader: &Reader, id: i64, now_us: i64) -> (RowState, i64, Option<i64>) {
    let mut keys = Keys::default();
    keys.reset(KeyKind::Word);
    keys.fixed(id);
    keys.finish();
    let mut rows = Rows::default();
    assert!(reader.read("v", &keys, &[0, 1], now_us, &mut rows));
    let a = (rows.states()[0] == RowState::Found && !rows.is_null(0, 0)).then(|| rows.word(0, 0) as i64);
    if let Some(a) = a {
        assert!((f64::from_bits(rows.word(0, 1)) - a as f64 / 2.0).abs() < 1e-9, "a torn row");
    }
    (rows.states()[0], rows.events_us()[0], a)
}
