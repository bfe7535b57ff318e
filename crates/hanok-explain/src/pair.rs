//! Two models over the same rows, block by block: what both predict, the truth, the segments, a sample of the rows, and
//! those whose predictions are the farthest apart.

use std::collections::HashMap;
use std::time::Instant;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hanok_drift::outputs::{Predictions, Task};
use hanok_error::{Code, Coded, code};
use hanok_models::Link;

use crate::columns::{ColumnChoice, ColumnsError};
use crate::explanation::numbers;
use crate::kept::{Kept, drawn};
use crate::model::Model;
use crate::predict::{Predicting, RunError, output_names};

/// Most different values of a column that divides the rows into segments.
const SEGMENT_VALUES_MAX: usize = 10_000;
/// Most values of the rows that are kept for explanations.
const KEPT_VALUES_MAX: usize = 1 << 24;
/// How far the probabilities of a row may be from adding up to one.
const SUM_TOLERANCE: f64 = 1e-4;

/// Two models cannot be compared on the rows.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The columns do not fit, or a model cannot predict them.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The models' outputs are not the same things.
    #[error("the models do not predict the same thing: {}, {}", .0[0], .0[1])]
    Outputs(Box<[String; 2]>),
    /// Neither has the output.
    #[error("there is no output {wanted} of both models; they have {} and {}", .found[0], .found[1])]
    NoOutput {
        /// What was asked for, counted from 0.
        wanted: usize,
        /// How many each has.
        found: [usize; 2],
    },
    /// The truth cannot be had from the column.
    #[error("the label `{column}` {reason}")]
    Label {
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The column does not make segments.
    #[error("the column `{column}` {reason}")]
    Segments {
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No rows.
    #[error("there are no rows to compare the models on")]
    NoRows,
}

impl Coded for PairError {
    fn code(&self) -> Code {
        match self {
            Self::Run(error) => error.code(),
            Self::Outputs(_) | Self::NoOutput { .. } => code::SWAP_OUTPUTS,
            Self::Label { .. } => code::SWAP_LABEL,
            Self::Segments { .. } => code::SWAP_SEGMENTS,
            Self::NoRows => code::SWAP_ROWS,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Run(error) => error.hint(),
            _ => None,
        }
    }
}

/// How two models are run over rows.
#[derive(Clone, Debug)]
pub struct PairOptions {
    /// Which columns are what. Features by position are for models without feature names only; the label may be null.
    pub columns: ColumnChoice,
    /// Columns that divide the rows into segments.
    pub segments: Vec<String>,
    /// The output of models that have several numbers, counted from 0.
    pub output: Option<usize>,
    /// Rows of the sample; fewer when rows are wide.
    pub sample_rows: usize,
    /// Rows that are kept of those that are the farthest apart.
    pub movers: usize,
    /// Of the sample.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
}

impl PairOptions {
    /// The choice of columns for one of the models: names by position are not for one that knows its features. The label is
    /// no feature of any, and is looked at here only.
    pub fn columns_of(&self, model: &Model) -> ColumnChoice {
        let has_names = !model.form.feature_names().is_empty();
        let features = if has_names { Vec::new() } else { self.columns.features.clone() };
        let keys = self.columns.keys.iter().flatten().chain(&self.columns.label).cloned().collect();
        ColumnChoice { features, keys: Some(keys), label: None }
    }
}

/// What both models predicted.
#[derive(Debug)]
pub struct Paired {
    /// What the predictions are.
    pub task: Task,
    /// Rows.
    pub rows: u64,
    /// Names of the classes: their numbers, counted from 0; empty of other tasks.
    pub classes: Vec<String>,
    /// By model, its predictions: one a row, or one a class, row after row.
    pub predictions: [Vec<f64>; 2],
    /// By row the truth, NaN where it is not known.
    pub labels: Option<Vec<f64>>,
    /// By column, the rows' segments.
    pub segments: Vec<Segments>,
    /// By model, the seconds that its predictions took.
    pub seconds: [f64; 2],
    /// Rows drawn by the seed with all their columns, in their order, and their numbers, counted from 0.
    pub sample: (RecordBatch, Vec<u64>),
    /// The rows that are the farthest apart, the farthest first, and their numbers.
    pub movers: (RecordBatch, Vec<u64>),
    /// The output of each model that was compared, of models with several.
    pub(crate) outputs: [Option<usize>; 2],
}

impl Paired {
    /// A model's predictions, as statistics take them.
    pub fn of(&self, model: usize) -> Predictions<'_> {
        let values = &self.predictions[model];
        match self.task {
            Task::Regression => Predictions::Numbers(values),
            Task::Binary => Predictions::Probabilities(values),
            Task::Multiclass => Predictions::Classes { names: &self.classes, values },
        }
    }
}

