//! Values of a graph.

/// Numbers that do not depend on the rows.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) dims: Vec<usize>,
    pub(super) data: Vec<f64>,
}

/// A row for each row of the input.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) width: usize,
    /// Row after row.
    pub(super) data: Vec<f64>,
    /// Whether it is float, not double.
    pub(super) single: bool,
    /// Whether it is a vector with a number for each row.
    pub(super) is_flat: bool,
}

impl Constant {
    /// As one row that all rows meet, if it has that shape: [], [w], [1, w].
    pub(super) fn row(&self) -> Option<&[f64]> {
        let leading = self.dims.len().saturating_sub(1);
        (self.dims.len() <= 2 && self.dims[..leading].iter().all(|dim| *dim == 1)).then_some(&self.data)
    }

    /// As a matrix: rows, columns.
    pub(super) fn matrix(&self) -> Option<(usize, usize)> {
        if let [rows, columns] = self.dims[..] { Some((rows, columns)) } else { None }
    }
}

impl Matrix {
    pub(super) fn new(rows: usize, width: usize, data: Vec<f64>, single: bool) -> Matrix {
        Matrix { rows, width, data, single, is_flat: false }.rounded()
    }

    /// To the precision of its type.
    pub(super) fn rounded(mut self) -> Matrix {
        if self.single {
            for value in &mut self.data {
                *value = f64::from(*value as f32);
            }
        }
        self
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks(self.width.max(1))
    }
}
