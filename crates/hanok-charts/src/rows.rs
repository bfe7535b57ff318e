//! Charts of one line a name: names on the left, a field on the right.

use crate::ink::Ink;
use crate::page::Page;
use crate::scene::{Anchor, Label, Rect};
use crate::text;

/// Between a name and its value; a line may end before it, not within.
pub(crate) const INPUT: &str = " =\u{a0}";

/// Where the lines are.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) plot: Rect,
    /// Height of one line.
    pub(crate) height: f64,
}

impl Rows {
    /// The middle of a line.
    pub(crate) fn middle(&self, row: usize) -> f64 {
        self.plot.y + self.height * (row as f64 + 0.5)
    }

    /// A line's whole room.
    pub(crate) fn room(&self, row: usize) -> Rect {
        Rect { y: self.plot.y + self.height * row as f64, h: self.height, ..self.plot }
    }
}

impl Page {
    /// Writes the names on at most two lines each, no line lower than `least`, and keeps `after` free on the right.
    pub(crate) fn rows<'a>(&mut self, names: impl Iterator<Item = &'a str>, least: f64, after: f64) -> Rows {
        let size = self.em;
        let limit = (self.width() * 0.34).max(size * 5.0);
        let names: Vec<_> = names
            .map(|name| {
                let name = text::clean(name);
                let (mut lines, whole) = text::wrap(&name, limit, 2, size, false);
                if let Some((name, input)) = name.rsplit_once(INPUT).filter(|_| !whole) {
                    // A value keeps a line of its own: half of a number is a wrong number.
                    lines = [name.to_owned(), format!("={}{input}", '\u{a0}')]
                        .map(|line| text::shorten(&line, limit, size, false))
                        .to_vec();
                }
                (name, lines, whole)
            })
            .collect();
        let lines = || names.iter().flat_map(|(_, lines, _)| lines);
        let widest = lines().map(|line| text::width(line, size, false)).fold(0.0, f64::max);
        let deepest = names.iter().map(|(_, lines, _)| lines.len()).max().unwrap_or(1).max(1);
        let height = least.max(size * (1.25 * deepest as f64 + 0.5)).round();
        let left = (self.left + widest + size * 0.7).ceil();
        let top = self.y.round();
        for (row, (name, lines, whole)) in names.iter().enumerate() {
            let middle = top + height * (row as f64 + 0.5);
            for (index, line) in lines.iter().enumerate() {
                let offset = (index as f64 - (lines.len() as f64 - 1.0) / 2.0) * size * 1.22;
                let at = (left - size * 0.7, (middle + offset + size * 0.35).round());
                let mut label = Label::new(line, at, Anchor::End, size, Ink::Text);
                if !whole {
                    label.tip.clone_from(name);
                }
                self.scene.label(label);
            }
        }
        let bottom = top + height * names.len() as f64;
        self.y = bottom;
        Rows { plot: Rect::between((left, top), ((self.right - after).floor(), bottom)), height }
    }
}
