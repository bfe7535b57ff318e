//! Guesses from a column's values.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type};

use super::{Evidence, Guess, Personal};
use crate::fake::names::{COMMON_SURNAMES, has_surname};
use crate::resident;
use crate::text::{cast, is_text, text};

/// Values looked at, spread over the column.
const SAMPLE_MAX: usize = 1_000;
/// The share of values that has to look so.
const SHARE_MIN: f64 = 0.5;

/// A kind, whether a value looks so, and the confidence when all do.
type Look = (Personal, fn(&str) -> bool, f64);

const LOOKS: &[Look] = &[
    (Personal::Email, is_email, 0.98),
    (Personal::ResidentNumber, is_resident, 0.9),
    (Personal::Card, is_card, 0.9),
    (Personal::Phone, is_phone, 0.9),
    (Personal::Device, is_network_address, 0.85),
    (Personal::Address, is_address, 0.85),
    (Personal::Name, is_korean_name, 0.8),
    (Personal::PersonNumber, is_person_number, 0.55),
];

/// The guess from the values of a text column, or of an integer column (resident numbers only).
pub fn by_content(column: &ArrayRef) -> Option<Guess> {
    let values = sample(column)?;
    let share = |matched: usize| matched as f64 / values.len() as f64;
    let best = LOOKS.iter().find_map(|(kind, looks, confidence)| {
        let matched = values.iter().filter(|value| looks(value)).count();
        (matched > 0 && share(matched) >= SHARE_MIN).then_some((*kind, matched, confidence * share(matched)))
    });
    let (kind, matched, mut confidence) = best?;
    match kind {
        Personal::ResidentNumber => {
            // By chance one in ten has the right check digit.
            let checked =
                |value: &&String| resident::parse(value).is_some_and(|digits| resident::is_checked(&digits));
            if values.iter().filter(checked).count() * 2 > matched {
                confidence = confidence.max(0.99 * share(matched));
            }
        }
        // Short nouns may begin with the syllable of a surname; a fifth of real names with one of the five commonest.
        Personal::Name => {
            let common = |value: &&String| COMMON_SURNAMES.iter().any(|surname| value.starts_with(surname));
            if values.iter().filter(common).count() * 5 < matched || share(matched) < 0.8 {
                return None;
            }
        }
        _ => {}
    }
    Some(Guess { kind, confidence, evidence: Evidence::Content { sampled: values.len(), matched } })
}

/// Non-empty values spread over the column, as text; `None` when there are none.
fn sample(column: &ArrayRef) -> Option<Vec<String>> {
    let data_type = match column.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    let step = column.len().div_ceil(SAMPLE_MAX).max(1);
    let rows: Vec<u32> =
        (0..column.len()).step_by(step).filter(|row| column.is_valid(*row)).map(|row| row as u32).collect();
    let picked = arrow::compute::take(column, &arrow::array::UInt32Array::from(rows), None).ok()?;
    let values: Vec<String> = if is_text(data_type) {
        let values = text(&picked).ok()?;
        values
            .iter()
            .flatten()
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect()
    } else if data_type.is_integer() {
        let wide = cast(&picked, &DataType::Int64).ok()?;
        let values = wide.as_primitive::<Int64Type>().values().iter();
        let digits = values.map(|value| u64::try_from(*value).ok().and_then(resident::from_integer));
        digits
            .map(|digits| {
                digits.map_or_else(String::new, |digits| digits.iter().map(u8::to_string).collect())
            })
            .collect()
    } else {
        return None;
    };
    (!values.is_empty()).then_some(values)
}

fn is_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(local, domain)| {
        let is_word =
            |text: &str| !text.is_empty() && !text.contains(|char: char| char.is_whitespace() || char == '@');
        is_word(local) && is_word(domain) && domain.trim_matches('.').contains('.')
    })
}

fn is_resident(value: &str) -> bool {
    resident::parse(value).is_some_and(|digits| resident::is_plausible(&digits))
}

/// Sixteen digits (or 15 of one issuer) with the check digit of ISO/IEC 7812 (Luhn).
fn is_card(value: &str) -> bool {
    let Some(digits) = digits(value, &['-', ' ']).filter(|digits| matches!(digits.len(), 15 | 16)) else {
        return false;
    };
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let doubled = u32::from(byte - b'0') * (1 + at as u32 % 2);
            doubled / 10 + doubled % 10
        })
        .sum();
    sum.is_multiple_of(10) && !digits.starts_with('0')
}

/// Korean mobile and landline numbers, and international ones with `+`.
fn is_phone(value: &str) -> bool {
    let Some(digits) = digits(value.strip_prefix('+').unwrap_or(value), &['-', ' ', '.', '(', ')']) else {
        return false;
    };
    let is_written = value.len() > digits.len();
    let is_mobile = |digits: &str| {
        matches!(digits.len(), 10 | 11)
            && ["010", "011", "016", "017", "018", "019"].iter().any(|prefix| digits.starts_with(prefix))
    };
    let is_landline = is_written
        && (9..=11).contains(&digits.len())
        && digits.starts_with('0')
        && digits.as_bytes()[1].is_ascii_digit()
        && digits.as_bytes()[1] >= b'2';
    is_mobile(&digits) || is_landline || (value.starts_with('+') && (9..=15).contains(&digits.len()))
}

