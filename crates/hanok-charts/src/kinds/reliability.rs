//! Reliability: observed against predicted probabilities, with how many rows stand behind each point.

use serde::Deserialize;

use crate::axis::{Axis, Frame};
use crate::ink::Ink;
use crate::legend::Key;
use crate::number::{count, percent};
use crate::page::Page;
use crate::scale::Format;
use crate::scene::{Mark, Point, Rect, Shape};
use crate::words::Word;

/// Bins of one curve.
const BINS_MAX: usize = 200;

/// Calibration of models.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// A curve for each model or window.
    pub curves: Vec<Curve>,
}

/// One model's calibration.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Bins in the order of their predictions.
    pub bins: Vec<Bin>,
}

/// Rows of about the same prediction.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// Mean of the predicted probabilities.
    pub predicted: f64,
    /// Share of the rows for which it came true.
    pub observed: f64,
    /// Ends of an interval around `observed`.
    #[serde(default)]
    pub interval: Option<(f64, f64)>,
    /// Number of rows.
    #[serde(default)]
    pub count: usize,
}

impl Reliability {
    pub(super) fn summary(&self) -> String {
        let bin = |bin: &Bin| format!("{} → {}", percent(bin.predicted), percent(bin.observed));
        let curve = |curve: &Curve| {
            let bins = curve.bins.iter().take(10).map(bin).collect::<Vec<_>>().join(", ");
            format!("{}: {bins}", curve.name)
        };
        self.curves.iter().map(curve).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn draw(&self, page: &mut Page) {
        let drawn = |bin: &&Bin| bin.predicted.is_finite() && bin.observed.is_finite();
        let mut keys = vec![(Key::Dashed, Ink::Axis, page.word(Word::Ideal).to_owned())];
        let named = self.curves.iter().enumerate().filter(|(_, curve)| !curve.name.is_empty());
        keys.extend(named.map(|(place, curve)| (Key::Line, Ink::Series(place as u8), curve.name.clone())));
        page.legend(&keys);
        if !self.curves.iter().any(|curve| curve.bins.iter().any(|bin| drawn(&bin))) {
            page.nothing();
            return;
        }
        // A square, as far as the page is not wider than it should be high.
        let (left, right) = (page.left, page.right);
        page.right = page.right.min(page.left + page.em * 38.0);
        let height = (page.width() * 0.85).min(page.em * 30.0).round();
        let x = Axis { label: page.word(Word::Predicted), values: (0.0, 1.0), format: Format::Percent };
        let y = Axis { label: page.word(Word::Observed), values: (0.0, 1.0), format: Format::Percent };
        let frame = page.frame(x, y, height, 0.0);
        let ideal = vec![(frame.x.at(0.0), frame.y.at(0.0)), (frame.x.at(1.0), frame.y.at(1.0))];
        page.scene.mark(Mark::new(Shape::Line(ideal), Ink::Axis).dashed());
        for (place, curve) in self.curves.iter().enumerate() {
            let ink = Ink::Series(place as u8);
            let bins: Vec<&Bin> = curve.bins.iter().filter(drawn).take(BINS_MAX).collect();
            draw_curve(page, &frame, curve, &bins, ink);
        }
        self.counts(page, &frame);
        (page.left, page.right) = (left, right);
    }

    /// How many rows each bin has, below the field.
    fn counts(&self, page: &mut Page, frame: &Frame) {
        let bins = || self.curves.iter().flat_map(|curve| &curve.bins);
        let most = bins().map(|bin| bin.count).max().unwrap_or(0);
        if most == 0 {
            return;
        }
        let size = page.small();
        page.y += size * 0.5;
        page.paragraph(page.word(Word::Rows), size, Ink::Muted, false, 1);
        let (top, height) = (page.y + size * 0.3, page.em * 3.2);
        let curves = self.curves.len().max(1) as f64;
        let width = (frame.plot.w / 10.0 * 0.7 / curves).clamp(2.0, page.em);
        for (place, curve) in self.curves.iter().enumerate() {
            for bin in
                curve.bins.iter().filter(|bin| bin.count > 0 && bin.predicted.is_finite()).take(BINS_MAX)
            {
                let h = (bin.count as f64 / most as f64 * height).max(1.0);
                let x = frame.x.at(bin.predicted) + (place as f64 - curves / 2.0) * width;
                let x = x.clamp(page.left, page.right - width);
                let rect = Rect { x, y: top + height - h, w: width - 1.0, h }.crisp();
                let tip = format!("{} {}: {}", curve.name, percent(bin.predicted), count(bin.count));
                page.scene.mark(Mark::new(Shape::Rect(rect), Ink::Series(place as u8)).tip(tip.trim()));
            }
        }
        page.y = top + height;
        let y = page.y.round();
        page.scene.mark(Mark::new(Shape::Hair((frame.plot.x, y), (frame.plot.right(), y)), Ink::Axis));
        page.y += size * 0.4;
    }
}

fn draw_curve(page: &mut Page, frame: &Frame, curve: &Curve, bins: &[&Bin], ink: Ink) {
    let at = |bin: &Bin| -> Point { (frame.x.at(bin.predicted), frame.y.at(bin.observed)) };
    for bin in bins {
        if let Some((low, high)) = bin.interval.filter(|(low, high)| low.is_finite() && high.is_finite()) {
            let x = frame.x.at(bin.predicted);
            let bar = Shape::Line(vec![(x, frame.y.at(low)), (x, frame.y.at(high))]);
            page.scene.mark(Mark::new(bar, ink).opacity(0.5));
        }
    }
    page.scene.mark(Mark::new(Shape::Line(bins.iter().map(|bin| at(bin)).collect()), ink).stroke(2.0));
    for bin in bins {
        let tip = format!(
            "{} {} {} → {} {} ({})",
            curve.name,
            page.word(Word::Predicted),
            percent(bin.predicted),
            page.word(Word::Observed),
            percent(bin.observed),
            count(bin.count)
        );
        let dot = Mark::new(Shape::Dots(page.em * 0.3, vec![at(bin)]), ink);
        page.scene.mark(dot.tip(tip.trim()));
    }
}
