//! Tables from key values to groups of the entity index: open addressing, or an array for numbers close together.
//!
//! While the tables are built, every distinct key gets a number; afterwards the last table is told where each key's
//! slots begin and how many there are. A look-up yields a [`Location`]: zero when the key is absent.
//! A composite key is folded pair by pair: its columns' numbers, packed into one word, are keys of a further table.

use arrow::array::Array;

use crate::dense::DenseTable;
use crate::error::{PitError, Result};
use crate::hash::Seed;
use crate::kernel::prefetch;
use crate::keys::Keys;

/// First slot in the upper and number of slots in the lower half; zero: the key is absent.
pub(crate) type Location = u64;

#[inline]
pub(crate) fn pack(offset: u32, len: u32) -> Location {
    u64::from(offset) << 32 | u64::from(len)
}

/// Rows ahead of which a table's memory is asked for.
const AHEAD: usize = 16;
const BATCH: usize = 64;

#[derive(Clone, Copy, Default)]
#[repr(C, align(16))]
struct Entry {
    /// The key, or the hash of bytes.
    key: u64,
    /// While building: number of the key. Frozen: its first slot.
    offset: u32,
    /// While building: 1. Frozen: its number of slots. 0: the entry is free.
    len: u32,
}

struct WordTable {
    seed: Seed,
    entries: Vec<Entry>,
    mask: usize,
    count: u32,
}

impl WordTable {
    fn new(seed: Seed) -> Self {
        Self { seed, entries: vec![Entry::default(); 256], mask: 255, count: 0 }
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        self.seed.word(key) as usize & self.mask
    }

    /// Number of the key, given out in order of first appearance.
    fn insert(&mut self, key: u64) -> u32 {
        let mut at = self.home(key);
        loop {
            let entry = &mut self.entries[at & self.mask];
            if entry.len == 0 {
                *entry = Entry { key, offset: self.count, len: 1 };
                self.count += 1;
                if self.count as usize * 2 > self.mask {
                    self.grow();
                }
                return self.count - 1;
            }
            if entry.key == key {
                return entry.offset;
            }
            at += 1;
        }
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.entries);
        self.entries = vec![Entry::default(); old.len() * 2];
        self.mask = self.entries.len() - 1;
        for entry in old.into_iter().filter(|entry| entry.len != 0) {
            let mut at = self.home(entry.key);
            while self.entries[at & self.mask].len != 0 {
                at += 1;
            }
            self.entries[at & self.mask] = entry;
        }
    }

    #[inline]
    fn touch(&self, key: u64) {
        prefetch(&self.entries, self.home(key));
    }

    #[inline]
    fn locate(&self, key: u64) -> Location {
        let mut at = self.home(key);
        loop {
            let entry = self.entries[at & self.mask];
            if entry.key == key || entry.len == 0 {
                return if entry.len == 0 { 0 } else { pack(entry.offset, entry.len) };
            }
            at += 1;
        }
    }

    fn locate_all(&self, keys: &[i64], out: &mut Vec<Location>) {
        out.clear();
        out.reserve(keys.len());
        for key in keys.iter().take(AHEAD) {
            self.touch(*key as u64);
        }
        let ahead = keys.iter().skip(AHEAD).map(Some).chain(std::iter::repeat(None));
        out.extend(keys.iter().zip(ahead).map(|(key, ahead)| {
            if let Some(ahead) = ahead {
                self.touch(*ahead as u64);
            }
            self.locate(*key as u64)
        }));
    }
}

/// Keys of bytes: an entry holds their hash, `spans` where the bytes are.
struct BytesTable {
    seed: Seed,
    entries: Vec<Entry>,
    spans: Vec<(u32, u32)>,
    bytes: Vec<u8>,
    mask: usize,
    count: u32,
}

impl BytesTable {
    fn new(seed: Seed) -> Self {
        let (entries, spans) = (vec![Entry::default(); 256], vec![(0, 0); 256]);
        Self { seed, entries, spans, bytes: Vec::new(), mask: 255, count: 0 }
    }

    #[inline]
    fn same(&self, at: usize, key: &[u8]) -> bool {
        let (start, len) = self.spans[at];
        &self.bytes[start as usize..start as usize + len as usize] == key
    }

    fn insert(&mut self, key: &[u8]) -> Result<u32> {
        let hash = self.seed.bytes(key);
        let mut at = hash as usize;
        loop {
            let here = at & self.mask;
            let entry = self.entries[here];
            if entry.len == 0 {
                let (start, end) = (self.bytes.len(), self.bytes.len() + key.len());
                if u32::try_from(end).is_err() {
                    let count = end as u64;
                    return Err(PitError::Limit {
                        what: "bytes of distinct keys",
                        count,
                        max: u64::from(u32::MAX),
                    });
                }
                self.bytes.extend_from_slice(key);
                self.entries[here] = Entry { key: hash, offset: self.count, len: 1 };
                self.spans[here] = (start as u32, key.len() as u32);
                self.count += 1;
                if self.count as usize * 2 > self.mask {
                    self.grow();
                }
                return Ok(self.count - 1);
            }
            if entry.key == hash && self.same(here, key) {
                return Ok(entry.offset);
            }
            at += 1;
        }
    }

