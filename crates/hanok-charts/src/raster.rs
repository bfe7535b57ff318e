//! Fills polygons with exact coverage: each edge adds to the pixels that it crosses the area on its right, and a running
//! sum along a line gives the share of every pixel that is inside (the accumulation buffer of Raph Levien's font-rs).
//! Only sums and products: the same pixels on every machine.

use std::cmp::Ordering;

use crate::ink::Rgb;
use crate::scene::Point;

/// Pixels of three bytes, from the upper left corner.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
    /// Signed areas of the polygon at hand, one more a line than pixels.
    areas: Vec<f32>,
}

impl Canvas {
    /// A canvas of one colour.
    pub(crate) fn new(width: usize, height: usize, [r, g, b]: Rgb) -> Self {
        let pixels = [r, g, b].repeat(width * height);
        Self { width, height, pixels, areas: vec![0.0; (width + 2) * height] }
    }

    /// Fills closed polygons of one colour at once. Where polygons of one direction overlap, they count once.
    pub(crate) fn fill(&mut self, polygons: &[Vec<Point>], colour: Rgb, opacity: f64) {
        let points = || polygons.iter().flatten();
        let top = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let bottom = points().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        if bottom.partial_cmp(&top) != Some(Ordering::Greater) {
            return;
        }
        let first = top.max(0.0).floor() as usize;
        let last = (bottom.max(0.0).ceil() as usize).min(self.height);
        for polygon in polygons {
            for (index, from) in polygon.iter().enumerate() {
                self.edge(*from, polygon[(index + 1) % polygon.len()]);
            }
        }
        for y in first..last {
            self.paint_line(y, colour, opacity as f32);
        }
    }

    /// Adds one edge of a polygon.
    fn edge(&mut self, from: Point, to: Point) {
        let ((x0, y0), (x1, y1), direction) = if from.1 < to.1 { (from, to, 1.0) } else { (to, from, -1.0) };
        if y1.partial_cmp(&y0) != Some(Ordering::Greater) {
            return;
        }
        let slope = (x1 - x0) / (y1 - y0);
        let first = y0.max(0.0).floor() as usize;
        let last = (y1.max(0.0).ceil() as usize).min(self.height);
        for y in first..last {
            let (top, bottom) = (y0.max(y as f64), y1.min(y as f64 + 1.0));
            let height = bottom - top;
            if height <= 0.0 {
                continue;
            }
            let right_end = self.width as f64;
            let a = (x0 + (top - y0) * slope).clamp(0.0, right_end);
            let b = (x0 + (bottom - y0) * slope).clamp(0.0, right_end);
            let (left, right) = (a.min(b), a.max(b));
            self.span(y, left, right, direction * height);
        }
    }

    /// Spreads the height of an edge within one line of pixels over those that it crosses.
    fn span(&mut self, y: usize, left: f64, right: f64, height: f64) {
        let line = &mut self.areas[y * (self.width + 2)..(y + 1) * (self.width + 2)];
        let (first, last) = (left.floor() as usize, right.floor() as usize);
        if first == last {
            let covered = height * (1.0 - (f64::midpoint(left, right) - first as f64));
            line[first] += covered as f32;
            line[first + 1] += (height - covered) as f32;
            return;
        }
        let slope = height / (right - left);
        let mut before = 0.0;
        // Area to the right of the edge within each pixel, as a difference to the pixel before.
        for (x, area) in line.iter_mut().enumerate().take(last + 1).skip(first) {
            let (from, to) = (left.max(x as f64), right.min(x as f64 + 1.0));
            let part = (to - from) * slope;
            let inside = part * (1.0 - (f64::midpoint(from, to) - x as f64));
            *area += (inside + before) as f32;
            before = part - inside;
        }
        line[last + 1] += before as f32;
    }

    /// Paints one line and clears its areas.
    fn paint_line(&mut self, y: usize, colour: Rgb, opacity: f32) {
        let line = &mut self.areas[y * (self.width + 2)..(y + 1) * (self.width + 2)];
        let pixels = &mut self.pixels[y * self.width * 3..(y + 1) * self.width * 3];
        let mut sum = 0.0_f32;
        for (area, pixel) in line.iter().zip(pixels.as_chunks_mut::<3>().0) {
            sum += area;
            let cover = sum.abs().min(1.0) * opacity;
            if cover > 0.002 {
                for (channel, value) in pixel.iter_mut().zip(colour) {
                    let was = f32::from(*channel);
                    *channel = (was + (f32::from(value) - was) * cover + 0.5) as u8;
                }
            }
        }
        line.fill(0.0);
    }
}

