//! One row: finding it, and telling what its prediction is made of.

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch, Scalar, StringArray};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{and, cast};
use arrow::datatypes::{Float64Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use hanok_error::{Code, Coded, code};
use serde::Serialize;

use crate::explanation::{Metadata, ModelIdentity, OutputKind};

/// Which row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKey {
    /// Its number, counted from 1.
    Number(u64),
    /// Columns and their values, as text.
    Values(Vec<(String, String)>),
}

impl std::fmt::Display for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "number {number}"),
            Self::Values(values) => {
                let values: Vec<_> = values.iter().map(|(key, value)| format!("{key}={value}")).collect();
                f.write_str(&values.join(","))
            }
        }
    }
}

/// The row was not found.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// No column has the name.
    #[error("the data has no column `{0}`")]
    Column(String),
    /// The text is no value of the column.
    #[error("`{value}` is not a value of the column `{column}`")]
    Value {
        /// The column.
        column: String,
        /// What was given.
        value: String,
    },
    /// No row, or several.
    #[error("{found} rows are {key}")]
    Count {
        /// What was looked for.
        key: RowKey,
        /// How many there are.
        found: u64,
    },
    /// Arrow refused.
    #[error("rows could not be compared")]
    Arrow(#[from] ArrowError),
}

impl Coded for RowError {
    fn code(&self) -> Code {
        match self {
            Self::Arrow(_) => code::INTERNAL,
            _ => code::EXPLANATION_ROW,
        }
    }
}

/// Looks for one row in blocks of rows.
#[derive(Debug)]
pub struct RowFinder {
    key: RowKey,
    seen: u64,
    found: u64,
    row: Option<RecordBatch>,
}

impl RowFinder {
    /// Will look for this row.
    pub fn new(key: RowKey) -> Self {
        Self { key, seen: 0, found: 0, row: None }
    }

    /// Whether nothing more can be found.
    pub fn is_done(&self) -> bool {
        matches!(self.key, RowKey::Number(_)) && self.row.is_some()
    }

    /// Looks through a block.
    pub fn look(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let before = self.seen;
        self.seen += batch.num_rows() as u64;
        let first = match &self.key {
            RowKey::Number(number) => {
                let at = number.checked_sub(1 + before).filter(|_| *number <= self.seen);
                self.found += u64::from(at.is_some());
                at.map(|at| at as usize)
            }
            RowKey::Values(values) => {
                let matches = matching(batch, values)?;
                self.found += matches.true_count() as u64;
                matches.iter().position(|found| found == Some(true))
            }
        };
        if let Some(at) = first.filter(|_| self.row.is_none()) {
            self.row = Some(batch.slice(at, 1));
        }
        Ok(())
    }

    /// The row, when it is the only one.
    pub fn finish(self) -> Result<RecordBatch, RowError> {
        match self.row {
            Some(row) if self.found == 1 => Ok(row),
            _ => Err(RowError::Count { key: self.key, found: self.found }),
        }
    }
}

/// Which rows have all the values.
fn matching(batch: &RecordBatch, values: &[(String, String)]) -> Result<BooleanArray, RowError> {
    let mut all = BooleanArray::from(vec![true; batch.num_rows()]);
    for (column, value) in values {
        let array = batch.column_by_name(column).ok_or_else(|| RowError::Column(column.clone()))?;
        let text = StringArray::from(vec![value.as_str()]);
        let wrong = || RowError::Value { column: column.clone(), value: value.clone() };
        let wanted = cast(&text, array.data_type()).map_err(|_| wrong())?;
        if wanted.is_null(0) {
            return Err(wrong());
        }
        all = and(&all, &not_distinct(array, &Scalar::new(wanted))?)?;
    }
    Ok(all)
}

/// One row explained, for people: of each output, the features by the size of their values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowExplanation {
    /// The model.
    pub model: ModelIdentity,
    /// What is explained.
    pub output: OutputKind,
    /// The columns that say which row it is, and their values as text.
    pub keys: Vec<(String, String)>,
    /// By output.
    pub outputs: Vec<RowOutput>,
}

/// One output of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowOutput {
    /// Its name.
    pub name: String,
    /// The base value.
    pub base_value: f64,
    /// What base value and values add up to.
    pub sum: f64,
    /// What the model predicts.
    pub prediction: f64,
    /// The features, the largest |value| first.
    pub contributions: Vec<Contribution>,
}

/// What one feature did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contribution {
    /// The feature.
    pub feature: String,
    /// Its own value, as text; empty when it is null.
    pub input: String,
    /// Its SHAP value.
    pub value: f64,
    /// One standard error of the value, where the method estimates and knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
}

impl RowExplanation {
    /// The first row of an explanation's batch.
    pub fn new(metadata: &Metadata, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let schema: &SchemaRef = batch.schema_ref();
        let column = |name: &str| schema.index_of(name).map(|at| batch.column(at));
        let text = |name: &String| array_value_to_string(column(name)?, 0);
        let number = |name: &str| Ok::<_, ArrowError>(column(name)?.as_primitive::<Float64Type>().value(0));
        let columns = &metadata.columns;
        let keys = columns.keys.iter().map(|key| Ok::<_, ArrowError>((key.clone(), text(key)?)));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let mut outputs = Vec::with_capacity(columns.outputs.len());
        for (name, output) in metadata.outputs.iter().zip(&columns.outputs) {
            let mut contributions = Vec::with_capacity(metadata.features.len());
            let features = metadata.features.iter().zip(&columns.inputs).zip(&output.values);
            for (at, ((feature, input), value)) in features.enumerate() {
                let error = output.errors.get(at).map(|error| number(error)).transpose()?;
                contributions.push(Contribution {
                    feature: feature.clone(),
                    input: text(input)?,
                    value: number(value)?,
                    standard_error: error.filter(|error| error.is_finite()),
                });
            }
            // Equal ones stay in the model's order.
            contributions.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
            outputs.push(RowOutput {
                name: name.clone(),
                base_value: number(&output.base)?,
                sum: number(&output.sum)?,
                prediction: number(&output.prediction)?,
                contributions,
            });
        }
        Ok(Self { model: metadata.model.clone(), output: metadata.output, keys, outputs })
    }
}
