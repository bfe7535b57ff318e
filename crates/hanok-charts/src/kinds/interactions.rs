//! Interactions: strengths of pairs of features as a staircase of cells, so that every name is read without turning the
//! head and no pair is there twice.

use serde::Deserialize;

use crate::error::{Result, same};
use crate::ink::Ink;
use crate::number::{figure, number};
use crate::page::Page;
use crate::scene::{Anchor, Label, Mark, Rect, Shape};
use crate::spec;
use crate::text;
use crate::words;

/// Features of the whole picture.
const FEATURES_MAX: usize = 40;

/// Size of the numbers in cells, of that of small text.
const NUMBERS: f64 = 0.9;

/// Strengths of pairs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interactions {
    /// What the colours are, e.g. "mean |SHAP interaction value|".
    #[serde(default)]
    pub axis: String,
    /// Names of the features.
    pub features: Vec<String>,
    /// A list for each feature with its strength with each feature; only the part below the diagonal and the diagonal
    /// (the main effects) are read.
    #[serde(deserialize_with = "spec::matrix")]
    pub strengths: Vec<Vec<f64>>,
    /// Features shown, by the sum of their strengths. 12 unless given.
    #[serde(default = "features_default")]
    pub rows_max: usize,
}

fn features_default() -> usize {
    12
}

impl Interactions {
    fn strength(&self, a: usize, b: usize) -> f64 {
        self.strengths[a.max(b)][a.min(b)]
    }

    fn check(&self) -> Result<()> {
        let n = self.features.len();
        same(|| "`strengths`".to_owned(), n, self.strengths.len())?;
        let rows = self.features.iter().zip(&self.strengths);
        rows.into_iter().try_for_each(|(name, row)| same(|| format!("`strengths` of `{name}`"), n, row.len()))
    }

    /// Places of the features to show, strongest first.
    fn order(&self) -> Vec<usize> {
        let n = self.features.len();
        let finite = |value: f64| if value.is_finite() { value.abs() } else { 0.0 };
        let sum = |a: usize| (0..n).map(|b| finite(self.strength(a, b))).fold(0.0, |sum, value| sum + value);
        let mut order: Vec<(usize, f64)> = (0..n).map(|place| (place, sum(place))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        order.into_iter().take(self.rows_max.clamp(2, FEATURES_MAX)).map(|(place, _)| place).collect()
    }

    pub(super) fn summary(&self) -> String {
        if self.check().is_err() {
            return String::new();
        }
        let order = self.order();
        let mut pairs: Vec<(usize, usize)> =
            order.iter().enumerate().flat_map(|(i, a)| order[..i].iter().map(|b| (*a, *b))).collect();
        pairs.sort_by(|a, b| self.strength(b.0, b.1).total_cmp(&self.strength(a.0, a.1)));
        let pair = |(a, b): &(usize, usize)| {
            format!("{} × {} {}", self.features[*a], self.features[*b], number(self.strength(*a, *b)))
        };
        pairs.iter().take(5).map(pair).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        self.check()?;
        let order = self.order();
        let n = order.len();
        let pairs = || (0..n).flat_map(|row| (0..row).map(move |column| (row, column)));
        let sizes = pairs().map(|(row, column)| self.strength(order[row], order[column]).abs());
        let largest = sizes.filter(|size| size.is_finite()).fold(0.0, f64::max);
        if n == 0 {
            page.nothing();
            return Ok(());
        }
        let size = page.small();
        let widest =
            order.iter().map(|place| text::width(&self.features[*place], size, false)).fold(0.0, f64::max);
        let names = widest.min(page.width() * 0.4).max(page.width() * 0.2) + size;
        let most = text::width("0.0000", size, false) + size * 0.6;
        let cell = ((page.width() - names) / n as f64).min(most.max(size * 2.6)).floor().max(4.0);
        let height = cell.clamp(size * 1.5, size * 2.6).round();
        let is_written = self.are_written(&order, size * NUMBERS, cell);
        let (left, top) = (page.left.round(), page.y.round());
        for row in 0..n {
            for column in 0..=row {
                let value = self.strength(order[row], order[column]);
                let at = (left + cell * column as f64, top + height * row as f64);
                self.cell(
                    page,
                    (order[row], order[column]),
                    (value / largest.max(f64::MIN_POSITIVE), is_written),
                    at,
                    (cell, height),
                );
            }
            let x = left + cell * (row as f64 + 1.0) + size * 0.6;
            let at = (x, (top + height * (row as f64 + 0.5) + size * 0.35).round());
            let name = Label::new(&self.features[order[row]], at, Anchor::Start, size, Ink::Text);
            page.scene.label(name.within(page.right - x));
        }
        page.y = top + height * n as f64 + size * 0.4;
        page.ramp(Ink::Sequential, &self.axis, ("0", &number(largest)), None);
        if n < self.features.len() {
            page.notes.push(words::largest(n, self.features.len(), page.language));
        }
        Ok(())
    }

    /// Numbers are written in all cells or in none.
    fn are_written(&self, order: &[usize], size: f64, w: f64) -> bool {
        let pairs = order.iter().enumerate().flat_map(|(row, a)| order[..=row].iter().map(move |b| (*a, *b)));
        let mut widths = pairs.map(|(a, b)| text::width(&figure(self.strength(a, b), 2), size, false));
        widths.all(|width| width + 3.0 <= w)
    }

    fn cell(
        &self,
        page: &mut Page,
        (a, b): (usize, usize),
        (share, is_written): (f64, bool),
        at: (f64, f64),
        (w, h): (f64, f64),
    ) {
        let value = self.strength(a, b);
        let ink = if a == b { Ink::Grid } else { Ink::ramp(Ink::Sequential, share.abs()) };
        let (text, short) = (number(value), figure(value, 2));
        let tip = if a == b {
            format!("{}: {text}", self.features[a])
        } else {
            format!("{} × {}: {text}", self.features[a], self.features[b])
        };
        let rect = Rect { x: at.0, y: at.1, w: w - 1.0, h: h - 1.0 };
        page.scene.mark(Mark::new(Shape::Rect(rect), ink).tip(tip));
        if is_written {
            let size = page.small() * NUMBERS;
            let middle = (at.0 + w / 2.0, at.1 + h / 2.0 + size * 0.35);
            let ink = if a == b { Ink::Muted } else { ink.text_on() };
            page.scene.label(Label::new(&short, middle, Anchor::Middle, size, ink));
        }
    }
}
