//! How many different values there are: HyperLogLog (Flajolet and others 2007) in the binary format of Apache DataSketches.

use datasketches::common::NumStdDev;
use datasketches::hll::HllSketch;

use crate::profile::bytes::Reader;

/// The logarithm of the number of registers; two standard deviations of the estimate are 3.3 %.
pub(crate) const LG_K: u8 = 12;
const REGISTERS: usize = 1 << LG_K;
/// A register is the place of the first bit of 64, so at most this.
const REGISTER_MAX: u8 = 63;
/// Ten words of preamble, version 1, family HLL, lg k, nothing, values in no order, a minimum of 0, and dense with 8 bits a register.
const PREAMBLE: [u8; 8] = [10, 1, 7, LG_K, 0, 1 << 4, 0, 0b1010];
/// What precedes the registers.
const HEADER: usize = 40;
/// The seed of all DataSketches, so that their unions with ours hold.
const SEED: u64 = 9001;

/// The registers alone: what estimates need beside them follows from them. Parts in any order make the same bytes as the whole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Distinct(Box<[u8; REGISTERS]>);

impl Default for Distinct {
    fn default() -> Distinct {
        Distinct(Box::new([0; REGISTERS]))
    }
}

impl Distinct {
    /// Adds a number as DataSketches does: by the bits of a double, −0 as 0.
    #[inline]
    pub(crate) fn add_number(&mut self, number: f64) {
        let (low, high) = finish(first_word((number + 0.0).to_bits()) ^ SEED, SEED, 8);
        self.add(low, high);
    }

    /// Adds bytes, such as a text's in UTF-8.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        let (low, high) = murmur(bytes);
        self.add(low, high);
    }

    #[inline]
    fn add(&mut self, low: u64, high: u64) {
        let register = &mut self.0[low as usize % REGISTERS];
        *register = (*register).max(high.leading_zeros().min(62) as u8 + 1);
    }

    pub(crate) fn merge(&mut self, other: &Distinct) {
        for (register, more) in self.0.iter_mut().zip(other.0.iter()) {
            *register = (*register).max(*more);
        }
    }

    /// How many different values there are, and how far that may be from the truth: two standard deviations.
    pub(crate) fn estimate(&self) -> (f64, f64) {
        // Our own bytes are always read.
        HllSketch::deserialize(&self.to_bytes()).map_or((0.0, f64::INFINITY), |sketch| {
            let estimate = sketch.composite_estimate();
            (estimate, (sketch.upper_bound(NumStdDev::Two) - estimate).max(0.0))
        })
    }

    /// The serialized form of an `hll_sketch` of the type HLL_8.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let sum = |is_in: fn(u8) -> bool| -> f64 {
            self.0.iter().filter(|r| is_in(**r)).map(|r| libm::ldexp(1.0, -i32::from(*r))).sum()
        };
        let zeros = self.0.iter().filter(|register| **register == 0).count() as u32;
        let mut out = Vec::with_capacity(HEADER + REGISTERS);
        out.extend(PREAMBLE);
        // No history of the order; then the sums of 2^−register, of small registers and of large ones.
        for number in [0.0, sum(|register| register < 32), sum(|register| register >= 32)] {
            out.extend(number.to_le_bytes());
        }
        out.extend(zeros.to_le_bytes());
        out.extend([0; 4]);
        out.extend(self.0.iter());
        out
    }

    /// Reads only what [`Distinct::to_bytes`] writes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Distinct, &'static str> {
        let mut reader = Reader(bytes);
        let header: [u8; HEADER] = reader.array()?;
        let registers: [u8; REGISTERS] = reader.array()?;
        reader.end()?;
        let found = Distinct(Box::new(registers));
        let is_whole = registers.iter().all(|register| *register <= REGISTER_MAX);
        if is_whole && found.to_bytes().starts_with(&header) {
            Ok(found)
        } else {
            Err("its distinct values are not a HyperLogLog sketch of this format")
        }
    }
}

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