    fn grow(&mut self) {
        let size = self.entries.len() * 2;
        let entries = std::mem::replace(&mut self.entries, vec![Entry::default(); size]);
        let spans = std::mem::replace(&mut self.spans, vec![(0, 0); size]);
        self.mask = size - 1;
        for (entry, span) in entries.into_iter().zip(spans).filter(|(entry, _)| entry.len != 0) {
            let mut at = entry.key as usize;
            while self.entries[at & self.mask].len != 0 {
                at += 1;
            }
            self.entries[at & self.mask] = entry;
            self.spans[at & self.mask] = span;
        }
    }

    fn locate_from(&self, key: &[u8], hash: u64, mut at: usize) -> Location {
        loop {
            let here = at & self.mask;
            let entry = self.entries[here];
            if entry.len == 0 {
                return 0;
            }
            if entry.key == hash && self.same(here, key) {
                return pack(entry.offset, entry.len);
            }
            at += 1;
        }
    }

    /// In batches: hash and ask for the entries; find the entry with that hash and ask for its bytes; compare.
    fn locate_all<'a>(&self, len: usize, key: impl Fn(usize) -> &'a [u8], out: &mut Vec<Location>) {
        out.clear();
        out.reserve(len);
        let mut hashes = [0_u64; BATCH];
        let mut found = [0_usize; BATCH];
        for start in (0..len).step_by(BATCH) {
            let count = BATCH.min(len - start);
            for (ahead, hash) in hashes[..count].iter_mut().enumerate() {
                *hash = self.seed.bytes(key(start + ahead));
                prefetch(&self.entries, *hash as usize & self.mask);
                prefetch(&self.spans, *hash as usize & self.mask);
            }
            for (hash, found) in hashes[..count].iter().zip(&mut found) {
                let mut at = *hash as usize;
                loop {
                    let entry = self.entries[at & self.mask];
                    if entry.len == 0 || entry.key == *hash {
                        break;
                    }
                    at += 1;
                }
                *found = at;
                prefetch(&self.bytes, self.spans[at & self.mask].0 as usize);
            }
            for ahead in 0..count {
                out.push(self.locate_from(key(start + ahead), hashes[ahead], found[ahead]));
            }
        }
    }
}

/// Tells every key's entry, which has held its number, where its slots begin and how many there are.
fn freeze(entries: &mut [Entry], starts: &[u32]) {
    for entry in entries.iter_mut().filter(|entry| entry.len != 0) {
        let number = entry.offset as usize;
        entry.offset = starts[number];
        entry.len = starts[number + 1] - starts[number];
    }
}

enum ColumnTable {
    Dense(DenseTable),
    Words(WordTable),
    Bytes(BytesTable),
}

impl ColumnTable {
    /// The table that suits the keys of `rows` rows.
    fn new(keys: &Keys, rows: usize, seed: Seed) -> Self {
        match keys {
            Keys::Words(words) => {
                let range = arrow::compute::min(words).zip(arrow::compute::max(words));
                match range.and_then(|(first, last)| DenseTable::new(first, last, rows)) {
                    Some(table) => Self::Dense(table),
                    None => Self::Words(WordTable::new(seed)),
                }
            }
            Keys::Bytes(_) => Self::Bytes(BytesTable::new(seed)),
            Keys::Dictionary { values, .. } => Self::new(values, rows, seed),
        }
    }

    /// Distinct keys inserted.
    fn count(&self) -> u32 {
        match self {
            Self::Dense(table) => table.count,
            Self::Words(table) => table.count,
            Self::Bytes(table) => table.count,
        }
    }

    fn freeze(&mut self, starts: &[u32]) {
        match self {
            Self::Dense(table) => table.freeze(starts),
            Self::Words(table) => freeze(&mut table.entries, starts),
            Self::Bytes(table) => freeze(&mut table.entries, starts),
        }
    }

    fn insert(&mut self, keys: &Keys, row: usize) -> Result<u32> {
        match (&mut *self, keys) {
            (_, Keys::Dictionary { entries, values, .. }) => self.insert(values, entries[row]),
            (Self::Dense(table), Keys::Words(words)) => Ok(table.insert(words.value(row))),
            (Self::Words(table), Keys::Words(words)) => Ok(table.insert(words.value(row) as u64)),
            (Self::Bytes(table), Keys::Bytes(bytes)) => table.insert(bytes.value(row)),
            // An all-null column has no kind; its rows are never inserted.
            (Self::Dense(_) | Self::Words(_), Keys::Bytes(_)) | (Self::Bytes(_), Keys::Words(_)) => Ok(0),
        }
    }

