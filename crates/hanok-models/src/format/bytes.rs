//! Little-endian numbers in bytes.

use crate::error::ReadError;

/// A number of some bytes.
pub(super) trait Scalar: Copy {
    /// How many bytes it has.
    const SIZE: usize;
    /// From as many bytes.
    fn from_le(bytes: &[u8]) -> Option<Self>;
}

macro_rules! scalars {
    ($($scalar:ty),*) => {$(
        impl Scalar for $scalar {
            const SIZE: usize = size_of::<$scalar>();
            fn from_le(bytes: &[u8]) -> Option<$scalar> {
                Some(<$scalar>::from_le_bytes(*bytes.first_chunk()?))
            }
        }
    )*};
}
scalars!(u8, i8, u16, i32, i64, u32, u64, f32, f64);

/// All numbers that stand in bytes one after the other.
pub(super) fn numbers<T: Scalar>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(T::SIZE).filter_map(T::from_le).collect()
}

/// A place in bytes that are read from the start to the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// How many bytes have been read.
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the start.
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    /// The error that something is wrong here.
    pub(super) fn wrong(&self, problem: &'static str) -> ReadError {
        ReadError::Syntax { place: format!("byte {}", self.at), problem }
    }

    /// Whether everything has been read.
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let taken = self.at.checked_add(count).and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.wrong("the file breaks off"))?;
        self.at += count;
        Ok(taken)
    }

    /// The next number.
    pub(super) fn number<T: Scalar>(&mut self) -> Result<T, ReadError> {
        let bytes = self.take(T::SIZE)?;
        T::from_le(bytes).ok_or_else(|| self.wrong("the file breaks off"))
    }

    /// The next numbers, as many as are said.
    pub(super) fn numbers<T: Scalar>(&mut self, count: u64) -> Result<Vec<T>, ReadError> {
        let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(T::SIZE));
        let bytes = bytes.ok_or_else(|| self.wrong("the file breaks off"))?;
        Ok(numbers(self.take(bytes)?))
    }
}
