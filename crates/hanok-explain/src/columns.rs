//! Which columns of the data a model gets, and which ones say which row is which.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, SchemaRef};
use arrow::error::ArrowError;
use hanok_error::{Code, Coded, code};
use hanok_infer::GraphError;
use hanok_models::{DataError, Table};
use hanok_types::column_name;

use crate::model::Form;

/// Names of columns that are shown when one is not found.
const SHOWN_MAX: usize = 20;

/// Which columns are what, as far as somebody has said.
#[derive(Clone, Debug, Default)]
pub struct ColumnChoice {
    /// The features in the model's order, for a model without feature names; otherwise empty.
    pub features: Vec<String>,
    /// The columns that are taken over; `None` for all that are no features.
    pub keys: Option<Vec<String>>,
    /// The column with the truth, 0 or 1, for losses.
    pub label: Option<String>,
}

/// The columns of the data do not fit.
#[derive(Debug, thiserror::Error)]
pub enum ColumnsError {
    /// A name of the choice is not among the data's.
    #[error("the data has no column `{column}`")]
    Unknown {
        /// The name.
        column: String,
        /// The data's columns.
        known: Vec<String>,
    },
    /// Features were given by position to a model that knows their names.
    #[error("the model knows the names of its features, so that columns are found by them")]
    Named,
    /// There are more or fewer columns than features.
    #[error("the model has no feature names, and {found} columns where it has {expected} features")]
    Count {
        /// Columns chosen, or of the data.
        found: usize,
        /// Features of the model.
        expected: usize,
    },
    /// Neither the model nor anybody else says which columns are features.
    #[error("the model does not say what its features are called, nor how many there are")]
    Unsaid,
    /// A label is no number, or it is null.
    #[error("the label `{column}` {reason}")]
    Label {
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The model cannot take the columns.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What stands before the model's trees cannot be computed.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Coded for ColumnsError {
    fn code(&self) -> Code {
        match self {
            Self::Data(error) => error.code(),
            Self::Graph(error) => error.code(),
            _ => code::PREDICTOR_COLUMNS,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } => {
                let more = if known.len() > SHOWN_MAX { ", …" } else { "" };
                Some(format!("it has: {}{more}", known[..known.len().min(SHOWN_MAX)].join(", ")))
            }
            Self::Named => Some("leave `--columns` out".to_owned()),
            Self::Count { .. } => Some("give `--columns` in the order of training".to_owned()),
            Self::Unsaid => {
                Some("name them in order with `--columns`, or all others with `--keys`".to_owned())
            }
            Self::Data(error) => error.hint(),
            Self::Graph(error) => error.hint(),
            Self::Label { .. } => None,
        }
    }
}

/// The columns of features: each that of its very name, or that of the name which loading gives it, such as `seats_max`
/// for a feature `seats (max)`.
fn by_name(names: &[String], schema: &SchemaRef) -> Result<Vec<usize>, DataError> {
    let mut places: HashMap<&str, Option<usize>> = HashMap::with_capacity(schema.fields().len());
    for (at, field) in schema.fields().iter().enumerate() {
        // A name that is there twice has no place.
        places.entry(field.name()).and_modify(|place| *place = None).or_insert(Some(at));
    }
    let mut taken = HashSet::with_capacity(names.len());
    let place = |name: &String| {
        let found = places.get(name.as_str()).or_else(|| places.get(column_name(name).as_str()));
        let place = *found.ok_or_else(|| DataError::Missing(name.clone()))?;
        place.filter(|place| taken.insert(*place)).ok_or_else(|| DataError::Ambiguous(name.clone()))
    };
    names.iter().map(place).collect()
}

/// The choice, resolved for data of one schema.
#[derive(Debug)]
pub(crate) struct Selection {
    schema: SchemaRef,
    /// By feature, its column.
    features: Vec<usize>,
    names: Vec<String>,
    keys: Vec<usize>,
    label: Option<usize>,
}

impl Selection {
    /// Finds the columns of a model.
    pub(crate) fn new(model: &Form, schema: &SchemaRef, choice: &ColumnChoice) -> Result<Self, ColumnsError> {
        let index = |name: &String| {
            schema.index_of(name).map_err(|_| ColumnsError::Unknown {
                column: name.clone(),
                known: schema.fields().iter().map(|field| field.name().clone()).collect(),
            })
        };
        let all = |names: &[String]| names.iter().map(index).collect::<Result<Vec<_>, _>>();
        let label = choice.label.as_ref().map(index).transpose()?;
        let mut keys = choice.keys.as_deref().map(all).transpose()?;
        let named = model.feature_names();
        let features = if !named.is_empty() {
            if !choice.features.is_empty() {
                return Err(ColumnsError::Named);
            }
            by_name(&named, schema)?
        } else if !choice.features.is_empty() {
            all(&choice.features)?
        } else if model.features().is_none() && keys.is_none() {
            return Err(ColumnsError::Unsaid);
        } else {
            let other = |at: &usize| label != Some(*at) && !keys.iter().flatten().any(|key| key == at);
            (0..schema.fields().len()).filter(other).collect()
        };
        let expected = model.features().unwrap_or(features.len());
        if features.len() != expected {
            return Err(ColumnsError::Count { found: features.len(), expected });
        }
        if let Some(keys) = &mut keys {
            let mut seen = HashSet::new();
            keys.retain(|key| seen.insert(*key));
        }
        let others = || (0..schema.fields().len()).filter(|at| !features.contains(at)).collect();
        let keys = keys.unwrap_or_else(others);
        let of_columns = || features.iter().map(|at| schema.field(*at).name().clone()).collect();
        let names = if named.is_empty() { of_columns() } else { named };
        let selection = Self { schema: schema.clone(), features, names, keys, label };
        selection.table(model, &RecordBatch::new_empty(schema.clone()))?;
        Ok(selection)
    }

    /// The features' names: the model's, or those of the columns.
    pub(crate) fn feature_names(&self) -> Vec<String> {
        self.names.clone()
    }

    pub(crate) fn key_fields(&self) -> Vec<Field> {
        self.keys.iter().map(|at| self.schema.field(*at).clone()).collect()
    }

    pub(crate) fn input_fields(&self) -> Vec<Field> {
        self.features.iter().map(|at| self.schema.field(*at).clone()).collect()
    }

    /// The keys and the inputs of a batch.
    pub(crate) fn taken_over(&self, batch: &RecordBatch) -> Result<(RecordBatch, RecordBatch), ArrowError> {
        Ok((batch.project(&self.keys)?, batch.project(&self.features)?))
    }

    /// The features of a batch.
    pub(crate) fn table(&self, model: &Form, batch: &RecordBatch) -> Result<Table, ColumnsError> {
        let features = batch.project(&self.features).map_err(DataError::from)?;
        model.table(&features)
    }

    /// The labels of a batch; none when no label was chosen.
    pub(crate) fn labels(&self, batch: &RecordBatch) -> Result<Option<Vec<f64>>, ColumnsError> {
        let Some(at) = self.label else { return Ok(None) };
        let failed = |reason| ColumnsError::Label { column: self.schema.field(at).name().clone(), reason };
        let labels = cast(batch.column(at), &DataType::Float64).map_err(|_| failed("is no number"))?;
        let labels = labels.as_primitive::<Float64Type>();
        if labels.null_count() > 0 || labels.values().iter().any(|label| !(0.0..=1.0).contains(label)) {
            return Err(failed("is not between 0 and 1 in every row"));
        }
        Ok(Some(labels.values().to_vec()))
    }
}
