//! A model as an ONNX graph that turns rows of numbers into rows of numbers: scalers, imputers, encoders, linear models, trees, neural
//! networks of dense layers. (`hanok_models::read` takes graphs of one tree ensemble alone, and explains them exactly.)
//!
//! The formats and operators are those of ONNX's specification (github.com/onnx/onnx, `onnx.proto`, `Operators.md`, `Operators-ml.md`).
//! Only what the output depends on is computed, so the labels that a classifier gives beside its scores may be anything. Every value is a
//! matrix with a row for each row of the input, or a constant; float tensors are rounded to f32 after each operator, sums are taken in
//! f64, so that results agree with onnxruntime's to about 1e-6 of the largest term. Batches that a graph says to be of a fixed size are
//! taken in any size.

mod error;
mod operator;
mod read;
mod split;
mod tensor;

pub use error::GraphError;
use operator::Operator;
use tensor::{Constant, Matrix};

/// Rows that are computed together.
const BATCH_ROWS: usize = 256;
/// Most numbers that are kept for a batch: 64 MB.
const VALUES_MAX: usize = 8 << 20;

/// A graph, ready to be computed.
#[derive(Debug)]
pub struct Graph {
    inputs: Vec<GraphInput>,
    /// What stands in each slot before the first operator.
    constants: Vec<Option<Constant>>,
    /// In the order in which they are computed.
    operators: Vec<Step>,
    output: usize,
    output_name: String,
    source: String,
}

/// An input of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphInput {
    /// Its name: that of a feature, if the graph has a column for each.
    pub name: String,
    /// How many columns it takes; none if the graph leaves that open.
    pub columns: Option<usize>,
    /// Whether it is double, not float.
    is_double: bool,
    slot: usize,
}

/// An operator with its slots.
#[derive(Debug)]
struct Step {
    /// For errors: kind and name.
    place: String,
    operator: Operator,
    /// None where an optional input is left out.
    inputs: Vec<Option<usize>>,
    output: usize,
}

/// A value of a batch.
enum Value<'a> {
    Constant(&'a Constant),
    Matrix(Matrix),
}

impl Graph {
    /// Reads a model of up to 256 MB. Its output is the last one that is a float or double tensor.
    pub fn read(bytes: &[u8]) -> Result<Graph, GraphError> {
        read::read(bytes)
    }

    /// The inputs: one matrix of all features, or a column for each feature.
    pub fn inputs(&self) -> &[GraphInput] {
        &self.inputs
    }

    /// Names of the features, if there is a column for each; otherwise none.
    pub fn feature_names(&self) -> Vec<String> {
        match self.inputs.as_slice() {
            inputs if inputs.len() > 1 && inputs.iter().all(|input| input.columns == Some(1)) => {
                inputs.iter().map(|input| input.name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How many numbers a row has, if the graph says so.
    pub fn features(&self) -> Option<usize> {
        self.inputs.iter().map(|input| input.columns).sum()
    }

    /// What wrote the model, with its version, such as `pytorch 2.9.0`; empty if it does not say.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The name of the output.
    pub fn output_name(&self) -> &str {
        &self.output_name
    }

    /// Outputs of rows of `features` numbers, one row after the other. NaN is a missing value.
    pub fn predict(&self, rows: &[f64], features: usize) -> Result<Vec<f64>, GraphError> {
        let known: usize = self.inputs.iter().map(|input| input.columns.unwrap_or(0)).sum();
        let is_open = self.inputs.iter().any(|input| input.columns.is_none());
        let fits = if is_open { known < features && self.inputs.len() == 1 } else { known == features };
        if !fits || features == 0 || !rows.len().is_multiple_of(features) {
            return Err(GraphError::Width { values: rows.len(), features: known });
        }
        let mut all = Vec::new();
        for rows in rows.chunks(BATCH_ROWS * features) {
            all.extend(self.batch(rows, features)?);
        }
        Ok(all)
    }

    fn batch(&self, rows: &[f64], features: usize) -> Result<Vec<f64>, GraphError> {
        let count = rows.len() / features;
        let mut values: Vec<Option<Value<'_>>> =
            self.constants.iter().map(|constant| constant.as_ref().map(Value::Constant)).collect();
        let mut start = 0;
        for input in &self.inputs {
            let width = input.columns.unwrap_or(features);
            let data = rows.chunks(features).flat_map(|row| &row[start..start + width]).copied().collect();
            values[input.slot] = Some(Value::Matrix(Matrix::new(count, width, data, !input.is_double)));
            start += width;
        }
        let mut kept = rows.len();
        for step in &self.operators {
            let inputs: Vec<Option<&Value<'_>>> =
                step.inputs.iter().map(|slot| slot.and_then(|slot| values[slot].as_ref())).collect();
            let shape = |problem: String| GraphError::Shape { place: step.place.clone(), problem };
            let matrix = step.operator.compute(&inputs, VALUES_MAX.saturating_sub(kept)).map_err(shape)?;
            kept = kept.saturating_add(matrix.data.len());
            if kept > VALUES_MAX {
                return Err(GraphError::Limit { what: "values", found: kept, limit: VALUES_MAX });
            }
            values[step.output] = Some(Value::Matrix(matrix));
        }
        match values.get_mut(self.output).and_then(Option::take) {
            Some(Value::Matrix(matrix)) => Ok(matrix.data),
            _ => Err(GraphError::Shape {
                place: self.output_name.clone(),
                problem: "the output does not depend on the rows".to_owned(),
            }),
        }
    }
}
