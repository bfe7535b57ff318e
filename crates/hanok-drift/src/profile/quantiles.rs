//! A KLL sketch of quantiles (Karnin, Lang and Liberty 2016) in the binary format of Apache DataSketches.
//!
//! Of our own, because the sketch of the `datasketches` crate draws from the system's randomness and takes values one by one: here the
//! same rows make the same bytes on every machine and with every number of threads, and a sorted block enters as a sample of itself.
//! Tests compare with the crate.

use std::cmp::Ordering;

use crate::profile::bytes::Reader;
use crate::sort::{key, value};
use crate::text::mixed;

/// Values that a level holds at the top. Ranks are right to [`ERROR`].
pub(crate) const K: u32 = 1024;
/// How far a share that lies between two values may be from the truth, in 99 of 100 cases: 2.446 / k^0.9433, the two-sided error
/// that DataSketches publishes for its KLL (`get_normalized_rank_error(k, true)`).
pub(crate) const ERROR: f64 = 0.003_538_7;
/// Values that a level holds at least.
const M: u32 = 8;
/// Values that are given at once, sorted.
pub(crate) const BLOCK: usize = 8192;
/// More are never needed for 2⁵³ values.
const LEVELS_MAX: usize = 61;

/// DataSketches' number of the family, and its flags.
const FAMILY: u8 = 15;
const EMPTY: u8 = 1;
const SORTED: u8 = 2;
const SINGLE: u8 = 4;

/// Keys of numbers ([`key`]); one of level l stands for 2^l values. Every level is sorted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantiles {
    count: u64,
    range: Option<[u64; 2]>,
    levels: Vec<Vec<u64>>,
}

impl Default for Quantiles {
    fn default() -> Quantiles {
        Quantiles { count: 0, range: None, levels: vec![Vec::new()] }
    }
}

impl Quantiles {
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The smallest and the largest key.
    pub(crate) fn range(&self) -> Option<[u64; 2]> {
        self.range
    }

    /// Adds at most [`BLOCK`] sorted keys. Of a whole block every 2^h-th is put into level h, the highest whose compaction would lose
    /// more: the error of such a sample is that of one step, where compactions on the way up would add theirs.
    pub(crate) fn add(&mut self, block: &[u64]) {
        let (Some(first), Some(last)) = (block.first(), block.last()) else { return };
        self.widen([*first, *last]);
        let level = if block.len() == BLOCK { self.level_of_blocks() } else { 0 };
        let offset = (self.draw(level, block) & ((1 << level) - 1)) as usize;
        self.count += block.len() as u64;
        let sample = block[offset..].iter().step_by(1 << level).copied();
        self.levels[level] = merged(&self.levels[level], sample);
        self.compress();
    }

    pub(crate) fn merge(&mut self, other: &Quantiles) {
        let Some(range) = other.range else { return };
        self.widen(range);
        self.count += other.count;
        let levels = self.levels.len().max(other.levels.len());
        self.levels.resize(levels, Vec::new());
        for (level, more) in self.levels.iter_mut().zip(&other.levels) {
            *level = merged(level, more.iter().copied());
        }
        self.compress();
    }

    /// The kept numbers in ascending order, each with how many values it stands for.
    pub(crate) fn weighted(&self) -> Vec<(u64, u64)> {
        let mut all: Vec<(u64, u64)> = Vec::with_capacity(self.levels.iter().map(Vec::len).sum());
        for (level, keys) in self.levels.iter().enumerate() {
            all.extend(keys.iter().map(|key| (*key, 1 << level)));
        }
        all.sort_unstable();
        all.dedup_by(|later, earlier| {
            let is_tie = later.0 == earlier.0;
            if is_tie {
                earlier.1 += later.1;
            }
            is_tie
        });
        all
    }

    fn widen(&mut self, [low, high]: [u64; 2]) {
        self.range = Some(self.range.map_or([low, high], |range| [range[0].min(low), range[1].max(high)]));
    }

    /// The highest level that a block's sample would fill at least once.
    fn level_of_blocks(&self) -> usize {
        let levels = self.levels.len();
        (0..levels).rev().find(|level| (capacity(levels, *level) as usize) << level <= BLOCK).unwrap_or(0)
    }

    /// Bits that no value can foresee but that every run draws again: from the number of values and the keys themselves.
    fn draw(&self, level: usize, keys: &[u64]) -> u64 {
        mixed(self.count ^ mixed(keys[keys.len() / 2] ^ (level as u64) << 32))
    }

    fn compress(&mut self) {
        loop {
            let levels = self.levels.len();
            let kept: usize = self.levels.iter().map(Vec::len).sum();
            if kept <= total_capacity(levels) as usize {
                return;
            }
            let full = |at: &usize| self.levels[*at].len() >= capacity(levels, *at) as usize;
            let Some(at) = (0..levels).find(full) else { return };
            self.compact(at);
        }
    }

