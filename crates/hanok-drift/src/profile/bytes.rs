//! Bytes of sketches: what is read is checked, and nothing is allocated that is not there.

/// What is left to read.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

const SHORT: &str = "its bytes end too early";

impl Reader<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (array, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*array)
    }

    /// A number of 7 bits a byte, the low ones first (LEB128), in its shortest form.
    pub(crate) fn varint(&mut self) -> Result<u64, &'static str> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number in its bytes is not written as it should be")
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), &'static str> {
        if self.0.is_empty() { Ok(()) } else { Err("its bytes go on after their end") }
    }
}

/// Writes what [`Reader::varint`] reads.
pub(crate) fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(number: u64, shift in 0_u32..64) {
            let mut out = Vec::new();
            push_varint(&mut out, number >> shift);
            prop_assert_eq!(Reader(&out).varint(), Ok(number >> shift));
            prop_assert!(Reader(&out[..out.len() - 1]).varint().is_err());
        }

        #[test]
        fn a_number_has_one_form(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader(&bytes);
            if let Ok(number) = reader.varint() {
                let mut out = Vec::new();
                push_varint(&mut out, number);
                prop_assert_eq!(&out, &bytes[..bytes.len() - reader.0.len()]);
            }
        }
    }
}
