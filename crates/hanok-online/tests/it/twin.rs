//! Random writes in random order against a plain map.

use std::collections::HashMap;

use hanok_online::{OnlineRead, OnlineWrite, Reader, RowState, Writer};
use proptest::prelude::*;

use crate::kit::{Row, get, schema, write};

fn rows() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let row = (0i64..12, 0i64..20, proptest::option::of(0i64..4), proptest::option::of(any::<i32>()))
        .prop_map(|(id, event_us, created_us, a)| Row { id, event_us, created_us, a: a.map(i64::from) });
    proptest::collection::vec(proptest::collection::vec(row, 0..20), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_row_wins_in_any_order(batches in rows()) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        writer.apply_schema(&schema()).unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let mut twin: HashMap<i64, Row> = HashMap::new();
        for rows in &batches {
            let outcome = write(&mut writer, rows);
            prop_assert_eq!(outcome.written + outcome.older_kept, rows.len() as u64);
            for row in rows {
                let newest = twin.entry(row.id).or_insert(*row);
                if (row.event_us, row.created_us) >= (newest.event_us, newest.created_us) {
                    *newest = *row;
                }
            }
            reader.refresh().unwrap();
            for reader in [&reader, &Reader::open(dir.path()).unwrap()] {
                prop_assert_eq!(reader.key_count("v"), Some(twin.len() as u64));
                for id in 0..12 {
                    let expected = twin.get(&id).map_or((RowState::NotFound, 0, None), |row| {
                        (RowState::Found, row.event_us, row.a)
                    });
                    prop_assert_eq!(get(reader, id, 0), expected);
                }
            }
        }
    }
}
