//! The in-memory table of one view: open addressing, one writer, readers without locks.
//!
//! Each slot is a row of atomic words: `meta` (a version that is odd while the row changes, and the null bits of the
//! first 32 columns), the key or its hash, the event timestamp, further null bits, the key's span for byte keys, and
//! one word a column. A reader copies a row and takes it only if `meta` is the same before and after (a sequence
//! lock), so a row is never torn. Rows are replaced but never removed; a full table is copied into a larger one
//! beside it and swapped.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering, fence};

use hanok_types::ValueType;

use crate::arena::{Arena, Span};
use crate::key::{KeyKind, Keys};
use crate::row::{StoredRow, StoredValue};
use crate::schema::{ViewSchema, is_variable};

/// Null bits that fit beside the version.
const META_NULLS: usize = 32;
const META: usize = 0;
const KEY: usize = 1;
const EVENT: usize = 2;
const HEAD: usize = 3;
/// A ttl that never ends.
const TTL_NONE: i64 = i64::MAX;
const SLOTS_MIN: usize = 16;
const META_NULLS_MASK: u64 = !0 << META_NULLS;
/// Less garbage than this (8 MiB) is not worth a copy of the table.
const GARBAGE_WORDS_MIN: usize = 1 << 20;
/// Reads of a row that keeps changing, before the reader lets the writer run.
const SPINS_MAX: u32 = 64;

#[repr(align(64))]
#[derive(Default)]
struct Line([AtomicU64; 8]);

/// What a lookup found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowState {
    /// A valid row.
    Found,
    /// No row of this key.
    NotFound,
    /// A row older than the view's ttl; it has an event timestamp but no values.
    Expired,
}

/// The rows of a lookup, in the order of its keys; reusable.
#[derive(Default, Debug)]
pub struct Rows {
    columns: usize,
    null_words: usize,
    states: Vec<RowState>,
    events: Vec<i64>,
    nulls: Vec<u64>,
    words: Vec<u64>,
    arena: Vec<u8>,
    homes: Vec<u64>,
}

impl Rows {
    fn reset(&mut self, columns: usize) {
        self.columns = columns;
        self.null_words = columns.div_ceil(64);
        self.states.clear();
        self.events.clear();
        self.nulls.clear();
        self.words.clear();
        self.arena.clear();
    }

    /// Makes all of `rows` rows [`RowState::NotFound`], without columns.
    pub fn reset_not_found(&mut self, rows: usize) {
        self.reset(0);
        self.states.resize(rows, RowState::NotFound);
        self.events.resize(rows, 0);
    }

    /// One state a key.
    #[inline]
    pub fn states(&self) -> &[RowState] {
        &self.states
    }

    /// One event timestamp a key, in microseconds; 0 for [`RowState::NotFound`].
    #[inline]
    pub fn events_us(&self) -> &[i64] {
        &self.events
    }

    /// Whether any requested column of any row is null.
    #[inline]
    pub fn any_null(&self) -> bool {
        self.nulls.iter().any(|bits| *bits != 0)
    }

    /// Whether a value is null; also true outside the rows and columns.
    #[inline]
    pub fn is_null(&self, row: usize, column: usize) -> bool {
        let word = self.nulls.get(row * self.null_words + column / 64);
        column >= self.columns || word.is_none_or(|bits| bits >> (column % 64) & 1 == 1)
    }

    /// The bits of a fixed-size value (see [`StoredValue::Word`]); 0 outside the rows and columns.
    #[inline]
    pub fn word(&self, row: usize, column: usize) -> u64 {
        self.words.get(row * self.columns + column).copied().unwrap_or(0)
    }

    /// The bytes of a string (valid UTF-8) or bytes value.
    #[inline]
    pub fn bytes(&self, row: usize, column: usize) -> &[u8] {
        let word = self.word(row, column);
        let (start, length) = ((word >> 32) as usize, (word & 0xffff_ffff) as usize);
        self.arena.get(start..start + length).unwrap_or(&[])
    }

