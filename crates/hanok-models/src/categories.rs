//! Sets of category codes.

use std::sync::Arc;

/// A set of category codes, as a split has it; copies share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CategorySet(Arc<Repr>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Repr {
    /// Bit `c % 64` of word `c / 64`.
    Bits(Vec<u64>),
    /// Ascending, for sets so sparse that the bits would be much larger than the file.
    Sorted(Vec<u32>),
}

impl CategorySet {
    /// The set of some codes.
    pub(crate) fn new(codes: impl IntoIterator<Item = u32>) -> CategorySet {
        let mut codes: Vec<u32> = codes.into_iter().collect();
        codes.sort_unstable();
        codes.dedup();
        let words = codes.last().map_or(0, |last| *last as usize / 64 + 1);
        if words > 16 + codes.len() {
            return CategorySet(Arc::new(Repr::Sorted(codes)));
        }
        let mut bits = vec![0_u64; words];
        for code in codes {
            bits[code as usize / 64] |= 1 << (code % 64);
        }
        CategorySet(Arc::new(Repr::Bits(bits)))
    }

    /// The set with bit `c % 32` of word `c / 32` for each code `c`.
    pub(crate) fn from_words(words: &[u32]) -> CategorySet {
        let pair = |pair: &[u32]| u64::from(pair[0]) | pair.get(1).map_or(0, |high| u64::from(*high) << 32);
        CategorySet(Arc::new(Repr::Bits(words.chunks(2).map(pair).collect())))
    }

    /// Whether a code is in the set.
    pub(crate) fn contains(&self, code: u32) -> bool {
        match &*self.0 {
            Repr::Bits(words) => {
                words.get(code as usize / 64).is_some_and(|word| word >> (code % 64) & 1 == 1)
            }
            Repr::Sorted(codes) => codes.binary_search(&code).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_sparse_and_word_sets_agree_with_membership() {
        let codes = [0, 5, 63, 64, 10_000, 4_000_000_000];
        for set in [CategorySet::new(codes), CategorySet::new(codes[..4].iter().copied())] {
            assert!(codes[..4].iter().all(|code| set.contains(*code)));
            assert!(!set.contains(1) && !set.contains(65) && !set.contains(u32::MAX));
        }
        assert!(CategorySet::new(codes).contains(4_000_000_000));
        let set = CategorySet::from_words(&[1, 2, 1 << 31]);
        assert!(set.contains(0) && set.contains(33) && set.contains(95) && !set.contains(32));
        assert!(!CategorySet::new([]).contains(0));
    }
}
