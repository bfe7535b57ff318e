//! A set of feature rows that answers "the how-manieth of the set is this row".

/// Row numbers of a feature source, as a bitmap with counts.
pub(crate) struct RowSet {
    words: Vec<u64>,
    /// Rows in all words before each word.
    before: Vec<u32>,
    count: u32,
}

impl RowSet {
    /// The set of `rows` (numbers, in any order, repeats allowed), all below `total`; at most 2^32 - 1 distinct.
    pub(crate) fn new(total: u64, rows: impl Iterator<Item = u64>) -> Self {
        let mut words = vec![0_u64; total.div_ceil(64) as usize];
        for row in rows {
            words[(row / 64) as usize] |= 1 << (row % 64);
        }
        let mut count = 0_u32;
        let before = words
            .iter()
            .map(|word| {
                let before = count;
                count += word.count_ones();
                before
            })
            .collect();
        Self { words, before, count }
    }

    /// Rows in the set.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// Position of a row of the set within it.
    #[inline]
    pub(crate) fn position(&self, row: u64) -> u32 {
        let at = (row / 64) as usize;
        let below = self.words[at] & ((1 << (row % 64)) - 1);
        self.before[at] + below.count_ones()
    }

    /// How many rows of the set are below `row`.
    fn below(&self, row: u64) -> u32 {
        if (row / 64) as usize >= self.words.len() { self.count } else { self.position(row) }
    }

    /// How many rows of the set are in `from..to`.
    pub(crate) fn count_in(&self, from: u64, to: u64) -> usize {
        (self.below(to) - self.below(from)) as usize
    }

    /// Calls `each` with every row of the set in `from..to`, in order, as offsets from `from`.
    #[inline]
    pub(crate) fn for_each_in(&self, from: u64, to: u64, mut each: impl FnMut(usize)) {
        if from >= to {
            return;
        }
        let last = ((to - 1) / 64) as usize;
        for at in (from / 64) as usize..=last {
            let start = at as u64 * 64;
            let mut word = self.words[at];
            if start < from {
                word &= u64::MAX << (from - start);
            }
            if to - start < 64 {
                word &= (1 << (to - start)) - 1;
            }
            while word != 0 {
                each((start + u64::from(word.trailing_zeros()) - from) as usize);
                word &= word - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_ranges_agree_with_a_list() {
        let rows: Vec<u64> = vec![0, 1, 5, 63, 64, 65, 127, 128, 191, 199];
        let set = RowSet::new(200, rows.iter().rev().copied().chain([5]));
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(set.position(*row) as usize, at);
        }
        for from in 0..=200 {
            for to in from..=200 {
                let expected: Vec<usize> =
                    rows.iter().filter(|r| (from..to).contains(*r)).map(|r| (r - from) as usize).collect();
                let mut found = Vec::new();
                set.for_each_in(from, to, |offset| found.push(offset));
                assert_eq!(found, expected, "{from}..{to}");
                assert_eq!(set.count_in(from, to), expected.len(), "{from}..{to}");
            }
        }
    }
}
