//! Writes a scene as PNG.

use std::collections::BTreeSet;
use std::io::Write as _;

use ttf_parser::OutlineBuilder;

use crate::error::{ChartError, Result};
use crate::faces::{Faces, Fonts};
use crate::page;
use crate::raster::{Canvas, circle, dashes, stroke};
use crate::scene::{Anchor, Item, Label, Mark, Point, Rect, Shape};
use crate::spec::Chart;
use crate::style::{Style, Theme};
use crate::text;

/// The most that a picture may have.
const PIXELS_MAX: u64 = 100_000_000;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Png {
    /// The file.
    pub bytes: Vec<u8>,
    /// Letters that no font has; each is drawn as an empty box.
    pub missing: BTreeSet<char>,
}

/// The chart as a PNG file with `ratio` pixels a CSS pixel (kept within 0.25 to 8). [`Theme::Auto`] is light.
///
/// # Errors
/// When lists of the specification do not fit together, a font cannot be read or there would be too many pixels.
pub fn png(chart: &Chart, style: &Style, ratio: f64, fonts: Fonts) -> Result<Png> {
    let scene = page::draw(chart, style)?;
    let ratio = if ratio.is_finite() { ratio.clamp(0.25, 8.0) } else { 1.0 };
    let (width, height) = ((scene.width * ratio).ceil() as u64, (scene.height * ratio).ceil() as u64);
    if width.saturating_mul(height) > PIXELS_MAX {
        return Err(ChartError::Pixels { width, height, pixels_max: PIXELS_MAX });
    }
    let dark = style.theme == Theme::Dark;
    let surface = crate::ink::Ink::Surface.rgb(dark);
    let canvas = Canvas::new(width as usize, height as usize, surface);
    let mut painter = Painter { canvas, ratio, dark, faces: Faces::new(fonts)?, missing: BTreeSet::new() };
    for item in &scene.items {
        match item {
            Item::Mark(mark) => painter.mark(mark),
            Item::Label(label) => painter.label(label),
        }
    }
    Ok(Png { bytes: encode(&painter.canvas), missing: painter.missing })
}

struct Painter<'a> {
    canvas: Canvas,
    ratio: f64,
    dark: bool,
    faces: Faces<'a>,
    missing: BTreeSet<char>,
}

impl Painter<'_> {
    fn mark(&mut self, mark: &Mark) {
        if mark.opacity <= 0.0 {
            return;
        }
        let scaled = |(x, y): &Point| (x * self.ratio, y * self.ratio);
        let polygons: Vec<Vec<Point>> = match &mark.shape {
            Shape::Rect(rect) => vec![self.corners(*rect)],
            Shape::Hair(from, to) => vec![self.hair(*from, *to)],
            Shape::Area(points) => vec![points.iter().map(scaled).collect()],
            Shape::Line(points) => {
                let points: Vec<Point> = points.iter().map(scaled).collect();
                let width = mark.stroke * self.ratio;
                if mark.dash > 0.0 {
                    dashes(&points, mark.dash * self.ratio)
                        .iter()
                        .flat_map(|part| stroke(part, width))
                        .collect()
                } else {
                    stroke(&points, width)
                }
            }
            Shape::Dots(radius, points) => {
                // Dots one at a time, as they lie upon each other.
                for point in points {
                    let dot = circle(scaled(point), radius * self.ratio);
                    self.canvas.fill(&[dot], mark.ink.rgb(self.dark), mark.opacity);
                }
                return;
            }
        };
        self.canvas.fill(&polygons, mark.ink.rgb(self.dark), mark.opacity);
    }

    fn corners(&self, rect: Rect) -> Vec<Point> {
        let (left, top) = (rect.x * self.ratio, rect.y * self.ratio);
        let (right, bottom) = (rect.right() * self.ratio, rect.bottom() * self.ratio);
        vec![(left, top), (right, top), (right, bottom), (left, bottom)]
    }

    /// A line on whole pixels of the picture.
    fn hair(&self, from: Point, to: Point) -> Vec<Point> {
        let thick = self.ratio.round().max(1.0);
        let at = |value: f64| (value.floor() * self.ratio).round();
        let (a, b) = if (from.0 - to.0).abs() < 0.5 {
            let x = at(from.0);
            ((x, from.1.min(to.1) * self.ratio), (x + thick, from.1.max(to.1) * self.ratio))
        } else {
            let y = at(from.1);
            ((from.0.min(to.0) * self.ratio, y), (from.0.max(to.0) * self.ratio, y + thick))
        };
        vec![a, (b.0, a.1), b, (a.0, b.1)]
    }

    fn label(&mut self, label: &Label) {
        let size = label.size * self.ratio;
        let mut outlines = Outlines { polygons: Vec::new(), at: (0.0, 0.0), scale: 1.0 };
        let mut x = 0.0;
        for c in label.text.chars() {
            x += self.glyph(c, label.bold, size, x, &mut outlines);
        }
        let start = label.at.0 * self.ratio
            - match label.anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => x / 2.0,
                Anchor::End => x,
            };
        let baseline = label.at.1 * self.ratio;
        for point in outlines.polygons.iter_mut().flatten() {
            *point = (point.0 + start, point.1 + baseline);
        }
        self.canvas.fill(&outlines.polygons, label.ink.rgb(self.dark), 1.0);
    }

    /// Adds one letter at a place of the baseline; returns its width.
    fn glyph(&mut self, c: char, bold: bool, size: f64, x: f64, outlines: &mut Outlines) -> f64 {
        let Some((face, glyph, is_bold)) = self.faces.find(c, bold) else {
            let width = text::width(c.encode_utf8(&mut [0; 4]), size, false);
            if width > 0.0 {
                self.missing.insert(c);
                let (left, right, top) = (x + size * 0.1, x + width - size * 0.1, -size * 0.7);
                outlines.polygons.push(vec![(left, 0.0), (right, 0.0), (right, top), (left, top)]);
                let inset = size * 0.07;
                let (left, right, bottom, top) = (left + inset, right - inset, -inset, top + inset);
                outlines.polygons.push(vec![(left, bottom), (left, top), (right, top), (right, bottom)]);
            }
            return width;
        };
        outlines.scale = size / f64::from(face.units_per_em());
        outlines.at = (x, 0.0);
        face.outline_glyph(glyph, outlines);
        if bold && !is_bold {
            // Without a bold face: the same letter again, a little to the right.
            outlines.at = (x + size * 0.03, 0.0);
            face.outline_glyph(glyph, outlines);
        }
        f64::from(face.glyph_hor_advance(glyph).unwrap_or_default()) * outlines.scale
    }
}

