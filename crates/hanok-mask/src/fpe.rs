//! Format-preserving encryption of text and integers: as many symbols, separators in their places, different values
//! stay different.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type};

use crate::error::{MaskError, Result, unsupported};
use crate::key::Key;
use crate::permute::Permuter;
use crate::resident;
use crate::text::{Problem, cast, map_text};
use crate::treatment::{Alphabet, Fpe, Resident};

const NAME: &str = "fpe";
/// Symbols of one value at most.
const SYMBOLS_MAX: usize = 64;
const TOO_LONG: Problem = Problem::Format("has more symbols than `fpe` encrypts");
const LETTERS: Problem = Problem::Format("has letters or digits outside the alphabet of `fpe`");

pub(crate) struct FpeMasker {
    settings: Fpe,
    permuter: Permuter,
    /// Of the value at work.
    symbols: Vec<u8>,
}

/// The radix of a character's symbols and its place among them.
#[inline]
fn symbol(alphabet: Alphabet, byte: u8) -> Option<(u8, u8)> {
    let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'));
    let lower = byte.is_ascii_lowercase().then(|| byte.wrapping_sub(b'a'));
    let upper = byte.is_ascii_uppercase().then(|| byte.wrapping_sub(b'A'));
    match alphabet {
        Alphabet::Shape => digit.map(|at| (10, at)).or(lower.map(|at| (26, at))).or(upper.map(|at| (26, at))),
        Alphabet::Digits => digit.map(|at| (10, at)),
        Alphabet::Lower => digit.or(lower.map(|at| at + 10)).map(|at| (36, at)),
        Alphabet::Upper => digit.or(upper.map(|at| at + 10)).map(|at| (36, at)),
        Alphabet::Mixed => digit.or(lower.map(|at| at + 10)).or(upper.map(|at| at + 36)).map(|at| (62, at)),
    }
}

/// The character of a symbol that stands where `original` stood.
#[inline]
fn character(alphabet: Alphabet, symbol: u8, original: u8) -> u8 {
    match (alphabet, symbol) {
        (Alphabet::Shape, at) if original.is_ascii_lowercase() => b'a' + at,
        (Alphabet::Shape, at) if original.is_ascii_uppercase() => b'A' + at,
        (Alphabet::Upper, at) if at >= 10 => b'A' + at - 10,
        (Alphabet::Mixed, at) if at >= 36 => b'A' + at - 36,
        (_, at) if at >= 10 => b'a' + at - 10,
        (_, at) => b'0' + at,
    }
}

impl FpeMasker {
    pub(crate) fn new(settings: Fpe, key: &Key, domain: &str) -> Self {
        let permuter = Permuter::new(&key.derive(NAME, domain));
        Self { settings, permuter, symbols: Vec::with_capacity(SYMBOLS_MAX) }
    }

    pub(crate) fn text(&mut self, column: &StringArray) -> Result<StringArray> {
        map_text(column, |value, out| self.value(value, out))
    }

    fn value(&mut self, text: &str, out: &mut String) -> Result<(), Problem> {
        let resident = resident::parse(text);
        if let Some(digits) = resident.as_ref().filter(|digits| resident::is_plausible(digits)) {
            if self.settings.resident == Resident::Refuse {
                return Err(Problem::Resident);
            }
            resident::write(&resident::invalid(&mut self.permuter, digits), text, out);
            return Ok(());
        }
        let radix = self.read(text)?;
        if self.symbols.is_empty() {
            // Only punctuation and spaces, which say nothing.
            out.push_str(text);
            return Ok(());
        }
        if resident.is_some() && radix == Some(10) {
            self.permute_thirteen();
        } else {
            self.permute(text, radix)?;
        }
        self.write(text, out);
        Ok(())
    }

    /// Reads the symbols; their radix when all have the same.
    fn read(&mut self, text: &str) -> Result<Option<u8>, Problem> {
        self.symbols.clear();
        let mut radix = None;
        let mut mixed = false;
        for char in text.chars() {
            let byte = if char.is_ascii() { char as u8 } else { 0 };
            match symbol(self.settings.alphabet, byte) {
                Some((own, at)) => {
                    mixed |= radix.is_some_and(|radix| radix != own);
                    radix = Some(own);
                    self.symbols.push(at);
                }
                None if char.is_alphanumeric() => return Err(LETTERS),
                None => {}
            }
        }
        if self.symbols.len() > SYMBOLS_MAX { Err(TOO_LONG) } else { Ok(radix.filter(|_| !mixed)) }
    }

