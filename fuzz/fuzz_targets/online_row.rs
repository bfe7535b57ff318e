//! The decoder of stored rows: any bytes are a row or an error, and a row's strings are UTF-8.
#![no_main]

use hanok_online::{StoredRow, StoredValue};
use hanok_types::ValueType;

const TYPES: [ValueType; 8] = [
    ValueType::Bool,
    ValueType::Int32,
    ValueType::Int64,
    ValueType::Float32,
    ValueType::Float64,
    ValueType::String,
    ValueType::Bytes,
    ValueType::Timestamp,
];

// The first byte says how many features the schema has, and from which type on they rotate.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&first, row)) = bytes.split_first() else {
        return;
    };
    let types: Vec<ValueType> =
        (0..usize::from(first >> 3)).map(|at| TYPES[(at + usize::from(first & 7)) % TYPES.len()]).collect();
    let Ok(row) = StoredRow::decode(row, &types) else {
        return;
    };
    let _ = (row.event_us(), row.created_us());
    for (column, value_type) in types.iter().enumerate() {
        match row.value(column) {
            Some(StoredValue::Bytes(text)) if *value_type == ValueType::String => {
                assert!(std::str::from_utf8(text).is_ok());
            }
            Some(StoredValue::Word(word)) if *value_type == ValueType::Bool => assert!(word < 2),
            _ => {}
        }
    }
});