/// The rows divided by the values of a column.
#[derive(Debug)]
pub struct Segments {
    /// The column.
    pub column: String,
    /// Its values, in the order in which they come.
    pub names: Vec<String>,
    /// By row, the place of its value in the names.
    pub members: Vec<u32>,
    places: HashMap<String, u32>,
}

impl Segments {
    fn look(&mut self, block: &RecordBatch) -> Result<(), PairError> {
        let refused = |reason: String| PairError::Segments { column: self.column.clone(), reason };
        let column =
            block.column_by_name(&self.column).ok_or_else(|| refused("does not exist".to_owned()))?;
        let options = FormatOptions::default().with_null("null");
        let texts = ArrayFormatter::try_new(column, &options).map_err(|error| refused(error.to_string()))?;
        for row in 0..column.len() {
            let text = texts.value(row).to_string();
            let place = match self.places.get(&text) {
                Some(place) => *place,
                None if self.names.len() < SEGMENT_VALUES_MAX => {
                    let place = self.names.len() as u32;
                    self.names.push(text.clone());
                    self.places.insert(text, place);
                    place
                }
                None => return Err(refused(format!("has more than {SEGMENT_VALUES_MAX} different values"))),
            };
            self.members.push(place);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Side<'a> {
    model: &'a Model,
    predicting: Predicting<'a>,
    /// The output that is compared; `None` for all.
    output: Option<usize>,
    seconds: f64,
}

impl Side<'_> {
    /// Adds a block's predictions, row after row.
    fn predict(&mut self, block: &RecordBatch, into: &mut Vec<f64>) -> Result<(), RunError> {
        let started = Instant::now();
        let predicted = self.predicting.predict(block)?;
        self.seconds += started.elapsed().as_secs_f64();
        let outputs = self.model.outputs();
        let fields = predicted.schema_ref().fields().iter().rev().take(outputs);
        // The predictions are the last columns.
        let columns: Vec<_> = fields.filter_map(|field| numbers(&predicted, field.name())).collect();
        let chosen: Vec<_> = match self.output {
            Some(output) => columns.iter().rev().skip(output).take(1).collect(),
            None => columns.iter().rev().collect(),
        };
        for row in 0..predicted.num_rows() {
            into.extend(chosen.iter().map(|column| column.value(row)));
        }
        Ok(())
    }
}

/// Two models that predict the rows of data of one schema.
#[derive(Debug)]
pub struct Pairing<'a> {
    sides: [Side<'a>; 2],
    /// Values a row.
    width: usize,
    rows: u64,
    predictions: [Vec<f64>; 2],
    label: Option<String>,
    labels: Vec<f64>,
    segments: Vec<Segments>,
    sample: Kept,
    movers: Kept,
    seed: u64,
}

impl<'a> Pairing<'a> {
    /// Prepares both models for data of a schema.
    pub fn new(models: [&'a Model; 2], schema: &SchemaRef, options: &PairOptions) -> Result<Self, PairError> {
        let outputs = compared(models, options.output)?;
        let side = |at: usize| {
            let choice = options.columns_of(models[at]);
            let predicting = Predicting::new(models[at], schema, &choice, options.threads, None)?;
            Ok::<_, RunError>(Side { model: models[at], predicting, output: outputs[at], seconds: 0.0 })
        };
        for column in &options.segments {
            schema.index_of(column).map_err(|_| {
                let known = schema.fields().iter().map(|field| field.name().clone()).collect();
                RunError::from(ColumnsError::Unknown { column: column.clone(), known })
            })?;
        }
        let segments = options.segments.iter().map(|column| Segments {
            column: column.clone(),
            names: Vec::new(),
            members: Vec::new(),
            places: HashMap::new(),
        });
        let widest = KEPT_VALUES_MAX / schema.fields().len().max(1);
        Ok(Self {
            sides: [side(0)?, side(1)?],
            width: if outputs[0].is_some() { 1 } else { models[0].outputs() },
            rows: 0,
            predictions: [Vec::new(), Vec::new()],
            label: options.columns.label.clone(),
            labels: Vec::new(),
            segments: segments.collect(),
            sample: Kept::new(options.sample_rows.min(widest), schema.clone()),
            movers: Kept::new(options.movers.min(widest), schema.clone()),
            seed: options.seed,
        })
    }

    /// How many rows a block should have, at most. Predictions do not depend on it.
    pub fn block_rows(models: [&Model; 2]) -> usize {
        models.map(Predicting::block_rows).into_iter().min().unwrap_or(1)
    }

    /// Predicts a block by both.
    pub fn predict(&mut self, block: &RecordBatch) -> Result<(), PairError> {
        let begin = self.predictions[0].len();
        for (side, predictions) in self.sides.iter_mut().zip(&mut self.predictions) {
            side.predict(block, predictions)?;
        }
        if let Some(column) = &self.label {
            let refused = |reason| PairError::Label { column: column.clone(), reason };
            let labels = numbers(block, column).ok_or_else(|| refused("is no number"))?;
            self.labels.extend(labels.values());
        }
        for segments in &mut self.segments {
            segments.look(block)?;
        }
        let (first, seed) = (self.rows, self.seed);
        self.sample.look(block, |at| drawn(seed, first + at)).map_err(RunError::from)?;
        let (width, [one, two]) = (self.width, &self.predictions);
        let farthest_first = |at: u64| {
            let from = begin + at as usize * width;
            let pairs = one[from..from + width].iter().zip(&two[from..from + width]);
            -pairs.map(|(one, two)| (two - one).abs()).sum::<f64>()
        };
        self.movers.look(block, farthest_first).map_err(RunError::from)?;
        self.rows += block.num_rows() as u64;
        Ok(())
    }

    /// Ends the comparison.
    pub fn finish(self) -> Result<Paired, PairError> {
        if self.rows == 0 {
            return Err(PairError::NoRows);
        }
        let models = [self.sides[0].model, self.sides[1].model];
        let mut outputs = [self.sides[0].output, self.sides[1].output];
        let mut predictions = self.predictions;
        let task = task(models, self.width, &predictions)?;
        if task == Task::Binary && self.width == 2 {
            // The probability of the second class says all.
            predictions = predictions.map(|both| both.chunks_exact(2).map(|row| row[1]).collect());
            outputs = [Some(1), Some(1)];
        }
        Ok(Paired {
            task,
            rows: self.rows,
            classes: if task == Task::Multiclass { output_names(self.width) } else { Vec::new() },
            predictions,
            labels: self.label.map(|_| self.labels),
            segments: self.segments,
            seconds: [self.sides[0].seconds, self.sides[1].seconds],
            sample: self.sample.by_row().map_err(RunError::from)?,
            movers: self.movers.by_rank().map_err(RunError::from)?,
            outputs,
        })
    }
}

/// The output of each model that is compared; `None` for all.
fn compared(models: [&Model; 2], wanted: Option<usize>) -> Result<[Option<usize>; 2], PairError> {
    let found = models.map(Model::outputs);
    match (wanted, found) {
        (Some(wanted), _) if found.iter().any(|outputs| wanted >= *outputs) => {
            Err(PairError::NoOutput { wanted, found })
        }
        (Some(wanted), _) => Ok([Some(wanted); 2]),
        (None, [1, 1]) => Ok([Some(0); 2]),
        // Of two classes one model may say the second one's probability only.
        (None, [1, 2]) => Ok([Some(0), Some(1)]),
        (None, [2, 1]) => Ok([Some(1), Some(0)]),
        (None, [one, two]) if one == two => Ok([None; 2]),
        (None, _) => Err(different(models, "")),
    }
}

fn different(models: [&Model; 2], kind: &str) -> PairError {
    let told = |model: &Model| {
        let outputs = model.outputs();
        let plural = if outputs == 1 { "" } else { "s" };
        format!("{} has {outputs} output{plural}{kind}", model.identity.name)
    };
    PairError::Outputs(Box::new(models.map(told)))
}

/// What the predictions are: told by the links, and where these do not tell by the values.
fn task(models: [&Model; 2], width: usize, predictions: &[Vec<f64>; 2]) -> Result<Task, PairError> {
    if width > 1 {
        return match predictions.iter().all(|values| add_up(values, width)) {
            true if width == 2 => Ok(Task::Binary),
            true => Ok(Task::Multiclass),
            false => Err(different(models, " that are no probabilities")),
        };
    }
    let is_told = |model: &&Model| matches!(model.link(), Link::Logistic { .. } | Link::Softmax | Link::Step);
    let told = models.iter().any(is_told);
    let is_probability = |value: &f64| !value.is_finite() || (0.0..=1.0).contains(value);
    let is_possible = predictions.iter().flatten().all(is_probability);
    match (told, is_possible) {
        (true, true) => Ok(Task::Binary),
        (true, false) => Err(different(models, ", one of probabilities and one of other numbers")),
        (false, _) => Ok(Task::Regression),
    }
}

/// Whether each row's values are probabilities of classes of which one is true.
fn add_up(values: &[f64], width: usize) -> bool {
    values.chunks_exact(width).all(|row| {
        let sum: f64 = row.iter().sum();
        !sum.is_finite() || (row.iter().all(|value| *value >= 0.0) && (sum - 1.0).abs() <= SUM_TOLERANCE)
    })
}
