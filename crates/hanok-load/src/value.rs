//! Text to values, under two sets of rules.
//!
//! *Strict* rules serve inference: a text is a number only if the number, written out again, could be that text, so
//! that nothing a person may care about is lost. `0517`, `+1`, `-0` and ` 1` are no integers.
//! *Lenient* rules serve types that a person declared or a table already has: surrounding blanks, a plus sign and
//! leading zeros are accepted, and digits beyond the type's precision are rounded.

/// Integers of up to this magnitude are exact in a 64-bit float.
const FLOAT_INT_MAX: u64 = 1 << 53;
/// No 64-bit float needs more significant digits to be told from its neighbours.
const FLOAT_DIGITS_MAX: usize = 17;
/// The first number with more digits than that.
const SIGNIFICANT_END: u64 = 100_000_000_000_000_000;

/// Microseconds in a day.
const DAY_US: i64 = 86_400_000_000;

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// `true` or `false` in lower, upper or title case.
#[inline]
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

/// Also `t`, `f`, `yes`, `no`, `y`, `n`, `1`, `0` in any case.
pub(crate) fn boolean_lenient(text: &[u8]) -> Option<bool> {
    let text = text.trim_ascii();
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["true", "t", "yes", "y", "1"]) {
        Some(true)
    } else if is(&["false", "f", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// Up to 19 digits as a number; they always fit.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    Some(value)
}

#[inline]
fn signed(negative: bool, magnitude: u64) -> Option<i64> {
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// `-?(0|[1-9][0-9]*)` within 64 bits, but not `-0`.
#[inline]
pub(crate) fn int(text: &[u8]) -> Option<i64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    match rest {
        [b'0'] => (!negative).then_some(0),
        [] | [b'0', ..] => None,
        _ if rest.len() > 19 => None,
        _ => signed(negative, digits(rest)?),
    }
}

/// Whether an integer survives in a 64-bit float.
#[inline]
pub(crate) fn int_fits_float(value: i64) -> bool {
    value.unsigned_abs() <= FLOAT_INT_MAX
}

/// An integer with blanks, a sign and leading zeros as it likes; also `12.000`.
pub(crate) fn int_lenient(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let rest = match memchr::memchr(b'.', rest) {
        Some(dot) if dot > 0 && rest[dot + 1..].iter().all(|&b| b == b'0') => &rest[..dot],
        _ => rest,
    };
    if rest.is_empty() {
        return None;
    }
    let zeros = rest.iter().take_while(|&&b| b == b'0').count();
    let rest = &rest[zeros..];
    if rest.len() > 19 {
        return None;
    }
    signed(negative, digits(rest)?)
}

/// A decimal number that a 64-bit float holds: no superfluous leading zero or plus sign, 17 significant digits at most,
/// integers up to 2^53, no overflow and no underflow to zero. Also `NaN`, `nan`, `inf` and `Infinity` with their signs.
#[inline]
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // Most numbers of a file are a mantissa below 2^53 and no exponent: then one exact division gives the nearest float
    // (Clinger, "How to Read Floating Point Numbers Accurately", 1990).
    let mut mantissa = 0u64;
    let mut dot = usize::MAX;
    for (at, &byte) in rest.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if byte == b'.' && dot == usize::MAX {
            dot = at;
        } else {
            return float_slow(text, rest);
        }
    }
    let digits = rest.len() - usize::from(dot != usize::MAX);
    // Up to 19 digits have not overflowed the mantissa.
    if digits == 0 || digits > 19 {
        return float_slow(text, rest);
    }
    let whole = dot.min(rest.len());
    if whole > 1 && rest[0] == b'0' {
        return None;
    }
    if mantissa <= FLOAT_INT_MAX {
        let value = mantissa as f64 / POWERS[digits - whole];
        return Some(if negative { -value } else { value });
    }
    if dot != usize::MAX && mantissa < SIGNIFICANT_END {
        return fast_float2::parse(text).ok();
    }
    float_slow(text, rest)
}

