//! Values of chosen rows straight from a column chunk's pages, for numbers without nulls: PLAIN values and dictionary
//! indices can be read at any position, so what was not chosen is not decoded.
//!
//! Encodings as in the Parquet format's "Encodings" document. Whatever is not covered here, or looks damaged, is left to
//! the general reader.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use bytes::Bytes;
use parquet::basic::{Encoding, LogicalType, TimeUnit as ParquetUnit, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::error::Result;
use crate::files::OpenFile;
use crate::rowset::RowSet;

/// Bytes of each value of a column that may be read this way; `None` when it is of another kind, or has nulls.
pub(crate) fn fixed_bytes(file: &OpenFile, column: usize) -> Option<usize> {
    // Values are copied as they are in the file.
    if cfg!(target_endian = "big") {
        return None;
    }
    let leaf = file.leaf(column)?;
    let chunks = || file.metadata.row_groups().iter().map(|group| group.column(leaf));
    let descriptor = chunks().next()?.column_descr();
    if descriptor.max_rep_level() > 0 || descriptor.max_def_level() > 1 {
        return None;
    }
    let nulls = |statistics: &parquet::file::statistics::Statistics| statistics.null_count_opt().unwrap_or(0);
    if chunks().any(|chunk| chunk.statistics().is_some_and(|statistics| nulls(statistics) > 0)) {
        return None;
    }
    let data_type = file.schema.field(column).data_type();
    match (descriptor.physical_type(), data_type, descriptor.logical_type_ref()) {
        (Type::DOUBLE, DataType::Float64, _) | (Type::INT64, DataType::Int64, None) => Some(8),
        (
            Type::INT64,
            DataType::Timestamp(TimeUnit::Microsecond, _),
            Some(LogicalType::Timestamp(timestamp)),
        ) => (timestamp.unit == ParquetUnit::MICROS).then_some(8),
        (Type::FLOAT, DataType::Float32, _) | (Type::INT32, DataType::Int32, None) => Some(4),
        _ => None,
    }
}

/// Writes the chosen rows' values of a chunk to `out`, which has room for just these. Returns whether it could; if not,
/// what is in `out` is of no use.
pub(crate) fn gather_fixed(
    file: &OpenFile,
    group: usize,
    column: usize,
    set: &RowSet,
    (bytes, out): (usize, &mut [u8]),
) -> Result<bool> {
    let Some(leaf) = file.leaf(column) else { return Ok(false) };
    let chunk = file.metadata.row_group(group).column(leaf);
    let reader = file.chunk_reader(group, leaf)?;
    let total = file.metadata.row_group(group).num_rows() as usize;
    let Ok(mut pages) = SerializedPageReader::new(Arc::new(reader), chunk, total, None) else {
        return Ok(false);
    };
    let first = file.first_row_of(group);
    let optional = chunk.column_descr().max_def_level() > 0;
    let done = match bytes {
        8 => gather_pages::<8>(&mut pages, optional, set, first..first + total as u64, out),
        4 => gather_pages::<4>(&mut pages, optional, set, first..first + total as u64, out),
        _ => None,
    };
    Ok(done.is_some())
}

fn gather_pages<const BYTES: usize>(
    pages: &mut dyn PageReader,
    optional: bool,
    set: &RowSet,
    rows: Range<u64>,
    out: &mut [u8],
) -> Option<()> {
    let mut dictionary = Bytes::new();
    let mut places = out.as_chunks_mut::<BYTES>().0.iter_mut();
    let mut row = rows.start;
    while let Some(page) = pages.get_next_page().ok()? {
        let (bytes, values, encoding) = match &page {
            Page::DictionaryPage { buf, num_values, .. } => {
                buf.get(..(*num_values as usize).checked_mul(BYTES)?)?;
                dictionary = buf.slice(..*num_values as usize * BYTES);
                continue;
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let levels = if optional {
                    if *def_level_encoding != Encoding::RLE {
                        return None;
                    }
                    let len = u32::from_le_bytes(*buf.first_chunk()?) as usize;
                    let levels = buf.get(4..len.checked_add(4)?)?;
                    all_ones(levels, *num_values as usize).then_some(len + 4)?
                } else {
                    0
                };
                (buf.get(levels..)?, *num_values, *encoding)
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                if *num_nulls != 0 {
                    return None;
                }
                let levels = (*def_levels_byte_len as usize).checked_add(*rep_levels_byte_len as usize)?;
                (buf.get(levels..)?, *num_values, *encoding)
            }
        };
        let next = row + u64::from(values);
        if next > rows.end {
            return None;
        }
        let mut intact = true;
        let mut put = |value: Option<&[u8; BYTES]>| match value.zip(places.next()) {
            Some((value, place)) => *place = *value,
            None => intact = false,
        };
        match encoding {
            Encoding::PLAIN => {
                let (values, _) = bytes.as_chunks::<BYTES>();
                set.for_each_in(row, next, |at| put(values.get(at)));
            }
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let mut indices = Hybrid::new(bytes.get(1..)?, u32::from(*bytes.first()?))?;
                let (entries, _) = dictionary.as_chunks::<BYTES>();
                set.for_each_in(row, next, |at| {
                    put(indices.at(at).and_then(|index| entries.get(index as usize)));
                });
            }
            _ => return None,
        }
        if !intact {
            return None;
        }
        row = next;
    }
    places.next().is_none().then_some(())
}

