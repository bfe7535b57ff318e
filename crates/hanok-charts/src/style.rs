//! How a chart is drawn, apart from what it shows.

use serde::Deserialize;

/// Size, colours and language of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Style {
    /// Width in CSS pixels, kept within 280 to 4,000. The height follows from the content.
    pub width: f64,
    /// Colours.
    pub theme: Theme,
    /// Language of what the chart itself says; names and titles come as they are given.
    pub language: Language,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 720.0, theme: Theme::Auto, language: Language::En }
    }
}

impl Style {
    /// The width in whole pixels, within its limits.
    pub(crate) fn pixels(self) -> f64 {
        if self.width.is_finite() { self.width.round().clamp(280.0, 4000.0) } else { Self::default().width }
    }

    /// Size of ordinary text in pixels: 12 on a phone, 13 in a report, 17 on a slide.
    pub(crate) fn em(self) -> f64 {
        let share = |from: f64, to: f64| ((self.pixels() - from) / (to - from)).clamp(0.0, 1.0);
        let em = 12.0 + share(360.0, 720.0) + 4.0 * share(720.0, 1280.0);
        (em * 2.0).round() / 2.0
    }
}

/// Colours for a light or a dark surface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the reader's system asks for (`prefers-color-scheme`); light in print and in PNG.
    #[default]
    Auto,
    /// Dark text on a light surface.
    Light,
    /// Light text on a dark surface.
    Dark,
}

/// Language of captions and legends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}
