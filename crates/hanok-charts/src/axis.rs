//! Axes: ticks that do not meet, hairlines on whole pixels, titles that are read without turning the head.

use crate::ink::Ink;
use crate::page::Page;
use crate::scale::{Format, Scale};
use crate::scene::{Anchor, Label, Mark, Rect, Shape};
use crate::text;

/// What an axis shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis<'a> {
    pub(crate) label: &'a str,
    pub(crate) values: (f64, f64),
    pub(crate) format: Format,
}

/// A field with two axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) plot: Rect,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

impl Page {
    /// A field of a height with both axes, and room above it; the page goes on below them.
    pub(crate) fn frame(&mut self, x: Axis, y: Axis, height: f64, above: f64) -> Frame {
        let size = self.small();
        self.axis_title(y.label, None);
        self.y += size * 0.8 + above;
        let (top, bottom) = (self.y.round(), (self.y + height).round());
        let vertical = Scale::new(y.values, (bottom, top));
        let ticks = vertical.ticks((height / (size * 3.4)).floor(), y.format, self.language);
        let widest = ticks.iter().map(|(_, label)| text::width(label, size, false)).fold(0.0, f64::max);
        let limit = self.width() * 0.35;
        let left = (self.left + widest.min(limit) + size * 0.6).ceil();
        for (value, label) in &ticks {
            let at = vertical.at(*value).round();
            let line = Shape::Hair((left, at), (self.right, at));
            self.scene.mark(Mark::new(line, Ink::Grid));
            let at = (left - size * 0.5, at + size * 0.35);
            self.scene.label(Label::new(label, at, Anchor::End, size, Ink::Muted).within(limit));
        }
        let plot = Rect::between((left, top), (self.right.floor(), bottom));
        let horizontal = Scale::new(x.values, (plot.x, plot.right()));
        self.y = bottom;
        self.x_axis(horizontal, x, plot, false);
        Frame { plot, x: horizontal, y: vertical }
    }

    /// The axis below a field, with lines up through the field if asked for; the page goes on below its title.
    pub(crate) fn x_axis(&mut self, scale: Scale, axis: Axis, plot: Rect, lines: bool) {
        let size = self.small();
        let room = match axis.format {
            Format::Time => size * 7.0,
            _ => size * 5.0,
        };
        let ticks = scale.ticks((plot.w / room).floor(), axis.format, self.language);
        let bottom = plot.bottom();
        for (value, _) in &ticks {
            let at = scale.at(*value);
            if lines {
                self.scene.mark(Mark::new(Shape::Hair((at, plot.y), (at, bottom)), Ink::Grid));
            }
            self.scene.mark(Mark::new(Shape::Hair((at, bottom), (at, bottom + 4.0)), Ink::Axis));
        }
        self.scene.mark(Mark::new(Shape::Hair((plot.x, bottom), (plot.right(), bottom)), Ink::Axis));
        let texts: Vec<(f64, String)> =
            ticks.into_iter().map(|(value, label)| (scale.at(value), label)).collect();
        self.y = bottom + 5.0 + size * 1.2;
        self.texts_along(&texts, self.y.round(), Ink::Muted, (self.left, self.right));
        self.y += size * 0.4;
        self.axis_title(axis.label, Some(plot));
    }

    /// The title of an axis on at most two lines: in the middle below a field, or at the left.
    pub(crate) fn axis_title(&mut self, title: &str, below: Option<Rect>) {
        let size = self.small();
        let title = text::clean(title);
        let (lines, whole) = text::wrap(&title, self.width(), 2, size, false);
        for line in lines {
            self.y += size * 1.05;
            let mut label = Label::new(&line, (self.left, self.y.round()), Anchor::Start, size, Ink::Muted);
            if let Some(plot) = below {
                let middle = plot.x + (plot.w - label.width()) / 2.0;
                label.at.0 = middle.min(self.right - label.width()).max(self.left);
            }
            if !whole {
                label.tip.clone_from(&title);
            }
            self.scene.label(label);
            self.y += size * 0.25;
        }
    }

    /// A dashed line across a field at a value, for a base value or zero.
    pub(crate) fn vertical_mark(&mut self, scale: Scale, value: f64, plot: Rect) {
        let at = scale.at(value);
        self.scene.mark(Mark::new(Shape::Hair((at, plot.y), (at, plot.bottom())), Ink::Axis));
    }

    /// Height of a field that suits the page's width.
    pub(crate) fn field_height(&self) -> f64 {
        (self.width() * 0.48).clamp(self.em * 10.0, self.em * 26.0).round()
    }
}
