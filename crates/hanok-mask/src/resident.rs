//! Resident registration numbers (주민등록번호, 외국인등록번호): YYMMDD, a digit of gender and century, six more.
//!
//! Source: 주민등록법 시행규칙, article 2; the check digit was given up for numbers issued since October 2020, so that it
//! can raise a suspicion but never clear one.

use crate::permute::Permuter;

pub(crate) const DIGITS: usize = 13;
/// Birth dates as numbered here: 100 years of 12 months of 31 days, and seven digits.
const TAIL: u128 = 10_000_000;
/// Months 13 to 99 do not exist: what has one is nobody's number.
const MONTH_INVALID: u128 = 13;
const INVALID: u128 = (100 - MONTH_INVALID) * 100 * 100 * TAIL;

/// The thirteen digits, when the whole text is written like a number: with a dash or space after the birth date, or none.
pub(crate) fn parse(text: &str) -> Option<[u8; DIGITS]> {
    let bytes = text.trim().as_bytes();
    let (front, back) = match bytes.len() {
        DIGITS => bytes.split_at(6),
        14 if matches!(bytes[6], b'-' | b' ') => (&bytes[..6], &bytes[7..]),
        _ => return None,
    };
    let mut digits = [0; DIGITS];
    for (digit, byte) in digits.iter_mut().zip(front.iter().chain(back)) {
        *digit = byte.is_ascii_digit().then(|| byte - b'0')?;
    }
    Some(digits)
}

/// The digits of an integer of twelve or thirteen digits (a leading zero of the year is lost in integers).
pub(crate) fn from_integer(number: u64) -> Option<[u8; DIGITS]> {
    (100_000_000_000..10_000_000_000_000).contains(&number).then(|| digits_of(u128::from(number)))
}

/// True when the digits can be a person's: an existing birth date and a digit of gender of the 20th or 21st century.
pub(crate) fn is_plausible(digits: &[u8; DIGITS]) -> bool {
    let pair = |at: usize| u32::from(digits[at]) * 10 + u32::from(digits[at + 1]);
    let century = match digits[6] {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        _ => return false,
    };
    chrono::NaiveDate::from_ymd_opt(century + pair(0) as i32, pair(2), pair(4)).is_some()
}

/// True when the check digit of numbers issued before October 2020 is right.
pub(crate) fn is_checked(digits: &[u8; DIGITS]) -> bool {
    const WEIGHTS: [u32; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
    let sum: u32 = WEIGHTS.iter().zip(digits).map(|(weight, digit)| weight * u32::from(*digit)).sum();
    let base = if (5..=8).contains(&digits[6]) { 13 } else { 11 };
    (base - sum % 11) % 10 == u32::from(digits[12])
}

/// A number that is nobody's, because its month does not exist. Plausible numbers get different ones.
pub(crate) fn invalid(permuter: &mut Permuter, digits: &[u8; DIGITS]) -> [u8; DIGITS] {
    let pair = |at: usize| u128::from(digits[at]) * 10 + u128::from(digits[at + 1]);
    let tail = digits[6..].iter().fold(0, |number, digit| number * 10 + u128::from(*digit));
    let date = (pair(0) * 12 + (pair(2) + 11) % 12) * 31 + (pair(4) + 30) % 31;
    invalid_of(permuter, date * TAIL + tail)
}

/// The invalid number for any number below [`INVALID`].
pub(crate) fn invalid_of(permuter: &mut Permuter, number: u128) -> [u8; DIGITS] {
    let image = permuter.below(number % INVALID, INVALID).unwrap_or(number % INVALID);
    let (month, rest) = (MONTH_INVALID + image / (100 * 100 * TAIL), image % (100 * 100 * TAIL));
    let (year, rest) = (rest / (100 * TAIL), rest % (100 * TAIL));
    digits_of((year * 100 + month) * (100 * TAIL) + rest)
}

pub(crate) fn digits_of(mut number: u128) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = (number % 10) as u8;
        number /= 10;
    }
    digits
}

/// Writes digits in the style of the original: with its dash or space, or without.
pub(crate) fn write(digits: &[u8; DIGITS], original: &str, out: &mut String) {
    let separator = original.chars().find(|char| matches!(char, '-' | ' '));
    for (at, digit) in digits.iter().enumerate() {
        if let (6, Some(separator)) = (at, separator) {
            out.push(separator);
        }
        out.push(char::from(b'0' + digit));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::key::Key;

    #[test]
    fn only_the_format_is_parsed() {
        let digits = [9, 0, 0, 1, 0, 1, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(parse("900101-1234567"), Some(digits));
        assert_eq!(parse(" 9001011234567 "), Some(digits));
        assert_eq!(parse("900101 1234567"), Some(digits));
        assert_eq!(from_integer(9_001_011_234_567), Some(digits));
        for other in ["900101-123456", "900101_1234567", "90010-11234567", "2023-10457", "", "가나다라마"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
        assert_eq!(from_integer(0), None);
    }

    #[test]
    fn dates_and_gender_make_a_number_plausible() {
        let plausible = |text: &str| is_plausible(&parse(text).unwrap());
        assert!(plausible("900101-1234567"));
        assert!(plausible("000229-3234567"));
        assert!(!plausible("000229-1234567"), "1900 was no leap year");
        assert!(!plausible("901301-1234567"));
        assert!(!plausible("900431-1234567"));
        assert!(!plausible("900101-9234567"));
    }

    /// Numbers made up here from the published formula; nobody was born on 1900-01-01 with such a serial.
    #[test]
    fn the_check_digit_follows_the_published_weights() {
        let checked = |text: &str| is_checked(&parse(text).unwrap());
        // 9·2+0+0+1·5+0+1·7+1·8+2·9+3·2+4·3+5·4+6·5 = 124; 11 − 124 mod 11 = 8.
        assert!(checked("900101-1234568"));
        assert!(!checked("900101-1234567"));
        assert_eq!((0..10).filter(|last| checked(&format!("900101-523456{last}"))).count(), 1);
    }

    #[test]
    fn invalid_numbers_are_distinct_and_nobodys() {
        let mut permuter = Permuter::new(&Key::new([5; 32]));
        let mut seen = HashSet::new();
        for serial in 0..20_000u32 {
            let text =
                format!("{:02}{:02}{:02}-{:07}", serial % 100, serial % 12 + 1, serial % 28 + 1, serial);
            let image = invalid(&mut permuter, &parse(&text).unwrap());
            assert!(image[2] * 10 + image[3] >= 13);
            assert!(!is_plausible(&image));
            assert!(seen.insert(image));
        }
    }

    #[test]
    fn the_style_of_writing_is_kept() {
        let mut out = String::new();
        write(&digits_of(9_013_011_234_567), "900101-1234567", &mut out);
        out.push('/');
        write(&digits_of(9_013_011_234_567), "9001011234567", &mut out);
        assert_eq!(out, "901301-1234567/9013011234567");
    }
}
