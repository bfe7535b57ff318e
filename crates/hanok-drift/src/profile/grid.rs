//! A histogram whose edges no data decide, so that histograms of parts always add up exactly.

use std::cmp::Ordering;

use crate::profile::bytes::{Reader, push_varint};
use crate::sort::{key, value};

/// The most buckets in use.
pub(crate) const BUCKETS_MAX: usize = 1024;

/// Counts of buckets. A bucket has the keys ([`key`]) that agree in all but their lowest `shift` bits: its width is a power of two, in
/// proportion to the size of its values. `shift` is the least with which at most [`BUCKETS_MAX`] buckets are in use, which does not
/// depend on the order of the values; at 0 every different value has a bucket of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Grid {
    shift: u32,
    /// Ascending; without empty ones.
    buckets: Vec<(u64, u64)>,
}

/// A bucket as numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// The smallest number that it may have, and the largest.
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) count: u64,
}

impl Grid {
    /// Adds sorted keys.
    pub(crate) fn add(&mut self, sorted: &[u64]) {
        let mut more: Vec<(u64, u64)> = Vec::with_capacity(BUCKETS_MAX);
        for run in sorted.chunk_by(|a, b| a >> self.shift == b >> self.shift) {
            more.push((run[0] >> self.shift, run.len() as u64));
        }
        self.merge(&Grid { shift: self.shift, buckets: more });
    }

    pub(crate) fn merge(&mut self, other: &Grid) {
        let shift = self.shift.max(other.shift);
        self.coarsen(shift);
        let mut other = other.clone();
        other.coarsen(shift);
        self.buckets = sum(&self.buckets, &other.buckets);
        while self.buckets.len() > BUCKETS_MAX {
            self.coarsen(self.shift + 1);
        }
    }

    fn coarsen(&mut self, shift: u32) {
        let by = shift - self.shift;
        if by > 0 {
            self.buckets.iter_mut().for_each(|(bucket, _)| *bucket >>= by);
            self.buckets.dedup_by(|later, earlier| {
                let is_same = later.0 == earlier.0;
                if is_same {
                    earlier.1 += later.1;
                }
                is_same
            });
            self.shift = shift;
        }
    }

    /// The same counts, of buckets at least as wide as another grid's.
    pub(crate) fn as_wide_as(&self, other: &Grid) -> Grid {
        let mut grid = self.clone();
        grid.coarsen(self.shift.max(other.shift));
        grid
    }

    /// Whether every different value has a bucket of its own.
    pub(crate) fn is_exact(&self) -> bool {
        self.shift == 0
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// Buckets in use.
    pub(crate) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// The bucket of a key.
    pub(crate) fn place(&self, key: u64) -> u64 {
        key >> self.shift
    }

    /// Places and counts.
    pub(crate) fn places(&self) -> &[(u64, u64)] {
        &self.buckets
    }

    pub(crate) fn bucket(&self, (place, count): (u64, u64)) -> Bucket {
        let low = place << self.shift;
        let high = low | ((1 << self.shift) - 1);
        let number = |at: u64| value(at.clamp(key(f64::NEG_INFINITY), key(f64::INFINITY)));
        Bucket { low: number(low), high: number(high), count }
    }

    pub(crate) fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        self.buckets.iter().map(|bucket| self.bucket(*bucket))
    }

    /// The buckets in the form that bins are made of.
    pub(crate) fn runs(&self) -> Vec<([f64; 2], u64)> {
        self.buckets().map(|bucket| ([bucket.low, bucket.high], bucket.count)).collect()
    }

    /// `shift` in a byte, then the number of buckets and for each its distance from the one before and its count, as variable-length
    /// numbers.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![self.shift as u8];
        push_varint(&mut out, self.buckets.len() as u64);
        let mut before = 0;
        for (place, count) in &self.buckets {
            push_varint(&mut out, place - before);
            push_varint(&mut out, *count);
            before = *place;
        }
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Grid, &'static str> {
        let mut reader = Reader(bytes);
        let [shift] = reader.array()?;
        let buckets = reader.varint()?;
        if shift > 63 || buckets > BUCKETS_MAX as u64 {
            return Err("its histogram has more buckets than the format allows");
        }
        let mut grid = Grid { shift: u32::from(shift), buckets: Vec::with_capacity(buckets as usize) };
        let (mut place, mut all) = (0_u64, 0_u64);
        for at in 0..buckets {
            let step = reader.varint()?;
            let count = reader.varint()?;
            let next = place.checked_add(step).filter(|next| *next <= u64::MAX >> shift);
            place =
                next.filter(|_| (at == 0 || step > 0) && count > 0).ok_or("its histogram is not in order")?;
            all = all.checked_add(count).ok_or("its histogram counts too much")?;
            grid.buckets.push((place, count));
        }
        reader.end()?;
        Ok(grid)
    }
}

/// Two ascending lists of counts as one.
fn sum(left: &[(u64, u64)], right: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (left.get(i), right.get(j)) {
        let order = a.0.cmp(&b.0);
        out.push(match order {
            Ordering::Less => *a,
            Ordering::Greater => *b,
            Ordering::Equal => (a.0, a.1 + b.1),
        });
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
    out.extend_from_slice(&left[i..]);
    out.extend_from_slice(&right[j..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(numbers: &[f64]) -> Grid {
        let mut keys: Vec<u64> = numbers.iter().map(|number| key(*number)).collect();
        keys.sort_unstable();
        let mut grid = Grid::default();
        grid.add(&keys);
        grid
    }

    #[test]
    fn few_values_have_a_bucket_each() {
        let found = grid(&[1.0, 0.0, -0.0, f64::INFINITY, 1.0, -5e-324]);
        let buckets: Vec<Bucket> = found.buckets().collect();
        let one = |number: f64, count| Bucket { low: number, high: number, count };
        assert_eq!(buckets, [one(-5e-324, 1), one(0.0, 2), one(1.0, 2), one(f64::INFINITY, 1)]);
        assert!(found.is_exact());
    }

    #[test]
    fn buckets_are_as_narrow_as_their_number_allows() {
        let numbers: Vec<f64> = (0..5000).map(|at| 1000.0 + f64::from(at) / 5000.0).collect();
        let found = grid(&numbers);
        assert!((BUCKETS_MAX / 2..=BUCKETS_MAX).contains(&found.len()) && !found.is_exact());
        assert!(found.buckets().all(|bucket| bucket.high - bucket.low < 0.002 && bucket.count <= 10));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn parts_add_up_and_every_value_is_in_its_bucket(
            numbers in prop::collection::vec(any::<f64>().prop_filter("NaN has no key", |number| !number.is_nan()), 1..4000),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = grid(&numbers);
            let (left, right) = numbers.split_at(cut.index(numbers.len()));
            let mut sum = grid(right);
            sum.merge(&grid(left));
            prop_assert_eq!(&sum, &whole);
            prop_assert_eq!(Grid::from_bytes(&whole.to_bytes()), Ok(whole.clone()));
            for bucket in whole.buckets() {
                let is_in = |number: &&f64| (bucket.low..=bucket.high).contains(*number);
                prop_assert_eq!(numbers.iter().filter(is_in).count() as u64, bucket.count);
            }
            // One bit narrower would be too many.
            if let Some(shift) = whole.shift.checked_sub(1) {
                let mut places: Vec<u64> = numbers.iter().map(|number| key(*number) >> shift).collect();
                places.sort_unstable();
                places.dedup();
                prop_assert!(places.len() > BUCKETS_MAX);
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(read) = Grid::from_bytes(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
