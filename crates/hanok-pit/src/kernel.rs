//! The hot loop: offers feature rows to the slots of the entity index.
//!
//! A feature row belongs to the first entity timestamp of its key that is not before it. Random memory access is all
//! the cost there is, so rows go through in blocks and in stages, each stage asking for the memory that the next needs.

#![expect(unsafe_code, reason = "software prefetch has no safe form")]

use std::hint::select_unpredictable;

use crate::index::{EntityIndex, Window, directory_bits, is_large};
use crate::slots::{Order, Slots};
use crate::table::Location;

const BLOCK: usize = 128;
const NONE: u32 = u32::MAX;
/// Steps of the search: enough for all groups without a time directory.
const STEPS: [usize; 4] = [8, 4, 2, 1];

/// Asks for the cache line of `slice[at]`, which need not exist. Best spread over other work.
#[inline(always)]
pub(crate) fn prefetch<T>(slice: &[T], at: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads and writes nothing the program can see, and faults on no address; the pointer is
        // made by wrapping arithmetic and never dereferenced.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(slice.as_ptr().wrapping_add(at).cast::<i8>()) }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = (slice, at);
}

/// Loads from places that the next stage will read, all independent of each other, so that the processor waits for many
/// at once. In a tight loop, prefetches come faster than they can be served and are lost; loads are not.
#[derive(Default)]
struct Touch(u64);

impl Touch {
    /// Loads something.
    #[inline(always)]
    fn load(&mut self, value: u64) {
        self.0 ^= value;
    }

    /// Keeps the compiler from leaving the loads out.
    #[inline(always)]
    fn end(self) {
        std::hint::black_box(self.0);
    }
}

/// Feature rows with consecutive row numbers.
pub(crate) struct Rows<'a> {
    /// Where their keys are; zero for rows to leave out (unknown key, null key, null timestamp).
    pub locations: &'a [Location],
    /// Event timestamps.
    pub event: &'a [i64],
    /// From when on a row counts: the event timestamp, or the later of event and created.
    pub known: &'a [i64],
    /// Created timestamps as [`Slots`] wants them, when the order needs them now.
    pub created: Option<&'a [i64]>,
    /// Number of the first row.
    pub first_row: u64,
}

/// The rows of a block that may matter, one array a property, so that every stage reads and writes in order.
struct Block {
    row: [u32; BLOCK],
    location: [Location; BLOCK],
    event: [i64; BLOCK],
    known: [i64; BLOCK],
    /// Where the search begins, and among how many slots.
    base: [u32; BLOCK],
    span: [u32; BLOCK],
    /// The slot found, or `NONE`.
    found: [u32; BLOCK],
}

/// Offers rows to slots. With `improved`, the slots that took a row are added to it, possibly more than once.
pub(crate) fn offer(
    index: &EntityIndex,
    window: Window,
    slots: &mut Slots,
    rows: &Rows<'_>,
    mut improved: Option<&mut Vec<u32>>,
) {
    let len = rows.locations.len();
    let (event, known) = (&rows.event[..len], &rows.known[..len]);
    let mut block = Block {
        row: [0; BLOCK],
        location: [0; BLOCK],
        event: [0; BLOCK],
        known: [0; BLOCK],
        base: [0; BLOCK],
        span: [0; BLOCK],
        found: [0; BLOCK],
    };
    for start in (0..len).step_by(BLOCK) {
        let range = start..len.min(start + BLOCK);
        let count =
            block.fill(start, &rows.locations[range.clone()], &event[range.clone()], &known[range], window);
        block.ask(index, count);
        block.search(index, window, slots, count);
        let taken = block.compact(count);
        let taken = block.row[..taken].iter().zip(&block.found[..taken]).zip(&block.event[..taken]);
        let number = |row: &u32| rows.first_row + u64::from(*row) + 1;
        match (slots.order, improved.as_deref_mut()) {
            (Order::Row, None) => {
                for ((row, slot), event) in taken {
                    slots.offer_row(*slot, *event, number(row));
                }
            }
            (Order::Deferred, None) if rows.created.is_none() => {
                for ((row, slot), event) in taken {
                    slots.offer_deferred(*slot, *event, number(row));
                }
            }
            (order, mut improved) => {
                for ((row, slot), event) in taken {
                    let better = match order {
                        Order::Row => slots.offer_row(*slot, *event, number(row)),
                        Order::Deferred | Order::Created => {
                            let created =
                                rows.created.map_or(Slots::UNKNOWN, |created| created[*row as usize]);
                            slots.offer_created(*slot, *event, created, number(row))
                        }
                    };
                    if let Some(improved) = improved.as_deref_mut().filter(|_| better) {
                        improved.push(*slot);
                    }
                }
            }
        }
    }
}

