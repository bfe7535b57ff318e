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

/// Asks for the cache line of `slice[at]`, which need not exist.
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
    let ets = index.timestamps.as_slice();
    let directory = index.directory.as_slice();
    let mut kept = [0_u32; BLOCK];
    let mut base = [0_u32; BLOCK];
    let mut span = [0_u32; BLOCK];
    let mut large = [0_u32; BLOCK];
    for start in (0..len).step_by(BLOCK) {
        let block = start..len.min(start + BLOCK);

        // Rows whose key is known, inside the window that can matter to any entity row.
        let mut count = 0;
        for row in block {
            let keep =
                (rows.locations[row] != 0) & (event[row] >= window.first) & (known[row] <= window.last);
            kept[count & (BLOCK - 1)] = row as u32;
            count += usize::from(keep);
        }
        let count = count.min(BLOCK);

        // Ask for small groups themselves, and for the time directory of large ones.
        let mut many = 0;
        for at in 0..count {
            let location = rows.locations[kept[at] as usize];
            (base[at], span[at]) = ((location >> 32) as u32, location as u32);
            large[many & (BLOCK - 1)] = at as u32;
            many += usize::from(is_large(span[at]));
            // A small group lies in at most three lines; most of them start or end in the first and the last.
            prefetch(ets, base[at] as usize);
            prefetch(ets, (base[at] + span[at]) as usize);
        }
        let large = &large[..many.min(BLOCK)];
        let bucket = |at: usize| {
            let fraction = index.fraction(known[kept[at] as usize]);
            base[at] as usize / 3 + (fraction >> (32 - directory_bits(span[at]))) as usize
        };
        for at in large {
            prefetch(directory, bucket(*at as usize));
        }
        // Narrow large groups to their bucket; the answer is in it or right behind it.
        for at in large {
            let at = *at as usize;
            let fraction = index.fraction(known[kept[at] as usize]);
            let bucket = base[at] as usize / 3 + (fraction >> (32 - directory_bits(span[at]))) as usize;
            let (from, to) = (directory[bucket], directory[bucket + 1]);
            (base[at], span[at]) = (base[at] + from, to - from);
            prefetch(ets, base[at] as usize);
            prefetch(ets, (base[at] + span[at]) as usize);
        }

        // The first entity timestamp that is not before; none, or one too late for the ttl, drops the row.
        let mut taken = 0;
        for at in 0..count {
            let row = kept[at] as usize;
            let location = rows.locations[row];
            let end = (location >> 32) as usize + location as u32 as usize;
            let (mut slot, mut rest) = (base[at] as usize, span[at] as usize);
            while rest > 0 {
                let half = rest.div_ceil(2);
                let before = ets[slot + half - 1] < known[row];
                slot = select_unpredictable(before, slot + half, slot);
                rest -= half;
            }
            let take = (slot < end) & window.fresh(event[row], ets[slot]);
            (kept[taken], base[taken]) = (row as u32, slot as u32);
            prefetch(&slots.best, slot);
            taken += usize::from(take);
        }

        let rows_taken = kept[..taken].iter().zip(&base[..taken]);
        match (slots.order, improved.as_deref_mut()) {
            (Order::Row, None) => {
                for (row, slot) in rows_taken {
                    let number = rows.first_row + u64::from(*row) + 1;
                    slots.offer_row(*slot, event[*row as usize], number);
                }
            }
            (Order::Deferred, None) if rows.created.is_none() => {
                for (row, slot) in rows_taken {
                    let number = rows.first_row + u64::from(*row) + 1;
                    slots.offer_deferred(*slot, event[*row as usize], number);
                }
            }
            (order, mut improved) => {
                for (row, slot) in rows_taken {
                    let number = rows.first_row + u64::from(*row) + 1;
                    let row = *row as usize;
                    let better = match order {
                        Order::Row => slots.offer_row(*slot, event[row], number),
                        Order::Deferred | Order::Created => {
                            let created = rows.created.map_or(Slots::UNKNOWN, |created| created[row]);
                            slots.offer_created(*slot, event[row], created, number)
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
