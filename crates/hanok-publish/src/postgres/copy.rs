//! Rows in the binary format of `COPY`: <https://www.postgresql.org/docs/current/sql-copy.html>, the section on binary files;
//! values as the types' `send` functions write them.

use arrow::array::ArrayRef;
use arrow::datatypes::i256;
use bytes::{BufMut as _, BytesMut};

use crate::cell::{Cell, DATE_RANGE, Problem, cell};
use crate::kind::Kind;

/// The signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The end of the rows.
pub(super) const TRAILER: &[u8] = &[0xff, 0xff];

/// Days and microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i64 = 10_957;
const EPOCH_US: i64 = EPOCH_DAYS * crate::cell::DAY_US;
/// 4713-11-24 BC, the first day, and the day after the last one, in PostgreSQL's count.
const DAYS: std::ops::Range<i64> = -2_451_545..2_145_031_949;
/// The same of timestamps, whose years end with 294276.
const TIMES_US: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
const TOO_LONG: Problem = "has a value of more than a GiB";
/// The server's limit of a value.
const VALUE_BYTES_MAX: usize = 1 << 30;

/// Appends a row. An error names the column.
pub(super) fn encode(
    out: &mut BytesMut,
    kinds: &[Kind],
    columns: &[ArrayRef],
    row: usize,
) -> Result<(), (usize, Problem)> {
    // There are at most 1600 columns.
    out.put_i16(columns.len() as i16);
    for (at, (column, kind)) in columns.iter().zip(kinds).enumerate() {
        cell(column.as_ref(), row).and_then(|cell| put(out, *kind, cell)).map_err(|problem| (at, problem))?;
    }
    Ok(())
}

fn put(out: &mut BytesMut, kind: Kind, cell: Cell<'_>) -> Result<(), Problem> {
    if cell == Cell::Null {
        out.put_i32(-1);
        return Ok(());
    }
    let start = out.len();
    out.put_i32(0);
    match (cell, kind) {
        (Cell::Null, _) => {}
        (Cell::Bool(value), _) => out.put_u8(value.into()),
        (Cell::Int(value), Kind::Int16) => out.put_i16(value as i16),
        (Cell::Int(value), Kind::Int32) => out.put_i32(value as i32),
        (Cell::Int(value) | Cell::Time(value), _) => out.put_i64(value),
        (Cell::Float32(value), _) => out.put_f32(value),
        (Cell::Float64(value), _) => out.put_f64(value),
        (Cell::Decimal(value, scale), _) => numeric(out, value, scale),
        (Cell::Text(text), _) => out.put_slice(text.as_bytes()),
        (Cell::Bytes(bytes), _) => out.put_slice(bytes),
        (Cell::Date(days), _) => out.put_i32(shifted(days, EPOCH_DAYS, &DAYS)? as i32),
        (Cell::Timestamp { us, .. }, _) => out.put_i64(shifted(us, EPOCH_US, &TIMES_US)?),
        (Cell::Duration(us), _) => {
            out.put_i64(us);
            // Days and months.
            out.put_i64(0);
        }
        (Cell::Json(text), _) => {
            // The version of the format.
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
    }
    let length = out.len() - start - 4;
    if length > VALUE_BYTES_MAX {
        return Err(TOO_LONG);
    }
    out[start..start + 4].copy_from_slice(&(length as i32).to_be_bytes());
    Ok(())
}

fn shifted(value: i64, epoch: i64, range: &std::ops::Range<i64>) -> Result<i64, Problem> {
    value.checked_sub(epoch).filter(|value| range.contains(value)).ok_or(DATE_RANGE)
}

/// A decimal as groups of four digits: their number, the power of 10,000 of the first one, sign, digits after the point,
/// groups. Groups of zeros at both ends are left out.
fn numeric(out: &mut BytesMut, value: i256, scale: u8) {
    let text = value.to_string();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
    let after = usize::from(scale).next_multiple_of(4);
    let digits = format!("{digits}{}", "0".repeat(after - usize::from(scale)));
    let digits = format!("{digits:0>width$}", width = digits.len().next_multiple_of(4).max(after));
    let groups: Vec<u16> = digits
        .as_bytes()
        .chunks(4)
        .map(|group| group.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
        .collect();
    let mut weight = groups.len() as i16 - (after / 4) as i16 - 1;
    let first = groups.iter().position(|group| *group > 0).unwrap_or(groups.len());
    let last = groups.iter().rposition(|group| *group > 0).map_or(first, |last| last + 1);
    weight -= first as i16;
    out.put_i16((last - first) as i16);
    out.put_i16(if first == last { 0 } else { weight });
    out.put_u16(if negative { 0x4000 } else { 0 });
    out.put_u16(scale.into());
    groups[first..last].iter().for_each(|group| out.put_u16(*group));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cell::decimal_text;

    fn groups(value: i128, scale: u8) -> Vec<u16> {
        let mut out = BytesMut::new();
        numeric(&mut out, i256::from_i128(value), scale);
        out.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    }

    #[test]
    fn decimals_are_groups_of_four_digits() {
        // As `select numeric_send(…)` shows them.
        assert_eq!(groups(0, 2), [0, 0, 0, 2]);
        assert_eq!(groups(12345, 2), [2, 0, 0, 2, 123, 4500]);
        assert_eq!(groups(-1, 4), [1, 0xffff, 0x4000, 4, 1]);
        assert_eq!(groups(120_000_000, 0), [2, 2, 0, 0, 1, 2000]);
        assert_eq!(groups(5, 5), [1, 0xfffe, 0, 5, 5000]);
    }

    /// The text of a decimal in groups, as the server prints it.
    fn printed(groups: &[u16]) -> String {
        let (weight, scale) = (i32::from(groups[1] as i16), usize::from(groups[3]));
        let group = |at: i32| -> u16 {
            let index = weight - at;
            if index < 0 { 0 } else { groups[4..].get(index as usize).copied().unwrap_or(0) }
        };
        let whole: String = (0..=weight.max(0)).rev().map(|at| format!("{:04}", group(at))).collect();
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let fraction: String = (1..=10).map(|at| format!("{:04}", group(-at))).collect();
        let sign = if groups[2] == 0x4000 { "-" } else { "" };
        if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &fraction[..scale]) }
    }

    proptest! {
        #[test]
        fn decimals_keep_every_digit(value in any::<i128>(), shift in 0_u32..127, scale in 0_u8..38) {
            let value = value >> shift;
            prop_assert_eq!(printed(&groups(value, scale)), decimal_text(i256::from_i128(value), scale));
        }
    }

    #[test]
    fn dates_outside_of_the_servers_range_are_refused() {
        let mut out = BytesMut::new();
        for (days, fits) in [
            (0, true),
            (-2_440_588, true),
            (-2_440_589, false),
            (2_145_042_905, true),
            (2_145_042_906, false),
        ] {
            assert_eq!(put(&mut out, Kind::Date, Cell::Date(days)).is_ok(), fits, "{days}");
        }
        assert!(put(&mut out, Kind::Timestamp, Cell::Timestamp { us: i64::MIN, utc: false }).is_err());
    }
}