    fn permute(&mut self, text: &str, radix: Option<u8>) -> Result<(), Problem> {
        let length = self.symbols.len();
        match radix {
            Some(radix) => {
                let number = |part: &[u8]| {
                    part.iter().try_fold(0u128, |number, at| {
                        number.checked_mul(u128::from(radix))?.checked_add(u128::from(*at))
                    })
                };
                // Domains below FF1's floor have no format; their numbers are small.
                let (left, right) = self.symbols.split_at(length / 2);
                let halves = [number(left).ok_or(TOO_LONG)?, number(right).ok_or(TOO_LONG)?];
                let [left, right] = match self.permuter.halves(halves, u32::from(radix), length as u32) {
                    Some(halves) => halves,
                    None => {
                        let whole = number(&self.symbols).ok_or(TOO_LONG)?;
                        let image = self.permuter.power(whole, u32::from(radix), length as u32);
                        let modulus = u128::from(radix).pow((length - length / 2) as u32);
                        image.map(|image| [image / modulus, image % modulus]).ok_or(TOO_LONG)?
                    }
                };
                put(&mut self.symbols[..length / 2], left, |_| radix);
                put(&mut self.symbols[length / 2..], right, |_| radix);
            }
            None => self.permute_shape(text)?,
        }
        Ok(())
    }

    /// Digits and letters that stay digits and letters: one number of mixed radix.
    fn permute_shape(&mut self, text: &str) -> Result<(), Problem> {
        let mut radixes = [0u8; SYMBOLS_MAX];
        let found = text.bytes().filter_map(|byte| symbol(self.settings.alphabet, byte));
        for (slot, (radix, _)) in radixes.iter_mut().zip(found) {
            *slot = radix;
        }
        let (mut number, mut bound) = (0u128, 1u128);
        for (at, radix) in self.symbols.iter().zip(radixes) {
            bound =
                bound.checked_mul(u128::from(radix)).filter(|bound| *bound <= 1 << 127).ok_or(TOO_LONG)?;
            number = number * u128::from(radix) + u128::from(*at);
        }
        let image = self.permuter.below(number, bound).ok_or(TOO_LONG)?;
        put(&mut self.symbols, image, |at| radixes[at]);
        Ok(())
    }

    /// Thirteen digits that are not a resident number do not become one: walked on until they are not.
    fn permute_thirteen(&mut self) {
        let mut number = self.symbols.iter().fold(0, |number, at| number * 10 + u128::from(*at));
        loop {
            let Some(image) = self.permuter.power(number, 10, resident::DIGITS as u32) else { return };
            number = image;
            let digits = resident::digits_of(number);
            if !resident::is_plausible(&digits) {
                self.symbols.copy_from_slice(&digits);
                return;
            }
        }
    }

    fn write(&self, text: &str, out: &mut String) {
        let alphabet = self.settings.alphabet;
        let mut symbols = self.symbols.iter();
        for char in text.chars() {
            let byte = if char.is_ascii() { char as u8 } else { 0 };
            match symbol(alphabet, byte).and_then(|_| symbols.next()) {
                Some(symbol) => out.push(char::from(character(alphabet, *symbol, byte))),
                None => out.push(char),
            }
        }
    }

    /// Integers from 0 to 10^digits − 1 onto themselves. The type stays.
    pub(crate) fn integers(&mut self, column: &ArrayRef) -> Result<ArrayRef> {
        let digits = u32::from(match self.settings.digits {
            Some(digits) => digits,
            None => digits_of(column.data_type()).ok_or_else(|| unsupported(NAME, column.data_type()))?,
        });
        let bound = 10u64.saturating_pow(digits.min(18));
        let wide = cast(column, &DataType::Int64)?;
        let wide = wide.as_primitive::<Int64Type>();
        let mut out = vec![0i64; wide.len()];
        for (row, image) in out.iter_mut().enumerate().filter(|(row, _)| wide.is_valid(*row)) {
            *image = self.integer(wide.value(row), bound, digits).map_err(|problem| problem.at(row))?;
        }
        let out = Int64Array::new(out.into(), wide.nulls().cloned());
        cast(&out, column.data_type()).map_err(|_| MaskError::Parameter {
            treatment: NAME,
            parameter: "digits".to_owned(),
            problem: "more than the column's type holds",
        })
    }

