//! Timeline: numbers over time with bands of uncertainty, levels, events and alerts.

use serde::Deserialize;

use crate::axis::{Axis, Frame};
use crate::error::{Result, same};
use crate::ink::Ink;
use crate::legend::Key;
use crate::number::number;
use crate::page::Page;
use crate::scale::{Format, extent, padded};
use crate::scene::{Anchor, Label, Mark, Point, Rect, Shape};
use crate::spec;
use crate::time;
use crate::words;

/// Points of one line; beyond, the lowest and highest of neighbours stand for them.
const POINTS_MAX: usize = 1200;
/// Marks of one sort of the whole picture.
const MARKS_MAX: usize = 100;
/// Lines for the names of events, and their height in sizes of the text.
const LANES_MAX: usize = 3;
const LANE: f64 = 1.35;

/// Lines over time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// What the lines are, e.g. "distance from reference".
    #[serde(default)]
    pub axis: String,
    /// Rising moments in microseconds since 1970-01-01 UTC; with `numbers`, anything that rises, e.g. chunks.
    #[serde(deserialize_with = "spec::numbers")]
    pub times: Vec<f64>,
    /// The moments are plain numbers.
    #[serde(default)]
    pub numbers: bool,
    /// What the moments are, when that is not plain from them.
    #[serde(default)]
    pub time_axis: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// Levels to compare with, e.g. the threshold of an alert.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// Moments at which something happened.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Spans of time that stand out, e.g. the reference.
    #[serde(default)]
    pub bands: Vec<Band>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// A value for each moment; a gap where it is missing.
    #[serde(deserialize_with = "spec::numbers")]
    pub values: Vec<f64>,
    /// Lower ends of a band around it; empty for none.
    #[serde(default, deserialize_with = "spec::numbers")]
    pub low: Vec<f64>,
    /// Upper ends of the band.
    #[serde(default, deserialize_with = "spec::numbers")]
    pub high: Vec<f64>,
    /// Places of values that raised an alert.
    #[serde(default)]
    pub alerts: Vec<usize>,
}

/// A level.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub value: f64,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// When it was, as `times`.
    pub at: f64,
}

/// A span of time.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// Its begin, as `times`.
    pub from: f64,
    /// Its end.
    pub to: f64,
}

