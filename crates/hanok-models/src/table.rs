//! Rows of features: Arrow columns matched to a model.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float32Array, Float64Array, LargeStringArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use crate::ensemble::Ensemble;
use crate::error::DataError;
use crate::texts::Text;

/// How columns are matched to features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// By name; other columns are left alone.
    Name,
    /// By position, for models without feature names; there must be as many columns as features.
    Position,
}

/// Rows for one model: a column a feature, nulls as NaN.
#[derive(Clone, Debug)]
pub struct Table {
    values: Values,
    rows: usize,
}

#[derive(Clone, Debug)]
enum Values {
    /// A column a feature.
    Columns(Vec<Column>),
    /// Row after row, with so many features.
    Rows(Vec<f64>, usize),
}

#[derive(Clone, Debug)]
enum Column {
    F64(Float64Array),
    F32(Float32Array),
}

impl Table {
    /// Matches a batch to a model's features.
    pub fn new(ensemble: &Ensemble, batch: &RecordBatch, by: Match) -> Result<Table, DataError> {
        let columns = match by {
            Match::Position if batch.num_columns() != ensemble.features => {
                Err(DataError::Count { found: batch.num_columns(), expected: ensemble.features })
            }
            Match::Position => Ok((0..ensemble.features).collect()),
            Match::Name if ensemble.feature_names.is_empty() => Err(DataError::Unnamed),
            Match::Name => {
                let mut names = HashSet::new();
                let find = |name: &String| match names.insert(name.clone()) {
                    true => by_name(batch, name),
                    false => Err(DataError::Twice(name.clone())),
                };
                ensemble.feature_names.iter().map(find).collect()
            }
        };
        let columns: Vec<usize> = columns?;
        let column = |(feature, at): (usize, &usize)| match ensemble.texts.get(&(feature as u32)) {
            Some(texts) => categories(batch, *at, texts),
            None => column(batch, *at),
        };
        let columns = columns.iter().enumerate().map(column).collect::<Result<_, _>>()?;
        Ok(Table { values: Values::Columns(columns), rows: batch.num_rows() })
    }

    /// All columns of a batch, which are numbers or booleans, as they are.
    pub fn of_numbers(batch: &RecordBatch) -> Result<Table, DataError> {
        let columns = (0..batch.num_columns()).map(|at| column(batch, at)).collect::<Result<_, _>>()?;
        Ok(Table { values: Values::Columns(columns), rows: batch.num_rows() })
    }

    /// The values, row after row; null is NaN.
    pub fn to_rows(&self) -> Vec<f64> {
        let features = self.features();
        let mut rows = vec![0.0; self.rows * features];
        let mut values = vec![0.0; self.rows];
        for feature in 0..features {
            self.fill(feature, 0, &mut values);
            let cells = rows.iter_mut().skip(feature).step_by(features);
            cells.zip(&values).for_each(|(cell, value)| *cell = *value);
        }
        rows
    }

    /// Rows of plain values, row after row; their number is cut to whole rows.
    pub fn from_rows(values: &[f64], features: usize) -> Table {
        let rows = values.len().checked_div(features).unwrap_or(0);
        Table { values: Values::Rows(values.to_vec(), features), rows }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features there are.
    pub fn features(&self) -> usize {
        match &self.values {
            Values::Columns(columns) => columns.len(),
            Values::Rows(_, features) => *features,
        }
    }

    /// Copies a feature's values of the rows from `start` on; those that are null become NaN.
    pub(crate) fn fill(&self, feature: usize, start: usize, out: &mut [f64]) {
        let columns = match &self.values {
            Values::Columns(columns) => columns,
            Values::Rows(values, features) => {
                // A table without rows has no place for a feature.
                let values = values.get(start * features + feature..).unwrap_or_default();
                let values = values.iter().step_by(*features);
                return out.iter_mut().zip(values).for_each(|(out, value)| *out = *value);
            }
        };
        match &columns[feature] {
            Column::F64(array) => {
                out.copy_from_slice(&array.values()[start..start + out.len()]);
                nulls(array, start, out);
            }
            Column::F32(array) => {
                let values = &array.values()[start..start + out.len()];
                out.iter_mut().zip(values).for_each(|(out, value)| *out = f64::from(*value));
                nulls(array, start, out);
            }
        }
    }
}

fn nulls(array: &dyn Array, start: usize, out: &mut [f64]) {
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (at, out) in out.iter_mut().enumerate() {
            if nulls.is_null(start + at) {
                *out = f64::NAN;
            }
        }
    }
}

fn by_name(batch: &RecordBatch, name: &str) -> Result<usize, DataError> {
    let schema = batch.schema_ref();
    let mut found = schema.fields().iter().enumerate().filter(|(_, field)| field.name() == name);
    let (at, _) = found.next().ok_or_else(|| DataError::Missing(name.to_owned()))?;
    if found.next().is_some() {
        return Err(DataError::Ambiguous(name.to_owned()));
    }
    Ok(at)
}

/// Categories that have texts. Numbers are codes or, for a model that knows categories by the hash of their text, integers.
fn categories(batch: &RecordBatch, at: usize, texts: &Text) -> Result<Column, DataError> {
    let array = batch.column(at);
    let values = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        kind => kind,
    };
    let array = match values {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => cast(array, &DataType::LargeUtf8)?,
        DataType::Boolean if *texts == Text::Hash => {
            // As Python writes them.
            let name = |value: bool| if value { "True" } else { "False" };
            let names = array.as_boolean().iter().map(|value| value.map(name));
            Arc::new(names.collect::<LargeStringArray>())
        }
        kind if kind.is_integer() || *texts != Text::Hash => return column(batch, at),
        _ => {
            let column = batch.schema_ref().field(at).name().clone();
            return Err(DataError::Category { column, data_type: Box::new(array.data_type().clone()) });
        }
    };
    let values = array.as_string::<i64>().iter().map(|text| text.map(|text| texts.value(text)));
    Ok(Column::F64(values.collect()))
}

fn column(batch: &RecordBatch, at: usize) -> Result<Column, DataError> {
    let array = batch.column(at);
    match array.data_type() {
        DataType::Float64 => Ok(Column::F64(array.as_primitive::<Float64Type>().clone())),
        DataType::Float32 => Ok(Column::F32(array.as_primitive::<Float32Type>().clone())),
        kind if kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null) => {
            Ok(Column::F64(cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone()))
        }
        kind => Err(DataError::Type {
            column: batch.schema_ref().field(at).name().clone(),
            data_type: Box::new(kind.clone()),
        }),
    }
}
