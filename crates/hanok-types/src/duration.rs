//! Durations such as `90s`, `15m`, `3h`, `7d`, `2w`.

const UNITS: [(char, i64); 5] = [
    ('w', 604_800_000_000),
    ('d', 86_400_000_000),
    ('h', 3_600_000_000),
    ('m', 60_000_000),
    ('s', 1_000_000),
];

/// Parses a duration into microseconds. Parts add up: `1d12h`. A bare `0` is zero.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("`{text}` is not a duration such as 90s, 15m, 3h, 7d or 1d12h");
    let text = text.trim();
    if text == "0" {
        return Ok(0);
    }
    let (mut total, mut digits) = (0i64, String::new());
    if text.is_empty() {
        return Err(invalid());
    }
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit = UNITS.iter().find(|(name, _)| *name == character).ok_or_else(invalid)?.1;
        let count: i64 = digits.parse().map_err(|_| invalid())?;
        total = count.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
        digits.clear();
    }
    if digits.is_empty() { Ok(total) } else { Err(invalid()) }
}

/// The shortest text that [`parse_duration`] reads back; parts below a second are cut.
pub fn format_duration(duration_us: i64) -> String {
    let mut rest = duration_us;
    let mut text = String::new();
    for (name, unit) in UNITS {
        if rest >= unit {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_nonsense_is_refused() {
        assert_eq!(parse_duration("3d"), Ok(3 * 86_400_000_000));
        assert_eq!(parse_duration("1d12h"), Ok(129_600_000_000));
        assert_eq!(parse_duration("0"), Ok(0));
        for wrong in ["", "d", "3", "3x", "-1d", "99999999999999w", "1 d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        for text in ["3d", "1w2d3h4m5s", "90s"] {
            let us = parse_duration(text).unwrap();
            assert_eq!(parse_duration(&format_duration(us)), Ok(us));
        }
    }
}
