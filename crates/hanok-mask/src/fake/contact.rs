//! Fake telephone numbers, mail names and student numbers.

use super::word;
use crate::key::{Draws, Random};
use crate::permute::Permuter;

const SYLLABLES: &[&str] = &[
    "min", "seo", "ji", "ha", "jun", "su", "yun", "do", "hyun", "eun", "ye", "woo", "jin", "na", "tae",
    "sol", "bo", "ra", "in", "kyu",
];

/// How a telephone number was written.
pub(super) struct PhoneStyle {
    separator: Option<char>,
    /// What stands behind `+82`, when the number begins so.
    #[expect(clippy::option_option, reason = "whether it begins so, and whether anything stands behind it")]
    country: Option<Option<char>>,
}

/// Collects the digits of a number as it is dialled within the country, and its style.
pub(super) fn phone_digits(value: &str, digits: &mut String) -> PhoneStyle {
    digits.clear();
    let is_separator = |char: &char| matches!(char, '-' | '.' | ' ');
    let (country, rest) = match value.trim().strip_prefix("+82") {
        Some(rest) => {
            let behind = rest.chars().next().filter(is_separator);
            digits.push('0');
            (Some(behind), rest.strip_prefix(is_separator_char).unwrap_or(rest))
        }
        None => (None, value.trim()),
    };
    let rest = if country.is_some() { rest.strip_prefix('0').unwrap_or(rest) } else { rest };
    digits.extend(rest.chars().filter(char::is_ascii_digit));
    // "(02) 123-4567": the last one is what separates the groups.
    PhoneStyle { separator: rest.chars().rev().find(is_separator), country }
}

fn is_separator_char(char: char) -> bool {
    matches!(char, '-' | '.' | ' ')
}

impl PhoneStyle {
    /// Writes three digits, then the rest with four at the end.
    pub(super) fn write(&self, number: &[u8], out: &mut String) {
        let mut start = 0;
        if let Some(behind) = self.country {
            out.push_str("+82");
            out.extend(behind);
            start = 1;
        }
        let last = number.len() - 4;
        for (at, digit) in number.iter().enumerate().skip(start) {
            if at == 3 || at == last {
                out.extend(self.separator);
            }
            out.push(char::from(*digit));
        }
    }
}

/// A number of its own for each number; returns its length. The subscriber's part begins with 0, which none does.
pub(super) fn unique_phone(
    permuter: &mut Permuter,
    digits: &str,
    seed: &[u8; 32],
    number: &mut [u8; 24],
) -> usize {
    let bytes = digits.as_bytes();
    let (length, image) = match bytes.len() {
        10 | 11 if bytes.starts_with(b"01") => {
            number[2] = bytes[2];
            let subscriber = bytes[3..].iter().fold(0, |number, byte| number * 10 + u128::from(byte - b'0'));
            let digits = bytes.len() - 3;
            (digits + 4, permuter.power(subscriber, 10, digits as u32).unwrap_or(subscriber) as u64)
        }
        _ => (24, word(seed)),
    };
    put_digits(&mut number[4..length], image);
    length
}

/// Writes a number right-aligned.
pub(super) fn put_digits(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

pub(super) fn local_part(draws: &mut Draws, out: &mut String) {
    for _ in 0..3 {
        out.push_str(draws.pick(SYLLABLES));
    }
    let mut digits = [0; 4];
    put_digits(&mut digits, draws.below(10_000));
    out.extend(digits.map(char::from));
}

/// Digits and letters of the same shape; a year at the beginning stays within two years. Other letters become digits.
pub(super) fn student_number(draws: &mut Draws, value: &str, out: &mut String) {
    let year =
        value.get(..4).and_then(|year| year.parse::<u32>().ok()).filter(|year| (1950..2100).contains(year));
    let rest = match year {
        Some(year) => {
            let mut digits = [0; 4];
            put_digits(&mut digits, u64::from(year) + draws.below(5) - 2);
            out.extend(digits.map(char::from));
            &value[4..]
        }
        None => value,
    };
    for char in rest.chars() {
        out.push(match char {
            'a'..='z' => char::from(b'a' + draws.below(26) as u8),
            'A'..='Z' => char::from(b'A' + draws.below(26) as u8),
            other if other.is_alphanumeric() => char::from(b'0' + draws.below(10) as u8),
            other => other,
        });
    }
}
