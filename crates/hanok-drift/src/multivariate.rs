//! Drift that no single column shows: of correlations, of the space that rows lie in, of the joint distribution.

mod correlation;
mod discrepancy;
mod reconstruction;
mod symmetric;

pub use correlation::{CorrelationChange, correlations};
pub use discrepancy::{Discrepancy, discrepancy};
pub use reconstruction::{Reconstruction, reconstruction};

use arrow::array::{Array, RecordBatch};
use hanok_error::{Code, Coded, code};

use crate::column;
use crate::error::CompareError;

/// The most columns; eigenvectors cost their number to the third power.
const COLUMNS_MAX: usize = 500;
/// The fewest complete rows of a side.
const ROWS_MIN: usize = 10;

/// A multivariate statistic could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum MultivariateError {
    /// A named column is not in a table.
    #[error("no column is named `{0}`")]
    Missing(String),
    /// Fewer than two columns, or too many.
    #[error("{found} columns were named; from 2 to {COLUMNS_MAX} are allowed")]
    Columns {
        /// How many were named.
        found: usize,
    },
    /// Too few rows without a missing or infinite value.
    #[error("{found} rows have all values; at least {ROWS_MIN} are needed")]
    Rows {
        /// How many have.
        found: usize,
    },
    /// The sides were read with different numbers of columns.
    #[error("the sides have {0} and {1} columns")]
    Different(usize, usize),
    /// A column cannot be read as numbers.
    #[error(transparent)]
    Column(#[from] CompareError),
}

impl Coded for MultivariateError {
    fn code(&self) -> Code {
        match self {
            MultivariateError::Missing(_) | MultivariateError::Different(..) => code::DRIFT_COLUMNS,
            MultivariateError::Columns { .. } | MultivariateError::Rows { .. } => code::DRIFT_ROWS,
            MultivariateError::Column(error) => error.code(),
        }
    }
}

/// Rows of numbers: of some columns, those in which none is missing or infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Column after column.
    columns: Vec<Vec<f64>>,
}

impl Rows {
    /// Reads columns of numbers, times or booleans by their names.
    pub fn new(batches: &[RecordBatch], names: &[&str]) -> Result<Rows, MultivariateError> {
        if !(2..=COLUMNS_MAX).contains(&names.len()) {
            return Err(MultivariateError::Columns { found: names.len() });
        }
        let mut columns = vec![Vec::new(); names.len()];
        for batch in batches {
            let mut arrays = Vec::with_capacity(names.len());
            for name in names {
                let array = batch
                    .column_by_name(name)
                    .ok_or_else(|| MultivariateError::Missing((*name).to_owned()))?;
                arrays.push(column::numbers(array)?);
            }
            for row in 0..batch.num_rows() {
                if arrays.iter().all(|array| array.is_valid(row) && array.value(row).is_finite()) {
                    columns.iter_mut().zip(&arrays).for_each(|(column, array)| column.push(array.value(row)));
                }
            }
        }
        let rows = Rows { columns };
        if rows.len() < ROWS_MIN { Err(MultivariateError::Rows { found: rows.len() }) } else { Ok(rows) }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn same_columns(reference: &Rows, current: &Rows) -> Result<(), MultivariateError> {
    let (left, right) = (reference.columns.len(), current.columns.len());
    if left == right { Ok(()) } else { Err(MultivariateError::Different(left, right)) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean and standard deviation of each column; a constant column has a deviation of 1.
fn scales(rows: &Rows) -> Vec<(f64, f64)> {
    let scale = |values: &Vec<f64>| {
        let mean = mean(values);
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, if variance > 0.0 { libm::sqrt(variance) } else { 1.0 })
    };
    rows.columns.iter().map(scale).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array};

    use super::*;
    use crate::special::normal_isf;
    use crate::text::mixed;

    /// Three standard normal columns, of which the first two have a correlation.
    pub(super) fn normal_rows(rows: usize, correlation: f64, seed: u64) -> Rows {
        let normal = |at: usize| {
            normal_isf(((mixed(mixed(seed) ^ at as u64) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
        };
        let mut columns = vec![Vec::new(), Vec::new(), Vec::new()];
        for row in 0..rows {
            let [a, b, c] = [0, 1, 2].map(|column| normal(3 * row + column));
            columns[0].push(a);
            columns[1].push(correlation * a + (1.0 - correlation * correlation).sqrt() * b);
            columns[2].push(c);
        }
        Rows { columns }
    }

    #[test]
    fn rows_with_a_missing_value_are_left_out_and_errors_have_codes() {
        let column = |values: Vec<Option<f64>>| Arc::new(Float64Array::from(values)) as ArrayRef;
        let first = (0..20).map(|at| (at != 3).then_some(f64::from(at))).collect();
        let second = (0..20).map(|at| Some(if at == 5 { f64::NAN } else { 1.0 })).collect();
        let batch = RecordBatch::try_from_iter([("a", column(first)), ("b", column(second))]).unwrap();
        let batches = [batch.slice(0, 10), batch.slice(10, 10)];
        assert_eq!(Rows::new(&batches, &["a", "b"]).unwrap().len(), 18);
        assert_eq!(Rows::new(&batches, &["a", "c"]).unwrap_err().code().0, "HK1801");
        assert_eq!(Rows::new(&batches, &["a"]).unwrap_err().code().0, "HK1805");
        assert_eq!(Rows::new(&batches[..1], &["a", "b"]).unwrap_err().code().0, "HK1805");
    }
}
