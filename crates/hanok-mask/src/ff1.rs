//! FF1 format-preserving encryption over numbers.
//!
//! Source: NIST SP 800-38G (2016), algorithms 5 to 7; the floor of 10⁶ for a domain is of its revision 1. A numeral
//! string is given as the numbers of its two halves. Halves are limited to 96 bits, which keeps the round function to one
//! block beyond the tweak and its output to 16 bytes, so that step 6.iii of the standard is never needed.

use aes::Block;
use aes::cipher::BlockCipherEncrypt;

/// Domains below are too small for FF1: SP 800-38G r1, section 5.1.
pub(crate) const DOMAIN_MIN: u128 = 1_000_000;
/// A half may not have more bits.
const HALF_BITS: u32 = 95;
const ROUNDS: u8 = 10;

/// What depends on radix, length and the tweak's length only.
#[derive(Clone)]
pub(crate) struct Format {
    pub(crate) radix: u32,
    pub(crate) length: u32,
    /// radix^u and radix^v.
    moduli: [u128; 2],
    /// Bytes of NUM(B): b of the standard.
    bytes: usize,
    /// Bits of y: 8 d of the standard.
    bits: u32,
    tweak_length: usize,
    /// The cipher state after the block P.
    start: [u8; 16],
}

/// FF1 with a block cipher of 128-bit blocks.
pub(crate) struct Ff1<C> {
    cipher: C,
}

impl<C> Ff1<C>
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
{
    pub(crate) fn new(cipher: C) -> Self {
        Self { cipher }
    }

    /// The format of `length` numerals below `radix`; `None` when it is too small or too long.
    pub(crate) fn format(&self, radix: u32, length: u32, tweak_length: usize) -> Option<Format> {
        let u = length / 2;
        let v = length - u;
        let modulus =
            |numerals: u32| u128::from(radix).checked_pow(numerals).filter(|n| *n <= 1 << HALF_BITS);
        let moduli = [modulus(u)?, modulus(v)?];
        if !(2..=1 << 16).contains(&radix) || length < 2 {
            return None;
        }
        if moduli[0].checked_mul(moduli[1]).is_some_and(|domain| domain < DOMAIN_MIN) {
            return None;
        }
        let bytes = (128 - (moduli[1] - 1).leading_zeros()).div_ceil(8) as usize;
        let bits = 8 * (4 * bytes.div_ceil(4) as u32 + 4);
        let mut start = [0u8; 16];
        start[..3].copy_from_slice(&[1, 2, 1]);
        start[3..6].copy_from_slice(&radix.to_be_bytes()[1..]);
        start[6..8].copy_from_slice(&[10, u as u8]);
        start[8..12].copy_from_slice(&length.to_be_bytes());
        start[12..].copy_from_slice(&(tweak_length as u32).to_be_bytes());
        self.encrypt(&mut start);
        Some(Format { radix, length, moduli, bytes, bits, tweak_length, start })
    }

    /// FF1.Encrypt of the numeral string with these halves.
    pub(crate) fn apply(&self, format: &Format, tweak: &[u8], halves: [u128; 2]) -> [u128; 2] {
        let [mut a, mut b] = halves;
        for round in 0..ROUNDS {
            let modulus = format.moduli[usize::from(round % 2)];
            let y = self.round(format, tweak, round, b);
            let c = add(a, y, modulus);
            a = b;
            b = c;
        }
        [a, b]
    }

    /// y of one round, before reduction.
    fn round(&self, format: &Format, tweak: &[u8], round: u8, b: u128) -> u128 {
        debug_assert_eq!(tweak.len(), format.tweak_length);
        let mut state = format.start;
        // The last block of Q ends with the round and NUM(B); the tweak and its zeros come before.
        let tail = 1 + format.bytes;
        let mut last = (b | u128::from(round) << (8 * format.bytes)).to_be_bytes();
        if !tweak.is_empty() {
            let padded = (tweak.len() + tail).next_multiple_of(16) - tail;
            let zeros = std::iter::repeat_n(0, padded - tweak.len());
            let mut block = [0u8; 16];
            for (at, byte) in tweak.iter().copied().chain(zeros).enumerate() {
                block[at % 16] = byte;
                if at % 16 == 15 {
                    mix(&mut state, &block);
                    self.encrypt(&mut state);
                    block = [0; 16];
                }
            }
            mix(&mut last, &block);
        }
        mix(&mut state, &last);
        self.encrypt(&mut state);
        u128::from_be_bytes(state) >> (128 - format.bits)
    }

    #[inline]
    fn encrypt(&self, state: &mut [u8; 16]) {
        let mut block = Block::from(*state);
        self.cipher.encrypt_block(&mut block);
        *state = block.into();
    }
}

