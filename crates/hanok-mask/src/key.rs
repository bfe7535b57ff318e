//! The key of a branch, and the keyed functions that every treatment draws from.
//!
//! Each pair of treatment and domain has a key of its own, so that equal values of different domains have nothing in
//! common. Nothing here asks the system for randomness: the key is the only secret and the only source of chance.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Version of the derivation; another one makes other values of the same key.
const CONTEXT: &[u8] = b"hanok-mask 1";

/// The secret of a branch: 32 bytes of a cryptographic random source. Whoever has it can test guesses of originals, and
/// can undo `fpe`; the caller destroys it with the branch. The bytes are overwritten when the key is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key for `purpose` within `domain`. Parts are preceded by their lengths, so that no two pairs run together.
    pub(crate) fn derive(&self, purpose: &str, domain: &str) -> Key {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(CONTEXT);
        for part in [purpose, domain] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Key(hasher.finalize().into())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The keyed hash (BLAKE3) of `input`.
    pub(crate) fn hash(&self, input: &[u8]) -> [u8; 32] {
        blake3::keyed_hash(&self.0, input).into()
    }

    /// Random numbers that depend on `input` alone.
    pub(crate) fn draws(&self, input: &[u8]) -> Draws {
        Draws::new(&self.hash(input))
    }

    /// An endless keyed stream.
    pub(crate) fn stream(&self, input: &[u8]) -> Stream {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(input);
        Stream { reader: hasher.finalize_xof(), block: [0; STREAM_BLOCK], at: STREAM_BLOCK }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(secret)")
    }
}

/// Source of uniform numbers.
pub(crate) trait Random {
    fn next_u64(&mut self) -> u64;

    /// Uniform in `0..bound` (0 when `bound` is 0), by multiplication and rejection.
    /// Source: D. Lemire, "Fast Random Integer Generation in an Interval", 2019.
    fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(bound);
            let low = wide as u64;
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (wide >> 64) as u64;
            }
        }
    }

    /// An element of a table that is not empty.
    fn pick<T: Copy>(&mut self, table: &[T]) -> T {
        table[self.below(table.len() as u64) as usize]
    }

    /// Uniform in the open interval (0, 1).
    fn unit(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) * 2f64.powi(-52)
    }
}

/// A few numbers for one value: xoshiro256** seeded with a keyed hash. Linear in its state, so never for anything where
/// one output must not tell the next; the state belongs to one value.
/// Source: D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021.
pub(crate) struct Draws([u64; 4]);

impl Draws {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&seed[at * 8..at * 8 + 8]);
            u64::from_le_bytes(bytes)
        };
        Self([word(0), word(1), word(2), word(3)])
    }
}

impl Random for Draws {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }
}

const STREAM_BLOCK: usize = 1024;

/// A keyed stream (BLAKE3's extendable output), where outputs must not tell of each other: permutations, sampling.
pub(crate) struct Stream {
    reader: blake3::OutputReader,
    block: [u8; STREAM_BLOCK],
    at: usize,
}

impl Random for Stream {
    fn next_u64(&mut self) -> u64 {
        if self.at == STREAM_BLOCK {
            self.reader.fill(&mut self.block);
            self.at = 0;
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block[self.at..self.at + 8]);
        self.at += 8;
        u64::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_domains_have_keys_of_their_own() {
        let key = Key::new([7; 32]);
        let derived = |purpose, domain| *key.derive(purpose, domain).bytes();
        assert_eq!(derived("hash", "student"), derived("hash", "student"));
        assert_ne!(derived("hash", "student"), derived("hash", "teacher"));
        assert_ne!(derived("hash", "student"), derived("fpe", "student"));
        assert_ne!(derived("ab", "c"), derived("a", "bc"));
        assert_ne!(derived("a", "b"), *Key::new([8; 32]).derive("a", "b").bytes());
        assert_eq!(format!("{key:?}"), "Key(secret)");
    }

    #[test]
    fn bounded_numbers_are_even() {
        let mut stream = Key::new([1; 32]).stream(b"even");
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
        assert!((0..1000).map(|_| stream.unit()).all(|unit| unit > 0.0 && unit < 1.0));
    }

    /// The first outputs of the reference implementation for the state 1, 2, 3, 4.
    #[test]
    fn draws_are_xoshiro256_starstar() {
        let mut seed = [0; 32];
        for (at, byte) in [1u8, 2, 3, 4].into_iter().enumerate() {
            seed[at * 8] = byte;
        }
        let mut draws = Draws::new(&seed);
        assert_eq!([draws.next_u64(), draws.next_u64(), draws.next_u64()], [11520, 0, 1_509_978_240]);
    }
}
