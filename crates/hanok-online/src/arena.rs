//! An append-only arena of bytes that readers can copy from while one thread appends.
//!
//! It is made of atomics, so it needs no unsafe code: relaxed loads and stores of words compile to plain moves.
//! Bytes that a published slot points to are never written again.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Words of the first chunk (64 KiB); each chunk is twice as large as the one before.
const FIRST_WORDS: usize = 8 * 1024;
const CHUNKS: usize = 26;

/// Where bytes are: 40 bits of word position, 24 bits of length in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span(pub u64);

impl Span {
    const LENGTH_BITS: u32 = 24;

    pub(crate) fn new(start: usize, length: usize) -> Self {
        Self((start as u64) << Self::LENGTH_BITS | length as u64)
    }

    pub(crate) fn start(self) -> usize {
        (self.0 >> Self::LENGTH_BITS) as usize
    }

    pub(crate) fn len(self) -> usize {
        (self.0 & ((1 << Self::LENGTH_BITS) - 1)) as usize
    }
}

type Chunk = Box<[AtomicU64]>;

/// See the module's documentation.
pub(crate) struct Arena {
    chunks: [OnceLock<Chunk>; CHUNKS],
    /// Only one thread appends at a time; atomic so that it needs no exclusive borrow while others read.
    used_words: AtomicUsize,
}

impl Default for Arena {
    fn default() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS], used_words: AtomicUsize::new(0) }
    }
}

/// The chunk of a word, and its position within the chunk.
fn locate(word: usize) -> (usize, usize) {
    let chunk = (word / FIRST_WORDS + 1).ilog2() as usize;
    (chunk, word - FIRST_WORDS * ((1 << chunk) - 1))
}

impl Arena {
    /// Words that are taken, in use or not.
    pub(crate) fn used_words(&self) -> usize {
        self.used_words.load(Ordering::Relaxed)
    }

    /// The bytes of memory that it holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.chunks.iter().filter_map(OnceLock::get).map(|chunk| chunk.len() * 8).sum()
    }

    /// Reserves room for `length` bytes within one chunk; `None` when the arena is exhausted.
    pub(crate) fn reserve(&self, length: usize) -> Option<Span> {
        let words = length.div_ceil(8);
        let mut start = self.used_words();
        loop {
            let (chunk, at) = locate(start);
            let chunk_words = FIRST_WORDS << chunk;
            if chunk >= CHUNKS {
                return None;
            }
            if at + words <= chunk_words {
                self.chunks[chunk].get_or_init(|| {
                    // Zeroed pages that the loop leaves alone stay untouched, so a fresh chunk costs no memory.
                    vec![0u64; chunk_words].into_iter().map(AtomicU64::new).collect()
                });
                self.used_words.store(start + words, Ordering::Relaxed);
                return Some(Span::new(start, length));
            }
            start += chunk_words - at;
        }
    }

    /// Fills reserved room that no reader knows of yet.
    pub(crate) fn fill(&self, span: Span, bytes: &[u8]) {
        let words = self.words(span);
        for (word, part) in words.iter().zip(bytes.chunks(8)) {
            let mut value = [0; 8];
            value[..part.len()].copy_from_slice(part);
            word.store(u64::from_le_bytes(value), Ordering::Relaxed);
        }
    }

    fn words(&self, span: Span) -> &[AtomicU64] {
        let (chunk, at) = locate(span.start());
        let chunk = self.chunks.get(chunk).and_then(OnceLock::get);
        chunk.and_then(|chunk| chunk.get(at..at + span.len().div_ceil(8))).unwrap_or(&[])
    }

    /// Appends the bytes of `span` to `out`.
    pub(crate) fn copy(&self, span: Span, out: &mut Vec<u8>) {
        let end = out.len() + span.len();
        for word in self.words(span) {
            out.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        out.truncate(end);
    }

    /// Whether the bytes of `span` are `bytes`.
    pub(crate) fn equals(&self, span: Span, bytes: &[u8]) -> bool {
        span.len() == bytes.len()
            && self.words(span).iter().zip(bytes.chunks(8)).all(|(word, part)| {
                let value = word.load(Ordering::Relaxed).to_le_bytes();
                value[..part.len()] == *part
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_located_in_doubling_chunks() {
        assert_eq!(locate(0), (0, 0));
        assert_eq!(locate(FIRST_WORDS - 1), (0, FIRST_WORDS - 1));
        assert_eq!(locate(FIRST_WORDS), (1, 0));
        assert_eq!(locate(3 * FIRST_WORDS - 1), (1, 2 * FIRST_WORDS - 1));
        assert_eq!(locate(3 * FIRST_WORDS), (2, 0));
    }

    #[test]
    fn bytes_read_back_across_chunks() {
        let arena = Arena::default();
        let texts: Vec<Vec<u8>> = (0..3_000usize).map(|n| vec![n as u8; n % 97]).collect();
        let spans: Vec<Span> = texts
            .iter()
            .map(|text| {
                let span = arena.reserve(text.len()).unwrap();
                arena.fill(span, text);
                span
            })
            .collect();
        let mut out = Vec::new();
        for (span, text) in spans.iter().zip(&texts) {
            out.clear();
            arena.copy(*span, &mut out);
            assert_eq!(out, *text);
            assert!(arena.equals(*span, text));
            assert!(!arena.equals(*span, b"something else"));
        }
        assert!(arena.memory_bytes() >= 64 * 1024);
    }
}
