//! Explanations, block by block.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hanok_error::{Code, Coded, code};
use hanok_models::{Ensemble, Explainer, Interventional, Link, RowExplainer, Saabas, Table};
use serde::Serialize;

use crate::asking::{Asking, AskingOptions};
use crate::columns::{ColumnChoice, Selection};
use crate::explanation::{Asked, Columns, Extras, Metadata, Method, OutputKind, Unit};
use crate::model::{Answers, Model};
use crate::predict::{RunError, block_rows, output_names, strided};

/// Most columns of an explanation: readers of Parquet read the description of every column of every row group.
const COLUMNS_MAX: usize = 20_000;
/// Rows of a block that is explained by a model's answers, of which each row takes hundreds.
const ASKED_BLOCK_ROWS: usize = 64;
/// Most values of a background, which is held in memory: 1 GiB.
pub const BACKGROUND_VALUES_MAX: usize = 1 << 27;
/// How far base value and values may be from what they add up to, as a share of the largest |base value| + Σ |value| of a
/// row. Values are computed in 32-bit floating point, and so are the predictions of some libraries.
const TOLERANCE: f64 = 1e-5;

/// How to explain.
#[derive(Clone, Debug)]
pub struct ExplainOptions {
    /// How values are computed. If nobody says it: by covers, or with a background by its rows; of a model that is known by its answers by
    /// all coalitions of features where that takes no more answers than random orders, and else by those.
    pub method: Option<Method>,
    /// What is explained; [`OutputKind::LogLoss`] with [`Method::Interventional`] only, probabilities with a background.
    pub output: OutputKind,
    /// Whether interaction values are computed too; with [`Method::Path`] only.
    pub interactions: bool,
    /// Which columns of the data are what.
    pub columns: ColumnChoice,
    /// Threads.
    pub threads: usize,
    /// For methods that ask the model.
    pub asking: AskingOptions,
    /// How many rows there will be, if it is known: what they will cost is compared with what is allowed before the first, and few are
    /// explained in the way that is made for few.
    pub rows: Option<u64>,
}

impl ExplainOptions {
    /// How many rows a block should have, at most. Values do not depend on it.
    pub fn block_rows(&self, model: &Model) -> usize {
        let Some(ensemble) = model.ensemble().filter(|_| !self.method.is_some_and(Method::asks)) else {
            return ASKED_BLOCK_ROWS;
        };
        let (features, outputs) = (ensemble.features(), ensemble.outputs());
        let matrix = if self.interactions { features.saturating_mul(features) } else { features };
        block_rows(matrix.saturating_mul(outputs).saturating_add(features))
    }

    /// How values of a model of so many features are computed.
    fn chosen_method(&self, model: &Model, has_background: bool, features: usize) -> Method {
        self.method.unwrap_or(match (has_background, model.ensemble()) {
            (false, _) => Method::Path,
            (true, Some(_)) => Method::Interventional,
            (true, None) => self.asking.method(features),
        })
    }
}

/// The values of a row do not add up.
#[derive(Debug, thiserror::Error)]
#[error("base value and values differ from the prediction by {gap:e}, more than the tolerance {tolerance:e}")]
pub struct AdditivityError {
    /// The largest difference.
    pub gap: f64,
    /// What is allowed.
    pub tolerance: f64,
}

impl Coded for AdditivityError {
    fn code(&self) -> Code {
        code::EXPLANATION_ADDITIVITY
    }
}

/// What is known when all rows have been explained.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The entry for the file.
    pub metadata: Metadata,
    /// Whether values add up: the largest gap and what is allowed.
    pub additivity: Additivity,
    /// By output and feature, the mean of |value| over the rows; NaN without rows.
    pub importance: Vec<Vec<f64>>,
    /// The largest standard error of a value, of those that are known.
    pub standard_error_max: Option<f64>,
}

/// How far values are from adding up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Additivity {
    /// The largest difference over rows and outputs.
    pub gap: f64,
    /// What is allowed: 1e-5 of the largest |base value| + Σ |value| of a row.
    pub tolerance: f64,
}

impl Additivity {
    /// Whether values add up.
    pub fn check(self) -> Result<(), AdditivityError> {
        if self.gap <= self.tolerance {
            return Ok(());
        }
        Err(AdditivityError { gap: self.gap, tolerance: self.tolerance })
    }
}

