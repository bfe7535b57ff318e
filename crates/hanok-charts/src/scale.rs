//! From values to pixels, and the round values between.

use crate::number::{fixed, percent, scientific};
use crate::style::Language;
use crate::time;

/// Values beyond this are drawn at it, so that no difference overflows.
const LARGEST: f64 = 1e300;

/// How the values of an axis are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Decimal numbers.
    #[default]
    Number,
    /// Shares as percentages.
    Percent,
    /// Microseconds since 1970-01-01 UTC.
    Time,
}

/// A linear scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// Lowest and highest value.
    pub(crate) values: (f64, f64),
    /// Their pixels.
    pub(crate) pixels: (f64, f64),
}

impl Scale {
    /// A scale between two values and two pixels.
    pub(crate) fn new(values: (f64, f64), pixels: (f64, f64)) -> Self {
        Self { values, pixels }
    }

    /// The pixel of a value; the nearer end for one outside, the middle for one that is not a number.
    pub(crate) fn at(self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = if high > low { (value.clamp(low, high) - low) / (high - low) } else { 0.5 };
        let share = if share.is_nan() { 0.5 } else { share };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// The pixel of zero, or of the end that is nearest to it.
    pub(crate) fn zero(self) -> f64 {
        self.at(0.0)
    }

    /// About `count` round values within the scale, with their labels.
    pub(crate) fn ticks(self, count: f64, format: Format, language: Language) -> Vec<(f64, String)> {
        let (low, high) = self.values;
        match format {
            Format::Number => ticks(low, high, count),
            Format::Percent => {
                ticks(low, high, count).into_iter().map(|(value, _)| (value, percent(value))).collect()
            }
            Format::Time => time::ticks(low, high, count, language),
        }
    }
}

/// Lowest and highest finite value; `None` without any.
pub(crate) fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|value| value.is_finite()).fold(None, |extent, value| {
        let value = value.clamp(-LARGEST, LARGEST);
        Some(extent.map_or((value, value), |(low, high): (f64, f64)| (low.min(value), high.max(value))))
    })
}

/// The extent with a margin on both sides; a span around a single value; 0 to 1 around nothing.
pub(crate) fn padded(extent: Option<(f64, f64)>, margin: f64) -> (f64, f64) {
    let Some((low, high)) = extent else { return (0.0, 1.0) };
    let span = high - low;
    // Below this, differences drown in the rounding of the values themselves.
    let least = low.abs().max(high.abs()) * 1e-9;
    if span > least {
        return (low - span * margin, high + span * margin);
    }
    let half = if low == 0.0 && high == 0.0 { 1.0 } else { low.abs().max(high.abs()) * 0.5 };
    (low - half, high + half)
}

/// The extent widened to hold zero.
pub(crate) fn with_zero(extent: Option<(f64, f64)>) -> Option<(f64, f64)> {
    extent.map(|(low, high)| (low.min(0.0), high.max(0.0)))
}

/// Round values (1, 2 or 5 times a power of ten) from `low` to `high`, about `count` of them, with their labels.
pub(crate) fn ticks(low: f64, high: f64, count: f64) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return Vec::new();
    }
    let rough = span / count.clamp(1.0, 20.0);
    let mut exponent = rough.log10().floor() as i32;
    let unit = power(exponent);
    let mantissa = match rough / unit {
        share if share <= 1.0 => 1.0,
        share if share <= 2.0 => 2.0,
        share if share <= 5.0 => 5.0,
        _ => {
            exponent += 1;
            1.0
        }
    };
    let value = |index: f64| {
        // Division by a whole power keeps 3 × 0.1 at 0.3.
        if (-300..0).contains(&exponent) {
            index * mantissa / power(-exponent)
        } else {
            index * mantissa * power(exponent)
        }
    };
    let step = value(1.0);
    if step <= 0.0 || !step.is_finite() {
        return Vec::new();
    }
    let slack = span * 1e-9;
    let first = ((low - slack) / step).ceil();
    let values =
        (0..=60).map(|index| value(first + f64::from(index))).take_while(|value| *value <= high + slack);
    let values: Vec<f64> = values.collect();
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    values.into_iter().map(|value| (value, label(value, exponent, largest))).collect()
}

/// The label of a tick of which the steps have this power of ten.
fn label(value: f64, exponent: i32, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if exponent < -5 || largest >= 1e15 {
        return scientific(value);
    }
    let scaled = [(1e12, 12, "T"), (1e9, 9, "B"), (1e6, 6, "M")];
    let (divisor, digits, suffix) =
        scaled.into_iter().find(|(divisor, ..)| largest >= *divisor).unwrap_or((1.0, 0, ""));
    let decimals = (digits - exponent).max(0) as usize;
    if decimals > 5 {
        return scientific(value);
    }
    format!("{}{suffix}", fixed(value / divisor, decimals))
}

fn power(exponent: i32) -> f64 {
    10_f64.powi(exponent)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(low: f64, high: f64, count: f64) -> Vec<String> {
        ticks(low, high, count).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(0.0, 1.0, 5.0), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(-0.35, 0.31, 6.0), ["−0.2", "0", "0.2"]);
        assert_eq!(labels(0.0, 2_500_000.0, 5.0), ["0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"]);
        assert_eq!(labels(0.0, 3e-7, 3.0), ["0", "10⁻⁷", "2×10⁻⁷", "3×10⁻⁷"]);
        assert_eq!(labels(1200.0, 5600.0, 5.0), ["2,000", "3,000", "4,000", "5,000"]);
        assert_eq!(labels(1.0, 1.0, 5.0), [""; 0]);
        assert_eq!(labels(f64::NAN, 1.0, 5.0), [""; 0]);
    }

    #[test]
    fn extents_ignore_what_is_not_finite() {
        assert_eq!(extent([f64::NAN, 2.0, f64::INFINITY, -1.0]), Some((-1.0, 2.0)));
        assert_eq!(extent([f64::NAN]), None);
        assert_eq!(padded(None, 0.1), (0.0, 1.0));
        assert_eq!(padded(Some((3.0, 3.0)), 0.1), (1.5, 4.5));
        assert_eq!(padded(Some((0.0, 10.0)), 0.1), (-1.0, 11.0));
    }

    #[test]
    fn a_scale_is_finite_whatever_comes() {
        let scale = Scale::new((0.0, 10.0), (100.0, 200.0));
        let pixels = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5.0].map(|value| scale.at(value));
        assert_eq!(pixels, [150.0, 200.0, 100.0, 150.0]);
        assert_eq!(Scale::new((1.0, 1.0), (0.0, 8.0)).at(1.0), 4.0);
    }

    proptest! {
        #[test]
        fn ticks_lie_within_and_rise(low in prop::num::f64::NORMAL, span in 1e-12..1e12_f64, count in 1.0..12.0_f64) {
            let low = low.clamp(-1e300, 1e300);
            let high = low + span;
            let ticks = ticks(low, high, count);
            prop_assert!(ticks.len() <= 61);
            for pair in ticks.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0 || span < low.abs() * 1e-12);
            }
            // Beside a large number a small span is less than the distance of two floats.
            let slack = span * 1e-6 + low.abs() * 1e-12;
            for (value, _) in &ticks {
                prop_assert!(*value >= low - slack && *value <= high + slack);
            }
        }
    }
}
