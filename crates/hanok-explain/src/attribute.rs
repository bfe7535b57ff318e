//! What two models make their predictions of: SHAP values of the same rows by both.

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hanok_models::ExplainError;
use hanok_types::column_name;

use crate::asking::AskingOptions;
use crate::columns::Selection;
use crate::explain::{ExplainOptions, Explaining};
use crate::explanation::{Method, OutputColumns, OutputKind, numbers};
use crate::model::Model;
use crate::pair::{PairOptions, Paired};
use crate::predict::RunError;

/// Rows that a model is compared with whose file does not have what path-dependent values need.
const BACKGROUND_ROWS: usize = 100;

/// SHAP values of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributions {
    /// By feature the column that it is given.
    pub features: Vec<String>,
    /// Row after row the value of each feature. Of several classes, for the sample the sum of their |values|, and for a row that
    /// moved the value of the class that the second model says.
    pub values: Vec<f64>,
}

/// SHAP values of both models.
#[derive(Clone, Debug)]
pub struct Attributed {
    /// What values are measured against: the interventional method with some of the rows, if one of the models cannot be
    /// explained by the other one.
    pub method: Method,
    /// Of the sample.
    pub sample: [Attributions; 2],
    /// Of the rows that are the farthest apart.
    pub movers: [Attributions; 2],
}

impl Attributed {
    /// The features whose values differ the most between the models for one of the movers, the largest difference first. A
    /// feature that a model does not have counts as 0.
    pub fn reasons(&self, mover: usize, features_max: usize) -> Vec<(String, [f64; 2])> {
        let mut all: Vec<(String, [f64; 2])> = Vec::new();
        for (model, Attributions { features, values }) in self.movers.iter().enumerate() {
            let from = mover * features.len();
            let values = values.get(from..from + features.len()).unwrap_or_default();
            for (feature, value) in features.iter().zip(values) {
                match all.iter_mut().find(|(name, _)| name == feature) {
                    Some((_, both)) => both[model] = *value,
                    None => {
                        let mut both = [0.0; 2];
                        both[model] = *value;
                        all.push((feature.clone(), both));
                    }
                }
            }
        }
        let apart = |(_, [one, two]): &(String, [f64; 2])| (two - one).abs();
        all.sort_by(|a, b| apart(b).total_cmp(&apart(a)));
        all.truncate(features_max);
        all
    }
}

/// Which output's values are taken.
#[derive(Clone, Copy)]
enum Taken<'a> {
    One(usize),
    /// Σ |value| over the outputs.
    All,
    /// By row.
    Each(&'a [usize]),
}

/// Explains the sample and the movers by both models.
///
/// # Errors
/// [`RunError::Model`] or [`RunError::Request`] when a model cannot be explained at all, or is known by its answers only.
pub fn attribute(
    models: [&Model; 2],
    paired: &Paired,
    options: &PairOptions,
) -> Result<Attributed, RunError> {
    let by = |method: Method| {
        let explain = |rows: &RecordBatch, at: usize, taken: Taken<'_>| {
            let background = paired.sample.0.slice(0, paired.sample.0.num_rows().min(BACKGROUND_ROWS));
            let options = ExplainOptions {
                method: Some(method),
                output: OutputKind::Raw,
                interactions: false,
                columns: options.columns_of(models[at]),
                threads: options.threads,
                asking: AskingOptions::default(),
                rows: None,
            };
            values(models[at], rows, Some(&background), &options, taken)
        };
        let sample =
            |at: usize| explain(&paired.sample.0, at, paired.outputs[at].map_or(Taken::All, Taken::One));
        let said = said_classes(paired);
        let movers = |at: usize| {
            explain(&paired.movers.0, at, paired.outputs[at].map_or(Taken::Each(&said), Taken::One))
        };
        Ok(Attributed { method, sample: [sample(0)?, sample(1)?], movers: [movers(0)?, movers(1)?] })
    };
    match by(Method::Path) {
        Err(RunError::Model(ExplainError::NoCover | ExplainError::LinearLeaves)) => {
            by(Method::Interventional)
        }
        done => done,
    }
}

