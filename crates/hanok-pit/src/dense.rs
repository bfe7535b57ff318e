//! A table of whole numbers that lie close together, as ids mostly do: an array, indexed by the distance from the smallest.

use crate::table::{Location, pack};

/// Places an entity row that an array may take; a hash table takes up to four places of twice the size.
const PLACES_MAX: u64 = 4;

pub(crate) struct DenseTable {
    first: i64,
    /// Zero: the number is absent. While building: number of the key, and 1.
    locations: Vec<Location>,
    pub(crate) count: u32,
}

impl DenseTable {
    /// A table for keys from `first` to `last` of `rows` rows; `None` when they lie too far apart.
    pub(crate) fn new(first: i64, last: i64, rows: usize) -> Option<Self> {
        let distance = last.abs_diff(first);
        if distance >= (rows as u64).saturating_mul(PLACES_MAX) {
            return None;
        }
        Some(Self { first, locations: vec![0; distance as usize + 1], count: 0 })
    }

    #[inline(always)]
    fn place(&self, key: i64) -> usize {
        // A smaller key wraps around to a place that is not there.
        key.wrapping_sub(self.first) as usize
    }

    /// Number of the key, given out in order of first appearance. Keys outside of the range that the table was made for
    /// are not inserted.
    #[inline]
    pub(crate) fn insert(&mut self, key: i64) -> u32 {
        let place = self.place(key);
        let Some(location) = self.locations.get_mut(place) else { return 0 };
        if *location == 0 {
            *location = pack(self.count, 1);
            self.count += 1;
        }
        (*location >> 32) as u32
    }

    /// From now on, look-ups yield slots: key number `n` has `starts[n]..starts[n + 1]`.
    pub(crate) fn freeze(&mut self, starts: &[u32]) {
        for location in self.locations.iter_mut().filter(|location| **location != 0) {
            let number = (*location >> 32) as usize;
            *location = pack(starts[number], starts[number + 1] - starts[number]);
        }
    }

    /// Locations of all keys. The loads do not depend on each other, so the processor waits for many at once.
    pub(crate) fn locate_all(&self, keys: &[i64], out: &mut Vec<Location>) {
        out.clear();
        out.extend(keys.iter().map(|key| self.locations.get(self.place(*key)).copied().unwrap_or(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_close_together_have_a_table_and_others_are_absent_from_it() {
        let mut table = DenseTable::new(-3, 4, 2).unwrap();
        assert_eq!([4, -3, 4, 0].map(|key| table.insert(key)), [0, 1, 0, 2]);
        table.freeze(&[0, 5, 6, 9]);
        let mut found = Vec::new();
        table.locate_all(&[4, -3, 0, 1, 5, -4, i64::MIN, i64::MAX], &mut found);
        assert_eq!(found, [pack(0, 5), pack(5, 1), pack(6, 3), 0, 0, 0, 0, 0]);
    }

    #[test]
    fn numbers_far_apart_have_none() {
        assert!(DenseTable::new(0, 8, 2).is_none());
        assert!(DenseTable::new(i64::MIN, i64::MAX, usize::MAX).is_none());
        assert!(DenseTable::new(i64::MAX, i64::MAX, 1).is_some());
    }
}