    fn push_absent(&mut self, state: RowState, event_us: i64) {
        self.states.push(state);
        self.events.push(event_us);
        self.nulls.resize(self.nulls.len() + self.null_words, 0);
        self.words.resize(self.words.len() + self.columns, 0);
    }
}

/// One view's rows in memory. Shared by readers; only its [`Reader`](crate::Reader) changes it.
pub struct ViewTable {
    pub(crate) view_id: u32,
    pub(crate) schema_id: u32,
    schema: Arc<ViewSchema>,
    types: Arc<[ValueType]>,
    kind: KeyKind,
    ttl_us: AtomicI64,
    hasher: hashbrown::DefaultHashBuilder,
    lines: Box<[Line]>,
    slots: usize,
    stride: usize,
    /// Position of the first column within a slot.
    base: usize,
    null_words: usize,
    arena: Arena,
    rows: AtomicU64,
    /// Words of the arena that no slot points to any more.
    garbage_words: AtomicUsize,
}

/// The table has no room for another row, or too much garbage: [`ViewTable::grown`] is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TableFull;

impl ViewTable {
    pub(crate) fn new(view_id: u32, schema_id: u32, schema: Arc<ViewSchema>, rows: usize) -> Self {
        let types: Arc<[ValueType]> = schema.features.iter().map(|(_, value_type)| *value_type).collect();
        let kind = schema.key_kind();
        let null_words = if types.len() <= META_NULLS { 0 } else { types.len().div_ceil(64) };
        let base = HEAD + null_words + usize::from(kind == KeyKind::Bytes);
        let stride = match base + types.len() {
            0..=4 => 4,
            5..=8 => 8,
            words => words,
        };
        let slots = (rows + rows / 3).max(SLOTS_MIN);
        let lines = (0..(slots * stride).div_ceil(8)).map(|_| Line::default()).collect();
        let ttl_us = AtomicI64::new(schema.ttl_us.unwrap_or(TTL_NONE));
        Self {
            view_id,
            schema_id,
            schema,
            types,
            kind,
            ttl_us,
            hasher: hashbrown::DefaultHashBuilder::default(),
            lines,
            slots,
            stride,
            base,
            null_words,
            arena: Arena::default(),
            rows: AtomicU64::new(0),
            garbage_words: AtomicUsize::new(0),
        }
    }

    /// The schema of the rows.
    pub fn schema(&self) -> &ViewSchema {
        &self.schema
    }

    /// The kind of keys that [`ViewTable::read`] takes.
    pub fn key_kind(&self) -> KeyKind {
        self.kind
    }

    /// How many keys it holds.
    pub fn key_count(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// The bytes of memory that it holds.
    pub fn memory_bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>() + self.arena.memory_bytes()
    }

    pub(crate) fn set_ttl(&self, ttl_us: Option<i64>) {
        self.ttl_us.store(ttl_us.unwrap_or(TTL_NONE), Ordering::Relaxed);
    }

    #[inline]
    fn word(&self, at: usize) -> &AtomicU64 {
        &self.lines[at >> 3].0[at & 7]
    }

