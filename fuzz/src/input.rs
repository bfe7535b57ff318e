//! Choices made of bytes.

/// Yields one choice after the other; zeros when the bytes are used up, so that every input means something.
#[derive(Debug)]
pub struct Input<'a>(pub &'a [u8]);

impl Input<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// True or false.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Any number.
    pub fn word(&mut self) -> i64 {
        i64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Mostly close to zero, sometimes any number or one at the ends, sometimes none.
    pub fn time(&mut self) -> Option<i64> {
        match self.byte() {
            near @ 0..=219 => Some(i64::from(near) - 110),
            220..=231 => Some(self.word()),
            232..=235 => Some(i64::MIN + i64::from(self.byte())),
            236..=239 => Some(i64::MAX - i64::from(self.byte())),
            _ => None,
        }
    }
}
