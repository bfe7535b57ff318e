//! What a drawing consists of, in pixels from the upper left corner: marks and texts in the order of painting.

use crate::ink::Ink;
use crate::text;

/// Share of the font's size above and below the baseline that a text takes.
const ASCENT: f64 = 0.93;
const DESCENT: f64 = 0.27;

/// A point.
pub(crate) type Point = (f64, f64);

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) w: f64,
    pub(crate) h: f64,
}

impl Rect {
    /// Between two corners, in any order.
    pub(crate) fn between(a: Point, b: Point) -> Self {
        Self { x: a.0.min(b.0), y: a.1.min(b.1), w: (b.0 - a.0).abs(), h: (b.1 - a.1).abs() }
    }

    /// Its right side.
    pub(crate) fn right(self) -> f64 {
        self.x + self.w
    }

    /// Its lower side.
    pub(crate) fn bottom(self) -> f64 {
        self.y + self.h
    }

    /// Whole pixels, at least one of each.
    pub(crate) fn crisp(self) -> Self {
        let (x, y) = (self.x.round(), self.y.round());
        let (right, bottom) = ((self.x + self.w).round(), (self.y + self.h).round());
        Self { x, y, w: (right - x).max(1.0), h: (bottom - y).max(1.0) }
    }
}

/// The outline of a mark.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A filled rectangle.
    Rect(Rect),
    /// A horizontal or vertical line of one pixel, aligned to pixels.
    Hair(Point, Point),
    /// A line through points.
    Line(Vec<Point>),
    /// A filled polygon.
    Area(Vec<Point>),
    /// Filled circles of one radius.
    Dots(f64, Vec<Point>),
}

/// A shape with its paint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) shape: Shape,
    pub(crate) ink: Ink,
    /// Width of a line.
    pub(crate) stroke: f64,
    /// Lengths of dash and gap; zero for a continuous line.
    pub(crate) dash: f64,
    pub(crate) opacity: f64,
    /// What a reader sees who points at it.
    pub(crate) tip: String,
}

impl Mark {
    /// A solid mark.
    pub(crate) fn new(shape: Shape, ink: Ink) -> Self {
        Self { shape, ink, stroke: 1.5, dash: 0.0, opacity: 1.0, tip: String::new() }
    }

    /// With what a reader sees who points at it.
    pub(crate) fn tip(mut self, tip: impl Into<String>) -> Self {
        self.tip = tip.into().lines().map(text::clean).collect::<Vec<_>>().join("\n");
        self
    }

    /// Partly transparent.
    pub(crate) fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = opacity;
        self
    }

    /// With another width of the line.
    pub(crate) fn stroke(mut self, stroke: f64) -> Self {
        self.stroke = stroke;
        self
    }

    /// As a dashed line.
    pub(crate) fn dashed(mut self) -> Self {
        self.dash = 4.0;
        self
    }
}

/// Which point of a text stands at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    /// Cleaned.
    pub(crate) text: String,
    /// On the baseline.
    pub(crate) at: Point,
    pub(crate) anchor: Anchor,
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) ink: Ink,
    /// All of the text if this is only a part of it.
    pub(crate) tip: String,
}

impl Label {
    /// A text at a baseline.
    pub(crate) fn new(text: &str, at: Point, anchor: Anchor, size: f64, ink: Ink) -> Self {
        Self { text: text::clean(text), at, anchor, size, bold: false, ink, tip: String::new() }
    }

    /// In bold.
    pub(crate) fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    /// Shortened to a width, with all of it as tip.
    pub(crate) fn within(self, limit: f64) -> Self {
        let short = text::shorten(&self.text, limit, self.size, self.bold);
        self.shown_as(short)
    }

    /// As a part of it, with all of it as tip.
    pub(crate) fn shown_as(mut self, part: String) -> Self {
        if part != self.text {
            self.tip = std::mem::replace(&mut self.text, part);
        }
        self
    }

    /// Its width as measured.
    pub(crate) fn width(&self) -> f64 {
        text::width(&self.text, self.size, self.bold)
    }

    /// The room it takes.
    pub(crate) fn bounds(&self) -> Rect {
        let w = self.width();
        let x = self.at.0
            - match self.anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => w / 2.0,
                Anchor::End => w,
            };
        Rect { x, y: self.at.1 - self.size * ASCENT, w, h: self.size * (ASCENT + DESCENT) }
    }
}

/// A mark or a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Mark(Mark),
    Label(Label),
}

/// A whole drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) items: Vec<Item>,
}

impl Scene {
    /// Adds a mark.
    pub(crate) fn mark(&mut self, mark: Mark) {
        self.items.push(Item::Mark(mark));
    }

    /// Adds a text, unless there is nothing of it.
    pub(crate) fn label(&mut self, label: Label) {
        if !label.text.is_empty() {
            self.items.push(Item::Label(label));
        }
    }

    /// Adds another scene with its upper left corner at a point.
    pub(crate) fn place(&mut self, other: Scene, (dx, dy): Point) {
        let moved = |point: &mut Point| *point = (point.0 + dx, point.1 + dy);
        for mut item in other.items {
            match &mut item {
                Item::Label(label) => moved(&mut label.at),
                Item::Mark(mark) => match &mut mark.shape {
                    Shape::Rect(rect) => (rect.x, rect.y) = (rect.x + dx, rect.y + dy),
                    Shape::Hair(from, to) => {
                        moved(from);
                        moved(to);
                    }
                    Shape::Line(points) | Shape::Area(points) | Shape::Dots(_, points) => {
                        points.iter_mut().for_each(moved);
                    }
                },
            }
            self.items.push(item);
        }
    }
}
