//! Numbers as people read them: a true minus sign, thousands separators, no more digits than matter.

/// Beyond these a number is written with a power of ten.
const PLAIN: std::ops::Range<f64> = 1e-4..1e12;

/// A number with three significant digits, more for whole thousands: `0.0123`, `1.5`, `12,346`, `−3`, `1.2×10⁻⁷`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !PLAIN.contains(&size) {
        return scientific(value);
    }
    let decimals = (2.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
    strip(fixed(value, decimals))
}

/// A measurement with so many significant digits, zeros at its end included: `2.40`, `0.360`.
pub(crate) fn figure(value: f64, digits: i32) -> String {
    let size = value.abs();
    if !PLAIN.contains(&size) {
        return number(value);
    }
    // What rounds up to the next power of ten has a digit more before the point.
    let power = (size * (1.0 + 0.5 * 10_f64.powi(-digits))).log10().floor() as i32;
    fixed(value, (digits - 1 - power).clamp(0, 6) as usize)
}

/// A contribution: three significant digits, with a plus sign before what is greater than zero.
pub(crate) fn signed(value: f64) -> String {
    let text = figure(value, 3);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A share to a tenth of a percent: `17.0%`.
pub(crate) fn percent_figure(share: f64) -> String {
    if (0.0005..100.0).contains(&share.abs()) {
        format!("{}%", fixed(share * 100.0, 1))
    } else {
        percent(share)
    }
}

/// A share as a percentage: `12%`, `0.4%`, `<0.1%`.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return not_finite(share).to_owned();
    }
    let percent = share * 100.0;
    match percent.abs() {
        0.0 => "0%".to_owned(),
        size if size < 0.1 && percent > 0.0 => "<0.1%".to_owned(),
        size if size < 9.95 => format!("{}%", strip(fixed(percent, 1))),
        size if size < 1e6 => format!("{}%", fixed(percent, 0)),
        _ => format!("{}%", number(percent)),
    }
}

/// A whole number: `1,234,567`.
pub fn count(value: usize) -> String {
    separated(&value.to_string())
}

/// With so many decimals, thousands separated.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    format!("{sign}{}{rest}", separated(whole))
}

/// `1.2×10⁻⁷`.
pub(crate) fn scientific(value: f64) -> String {
    let text = format!("{:.1e}", value.abs());
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let sign = if value < 0.0 { "−" } else { "" };
    let power: String = exponent.chars().map(superscript).collect();
    let mantissa = mantissa.strip_suffix(".0").unwrap_or(mantissa);
    if mantissa == "1" { format!("{sign}10{power}") } else { format!("{sign}{mantissa}×10{power}") }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        _ => c.to_digit(10).and_then(|digit| char::from_u32(0x2070 + digit)).unwrap_or(c),
    }
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "–"
    } else if value > 0.0 {
        "∞"
    } else {
        "−∞"
    }
}

fn separated(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Without zeros at the end of the decimals.
fn strip(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.5, "1.5"),
            (-3.0, "−3"),
            (0.012_345, "0.0123"),
            (12_345.678, "12,346"),
            (1_234_567.0, "1,234,567"),
            (1.2e-7, "1.2×10⁻⁷"),
            (-1e300, "−10³⁰⁰"),
            (5e-324, "4.9×10⁻³²⁴"),
            (f64::NAN, "–"),
            (f64::NEG_INFINITY, "−∞"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(signed(0.25), "+0.250");
        assert_eq!(signed(-2.996), "−3.00");
        assert_eq!([figure(9.996, 3), figure(0.0123, 2), percent_figure(0.17)], ["10.0", "0.012", "17.0%"]);
        assert_eq!(signed(0.0), "0");
        assert_eq!(fixed(-0.001, 1), "0.0");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(
            [percent(0.0004), percent(0.123), percent(0.05), percent(1.0)],
            ["<0.1%", "12%", "5%", "100%"]
        );
    }
}