    fn integer(&mut self, value: i64, bound: u64, digits: u32) -> Result<i64, Problem> {
        let number =
            u64::try_from(value).map_err(|_| Problem::Format("is negative, which `fpe` does not take"))?;
        if number >= bound {
            return Err(Problem::Format("has more digits than declared for `fpe`"));
        }
        if let Some(resident) = resident::from_integer(number).filter(resident::is_plausible) {
            if self.settings.resident == Resident::Refuse {
                return Err(Problem::Resident);
            }
            let image = resident::invalid(&mut self.permuter, &resident);
            return Ok(image.iter().fold(0, |number, digit| number * 10 + i64::from(*digit)));
        }
        let mut number = u128::from(number);
        loop {
            number = self.permuter.power(number, 10, digits).ok_or(TOO_LONG)?;
            let resident = resident::from_integer(number as u64);
            if resident.is_none_or(|digits| !resident::is_plausible(&digits)) {
                return Ok(number as i64);
            }
        }
    }
}

/// The digits that every value of a type can have.
pub(crate) fn digits_of(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::Int8 | DataType::UInt8 => 2,
        DataType::Int16 | DataType::UInt16 => 4,
        DataType::Int32 | DataType::UInt32 => 9,
        DataType::Int64 | DataType::UInt64 => 18,
        _ => return None,
    })
}

