//! Pieces of JSON, written straight to bytes.

/// Appends `text` with quotes. The bytes must be UTF-8, which the store and the parser have checked.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut clean = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[clean..at]);
        clean = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
    }
    out.extend_from_slice(&text[clean..]);
    out.push(b'"');
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends bytes as a base64 string (RFC 4648, with padding) with quotes.
pub(crate) fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for part in bytes.chunks(3) {
        let word =
            part.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for digit in 0..4 {
            let index = (word >> (18 - 6 * digit) & 63) as usize;
            out.push(if digit <= part.len() { BASE64[index] } else { b'=' });
        }
    }
    out.push(b'"');
}

/// Decodes base64 (RFC 4648, with padding); `None` when it is not.
pub(crate) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let groups = text.len() / 4;
    for (group, digits) in text.chunks_exact(4).enumerate() {
        let padding = digits.iter().rev().take_while(|digit| **digit == b'=').count();
        if padding > 2 || (padding > 0 && group + 1 != groups) {
            return None;
        }
        let mut word = 0u32;
        for digit in &digits[..4 - padding] {
            word = word << 6 | BASE64.iter().position(|known| known == digit)? as u32;
        }
        word <<= 6 * padding;
        out.extend_from_slice(&word.to_be_bytes()[1..4 - padding]);
    }
    Some(out)
}

/// `"1970-01-01T00:00:00Z"`, the timestamp of what has none.
pub(crate) const EPOCH: &[u8] = b"\"1970-01-01T00:00:00Z\"";

/// Appends an instant as protobuf's JSON does, with quotes: 0, 3 or 6 digits of fraction and `Z`.
///
/// The civil date is after Howard Hinnant's `civil_from_days`. Years outside 0001 to 9999, which no timestamp on the
/// wire may have, are held at the ends.
pub(crate) fn push_timestamp(out: &mut Vec<u8>, micros: i64) {
    const FIRST_US: i64 = -62_135_596_800_000_000;
    const LAST_US: i64 = 253_402_300_799_999_999;
    let micros = micros.clamp(FIRST_US, LAST_US);
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) as u32);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097) as u32;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = (i64::from(year_of_era) + era * 400) as u32 + u32::from(month <= 2);
    let mut text = *b"\"0000-00-00T00:00:00";
    two(&mut text[1..3], year / 100);
    two(&mut text[3..5], year % 100);
    two(&mut text[6..8], month);
    two(&mut text[9..11], day);
    two(&mut text[12..14], second / 3_600);
    two(&mut text[15..17], second / 60 % 60);
    two(&mut text[18..20], second % 60);
    out.extend_from_slice(&text);
    if fraction != 0 {
        let (digits, count) =
            if fraction.is_multiple_of(1_000) { (fraction / 1_000, 3) } else { (fraction, 6) };
        let mut text = *b".000000";
        let mut rest = digits;
        for digit in text[1..=count].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&text[..=count]);
    }
    out.extend_from_slice(b"Z\"");
}

fn two(out: &mut [u8], value: u32) {
    out[0] = b'0' + (value / 10 % 10) as u8;
    out[1] = b'0' + (value % 10) as u8;
}

/// Appends a float; those that JSON lacks become strings, as in protobuf's JSON.
macro_rules! push_float {
    ($name:ident, $float:ty) => {
        pub(crate) fn $name(out: &mut Vec<u8>, value: $float) {
            if value.is_finite() {
                out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
            } else if value.is_nan() {
                out.extend_from_slice(b"\"NaN\"");
            } else if value > 0.0 {
                out.extend_from_slice(b"\"Infinity\"");
            } else {
                out.extend_from_slice(b"\"-Infinity\"");
            }
        }
    };
}

push_float!(push_f32, f32);
push_float!(push_f64, f64);

/// Appends a float, or null for those that JSON lacks.
pub(crate) fn push_number(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() { push_f64(out, value) } else { out.extend_from_slice(b"null") }
}

/// Appends a list with its brackets.
pub(crate) fn push_list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut push: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push(out, item);
    }
    out.push(b']');
}

/// Appends an integer.
pub(crate) fn push_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn timestamps_have_0_3_or_6_digits() {
        let stamp = |micros| text(|out| push_timestamp(out, micros));
        assert_eq!(stamp(0), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(stamp(0).as_bytes(), EPOCH);
        assert_eq!(stamp(1_795_305_600_000_000), "\"2026-11-22T00:00:00Z\"");
        assert_eq!(stamp(1_795_305_600_120_000), "\"2026-11-22T00:00:00.120Z\"");
        assert_eq!(stamp(1_795_305_600_000_001), "\"2026-11-22T00:00:00.000001Z\"");
        assert_eq!(stamp(951_782_399_999_999), "\"2000-02-28T23:59:59.999999Z\"");
        assert_eq!(stamp(951_782_400_000_000), "\"2000-02-29T00:00:00Z\"");
        assert_eq!(stamp(-1), "\"1969-12-31T23:59:59.999999Z\"");
        assert_eq!(stamp(i64::MIN), "\"0001-01-01T00:00:00Z\"");
        assert_eq!(stamp(i64::MAX), "\"9999-12-31T23:59:59.999999Z\"");
    }

    #[test]
    fn floats_are_short_and_the_odd_ones_are_strings() {
        assert_eq!(text(|out| push_f32(out, 0.229)), "0.229");
        assert_eq!(text(|out| push_f64(out, f64::NAN)), "\"NaN\"");
        assert_eq!(text(|out| push_f64(out, f64::INFINITY)), "\"Infinity\"");
        assert_eq!(text(|out| push_f32(out, f32::NEG_INFINITY)), "\"-Infinity\"");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(text(|out| push_base64(out, bytes.as_bytes())), format!("\"{expected}\""));
            assert_eq!(base64_bytes(expected).unwrap(), bytes.as_bytes());
        }
        for bad in ["Z", "Zg=", "Zg==Zg==", "====", "Z===", "Z g="] {
            assert_eq!(base64_bytes(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn strings_read_back(value: String) {
            let json = text(|out| push_text(out, value.as_bytes()));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
        }

        #[test]
        fn floats_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            let json = text(|out| push_f64(out, value));
            if value.is_finite() {
                prop_assert_eq!(json.parse::<f64>().unwrap().to_bits(), bits);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
            }
        }

        #[test]
        fn base64_reads_back(bytes: Vec<u8>) {
            let json = text(|out| push_base64(out, &bytes));
            prop_assert_eq!(base64_bytes(json.trim_matches('"')).unwrap(), bytes);
        }
    }
}
