//! Curves: lines whose points have places of their own between two axes. Receiver operating characteristics, precision over recall,
//! what came true over what was predicted.

use serde::Deserialize;

use crate::axis::{Axis, Frame};
use crate::ink::Ink;
use crate::legend::Key;
use crate::number::{number, percent};
use crate::page::Page;
use crate::scale::{Format, extent, padded};
use crate::scene::{Mark, Point, Shape};

/// Points of one line.
const POINTS_MAX: usize = 200;
/// Points that the summary names of a line.
const TOLD_MAX: usize = 5;

/// Lines between two axes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    /// What is across.
    #[serde(default)]
    pub x: String,
    /// What is up.
    #[serde(default)]
    pub y: String,
    /// Both are shares, written as percentages, and the axes go from 0 to 1.
    #[serde(default)]
    pub percent: bool,
    /// What to compare the lines with, e.g. chance.
    #[serde(default)]
    pub guide: Option<Guide>,
    /// The lines.
    pub lines: Vec<Trace>,
}

/// A dashed line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// Its name.
    pub name: String,
    /// Where it begins: across and up.
    pub from: (f64, f64),
    /// Where it ends.
    pub to: (f64, f64),
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its points, at most 200, in the order in which they are joined.
    pub points: Vec<Spot>,
}

/// A point of a line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Its place across.
    pub x: f64,
    /// Its place up.
    pub y: f64,
    /// Ends of an interval around `y`.
    #[serde(default)]
    pub interval: Option<(f64, f64)>,
    /// What is said of it to who points at it; a point of which something is said has a dot.
    #[serde(default)]
    pub tip: String,
    /// It stands out: its dot is larger.
    #[serde(default)]
    pub marked: bool,
}

impl Spot {
    fn is_drawn(&self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }

    fn span(&self) -> Option<(f64, f64)> {
        self.interval.filter(|(low, high)| low.is_finite() && high.is_finite())
    }
}

impl Curves {
    pub(super) fn summary(&self) -> String {
        let told = |value: f64| if self.percent { percent(value) } else { number(value) };
        let line = |line: &Trace| {
            let marked = line.points.iter().filter(|spot| spot.marked).take(TOLD_MAX);
            let points: Vec<_> = marked.map(|spot| format!("{} → {}", told(spot.x), told(spot.y))).collect();
            format!("{}: {}", line.name, points.join(", "))
        };
        self.lines.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    /// Draws the lines; returns the field that they are in, if there is anything to draw.
    pub(super) fn draw(&self, page: &mut Page) -> Option<Frame> {
        let guide = self.guide.iter().map(|guide| (Key::Dashed, Ink::Axis, guide.name.clone()));
        let named = self.lines.iter().enumerate().filter(|(_, line)| !line.name.is_empty());
        let named = named.map(|(place, line)| (Key::Line, Ink::Series(place as u8), line.name.clone()));
        let keys: Vec<_> = guide.chain(named).collect();
        if !keys.is_empty() {
            page.legend(&keys);
        }
        let spots = || self.lines.iter().flat_map(|line| &line.points).filter(|spot| spot.is_drawn());
        if spots().next().is_none() {
            page.nothing();
            return None;
        }
        // A square, as far as the page is not wider than it should be high.
        let right = page.right;
        page.right = page.right.min(page.left + page.em * 38.0);
        let height = (page.width() * 0.85).min(page.em * 30.0).round();
        let ends = |of: fn(&(f64, f64)) -> f64| {
            self.guide.iter().flat_map(move |guide| [of(&guide.from), of(&guide.to)])
        };
        let (across, up) = if self.percent {
            ((0.0, 1.0), (0.0, 1.0))
        } else {
            let spans = spots().filter_map(Spot::span).flat_map(|(low, high)| [low, high]);
            (
                padded(extent(spots().map(|spot| spot.x).chain(ends(|point| point.0))), 0.03),
                padded(extent(spots().map(|spot| spot.y).chain(spans).chain(ends(|point| point.1))), 0.06),
            )
        };
        let format = if self.percent { Format::Percent } else { Format::Number };
        let (x, y) =
            (Axis { label: &self.x, values: across, format }, Axis { label: &self.y, values: up, format });
        let frame = page.frame(x, y, height, 0.0);
        if let Some(guide) = &self.guide {
            let line = [guide.from, guide.to].map(|(x, y)| (frame.x.at(x), frame.y.at(y)));
            page.scene.mark(Mark::new(Shape::Line(line.to_vec()), Ink::Axis).dashed());
        }
        for (place, line) in self.lines.iter().enumerate() {
            let spots = line.points.iter().filter(|spot| spot.is_drawn()).take(POINTS_MAX);
            draw_line(page, &frame, &spots.collect::<Vec<_>>(), Ink::Series(place as u8));
        }
        page.right = right;
        Some(frame)
    }
}

fn draw_line(page: &mut Page, frame: &Frame, spots: &[&Spot], ink: Ink) {
    let at = |spot: &Spot| -> Point { (frame.x.at(spot.x), frame.y.at(spot.y)) };
    for spot in spots {
        if let Some((low, high)) = spot.span() {
            let x = frame.x.at(spot.x);
            let bar = Shape::Line(vec![(x, frame.y.at(low)), (x, frame.y.at(high))]);
            page.scene.mark(Mark::new(bar, ink).opacity(0.5));
        }
    }
    page.scene.mark(Mark::new(Shape::Line(spots.iter().map(|spot| at(spot)).collect()), ink).stroke(2.0));
    for spot in spots.iter().filter(|spot| spot.marked || !spot.tip.is_empty()) {
        let radius = page.em * if spot.marked { 0.3 } else { 0.17 };
        page.scene.mark(Mark::new(Shape::Dots(radius, vec![at(spot)]), ink).tip(spot.tip.trim()));
    }
}
