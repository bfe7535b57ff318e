//! Lists, structs and maps as JSON text.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

use crate::cell::{Cell, NOT_FINITE, Problem, cell, date_text, decimal_text, time_text, timestamp_text};

/// Appends the value of a row: lists as arrays, structs and maps as objects, decimals as numbers with all digits, times as
/// ISO 8601, durations as microseconds, bytes as hexadecimal digits.
pub(crate) fn write(out: &mut String, array: &dyn Array, row: usize) -> Result<(), Problem> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::List(_) => list(out, array.as_list::<i32>().value(row).as_ref()),
        DataType::LargeList(_) => list(out, array.as_list::<i64>().value(row).as_ref()),
        DataType::FixedSizeList(..) => list(out, array.as_fixed_size_list().value(row).as_ref()),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let members = fields.iter().zip(columns);
            between(out, ['{', '}'], members, |out, (field, column)| {
                string(out, field.name());
                out.push(':');
                write(out, column.as_ref(), row)
            })
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            between(out, ['{', '}'], 0..entries.len(), |out, at| {
                match cell(entries.column(0).as_ref(), at)? {
                    Cell::Text(key) => string(out, key),
                    Cell::Int(key) => out.push_str(&format!("\"{key}\"")),
                    _ => return Err("has a map with a missing key"),
                }
                out.push(':');
                write(out, entries.column(1).as_ref(), at)
            })
        }
        _ => scalar(out, cell(array, row)?),
    }
}

fn list(out: &mut String, items: &dyn Array) -> Result<(), Problem> {
    between(out, ['[', ']'], 0..items.len(), |out, at| write(out, items, at))
}

fn between<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> Result<(), Problem>,
) -> Result<(), Problem> {
    out.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(out, item)?;
    }
    out.push(close);
    Ok(())
}

fn scalar(out: &mut String, cell: Cell<'_>) -> Result<(), Problem> {
    match cell {
        Cell::Null => out.push_str("null"),
        Cell::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Cell::Int(value) | Cell::Duration(value) => out.push_str(&value.to_string()),
        Cell::Float32(value) if value.is_finite() => out.push_str(&format!("{value:?}")),
        Cell::Float64(value) if value.is_finite() => out.push_str(&format!("{value:?}")),
        Cell::Float32(_) | Cell::Float64(_) => return Err(NOT_FINITE),
        Cell::Decimal(value, scale) => out.push_str(&decimal_text(value, scale)),
        Cell::Text(text) => string(out, text),
        Cell::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            string(out, &digits);
        }
        Cell::Date(days) => string(out, &date_text(days)?),
        Cell::Time(us) => string(out, &time_text(us)),
        Cell::Timestamp { us, utc } => {
            string(out, &format!("{}{}", timestamp_text(us, 'T')?, if utc { "Z" } else { "" }));
        }
        Cell::Json(text) => out.push_str(&text),
    }
    Ok(())
}

fn string(out: &mut String, text: &str) {
    // A string has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, ListArray, StringArray, StructArray};
    use arrow::datatypes::{Field, Float64Type};

    use super::*;

    #[test]
    fn nested_values_are_json() {
        let list = ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.0), None, Some(0.5)]),
            None,
            Some(vec![Some(f64::NAN)]),
        ]);
        let name = StringArray::from(vec![Some("하늘 \"\\"), None, Some("")]);
        let fields = [("목록", Arc::new(list) as ArrayRef), ("name", Arc::new(name) as ArrayRef)]
            .map(|(name, array)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array));
        let array = StructArray::from(fields.to_vec());
        let text = |row| {
            let mut out = String::new();
            write(&mut out, &array, row).map(|()| out)
        };
        assert_eq!(text(0).unwrap(), r#"{"목록":[1.0,null,0.5],"name":"하늘 \"\\"}"#);
        assert_eq!(text(1).unwrap(), r#"{"목록":null,"name":null}"#);
        assert_eq!(text(2), Err(NOT_FINITE));
        assert_eq!(cell(&Float64Array::from(vec![f64::INFINITY]), 0), Ok(Cell::Float64(f64::INFINITY)));
    }
}
