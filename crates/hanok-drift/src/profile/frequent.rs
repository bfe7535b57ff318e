//! Frequent texts: exact while there are few, then Misra and Gries' algorithm with its bound (the sketch of the `datasketches` crate).

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};

use crate::text::hash;

/// The logarithm of the table's size; three quarters of it are used.
const LG_MAP: u8 = 11;
/// So many different texts are counted exactly.
pub(crate) const EXACT_MAX: usize = (1 << LG_MAP) * 3 / 4;
/// A longer text, in bytes, is kept as its beginning and a hash of it all.
const TEXT_MAX: usize = 256;
/// What precedes the counts when there are some.
const HEADER: usize = 32;

/// Counts of texts.
#[derive(Clone, Debug)]
pub(crate) struct Frequent(FrequentItemsSketch<String>);

impl Default for Frequent {
    fn default() -> Frequent {
        let sketch = FrequentItemsSketch::new(1 << LG_MAP);
        // The size is a power of two within the crate's limits.
        Frequent(sketch.unwrap_or_else(|_| unreachable!("a table of 2^{LG_MAP} is allowed")))
    }
}

impl PartialEq for Frequent {
    fn eq(&self, other: &Frequent) -> bool {
        (self.total(), self.error(), self.rows()) == (other.total(), other.error(), other.rows())
    }
}

impl Frequent {
    pub(crate) fn add(&mut self, text: &str, count: u64) {
        if text.len() <= TEXT_MAX {
            self.0.update_with_count_ref(text, count);
        } else {
            self.0.update_with_count(shortened(text), count);
        }
    }

    pub(crate) fn merge(&mut self, other: &Frequent) {
        self.0.merge(&other.0);
    }

    /// Texts counted.
    pub(crate) fn total(&self) -> u64 {
        self.0.total_weight()
    }

    /// How many more of a text there may have been than its row says.
    pub(crate) fn error(&self) -> u64 {
        self.0.maximum_error()
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.error() == 0
    }

    /// The texts with how often each was seen at least, in the order of the texts.
    pub(crate) fn rows(&self) -> Vec<(String, u64)> {
        let rows = self.0.frequent_items(ErrorType::NoFalseNegatives);
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.item().clone(), row.lower_bound())).collect();
        rows.sort_unstable();
        rows
    }

    /// How often a text was seen at least.
    pub(crate) fn at_least(&self, text: &str) -> u64 {
        self.0.lower_bound(text)
    }

    /// The serialized form of a `frequent_strings_sketch`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.serialize()
    }

    /// Reads what [`Frequent::to_bytes`] writes. The crate takes the table's size from the bytes and allocates it, so what it may read
    /// is checked before.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Frequent, &'static str> {
        const WRONG: &str = "its frequent texts are not a sketch of this format";
        let sizes = bytes.get(3..5).ok_or(WRONG)?;
        if sizes[0] != LG_MAP || sizes[1] > LG_MAP {
            return Err(WRONG);
        }
        let word = |at: usize| {
            let word = bytes.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(word))
        };
        if bytes.len() > 8 {
            let (Some(total), Some(error)) = (word(HEADER - 16), word(HEADER - 8)) else { return Err(WRONG) };
            if error > total {
                return Err(WRONG);
            }
        }
        let sketch = Frequent(FrequentItemsSketch::deserialize(bytes).map_err(|_| WRONG)?);
        let counted: u64 = sketch.rows().iter().map(|(_, count)| count).sum();
        // Items twice or without a count, or anything after the end, would make other bytes.
        let is_whole = sketch.to_bytes().len() == bytes.len()
            && (counted == sketch.total() || !sketch.is_exact() && counted < sketch.total());
        if is_whole { Ok(sketch) } else { Err(WRONG) }
    }
}

fn shortened(text: &str) -> String {
    let end = (0..=TEXT_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}… {:016x}", &text[..end], hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_texts_are_counted_exactly_in_any_order() {
        let names: Vec<String> = (0..EXACT_MAX).map(|at| format!("이름\0{at}")).collect();
        let (mut one, mut other) = (Frequent::default(), Frequent::default());
        for (at, name) in names.iter().enumerate() {
            one.add(name, at as u64 + 1);
        }
        for (at, name) in names.iter().enumerate().rev() {
            other.add(name, at as u64);
            other.add(name, 1);
        }
        assert!(one.is_exact() && one == other && one.rows().len() == EXACT_MAX);
        one.add("one more", 1);
        assert!(!one.is_exact());
    }

    #[test]
    fn long_texts_are_told_apart_by_their_ends() {
        let mut found = Frequent::default();
        let long = "가".repeat(1000);
        found.add(&format!("{long}1"), 2);
        found.add(&format!("{long}2"), 3);
        let rows = found.rows();
        assert_eq!(rows.iter().map(|(_, count)| count).sum::<u64>(), 5);
        assert!(rows.len() == 2 && rows.iter().all(|(text, _)| text.starts_with("가가") && text.len() < 300));
    }

    proptest! {
        #[test]
        fn bytes_are_read_back_and_damaged_ones_refused(count in 0_usize..3000, at in any::<prop::sample::Index>(), byte: u8) {
            let mut sketch = Frequent::default();
            for number in 0..count {
                sketch.add(&format!("{}", number * number % 7001), number as u64 % 5 + 1);
            }
            let mut bytes = sketch.to_bytes();
            prop_assert_eq!(Frequent::from_bytes(&bytes), Ok(sketch));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(read) = Frequent::from_bytes(&bytes) {
                let mut twice = read.clone();
                twice.merge(&read);
                prop_assert_eq!(twice.total(), 2 * read.total());
            }
        }
    }
}