    /// Locations of all rows; zero for nulls.
    fn locate(&self, keys: &Keys, out: &mut Vec<Location>) {
        let nulls = match (self, keys) {
            (_, Keys::Dictionary { entries, nulls, values }) => {
                let mut found = Vec::new();
                self.locate(values, &mut found);
                out.clear();
                out.extend(entries.iter().map(|entry| found[*entry]));
                nulls.as_ref()
            }
            (Self::Dense(table), Keys::Words(words)) => {
                table.locate_all(words.values(), out);
                words.nulls()
            }
            (Self::Words(table), Keys::Words(words)) => {
                table.locate_all(words.values(), out);
                words.nulls()
            }
            (Self::Bytes(table), Keys::Bytes(bytes)) => {
                table.locate_all(bytes.len(), |row| bytes.value(row), out);
                bytes.nulls()
            }
            (Self::Dense(_) | Self::Words(_), Keys::Bytes(_)) | (Self::Bytes(_), Keys::Words(_)) => {
                out.clear();
                out.resize(keys.len(), 0);
                None
            }
        };
        if let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) {
            for (location, valid) in out.iter_mut().zip(nulls) {
                *location = if valid { *location } else { 0 };
            }
        }
    }
}

/// Look-up from the values of all key columns to locations.
pub(crate) struct KeyTable {
    columns: Vec<ColumnTable>,
    folds: Vec<WordTable>,
    /// Without key columns: the one group of all rows.
    everything: Location,
}

/// Space for look-ups, kept between batches.
#[derive(Default)]
pub(crate) struct Scratch {
    first: Vec<Location>,
    next: Vec<Location>,
}

impl KeyTable {
    /// Numbers the keys of `rows`; rows with a null in a key are left out. Yields the table, the rows kept with
    /// their keys' numbers, and how many distinct keys there are.
    #[expect(
        clippy::type_complexity,
        reason = "said in words above; a name for it would have to say the same"
    )]
    pub(crate) fn build(
        columns: &[Keys],
        rows: impl Iterator<Item = u32> + Clone,
        seed: Seed,
    ) -> Result<(Self, Vec<(u32, u32)>, usize)> {
        let count = rows.clone().count();
        let tables = columns.iter().map(|keys| ColumnTable::new(keys, count, seed)).collect();
        let folds = (1..columns.len()).map(|_| WordTable::new(seed)).collect();
        let mut table = Self { columns: tables, folds, everything: 0 };
        let mut numbered = Vec::with_capacity(count);
        let mut ahead = rows.clone().skip(AHEAD);
        for row in rows {
            if let (Some(ahead), Some(keys), Some(ColumnTable::Words(first))) =
                (ahead.next(), columns.first(), table.columns.first())
                && let Keys::Words(words) = keys
            {
                first.touch(words.value(ahead as usize) as u64);
            }
            if columns.iter().any(|keys| keys.is_null(row as usize)) {
                continue;
            }
            let mut number = 0;
            for (at, (column, keys)) in table.columns.iter_mut().zip(columns).enumerate() {
                let own = column.insert(keys, row as usize)?;
                number = if at == 0 { own } else { table.folds[at - 1].insert(pack(number, own)) };
            }
            numbered.push((number, row));
        }
        let distinct = match (table.folds.last(), table.columns.first()) {
            (Some(last), _) => last.count as usize,
            (None, Some(only)) => only.count() as usize,
            (None, None) => usize::from(!numbered.is_empty()),
        };
        Ok((table, numbered, distinct))
    }

    /// From now on, look-ups yield slots: key number `n` has `starts[n]..starts[n + 1]`.
    pub(crate) fn freeze(&mut self, starts: &[u32]) {
        match (self.folds.last_mut(), self.columns.first_mut()) {
            (Some(last), _) => freeze(&mut last.entries, starts),
            (None, Some(only)) => only.freeze(starts),
            (None, None) => {
                self.everything = if starts.len() > 1 { pack(starts[0], starts[1] - starts[0]) } else { 0 };
            }
        }
    }

    /// Locations of `rows` feature rows with these key columns.
    pub(crate) fn locate<'a>(
        &self,
        columns: &[Keys],
        rows: usize,
        scratch: &'a mut Scratch,
    ) -> &'a mut [Location] {
        let Scratch { first, next } = scratch;
        let Some((table, keys)) = self.columns.first().zip(columns.first()) else {
            first.clear();
            first.resize(rows, self.everything);
            return first;
        };
        table.locate(keys, first);
        for ((table, keys), fold) in self.columns.iter().zip(columns).skip(1).zip(&self.folds) {
            table.locate(keys, next);
            for (left, right) in first.iter_mut().zip(&*next) {
                // Numbers are in the upper halves; an absent part makes the whole absent.
                let pair = *left >> 32 << 32 | *right >> 32;
                *left = if *left == 0 || *right == 0 { 0 } else { fold.locate(pair) };
            }
        }
        first
    }
}
