//! The page of a chart: heading, body, legend and captions below each other, so that their texts cannot meet.

use crate::error::Result;
use crate::ink::Ink;
use crate::scene::{Anchor, Label, Mark, Rect, Scene, Shape};
use crate::spec::Chart;
use crate::style::{Language, Style};
use crate::text;
use crate::words::{self, Word};

/// A drawing that grows downwards.
pub(crate) struct Page {
    pub(crate) scene: Scene,
    /// Size of ordinary text.
    pub(crate) em: f64,
    pub(crate) language: Language,
    /// Left and right ends of what may be drawn on.
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// Where the next block begins.
    pub(crate) y: f64,
    /// What the captions say beside the chart's own note.
    pub(crate) notes: Vec<String>,
    /// See [`Chart::sample_of`].
    sample_of: Option<usize>,
    /// Part of a grid that explains its series once for all parts.
    pub(crate) is_part: bool,
}

/// The scene of a chart.
pub(crate) fn draw(chart: &Chart, style: &Style) -> Result<Scene> {
    let mut scene = draw_part(chart, style.pixels(), style.em(), style.language, false)?;
    let surface = Rect { x: 0.0, y: 0.0, w: scene.width, h: scene.height };
    scene.items.insert(0, crate::scene::Item::Mark(Mark::new(Shape::Rect(surface), Ink::Surface)));
    Ok(scene)
}

/// The scene of a chart without a surface; `is_part` of a grid that explains the series.
pub(crate) fn draw_part(
    chart: &Chart,
    width: f64,
    em: f64,
    language: Language,
    is_part: bool,
) -> Result<Scene> {
    let margin = (em * 0.9).round();
    let mut page = Page {
        scene: Scene { width, ..Scene::default() },
        em,
        language,
        left: margin,
        right: width - margin,
        y: margin,
        notes: Vec::new(),
        sample_of: chart.sample_of,
        is_part,
    };
    page.paragraph(&chart.title, em * 1.15, Ink::Text, true, 3);
    page.paragraph(&chart.subtitle, em, Ink::Muted, false, 3);
    if page.y > margin {
        page.y += em * 0.5;
    }
    chart.plot.draw(&mut page)?;
    let mut notes = std::mem::take(&mut page.notes);
    notes.push(chart.note.clone());
    notes.retain(|note| !note.trim().is_empty());
    if !notes.is_empty() {
        page.y += em * 0.5;
        page.paragraph(&notes.join(" "), page.small(), Ink::Muted, false, 6);
    }
    page.scene.height = (page.y + margin).ceil();
    Ok(page.scene)
}

impl Page {
    /// Size of the text of ticks and captions.
    pub(crate) fn small(&self) -> f64 {
        (self.em * 0.9 * 2.0).round() / 2.0
    }

    /// Width of what may be drawn on.
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Says how many rows are drawn of those that were given, or of those that they are a sample of.
    pub(crate) fn sampled(&mut self, drawn: usize, given: usize) {
        let note = match self.sample_of {
            Some(all) => words::sample(drawn, all, self.language),
            None if drawn < given => words::sampled(drawn, given, self.language),
            None => return,
        };
        self.notes.push(note);
    }

    /// A word in the page's language.
    pub(crate) fn word(&self, word: Word) -> &'static str {
        word.text(self.language)
    }

    /// Text from margin to margin.
    pub(crate) fn paragraph(&mut self, text: &str, size: f64, ink: Ink, bold: bool, lines_max: usize) {
        let text = text::clean(text);
        let (lines, whole) = text::wrap(&text, self.width(), lines_max, size, bold);
        for line in lines {
            self.y += size * 1.05;
            let mut label = Label::new(&line, (self.left, self.y.round()), Anchor::Start, size, ink);
            label.bold = bold;
            if !whole {
                label.tip.clone_from(&text);
            }
            self.scene.label(label);
            self.y += size * 0.3;
        }
    }

    /// Adds a text if it lies between two ends; what it says is then in the tip of its mark only.
    pub(crate) fn label_between(&mut self, left: f64, label: Label, right: f64) {
        let bounds = label.bounds();
        if bounds.x >= left && bounds.right() <= right {
            self.scene.label(label);
        }
    }

    /// Says in the middle of an empty body that there is nothing.
    pub(crate) fn nothing(&mut self) {
        let size = self.em;
        let at = (f64::midpoint(self.left, self.right), self.y + size * 3.0);
        self.scene.label(Label::new(self.word(Word::NoData), at, Anchor::Middle, size, Ink::Muted));
        self.y += size * 5.0;
    }

    /// Texts around points of one horizontal line: moved inwards at the ends, left out where they would meet. Returns
    /// how many are there.
    pub(crate) fn texts_along(
        &mut self,
        texts: &[(f64, String)],
        baseline: f64,
        ink: Ink,
        ends: (f64, f64),
    ) -> usize {
        let size = self.small();
        let boxes: Vec<(f64, f64)> = texts
            .iter()
            .map(|(x, text)| {
                let width = text::width(text, size, false);
                let left = (x - width / 2.0).min(ends.1 - width).max(ends.0);
                (left, left + width)
            })
            .collect();
        let meets = |step: usize| {
            let kept: Vec<_> = boxes.iter().step_by(step).collect();
            kept.windows(2).any(|pair| pair[1].0 < pair[0].1 + size * 0.6)
        };
        // Every second, third… so that what is left keeps its rhythm.
        let step = (1..=texts.len().max(1)).find(|step| !meets(*step)).unwrap_or(1);
        let mut placed = 0;
        for ((_, text), (left, right)) in texts.iter().zip(&boxes).step_by(step) {
            if *right <= ends.1 + 0.01 {
                self.scene.label(Label::new(text, (*left, baseline), Anchor::Start, size, ink));
                placed += 1;
            }
        }
        placed
    }
}