#[derive(Debug)]
enum Algorithm<'a> {
    Path(Box<Explainer<'a>>),
    /// The same for few rows.
    Rows(Box<RowExplainer<'a>>),
    Interventional(Box<Interventional<'a>>),
    Saabas(Box<Saabas<'a>>),
    Asking(Box<Asking<'a>>),
}

/// A model that explains the rows of data of one schema.
#[derive(Debug)]
pub struct Explaining<'a> {
    model: &'a Model,
    algorithm: Algorithm<'a>,
    answers: Arc<Answers<'a>>,
    selection: Selection,
    schema: SchemaRef,
    metadata: Metadata,
    interactions: bool,
    threads: usize,
    /// By output and feature, Σ |value|.
    totals: Vec<f64>,
    gap: f64,
    scale: f64,
    standard_error_max: Option<f64>,
}

impl<'a> Explaining<'a> {
    /// Prepares a model for data of a schema. All methods but those by covers need a background, with the model's features among its
    /// columns.
    pub fn new(
        model: &'a Model,
        schema: &SchemaRef,
        background: Option<&RecordBatch>,
        options: &ExplainOptions,
    ) -> Result<Self, RunError> {
        let selection = Selection::new(&model.form, schema, &options.columns)?;
        let features = selection.feature_names();
        let method = options.chosen_method(model, background.is_some(), features.len());
        check(model, method, options)?;
        let answers = Arc::new(Answers::new(model, &features, options.threads)?);
        let background =
            background.map(|rows| background_table(model, rows, &features, options)).transpose()?;
        let background_rows = background.as_ref().map(|table| table.rows() as u64);
        let are_few = options.rows.is_some_and(|rows| rows <= RowExplainer::ROWS_MAX as u64);
        let algorithm = match (method, model.ensemble(), background) {
            (Method::Path, Some(ensemble), _) if are_few && !options.interactions => {
                Algorithm::Rows(Box::new(RowExplainer::new(ensemble)?))
            }
            (Method::Path, Some(ensemble), _) => Algorithm::Path(Box::new(Explainer::new(ensemble)?)),
            (Method::Saabas, Some(ensemble), _) => Algorithm::Saabas(Box::new(Saabas::new(ensemble)?)),
            (Method::Interventional, Some(ensemble), Some(table)) => {
                Algorithm::Interventional(Box::new(Interventional::new(ensemble, table)?))
            }
            (method, _, Some(table)) if method.asks() => {
                let asking = Asking::new(Arc::clone(&answers), method, &table, options)?;
                Algorithm::Asking(Box::new(asking))
            }
            (method, None, _) if !method.asks() => {
                return Err(RunError::Request(format!(
                    "the method `{method}` looks into trees, and this model is known by its answers only: give a background, and a method \
                     that asks the model if you do not want the default one"
                )));
            }
            (method, ..) => {
                return Err(RunError::Request(format!(
                    "the method `{method}` needs a background to compare with"
                )));
            }
        };
        let outputs = match &algorithm {
            Algorithm::Asking(asking) => asking.outputs(),
            _ => model.ensemble().map_or(1, Ensemble::outputs),
        };
        check_width(features.len(), outputs, method, options.interactions)?;
        let same = match options.output {
            OutputKind::Raw => model.link() == Link::Identity,
            OutputKind::Probability => true,
            OutputKind::LogLoss => false,
        };
        let errors = matches!(&algorithm, Algorithm::Asking(asking) if asking.estimates());
        let extras = Extras { sum: !same, errors, interactions: options.interactions };
        let keys = selection.key_fields();
        let outputs = output_names(outputs);
        let names = keys.iter().map(|field| field.name().clone()).collect();
        let columns = Columns::new(names, &features, &outputs, options.output, extras);
        let schema = file_schema(&columns, keys, selection.input_fields());
        let totals = vec![0.0; features.len() * outputs.len()];
        let method = (method, background_rows.filter(|_| method.has_background()));
        let output = (options.output, unit(model, options.output));
        let metadata = Metadata::new(model.identity.clone(), method, output, features, outputs, columns);
        Ok(Self {
            model,
            algorithm,
            answers,
            selection,
            schema,
            metadata,
            interactions: options.interactions,
            threads: options.threads,
            totals,
            gap: 0.0,
            scale: 0.0,
            standard_error_max: None,
        })
    }

    /// The columns of the result.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the result's columns are. Rows and the largest gap are known at the end only.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Explains a block.
    pub fn explain(&mut self, batch: &RecordBatch) -> Result<RecordBatch, RunError> {
        let table = self.selection.table(&self.model.form, batch)?;
        let labels = self.selection.labels(batch)?;
        let labels = labels.as_deref().unwrap_or_default();
        let mut errors = Vec::new();
        let explanation = match (&mut self.algorithm, self.metadata.output) {
            (Algorithm::Path(path), _) if self.interactions => path.interactions(&table, self.threads)?,
            (Algorithm::Path(path), _) => path.explain(&table, self.threads)?,
            (Algorithm::Rows(rows), _) => rows.explain(&table, self.threads)?,
            (Algorithm::Saabas(method), _) => method.explain(&table, self.threads)?,
            (Algorithm::Interventional(method), OutputKind::Raw) => method.explain(&table, self.threads)?,
            (Algorithm::Interventional(method), OutputKind::Probability) => {
                method.explain_probability(&table, self.threads)?
            }
            (Algorithm::Interventional(method), OutputKind::LogLoss) => {
                method.explain_log_loss(&table, labels, self.threads)?
            }
            (Algorithm::Asking(asking), _) => {
                let estimate = asking.explain(&table)?;
                errors = estimate.errors.unwrap_or_default();
                estimate.explanation
            }
        };
        let (outputs, features) = (explanation.outputs, explanation.features);
        let raw = self.answers.raw(&table)?;
        let predictions = self.answers.apply_link(&raw, outputs);
        let sums = match self.metadata.output {
            OutputKind::Raw => raw,
            OutputKind::Probability => predictions.clone(),
            OutputKind::LogLoss => losses(self.model.link(), &raw, labels),
        };
        // One for all rows, or one for each.
        let bases: Vec<f64> = explanation.base.iter().copied().cycle().take(sums.len()).collect();
        let (values, matrices) = match self.interactions {
            true => {
                let rows = explanation.values.chunks(features.max(1));
                (rows.map(|row| row.iter().sum()).collect(), Some(explanation.values))
            }
            false => (explanation.values, None),
        };
        let known = errors.iter().copied().filter(|error| !error.is_nan());
        self.standard_error_max = known.chain(self.standard_error_max).reduce(f64::max);
        self.add_up(&bases, &values, &sums);
        let (keys, inputs) = self.selection.taken_over(batch)?;
        let mut columns = keys.columns().to_vec();
        for (output, names) in self.metadata.columns.outputs.iter().enumerate() {
            columns.push(strided(&bases, output, outputs));
            let of_features = |values: &[f64]| {
                let column = |at| strided(values, output * features + at, outputs * features);
                (0..features).map(column).collect::<Vec<_>>()
            };
            columns.extend(of_features(&values));
            if !names.errors.is_empty() {
                columns.extend(of_features(&errors));
            }
            if names.sum != names.prediction {
                columns.push(strided(&sums, output, outputs));
            }
            columns.push(strided(&predictions, output, outputs));
            columns
                .extend(matrices.iter().flat_map(|matrices| triangle(matrices, output, outputs, features)));
        }
        columns.extend(inputs.columns().iter().cloned());
        self.metadata.rows += batch.num_rows() as u64;
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    /// Compares each row's sum and adds to the totals, in the order of the rows.
    fn add_up(&mut self, bases: &[f64], values: &[f64], sums: &[f64]) {
        let features = self.metadata.features.len();
        let (cells, outputs) = (self.totals.len().max(1), self.metadata.outputs.len().max(1));
        for row in values.chunks(cells) {
            self.totals.iter_mut().zip(row).for_each(|(total, value)| *total += value.abs());
        }
        for (cell, (base, sum)) in bases.iter().zip(sums).enumerate() {
            let from = cell / outputs * features * outputs + cell % outputs * features;
            let values = &values[from..from + features];
            let gap = (base + values.iter().sum::<f64>() - sum).abs();
            // NaN would pass every comparison, and JSON has no infinity.
            self.gap = self.gap.max(if gap.is_finite() { gap } else { f64::MAX });
            self.scale = self.scale.max(base.abs() + values.iter().map(|value| value.abs()).sum::<f64>());
        }
    }

    /// Ends the explanation.
    pub fn finish(mut self) -> Explained {
        self.metadata.largest_gap = self.gap;
        if let Algorithm::Asking(asking) = &self.algorithm {
            self.metadata.asked = Some(Asked { seed: asking.seed(), model_rows: asking.model_rows() });
        }
        let rows = self.metadata.rows as f64;
        let means: Vec<f64> = self.totals.iter().map(|total| total / rows).collect();
        let features = self.metadata.features.len();
        let importance = means.chunks(features.max(1)).map(<[f64]>::to_vec).collect();
        let additivity = Additivity { gap: self.gap, tolerance: TOLERANCE * self.scale };
        let standard_error_max = self.standard_error_max;
        Explained { metadata: self.metadata, additivity, importance, standard_error_max }
    }
}

/// The background as the model takes it, or some of its rows, evenly spread. A model without feature names finds them as those of the data
/// are called, or else as `--columns` or the order of the columns say.
fn background_table(
    model: &Model,
    rows: &RecordBatch,
    names: &[String],
    options: &ExplainOptions,
) -> Result<Table, RunError> {
    let schema = rows.schema_ref();
    let by_name =
        model.form.feature_names().is_empty() && names.iter().all(|name| schema.index_of(name).is_ok());
    let features = if by_name { names.to_vec() } else { options.columns.features.clone() };
    let choice = ColumnChoice { features, keys: None, label: None };
    let most = options.asking.background_rows.unwrap_or(usize::MAX);
    let some;
    let rows = if rows.num_rows() > most {
        let places = (0..most).map(|at| (at as u64 * rows.num_rows() as u64 / most as u64) as u32);
        some = take_record_batch(rows, &UInt32Array::from_iter_values(places))?;
        &some
    } else {
        rows
    };
    let selection = Selection::new(&model.form, rows.schema_ref(), &choice)?;
    Ok(selection.table(&model.form, rows)?)
}

/// What an output is in.
fn unit(model: &Model, output: OutputKind) -> Unit {
    match (output, model.link()) {
        (OutputKind::Probability, _) => Unit::Probability,
        (OutputKind::LogLoss, _) => Unit::LogLoss,
        (OutputKind::Raw, Link::Identity) => Unit::Prediction,
        (OutputKind::Raw, Link::Logistic { factor: 1.0 }) => Unit::LogOdds,
        (OutputKind::Raw, Link::Exp) => Unit::Log,
        (OutputKind::Raw, _) => Unit::Score,
    }
}

/// What goes together.
fn check(model: &Model, method: Method, options: &ExplainOptions) -> Result<(), RunError> {
    let refused = |reason: &str| Err(RunError::Request(reason.to_owned()));
    let output = options.output;
    if matches!(method, Method::Path | Method::Saabas) && output != OutputKind::Raw {
        return refused(
            "probabilities and losses are explained by the interventional method, with a background; values by covers explain raw values",
        );
    }
    if method.asks() && output == OutputKind::LogLoss {
        return refused("losses are explained by the interventional method only");
    }
    if model.ensemble().is_none() && output != OutputKind::Raw {
        return refused("models that are known by their answers are explained as they answer");
    }
    if method.asks() && output == OutputKind::Probability && !gives_probabilities(model.link()) {
        return refused("the model's outputs are no probabilities");
    }
    if method != Method::Path && options.interactions {
        return refused("interactions are computed by the path method only");
    }
    if output == OutputKind::LogLoss && options.columns.label.is_none() {
        return refused("losses need the column with the truth");
    }
    match model.ensemble() {
        Some(ensemble) => check_width(ensemble.features(), ensemble.outputs(), method, options.interactions),
        None => Ok(()),
    }
}

fn gives_probabilities(link: Link) -> bool {
    matches!(link, Link::Logistic { .. } | Link::Softmax)
}

/// Whether the columns of the result are few enough.
fn check_width(features: usize, outputs: usize, method: Method, interactions: bool) -> Result<(), RunError> {
    let pairs = if interactions { features.saturating_mul(features + 1) / 2 } else { 0 };
    let errors = if method.asks() { features } else { 0 };
    let columns = features.saturating_add(errors).saturating_add(pairs);
    let columns = columns.saturating_mul(outputs).saturating_add(features);
    if columns > COLUMNS_MAX {
        return Err(RunError::Request(format!(
            "the explanation would have {columns} columns; at most {COLUMNS_MAX} are written"
        )));
    }
    Ok(())
}

fn file_schema(columns: &Columns, keys: Vec<Field>, inputs: Vec<Field>) -> SchemaRef {
    let names = columns.names();
    let numbers = names[keys.len()..names.len() - inputs.len()].iter();
    let numbers = numbers.map(|name| Field::new(*name, DataType::Float64, false));
    let inputs = inputs.iter().zip(&columns.inputs).map(|(field, name)| field.clone().with_name(name));
    Arc::new(Schema::new(keys.into_iter().chain(numbers).chain(inputs).collect::<Vec<_>>()))
}

/// The logarithmic loss of each row with one output.
fn losses(link: Link, raw: &[f64], labels: &[f64]) -> Vec<f64> {
    let Link::Logistic { factor } = link else { return raw.to_vec() };
    let loss = |(raw, label): (&f64, &f64)| {
        let z = factor * raw;
        // ln(1 + exp(z)) − y z, without overflow.
        z.max(0.0) + (-z.abs()).exp().ln_1p() - label * z
    };
    raw.iter().zip(labels).map(loss).collect()
}

/// The columns of the upper triangle of each row's matrix.
fn triangle(
    matrices: &[f64],
    output: usize,
    outputs: usize,
    features: usize,
) -> impl Iterator<Item = ArrayRef> {
    let pairs = (0..features).flat_map(move |a| (a..features).map(move |b| (a, b)));
    let cells = features * features;
    pairs.map(move |(a, b)| strided(matrices, output * cells + a * features + b, outputs * cells))
}
