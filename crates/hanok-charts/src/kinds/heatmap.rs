//! Heatmap: contributions of all rows as colours, a line a feature, with the prediction above.

use serde::Deserialize;

use super::feature::{self, Feature, ranked, rows_of};
use super::rows_default;
use crate::error::{Result, same};
use crate::ink::Ink;
use crate::number::{figure, number, signed};
use crate::page::Page;
use crate::reduce::{quantile, sorted};
use crate::scale::{Scale, extent, padded};
use crate::scene::{Anchor, Label, Mark, Point, Rect, Shape};
use crate::spec;
use crate::text;
use crate::words::{self, Word};

/// Columns of cells.
const COLUMNS_MAX: usize = 160;

/// Contributions of many rows in an order that the caller has chosen, e.g. by likeness.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heatmap {
    /// What the columns are, e.g. "rows, alike beside each other".
    #[serde(default)]
    pub axis: String,
    /// The features, all of the same rows.
    pub features: Vec<Feature>,
    /// Each row's prediction; empty for none.
    #[serde(default, deserialize_with = "spec::numbers")]
    pub predictions: Vec<f64>,
    /// Features shown, by mean size. 20 unless given.
    #[serde(default = "rows_default")]
    pub rows_max: usize,
    /// Keep the order of the features among those that are shown. Otherwise the largest comes first.
    #[serde(default)]
    pub keep_order: bool,
}

impl Heatmap {
    pub(super) fn summary(&self) -> String {
        feature::summary(&self.features)
    }

    /// The features to draw, with their mean sizes.
    fn lines(&self) -> Vec<(&Feature, f64)> {
        let mut lines = ranked(&self.features, self.rows_max);
        if self.keep_order {
            // In a list, addresses rise.
            lines.sort_by_key(|(feature, _)| std::ptr::from_ref(*feature));
        }
        lines
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        let rows = rows_of(&self.features)?;
        if !self.predictions.is_empty() {
            same(|| "`predictions`".to_owned(), rows, self.predictions.len())?;
        }
        let shown = self.lines();
        let sizes: Vec<f64> =
            shown.iter().flat_map(|(feature, _)| feature.values.iter().map(|v| v.abs())).collect();
        let sizes = sorted(&sizes);
        let Some(largest) = sizes.last().copied() else {
            page.nothing();
            return Ok(());
        };
        // A few extremes must not take all of the colours.
        let limit = quantile(&sizes, 0.99).filter(|limit| *limit > 0.0).unwrap_or(largest);
        let longest = shown.iter().map(|(_, size)| *size).fold(f64::MIN_POSITIVE, f64::max);
        let small = page.small();
        let numbers: Vec<String> = shown.iter().map(|(_, size)| figure(*size, 3)).collect();
        let widest = numbers.iter().map(|text| text::width(text, small, false)).fold(0.0, f64::max);
        let bar = (page.width() * 0.1).round();
        let line_top = page.y;
        if !self.predictions.is_empty() {
            page.y += page.em * 4.2;
        }
        // The title of the bars at the right has a line of its own.
        page.y += small * 1.4;
        let title_at = page.y - small * 0.5;
        let field =
            page.rows(shown.iter().map(|(f, _)| f.name.as_str()), page.em * 1.7, bar + widest + small * 1.4);
        let plot = field.plot;
        let columns = rows.min(COLUMNS_MAX).min(plot.w.max(1.0) as usize).max(1);
        let edges = |column: usize| plot.x + (plot.w * column as f64 / columns as f64).round();
        if !self.predictions.is_empty() {
            let room = Rect { x: plot.x, y: line_top, w: plot.w, h: page.em * 3.8 };
            self.line(page, room, columns);
        }
        for (line, (feature, size)) in shown.iter().enumerate() {
            let room = field.room(line);
            let inks: Vec<Ink> = binned(&feature.values, columns)
                .map(|mean| Ink::ramp(Ink::Diverging, mean / limit / 2.0 + 0.5))
                .collect();
            let mut column = 0;
            while column < columns {
                let end = (column..columns).find(|next| inks[*next] != inks[column]).unwrap_or(columns);
                let rect = Rect::between((edges(column), room.y), (edges(end), room.bottom() - 1.0));
                page.scene.mark(Mark::new(Shape::Rect(rect), inks[column]));
                column = end;
            }
            let x = (plot.right() + small * 0.6).round();
            let length = size / longest * bar;
            let rect = Rect { x, y: room.y + room.h * 0.2, w: length, h: room.h * 0.6 }.crisp();
            page.scene.mark(Mark::new(Shape::Rect(rect), Ink::Series(0)));
            let at = (rect.right() + small * 0.4, room.y + room.h / 2.0 + small * 0.35);
            page.scene.label(Label::new(&numbers[line], at, Anchor::Start, small, Ink::Muted));
            let tip = format!("{}: {}", feature.name, numbers[line]);
            let room = Rect { w: page.right - room.x, ..room }.crisp();
            page.scene.mark(Mark::new(Shape::Rect(room), Ink::Surface).opacity(0.0).tip(tip));
        }
        let title = page.word(Word::MeanEffect);
        let title = Label::new(title, (page.right, title_at.round()), Anchor::End, small, Ink::Muted)
            .within(page.width() * 0.4);
        page.scene.label(title);
        page.sampled(rows, rows);
        if columns < rows {
            page.notes.push(words::averaged(columns, rows, page.language));
        }
        page.paragraph(&self.axis, small, Ink::Muted, false, 2);
        page.y += page.em * 0.3;
        let ends = (signed(-limit), signed(limit));
        let missing = shown.iter().any(|(f, _)| f.values.iter().any(|v| !v.is_finite()));
        let missing = missing.then(|| page.word(Word::Missing));
        page.ramp(Ink::Diverging, page.word(Word::Contribution), (&ends.0, &ends.1), missing);
        if shown.len() < self.features.len() {
            page.notes.push(words::largest(shown.len(), self.features.len(), page.language));
        }
        Ok(())
    }