fn is_network_address(value: &str) -> bool {
    let octets = || value.split('.');
    let is_v4 = octets().count() == 4 && octets().all(|octet| octet.parse::<u8>().is_ok());
    let pairs = || value.split([':', '-']);
    let is_mac =
        pairs().count() == 6 && pairs().all(|pair| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok());
    is_v4 || is_mac
}

/// A Korean place and road or quarter with a number, or an English house number and road.
fn is_address(value: &str) -> bool {
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let ends = |endings: &[char]| {
        value.split_whitespace().any(|word| {
            let word = word.trim_end_matches(|char: char| !char.is_alphabetic());
            word.chars().count() >= 2 && word.ends_with(endings) && word.chars().all(is_hangul_or_digit)
        })
    };
    let is_korean = ends(&['시', '도', '군', '구']) && ends(&['로', '길', '동', '읍', '면', '리', '가']);
    const ROADS: &[&str] =
        &["street", "st", "avenue", "ave", "road", "rd", "lane", "ln", "drive", "boulevard"];
    let is_english = value.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        && value
            .split(|char: char| !char.is_ascii_alphabetic())
            .any(|word| ROADS.iter().any(|road| word.eq_ignore_ascii_case(road)));
    has_digit && (is_korean || is_english)
}

fn is_korean_name(value: &str) -> bool {
    let length = value.chars().count();
    (2..=4).contains(&length) && value.chars().all(is_hangul) && has_surname(value)
}

/// A year and a serial: 2023-10457, 202310457.
fn is_person_number(value: &str) -> bool {
    digits(value, &['-']).filter(|digits| (7..=10).contains(&digits.len())).is_some_and(|digits| {
        digits[..4].parse::<u32>().is_ok_and(|year| (1980..=2040).contains(&year)) && !is_date(&digits)
    })
}

fn is_date(digits: &str) -> bool {
    let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| pair.parse::<u32>().ok());
    digits.len() == 8
        && pair(4).is_some_and(|month| (1..=12).contains(&month))
        && pair(6).is_some_and(|day| (1..=31).contains(&day))
}

/// The digits of a text that has nothing but digits and separators.
fn digits(value: &str, separators: &[char]) -> Option<String> {
    let fits = value.chars().all(|char| char.is_ascii_digit() || separators.contains(&char));
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    (fits && !digits.is_empty()).then_some(digits)
}

fn is_hangul(char: char) -> bool {
    ('가'..='힣').contains(&char)
}

fn is_hangul_or_digit(char: char) -> bool {
    is_hangul(char) || char.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn kind(values: &[&str]) -> Option<Personal> {
        let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        by_content(&column).map(|guess| guess.kind)
    }

    #[test]
    fn personal_values_are_known() {
        assert_eq!(kind(&["a@b.kr", "c@d.com", "?"]), Some(Personal::Email));
        assert_eq!(kind(&["010-1234-5678", "01098765432", "02-123-4567"]), Some(Personal::Phone));
        assert_eq!(kind(&["+1 202 555 0143", "+82 10-1234-5678"]), Some(Personal::Phone));
        assert_eq!(kind(&["900101-1234567", "9001012234567"]), Some(Personal::ResidentNumber));
        assert_eq!(kind(&["4111 1111 1111 1111", "4012-8888-8888-1881"]), Some(Personal::Card));
        assert_eq!(kind(&["10.0.0.1", "192.168.0.77", "00:1B:44:11:3A:B7"]), Some(Personal::Device));
        assert_eq!(
            kind(&["서울특별시 강남구 테헤란로 12", "경기도 수원시 영통동 3-1"]),
            Some(Personal::Address)
        );
        assert_eq!(kind(&["12 Lantern Lane, Norwick", "7 High Street"]), Some(Personal::Address));
        assert_eq!(kind(&["김민준", "이서연", "박지호", "최유진", "정하은"]), Some(Personal::Name));
        assert_eq!(kind(&["2023-10457", "2022-00012"]), Some(Personal::PersonNumber));
    }

    #[test]
    fn check_digits_and_integers_raise_the_confidence() {
        let confidence = |column: ArrayRef| by_content(&column).unwrap().confidence;
        let unchecked = confidence(Arc::new(StringArray::from(vec!["900101-1234567"; 4])));
        let checked = confidence(Arc::new(StringArray::from(vec!["900101-1234568"; 4])));
        assert!(checked > unchecked && checked > 0.98);
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![9_001_011_234_568, 101_013_234_567]));
        assert_eq!(by_content(&integers).unwrap().kind, Personal::ResidentNumber);
    }

    #[test]
    fn other_values_are_not() {
        assert_eq!(kind(&["쌀밥", "미역국", "김치", "불고기", "수박", "우유"]), None);
        assert_eq!(kind(&["2024-01-02", "2023-12-31", "2020-05-05"]), None);
        assert_eq!(kind(&["1.2.3", "4.5.6"]), None);
        assert_eq!(kind(&["AA101", "UA22", "DL7"]), None);
        assert_eq!(kind(&["", " "]), None);
        assert_eq!(kind(&[]), None);
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        assert_eq!(by_content(&integers), None);
    }
}