/// Collects outlines as polygons, y downwards.
struct Outlines {
    polygons: Vec<Vec<Point>>,
    at: Point,
    scale: f64,
}

impl Outlines {
    fn point(&self, x: f32, y: f32) -> Point {
        (self.at.0 + f64::from(x) * self.scale, self.at.1 - f64::from(y) * self.scale)
    }

    fn add(&mut self, point: Point) {
        if let Some(polygon) = self.polygons.last_mut() {
            polygon.push(point);
        }
    }

    fn last(&self) -> Point {
        self.polygons.last().and_then(|polygon| polygon.last()).copied().unwrap_or_default()
    }
}

impl OutlineBuilder for Outlines {
    fn move_to(&mut self, x: f32, y: f32) {
        let point = self.point(x, y);
        self.polygons.push(vec![point]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let point = self.point(x, y);
        self.add(point);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let points = [self.last(), self.point(x1, y1), self.point(x, y)];
        for part in 1..=4 {
            let (late, early) = (f64::from(part) / 4.0, 1.0 - f64::from(part) / 4.0);
            self.add(mix(points, [early * early, 2.0 * early * late, late * late]));
        }
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let points = [self.last(), self.point(x1, y1), self.point(x2, y2), self.point(x, y)];
        for part in 1..=6 {
            let (late, early) = (f64::from(part) / 6.0, 1.0 - f64::from(part) / 6.0);
            let weights =
                [early.powi(3), 3.0 * early * early * late, 3.0 * early * late * late, late.powi(3)];
            self.add(mix(points, weights));
        }
    }

    fn close(&mut self) {}
}

/// A point of a Bézier curve.
fn mix<const N: usize>(points: [Point; N], weights: [f64; N]) -> Point {
    let pairs = || points.iter().zip(weights);
    (
        pairs().map(|(point, weight)| point.0 * weight).sum(),
        pairs().map(|(point, weight)| point.1 * weight).sum(),
    )
}

/// A PNG file (RFC 2083): 8 bits a channel, each line stored as the difference to the one above.
fn encode(canvas: &Canvas) -> Vec<u8> {
    let line = canvas.width * 3;
    let mut rows = Vec::with_capacity((line + 1) * canvas.height);
    for (y, pixels) in canvas.pixels.chunks(line.max(1)).enumerate() {
        rows.push(2);
        let above = y.checked_sub(1).map(|y| &canvas.pixels[y * line..(y + 1) * line]);
        rows.extend(
            pixels.iter().enumerate().map(|(x, value)| value.wrapping_sub(above.map_or(0, |above| above[x]))),
        );
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::with_capacity(13);
    header.extend((canvas.width as u32).to_be_bytes());
    header.extend((canvas.height as u32).to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut out, *b"IHDR", &header);
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing into memory does not fail.
    let packed = packer.write_all(&rows).and_then(|()| packer.finish()).unwrap_or_default();
    chunk(&mut out, *b"IDAT", &packed);
    chunk(&mut out, *b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    out.extend((content.len() as u32).to_be_bytes());
    let mut sum = flate2::Crc::new();
    sum.update(&kind);
    sum.update(content);
    out.extend(kind);
    out.extend_from_slice(content);
    out.extend(sum.sum().to_be_bytes());
}
