//! Distribution: shapes of one number over each other, as steps (a histogram) or smooth lines (a density).

use serde::Deserialize;

use crate::axis::Axis;
use crate::error::{Result, same};
use crate::ink::Ink;
use crate::legend::Key;
use crate::number::{number, percent};
use crate::page::Page;
use crate::scale::{Format, Scale, extent, padded, with_zero};
use crate::scene::{Mark, Point, Rect, Shape};
use crate::spec;
use crate::style::Language;
use crate::time;
use crate::words::{self, Word};

/// Bins of the whole picture; neighbours are joined beyond.
const BINS_MAX: usize = 400;

/// Distributions of one number, e.g. reference and current.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// The number, e.g. "departure delay (minutes)".
    #[serde(default)]
    pub axis: String,
    /// Rising edges of the bins, one more than values; with `smooth`, the places of the values.
    #[serde(deserialize_with = "spec::numbers")]
    pub edges: Vec<f64>,
    /// The values are densities at places instead of shares of bins.
    #[serde(default)]
    pub smooth: bool,
    /// The edges are moments in microseconds since 1970-01-01 UTC.
    #[serde(default)]
    pub times: bool,
    /// The distributions. The first is filled: what the others are compared with.
    pub series: Vec<Outline>,
}

/// One distribution.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// Shares of its rows in the bins (as 0 to 1), or densities.
    #[serde(deserialize_with = "spec::numbers")]
    pub values: Vec<f64>,
    /// Its median, marked on the axis.
    #[serde(default)]
    pub median: Option<f64>,
    /// The share of its rows that have no value, told in the legend.
    #[serde(default)]
    pub missing: Option<f64>,
}

impl Distribution {
    pub(super) fn summary(&self, language: Language) -> String {
        let part = |series: &Outline| match series.median {
            Some(median) => {
                format!("{}: {} {}", series.name, Word::Median.text(language), self.place(median))
            }
            None => series.name.clone(),
        };
        let parts = std::iter::once(self.axis.clone()).chain(self.series.iter().map(part));
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        let expected = if self.smooth { self.edges.len() } else { self.edges.len().saturating_sub(1) };
        for series in &self.series {
            same(|| format!("`values` of `{}`", series.name), expected, series.values.len())?;
        }
        let name = |series: &Outline| match series.missing.filter(|share| *share > 0.0) {
            Some(share) => format!("{} ({})", series.name, words::missing(share, page.language)),
            None => series.name.clone(),
        };
        let keys: Vec<_> = self
            .series
            .iter()
            .enumerate()
            .map(|(place, series)| {
                (if place == 0 { Key::Box } else { Key::Line }, Ink::Series(place as u8), name(series))
            })
            .collect();
        if !keys.is_empty() && !page.is_part {
            page.legend(&keys);
        }
        let values = with_zero(extent(self.series.iter().flat_map(|series| series.values.iter().copied())));
        let (Some(values), Some(found)) = (values, extent(self.edges.iter().copied())) else {
            page.nothing();
            return Ok(());
        };
        let high = if values.1 > 0.0 { values.1 * 1.06 } else { 1.0 };
        let label = if self.smooth || page.is_part { "" } else { page.word(Word::RowsShare) };
        let format = if self.smooth { Format::Number } else { Format::Percent };
        let of_edges = if self.times { Format::Time } else { Format::Number };
        let x = Axis { label: &self.axis, values: padded(Some(found), 0.0), format: of_edges };
        let height = (page.field_height() * 0.75).round();
        let frame = page.frame(x, Axis { label, values: (0.0, high), format }, height, 0.0);
        for (place, series) in self.series.iter().enumerate() {
            let ink = Ink::Series(place as u8);
            let top = self.outline(series, frame.x, frame.y);
            if place == 0 && top.len() > 1 {
                let (first, last) = (top[0].0, top[top.len() - 1].0);
                let mut area = top.clone();
                area.extend([(last, frame.plot.bottom()), (first, frame.plot.bottom())]);
                page.scene.mark(Mark::new(Shape::Area(area), ink).opacity(0.3));
            }
            page.scene.mark(Mark::new(Shape::Line(top), ink).stroke(2.0));
            if let Some(median) = series.median.filter(|median| median.is_finite()) {
                let (x, y) = (frame.x.at(median), frame.plot.bottom());
                let half = page.em * 0.4;
                let triangle = vec![(x, y - half * 1.6), (x + half, y), (x - half, y)];
                let tip = format!("{}: {} {}", series.name, page.word(Word::Median), self.place(median));
                page.scene.mark(Mark::new(Shape::Area(triangle), ink).tip(tip));
            }
        }
        self.tips(page, frame.plot, frame.x);
        Ok(())
    }

    /// A place on the axis in full.
    fn place(&self, place: f64) -> String {
        if self.times { time::full(place) } else { number(place) }
    }

    fn outline(&self, series: &Outline, x: Scale, y: Scale) -> Vec<Point> {
        let height = |value: f64| y.at(if value.is_finite() { value } else { 0.0 });
        if self.smooth {
            let points = self.edges.iter().zip(&series.values).filter(|(edge, _)| edge.is_finite());
            let points: Vec<Point> = points.map(|(edge, value)| (x.at(*edge), height(*value))).collect();
            let step = points.len().div_ceil(BINS_MAX).max(1);
            return points.into_iter().step_by(step).collect();
        }
        let step = series.values.len().div_ceil(BINS_MAX).max(1);
        let mut points = Vec::new();
        for (index, part) in series.values.chunks(step).enumerate() {
            let (from, to) = (self.edges[index * step], self.edges[index * step + part.len()]);
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            points.extend([(x.at(from), height(mean)), (x.at(to), height(mean))]);
        }
        points
    }

    /// What each bin holds, for who points at it.
    fn tips(&self, page: &mut Page, plot: Rect, x: Scale) {
        if self.smooth || self.edges.len() > 120 {
            return;
        }
        for (bin, edges) in self.edges.windows(2).enumerate() {
            let shares =
                self.series.iter().map(|series| format!("{}: {}", series.name, percent(series.values[bin])));
            let tip = format!(
                "{} – {}\n{}",
                self.place(edges[0]),
                self.place(edges[1]),
                shares.collect::<Vec<_>>().join("; ")
            );
            let room = Rect::between((x.at(edges[0]), plot.y), (x.at(edges[1]), plot.bottom()));
            page.scene.mark(Mark::new(Shape::Rect(room), Ink::Surface).opacity(0.0).tip(tip));
        }
    }
}