    /// Moves every second key of a level, the odd ones or the even ones, one level up.
    fn compact(&mut self, at: usize) {
        let keys = std::mem::take(&mut self.levels[at]);
        let odd = keys.len() % 2;
        let offset = odd + (self.draw(at, &keys) & 1) as usize;
        if at + 1 == self.levels.len() {
            self.levels.push(Vec::new());
        }
        self.levels[at + 1] = merged(&self.levels[at + 1], keys[offset..].iter().step_by(2).copied());
        self.levels[at].extend_from_slice(&keys[..odd]);
    }

    /// The serialized form of `kll_doubles_sketch`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (preamble, version, flags) = match self.count {
            0 => (2, 1, EMPTY),
            1 => (2, 2, SINGLE | SORTED),
            _ => (5, 1, SORTED),
        };
        let mut out = vec![preamble, version, FAMILY, flags];
        out.extend((K as u16).to_le_bytes());
        out.extend([M as u8, 0]);
        if self.count > 1 {
            out.extend(self.count.to_le_bytes());
            out.extend((K as u16).to_le_bytes());
            out.extend([self.levels.len() as u8, 0]);
            let kept: usize = self.levels.iter().map(Vec::len).sum();
            let mut offset = total_capacity(self.levels.len()) - kept as u32;
            for level in &self.levels {
                out.extend(offset.to_le_bytes());
                offset += level.len() as u32;
            }
            for end in self.range.iter().flatten() {
                out.extend(value(*end).to_le_bytes());
            }
        }
        for key in self.levels.iter().flatten() {
            out.extend(value(*key).to_le_bytes());
        }
        out
    }

    /// Reads only what [`Quantiles::to_bytes`] writes: any other bytes are `Err` with what is wrong.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Quantiles, &'static str> {
        let mut reader = Reader(bytes);
        let [preamble, version, family, flags] = reader.array()?;
        let head = [u16::from_le_bytes(reader.array()?), u16::from_le_bytes(reader.array()?)];
        if family != FAMILY || head != [K as u16, M as u16] {
            return Err("its quantiles are not a KLL sketch of this format's size");
        }
        let sketch = match [preamble, version, flags] {
            [2, 1, EMPTY] => Quantiles::default(),
            [2, 2, single] if single == SINGLE | SORTED => {
                let only = reader.key()?;
                Quantiles { count: 1, range: Some([only, only]), levels: vec![vec![only]] }
            }
            [5, 1, SORTED] => Quantiles::levels_from(&mut reader)?,
            _ => return Err("its quantiles have a preamble of another kind"),
        };
        reader.end()?;
        Ok(sketch)
    }

    fn levels_from(reader: &mut Reader<'_>) -> Result<Quantiles, &'static str> {
        let count = u64::from_le_bytes(reader.array()?);
        let min_k = u16::from_le_bytes(reader.array()?);
        let [levels, zero] = reader.array()?;
        let levels = usize::from(levels);
        if u32::from(min_k) != K || zero != 0 || !(1..=LEVELS_MAX).contains(&levels) || count < 2 {
            return Err("its quantiles have a preamble of another kind");
        }
        let end = total_capacity(levels);
        let mut ends = Vec::with_capacity(levels + 1);
        for _ in 0..levels {
            ends.push(u32::from_le_bytes(reader.array()?));
        }
        ends.push(end);
        if !ends.is_sorted() || ends[levels - 1] == end && levels > 1 {
            return Err("its quantiles have levels that overlap");
        }
        let range = [reader.key()?, reader.key()?];
        let mut sketch = Quantiles { count, range: Some(range), levels: Vec::with_capacity(levels) };
        let mut weight = 0_u64;
        for (level, ends) in ends.windows(2).enumerate() {
            // As many as are really there, whatever the offsets say.
            let keys = (ends[0]..ends[1]).map(|_| reader.key()).collect::<Result<Vec<u64>, _>>()?;
            let is_within = keys.first().is_none_or(|first| *first >= range[0])
                && keys.last().is_none_or(|last| *last <= range[1]);
            if !keys.is_sorted() || !is_within {
                return Err("its quantiles are not in order");
            }
            let part = (keys.len() as u64).checked_mul(1 << level);
            weight = part.and_then(|part| weight.checked_add(part)).ok_or("its quantiles weigh too much")?;
            sketch.levels.push(keys);
        }
        if weight != count || range[0] > range[1] {
            return Err("its quantiles do not weigh what they count");
        }
        Ok(sketch)
    }
}

impl Reader<'_> {
    /// A number that is one, as its key.
    fn key(&mut self) -> Result<u64, &'static str> {
        let number = f64::from_le_bytes(self.array()?);
        if number.is_nan() { Err("a quantile is not a number") } else { Ok(key(number)) }
    }
}

/// Two ascending lists as one.
fn merged(left: &[u64], right: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut out = Vec::with_capacity(left.len() + right.size_hint().0);
    let mut at = 0;
    for key in right {
        while let Some(other) = left.get(at).filter(|other| (**other).cmp(&key) != Ordering::Greater) {
            out.push(*other);
            at += 1;
        }
        out.push(key);
    }
    out.extend_from_slice(&left[at..]);
    out
}

