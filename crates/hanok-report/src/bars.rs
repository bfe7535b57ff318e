//! Pictures as high as a line of text: a bar against its threshold, a course with its change.

use std::fmt::Write as _;

use crate::markup::text;

/// Units across and down of a bar.
const BAR: (f64, f64) = (160.0, 16.0);
/// Units across and down of a course.
const COURSE: (f64, f64) = (120.0, 28.0);
/// Points of a course; of more the largest of neighbours are drawn.
const POINTS_MAX: usize = 60;

/// An effect in multiples of its threshold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    /// The effect.
    pub(crate) ratio: f64,
    /// What could have been missed, of an undecided one.
    pub(crate) up_to: Option<f64>,
    /// The ratio at the right end.
    pub(crate) most: f64,
}

impl Bar {
    /// The bar with a line at the threshold; an effect beyond the right end has an arrow.
    pub(crate) fn svg(self, title: &str) -> String {
        let (width, height) = BAR;
        let x = |ratio: f64| {
            let share = if ratio.is_nan() { 0.0 } else { (ratio / self.most).clamp(0.0, 1.0) };
            short(share * width)
        };
        let mut out = open("bar", BAR, title);
        let _ = write!(out, "<rect class=\"track\" width=\"{width}\" y=\"4\" height=\"8\"/>");
        if let Some(up_to) = self.up_to.filter(|up_to| *up_to > self.ratio) {
            let _ = write!(out, "<rect class=\"maybe\" width=\"{}\" y=\"4\" height=\"8\"/>", x(up_to));
        }
        let _ = write!(out, "<rect class=\"fill\" width=\"{}\" y=\"4\" height=\"8\"/>", x(self.ratio));
        if self.ratio > self.most {
            let _ = write!(out, "<path class=\"notch\" d=\"M{0} 2l4 6l-4 6h3l4 -6l-4 -6z\"/>", width - 14.0);
        }
        let _ = write!(out, "<rect class=\"limit\" x=\"{}\" width=\"1.5\" height=\"{height}\"/>", x(1.0));
        out + "</svg>"
    }

    /// The bar alone, of what has no threshold.
    pub(crate) fn plain(self, title: &str) -> String {
        let share = if self.ratio.is_nan() { 0.0 } else { (self.ratio / self.most).clamp(0.0, 1.0) };
        let mut out = open("bar", BAR, title);
        let _ =
            write!(out, "<rect class=\"part\" width=\"{}\" y=\"3\" height=\"10\"/>", short(share * BAR.0));
        out + "</svg>"
    }
}

/// A number in the course of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course<'a> {
    /// Its values; a gap where one is not finite.
    pub(crate) values: &'a [f64],
    /// What matters; not finite where there is no such line.
    pub(crate) threshold: f64,
    /// The place of the value with which something changed.
    pub(crate) change: Option<usize>,
}

impl Course<'_> {
    /// The line from zero, with its threshold and its change.
    pub(crate) fn svg(self, title: &str) -> String {
        let (width, height) = COURSE;
        let step = self.values.len().div_ceil(POINTS_MAX).max(1);
        let values: Vec<f64> =
            self.values.chunks(step).map(|part| part.iter().copied().fold(f64::NAN, f64::max)).collect();
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let top = finite.fold(self.threshold * 1.25, f64::max);
        let top = if top > 0.0 && top.is_finite() { top } else { 1.0 };
        let x = |at: usize| {
            let last = values.len().saturating_sub(1).max(1);
            short(3.0 + (width - 6.0) * at as f64 / last as f64)
        };
        let y = |value: f64| short(height - 3.0 - (height - 6.0) * (value / top).clamp(0.0, 1.0));
        let mut out = open("course", COURSE, title);
        if self.threshold.is_finite() {
            let _ = write!(out, "<path class=\"limit\" d=\"M0 {}H{width}\"/>", y(self.threshold));
        }
        let change = self.change.map(|at| at / step).filter(|at| *at < values.len());
        if let Some(at) = change {
            let _ = write!(out, "<path class=\"since\" d=\"M{} 0V{height}\"/>", x(at));
        }
        let mut path = String::new();
        let mut is_drawing = false;
        for (at, value) in values.iter().enumerate() {
            if value.is_finite() {
                let _ = write!(path, "{}{} {}", if is_drawing { 'L' } else { 'M' }, x(at), y(*value));
                // A point without neighbours is seen by the round ends of its line.
                if !is_drawing {
                    path += "h0";
                }
            }
            is_drawing = value.is_finite();
        }
        let _ = write!(out, "<path class=\"line\" d=\"{path}\"/>");
        if let Some((at, value)) = change.and_then(|at| Some((at, *values.get(at)?))) {
            let _ = write!(out, "<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"3\"/>", x(at), y(value));
        }
        out + "</svg>"
    }
}

fn open(class: &str, (width, height): (f64, f64), title: &str) -> String {
    format!(
        "<svg class=\"{class}\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
         <title>{}</title>",
        text(title)
    )
}

/// At most one decimal.
fn short(value: f64) -> f64 {
    let rounded = (value * 10.0).round() / 10.0;
    // Zero without a sign, and nothing that is not a number.
    if rounded.is_finite() { rounded + 0.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_ends_where_its_ratio_is_and_beyond_the_end_it_has_an_arrow() {
        let bar = Bar { ratio: 1.5, up_to: None, most: 3.0 }.svg("a < b");
        assert!(bar.contains("class=\"fill\" width=\"80\"") && bar.contains("x=\"53.3\""), "{bar}");
        assert!(bar.contains("a &lt; b") && !bar.contains("notch"));
        assert!(Bar { ratio: f64::INFINITY, up_to: None, most: 3.0 }.svg("").contains("notch"));
        let maybe = Bar { ratio: 0.5, up_to: Some(2.0), most: 4.0 }.svg("");
        assert!(maybe.contains("class=\"maybe\" width=\"80\""), "{maybe}");
    }

    #[test]
    fn a_course_has_gaps_and_no_more_points_than_can_be_seen() {
        let values = [0.1, f64::NAN, 0.3, f64::INFINITY];
        let course = Course { values: &values, threshold: 0.2, change: Some(2) }.svg("");
        assert!(course.contains("M3 ") && course.contains("class=\"dot\""), "{course}");
        assert!(!course.contains("NaN") && !course.contains("inf"), "{course}");
        let many = vec![0.5; 10_000];
        let course = Course { values: &many, threshold: 0.2, change: Some(9_999) }.svg("");
        assert!(course.matches('L').count() < POINTS_MAX, "{course}");
        assert!(!Course { values: &[], threshold: f64::NAN, change: Some(0) }.svg("").contains("dot"));
    }
}
