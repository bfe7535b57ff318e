//! Hashing of keys: a folded 64 × 64 → 128-bit multiplication, as in wyhash (Wang Yi, public domain), with a seed per
//! process so that nobody can choose keys that collide.

use std::hash::{BuildHasher, RandomState};

/// The seed of one index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn random() -> Self {
        Self(RandomState::new().hash_one(0x_48_61_6e_6f_6b_u64))
    }

    #[inline]
    pub(crate) fn word(self, word: u64) -> u64 {
        let product = u128::from(word ^ self.0) * 0xA076_1D64_78BD_642F_u128;
        (product >> 64) as u64 ^ product as u64
    }

    #[inline]
    pub(crate) fn bytes(self, bytes: &[u8]) -> u64 {
        let mut hash = self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            hash = self.word(hash ^ u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            hash = self.word(hash ^ u64::from_le_bytes(word));
        }
        hash
    }
}
