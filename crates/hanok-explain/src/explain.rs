//! Explanations, block by block.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hanok_error::{Code, Coded, code};
use hanok_models::{Ensemble, Explainer, Interventional, Link, Predictor};
use serde::Serialize;

use crate::columns::{ColumnChoice, Selection};
use crate::explanation::{Columns, Metadata, Method, OutputKind, Unit};
use crate::predict::{RunError, block_rows, output_names, strided};
use crate::registry::Model;

/// Most columns of an explanation: readers of Parquet read the description of every column of every row group.
const COLUMNS_MAX: usize = 20_000;
/// Most values of a background, which is held in memory: 1 GiB.
pub const BACKGROUND_VALUES_MAX: usize = 1 << 27;
/// How far base value and values may be from what they add up to, as a share of the largest |base value| + Σ |value| of a
/// row. Values are computed in 32-bit floating point, and so are the predictions of some libraries.
const TOLERANCE: f64 = 1e-5;

/// How to explain.
#[derive(Clone, Debug)]
pub struct ExplainOptions {
    /// What values are measured against.
    pub method: Method,
    /// What is explained; other than [`OutputKind::Raw`] with [`Method::Interventional`] only.
    pub output: OutputKind,
    /// Whether interaction values are computed too; with [`Method::Path`] only.
    pub interactions: bool,
    /// Which columns of the data are what.
    pub columns: ColumnChoice,
    /// Threads.
    pub threads: usize,
}