    /// Spreads a hash over the slots without a division.
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.slots as u128) >> 64) as usize
    }

    fn hash(&self, keys: &Keys, at: usize) -> u64 {
        match self.kind {
            KeyKind::Word => self.hasher.hash_one(keys.words()[at]),
            KeyKind::Bytes => self.hasher.hash_one(keys.bytes(at)),
        }
    }

    /// The first word of the slot that holds the key (`Ok`) or would hold it (`Err`); `None` when the table is full.
    #[inline]
    fn find(&self, keys: &Keys, at: usize, hash: u64) -> Option<Result<usize, usize>> {
        let wanted = if self.kind == KeyKind::Word { keys.words()[at] } else { hash };
        let mut slot = self.home(hash);
        for _ in 0..self.slots {
            let first = slot * self.stride;
            // Acquire: whoever sees a used slot sees the key that was put there before.
            if self.word(first + META).load(Ordering::Acquire) == 0 {
                return Some(Err(first));
            }
            if self.word(first + KEY).load(Ordering::Relaxed) == wanted
                && (self.kind == KeyKind::Word || self.arena.equals(self.key_span(first), keys.bytes(at)))
            {
                return Some(Ok(first));
            }
            slot = if slot + 1 == self.slots { 0 } else { slot + 1 };
        }
        None
    }

    fn key_span(&self, first: usize) -> Span {
        Span(self.word(first + self.base - 1).load(Ordering::Relaxed))
    }

    /// Looks up `keys` and copies the `columns` (positions in the schema's features) of their rows to `out`.
    ///
    /// Keys of another kind than [`ViewTable::key_kind`] and columns out of range are not found. Never blocks: a row
    /// that is just being replaced is read again.
    pub fn read(&self, keys: &Keys, columns: &[u16], now_us: i64, out: &mut Rows) {
        let usable =
            keys.kind() == self.kind && columns.iter().all(|&column| usize::from(column) < self.types.len());
        if !usable {
            return out.reset_not_found(keys.len());
        }
        out.reset(columns.len());
        let ttl_us = self.ttl_us.load(Ordering::Relaxed);
        let oldest_us = if ttl_us == TTL_NONE { i64::MIN } else { now_us.saturating_sub(ttl_us) };
        let mut homes = std::mem::take(&mut out.homes);
        homes.clear();
        homes.extend((0..keys.len()).map(|at| self.hash(keys, at)));
        if keys.len() > 1 {
            // Independent loads of every home slot: the misses overlap instead of queueing behind each probe.
            let touched = homes
                .iter()
                .fold(0, |sum, &hash| sum ^ self.word(self.home(hash) * self.stride).load(Ordering::Relaxed));
            std::hint::black_box(touched);
        }
        for (at, &hash) in homes.iter().enumerate() {
            match self.find(keys, at, hash) {
                Some(Ok(first)) => self.copy_row(first, columns, oldest_us, out),
                _ => out.push_absent(RowState::NotFound, 0),
            }
        }
        out.homes = homes;
        if columns.iter().any(|&column| is_variable(self.types[usize::from(column)])) {
            self.copy_arena(columns, out);
        }
    }

    fn copy_row(&self, first: usize, columns: &[u16], oldest_us: i64, out: &mut Rows) {
        let (nulls_at, words_at) = (out.nulls.len(), out.words.len());
        let mut spins = 0;
        loop {
            let meta = self.word(first + META).load(Ordering::Acquire);
            if meta & 1 == 0 {
                let event_us = self.word(first + EVENT).load(Ordering::Relaxed) as i64;
                for block in columns.chunks(64) {
                    let bits = block.iter().enumerate().fold(0, |bits, (bit, &column)| {
                        bits | self.null_bit(first, meta, usize::from(column)) << bit
                    });
                    out.nulls.push(bits);
                }
                let base = first + self.base;
                let word = |&column: &u16| self.word(base + usize::from(column)).load(Ordering::Relaxed);
                out.words.extend(columns.iter().map(word));
                // Orders the copies above before the second look at the version.
                fence(Ordering::Acquire);
                if self.word(first + META).load(Ordering::Relaxed) == meta {
                    if event_us < oldest_us {
                        out.nulls[nulls_at..].fill(0);
                        out.words[words_at..].fill(0);
                        out.states.push(RowState::Expired);
                    } else {
                        out.states.push(RowState::Found);
                    }
                    out.events.push(event_us);
                    return;
                }
                out.nulls.truncate(nulls_at);
                out.words.truncate(words_at);
            }
            spins += 1;
            if spins % SPINS_MAX == 0 {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    fn null_bit(&self, first: usize, meta: u64, column: usize) -> u64 {
        if self.null_words == 0 {
            return meta >> 32 >> column & 1;
        }
        self.word(first + HEAD + column / 64).load(Ordering::Relaxed) >> (column % 64) & 1
    }

    /// Copies strings and bytes out of the arena. Published bytes never change, so this needs no version check.
    fn copy_arena(&self, columns: &[u16], out: &mut Rows) {
        for (position, &column) in columns.iter().enumerate() {
            if !is_variable(self.types[usize::from(column)]) {
                continue;
            }
            for row in 0..out.states.len() {
                if out.states[row] == RowState::Found && !out.is_null(row, position) {
                    let at = row * columns.len() + position;
                    let span = Span(out.words[at]);
                    out.words[at] = (out.arena.len() as u64) << 32 | span.len() as u64;
                    self.arena.copy(span, &mut out.arena);
                }
            }
        }
    }

    /// Puts a row in. `mapping[column]` is the row's own column that holds the schema's `column`; `keys` holds the
    /// row's key at `at`.
    ///
    /// One thread at a time may put, which the reader's refresh lock sees to, while any number read.
    pub(crate) fn put(
        &self,
        scratch: &mut PutScratch,
        keys: &Keys,
        at: usize,
        row: &StoredRow<'_>,
        mapping: Option<&[Option<u16>]>,
    ) -> Result<(), TableFull> {
        let hash = self.hash(keys, at);
        let (first, fresh) = self.place(keys, at, hash)?;
        scratch.reset(self.types.len());
        for column in 0..self.types.len() {
            let source = mapping
                .map_or(Some(column), |mapping| mapping.get(column).copied().flatten().map(usize::from));
            let old =
                (!fresh && is_variable(self.types[column])).then(|| self.old_span(first, column)).flatten();
            let word = match source.and_then(|source| row.value(source)) {
                None => {
                    scratch.set_null(column);
                    0
                }
                Some(StoredValue::Word(word)) => word,
                Some(StoredValue::Bytes(bytes)) if old.is_some_and(|old| self.arena.equals(old, bytes)) => {
                    old.unwrap_or_default().0
                }
                Some(StoredValue::Bytes(bytes)) => self.append(bytes)?.0,
            };
            if let Some(old) = old.filter(|old| old.0 != word) {
                self.garbage_words.fetch_add(old.len().div_ceil(8), Ordering::Relaxed);
            }
            scratch.words.push(word);
        }
        if fresh {
            let key = if self.kind == KeyKind::Word { keys.words()[at] } else { hash };
            if self.kind == KeyKind::Bytes {
                self.word(first + self.base - 1).store(self.append(keys.bytes(at))?.0, Ordering::Relaxed);
            }
            self.word(first + KEY).store(key, Ordering::Relaxed);
        }
        self.publish(first, row.event_us(), scratch);
        if fresh {
            self.rows.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The slot for a key, and whether it is a fresh one. Keeps a fifth of the slots free, so that probes stay short.
    fn place(&self, keys: &Keys, at: usize, hash: u64) -> Result<(usize, bool), TableFull> {
        match self.find(keys, at, hash) {
            Some(Ok(first)) => Ok((first, false)),
            Some(Err(first)) if (self.key_count() as usize) < self.slots - self.slots / 5 => {
                Ok((first, true))
            }
            _ => Err(TableFull),
        }
    }

    fn old_span(&self, first: usize, column: usize) -> Option<Span> {
        let meta = self.word(first + META).load(Ordering::Relaxed);
        let null = self.null_bit(first, meta, column) == 1;
        (!null).then(|| Span(self.word(first + self.base + column).load(Ordering::Relaxed)))
    }

    fn append(&self, bytes: &[u8]) -> Result<Span, TableFull> {
        let garbage_words = self.garbage_words.load(Ordering::Relaxed);
        let span = if garbage_words > GARBAGE_WORDS_MIN && garbage_words > self.arena.used_words() / 2 {
            None
        } else {
            self.arena.reserve(bytes.len())
        };
        let span = span.ok_or(TableFull)?;
        self.arena.fill(span, bytes);
        Ok(span)
    }

    /// Writes a row under its sequence lock.
    fn publish(&self, first: usize, event_us: i64, scratch: &PutScratch) {
        let meta = self.word(first + META);
        let version = meta.load(Ordering::Relaxed) as u32;
        let odd = u64::from(version | 1) | meta.load(Ordering::Relaxed) & META_NULLS_MASK;
        // Release: whoever sees a fresh slot as used sees its key, which was stored before.
        meta.store(odd, Ordering::Release);
        // Orders the odd version before every store of the row.
        fence(Ordering::Release);
        self.word(first + EVENT).store(event_us as u64, Ordering::Relaxed);
        for (at, &nulls) in scratch.nulls.iter().take(self.null_words).enumerate() {
            self.word(first + HEAD + at).store(nulls, Ordering::Relaxed);
        }
        for (column, &word) in scratch.words.iter().enumerate() {
            self.word(first + self.base + column).store(word, Ordering::Relaxed);
        }
        // An even version that is never 0, which means an empty slot.
        let next = match (version | 1).wrapping_add(1) {
            0 => 2,
            next => next,
        };
        let nulls = if self.null_words == 0 { scratch.nulls[0] << META_NULLS } else { 0 };
        meta.store(u64::from(next) | nulls, Ordering::Release);
    }

    /// A larger copy without garbage. Nobody may put meanwhile.
    pub(crate) fn grown(&self) -> Self {
        let rows = self.key_count() as usize;
        let mut copy =
            Self::new(self.view_id, self.schema_id, Arc::clone(&self.schema), rows + rows / 2 + SLOTS_MIN);
        copy.hasher = self.hasher.clone();
        copy.ttl_us = AtomicI64::new(self.ttl_us.load(Ordering::Relaxed));
        let mut bytes = Vec::new();
        for slot in 0..self.slots {
            let from = slot * self.stride;
            let meta = self.word(from + META).load(Ordering::Relaxed);
            if meta == 0 {
                continue;
            }
            let key = self.word(from + KEY).load(Ordering::Relaxed);
            let hash = if self.kind == KeyKind::Word { self.hasher.hash_one(key) } else { key };
            let mut slot = copy.home(hash);
            while copy.word(slot * self.stride + META).load(Ordering::Relaxed) != 0 {
                slot = if slot + 1 == copy.slots { 0 } else { slot + 1 };
            }
            let to = slot * self.stride;
            for at in 0..self.base + self.types.len() {
                let mut word = self.word(from + at).load(Ordering::Relaxed);
                let key_span = self.kind == KeyKind::Bytes && at + 1 == self.base;
                let value_span = at.checked_sub(self.base).is_some_and(|column| {
                    is_variable(self.types[column]) && self.null_bit(from, meta, column) == 0
                });
                if key_span || value_span {
                    bytes.clear();
                    self.arena.copy(Span(word), &mut bytes);
                    // The copy holds no more than the original did, so its arena cannot be exhausted.
                    let span = copy.arena.reserve(bytes.len()).unwrap_or_default();
                    copy.arena.fill(span, &bytes);
                    word = span.0;
                }
                copy.word(to + at).store(word, Ordering::Relaxed);
            }
        }
        copy.rows = AtomicU64::new(rows as u64);
        copy
    }
}

/// Reusable memory of [`ViewTable::put`].
#[derive(Default)]
pub(crate) struct PutScratch {
    words: Vec<u64>,
    nulls: Vec<u64>,
}

impl PutScratch {
    fn reset(&mut self, columns: usize) {
        self.words.clear();
        self.nulls.clear();
        self.nulls.resize(columns.div_ceil(64).max(1), 0);
    }

    fn set_null(&mut self, column: usize) {
        self.nulls[column / 64] |= 1 << (column % 64);
    }
}
