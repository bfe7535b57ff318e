//! Legends: keys beside each other on as many lines as they need, and ramps from low to high.

use crate::ink::{Ink, STEPS};
use crate::page::Page;
use crate::scene::{Anchor, Label, Mark, Rect, Shape};
use crate::text;

/// The picture of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Box,
    Line,
    Dashed,
    Dot,
}

impl Page {
    /// Keys with their names.
    pub(crate) fn legend(&mut self, entries: &[(Key, Ink, String)]) {
        let size = self.small();
        let (swatch, gap) = (size * 1.1, size * 1.2);
        let limit = self.width() - swatch - size;
        let mut x = self.left;
        self.y += size * 1.1;
        for (key, ink, name) in entries {
            let label = Label::new(name, (0.0, 0.0), Anchor::Start, size, Ink::Text).within(limit);
            let needed = swatch + size * 0.45 + label.width();
            if x > self.left && x + needed > self.right {
                x = self.left;
                self.y += size * 1.5;
            }
            let baseline = self.y.round();
            self.key(*key, *ink, x, baseline - size * 0.36, swatch);
            self.scene.label(Label { at: (x + swatch + size * 0.45, baseline), ..label });
            x += needed + gap;
        }
        self.y += size * 0.9;
    }

    fn key(&mut self, key: Key, ink: Ink, x: f64, middle: f64, swatch: f64) {
        let shape = match key {
            Key::Box => {
                Shape::Rect(Rect { x, y: middle - swatch * 0.4, w: swatch * 0.8, h: swatch * 0.8 }.crisp())
            }
            Key::Line | Key::Dashed => Shape::Line(vec![(x, middle), (x + swatch, middle)]),
            Key::Dot => Shape::Dots(swatch * 0.3, vec![(x + swatch * 0.4, middle)]),
        };
        let mark = Mark::new(shape, ink).stroke(2.0);
        self.scene.mark(if key == Key::Dashed { mark.dashed() } else { mark });
    }

    /// A ramp between the names of its ends, with what it stands for before it, and a key for what is missing.
    pub(crate) fn ramp(&mut self, of: fn(u8) -> Ink, what: &str, ends: (&str, &str), missing: Option<&str>) {
        let size = self.small();
        let width = |text: &str| text::width(text, size, false);
        self.y += size * 1.1;
        let bar = (self.width() * 0.2).clamp(size * 4.0, size * 10.0).round();
        let fixed = width(ends.0) + width(ends.1) + bar + size * 2.2;
        let missing_room = missing.map_or(0.0, |text| width(text) + size * 2.6);
        let what = text::clean(what);
        let mut x = self.left;
        if !what.is_empty() {
            let own_line = fixed + missing_room + width(&what) > self.width();
            let limit = if own_line { self.width() } else { self.width() - fixed - missing_room };
            let label = Label::new(&what, (x, self.y.round()), Anchor::Start, size, Ink::Muted).within(limit);
            x += label.width() + size * 0.8;
            self.scene.label(label);
            if own_line {
                x = self.left;
                self.y += size * 1.5;
            }
        }
        let baseline = self.y.round();
        let limit = (self.width() - bar - size * 2.2) / 2.0;
        let low = Label::new(ends.0, (x, baseline), Anchor::Start, size, Ink::Text).within(limit);
        x = (x + low.width() + size * 0.45).round();
        self.scene.label(low);
        let parts = f64::from(STEPS) + 1.0;
        for step in 0..=STEPS {
            let from = x + bar * f64::from(step) / parts;
            let part = Rect { x: from, y: baseline - size * 0.75, w: bar / parts + 0.5, h: size * 0.75 };
            self.scene.mark(Mark::new(Shape::Rect(part), of(step)));
        }
        x += bar + size * 0.5;
        let high = Label::new(ends.1, (x, baseline), Anchor::Start, size, Ink::Text).within(limit);
        x += high.width() + size * 1.2;
        self.scene.label(high);
        if let Some(missing) = missing {
            if x + missing_room > self.right {
                x = self.left;
                self.y += size * 1.5;
            }
            let baseline = self.y.round();
            self.key(Key::Dot, Ink::Missing, x, baseline - size * 0.36, size * 1.1);
            self.scene.label(Label::new(missing, (x + size * 1.2, baseline), Anchor::Start, size, Ink::Text));
        }
        self.y += size * 0.9;
    }
}