impl ExplainOptions {
    /// How many rows a block should have, at most. Values do not depend on it.
    pub fn block_rows(&self, ensemble: &Ensemble) -> usize {
        let (features, outputs) = (ensemble.features(), ensemble.outputs());
        let matrix = if self.interactions { features.saturating_mul(features) } else { features };
        block_rows(matrix.saturating_mul(outputs).saturating_add(features))
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
    Interventional(Box<Interventional<'a>>),
}

/// A model that explains the rows of data of one schema.
#[derive(Debug)]
pub struct Explaining<'a> {
    ensemble: &'a Ensemble,
    algorithm: Algorithm<'a>,
    predictor: Predictor<'a>,
    selection: Selection,
    schema: SchemaRef,
    metadata: Metadata,
    interactions: bool,
    threads: usize,
    /// By output and feature, Σ |value|.
    totals: Vec<f64>,
    gap: f64,
    scale: f64,
}

impl<'a> Explaining<'a> {
    /// Prepares a model for data of a schema. [`Method::Interventional`] needs a background, with the model's features
    /// among its columns.
    pub fn new(
        model: &'a Model,
        schema: &SchemaRef,
        background: Option<&RecordBatch>,
        options: &ExplainOptions,
    ) -> Result<Self, RunError> {
        let ensemble = &model.ensemble;
        check(ensemble, options)?;
        let selection = Selection::new(ensemble, schema, &options.columns)?;
        let (algorithm, background_rows) = match (options.method, background) {
            (Method::Path, _) => (Algorithm::Path(Box::new(Explainer::new(ensemble)?)), None),
            (Method::Interventional, None) => {
                return Err(RunError::Request(
                    "the interventional method needs a background to compare with".to_owned(),
                ));
            }
            (Method::Interventional, Some(background)) => {
                let rows = background.num_rows() as u64;
                let choice = ColumnChoice { keys: None, label: None, ..options.columns.clone() };
                let of_background = Selection::new(ensemble, background.schema_ref(), &choice)?;
                let table = of_background.table(ensemble, background)?;
                (Algorithm::Interventional(Box::new(Interventional::new(ensemble, table)?)), Some(rows))
            }
        };
        let keys = selection.key_fields();
        let features = selection.feature_names();
        let outputs = output_names(ensemble.outputs());
        let same = match options.output {
            OutputKind::Raw => ensemble.link() == Link::Identity,
            OutputKind::Probability => true,
            OutputKind::LogLoss => false,
        };
        let names = keys.iter().map(|field| field.name().clone()).collect();
        let columns = Columns::new(names, &features, &outputs, options.output, same, options.interactions);
        let schema = file_schema(&columns, keys, selection.input_fields());
        let totals = vec![0.0; features.len() * outputs.len()];
        let method = (options.method, background_rows);
        let output = (options.output, unit(ensemble.link(), options.output));
        let metadata = Metadata::new(model.identity.clone(), method, output, features, outputs, columns);
        Ok(Self {
            ensemble,
            algorithm,
            predictor: Predictor::new(ensemble),
            selection,
            schema,
            metadata,
            interactions: options.interactions,
            threads: options.threads,
            totals,
            gap: 0.0,
            scale: 0.0,
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
        let table = self.selection.table(self.ensemble, batch)?;
        let labels = self.selection.labels(batch)?;
        let explanation = match (&self.algorithm, self.metadata.output, &labels) {
            (Algorithm::Path(path), ..) if self.interactions => path.interactions(&table, self.threads)?,
            (Algorithm::Path(path), ..) => path.explain(&table, self.threads)?,
            (Algorithm::Interventional(method), OutputKind::Raw, _) => {
                method.explain(&table, self.threads)?
            }
            (Algorithm::Interventional(method), OutputKind::Probability, _) => {
                method.explain_probability(&table, self.threads)?
            }
            (Algorithm::Interventional(method), OutputKind::LogLoss, labels) => {
                method.explain_log_loss(&table, labels.as_deref().unwrap_or_default(), self.threads)?
            }
        };
        let raw = self.predictor.raw(&table, self.threads)?;
        let (outputs, features) = (explanation.outputs, explanation.features);
        let mut predictions = raw.clone();
        predictions.chunks_mut(outputs).for_each(|row| self.ensemble.apply_link(row));
        let sums = match self.metadata.output {
            OutputKind::Raw => raw,
            OutputKind::Probability => predictions.clone(),
            OutputKind::LogLoss => losses(self.ensemble.link(), &raw, labels.as_deref().unwrap_or_default()),
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
        self.add_up(&bases, &values, &sums);
        let (keys, inputs) = self.selection.taken_over(batch)?;
        let mut columns = keys.columns().to_vec();
        for (output, names) in self.metadata.columns.outputs.iter().enumerate() {
            columns.push(strided(&bases, output, outputs));
            columns
                .extend((0..features).map(|at| strided(&values, output * features + at, outputs * features)));
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
        let rows = self.metadata.rows as f64;
        let means: Vec<f64> = self.totals.iter().map(|total| total / rows).collect();
        let features = self.metadata.features.len();
        let importance = means.chunks(features.max(1)).map(<[f64]>::to_vec).collect();
        let additivity = Additivity { gap: self.gap, tolerance: TOLERANCE * self.scale };
        Explained { metadata: self.metadata, additivity, importance }
    }
}

/// What an output is in.
fn unit(link: Link, output: OutputKind) -> Unit {
    match (output, link) {
        (OutputKind::Probability, _) => Unit::Probability,
        (OutputKind::LogLoss, _) => Unit::LogLoss,
        (OutputKind::Raw, Link::Identity) => Unit::Prediction,
        (OutputKind::Raw, Link::Logistic { factor: 1.0 }) => Unit::LogOdds,
        (OutputKind::Raw, Link::Exp) => Unit::Log,
        (OutputKind::Raw, _) => Unit::Score,
    }
}

/// What goes together.
fn check(ensemble: &Ensemble, options: &ExplainOptions) -> Result<(), RunError> {
    let refused = |reason: String| Err(RunError::Request(reason));
    if options.method == Method::Path && options.output != OutputKind::Raw {
        return refused(
            "probabilities and losses are explained by the interventional method, with a background; path-dependent \
             values explain raw values"
                .to_owned(),
        );
    }
    if options.method == Method::Interventional && options.interactions {
        return refused("interactions are computed by the path method only".to_owned());
    }
    if options.output == OutputKind::LogLoss && options.columns.label.is_none() {
        return refused("losses need the column with the truth".to_owned());
    }
    let (features, outputs) = (ensemble.features(), ensemble.outputs());
    let pairs = if options.interactions { features.saturating_mul(features + 1) / 2 } else { 0 };
    let columns = (features.saturating_add(pairs)).saturating_mul(outputs).saturating_add(features);
    if columns > COLUMNS_MAX {
        return refused(format!(
            "the explanation would have {columns} columns; at most {COLUMNS_MAX} are written"
        ));
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
