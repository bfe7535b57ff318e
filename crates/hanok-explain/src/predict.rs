//! Predictions, block by block.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};
use hanok_models::{ExplainError, Predictor};

use crate::columns::{ColumnChoice, ColumnsError, Selection};
use crate::explanation::{Columns, OutputKind};
use crate::registry::Model;

/// Values of a block's inputs, outputs and results together; 8 bytes each.
const BLOCK_VALUES: usize = 1 << 20;
/// Most rows of a block.
const BLOCK_ROWS_MAX: usize = 1 << 16;

/// Predictions or explanations cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data does not fit.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// The model cannot be explained in this way.
    #[error(transparent)]
    Model(#[from] ExplainError),
    /// What was asked for does not go together.
    #[error("{0}")]
    Request(String),
    /// Arrow refused.
    #[error("a block of rows could not be put together")]
    Arrow(#[from] ArrowError),
}

impl Coded for RunError {
    fn code(&self) -> Code {
        match self {
            Self::Columns(error) => error.code(),
            Self::Model(error) => error.code(),
            Self::Request(_) => code::EXPLANATION_REQUEST,
            Self::Arrow(_) => code::INTERNAL,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Columns(error) => error.hint(),
            Self::Model(ExplainError::NoCover | ExplainError::LinearLeaves) => {
                Some("compare with a background: `--method interventional --background …`".to_owned())
            }
            _ => None,
        }
    }
}

/// Names of a model's outputs: their numbers, counted from 0.
pub(crate) fn output_names(count: usize) -> Vec<String> {
    (0..count).map(|output| output.to_string()).collect()
}

/// Rows of a block that has so many values a row.
pub(crate) fn block_rows(values_a_row: usize) -> usize {
    (BLOCK_VALUES / values_a_row.max(1)).clamp(1, BLOCK_ROWS_MAX)
}

/// A model that predicts the rows of data of one schema.
#[derive(Debug)]
pub struct Predicting<'a> {
    model: &'a Model,
    predictor: Predictor<'a>,
    selection: Selection,
    schema: SchemaRef,
    threads: usize,
}

impl<'a> Predicting<'a> {
    /// Prepares a model for data of a schema.
    pub fn new(
        model: &'a Model,
        schema: &SchemaRef,
        choice: &ColumnChoice,
        threads: usize,
    ) -> Result<Self, RunError> {
        let selection = Selection::new(&model.ensemble, schema, choice)?;
        let mut fields = selection.key_fields();
        let keys = fields.iter().map(|field| field.name().clone()).collect();
        let outputs = output_names(model.ensemble.outputs());
        let columns = Columns::new(keys, &[], &outputs, OutputKind::Raw, true, false);
        let predictions = columns.outputs.iter().map(|output| &output.prediction);
        fields.extend(predictions.map(|name| Field::new(name, DataType::Float64, false)));
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { model, predictor: Predictor::new(&model.ensemble), selection, schema, threads })
    }

    /// The columns of the result: the keys, and `prediction`, or `prediction@0`, `prediction@1`, … for several outputs.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows a block should have, at most.
    pub fn block_rows(model: &Model) -> usize {
        block_rows(model.ensemble.features().saturating_add(model.ensemble.outputs()))
    }

    /// Predicts a block.
    pub fn predict(&self, batch: &RecordBatch) -> Result<RecordBatch, RunError> {
        let table = self.selection.table(&self.model.ensemble, batch)?;
        let predictions = self.predictor.predict(&table, self.threads)?;
        let (keys, _) = self.selection.taken_over(batch)?;
        let outputs = self.model.ensemble.outputs();
        let mut columns = keys.columns().to_vec();
        columns.extend((0..outputs).map(|output| strided(&predictions, output, outputs)));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

/// Every `step`th value from `start` on, as a column.
pub(crate) fn strided(values: &[f64], start: usize, step: usize) -> ArrayRef {
    let values = values.get(start..).unwrap_or_default();
    Arc::new(Float64Array::from_iter_values(values.iter().step_by(step.max(1)).copied()))
}