/// The digits of a number, most significant first.
fn put(symbols: &mut [u8], mut number: u128, radix: impl Fn(usize) -> u8) {
    for (at, symbol) in symbols.iter_mut().enumerate().rev() {
        let radix = radix(at);
        match u64::try_from(number) {
            Ok(small) => {
                *symbol = (small % u64::from(radix)) as u8;
                number = u128::from(small / u64::from(radix));
            }
            Err(_) => {
                *symbol = (number % u128::from(radix)) as u8;
                number /= u128::from(radix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn masker(alphabet: Alphabet, resident: Resident, digits: Option<u8>) -> FpeMasker {
        FpeMasker::new(Fpe { alphabet, digits, resident }, &Key::new([3; 32]), "student")
    }

    fn image(masker: &mut FpeMasker, text: &str) -> String {
        let mut out = String::new();
        assert!(masker.value(text, &mut out).is_ok(), "{text}");
        out
    }

    fn shape(text: &str) -> String {
        text.chars()
            .map(|char| match char {
                '0'..='9' => '9',
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                other => other,
            })
            .collect()
    }

    #[test]
    fn student_numbers_keep_their_shape_and_stay_different() {
        let mut masker = masker(Alphabet::Shape, Resident::Refuse, None);
        let mut seen = HashSet::new();
        for serial in 0..20_000 {
            let text = format!("2023-{serial:05}");
            let image = image(&mut masker, &text);
            assert_eq!(shape(&image), shape(&text));
            assert!(seen.insert(image));
        }
        assert_eq!(image(&mut masker, " - "), " - ");
        assert_eq!(image(&mut masker, ""), "");
    }

    /// Exhaustive: letters and digits of one shape, in the table and in the walked domain.
    #[test]
    fn shapes_are_permuted() {
        let mut masker = masker(Alphabet::Shape, Resident::Refuse, None);
        let small: HashSet<String> = (0..2_600)
            .map(|at| image(&mut masker, &format!("{}-{:02}", char::from(b'A' + (at / 100) as u8), at % 100)))
            .collect();
        assert_eq!(small.len(), 2_600);
        let large: HashSet<String> = (0..60_000)
            .map(|at| image(&mut masker, &format!("{}{:06}x", char::from(b'a' + (at % 26) as u8), at)))
            .collect();
        assert_eq!(large.len(), 60_000);
        assert!(large.iter().all(|text| shape(text) == "a999999a"));
    }

    #[test]
    fn values_that_would_stay_readable_are_refused() {
        let refused = |alphabet, text: &str| {
            let mut out = String::new();
            let result = masker(alphabet, Resident::Refuse, None).value(text, &mut out);
            matches!(result, Err(Problem::Format(_))) && out.is_empty()
        };
        assert!(refused(Alphabet::Shape, "홍길동 1"));
        assert!(refused(Alphabet::Digits, "A-100"));
        assert!(refused(Alphabet::Lower, "A-100"));
        assert!(refused(Alphabet::Upper, "a-100"));
        assert!(refused(Alphabet::Mixed, "é100"));
        assert!(refused(Alphabet::Digits, &"1".repeat(57)));
        assert!(refused(Alphabet::Digits, &"1".repeat(65)));
        assert!(!refused(Alphabet::Digits, &"1".repeat(56)));
        assert!(!refused(Alphabet::Lower, "0fcdb5a2-24d5-4f7c-9fd2-6a2e1c1a1c7e"));
    }

    #[test]
    fn resident_numbers_are_refused_or_replaced() {
        let text = "900101-1234567";
        let mut out = String::new();
        let mut refusing = masker(Alphabet::Shape, Resident::Refuse, None);
        assert!(matches!(refusing.value(text, &mut out), Err(Problem::Resident)));
        let column: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1, 9_001_011_234_567]));
        assert!(matches!(refusing.integers(&column), Err(MaskError::Resident { row: 1 })));
        let mut replacing = masker(Alphabet::Shape, Resident::Replace, None);
        let replaced = image(&mut replacing, text);
        let digits = resident::parse(&replaced).unwrap();
        assert!(!resident::is_plausible(&digits) && digits[2] * 10 + digits[3] > 12, "{replaced}");
        assert_eq!(&replaced[6..7], "-");
        let replaced = replacing.integers(&column).unwrap();
        let replaced = replaced.as_primitive::<Int64Type>().value(1);
        assert!(
            !resident::from_integer(replaced as u64).is_some_and(|digits| resident::is_plausible(&digits))
        );
    }

    #[test]
    fn other_thirteen_digits_do_not_become_resident_numbers() {
        let mut masker = masker(Alphabet::Digits, Resident::Refuse, None);
        // Month 00: nobody's, but close to those that are somebody's.
        let images: HashSet<String> =
            (0..50_000u64).map(|at| image(&mut masker, &format!("{:02}00{:09}", at % 100, at))).collect();
        assert_eq!(images.len(), 50_000);
        assert!(images.iter().all(|text| !resident::is_plausible(&resident::parse(text).unwrap())));
    }

    #[test]
    fn integers_stay_within_their_digits_and_refuse_the_rest() {
        let mut masker = masker(Alphabet::Shape, Resident::Refuse, Some(4));
        let column: ArrayRef =
            std::sync::Arc::new((0..10_000).map(Some).collect::<arrow::array::Int32Array>());
        let out = masker.integers(&column).unwrap();
        assert_eq!(out.data_type(), &DataType::Int32);
        let out: HashSet<i64> = cast(&out, &DataType::Int64)
            .unwrap()
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .copied()
            .collect();
        assert_eq!(out.len(), 10_000);
        assert!(out.iter().all(|value| (0..10_000).contains(value)));
        for value in [-1i64, 10_000] {
            let column: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![value]));
            assert!(matches!(masker.integers(&column), Err(MaskError::Format { row: 0, .. })));
        }
    }

    proptest! {
        #[test]
        fn every_alphabet_is_injective_and_keeps_lengths(
            a in "[A-Z0-9]{1,3}-[A-Z0-9]{0,12}",
            b in "[A-Z0-9]{1,3}-[A-Z0-9]{0,12}",
        ) {
            for alphabet in [Alphabet::Shape, Alphabet::Upper, Alphabet::Mixed] {
                let mut masker = masker(alphabet, Resident::Replace, None);
                let (left, right) = (image(&mut masker, &a), image(&mut masker, &b));
                prop_assert_eq!(left.len(), a.len());
                prop_assert_eq!(left.find('-'), a.find('-'));
                prop_assert_eq!(a == b, left == right);
                prop_assert_eq!(&left, &image(&mut masker, &a));
            }
        }
    }
}
