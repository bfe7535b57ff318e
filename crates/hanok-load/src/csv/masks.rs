//! Which of 64 bytes matter, as bits.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "SSE2 intrinsics: five times the speed of the portable code")
)]

/// The bytes that matter within 64; bit n is byte n.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Masks {
    pub(super) delimiters: u64,
    pub(super) line_ends: u64,
    pub(super) quotes: u64,
}

/// Finds the delimiters, line ends and quotes.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn masks(chunk: &[u8; 64], delimiter: u8, quote: u8) -> Masks {
    // SAFETY: the function needs SSE2, which is part of every x86-64; it touches no memory but `chunk`.
    unsafe { masks_sse2(chunk, delimiter, quote) }
}

/// Finds the delimiters, line ends and quotes.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(super) fn masks(chunk: &[u8; 64], delimiter: u8, quote: u8) -> Masks {
    masks_portable(chunk, delimiter, quote)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn masks_sse2(chunk: &[u8; 64], delimiter: u8, quote: u8) -> Masks {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};
    let mut found = Masks { delimiters: 0, line_ends: 0, quotes: 0 };
    for (at, lane) in chunk.as_chunks::<16>().0.iter().enumerate() {
        let (low, high) = lane.split_at(8);
        let word = |half: &[u8]| half.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes));
        let lane = _mm_set_epi64x(word(high), word(low));
        let delimiters = _mm_movemask_epi8(_mm_cmpeq_epi8(lane, _mm_set1_epi8(delimiter as i8)));
        let line_ends = _mm_movemask_epi8(_mm_cmpeq_epi8(lane, _mm_set1_epi8(b'\n' as i8)));
        let quotes = _mm_movemask_epi8(_mm_cmpeq_epi8(lane, _mm_set1_epi8(quote as i8)));
        found.delimiters |= (delimiters as u64) << (16 * at);
        found.line_ends |= (line_ends as u64) << (16 * at);
        found.quotes |= (quotes as u64) << (16 * at);
    }
    found
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn masks_portable(chunk: &[u8; 64], delimiter: u8, quote: u8) -> Masks {
    let find =
        |byte: u8| chunk.iter().enumerate().fold(0, |mask, (at, &c)| mask | u64::from(c == byte) << at);
    Masks { delimiters: find(delimiter), line_ends: find(b'\n'), quotes: find(quote) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_at_every_place() {
        for at in 0..64 {
            for byte in 0..=255 {
                let mut chunk = [b'x'; 64];
                chunk[at] = byte;
                for (delimiter, quote) in [(b',', b'"'), (byte, b'"'), (b',', byte)] {
                    assert_eq!(masks(&chunk, delimiter, quote), masks_portable(&chunk, delimiter, quote));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn both_ways_agree(chunk in prop::array::uniform32(prop::num::u8::ANY), delimiter: u8, quote: u8) {
            let mut whole = [0; 64];
            whole[..32].copy_from_slice(&chunk);
            whole[32..].copy_from_slice(&chunk);
            prop_assert_eq!(masks(&whole, delimiter, quote), masks_portable(&whole, delimiter, quote));
        }
    }
}
