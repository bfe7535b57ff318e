//! Colours by what they mean, each with a light and a dark value.
//!
//! Red raises and blue lowers, as users of shap know it; the pair stays apart for every kind of colour blindness, and
//! no chart says anything by colour alone. Series take the Okabe–Ito order, darkened for white and lightened for black.

/// Steps of a ramp.
pub(crate) const STEPS: u8 = 24;

/// What a mark or a text is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ink {
    /// The surface below everything.
    Surface,
    /// Ordinary text.
    Text,
    /// Text of second rank: ticks, captions.
    Muted,
    /// Axes.
    Axis,
    /// Lines of the grid, and empty cells.
    Grid,
    /// Raises a prediction.
    Raise,
    /// Lowers a prediction.
    Lower,
    /// Text about what raises.
    RaiseText,
    /// Text about what lowers.
    LowerText,
    /// Something that is missing.
    Missing,
    /// One of several series, by its place.
    Series(u8),
    /// A feature's value from low (0) to high ([`STEPS`]).
    Value(u8),
    /// From lowering (0) over nothing to raising ([`STEPS`]).
    Diverging(u8),
    /// From nothing (0) to the most ([`STEPS`]).
    Sequential(u8),
}

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

const SERIES: [(u32, u32); 6] = [
    (0x4a_6fa5, 0x86_aee0),
    (0xd9_6b0b, 0xf5_9a4c),
    (0x0b_8a6a, 0x3f_c79f),
    (0xa6_4d8f, 0xd9_8cc6),
    (0x8f_7400, 0xd8_bd4a),
    (0x5f_6b78, 0xa7_b2be),
];

impl Ink {
    /// The ink of a ramp at a share of 0 to 1; [`Ink::Missing`] for what is not a number.
    pub(crate) fn ramp(of: fn(u8) -> Self, share: f64) -> Self {
        if share.is_nan() {
            Self::Missing
        } else {
            of((share.clamp(0.0, 1.0) * f64::from(STEPS)).round() as u8)
        }
    }

    /// The ink of what raises or lowers.
    pub(crate) fn effect(value: f64) -> Self {
        if value < 0.0 { Self::Lower } else { Self::Raise }
    }

    /// The ink of a text about what raises or lowers.
    pub(crate) fn effect_text(value: f64) -> Self {
        if value < 0.0 { Self::LowerText } else { Self::RaiseText }
    }

    /// A text that can be read on this ink.
    pub(crate) fn text_on(self) -> Self {
        match self {
            Self::Sequential(step) if step * 3 > STEPS * 2 => Self::Surface,
            _ => Self::Text,
        }
    }

    /// The colour on a light or a dark surface.
    pub(crate) fn rgb(self, dark: bool) -> Rgb {
        let pair = |light: u32, at_night: u32| rgb(if dark { at_night } else { light });
        match self {
            Self::Surface => pair(0xff_ffff, 0x16_181d),
            Self::Text => pair(0x1d_2129, 0xe9_ebef),
            Self::Muted => pair(0x5b_6370, 0xa6_aeba),
            Self::Axis => pair(0x8a_929e, 0x7a_828f),
            Self::Grid => pair(0xe4_e7eb, 0x2d_323a),
            Self::Raise => pair(0xd8_2c4c, 0xff_6b81),
            Self::Lower => pair(0x1f_6fd0, 0x58_a6ff),
            Self::RaiseText => pair(0xb8_1b3a, 0xff_8a9b),
            Self::LowerText => pair(0x15_5ab0, 0x7c_bbff),
            Self::Missing => pair(0xa3_a9b3, 0x6c_7480),
            Self::Series(place) => {
                let (light, at_night) = SERIES[usize::from(place) % SERIES.len()];
                pair(light, at_night)
            }
            Self::Value(step) => {
                let stops =
                    if dark { [0x4d_9dff, 0xc0_9be8, 0xff_5c77] } else { [0x12_66d4, 0x9a_5fc0, 0xe5_1f45] };
                blend(&stops, step)
            }
            Self::Diverging(step) => {
                let stops = if dark {
                    [0x6b_b3ff, 0x2f_6fb8, 0x23_272e, 0xb8_3c52, 0xff_8094]
                } else {
                    [0x0d_4f9e, 0x7f_b2ea, 0xf4_f5f7, 0xf2_95a3, 0xb0_1235]
                };
                blend(&stops, step)
            }
            Self::Sequential(step) => {
                let stops =
                    if dark { [0x20_252d, 0x35_5f93, 0xa5_d4ff] } else { [0xf1_f4f8, 0x86_b4e4, 0x0b_3f83] };
                blend(&stops, step)
            }
        }
    }

    /// The name of its CSS class, the same in every chart, so that several charts can share a page.
    pub(crate) fn class(self) -> String {
        match self {
            Self::Series(place) => format!("series{}", usize::from(place) % SERIES.len()),
            Self::Value(step) => format!("value{step}"),
            Self::Diverging(step) => format!("diverging{step}"),
            Self::Sequential(step) => format!("sequential{step}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }
}

/// `#rrggbb`.
pub(crate) fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn rgb(value: u32) -> Rgb {
    [(value >> 16) as u8, (value >> 8) as u8, value as u8]
}

/// A step between stops at equal distances.
fn blend(stops: &[u32], step: u8) -> Rgb {
    let parts = u32::from(STEPS);
    let at = u32::from(step.min(STEPS)) * (stops.len() as u32 - 1);
    let index = (at / parts) as usize;
    let (from, to) = (rgb(stops[index]), rgb(stops[(index + 1).min(stops.len() - 1)]));
    let share = at % parts;
    std::array::from_fn(|i| ((u32::from(from[i]) * (parts - share) + u32::from(to[i]) * share) / parts) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast by WCAG 2.
    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let linear = |value: u8| {
            let share = f64::from(value) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let light = |c: Rgb| 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_marks_stand_out_from_the_surface() {
        for dark in [false, true] {
            let surface = Ink::Surface.rgb(dark);
            for ink in [Ink::Text, Ink::Muted, Ink::RaiseText, Ink::LowerText] {
                assert!(contrast(ink.rgb(dark), surface) >= 4.5, "{ink:?} {dark}");
            }
            let marks =
                (0..6).map(Ink::Series).chain((0..=STEPS).map(Ink::Value)).chain([Ink::Raise, Ink::Lower]);
            for ink in marks.chain([Ink::Axis]) {
                assert!(contrast(ink.rgb(dark), surface) >= 3.0, "{ink:?} {dark}");
            }
            for ink in (0..=STEPS).map(Ink::Sequential) {
                let text = ink.text_on().rgb(dark);
                assert!(contrast(ink.rgb(dark), text) >= 3.0, "{ink:?} {dark}");
            }
        }
    }

    #[test]
    fn red_and_blue_stay_apart_without_red_or_green_receptors() {
        // Viénot, Brettel and Mollon (1999): protan and deutan sight keep blue against yellow.
        for dark in [false, true] {
            let yellowness = |ink: Ink| {
                let [red, green, blue] = ink.rgb(dark).map(i32::from);
                i32::midpoint(red, green) - blue
            };
            assert!(yellowness(Ink::Raise) - yellowness(Ink::Lower) > 80);
            assert!(yellowness(Ink::Value(STEPS)) - yellowness(Ink::Value(0)) > 80);
        }
    }
}