#[cold]
fn float_slow(text: &[u8], unsigned: &[u8]) -> Option<f64> {
    match unsigned {
        b"NaN" | b"nan" => return (text.len() == unsigned.len()).then_some(f64::NAN),
        b"inf" | b"Infinity" => {
            return Some(if text.len() == unsigned.len() { f64::INFINITY } else { f64::NEG_INFINITY });
        }
        _ => {}
    }
    let end = unsigned.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(unsigned.len());
    let (number, exponent) = unsigned.split_at(end);
    let mut parts = number.splitn(2, |&b| b == b'.');
    let (whole, fraction) = (parts.next()?, parts.next());
    let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let fraction_text = fraction.unwrap_or_default();
    if !all_digits(whole) || !all_digits(fraction_text) || whole.len() + fraction_text.len() == 0 {
        return None;
    }
    if whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    let significant = number.iter().filter(|&&b| b != b'.').skip_while(|&&b| b == b'0').count();
    let trailing = match fraction {
        Some(digits) => digits.iter().rev().take_while(|&&b| b == b'0').count(),
        None => 0,
    };
    if significant.saturating_sub(trailing) > FLOAT_DIGITS_MAX {
        return None;
    }
    if exponent.is_empty() && fraction.is_none() && digits(whole)? > FLOAT_INT_MAX {
        return None;
    }
    let value: f64 = fast_float2::parse(text).ok()?;
    let zero = number.iter().all(|&b| matches!(b, b'0' | b'.'));
    (value.is_finite() && (value != 0.0 || zero)).then_some(value)
}

/// Any decimal number, rounded to the nearest float.
pub(crate) fn float_lenient(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let text = match text {
        [b'+', rest @ ..] if !matches!(rest.first(), Some(b'+' | b'-')) => rest,
        _ => text,
    };
    fast_float2::parse(text).ok()
}

#[inline]
fn two(text: &[u8], at: usize) -> Option<u32> {
    let tens = text[at].wrapping_sub(b'0');
    let ones = text[at + 1].wrapping_sub(b'0');
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Days since 1970-01-01 of `YYYY-MM-DD`, years 0001 to 9999, in the proleptic Gregorian calendar.
///
/// Algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
#[inline]
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let text: &[u8; 10] = text.try_into().ok()?;
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let year = two(text, 0)? * 100 + two(text, 2)?;
    let (month, day) = (two(text, 5)?, two(text, 8)?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted / 400, shifted % 400);
    let month_index = (month + 9) % 12;
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era) as i32 - 719_468)
}

#[inline]
fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Microseconds since 1970-01-01T00:00:00Z of `YYYY-MM-DD[(T| )HH:MM[:SS[.fraction]][Z|±HH[[:]MM]]]`.
///
/// Without a zone the text is read as UTC. Digits of the fraction beyond the sixth must be zeros.
#[inline]
pub(crate) fn timestamp(text: &[u8]) -> Option<i64> {
    timestamp_with(text, false)
}

/// As [`timestamp`], with surrounding blanks, and digits of the fraction beyond the sixth cut.
pub(crate) fn timestamp_lenient(text: &[u8]) -> Option<i64> {
    timestamp_with(text.trim_ascii(), true)
}