impl Format {
    /// The halves of a number of `length` digits in this radix.
    pub(crate) fn split(&self, number: u128) -> [u128; 2] {
        match (u64::try_from(number), u64::try_from(self.moduli[1])) {
            (Ok(number), Ok(modulus)) => [u128::from(number / modulus), u128::from(number % modulus)],
            _ => [number / self.moduli[1], number % self.moduli[1]],
        }
    }

    /// The number with these halves.
    pub(crate) fn join(&self, halves: [u128; 2]) -> u128 {
        halves[0] * self.moduli[1] + halves[1]
    }
}

#[inline]
fn mix(state: &mut [u8; 16], block: &[u8; 16]) {
    *state = (u128::from_ne_bytes(*state) ^ u128::from_ne_bytes(*block)).to_ne_bytes();
}

/// (a + y) mod m for a < m ≤ 2^95. Division by a word is many times faster than by two.
#[inline]
fn add(a: u128, y: u128, modulus: u128) -> u128 {
    let y = match (u64::try_from(y), u64::try_from(modulus)) {
        (Ok(y), Ok(modulus)) => u128::from(y % modulus),
        _ => y % modulus,
    };
    let sum = a + y;
    if sum >= modulus { sum - modulus } else { sum }
}

#[cfg(test)]
pub(crate) mod tests {
    use aes::cipher::KeyInit;
    use aes::{Aes128, Aes192, Aes256};

    use super::*;

    const KEY: &[u8] = &[
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xef,
        0x43, 0x59, 0xd8, 0xd5, 0x80, 0xaa, 0x4f, 0x7f, 0x03, 0x6d, 0x6f, 0x04, 0xfc, 0x6a, 0x94,
    ];
    const DECIMAL_TWEAK: &[u8] = &[0x39, 0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31, 0x30];
    const TEXT_TWEAK: &[u8] = &[0x37, 0x37, 0x37, 0x37, 0x70, 0x71, 0x72, 0x73, 0x37, 0x37, 0x37];

    /// FF1.Decrypt, which only tests need.
    pub(crate) fn undo<C>(ff1: &Ff1<C>, format: &Format, tweak: &[u8], halves: [u128; 2]) -> [u128; 2]
    where
        C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
    {
        let [mut a, mut b] = halves;
        for round in (0..ROUNDS).rev() {
            let modulus = format.moduli[usize::from(round % 2)];
            let y = ff1.round(format, tweak, round, a) % modulus;
            let c = (b + modulus - y) % modulus;
            b = a;
            a = c;
        }
        [a, b]
    }

    fn check<C>(cipher: C, radix: u32, tweak: &[u8], plain: &str, expected: &str)
    where
        C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
    {
        let ff1 = Ff1::new(cipher);
        let format = ff1.format(radix, plain.len() as u32, tweak.len()).unwrap();
        let halves = |text: &str| {
            let number = |part: &str| u128::from_str_radix(part, radix).unwrap();
            let (left, right) = text.split_at(text.len() / 2);
            [number(left), number(right)]
        };
        let encrypted = ff1.apply(&format, tweak, halves(plain));
        assert_eq!(encrypted, halves(expected));
        assert_eq!(undo(&ff1, &format, tweak, encrypted), halves(plain));
    }

    /// The nine samples that NIST publishes with SP 800-38G ("FF1samples.pdf").
    #[test]
    fn nist_samples() {
        let decimal = "0123456789";
        let text = "0123456789abcdefghi";
        let key = |bytes: usize| &KEY[..bytes];
        let aes128 = || Aes128::new_from_slice(key(16)).unwrap();
        check(aes128(), 10, &[], decimal, "2433477484");
        check(aes128(), 10, DECIMAL_TWEAK, decimal, "6124200773");
        check(aes128(), 36, TEXT_TWEAK, text, "a9tv40mll9kdu509eum");
        let aes192 = || Aes192::new_from_slice(key(24)).unwrap();
        check(aes192(), 10, &[], decimal, "2830668132");
        check(aes192(), 10, DECIMAL_TWEAK, decimal, "2496655549");
        check(aes192(), 36, TEXT_TWEAK, text, "xbj3kv35jrawxv32ysr");
        let aes256 = || Aes256::new_from_slice(key(32)).unwrap();
        check(aes256(), 10, &[], decimal, "6657667009");
        check(aes256(), 10, DECIMAL_TWEAK, decimal, "1001623463");
        check(aes256(), 36, TEXT_TWEAK, text, "xs8a0azh2avyalyzuwd");
    }

    #[test]
    fn domains_too_small_or_too_large_have_no_format() {
        let ff1 = Ff1::new(Aes256::new_from_slice(KEY).unwrap());
        assert!(ff1.format(10, 5, 0).is_none());
        assert!(ff1.format(10, 6, 0).is_some());
        assert!(ff1.format(2, 19, 0).is_none());
        assert!(ff1.format(2, 20, 0).is_some());
        assert!(ff1.format(10, 56, 0).is_some());
        assert!(ff1.format(10, 57, 0).is_none());
        assert!(ff1.format(1, 40, 0).is_none());
    }
}
