//! Numbers as people read them.

use hanok_charts::number;
use hanok_drift::Kind;

/// `p` to three decimals.
pub(crate) fn probability(p: f64) -> String {
    if p < 0.001 { "&lt; 0.001".to_owned() } else { format!("{p:.3}") }
}

/// With its sign.
pub(crate) fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}

/// A whole number.
pub(crate) fn count(value: u64) -> String {
    hanok_charts::count(usize::try_from(value).unwrap_or(usize::MAX))
}

/// A share as a percentage to two or three figures: `12.3%`, `0.42%`.
pub(crate) fn share(share: f64) -> String {
    if share != 0.0 && share.abs() < 0.001 && share.is_finite() {
        return format!("{}%", number(share * 100.0));
    }
    if share.is_finite() { format!("{}%", number((share * 1000.0).round() / 10.0)) } else { number(share) }
}

/// Bytes in powers of 1,024.
pub(crate) fn bytes(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, "B");
    for larger in ["KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            break;
        }
        (size, unit) = (size / 1024.0, larger);
    }
    format!("{} {unit}", number(size))
}

/// A number of a column: of times a moment.
pub(crate) fn value(value: f64, kind: Kind, is_clock: bool) -> String {
    match kind {
        Kind::Times if is_clock => clock(value),
        Kind::Times => moment(value),
        _ => number(value),
    }
}

/// Seconds since 1970 as a date, with its time unless it is midnight.
pub(crate) fn moment(seconds: f64) -> String {
    // Beyond the microseconds that a moment is counted in.
    if seconds.abs() < 9e12 { hanok_charts::moment(seconds * 1e6) } else { number(seconds) }
}

/// Seconds since midnight.
fn clock(seconds: f64) -> String {
    if !(0.0..=172_800.0).contains(&seconds) {
        return number(seconds);
    }
    let whole = seconds as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if rest == 0 { format!("{hours:02}:{minutes:02}") } else { format!("{hours:02}:{minutes:02}:{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_and_times_of_day() {
        let cases = [
            (0.0, "1970-01-01"),
            (951_782_400.0, "2000-02-29"),
            (1_373_630_401.9, "2013-07-12 12:00:01"),
            (-86_400.0, "1969-12-31"),
            (1e300, "10³⁰⁰"),
            (f64::NAN, "–"),
        ];
        for (seconds, text) in cases {
            assert_eq!(moment(seconds), text);
        }
        assert_eq!(value(3600.0, Kind::Times, true), "01:00");
        assert_eq!(value(-5.0, Kind::Times, true), "−5");
    }

    #[test]
    fn shares_and_probabilities_keep_what_matters() {
        assert_eq!(
            [share(0.123_45), share(0.0), share(1.0), share(0.000_123)],
            ["12.3%", "0%", "100%", "0.0123%"]
        );
        assert_eq!(
            [probability(0.0004), probability(0.05), probability(1.0)],
            ["&lt; 0.001", "0.050", "1.000"]
        );
        assert_eq!([bytes(900), bytes(1536), bytes(5 << 20)], ["900 B", "1.5 KiB", "5 MiB"]);
        assert_eq!([signed(0.5), signed(-0.5), signed(0.0)], ["+0.5", "−0.5", "0"]);
    }
}
