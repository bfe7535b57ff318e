//! Predictions, block by block.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};
use hanok_infer::{EndpointError, GraphError};
use hanok_models::{AgnosticError, ExplainError};

use crate::columns::{ColumnChoice, ColumnsError, Selection};
use crate::explanation::{Columns, Extras, OutputKind};
use crate::model::{Answers, Model};

/// Values of a block's inputs, outputs and results together; 8 bytes each.
const BLOCK_VALUES: usize = 1 << 20;
/// Rows of a block of a model that is known by its answers: some requests to an endpoint.
const ASKED_BLOCK_ROWS: usize = 8192;
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
    /// A graph could not be computed.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An endpoint does not predict.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The model cannot be explained by its answers in this way.
    #[error(transparent)]
    Asked(Box<AgnosticError<RunError>>),
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
            Self::Graph(error) => error.code(),
            Self::Endpoint(error) => error.code(),
            Self::Asked(error) => error.code(),
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
            Self::Graph(error) => error.hint(),
            Self::Endpoint(error) => error.hint(),
            Self::Asked(error) => match error.as_ref() {
                AgnosticError::TooManyRows { .. } => Some(
                    "explain fewer rows with `--limit`, compare with fewer with `--background-rows`, take fewer `--evaluations`, or allow \
                     more with `--model-rows-max`"
                        .to_owned(),
                ),
                AgnosticError::TooManyFeatures { .. } | AgnosticError::NotLinear { .. } => {
                    Some("take `--method permutation`".to_owned())
                }
                AgnosticError::MaxEvals { least, .. } => Some(format!("allow `--evaluations {least}`")),
                error => error.hint(),
            },
            _ => None,
        }
    }
}

impl From<AgnosticError<RunError>> for RunError {
    fn from(error: AgnosticError<RunError>) -> Self {
        match error {
            AgnosticError::Model(error) => error,
            error => Self::Asked(Box::new(error)),
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
    answers: Answers<'a>,
    outputs: usize,
    selection: Selection,
    schema: SchemaRef,
}

impl<'a> Predicting<'a> {
    /// Prepares a model for data of a schema. A model that is known by its answers is asked for the first row of `first`, which shows how
    /// many outputs it has; without a row a graph is asked for one of zeros, and a server has one.
    pub fn new(
        model: &'a Model,
        schema: &SchemaRef,
        choice: &ColumnChoice,
        threads: usize,
        first: Option<&RecordBatch>,
    ) -> Result<Self, RunError> {
        let selection = Selection::new(&model.form, schema, choice)?;
        let answers = Answers::new(model, &selection.feature_names(), threads)?;
        let outputs = match (model.ensemble(), first.filter(|first| first.num_rows() > 0)) {
            (Some(ensemble), _) => ensemble.outputs(),
            (None, Some(first)) => answers.predict(&selection.table(&model.form, &first.slice(0, 1))?)?.len(),
            (None, None) => model.outputs(),
        };
        let mut fields = selection.key_fields();
        let keys = fields.iter().map(|field| field.name().clone()).collect();
        let columns = Columns::new(keys, &[], &output_names(outputs), OutputKind::Raw, Extras::default());
        let predictions = columns.outputs.iter().map(|output| &output.prediction);
        fields.extend(predictions.map(|name| Field::new(name, DataType::Float64, false)));
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { model, answers, outputs, selection, schema })
    }

    /// The columns of the result: the keys, and `prediction`, or `prediction@0`, `prediction@1`, … for several outputs.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows a block should have, at most.
    pub fn block_rows(model: &Model) -> usize {
        match model.ensemble() {
            Some(ensemble) => block_rows(ensemble.features().saturating_add(ensemble.outputs())),
            None => ASKED_BLOCK_ROWS,
        }
    }

    /// Predicts a block.
    pub fn predict(&self, batch: &RecordBatch) -> Result<RecordBatch, RunError> {
        let table = self.selection.table(&self.model.form, batch)?;
        let predictions = self.answers.predict(&table)?;
        if predictions.len() != batch.num_rows() * self.outputs {
            let (found, rows, expected) = (predictions.len(), batch.num_rows(), Some(self.outputs));
            return Err(AgnosticError::Outputs { found, rows, expected }.into());
        }
        let (keys, _) = self.selection.taken_over(batch)?;
        let mut columns = keys.columns().to_vec();
        columns.extend((0..self.outputs).map(|output| strided(&predictions, output, self.outputs)));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

/// Every `step`th value from `start` on, as a column.
pub(crate) fn strided(values: &[f64], start: usize, step: usize) -> ArrayRef {
    let values = values.get(start..).unwrap_or_default();
    Arc::new(Float64Array::from_iter_values(values.iter().step_by(step.max(1)).copied()))
}
