//! Random choices that are the same everywhere.

/// SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", 2014).
pub(super) struct Random(u64);

impl Random {
    /// One for a row: rows differ in their choices, whichever others they stand among.
    pub(super) fn new(seed: u64, row: &[f64]) -> Random {
        let mut random = Random(seed);
        for value in row {
            random.0 ^= value.to_bits();
            random.0 = random.next();
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; the bias is below limit / 2^64.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// Puts the first `count` places in random order (all, or a random subset in front).
    pub(super) fn shuffle(&mut self, order: &mut [usize], count: usize) {
        for at in 0..count.min(order.len().saturating_sub(1)) {
            let other = at + self.below(order.len() - at);
            order.swap(at, other);
        }
    }

    /// In [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2f64.powi(-53)
    }
}
