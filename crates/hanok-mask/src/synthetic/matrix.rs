//! As much linear algebra as a copula needs: square matrices by rows, and the Cholesky decomposition.

/// A square matrix.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    size: usize,
    cells: Vec<f64>,
}

impl Matrix {
    pub(super) fn identity(size: usize) -> Self {
        let mut matrix = Self { size, cells: vec![0.0; size * size] };
        (0..size).for_each(|at| matrix.set(at, at, 1.0));
        matrix
    }

    pub(super) fn get(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    pub(super) fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.size + column] = value;
    }

    /// The lower triangle L with L·Lᵀ equal to this matrix; `None` when it is not positive definite.
    /// Source: G. H. Golub, C. F. Van Loan, "Matrix Computations", section 4.2.
    fn cholesky(&self) -> Option<Self> {
        let mut lower = Self { size: self.size, cells: vec![0.0; self.cells.len()] };
        for row in 0..self.size {
            for column in 0..=row {
                let known: f64 = (0..column).map(|at| lower.get(row, at) * lower.get(column, at)).sum();
                let rest = self.get(row, column) - known;
                if row == column {
                    if rest <= 1e-10 {
                        return None;
                    }
                    lower.set(row, row, rest.sqrt());
                } else {
                    lower.set(row, column, rest / lower.get(column, column));
                }
            }
        }
        Some(lower)
    }

    /// The Cholesky triangle of this correlation matrix, or of the nearest on the way to the identity that has one:
    /// (1 − r) R + r I for growing r (a ridge, kept a correlation matrix). Columns that say the same need this.
    pub(super) fn correlation_root(&self) -> Self {
        let mut ridge = 0.0;
        while ridge < 1.0 {
            let mut shrunk = self.clone();
            for row in 0..self.size {
                for column in (0..self.size).filter(|column| *column != row) {
                    shrunk.set(row, column, self.get(row, column) * (1.0 - ridge));
                }
            }
            if let Some(root) = shrunk.cholesky() {
                return root;
            }
            ridge = (ridge * 2.0).max(1e-6);
        }
        Self::identity(self.size)
    }

    /// The product of the lower triangle's `row` and a vector.
    pub(super) fn row_product(&self, row: usize, vector: &[f64]) -> f64 {
        let cells = &self.cells[row * self.size..=row * self.size + row];
        cells.iter().zip(vector).map(|(cell, value)| cell * value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[f64]]) -> Matrix {
        Matrix { size: rows.len(), cells: rows.concat() }
    }

    #[test]
    fn the_root_multiplies_to_the_matrix() {
        let original = matrix(&[&[1.0, 0.5, -0.2], &[0.5, 1.0, 0.3], &[-0.2, 0.3, 1.0]]);
        let root = original.correlation_root();
        for row in 0..3 {
            for column in 0..3 {
                let product: f64 = (0..3).map(|at| root.get(row, at) * root.get(column, at)).sum();
                assert!((product - original.get(row, column)).abs() < 1e-12);
            }
        }
        assert!((root.row_product(1, &[2.0, 0.0, 9.0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn matrices_that_are_not_positive_definite_get_a_ridge() {
        let twins = matrix(&[&[1.0, 1.0], &[1.0, 1.0]]);
        assert!(twins.cholesky().is_none());
        let root = twins.correlation_root();
        assert!(root.get(1, 0) > 0.99);
        let impossible = matrix(&[&[1.0, 0.9, -0.9], &[0.9, 1.0, 0.9], &[-0.9, 0.9, 1.0]]);
        let root = impossible.correlation_root();
        assert!((0..3).all(|at| root.get(at, at) > 0.0));
        let unit: f64 = (0..3).map(|at| root.get(2, at).powi(2)).sum();
        assert!((unit - 1.0).abs() < 1e-9, "still a correlation matrix");
    }
}
