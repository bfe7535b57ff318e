//! Keyed permutations of the numbers below a bound: FF1 where it may be used, a shuffled table where it may not.
//!
//! - At least 10⁶ numbers that are all strings of one radix: FF1 (see `ff1.rs`).
//! - At least 10⁶ numbers of another count: FF1 over bits, applied again while the result is out of bounds ("cycle
//!   walking"). Source: J. Black, P. Rogaway, "Ciphers with Arbitrary Finite Domains", 2002.
//! - Fewer: a table shuffled by a keyed stream, which is an evenly chosen permutation. Source: R. Durstenfeld,
//!   "Algorithm 235: Random permutation", 1964. Such a domain can be enumerated by who has the key's other uses, and a
//!   few known pairs narrow it down; that is the nature of small domains, not of the method.

use aes::Aes256;
use aes::cipher::KeyInit;
use hashbrown::HashMap;

use crate::ff1::{DOMAIN_MIN, Ff1, Format};
use crate::key::{Key, Random};

/// The permutations of one key, made when they are first needed.
pub(crate) struct Permuter {
    key: Key,
    ff1: Ff1<Aes256>,
    formats: Vec<Format>,
    recent: usize,
    tables: HashMap<u64, Vec<u32>>,
}

impl Permuter {
    pub(crate) fn new(key: &Key) -> Self {
        let cipher = Aes256::new(&key.derive("ff1", "").bytes().to_owned().into());
        let key = key.derive("table", "");
        Self { key, ff1: Ff1::new(cipher), formats: Vec::new(), recent: 0, tables: HashMap::new() }
    }

    /// Permutes the strings of `length` numerals below `radix`, each given as a number. `None` when they are too long.
    pub(crate) fn power(&mut self, number: u128, radix: u32, length: u32) -> Option<u128> {
        let bound = u128::from(radix).checked_pow(length)?;
        if bound < DOMAIN_MIN {
            return Some(self.small(number, bound as u64));
        }
        let at = self.format(radix, length)?;
        let format = &self.formats[at];
        Some(format.join(self.ff1.apply(format, &[], format.split(number))))
    }

    /// As [`Permuter::power`], for strings whose numbers do not fit: the halves.
    pub(crate) fn halves(&mut self, halves: [u128; 2], radix: u32, length: u32) -> Option<[u128; 2]> {
        let at = self.format(radix, length)?;
        Some(self.ff1.apply(&self.formats[at], &[], halves))
    }

    /// Permutes the numbers below `bound`, which is at most 2^127.
    pub(crate) fn below(&mut self, number: u128, bound: u128) -> Option<u128> {
        if bound < DOMAIN_MIN {
            return Some(self.small(number, bound as u64));
        }
        let bits = 128 - (bound - 1).leading_zeros();
        let mut number = number;
        loop {
            number = self.power(number, 2, bits)?;
            if number < bound {
                return Some(number);
            }
        }
    }

    fn small(&mut self, number: u128, bound: u64) -> u128 {
        let key = &self.key;
        let table = self.tables.entry(bound).or_insert_with(|| shuffled(key, bound as u32));
        table.get(number as usize).map_or(number, |permuted| u128::from(*permuted))
    }

    fn format(&mut self, radix: u32, length: u32) -> Option<usize> {
        let fits = |format: &Format| format.radix == radix && format.length == length;
        if self.formats.get(self.recent).is_some_and(fits) {
            return Some(self.recent);
        }
        self.recent = match self.formats.iter().position(fits) {
            Some(at) => at,
            None => {
                self.formats.push(self.ff1.format(radix, length, 0)?);
                self.formats.len() - 1
            }
        };
        Some(self.recent)
    }
}

/// The numbers below `bound` in an order chosen evenly by the key.
fn shuffled(key: &Key, bound: u32) -> Vec<u32> {
    let mut stream = key.stream(&bound.to_le_bytes());
    let mut table: Vec<u32> = (0..bound).collect();
    for at in (1..table.len()).rev() {
        table.swap(at, stream.below(at as u64 + 1) as usize);
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permuter(seed: u8) -> Permuter {
        Permuter::new(&Key::new([seed; 32]))
    }

    fn is_permutation(bound: usize, mut permute: impl FnMut(u128) -> u128) -> bool {
        let mut seen = vec![false; bound];
        (0..bound).all(|number| {
            let image = permute(number as u128) as usize;
            image < bound && !std::mem::replace(&mut seen[image], true)
        })
    }

    /// Exhaustive: every small domain up to 600, and every power of ten that FF1 refuses.
    #[test]
    fn small_domains_are_permuted() {
        let mut permuter = permuter(1);
        for bound in (1..600).chain([1_000, 10_000, 100_000, 26 * 26 * 26, 36 * 36 * 36, 999_999]) {
            assert!(is_permutation(bound, |n| permuter.below(n, bound as u128).unwrap()), "{bound}");
        }
        for length in 1..=5 {
            let bound = 10usize.pow(length);
            assert!(is_permutation(bound, |n| permuter.power(n, 10, length).unwrap()), "10^{length}");
        }
    }

    /// Exhaustive at and just above the floor of FF1, with and without cycle walking.
    #[test]
    fn domains_at_the_floor_are_permuted() {
        let mut permuter = permuter(2);
        assert!(is_permutation(1_000_000, |n| permuter.power(n, 10, 6).unwrap()));
        assert!(is_permutation(1_000_003, |n| permuter.below(n, 1_000_003).unwrap()));
        assert!(is_permutation(1 << 20, |n| permuter.power(n, 2, 20).unwrap()));
    }

    #[test]
    fn keys_make_different_permutations() {
        let (mut one, mut two) = (permuter(3), permuter(4));
        let same = (0..10_000).filter(|n| one.power(*n, 10, 4) == two.power(*n, 10, 4)).count();
        assert!(same < 20, "{same} of 10000 stay; about one should");
    }

    proptest! {
        #[test]
        fn different_numbers_stay_different(a in 0u128..10u128.pow(18), b in 0u128..10u128.pow(18), seed: u8) {
            let mut permuter = permuter(seed);
            let (left, right) = (permuter.power(a, 10, 18).unwrap(), permuter.power(b, 10, 18).unwrap());
            prop_assert!(left < 10u128.pow(18));
            prop_assert_eq!(a == b, left == right);
            let bound = 8_700_000_000_000_000_000u128;
            let (left, right) = (permuter.below(a, bound).unwrap(), permuter.below(b, bound).unwrap());
            prop_assert!(left < bound);
            prop_assert_eq!(a == b, left == right);
        }
    }
}
