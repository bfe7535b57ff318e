//! The entity index: entity rows grouped by key, timestamps sorted within each group. A position in it is a slot.

use crate::error::{PitError, Result};
use crate::hash::Seed;
use crate::keys::Keys;
use crate::table::KeyTable;
use crate::time::Micros;

/// Slots behind the last that a search may read.
const PADDING: usize = 2;
/// Groups of at least so many slots have a time directory.
const LARGE: u32 = 16;

#[inline(always)]
pub(crate) fn is_large(slots: u32) -> bool {
    slots >= LARGE
}

/// log2 of the number of directory buckets of a large group: a quarter of its slots, rounded down to a power of two.
/// A group at slot `s` has its buckets and one more at `s / 3`, which never reaches the next group's.
#[inline(always)]
pub(crate) fn directory_bits(slots: u32) -> u32 {
    29 - slots.leading_zeros()
}

/// Which feature rows can matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Oldest event timestamp any entity row accepts.
    pub first: i64,
    /// Newest entity timestamp.
    pub last: i64,
    ttl_us: Option<i64>,
}

impl Window {
    /// Whether a feature row of this time is not too old for the entity timestamp.
    #[inline(always)]
    pub(crate) fn fresh(&self, event: i64, entity: i64) -> bool {
        match self.ttl_us {
            Some(ttl) => event >= entity.saturating_sub(ttl),
            None => true,
        }
    }
}

/// Entity rows grouped by key and sorted by time.
pub(crate) struct EntityIndex {
    pub table: KeyTable,
    /// Timestamp of each slot, then padding.
    pub timestamps: Vec<i64>,
    /// Entity row of each slot.
    pub rows: Vec<u32>,
    /// First slot of each group, then the number of slots.
    pub starts: Vec<u32>,
    /// Time directories of large groups: first slot, within the group, of each bucket of the whole time span.
    pub directory: Vec<u32>,
    /// Smallest and largest timestamp; `None` without slots.
    span: Option<(i64, i64)>,
    /// (t - first) × scale is the position in the span as a fixed-point fraction of 64 bits.
    scale: u64,
}

impl EntityIndex {
    /// Indexes the entity rows in `rows`; those with a null timestamp or key get no slot.
    pub(crate) fn build(
        keys: &[Keys],
        times: &Micros,
        rows: impl Iterator<Item = u32> + Clone,
        seed: Seed,
    ) -> Result<Self> {
        let timed = rows.filter(|row| !times.is_null(*row as usize));
        let (mut table, numbered, distinct) = KeyTable::build(keys, timed, seed)?;
        let mut starts = vec![0_u32; distinct + 1];
        for (number, _) in &numbered {
            starts[*number as usize + 1] += 1;
        }
        for at in 0..distinct {
            starts[at + 1] += starts[at];
        }
        let slots = numbered.len();
        let mut next = starts.clone();
        let mut pairs = vec![(0_i64, 0_u32); slots];
        for (number, row) in &numbered {
            let at = &mut next[*number as usize];
            pairs[*at as usize] = (times.values[*row as usize], *row);
            *at += 1;
        }
        drop((numbered, next));
        for group in starts.windows(2).filter(|group| group[1] - group[0] > 1) {
            let group = &mut pairs[group[0] as usize..group[1] as usize];
            if !group.is_sorted_by_key(|(time, _)| *time) {
                group.sort_unstable_by_key(|(time, _)| *time);
            }
        }
        let mut timestamps = Vec::with_capacity(slots + PADDING);
        timestamps.extend(pairs.iter().map(|(time, _)| *time));
        let first = timestamps.iter().min().copied();
        let span = first.zip(timestamps.iter().max().copied());
        timestamps.resize(slots + PADDING, i64::MAX);
        let rows = pairs.iter().map(|(_, row)| *row).collect();
        drop(pairs);
        table.freeze(&starts);
        let width = span.map_or(0, |(first, last)| last.abs_diff(first));
        // A span of more than a quarter of all 64-bit values would overflow: everything goes to bucket 0, still exact.
        let scale = if width > 0 && width < u64::MAX / 4 { u64::MAX / (width + 1) } else { 0 };
        let mut index = Self { table, timestamps, rows, starts, directory: Vec::new(), span, scale };
        index.fill_directory();
        Ok(index)
    }

    fn fill_directory(&mut self) {
        let mut directory = vec![0_u32; self.rows.len() / 3 + 2];
        for group in self.starts.windows(2) {
            let (start, len) = (group[0] as usize, group[1] - group[0]);
            if !is_large(len) {
                continue;
            }
            let bits = directory_bits(len);
            let buckets = &mut directory[start / 3..=start / 3 + (1 << bits)];
            let mut open = 0;
            for (at, time) in self.timestamps[start..start + len as usize].iter().enumerate() {
                let bucket = (self.fraction(*time) >> (32 - bits)) as usize;
                while open <= bucket {
                    buckets[open] = at as u32;
                    open += 1;
                }
            }
            buckets[open..].fill(len);
        }
        self.directory = directory;
    }

    /// Upper 32 bits of the position of `time` in the span of entity timestamps: 0 at and before its beginning, never
    /// smaller for a later time, as long as that is not behind the span's end.
    #[inline(always)]
    pub(crate) fn fraction(&self, time: i64) -> u32 {
        let first = self.span.map_or(0, |(first, _)| first);
        let since = if time > first { time.wrapping_sub(first) as u64 } else { 0 };
        (since.wrapping_mul(self.scale) >> 32) as u32
    }

    /// Number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.rows.len()
    }

    /// What a view with this ttl may use; `None` without slots.
    pub(crate) fn window(&self, ttl_us: Option<i64>) -> Option<Window> {
        let (first, last) = self.span?;
        let first = ttl_us.map_or(i64::MIN, |ttl| first.saturating_sub(ttl));
        Some(Window { first, last, ttl_us })
    }
}

/// Refuses more entity rows than 32-bit slots can number.
pub(crate) fn check_rows(rows: usize) -> Result<()> {
    let max = u64::from(u32::MAX) - 1;
    if rows as u64 > max {
        return Err(PitError::Limit { what: "entity rows", count: rows as u64, max });
    }
    Ok(())
}
