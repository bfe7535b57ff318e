//! Reliability: observed against predicted probabilities, with how many rows stand behind each point.

use serde::Deserialize;

use super::curves::{Curves, Guide, Spot, Trace};
use crate::axis::Frame;
use crate::ink::Ink;
use crate::number::{count, percent};
use crate::page::Page;
use crate::scene::{Mark, Rect, Shape};
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
        if let Some(frame) = self.curves(page).draw(page) {
            let right = std::mem::replace(&mut page.right, frame.plot.right());
            self.counts(page, &frame);
            page.right = right;
        }
    }

    /// The curves beside perfect calibration.
    fn curves(&self, page: &Page) -> Curves {
        let (predicted, observed) = (page.word(Word::Predicted), page.word(Word::Observed));
        let spot = |curve: &Curve, bin: &Bin| Spot {
            x: bin.predicted,
            y: bin.observed,
            interval: bin.interval,
            tip: format!(
                "{} {predicted} {} → {observed} {} ({})",
                curve.name,
                percent(bin.predicted),
                percent(bin.observed),
                count(bin.count)
            ),
            marked: true,
        };
        let line = |curve: &Curve| Trace {
            name: curve.name.clone(),
            points: curve.bins.iter().map(|bin| spot(curve, bin)).collect(),
        };
        Curves {
            x: predicted.to_owned(),
            y: observed.to_owned(),
            percent: true,
            guide: Some(Guide { name: page.word(Word::Ideal).to_owned(), from: (0.0, 0.0), to: (1.0, 1.0) }),
            lines: self.curves.iter().map(line).collect(),
        }
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