impl Block {
    /// Takes up the rows whose key is known, inside the window that can matter to any entity row.
    #[inline(always)]
    fn fill(
        &mut self,
        start: usize,
        locations: &[Location],
        event: &[i64],
        known: &[i64],
        window: Window,
    ) -> usize {
        let mut count = 0;
        for (at, ((location, event), known)) in locations.iter().zip(event).zip(known).take(BLOCK).enumerate()
        {
            // At most BLOCK rows come, so `count` is below it here; the mask tells the compiler.
            let to = count & (BLOCK - 1);
            self.row[to] = (start + at) as u32;
            self.location[to] = *location;
            self.event[to] = *event;
            self.known[to] = *known;
            count += usize::from((*location != 0) & (*event >= window.first) & (*known <= window.last));
        }
        count.min(BLOCK)
    }

    /// Asks for the memory of the searches: small groups themselves, large ones by way of their time directory.
    #[inline(always)]
    fn ask(&mut self, index: &EntityIndex, count: usize) {
        let (ets, directory) = (index.timestamps.as_slice(), index.directory.as_slice());
        let mut any_large = false;
        let mut touch = Touch::default();
        let places = self.base[..count].iter_mut().zip(&mut self.span[..count]);
        for ((base, span), location) in places.zip(&self.location[..count]) {
            (*base, *span) = ((*location >> 32) as u32, *location as u32);
            any_large |= is_large(*span);
            // Most small groups lie in the lines of their first and last slot.
            touch.load((ets[*base as usize] ^ ets[*base as usize + *span as usize]) as u64);
        }
        touch.end();
        if !any_large {
            return;
        }
        let bucket = |base: u32, span: u32, known: i64| {
            base as usize / 3 + (index.fraction(known) >> (32 - directory_bits(span))) as usize
        };
        let places = self.base[..count].iter().zip(&self.span[..count]).zip(&self.known[..count]);
        let mut touch = Touch::default();
        for ((base, span), known) in places.filter(|((_, span), _)| is_large(**span)) {
            touch.load(u64::from(directory[bucket(*base, *span, *known)]));
        }
        touch.end();
        // Narrow large groups to their bucket; the answer is in it or right behind it.
        let places = self.base[..count].iter_mut().zip(&mut self.span[..count]).zip(&self.known[..count]);
        let mut touch = Touch::default();
        for ((base, span), known) in places.filter(|((_, span), _)| is_large(**span)) {
            let bucket = bucket(*base, *span, *known);
            let (from, to) = (directory[bucket], directory[bucket + 1]);
            (*base, *span) = (*base + from, to - from);
            touch.load((ets[*base as usize] ^ ets[*base as usize + *span as usize]) as u64);
        }
        touch.end();
    }

    /// The first entity timestamp that is not before; none, or one too late for the ttl, drops the row.
    ///
    /// Results stay where the rows are: if their place depended on the searches before, the processor could not start
    /// the next search early.
    #[inline(always)]
    fn search(&mut self, index: &EntityIndex, window: Window, slots: &Slots, count: usize) {
        let ets = index.timestamps.as_slice();
        let places = self.base[..count].iter().zip(&self.span[..count]).zip(&self.location[..count]);
        let times = self.event[..count].iter().zip(&self.known[..count]);
        for ((((base, span), location), (event, known)), found) in
            places.zip(times).zip(&mut self.found[..count])
        {
            let end = (*location >> 32) as usize + *location as u32 as usize;
            // An empty bucket is searched like one of a single slot: that one is in a later bucket and not before,
            // or it is behind the group, where what is found does not count.
            let (mut slot, mut limit) = (*base as usize, *base as usize + (*span as usize).max(1));
            while limit - slot >= 2 * STEPS[0] {
                let middle = slot.midpoint(limit);
                let before = ets[middle - 1] < *known;
                (slot, limit) = if before { (middle, limit) } else { (slot, middle) };
            }
            // As many steps for every row: how many each needs could not be predicted, and a wrong guess would stop
            // the searches that run ahead.
            for step in STEPS {
                let at = (slot + step).min(limit);
                let before = ets[at - 1] < *known;
                slot = select_unpredictable(before, at, slot);
            }
            let take = (slot < end) & window.fresh(*event, ets[slot]);
            *found = select_unpredictable(take, slot as u32, NONE);
            prefetch(&slots.best, slot);
        }
    }

    /// Moves the rows that found a slot together, to the front.
    #[inline(always)]
    fn compact(&mut self, count: usize) -> usize {
        let mut taken = 0;
        for at in 0..count {
            (self.row[taken], self.found[taken], self.event[taken]) =
                (self.row[at], self.found[at], self.event[at]);
            // `self.found[taken]` is the row just moved.
            taken += usize::from(self.found[taken] != NONE);
        }
        taken
    }
}