#[inline]
fn first_word(word: u64) -> u64 {
    word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn second_word(word: u64) -> u64 {
    word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

#[inline]
fn last_mix(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

#[inline]
fn finish(h1: u64, h2: u64, length: u64) -> (u64, u64) {
    let (h1, h2) = (h1 ^ length, h2 ^ length);
    let h1 = h1.wrapping_add(h2);
    let h2 = h2.wrapping_add(h1);
    let (h1, h2) = (last_mix(h1), last_mix(h2));
    let h1 = h1.wrapping_add(h2);
    (h1, h2.wrapping_add(h1))
}

/// MurmurHash3 for 64-bit machines with 128 bits (Appleby, public domain), which all DataSketches use.
fn murmur(bytes: &[u8]) -> (u64, u64) {
    let (mut h1, mut h2) = (SEED, SEED);
    let (blocks, rest) = bytes.as_chunks::<16>();
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    for block in blocks {
        let (first, second) = block.split_at(8);
        h1 = (h1 ^ first_word(word(first))).rotate_left(27).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 = (h2 ^ second_word(word(second))).rotate_left(31).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (first, second) = rest.split_at(rest.len().min(8));
    // Of no bytes both are 0.
    h1 ^= first_word(word(first));
    h2 ^= second_word(word(second));
    finish(h1, h2, bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasketches::hash::value::{canonical_float, raw_bytes};
    use datasketches::hll::{HllType, HllUnion};
    use proptest::prelude::*;

    /// A sketch of the crate without a history, as after a union.
    fn theirs(add: impl Fn(&mut HllSketch)) -> HllSketch {
        let mut union = HllUnion::new(LG_K).unwrap();
        // What makes a union of sparse sketches dense.
        let mut dense = HllSketch::new(LG_K, HllType::Hll8).unwrap();
        for at in 0..1000_u32 {
            dense.update(canonical_float::from_f64(f64::from(at)));
        }
        union.update(&dense);
        let mut sketch = HllSketch::new(LG_K, HllType::Hll8).unwrap();
        add(&mut sketch);
        union.update(&sketch);
        union.to_sketch(HllType::Hll8)
    }

    fn dense() -> Distinct {
        let mut ours = Distinct::default();
        (0..1000_u32).for_each(|at| ours.add_number(f64::from(at)));
        ours
    }

    #[test]
    fn registers_and_estimates_are_the_crates() {
        let mut ours = dense();
        let numbers = || (0..50_000_u32).map(|at| f64::from(at) * 0.37 - 100.0);
        numbers().for_each(|number| ours.add_number(number));
        let theirs =
            theirs(|sketch| numbers().for_each(|number| sketch.update(canonical_float::from_f64(number))));
        assert_eq!(&ours.to_bytes()[HEADER..], &theirs.serialize()[HEADER..]);
        let (found, error) = ours.estimate();
        assert_eq!(found, theirs.composite_estimate());
        assert!(
            (found / 51_000.0 - 1.0).abs() < 0.04 && (0.02..0.05).contains(&(error / found)),
            "{found} {error}"
        );
        assert_eq!(Distinct::from_bytes(&ours.to_bytes()), Ok(ours));
    }

    proptest! {
        #[test]
        fn texts_are_hashed_as_by_the_crate(texts in prop::collection::vec("\\PC{0,40}", 1..20)) {
            let mut ours = dense();
            texts.iter().for_each(|text| ours.add_bytes(text.as_bytes()));
            let theirs = theirs(|sketch| texts.iter().for_each(|text| sketch.update(raw_bytes::from_str(text))));
            prop_assert_eq!(&ours.to_bytes()[HEADER..], &theirs.serialize()[HEADER..]);
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let bytes = dense().to_bytes();
        for at in (0..HEADER).chain([bytes.len() - 1]) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x80;
            assert!(Distinct::from_bytes(&bytes).is_err(), "{at}");
        }
        assert!(Distinct::from_bytes(&bytes[1..]).is_err());
    }
}