impl Timeline {
    pub(super) fn summary(&self) -> String {
        let last =
            |line: &Line| line.values.iter().rev().find(|value| value.is_finite()).map_or(f64::NAN, |v| *v);
        let parts = self.lines.iter().map(|line| format!("{} {}", line.name, number(last(line))));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn check(&self) -> Result<()> {
        for line in &self.lines {
            same(|| format!("`values` of `{}`", line.name), self.times.len(), line.values.len())?;
            if !(line.low.is_empty() && line.high.is_empty()) {
                same(|| format!("`low` of `{}`", line.name), self.times.len(), line.low.len())?;
                same(|| format!("`high` of `{}`", line.name), self.times.len(), line.high.len())?;
            }
        }
        Ok(())
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        self.check()?;
        self.keys(page);
        let lines = self.lines.iter().flat_map(|line| line.values.iter().chain(&line.low).chain(&line.high));
        let values = lines.copied().chain(self.levels.iter().map(|level| level.value));
        let (Some(y), Some(x)) = (extent(values), extent(self.times.iter().copied())) else {
            page.nothing();
            return Ok(());
        };
        let format = if self.numbers { Format::Number } else { Format::Time };
        let x = Axis { label: &self.time_axis, values: padded(Some(x), 0.0), format };
        let lanes = self.events.len().min(LANES_MAX);
        let y = Axis { label: &self.axis, values: padded(Some(y), 0.06), format: Format::Number };
        let above = lanes as f64 * page.small() * LANE;
        let frame = page.frame(x, y, (page.field_height() * 0.8).round(), above);
        self.backdrop(page, &frame);
        for (place, line) in self.lines.iter().enumerate() {
            self.line(page, &frame, line, Ink::Series(place as u8));
        }
        self.events(page, &frame, lanes);
        Ok(())
    }

    fn keys(&self, page: &mut Page) {
        let named = self.lines.iter().enumerate().filter(|(_, line)| !line.name.is_empty());
        let mut keys: Vec<_> =
            named.map(|(place, line)| (Key::Line, Ink::Series(place as u8), line.name.clone())).collect();
        let levels = self.levels.iter().take(MARKS_MAX).filter(|level| level.value.is_finite());
        keys.extend(
            levels.map(|level| (Key::Dashed, Ink::Raise, format!("{} {}", level.name, number(level.value)))),
        );
        keys.extend(self.bands.iter().take(MARKS_MAX).map(|band| (Key::Box, Ink::Grid, band.name.clone())));
        if !keys.is_empty() {
            page.legend(&keys);
        }
    }

    fn backdrop(&self, page: &mut Page, frame: &Frame) {
        for band in self.bands.iter().take(MARKS_MAX) {
            let (from, to) = (frame.x.at(band.from), frame.x.at(band.to));
            let rect = Rect::between((from, frame.plot.y), (to, frame.plot.bottom())).crisp();
            page.scene.mark(Mark::new(Shape::Rect(rect), Ink::Grid).opacity(0.6).tip(&band.name));
        }
        for level in self.levels.iter().take(MARKS_MAX).filter(|level| level.value.is_finite()) {
            let y = frame.y.at(level.value).round();
            let line = Shape::Line(vec![(frame.plot.x, y), (frame.plot.right(), y)]);
            let tip = format!("{} {}", level.name, number(level.value));
            page.scene.mark(Mark::new(line, Ink::Raise).dashed().tip(tip));
        }
    }

    fn line(&self, page: &mut Page, frame: &Frame, line: &Line, ink: Ink) {
        let at = |index: usize, value: f64| (frame.x.at(self.times[index]), frame.y.at(value));
        let is_drawn = |index: usize, of: &[f64]| self.times[index].is_finite() && of[index].is_finite();
        if !line.low.is_empty() {
            let both = |index: usize| is_drawn(index, &line.low) && is_drawn(index, &line.high);
            for part in parts(self.times.len(), both) {
                let part = thinned(&part, &line.high);
                let upper = part.iter().map(|index| at(*index, line.high[*index]));
                let lower = part.iter().rev().map(|index| at(*index, line.low[*index]));
                page.scene.mark(Mark::new(Shape::Area(upper.chain(lower).collect()), ink).opacity(0.2));
            }
        }
        for part in parts(self.times.len(), |index| is_drawn(index, &line.values)) {
            let part = thinned(&part, &line.values);
            let points: Vec<Point> = part.iter().map(|index| at(*index, line.values[*index])).collect();
            // A single value between gaps is a line of no length with round ends.
            let points = if points.len() == 1 { vec![points[0], points[0]] } else { points };
            page.scene.mark(Mark::new(Shape::Line(points), ink).stroke(2.0));
        }
        let moment = |index: usize| {
            if self.numbers { number(self.times[index]) } else { time::full(self.times[index]) }
        };
        let alerts: Vec<usize> =
            line.alerts.iter().copied().filter(|i| *i < self.times.len()).take(MARKS_MAX).collect();
        let has_tips = self.times.len() <= 200;
        let pointed = (0..self.times.len()).filter(|index| has_tips || alerts.contains(index));
        for index in pointed.filter(|index| is_drawn(*index, &line.values)) {
            let tip = format!("{}\n{} {}", moment(index), line.name, number(line.values[index]));
            let is_alert = alerts.contains(&index);
            let (radius, ink) = if is_alert { (page.em * 0.38, Ink::Raise) } else { (page.em * 0.17, ink) };
            let dots = Shape::Dots(radius, vec![at(index, line.values[index])]);
            page.scene.mark(Mark::new(dots, ink).tip(tip));
        }
    }

    /// Lines at events, with their names above the field.
    fn events(&self, page: &mut Page, frame: &Frame, lanes: usize) {
        let size = page.small();
        let (low, high) = frame.x.values;
        let within = self.events.iter().filter(|event| (low..=high).contains(&event.at));
        let mut events: Vec<&Event> = within.take(MARKS_MAX).collect();
        events.sort_by(|a, b| a.at.total_cmp(&b.at));
        let mut ends = vec![f64::NEG_INFINITY; lanes];
        let mut unnamed = 0;
        for event in events {
            let x = frame.x.at(event.at);
            let name = Label::new(&event.name, (0.0, 0.0), Anchor::Start, size, Ink::Text)
                .within(page.width() * 0.4);
            let left = (x - 1.0).min(page.right - name.width()).max(page.left);
            // The highest that is free and has only free ones below: no line then crosses a name.
            let free = ends.iter().rev().take_while(|end| **end + size * 0.6 <= left).count();
            let lane = (free > 0).then(|| lanes - free);
            let top = frame.plot.y - lane.map_or(0.3, |lane| (lanes - 1 - lane) as f64 + 0.3) * size * LANE;
            let line = Shape::Hair((x, top), (x, frame.plot.bottom()));
            page.scene.mark(Mark::new(line, Ink::Muted).tip(&event.name));
            let Some(lane) = lane else {
                unnamed += 1;
                continue;
            };
            ends[lane] = left + name.width();
            page.scene.label(Label { at: (left, (top - size * 0.25).round()), ..name });
        }
        if unnamed > 0 {
            page.notes.push(words::unnamed(unnamed, page.language));
        }
    }
}

/// Runs of places for which something holds.
fn parts(of: usize, holds: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut last = None;
    for index in (0..of).filter(|index| holds(*index)) {
        match parts.last_mut() {
            Some(part) if last == Some(index - 1) => part.push(index),
            _ => parts.push(vec![index]),
        }
        last = Some(index);
    }
    parts.truncate(POINTS_MAX);
    parts
}

/// The places of the lowest and the highest of neighbours, so that no peak is lost.
fn thinned(part: &[usize], values: &[f64]) -> Vec<usize> {
    if part.len() <= POINTS_MAX {
        return part.to_vec();
    }
    let size = part.len().div_ceil(POINTS_MAX / 2);
    let mut kept = Vec::new();
    for near in part.chunks(size) {
        let low = near.iter().min_by(|a, b| values[**a].total_cmp(&values[**b]));
        let high = near.iter().max_by(|a, b| values[**a].total_cmp(&values[**b]));
        let mut both: Vec<usize> = low.into_iter().chain(high).copied().collect();
        both.sort_unstable();
        both.dedup();
        kept.extend(both);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_part_a_line_and_peaks_survive_thinning() {
        assert_eq!(parts(6, |index| index != 2), [vec![0, 1], vec![3, 4, 5]]);
        let mut values = vec![0.0; 50_000];
        values[31_234] = 9.0;
        let all: Vec<usize> = (0..values.len()).collect();
        let kept = thinned(&all, &values);
        assert!(kept.len() <= POINTS_MAX && kept.contains(&31_234));
    }
}
