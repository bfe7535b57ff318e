//! Writes a scene as SVG.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::error::Result;
use crate::ink::{Ink, hex};
use crate::page;
use crate::scene::{Anchor, Item, Label, Mark, Point, Scene, Shape};
use crate::spec::Chart;
use crate::style::{Language, Style, Theme};

/// Latin and Hangul in the faces that systems have.
pub(crate) const FONTS: &str = "Inter, 'Noto Sans', 'Noto Sans KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', \
                                'Malgun Gothic', 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Nanum Gothic', sans-serif";

/// The chart as an SVG document without references to anything outside of it.
///
/// # Errors
/// When lists of the specification do not fit together.
pub fn svg(chart: &Chart, style: &Style) -> Result<String> {
    let scene = page::draw(chart, style)?;
    Ok(write(&scene, chart, style))
}

/// The document of a scene.
pub(crate) fn write(scene: &Scene, chart: &Chart, style: &Style) -> String {
    let mut paint = Paint { theme: style.theme, used: BTreeSet::new() };
    let mut body = String::new();
    for item in &scene.items {
        match item {
            Item::Mark(mark) => write_mark(&mut body, mark, &mut paint),
            Item::Label(label) => write_label(&mut body, label, &mut paint),
        }
    }
    let language = match style.language {
        Language::En => "en",
        Language::Ko => "ko",
    };
    let (width, height) = (short(scene.width), short(scene.height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" lang=\"{language}\" font-family=\"{FONTS}\">\n"
    );
    let _ = writeln!(out, "<title>{}</title>", escape(&crate::text::clean(&chart.title)));
    let _ = writeln!(out, "<desc>{}</desc>", escape(&crate::text::clean(&chart.description(style.language))));
    out += &paint.style_sheet();
    out += &body;
    out += "</svg>\n";
    out
}

/// Colours: attributes when the theme is fixed, classes with a style sheet when the reader's system chooses.
struct Paint {
    theme: Theme,
    used: BTreeSet<(bool, Ink)>,
}

impl Paint {
    fn fill(&mut self, ink: Ink) -> String {
        self.attribute(ink, false)
    }

    fn line(&mut self, ink: Ink) -> String {
        self.attribute(ink, true)
    }

    fn attribute(&mut self, ink: Ink, is_line: bool) -> String {
        let property = if is_line { "stroke" } else { "fill" };
        match self.theme {
            Theme::Light => format!("{property}=\"{}\"", hex(ink.rgb(false))),
            Theme::Dark => format!("{property}=\"{}\"", hex(ink.rgb(true))),
            Theme::Auto => {
                self.used.insert((is_line, ink));
                format!("class=\"hk-{property}-{}\"", ink.class())
            }
        }
    }

    fn style_sheet(&self) -> String {
        if self.used.is_empty() {
            return String::new();
        }
        let rules = |dark: bool| -> String {
            let rule = |(is_line, ink): &(bool, Ink)| {
                let property = if *is_line { "stroke" } else { "fill" };
                format!(".hk-{property}-{}{{{property}:{}}}", ink.class(), hex(ink.rgb(dark)))
            };
            self.used.iter().map(rule).collect()
        };
        format!(
            "<style>{}@media screen and (prefers-color-scheme:dark){{{}}}</style>\n",
            rules(false),
            rules(true)
        )
    }
}

fn write_mark(out: &mut String, mark: &Mark, paint: &mut Paint) {
    let (element, attributes) = match &mark.shape {
        Shape::Rect(rect) => {
            let (x, y, w, h) = (short(rect.x), short(rect.y), short(rect.w), short(rect.h));
            ("rect", format!("x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" {}", paint.fill(mark.ink)))
        }
        Shape::Hair(from, to) => {
            let aligned = |value: f64| short(value.floor() + 0.5);
            let (x1, y1, x2, y2) = if (from.0 - to.0).abs() < 0.5 {
                (aligned(from.0), short(from.1), aligned(from.0), short(to.1))
            } else {
                (short(from.0), aligned(from.1), short(to.0), aligned(from.1))
            };
            ("path", format!("d=\"M{x1} {y1}L{x2} {y2}\" {}", paint.line(mark.ink)))
        }
        Shape::Line(points) => {
            let line = "fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\"";
            let width = short(mark.stroke);
            (
                "path",
                format!("d=\"{}\" {line} stroke-width=\"{width}\" {}", path(points), paint.line(mark.ink)),
            )
        }
        Shape::Area(points) => ("path", format!("d=\"{}Z\" {}", path(points), paint.fill(mark.ink))),
        Shape::Dots(radius, points) if points.len() == 1 => {
            let (x, y, r) = (short(points[0].0), short(points[0].1), short(*radius));
            ("circle", format!("cx=\"{x}\" cy=\"{y}\" r=\"{r}\" {}", paint.fill(mark.ink)))
        }
        // A line of no length with round ends is a dot: a tenth of the bytes of circles.
        Shape::Dots(radius, points) => {
            let mut d = String::new();
            for (x, y) in points {
                let _ = write!(d, "M{} {}h0", short(*x), short(*y));
            }
            let width = short(radius * 2.0);
            let line = "fill=\"none\" stroke-linecap=\"round\"";
            ("path", format!("d=\"{d}\" {line} stroke-width=\"{width}\" {}", paint.line(mark.ink)))
        }
    };
    let _ = write!(out, "<{element} {attributes}");
    if mark.dash > 0.0 {
        let _ = write!(out, " stroke-dasharray=\"{}\"", short(mark.dash));
    }
    if mark.opacity <= 0.0 {
        // Invisible, yet something to point at.
        out.push_str(" opacity=\"0\" pointer-events=\"all\"");
    } else if mark.opacity < 1.0 {
        let _ = write!(out, " opacity=\"{}\"", short(mark.opacity));
    }
    close(out, element, &mark.tip);
}

fn write_label(out: &mut String, label: &Label, paint: &mut Paint) {
    let (x, y) = (short(label.at.0), short(label.at.1));
    let _ = write!(
        out,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" {}",
        short(label.size),
        paint.fill(label.ink)
    );
    match label.anchor {
        Anchor::Start => {}
        Anchor::Middle => out.push_str(" text-anchor=\"middle\""),
        Anchor::End => out.push_str(" text-anchor=\"end\""),
    }
    if label.bold {
        out.push_str(" font-weight=\"bold\"");
    }
    out.push('>');
    if !label.tip.is_empty() {
        let _ = write!(out, "<title>{}</title>", escape(&label.tip));
    }
    out.push_str(&escape(&label.text));
    out.push_str("</text>\n");
}

fn close(out: &mut String, element: &str, tip: &str) {
    if tip.is_empty() {
        out.push_str("/>\n");
    } else {
        let _ = writeln!(out, "><title>{}</title></{element}>", escape(tip));
    }
}

fn path(points: &[Point]) -> String {
    let mut d = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let _ = write!(d, "{}{} {}", if index == 0 { "M" } else { "L" }, short(*x), short(*y));
    }
    d
}

/// At most one decimal, two below ten: a twentieth of a pixel is less than any screen shows.
fn short(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{:.*}", if value.abs() < 2.0 { 2 } else { 1 }, value);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text for the content of an element or an attribute in double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