#[inline]
fn timestamp_with(text: &[u8], cut: bool) -> Option<i64> {
    let days = i64::from(date(text.get(..10)?)?);
    let time = &text[10..];
    if time.is_empty() {
        return Some(days * DAY_US);
    }
    if time.len() < 6 || !matches!(time[0], b'T' | b' ') || time[3] != b':' {
        return None;
    }
    let (hour, minute) = (two(time, 1)?, two(time, 4)?);
    let mut rest = &time[6..];
    let mut second = 0;
    let mut micros = 0i64;
    if rest.first() == Some(&b':') {
        if rest.len() < 3 {
            return None;
        }
        second = two(rest, 1)?;
        rest = &rest[3..];
        if rest.first() == Some(&b'.') {
            let len = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            let fraction = &rest[1..=len];
            if fraction.is_empty() || (!cut && fraction.iter().skip(6).any(|&b| b != b'0')) {
                return None;
            }
            let kept = &fraction[..len.min(6)];
            micros = digits(kept)? as i64 * 10i64.pow(6 - kept.len() as u32);
            rest = &rest[1 + len..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset_s = if rest.is_empty() { 0 } else { offset_s(rest)? };
    let seconds = i64::from(hour * 3600 + minute * 60 + second) - offset_s;
    Some(days * DAY_US + seconds * 1_000_000 + micros)
}

/// Seconds east of Greenwich.
fn offset_s(text: &[u8]) -> Option<i64> {
    let sign = match text[0] {
        b'Z' if text.len() == 1 => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match text.len() {
        3 => (two(text, 1)?, 0),
        5 => (two(text, 1)?, two(text, 3)?),
        6 if text[3] == b':' => (two(text, 1)?, two(text, 4)?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_that_would_change_stay_text() {
        for text in ["0517", "+1", "-0", "", "-", " 1", "1 ", "1_000", "00", "9223372036854775808", "１"] {
            assert_eq!(int(text.as_bytes()), None, "{text}");
        }
        assert_eq!(int(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(int(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(int_lenient(b" +0517"), Some(517));
        assert_eq!(int_lenient(b"12.00"), Some(12));
        assert_eq!(int_lenient(b"12.01"), None);
        assert_eq!(int_lenient(b"+-1"), None);
    }

    #[test]
    fn floats_that_would_lose_digits_stay_text() {
        for text in [
            "01.5",
            "+1.5",
            ".",
            "-",
            "",
            "1e",
            "e5",
            "1e999",
            "1e-400",
            "0.1234567890123456789",
            "9007199254740993",
            "1.2.3",
            "0x10",
            "1,5",
            "-nan",
            "1e+-5",
            "00.1",
        ] {
            assert_eq!(float(text.as_bytes()), None, "{text}");
        }
        for (text, value) in [
            ("1.50", 1.5),
            (".5", 0.5),
            ("1.", 1.0),
            ("-0", -0.0),
            ("1e5", 1e5),
            ("0.10000000000000001", 0.1),
            ("0.000000000000000001234", 1.234e-18),
            ("0e0", 0.0),
            ("9007199254740992", 9_007_199_254_740_992.0),
            ("1.00000000000000000000000", 1.0),
            ("-inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(float(text.as_bytes()), Some(value), "{text}");
        }
        assert!(float(b"-0").is_some_and(f64::is_sign_negative));
        assert!(float(b"NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn timestamps_take_the_iso_forms() {
        let base = 1_357_034_400_000_000;
        for text in [
            "2013-01-01T10:00:00Z",
            "2013-01-01 10:00:00",
            "2013-01-01 10:00",
            "2013-01-01T10:00:00.000000",
            "2013-01-01T19:00:00+09:00",
            "2013-01-01 19:00:00+0900",
            "2013-01-01 19:00+09",
            "2013-01-01T05:00:00-05:00",
            "2013-01-01T10:00:00.000000000Z",
        ] {
            assert_eq!(timestamp(text.as_bytes()), Some(base), "{text}");
        }
        assert_eq!(timestamp(b"2013-01-01T10:00:00.5"), Some(base + 500_000));
        assert_eq!(timestamp(b"1970-01-01"), Some(0));
        for text in [
            "2013-02-29",
            "2013-13-01",
            "2013-01-01T24:00:00",
            "2013-01-01T10:00:60",
            "2013-01-01T10",
            "0000-01-01",
            "2013-01-01T10:00:00.0000001",
            "2013-01-01T10:00:00z",
            "2013-1-1",
            "20130101",
            "2013-01-01X10:00",
            "2013-01-01T10:00:00.",
            "2013-01-01T10:00:00+9",
            "2013-01-01T10:00:",
        ] {
            assert_eq!(timestamp(text.as_bytes()), None, "{text}");
        }
        assert_eq!(timestamp_lenient(b"2013-01-01T10:00:00.0000019"), Some(base + 1));
    }

    #[test]
    fn every_day_of_ten_millennia_counts_up() {
        let mut expected = date(b"0001-01-01").unwrap();
        assert_eq!(expected, -719_162);
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(days) = date(format!("{year:04}-{month:02}-{day:02}").as_bytes()) {
                        assert_eq!(days, expected);
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, date(b"9999-12-31").unwrap() + 1);
    }

    proptest! {
        #[test]
        fn integers_round_trip(value: i64) {
            prop_assert_eq!(int(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn a_text_is_an_integer_only_if_it_comes_back(text in "[-+0-9]{0,21}") {
            let oracle = text.parse::<i64>().ok().filter(|value| value.to_string() == text);
            prop_assert_eq!(int(text.as_bytes()), oracle);
        }

        #[test]
        fn floats_are_the_nearest(value: f64) {
            prop_assume!(value.is_finite());
            let text = format!("{value:?}");
            prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), Some(value.to_bits()), "{}", text);
        }

        #[test]
        fn short_decimals_are_the_nearest(text in "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{0,8})?") {
            let oracle: f64 = text.parse().unwrap();
            prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), Some(oracle.to_bits()));
        }
    }
}
