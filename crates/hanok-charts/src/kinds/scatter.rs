//! Scatter: two numbers a row as dots, e.g. a feature's value and its contribution (dependence).

use serde::Deserialize;

use super::beeswarm::paint;
use crate::axis::{Axis, Frame};
use crate::error::{Result, same};
use crate::ink::Ink;
use crate::legend::Key;
use crate::number::number;
use crate::page::Page;
use crate::reduce::{extremes, golden, quantile, sample, shares, sorted};
use crate::scale::{Format, Scale, extent, padded};
use crate::scene::{Anchor, Label, Mark, Point, Rect, Shape};
use crate::spec;
use crate::text;
use crate::time;
use crate::words::{self, Word};

/// Dots of the whole picture.
const DOTS_MAX: usize = 8000;
/// Pictures of more dots say nothing about single ones.
const TIPS_MAX: usize = 600;
/// Bars of the picture of how many rows there are.
const BARS: usize = 40;
/// Categories with names of their own.
const LEVELS_MAX: usize = 24;
/// Categories with colours of their own.
const COLOURS_MAX: usize = 6;

/// Dots between two axes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scatter {
    /// Positions across.
    pub x: Variable,
    /// Positions up.
    pub y: Variable,
    /// Colours, if any.
    #[serde(default)]
    pub colour: Option<Variable>,
}

/// A value of every row.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it is.
    #[serde(default)]
    pub name: String,
    /// A number for each row; with `levels`, a place in them.
    #[serde(deserialize_with = "spec::numbers")]
    pub values: Vec<f64>,
    /// Names of categories: at most 24 across, 6 as colours, none up.
    #[serde(default)]
    pub levels: Vec<String>,
    /// The values of a colour are moments: microseconds since 1970-01-01 UTC.
    #[serde(default)]
    pub times: bool,
}

impl Variable {
    fn text(&self, value: f64) -> String {
        if self.times && value.is_finite() {
            return time::full(value);
        }
        let level = (value >= 0.0 && value.fract() == 0.0).then(|| self.levels.get(value as usize)).flatten();
        level.cloned().unwrap_or_else(|| number(value))
    }

    fn is_categorical(&self) -> bool {
        !self.levels.is_empty() && self.levels.len() <= LEVELS_MAX
    }

    /// The colour of each row.
    fn inks(&self) -> Vec<Ink> {
        if !self.has_colours() {
            return shares(&self.values).into_iter().map(|share| Ink::ramp(Ink::Value, share)).collect();
        }
        let level = |value: &f64| {
            let known = *value >= 0.0 && *value < self.levels.len() as f64;
            if known { Ink::Series(*value as u8) } else { Ink::Missing }
        };
        self.values.iter().map(level).collect()
    }

    /// Whether categories have colours.
    fn has_colours(&self) -> bool {
        !self.levels.is_empty() && self.levels.len() <= COLOURS_MAX
    }
}