/// What a level holds before it is compacted, as DataSketches computes it: k (2/3)^depth, rounded, at least [`M`].
fn capacity(levels: usize, level: usize) -> u32 {
    let depth = (levels - 1 - level) as u32;
    // Deeper than this everything is below M.
    if depth > 30 {
        return M;
    }
    let scaled = (u64::from(K) << (depth + 1)) / 3_u64.pow(depth);
    ((scaled + 1) as u32 >> 1).max(M)
}

fn total_capacity(levels: usize) -> u32 {
    (0..levels).map(|level| capacity(levels, level)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasketches::common::SearchCriteria;
    use datasketches::kll::{KllFloat, KllSketch};
    use proptest::prelude::*;

    fn sketch(numbers: &[f64]) -> Quantiles {
        let mut sketch = Quantiles::default();
        for block in numbers.chunks(BLOCK) {
            let mut keys: Vec<u64> = block.iter().map(|number| key(*number)).collect();
            keys.sort_unstable();
            sketch.add(&keys);
        }
        sketch
    }

    fn uniform(seed: u64, count: usize) -> Vec<f64> {
        (0..count as u64).map(|at| (mixed(seed ^ mixed(at)) >> 11) as f64).collect()
    }

    /// The largest distance of the two distribution functions.
    fn error(sketch: &Quantiles, numbers: &[f64]) -> f64 {
        let mut keys: Vec<u64> = numbers.iter().map(|number| key(*number)).collect();
        keys.sort_unstable();
        let (mut before, mut largest) = (0, 0.0_f64);
        for (key, weight) in sketch.weighted() {
            let less = keys.partition_point(|other| *other < key) as f64;
            largest = largest.max((less - before as f64).abs());
            before += weight;
            let end = keys.partition_point(|other| *other <= key) as f64;
            largest = largest.max((end - before as f64).abs());
        }
        largest / numbers.len() as f64
    }

    #[test]
    fn shares_are_within_the_error() {
        let mut beyond = 0;
        for run in 0..100 {
            let numbers = uniform(run, 20_000 + 3001 * run as usize);
            let found = error(&sketch(&numbers), &numbers);
            beyond += u32::from(found > ERROR);
            assert!(found < 1.5 * ERROR, "{run}: {found}");
        }
        assert!(beyond <= 3, "{beyond}");
    }

    #[test]
    fn merged_sketches_are_within_the_error() {
        let numbers = uniform(7, 400_000);
        let mut all = Quantiles::default();
        for part in numbers.chunks(1777) {
            all.merge(&sketch(part));
        }
        assert_eq!((all.count(), all.range()), (400_000, sketch(&numbers).range()));
        let found = error(&all, &numbers);
        assert!(found < ERROR, "{found}");
        let kept: usize = all.levels.iter().map(Vec::len).sum();
        assert!(kept <= 3 * K as usize, "{kept}");
    }

    #[test]
    fn few_values_are_all_kept() {
        let numbers = uniform(1, K as usize);
        let found = sketch(&numbers);
        assert!(found.levels.len() == 1 && error(&found, &numbers) == 0.0);
        assert!(sketch(&uniform(1, K as usize + 1)).levels.len() > 1);
    }

    #[test]
    fn capacities_are_those_of_the_crate() {
        // A sketch with so many levels is read only if the offsets fit its capacity.
        for count in [2, 1000, 1025, 5000, 100_000, 3_000_000] {
            let numbers = uniform(2, count);
            let ours = sketch(&numbers);
            let theirs = KllSketch::<KllFloat<f64>>::deserialize(&ours.to_bytes()).unwrap();
            assert_eq!((theirs.n(), theirs.k()), (count as u64, K as u16));
            assert_eq!(theirs.serialize(), ours.to_bytes());
            assert!((theirs.normalized_pmf_error() - ERROR).abs() < 1e-6);
            let weighted = ours.weighted();
            for rank in [0.01, 0.1, 0.25, 0.5, 0.9, 0.999] {
                let expected = theirs.quantile(rank, SearchCriteria::Inclusive).unwrap().unwrap();
                let mut before = 0;
                let place = (rank * count as f64).ceil() as u64;
                let found = weighted.iter().find(|(_, weight)| {
                    before += weight;
                    before >= place
                });
                assert_eq!(value(found.unwrap().0), expected.into_inner());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

        #[test]
        fn bytes_are_read_back(count in 0_usize..30_000, seed: u64) {
            let found = sketch(&uniform(seed, count));
            prop_assert_eq!(Quantiles::from_bytes(&found.to_bytes()), Ok(found));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100), levels in 0_u8..70) {
            let mut bytes = bytes;
            let good = sketch(&uniform(3, 5000)).to_bytes();
            let head = bytes.len().min(18);
            bytes[..head].copy_from_slice(&good[..head]);
            if let Some(at) = bytes.get_mut(18) {
                *at = levels;
            }
            if let Ok(read) = Quantiles::from_bytes(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
