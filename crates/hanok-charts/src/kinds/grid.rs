//! Grid: small charts side by side, as many to a line as the width takes.

use serde::Deserialize;

use crate::error::{ChartError, Result};
use crate::ink::Ink;
use crate::legend::Key;
use crate::page::{self, Page};
use crate::spec::{Chart, Plot};
use crate::words;

/// Charts of the whole picture.
const CELLS_MAX: usize = 120;

/// Small charts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// The charts, none of them a grid; 120 at most are drawn.
    pub cells: Vec<Chart>,
    /// Least width of a chart in widths of the letter m; 20 unless given.
    #[serde(default = "width_default")]
    pub cell_em: f64,
}

fn width_default() -> f64 {
    20.0
}

impl Grid {
    pub(super) fn summary(&self) -> String {
        self.cells.iter().take(10).map(|cell| cell.title.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn draw(&self, page: &mut Page) -> Result<()> {
        if self.cells.iter().any(|cell| matches!(cell.plot, Plot::Grid(_))) {
            return Err(ChartError::Nested);
        }
        if self.cells.is_empty() {
            page.nothing();
            return Ok(());
        }
        let cells = &self.cells[..self.cells.len().min(CELLS_MAX)];
        if cells.len() < self.cells.len() {
            page.notes.push(words::first(cells.len(), self.cells.len(), page.language));
        }
        let least = page.em * if self.cell_em.is_finite() { self.cell_em.clamp(16.0, 200.0) } else { 20.0 };
        let columns = ((page.scene.width / least).floor() as usize).clamp(1, cells.len());
        let width = (page.scene.width / columns as f64).floor();
        let names = cells[0].plot.series();
        let is_shared = names.len() > 1 && cells.iter().all(|cell| cell.plot.series() == names);
        if is_shared {
            let key =
                |place: usize| if place > 0 && cells[0].plot.has_lines() { Key::Line } else { Key::Box };
            let keys = names.iter().enumerate();
            let keys: Vec<_> = keys
                .map(|(place, name)| (key(place), Ink::Series(place as u8), (*name).to_owned()))
                .collect();
            page.legend(&keys);
        }
        for line in cells.chunks(columns) {
            let mut tallest: f64 = 0.0;
            for (column, cell) in line.iter().enumerate() {
                let scene = page::draw_part(cell, width, page.em, page.language, is_shared)?;
                tallest = tallest.max(scene.height);
                page.scene.place(scene, (width * column as f64, page.y));
            }
            page.y += tallest;
        }
        Ok(())
    }
}