/// Whether `count` one-bit levels are all 1: no nulls.
fn all_ones(levels: &[u8], count: usize) -> bool {
    let Some(mut runs) = Hybrid::new(levels, 1) else { return false };
    while runs.end < count {
        if !runs.next_run() {
            return false;
        }
        match runs.run {
            Run::Repeated(1) => {}
            Run::Repeated(_) => return false,
            Run::Packed(bytes) => {
                let used = (count - runs.start).min(runs.end - runs.start).min(bytes.len() * 8);
                if used < (count - runs.start).min(runs.end - runs.start) {
                    return false;
                }
                let whole = bytes[..used / 8].iter().all(|byte| *byte == u8::MAX);
                let rest = used % 8;
                if !whole || (rest > 0 && bytes[used / 8] | u8::MAX << rest != u8::MAX) {
                    return false;
                }
            }
        }
    }
    true
}

#[derive(Clone, Copy)]
enum Run<'a> {
    Repeated(u32),
    Packed(&'a [u8]),
}

/// The hybrid of runs and bit-packed groups, read at ascending positions.
struct Hybrid<'a> {
    bytes: &'a [u8],
    width: u32,
    run: Run<'a>,
    start: usize,
    end: usize,
}

impl<'a> Hybrid<'a> {
    fn new(bytes: &'a [u8], width: u32) -> Option<Self> {
        (width <= 32).then_some(Self { bytes, width, run: Run::Repeated(0), start: 0, end: 0 })
    }

    /// Goes to the next run; false at the end or where the bytes make no sense.
    fn next_run(&mut self) -> bool {
        self.try_next_run().is_some()
    }

    fn try_next_run(&mut self) -> Option<()> {
        let mut header = 0_u64;
        for shift in (0..35).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            header |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let count = (header >> 1) as usize;
        let (len, values) = if header & 1 == 1 {
            (count.checked_mul(self.width as usize)?, count.checked_mul(8)?)
        } else {
            (self.width.div_ceil(8) as usize, count)
        };
        if values == 0 {
            return None;
        }
        // The last group of a page may be cut short; reading behind it fails later, at the value.
        let (own, rest) = self.bytes.split_at(len.min(self.bytes.len()));
        self.run = if header & 1 == 1 {
            Run::Packed(own)
        } else {
            let mut value = [0; 4];
            value.get_mut(..own.len())?.copy_from_slice(own);
            Run::Repeated(u32::from_le_bytes(value))
        };
        (self.bytes, self.start, self.end) = (rest, self.end, self.end.checked_add(values)?);
        Some(())
    }

    /// The value at a position not before the last one asked for.
    #[inline]
    fn at(&mut self, position: usize) -> Option<u32> {
        while position >= self.end {
            self.try_next_run()?;
        }
        match self.run {
            Run::Repeated(value) => Some(value),
            Run::Packed(bytes) => {
                let bit = (position - self.start) * self.width as usize;
                let from = bit / 8;
                let word = match bytes.get(from..).and_then(|bytes| bytes.first_chunk()) {
                    Some(word) => u64::from_le_bytes(*word),
                    None => {
                        if (bit + self.width as usize).div_ceil(8) > bytes.len() {
                            return None;
                        }
                        let mut word = [0; 8];
                        word[..bytes.len() - from].copy_from_slice(&bytes[from..]);
                        u64::from_le_bytes(word)
                    }
                };
                Some((word >> (bit % 8) & ((1 << self.width) - 1)) as u32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of `values`, lowest first.
    fn packed(values: &[u32], width: u32) -> Vec<u8> {
        let mut bytes = vec![0_u8; (values.len().next_multiple_of(8) * width as usize) / 8];
        for (at, value) in values.iter().enumerate() {
            for bit in (0..width).filter(|bit| value >> bit & 1 == 1) {
                let to = at * width as usize + bit as usize;
                bytes[to / 8] |= 1 << (to % 8);
            }
        }
        bytes
    }

    #[test]
    fn every_width_reads_back_runs_and_groups() {
        for width in 0..=32_u32 {
            let mask = if width == 32 { u32::MAX } else { (1 << width) - 1 };
            let values: Vec<u32> = (0..24_u32).map(|i| i.wrapping_mul(0x9E37_79B9) & mask).collect();
            let mut bytes = vec![3 << 1 | 1];
            bytes.extend(packed(&values, width));
            bytes.push(5 << 1);
            bytes.extend(&(7 & mask).to_le_bytes()[..width.div_ceil(8) as usize]);
            let expected: Vec<u32> = values.iter().copied().chain([7 & mask; 5]).collect();
            for step in 1..6 {
                let mut hybrid = Hybrid::new(&bytes, width).unwrap();
                for at in (0..expected.len()).step_by(step) {
                    assert_eq!(hybrid.at(at), Some(expected[at]), "width {width}, position {at}");
                }
                assert_eq!(hybrid.at(expected.len()), None);
            }
        }
    }

    #[test]
    fn levels_are_all_ones_or_not() {
        assert!(all_ones(&[10 << 1, 1], 10));
        assert!(!all_ones(&[10 << 1, 0], 10));
        assert!(!all_ones(&[10 << 1, 1], 11));
        assert!(all_ones(&[2 << 1 | 1, 0xff, 0x03], 10));
        assert!(!all_ones(&[2 << 1 | 1, 0xff, 0x01], 10));
        assert!(!all_ones(&[2 << 1 | 1, 0xfe, 0xff], 10));
        assert!(!all_ones(&[], 1));
    }

    #[test]
    fn damaged_bytes_yield_nothing() {
        for bytes in [&[0xff_u8; 20][..], &[0x80; 9], &[1, 0], &[2 << 1 | 1, 1], &[0, 0]] {
            for width in [1, 8, 17, 32] {
                let mut hybrid = Hybrid::new(bytes, width).unwrap();
                let _ = (0..1_000).map(|at| hybrid.at(at)).last();
                let _ = all_ones(bytes, 1_000);
            }
        }
        assert!(Hybrid::new(&[], 33).is_none());
    }
}
