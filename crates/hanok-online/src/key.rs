//! Keys: how join key values become bytes, in memory and in LMDB.

use std::ops::Bound;

/// Most bytes of one encoded key.
pub const KEY_BYTES_MAX: usize = 64 * 1024;

/// Encoded keys longer than this are stored under their hash; LMDB takes at most 511 bytes.
const SHORT_KEY_BYTES_MAX: usize = 480;
const TAG_SHORT: u8 = 0;
const TAG_LONG: u8 = 1;
/// Bytes of an LMDB row key before the encoded key: the view's id and the tag.
const PREFIX_BYTES: usize = 5;

/// How a view's keys are held in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KeyKind {
    /// One join key of a fixed-size type: a 64-bit word.
    #[default]
    Word,
    /// Anything else: the encoded bytes.
    Bytes,
}

/// A reusable list of encoded keys, all of one kind.
#[derive(Default, Debug)]
pub struct Keys {
    kind: KeyKind,
    words: Vec<u64>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    /// Empties the list for keys of `kind`.
    pub fn reset(&mut self, kind: KeyKind) {
        self.kind = kind;
        self.words.clear();
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a component of the key that is being built: a bool (0, 1), an integer or a timestamp in microseconds.
    #[inline]
    pub fn fixed(&mut self, value: i64) {
        match self.kind {
            KeyKind::Word => self.words.push(order(value)),
            KeyKind::Bytes => self.bytes.extend_from_slice(&order(value).to_be_bytes()),
        }
    }

    /// Adds a string or bytes component.
    #[inline]
    pub fn variable(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(&(value.len() as u32).to_be_bytes());
        self.bytes.extend_from_slice(value);
    }

    /// Ends the key that is being built; `false` when it is longer than [`KEY_BYTES_MAX`].
    #[inline]
    pub fn finish(&mut self) -> bool {
        if self.kind == KeyKind::Word {
            return true;
        }
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.push(self.bytes.len());
        self.bytes.len() - start <= KEY_BYTES_MAX
    }

    /// The kind of the keys.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        match self.kind {
            KeyKind::Word => self.words.len(),
            KeyKind::Bytes => self.ends.len(),
        }
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The encoded bytes of a key of kind [`KeyKind::Bytes`]; empty when out of range.
    pub(crate) fn bytes(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends.get(at - 1).copied().unwrap_or(0) };
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or(&[])
    }

    /// Adds a key from its encoded bytes; `false` when they are not a key of this kind.
    pub(crate) fn set_encoded(&mut self, encoded: &[u8]) -> bool {
        if self.kind == KeyKind::Bytes {
            self.bytes.extend_from_slice(encoded);
            return self.finish();
        }
        let word = encoded.try_into().map(u64::from_be_bytes);
        word.map(|word| self.words.push(word)).is_ok()
    }

    /// Writes the encoded key, whatever its kind.
    pub(crate) fn encode(&self, at: usize, out: &mut Vec<u8>) {
        out.clear();
        match self.kind {
            KeyKind::Word => out.extend_from_slice(&self.words[at].to_be_bytes()),
            KeyKind::Bytes => out.extend_from_slice(self.bytes(at)),
        }
    }

    pub(crate) fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
        match self.kind {
            KeyKind::Word => self.words[a].cmp(&self.words[b]),
            KeyKind::Bytes => self.bytes(a).cmp(self.bytes(b)),
        }
    }
}

/// Maps signed order to unsigned order, so that sorted keys append to LMDB's pages.
fn order(value: i64) -> u64 {
    value as u64 ^ (1 << 63)
}

/// The LMDB key of an encoded key, and whether the row must carry the encoded key itself.
pub(crate) fn lmdb_key(view_id: u32, encoded: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    out.extend_from_slice(&view_id.to_be_bytes());
    let long = encoded.len() > SHORT_KEY_BYTES_MAX;
    if long {
        out.push(TAG_LONG);
        out.extend_from_slice(blake3::hash(encoded).as_bytes());
    } else {
        out.push(TAG_SHORT);
        out.extend_from_slice(encoded);
    }
    long
}

/// The range of LMDB keys from `key` on.
pub(crate) fn from_key(key: &[u8]) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(key), Bound::Unbounded)
}

/// The encoded key within an LMDB key; `None` when it is a long key, which the row carries.
pub(crate) fn encoded_of(lmdb_key: &[u8]) -> Option<&[u8]> {
    (lmdb_key.get(PREFIX_BYTES - 1) == Some(&TAG_SHORT)).then(|| lmdb_key.get(PREFIX_BYTES..))?
}

/// The id of the view that an LMDB key belongs to.
pub(crate) fn view_of(lmdb_key: &[u8]) -> Option<u32> {
    lmdb_key.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_keys_sort_as_their_numbers() {
        let mut keys = Keys::default();
        keys.reset(KeyKind::Word);
        for value in [-5, 0, 7, i64::MIN, i64::MAX] {
            keys.fixed(value);
            assert!(keys.finish());
        }
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|&a, &b| keys.compare(a, b));
        assert_eq!(order, [3, 0, 1, 2, 4]);
    }

    #[test]
    fn components_do_not_run_into_each_other() {
        let mut keys = Keys::default();
        keys.reset(KeyKind::Bytes);
        for (a, b) in [("ab", "c"), ("a", "bc"), ("", "abc")] {
            keys.variable(a.as_bytes());
            keys.variable(b.as_bytes());
            keys.finish();
        }
        assert_eq!(keys.len(), 3);
        assert_ne!(keys.bytes(0), keys.bytes(1));
        assert_ne!(keys.bytes(1), keys.bytes(2));
        assert_eq!(keys.bytes(9), b"");
    }

    #[test]
    fn long_keys_are_stored_under_their_hash() {
        let mut out = Vec::new();
        assert!(!lmdb_key(7, &[1; SHORT_KEY_BYTES_MAX], &mut out));
        assert_eq!(encoded_of(&out), Some(&[1; SHORT_KEY_BYTES_MAX][..]));
        assert!(lmdb_key(7, &[1; SHORT_KEY_BYTES_MAX + 1], &mut out));
        assert!(out.len() < 511);
        assert_eq!(encoded_of(&out), None);
        assert_eq!(view_of(&out), Some(7));
    }
}