    /// The predictions as a line, with their lowest and highest.
    fn line(&self, page: &mut Page, room: Rect, columns: usize) {
        let means: Vec<f64> = binned(&self.predictions, columns).collect();
        let Some(found) = extent(means.iter().copied()) else { return };
        let size = page.small();
        let scale = Scale::new(padded(Some(found), 0.0), (room.bottom() - 2.0, room.y + 2.0));
        let at = |column: usize| room.x + room.w * (column as f64 + 0.5) / columns as f64;
        let points: Vec<Point> = means
            .iter()
            .enumerate()
            .filter(|(_, mean)| mean.is_finite())
            .map(|(column, mean)| (at(column), scale.at(*mean)))
            .collect();
        page.scene.mark(Mark::new(Shape::Line(points), Ink::Text).stroke(1.2));
        let right = room.x - size * 0.5;
        let limit = right - page.left;
        let texts = [(number(found.1), room.y + size), (number(found.0), room.bottom())];
        for (text, y) in texts {
            page.scene
                .label(Label::new(&text, (right, y.round()), Anchor::End, size, Ink::Muted).within(limit));
        }
        let middle = (room.y + room.bottom() + size) / 2.0;
        let title = page.word(Word::Prediction);
        page.scene
            .label(Label::new(title, (right, middle.round()), Anchor::End, size, Ink::Text).within(limit));
    }
}

/// Means of the finite values of equal parts; NaN for a part without any.
fn binned(values: &[f64], columns: usize) -> impl Iterator<Item = f64> {
    (0..columns).map(move |column| {
        let part = &values[values.len() * column / columns..values.len() * (column + 1) / columns];
        let finite = || part.iter().filter(|value| value.is_finite());
        let n = finite().count() as f64;
        if n > 0.0 { finite().map(|value| value / n).sum() } else { f64::NAN }
    })
}
