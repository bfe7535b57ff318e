//! Values of chosen rows straight from a column chunk's pages, for numbers without nulls: PLAIN values and dictionary
//! indices can be read at any position, so what was not chosen is not decoded.
//!
//! Encodings as in the Parquet format's "Encodings" document. Whatever is not covered here, or looks damaged, is left to
//! the general reader.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, make_array};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, TimeUnit};
use bytes::Bytes;
use parquet::basic::{Encoding, LogicalType, TimeUnit as ParquetUnit, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::error::Result;
use crate::files::OpenFile;
use crate::rowset::RowSet;

/// The chosen rows' values; `None` when the chunk is not of the covered kind.
pub(crate) fn gather_fixed(
    file: &OpenFile,
    group: usize,
    column: usize,
    set: &RowSet,
    rows: usize,
) -> Result<Option<ArrayRef>> {
    let data_type = file.schema.field(column).data_type();
    let Some(leaf) = file.leaf(column) else { return Ok(None) };
    let chunk = file.metadata.row_group(group).column(leaf);
    let descriptor = chunk.column_descr();
    if descriptor.max_rep_level() > 0 || descriptor.max_def_level() > 1 {
        return Ok(None);
    }
    let logical = descriptor.logical_type_ref();
    let wide = match (descriptor.physical_type(), data_type, logical) {
        (Type::DOUBLE, DataType::Float64, _) | (Type::INT64, DataType::Int64, None) => true,
        (
            Type::INT64,
            DataType::Timestamp(TimeUnit::Microsecond, _),
            Some(LogicalType::Timestamp(timestamp)),
        ) => {
            if timestamp.unit != ParquetUnit::MICROS {
                return Ok(None);
            }
            true
        }
        (Type::FLOAT, DataType::Float32, _) | (Type::INT32, DataType::Int32, None) => false,
        _ => return Ok(None),
    };
    let reader = file.chunk_reader(group, leaf)?;
    let total = file.metadata.row_group(group).num_rows() as usize;
    let Ok(mut pages) = SerializedPageReader::new(Arc::new(reader), chunk, total, None) else {
        return Ok(None);
    };
    let first = file.first_row_of(group);
    let optional = descriptor.max_def_level() > 0;
    let buffer = if wide {
        gather_pages::<u64>(&mut pages, optional, total, set, (first, rows))
    } else {
        gather_pages::<u32>(&mut pages, optional, total, set, (first, rows))
    };
    let Some(buffer) = buffer else { return Ok(None) };
    let data = ArrayData::builder(data_type.clone()).len(rows).add_buffer(buffer).build();
    Ok(data.ok().map(make_array))
}

/// A number as its bits.
trait Bits: ArrowNativeType {
    const BYTES: usize;
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Bits for u32 {
    const BYTES: usize = 4;
    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_le_bytes(*bytes.first_chunk()?))
    }
}

impl Bits for u64 {
    const BYTES: usize = 8;
    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_le_bytes(*bytes.first_chunk()?))
    }
}

fn gather_pages<T: Bits>(
    pages: &mut dyn PageReader,
    optional: bool,
    total: usize,
    set: &RowSet,
    (first, rows): (u64, usize),
) -> Option<Buffer> {
    let mut dictionary = Bytes::new();
    let mut out: Vec<T> = Vec::with_capacity(rows);
    let mut row = first;
    while let Some(page) = pages.get_next_page().ok()? {
        let (bytes, values, encoding) = match &page {
            Page::DictionaryPage { buf, num_values, .. } => {
                buf.get(..(*num_values as usize).checked_mul(T::BYTES)?)?;
                dictionary = buf.slice(..*num_values as usize * T::BYTES);
                continue;
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let levels = if optional {
                    if *def_level_encoding != Encoding::RLE {
                        return None;
                    }
                    let len = u32::read(buf)? as usize;
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
        if next > first + total as u64 {
            return None;
        }
        let mut intact = true;
        match encoding {
            Encoding::PLAIN => {
                set.for_each_in(row, next, |at| match bytes.get(at * T::BYTES..).and_then(T::read) {
                    Some(value) => out.push(value),
                    None => intact = false,
                });
            }
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let mut indices = Hybrid::new(bytes.get(1..)?, u32::from(*bytes.first()?))?;
                let entry = |index: u32| dictionary.get(index as usize * T::BYTES..).and_then(T::read);
                set.for_each_in(row, next, |at| match indices.at(at).and_then(entry) {
                    Some(value) => out.push(value),
                    None => intact = false,
                });
            }
            _ => return None,
        }
        if !intact {
            return None;
        }
        row = next;
    }
    (out.len() == rows).then(|| ScalarBuffer::from(out).into_inner())
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
