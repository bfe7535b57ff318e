//! Bars: global importance, one row's contributions, cohorts and categories side by side.

use serde::Deserialize;

use super::{ROWS_MAX, rows_default};
use crate::axis::Axis;
use crate::error::{Result, same};
use crate::ink::Ink;
use crate::legend::Key;
use crate::number::{figure, number, percent_figure, signed};
use crate::page::Page;
use crate::scale::{Format, Scale, extent, with_zero};
use crate::scene::{Anchor, Label, Mark, Rect, Shape};
use crate::spec;
use crate::style::Language;
use crate::text;
use crate::words::{self, Word};

/// Horizontal bars, a line a name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// What the lengths are, e.g. "mean |SHAP value|".
    #[serde(default)]
    pub axis: String,
    /// The series of which every line has a bar (cohorts; reference and current); empty for one without a name.
    #[serde(default)]
    pub series: Vec<String>,
    /// The lines.
    pub rows: Vec<BarRow>,
    /// Lines shown; the others become one, with their sum. 20 unless given.
    #[serde(default = "rows_default")]
    pub rows_max: usize,
    /// Keep the order of the lines. Otherwise the largest comes first.
    #[serde(default)]
    pub keep_order: bool,
    /// The values are shares, written as percentages. Of two series, a line that only one has is then marked as new or gone.
    #[serde(default)]
    pub percent: bool,
}

/// One line of bars.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarRow {
    /// Its name.
    pub name: String,
    /// A value for each series.
    #[serde(deserialize_with = "spec::numbers")]
    pub values: Vec<f64>,
}

impl Bar {
    fn series(&self) -> usize {
        self.series.len().max(1)
    }

    /// The lines to draw.
    fn lines(&self, language: Language) -> Vec<BarRow> {
        let mut rows = self.rows.clone();
        let size =
            |row: &BarRow| row.values.iter().filter(|v| v.is_finite()).map(|v| v.abs()).fold(0.0, f64::max);
        if !self.keep_order {
            rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
        }
        let most = self.rows_max.clamp(2, ROWS_MAX);
        if rows.len() > most {
            let rest = rows.split_off(most - 1);
            let sum = |place: usize| rest.iter().map(|row| row.values[place]).filter(|v| v.is_finite()).sum();
            let values = (0..self.series()).map(sum).collect();
            rows.push(BarRow { name: words::others(rest.len(), language), values });
        }
        rows
    }

    fn is_signed(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.values).any(|value| *value < 0.0)
    }

    fn is_whole(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.values).all(|value| value.fract() == 0.0)
    }

    fn value(&self, value: f64, is_signed: bool) -> String {
        match (self.percent, is_signed) {
            (true, _) => percent_figure(value),
            // Counts stay whole.
            (false, false) if self.is_whole() => number(value),
            (false, true) => signed(value),
            (false, false) => figure(value, 3),
        }
    }

    pub(super) fn summary(&self, language: Language) -> String {
        let is_signed = self.is_signed();
        let line = |row: BarRow| {
            let values = row.values.iter().map(|value| self.value(*value, is_signed));
            format!("{} {}", row.name, values.collect::<Vec<_>>().join("/"))
        };
        let lines = if self.check().is_ok() { self.lines(language) } else { Vec::new() };
        lines.into_iter().take(5).map(line).collect::<Vec<_>>().join(", ")
    }

    fn check(&self) -> Result<()> {
        let series = self.series();
        self.rows
            .iter()
            .try_for_each(|row| same(|| format!("`values` of `{}`", row.name), series, row.values.len()))
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        self.check()?;
        let lines = self.lines(page.language);
        let is_signed = self.is_signed();
        let ink = |place: usize, value: f64| match (self.series() == 1, is_signed) {
            (true, true) => Ink::effect(value),
            _ => Ink::Series(place as u8),
        };
        if self.series() > 1 && !page.is_part {
            let keys = self.series.iter().enumerate();
            let keys: Vec<_> =
                keys.map(|(place, name)| (Key::Box, Ink::Series(place as u8), name.clone())).collect();
            page.legend(&keys);
        }
        let Some((low, high)) = with_zero(extent(lines.iter().flat_map(|row| row.values.iter().copied())))
        else {
            page.nothing();
            return Ok(());
        };
        let size = page.small();
        let label = |row: &BarRow, place: usize| self.label(row, place, is_signed, page.language);
        let widest = |negative: bool| {
            let of = |row: &BarRow| {
                let places = (0..row.values.len()).filter(|place| (row.values[*place] < 0.0) == negative);
                places.map(|place| text::width(&label(row, place), size, false)).fold(0.0, f64::max)
            };
            lines.iter().map(of).fold(0.0, f64::max)
        };
        let (before, after) = (widest(true), widest(false));
        let labels: Vec<Vec<String>> =
            lines.iter().map(|row| (0..row.values.len()).map(|place| label(row, place)).collect()).collect();
        let thickness = if self.series() > 1 { size * 1.25 } else { size * 1.35 };
        let least = thickness * self.series() as f64 + size * 0.7;
        let rows = page.rows(lines.iter().map(|row| row.name.as_str()), least, after + size * 0.5);
        let room = if before > 0.0 { before + size * 0.5 } else { 0.0 };
        let left = (rows.plot.x + room).min(rows.plot.right() - 10.0);
        let high = if high > low { high } else { low + 1.0 };
        let scale = Scale::new((low, high), (left, rows.plot.right()));
        let axis = Axis {
            label: &self.axis,
            values: (low, high),
            format: if self.percent { Format::Percent } else { Format::Number },
        };
        let plot = Rect::between((left, rows.plot.y), (rows.plot.right(), rows.plot.bottom()));
        page.x_axis(scale, axis, plot, true);
        for (index, row) in lines.iter().enumerate() {
            let top = rows.middle(index) - thickness * self.series() as f64 / 2.0;
            for (place, value) in row.values.iter().enumerate() {
                let y = (top + thickness * place as f64).round();
                let end = scale.at(*value);
                let h = (thickness - 2.0).round();
                let bar = Rect::between((scale.zero(), y), (end, y + h)).crisp();
                let text = &labels[index][place];
                let series = self.series.get(place).map_or(String::new(), |name| format!(" ({name})"));
                if value.is_finite() && *value != 0.0 {
                    let tip = format!("{}{series}: {text}", row.name);
                    page.scene.mark(Mark::new(Shape::Rect(bar), ink(place, *value)).tip(tip));
                }
                let (x, anchor) = if *value < 0.0 {
                    (end - size * 0.4, Anchor::End)
                } else {
                    (if value.is_finite() { end } else { scale.zero() } + size * 0.4, Anchor::Start)
                };
                let at = (x, y + h / 2.0 + size * 0.35);
                page.label_between(rows.plot.x, Label::new(text, at, anchor, size, Ink::Muted), page.right);
            }
        }
        if low < 0.0 {
            page.vertical_mark(scale, 0.0, plot);
        }
        Ok(())
    }

    fn label(&self, row: &BarRow, place: usize, is_signed: bool, language: Language) -> String {
        let text = self.value(row.values[place], is_signed);
        let word = match row.values[..] {
            [before, now] if self.percent && place == 1 && before == 0.0 && now > 0.0 => Word::New,
            [before, now] if self.percent && place == 1 && before > 0.0 && now == 0.0 => Word::Gone,
            _ => return text,
        };
        format!("{text} {}", word.text(language))
    }
}