/// By mover the class that the second model says.
fn said_classes(paired: &Paired) -> Vec<usize> {
    let width = paired.classes.len().max(1);
    let said = |row: &u64| {
        let from = *row as usize * width;
        let probabilities = paired.predictions[1].get(from..from + width).unwrap_or_default();
        let most = |best: usize, at: usize| if probabilities[at] > probabilities[best] { at } else { best };
        (0..probabilities.len()).reduce(most).unwrap_or(0)
    };
    paired.movers.1.iter().map(said).collect()
}

fn values(
    model: &Model,
    rows: &RecordBatch,
    background: Option<&RecordBatch>,
    options: &ExplainOptions,
    taken: Taken<'_>,
) -> Result<Attributions, RunError> {
    let mut explaining = Explaining::new(model, rows.schema_ref(), background, options)?;
    let metadata = explaining.metadata();
    let features = data_columns(&metadata.features, rows.schema_ref());
    let outputs = metadata.columns.outputs.clone();
    let mut values = Vec::with_capacity(rows.num_rows() * features.len());
    let step = options.block_rows(model);
    for begin in (0..rows.num_rows()).step_by(step) {
        let block = rows.slice(begin, step.min(rows.num_rows() - begin));
        let explained = explaining.explain(&block)?;
        let of = |output: &OutputColumns| -> Vec<_> {
            output.values.iter().filter_map(|name| numbers(&explained, name)).collect()
        };
        let columns: Vec<Vec<_>> = match taken {
            Taken::One(output) => outputs.iter().skip(output).take(1).map(of).collect(),
            Taken::All | Taken::Each(_) => outputs.iter().map(of).collect(),
        };
        for row in 0..block.num_rows() {
            let all = |feature: usize| columns.iter().map(move |columns| columns[feature].value(row));
            values.extend((0..features.len()).map(|feature| match taken {
                Taken::One(_) => all(feature).sum::<f64>(),
                Taken::All => all(feature).map(f64::abs).sum(),
                Taken::Each(said) => all(feature).nth(said[begin + row]).unwrap_or(f64::NAN),
            }));
        }
    }
    Ok(Attributions { features, values })
}

/// The columns of a schema that stand for features: of the very name, or of the one that loading gives it.
fn data_columns(features: &[String], schema: &SchemaRef) -> Vec<String> {
    let column = |name: &String| if schema.index_of(name).is_ok() { name.clone() } else { column_name(name) };
    features.iter().map(column).collect()
}

/// Which columns two models read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// By model, in its order.
    pub read: [Vec<String>; 2],
    /// Columns that say which row is which: those chosen, or all that neither reads, without the label.
    pub keys: Vec<String>,
}

/// Tells the columns of the data apart by which model reads them.
pub fn inputs(models: [&Model; 2], schema: &SchemaRef, options: &PairOptions) -> Result<Inputs, RunError> {
    let read = |model: &Model| {
        let selection = Selection::new(&model.form, schema, &options.columns_of(model))?;
        Ok::<_, RunError>(data_columns(&selection.feature_names(), schema))
    };
    let read = [read(models[0])?, read(models[1])?];
    let is_key = |name: &&String| {
        !read.iter().flatten().any(|read| read == *name) && options.columns.label.as_ref() != Some(*name)
    };
    let others = || schema.fields().iter().map(|field| field.name()).filter(is_key).cloned().collect();
    let keys = options.columns.keys.clone().unwrap_or_else(others);
    Ok(Inputs { read, keys })
}

/// Each row by its keys, `carrier=B6, flight=725`; keys without a value are left out.
pub fn told(rows: &RecordBatch, keys: &[String]) -> Result<Vec<String>, RunError> {
    let options = FormatOptions::default();
    let columns = keys.iter().filter_map(|key| Some((key, rows.column_by_name(key)?)));
    let columns = columns.map(|(key, column)| Ok((key, column, ArrayFormatter::try_new(column, &options)?)));
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let row = |row: usize| {
        let known = columns.iter().filter(|(_, column, _)| column.is_valid(row));
        let pairs: Vec<String> = known.map(|(key, _, texts)| format!("{key}={}", texts.value(row))).collect();
        pairs.join(", ")
    };
    Ok((0..rows.num_rows()).map(row).collect())
}
