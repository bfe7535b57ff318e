//! Writes a chart as a page of its own: the drawing for wide and for narrow screens, and what one sees when pointing at
//! it. The page asks for nothing outside of itself and forbids itself to do so.

use crate::error::Result;
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
    let language = match style.language {
        Language::En => "en",
        Language::Ko => "ko",
    };
    let scheme = match style.theme {
        Theme::Auto => "light dark",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let hex = |dark: bool| crate::ink::hex(crate::ink::Ink::Surface.rgb(dark));
    let surface = match style.theme {
        Theme::Auto => format!(
            "body{{background:{}}}@media screen and (prefers-color-scheme:dark){{body{{background:{}}}}}",
            hex(false),
            hex(true)
        ),
        Theme::Light => format!("body{{background:{}}}", hex(false)),
        Theme::Dark => format!("body{{background:{}}}", hex(true)),
    };
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
    Ok(format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'sha256-{HOVER_HASH}'\">\n\
         <meta name=\"color-scheme\" content=\"{scheme}\">\n<title>{title}</title>\n\
         <style>body{{margin:0;font-family:{FONTS}}}svg{{display:block;max-width:100%;height:auto;margin:0 auto}}\
         {surface}{switch}{HOVER_STYLE}</style>\n</head>\n<body>\n<main>\n{drawings}</main>\n\
         <script>{HOVER_SCRIPT}</script>\n</body>\n</html>\n",
        title = escape(&crate::text::clean(&chart.title)),
    ))
}