impl Scatter {
    pub(super) fn summary(&self) -> String {
        let range = |of: &Variable| match extent(of.values.iter().copied()) {
            Some((low, high)) => format!("{} {} … {}", of.name, number(low), number(high)),
            None => of.name.clone(),
        };
        format!("{}; {}", range(&self.x), range(&self.y))
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        let (xs, ys) = (&self.x.values, &self.y.values);
        same(|| format!("`{}` (y)", self.y.name), xs.len(), ys.len())?;
        if let Some(colour) = &self.colour {
            same(|| format!("`{}` (colour)", colour.name), xs.len(), colour.values.len())?;
        }
        let drawable = |index: &usize| ys[*index].is_finite() && !xs[*index].is_infinite();
        let Some(y) = extent(ys.iter().copied()) else {
            page.nothing();
            return Ok(());
        };
        let (y_values, is_categorical) = (padded(Some(y), 0.06), self.x.is_categorical());
        let has_missing = xs.iter().any(|x| x.is_nan());
        let x_values = if is_categorical {
            (-0.5, self.x.levels.len() as f64 - 0.5)
        } else {
            padded(extent(xs.iter().copied()), 0.03)
        };
        let height = page.field_height();
        let (mut frame, missing) = self.frame(page, x_values, y_values, height, has_missing);
        bars(page, &frame, xs);
        page.scene.mark(Mark::new(
            Shape::Hair((frame.plot.x, frame.y.zero()), (frame.plot.right(), frame.y.zero())),
            if y_values.0 < 0.0 && y_values.1 > 0.0 { Ink::Axis } else { Ink::Grid },
        ));
        frame.plot =
            Rect::between((frame.x.pixels.0, frame.plot.y), (frame.plot.right(), frame.plot.bottom()));
        let mut keep = extremes(xs);
        keep.extend(extremes(ys));
        let kept: Vec<usize> = sample(xs.len(), DOTS_MAX, &keep);
        page.sampled(kept.len(), xs.len());
        let kept: Vec<usize> = kept.into_iter().filter(drawable).collect();
        let left_out = (0..xs.len()).filter(|index| !drawable(index)).count();
        if left_out > 0 {
            page.notes.push(words::left_out(left_out, page.language));
        }
        let jitter =
            if is_categorical { frame.plot.w / self.x.levels.len().max(1) as f64 * 0.6 } else { 0.0 };
        let (em, page_left) = (page.em, page.left);
        let place = |index: usize| -> Point {
            let spread = golden(index) - 0.5;
            let x = if xs[index].is_nan() {
                missing + spread * em
            } else {
                frame.x.at(xs[index]) + spread * jitter
            };
            (x.clamp(page_left, frame.plot.right()), frame.y.at(ys[index]))
        };
        self.dots(page, &kept, place);
        self.colours(page);
        Ok(())
    }

    /// The axes, with a strip for missing values on the left; returns its middle.
    fn frame(
        &self,
        page: &mut Page,
        x: (f64, f64),
        y: (f64, f64),
        height: f64,
        has_missing: bool,
    ) -> (Frame, f64) {
        let y_axis = Axis { label: &self.y.name, values: y, format: Format::Number };
        if !has_missing && !self.x.is_categorical() {
            let frame = page.frame(
                Axis { label: &self.x.name, values: x, format: Format::Number },
                y_axis,
                height,
                0.0,
            );
            return (frame, frame.plot.x);
        }
        // The frame is laid out without ticks across, which then follow.
        let blank = Axis { label: "", values: (0.0, 0.0), format: Format::Number };
        let mut frame = page.frame(blank, y_axis, height, 0.0);
        let size = page.small();
        let word = page.word(Word::Missing);
        let strip = if has_missing { text::width(word, size, false) + size } else { 0.0 };
        let plot =
            Rect::between((frame.plot.x + strip, frame.plot.y), (frame.plot.right(), frame.plot.bottom()));
        frame.x = Scale::new(x, (plot.x, plot.right()));
        let middle = frame.plot.x + strip / 2.0;
        if has_missing {
            let room = Rect { w: strip - size * 0.3, ..frame.plot }.crisp();
            page.scene.mark(Mark::new(Shape::Rect(room), Ink::Grid).opacity(0.5));
        }
        if self.x.is_categorical() {
            self.level_names(page, &frame, plot, (has_missing, middle));
        } else {
            if has_missing {
                let baseline = (plot.bottom() + 5.0 + size * 1.2).round();
                page.texts_along(
                    &[(middle, word.to_owned())],
                    baseline,
                    Ink::Muted,
                    (page.left, plot.x - size * 0.3),
                );
            }
            let left = std::mem::replace(&mut page.left, plot.x);
            page.x_axis(
                frame.x,
                Axis { label: &self.x.name, values: x, format: Format::Number },
                plot,
                false,
            );
            page.left = left;
        }
        (frame, middle)
    }

