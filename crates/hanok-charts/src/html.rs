//! Writes a chart as a page of its own: the drawing for wide and for narrow screens, and what one sees when pointing at
//! it. The page asks for nothing outside of itself and forbids itself to do so.

use crate::error::Result;
use crate::ink::{Ink, hex};
use crate::spec::Chart;
use crate::style::{Language, Style, Theme};
use crate::svg::{FONTS, escape, svg};

/// Below this width of the window the narrow drawing is shown.
const NARROW: f64 = 540.0;

/// Shows the titles of marks beside the pointer, at once and with several lines; works for any SVG of this crate in a
/// page. Without it browsers show the titles by themselves, after a while.
pub const HOVER_SCRIPT: &str = include_str!("hover.js");

/// The style of what [`HOVER_SCRIPT`] shows.
pub const HOVER_STYLE: &str = ".hk-tip{position:fixed;z-index:9;max-width:22em;padding:.4em .6em;border:1px solid #5b6370;border-radius:4px;\
    background:#1d2129;color:#fff;font-size:13px;line-height:1.4;white-space:pre-line;overflow-wrap:anywhere;\
    pointer-events:none;display:none}";

/// What a browser must compute from [`HOVER_SCRIPT`] before it runs it: base64 of its SHA-256.
const HOVER_HASH: &str = "JANEG7UKo6/UAqFIDiUQdOB/bW11wAktobr97HeJDxw=";

/// The chart as a page of HTML.
///
/// # Errors
/// When lists of the specification do not fit together.
pub fn html(chart: &Chart, style: &Style) -> Result<String> {
    let wide = svg(chart, style)?;
    let narrow =
        if style.pixels() > NARROW { Some(svg(chart, &Style { width: 360.0, ..*style })?) } else { None };
    let (drawings, switch) = match narrow {
        Some(narrow) => (
            format!("<div class=\"wide\">\n{wide}</div>\n<div class=\"narrow\">\n{narrow}</div>\n"),
            format!(
                ".narrow{{display:none}}@media (max-width:{NARROW}px){{.wide{{display:none}}.narrow{{display:block}}}}"
            ),
        ),
        None => (wide, String::new()),
    };
    Ok(document(&chart.title, style, &switch, &format!("<main>\n{drawings}</main>\n")))
}

/// A page of HTML around drawings and markup of the caller's: `css` is added to its style sheet, `body` is taken as it is.
pub fn document(title: &str, style: &Style, css: &str, body: &str) -> String {
    let language = match style.language {
        Language::En => "en",
        Language::Ko => "ko",
    };
    let scheme = match style.theme {
        Theme::Auto => "light dark",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let surface = by_theme(style.theme, |dark| format!("body{{background:{}}}", hex(Ink::Surface.rgb(dark))));
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'sha256-{HOVER_HASH}'\">\n\
         <meta name=\"color-scheme\" content=\"{scheme}\">\n<title>{title}</title>\n\
         <style>body{{margin:0;font-family:{FONTS}}}svg{{display:block;max-width:100%;height:auto;margin:0 auto}}\
         {surface}{css}{HOVER_STYLE}</style>\n</head>\n<body>\n{body}\
         <script>{HOVER_SCRIPT}</script>\n</body>\n</html>\n",
        title = escaped(title),
    )
}

/// The charts' colours as custom properties of CSS (`--hk-text`, `--hk-series1`, …), for markup around drawings.
pub fn colours(theme: Theme) -> String {
    let named = [
        Ink::Surface,
        Ink::Text,
        Ink::Muted,
        Ink::Axis,
        Ink::Grid,
        Ink::Raise,
        Ink::Lower,
        Ink::RaiseText,
        Ink::LowerText,
        Ink::Missing,
    ];
    let inks: Vec<Ink> = named.into_iter().chain((0..6).map(Ink::Series)).collect();
    by_theme(theme, |dark| {
        let one = |ink: &Ink| format!("--hk-{}:{}", ink.class(), hex(ink.rgb(dark)));
        format!(":root{{{}}}", inks.iter().map(one).collect::<Vec<_>>().join(";"))
    })
}

/// A text as it can stand in HTML and XML, also between double quotes: cleaned of what these cannot carry, and escaped.
pub fn escaped(text: &str) -> String {
    escape(&crate::text::clean(text))
}

/// Rules for the theme's surfaces: of a dark one, or of both by what the reader's system asks for.
fn by_theme(theme: Theme, rules: impl Fn(bool) -> String) -> String {
    match theme {
        Theme::Auto => {
            format!("{}@media screen and (prefers-color-scheme:dark){{{}}}", rules(false), rules(true))
        }
        Theme::Light => rules(false),
        Theme::Dark => rules(true),
    }
}
