//! Decision: the path of each row from the base value to its prediction, feature by feature.

use serde::Deserialize;

use super::rows_default;
use crate::axis::Axis;
use crate::error::{Result, same};
use crate::ink::Ink;
use crate::number::number;
use crate::page::Page;
use crate::reduce::{extremes, mean_size, sample, shares};
use crate::scale::{Format, Scale, extent, padded};
use crate::scene::{Mark, Point, Shape};
use crate::spec;
use crate::style::Language;
use crate::words::{self, Word};

/// Paths of the whole picture.
const PATHS_MAX: usize = 300;

/// Paths of rows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What is predicted.
    #[serde(default)]
    pub axis: String,
    /// The prediction before anything is known.
    #[serde(deserialize_with = "spec::number")]
    pub base: f64,
    /// Names of the features.
    pub features: Vec<String>,
    /// The rows.
    pub rows: Vec<DecisionRow>,
    /// Features shown, by mean size; the others become one. 20 unless given.
    #[serde(default = "rows_default")]
    pub rows_max: usize,
}

/// One row's path.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRow {
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// A contribution for each feature.
    #[serde(deserialize_with = "spec::numbers")]
    pub values: Vec<f64>,
    /// Drawn thicker and on top.
    #[serde(default)]
    pub highlight: bool,
}

impl Decision {
    pub(super) fn summary(&self, language: Language) -> String {
        words::with_number(Word::BaseValue, self.base, language)
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        for row in &self.rows {
            same(|| format!("`values` of row `{}`", row.name), self.features.len(), row.values.len())?;
        }
        let groups = self.groups();
        let paths: Vec<Vec<f64>> = self.rows.iter().map(|row| self.path(row, &groups)).collect();
        let ends: Vec<f64> = paths.iter().map(|path| path[path.len() - 1]).collect();
        let highlighted = (0..self.rows.len()).filter(|index| self.rows[*index].highlight);
        let keep: Vec<usize> = extremes(&ends).into_iter().chain(highlighted.take(PATHS_MAX / 2)).collect();
        let mut drawn = sample(paths.len(), PATHS_MAX, &keep);
        page.sampled(drawn.len(), paths.len());
        let left_out = ends.iter().filter(|end| !end.is_finite()).count();
        if left_out > 0 {
            page.notes.push(words::left_out(left_out, page.language));
        }
        drawn.retain(|index| ends[*index].is_finite());
        // Those to look at come last, on top.
        drawn.sort_by_key(|index| self.rows[*index].highlight);
        let points = drawn.iter().flat_map(|index| paths[*index].iter().copied());
        let Some(found) = extent(points).filter(|_| !groups.is_empty()) else {
            page.nothing();
            return Ok(());
        };
        let values = padded(Some(found), 0.04);
        // The path begins at the bottom, with what matters least.
        let names: Vec<String> = groups.iter().rev().map(|group| self.name(group, page.language)).collect();
        let rows = page.rows(names.iter().map(String::as_str), page.em * 1.7, 0.0);
        let scale = Scale::new(values, (rows.plot.x, rows.plot.right()));
        for row in 0..names.len() {
            let y = rows.plot.y + rows.height * row as f64;
            page.scene.mark(Mark::new(Shape::Hair((rows.plot.x, y), (rows.plot.right(), y)), Ink::Grid));
        }
        page.x_axis(scale, Axis { label: &self.axis, values, format: Format::Number }, rows.plot, false);
        page.vertical_mark(scale, self.base, rows.plot);
        let colours = shares(&ends);
        for index in drawn {
            let row = &self.rows[index];
            let points: Vec<Point> = paths[index]
                .iter()
                .enumerate()
                .map(|(step, value)| (scale.at(*value), rows.plot.bottom() - rows.height * step as f64))
                .collect();
            let stroke = if row.highlight { 3.0 } else { 1.2 };
            let opacity = if row.highlight || self.rows.len() < 30 { 1.0 } else { 0.6 };
            let mark = Mark::new(Shape::Line(points), Ink::ramp(Ink::Value, colours[index]));
            let tip = format!("{} {}", row.name, number(ends[index]));
            page.scene.mark(mark.stroke(stroke).opacity(opacity).tip(tip.trim()));
        }
        page.y += page.em * 0.3;
        let ends = (page.word(Word::Low), page.word(Word::High));
        page.ramp(Ink::Value, page.word(Word::Prediction), ends, None);
        Ok(())
    }

    /// Places of features in the order of their steps, the least first; those beyond the limit together.
    fn groups(&self) -> Vec<Vec<usize>> {
        let size =
            |place: usize| mean_size(&self.rows.iter().map(|row| row.values[place]).collect::<Vec<_>>());
        let mut order: Vec<(usize, f64)> =
            (0..self.features.len()).map(|place| (place, size(place))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let most = self.rows_max.clamp(2, super::ROWS_MAX);
        let mut groups: Vec<Vec<usize>> = order.iter().map(|(place, _)| vec![*place]).collect();
        if groups.len() > most {
            let rest = groups.split_off(most - 1).concat();
            groups.push(rest);
        }
        groups.reverse();
        groups
    }

    fn name(&self, group: &[usize], language: Language) -> String {
        match group {
            [place] => self.features[*place].clone(),
            _ => words::others(group.len(), language),
        }
    }

    /// The base value and where each step ends.
    fn path(&self, row: &DecisionRow, groups: &[Vec<usize>]) -> Vec<f64> {
        let mut path = vec![self.base];
        for group in groups {
            let step: f64 = group.iter().map(|place| row.values[*place]).sum();
            path.push(path[path.len() - 1] + step);
        }
        path
    }
}