    /// Names of categories below their places: level if all fit, else in steps of lines.
    fn level_names(&self, page: &mut Page, frame: &Frame, plot: Rect, (has_missing, missing): (bool, f64)) {
        let size = page.small();
        let slot = plot.w / self.x.levels.len() as f64;
        let widest = self.x.levels.iter().map(|name| text::width(name, size, false)).fold(0.0, f64::max);
        // Each line holds every n-th name, which then has n slots of room.
        let lines =
            (1..=4).find(|lines| widest + size * 0.6 <= slot * f64::from(*lines)).unwrap_or(4) as usize;
        let top = plot.bottom() + 5.0 + size * 1.2;
        for (level, name) in self.x.levels.iter().enumerate() {
            let at = frame.x.at(level as f64);
            // Half a room on each side, less where the page ends.
            let half = (slot * lines as f64 - size * 0.6) / 2.0;
            let (left, right) = (half.min(at - page.left), half.min(page.right - at));
            let label = Label::new(name, (at, 0.0), Anchor::Start, size, Ink::Muted).within(left + right);
            let x = (at - label.width() / 2.0).min(at + right - label.width()).max(at - left);
            let y = (top + (level % lines) as f64 * size * 1.3).round();
            page.scene.label(Label { at: (x, y), ..label });
        }
        page.y = top + (lines as f64 - 1.0) * size * 1.3;
        if has_missing {
            page.y += size * 1.3;
            page.texts_along(
                &[(missing, page.word(Word::Missing).to_owned())],
                page.y.round(),
                Ink::Muted,
                (page.left, page.right),
            );
        }
        page.y += size * 0.4;
        page.axis_title(&self.x.name, Some(plot));
    }

    fn dots(&self, page: &mut Page, kept: &[usize], place: impl Fn(usize) -> Point) {
        let inks = self.colour.as_ref().map(Variable::inks);
        let ink = |index: usize| inks.as_ref().map_or(Ink::Series(0), |inks| inks[index]);
        let radius = if kept.len() > 2000 { page.em * 0.14 } else { page.em * 0.21 };
        if kept.len() > TIPS_MAX {
            let dots: Vec<_> = kept.iter().map(|index| (ink(*index), place(*index))).collect();
            paint(page, dots.into_iter(), radius, 0.7);
            return;
        }
        for index in kept {
            let mut tip = format!(
                "{}: {}; {}: {}",
                self.x.name,
                self.x.text(self.x.values[*index]),
                self.y.name,
                number(self.y.values[*index])
            );
            if let Some(colour) = &self.colour {
                tip += &format!("; {}: {}", colour.name, colour.text(colour.values[*index]));
            }
            let dot = Mark::new(Shape::Dots(radius, vec![place(*index)]), ink(*index));
            page.scene.mark(dot.opacity(0.8).tip(tip));
        }
    }

    fn colours(&self, page: &mut Page) {
        let Some(colour) = &self.colour else { return };
        page.y += page.em * 0.3;
        if colour.has_colours() {
            page.paragraph(&colour.name, page.small(), Ink::Muted, false, 1);
            let levels = colour.levels.iter().enumerate();
            let mut keys: Vec<_> =
                levels.map(|(at, name)| (Key::Dot, Ink::Series(at as u8), name.clone())).collect();
            if colour.inks().contains(&Ink::Missing) {
                keys.push((Key::Dot, Ink::Missing, page.word(Word::Missing).to_owned()));
            }
            page.legend(&keys);
            return;
        }
        let sorted = sorted(&colour.values);
        let ends = [0.05, 0.95]
            .map(|share| quantile(&sorted, share).map_or("–".to_owned(), |end| colour.text(end)));
        let missing = colour.values.iter().any(|value| value.is_nan()).then(|| page.word(Word::Missing));
        page.ramp(Ink::Value, &colour.name, (&ends[0], &ends[1]), missing);
    }
}

/// How many rows there are along x, in grey at the foot of the field.
fn bars(page: &mut Page, frame: &Frame, xs: &[f64]) {
    let (low, high) = frame.x.values;
    let mut counts = [0_usize; BARS];
    for x in xs.iter().filter(|x| x.is_finite()) {
        let place = ((x - low) / (high - low) * BARS as f64) as usize;
        counts[place.min(BARS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let width = (frame.x.pixels.1 - frame.x.pixels.0) / BARS as f64;
    for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let h = (*count as f64 / most * frame.plot.h * 0.16).max(1.0);
        let x = frame.x.pixels.0 + width * place as f64;
        let bar = Rect { x, y: frame.plot.bottom() - h, w: width, h }.crisp();
        page.scene.mark(Mark::new(Shape::Rect(bar), Ink::Grid));
    }
}