/// A circle as a polygon.
pub(crate) fn circle((x, y): Point, radius: f64) -> Vec<Point> {
    // Four arcs of six parts: less than a fiftieth of a pixel off at any radius that is drawn.
    const PARTS: usize = 24;
    // cos(15°) and sin(15°); the others follow by turning.
    let (cos, sin) = (0.965_925_826_289_068_3, 0.258_819_045_102_520_7);
    let mut points = Vec::with_capacity(PARTS);
    let (mut dx, mut dy) = (radius, 0.0);
    for _ in 0..PARTS {
        points.push((x + dx, y + dy));
        (dx, dy) = (dx * cos - dy * sin, dx * sin + dy * cos);
    }
    points
}

/// A line of some width with round ends and corners, as polygons of one direction.
pub(crate) fn stroke(points: &[Point], width: f64) -> Vec<Vec<Point>> {
    let half = width / 2.0;
    let mut polygons = Vec::new();
    for pair in points.windows(2) {
        let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        let length = (dx * dx + dy * dy).sqrt();
        if length > 1e-9 {
            let (nx, ny) = (-dy / length * half, dx / length * half);
            let [a, b] = [pair[0], pair[1]];
            polygons.push(vec![
                (a.0 - nx, a.1 - ny),
                (b.0 - nx, b.1 - ny),
                (b.0 + nx, b.1 + ny),
                (a.0 + nx, a.1 + ny),
            ]);
        }
    }
    polygons.extend(points.iter().map(|point| circle(*point, half)));
    polygons
}

/// The parts of a line that are drawn when it is dashed.
pub(crate) fn dashes(points: &[Point], dash: f64) -> Vec<[Point; 2]> {
    const DASHES_MAX: usize = 10_000;
    let mut parts = Vec::new();
    for pair in points.windows(2) {
        let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        let length = (dx * dx + dy * dy).sqrt();
        let count = ((length / dash / 2.0).ceil() as usize).min(DASHES_MAX);
        for index in 0..count {
            let from = index as f64 * dash * 2.0;
            let to = (from + dash).min(length);
            let at = |along: f64| (pair[0].0 + dx * along / length, pair[0].1 + dy * along / length);
            parts.push([at(from), at(to)]);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(polygons: &[Vec<Point>]) -> Vec<u8> {
        let mut canvas = Canvas::new(6, 4, [0, 0, 0]);
        canvas.fill(polygons, [200, 0, 0], 1.0);
        canvas.pixels.chunks(3).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn whole_pixels_are_whole_and_halves_are_half() {
        let square = vec![(1.0, 1.0), (3.5, 1.0), (3.5, 2.0), (1.0, 2.0)];
        let mut expected = vec![0; 24];
        expected[6..12].copy_from_slice(&[0, 200, 200, 100, 0, 0]);
        assert_eq!(covered(std::slice::from_ref(&square)), expected);
        // The other direction, and twice the same, cover no more.
        let turned: Vec<Point> = square.iter().rev().copied().collect();
        assert_eq!(covered(&[turned]), expected);
        assert_eq!(covered(&[square.clone(), square])[7..9], [200, 200]);
    }

    #[test]
    fn areas_are_exact_whatever_the_slope() {
        let triangle = vec![(0.3, 0.2), (5.7, 1.1), (2.2, 3.9)];
        let sum: f64 =
            covered(std::slice::from_ref(&triangle)).iter().map(|value| f64::from(*value) / 200.0).sum();
        let [a, b, c] = [triangle[0], triangle[1], triangle[2]];
        let area = ((b.0 - a.0) * (c.1 - a.1) - (c.0 - a.0) * (b.1 - a.1)).abs() / 2.0;
        assert!((sum - area).abs() < 0.05, "{sum} {area}");
    }

    #[test]
    fn what_lies_outside_is_cut() {
        let large = vec![(-50.0, -50.0), (90.0, -50.0), (90.0, 90.0), (-50.0, 90.0)];
        assert!(covered(&[large]).iter().all(|value| *value == 200));
        assert!(covered(&[vec![(9.0, 9.0), (20.0, 9.0), (20.0, 20.0)]]).iter().all(|value| *value == 0));
    }
}
