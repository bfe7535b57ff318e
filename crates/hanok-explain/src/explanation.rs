//! The explanation file: Parquet, whose entry `hanok.explanation` says which column is what, so that no name has to be
//! taken apart. `docs/models.md` describes it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array as _, AsArray as _, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use hanok_error::{Code, Coded, code};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use serde::{Deserialize, Serialize};

/// The entry of the Parquet file's key-value metadata.
pub const METADATA_KEY: &str = "hanok.explanation";
/// The version of the entry that this binary writes, and the highest that it reads.
const VERSION: u32 = 1;
/// Rows of a batch that is read.
const BATCH_ROWS: usize = 8192;

/// How values are computed, and what they are measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The covers of the training data along each path (shap's `tree_path_dependent`).
    Path,
    /// The rows of a background.
    Interventional,
    /// The covers along a row's own path: no Shapley values, but fast (shap's `approximate`).
    Saabas,
    /// The rows of a background, by the model's answers for all coalitions of features.
    Exact,
    /// The same by random orders of the features.
    Permutation,
    /// The same by weighted least squares over coalitions.
    Kernel,
    /// The same by single rows of the background.
    Sampling,
    /// The same by coalitions of groups of correlated features: Owen values.
    Partition,
    /// The same by the coefficients of a linear model.
    Linear,
}

impl Method {
    /// Whether the model's answers are enough.
    pub fn asks(self) -> bool {
        !matches!(self, Self::Path | Self::Interventional | Self::Saabas)
    }

    /// Whether rows are compared with those of a background.
    pub fn has_background(self) -> bool {
        !matches!(self, Self::Path | Self::Saabas)
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Interventional => "interventional",
            Self::Saabas => "saabas",
            Self::Exact => "exact",
            Self::Permutation => "permutation",
            Self::Kernel => "kernel",
            Self::Sampling => "sampling",
            Self::Partition => "partition",
            Self::Linear => "linear",
        })
    }
}

/// How a model was asked that is explained by its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Where random choices began.
    pub seed: u64,
    /// Rows that the model was given, with those of the background.
    pub model_rows: u64,
}

/// What is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// The sum of the trees, before the link: log-odds, logarithms, …
    Raw,
    /// The probability of a logistic link.
    Probability,
    /// The logarithmic loss against a label.
    LogLoss,
}

/// What the numbers of an explanation are, for people: its base value, values and what they add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// That of the prediction itself.
    Prediction,
    /// Logarithms of odds.
    LogOdds,
    /// Logarithms of the prediction.
    Log,
    /// Probabilities.
    Probability,
    /// Logarithmic losses.
    LogLoss,
    /// A number without a name, of which the prediction is made.
    #[default]
    Score,
}

/// Which model was explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// The registered name, or the file's.
    pub name: String,
    /// The registered version; a file has none.
    pub version: Option<i64>,
    /// SHA-256 of the model file, hexadecimal.
    pub sha256: String,
    /// Library and version that wrote it.
    pub format: String,
}

/// The entry `hanok.explanation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The entry's version.
    pub version: u32,
    /// The model.
    pub model: ModelIdentity,
    /// What values are measured against.
    pub method: Method,
    /// Rows of the background; none if nothing is compared with one.
    pub background_rows: Option<u64>,
    /// How the model was asked; none if its inside is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// What is explained.
    pub output: OutputKind,
    /// What that is in.
    #[serde(default)]
    pub unit: Unit,
    /// Names of the features, in the model's order.
    pub features: Vec<String>,
    /// Names of the model's outputs: `0`, `1`, …
    pub outputs: Vec<String>,
    /// Which column is what.
    pub columns: Columns,
    /// Rows of the file.
    pub rows: u64,
    /// The largest difference, over rows and outputs, between base value plus values and what they should add up to.
    pub largest_gap: f64,
}

/// Which column of the file is what. All but the keys and inputs are 64-bit floating point without nulls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Columns of the data that say which row is which.
    pub keys: Vec<String>,
    /// By feature, its own values, in the type of the data.
    pub inputs: Vec<String>,
    /// By output of the model.
    pub outputs: Vec<OutputColumns>,
}

/// The columns of one output of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColumns {
    /// The base value.
    pub base: String,
    /// By feature, its SHAP values.
    pub values: Vec<String>,
    /// By feature, one standard error of each value: 0 where it is exact, NaN where nothing is known of it. Empty unless the method
    /// estimates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What the base value and the values add up to.
    pub sum: String,
    /// What the model predicts, after its link. The same column as `sum` when that is the same thing.
    pub prediction: String,
    /// The upper triangle of the matrix of interaction values, row after row with the diagonal: `a*a`, `a*b`, `a*c`,
    /// `b*b`, … Empty when they were not asked for. The matrix is symmetric, so a feature's value is the sum of all
    /// columns with it: `a = a*a + a*b + a*c`.
    pub interactions: Vec<String>,
}

/// Columns that not every explanation has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    /// What base value and values add up to is not the prediction.
    pub(crate) sum: bool,
    /// Standard errors.
    pub(crate) errors: bool,
    /// Interaction values.
    pub(crate) interactions: bool,
}

impl Columns {
    /// Names the columns of a file. A name that is taken gets underscores at its end; keys come first, then values.
    pub(crate) fn new(
        keys: Vec<String>,
        features: &[String],
        outputs: &[String],
        output: OutputKind,
        extras: Extras,
    ) -> Self {
        let mut taken: HashSet<String> = keys.iter().cloned().collect();
        let mut name = |mut name: String| {
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            name
        };
        let at = |output: &str| if outputs.len() == 1 { String::new() } else { format!("@{output}") };
        let values: Vec<Vec<String>> = outputs
            .iter()
            .map(|output| features.iter().map(|feature| name(format!("{feature}{}", at(output)))).collect())
            .collect();
        let named = outputs.iter().zip(values).map(|(output_name, values)| {
            let at = at(output_name);
            let base = name(format!("base_value{at}"));
            let errors = features.iter().take(if extras.errors { usize::MAX } else { 0 });
            let errors = errors.map(|feature| name(format!("error_{feature}{at}"))).collect();
            let sum = extras.sum.then(|| {
                name(match output {
                    OutputKind::LogLoss => format!("log_loss{at}"),
                    OutputKind::Raw | OutputKind::Probability => format!("raw_prediction{at}"),
                })
            });
            let prediction = name(format!("prediction{at}"));
            let pairs =
                features.iter().enumerate().flat_map(|(at, a)| features[at..].iter().map(move |b| (a, b)));
            let pairs = pairs.take(if extras.interactions { usize::MAX } else { 0 });
            let interactions = pairs.map(|(a, b)| name(format!("{a}*{b}{at}"))).collect();
            let sum = sum.unwrap_or_else(|| prediction.clone());
            OutputColumns { base, values, errors, sum, prediction, interactions }
        });
        let outputs = named.collect();
        let inputs = features.iter().map(|feature| name(format!("value_{feature}"))).collect();
        Self { keys, inputs, outputs }
    }

    /// All columns in the order of the file: keys; by output base value, values, errors, sum, prediction and interactions; inputs.
    pub fn names(&self) -> Vec<&str> {
        let outputs = self.outputs.iter().flat_map(|output| {
            let sum = (output.sum != output.prediction).then_some(&output.sum);
            std::iter::once(&output.base)
                .chain(&output.values)
                .chain(&output.errors)
                .chain(sum)
                .chain([&output.prediction])
                .chain(&output.interactions)
        });
        self.keys.iter().chain(outputs).chain(&self.inputs).map(String::as_str).collect()
    }
}

impl Metadata {
    /// The entry of a file that is begun; `rows` and `largest_gap` are known at its end.
    pub(crate) fn new(
        model: ModelIdentity,
        (method, background_rows): (Method, Option<u64>),
        (output, unit): (OutputKind, Unit),
        features: Vec<String>,
        outputs: Vec<String>,
        columns: Columns,
    ) -> Self {
        Self {
            version: VERSION,
            model,
            method,
            background_rows,
            asked: None,
            output,
            unit,
            features,
            outputs,
            columns,
            rows: 0,
            largest_gap: 0.0,
        }
    }

    /// The same for columns of other names, in the order of the file.
    pub fn with_names(&self, names: &[String]) -> Self {
        let mut renamed = self.clone();
        let names: HashMap<&str, &String> = self.columns.names().into_iter().zip(names).collect();
        let columns = &mut renamed.columns;
        let outputs = columns.outputs.iter_mut().flat_map(|output| {
            let single = [&mut output.base, &mut output.sum, &mut output.prediction];
            single
                .into_iter()
                .chain(&mut output.values)
                .chain(&mut output.errors)
                .chain(&mut output.interactions)
        });
        for name in columns.keys.iter_mut().chain(&mut columns.inputs).chain(outputs) {
            if let Some(other) = names.get(name.as_str()) {
                name.clone_from(other);
            }
        }
        renamed
    }

    /// The entry's text.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists have a JSON form; a gap that is not finite becomes null.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The place of the interactions of features `a` and `b` in [`OutputColumns::interactions`].
    pub fn pair(&self, a: usize, b: usize) -> usize {
        let (a, b) = (a.min(b), a.max(b));
        // Rows above row a have features, features − 1, … columns.
        a * self.features.len() - a * a.saturating_sub(1) / 2 + b - a
    }
}

/// A file is not an explanation that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ExplanationError {
    /// The operating system refused.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not Parquet, or not one of these.
    #[error("{} is not an explanation: {reason}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Coded for ExplanationError {
    fn code(&self) -> Code {
        match self {
            Self::Read { .. } => code::FILE_IO,
            Self::Format { .. } => code::EXPLANATION_FILE,
        }
    }
}

/// An explanation file, open to be read.
#[derive(Debug)]
pub struct Explanation {
    path: PathBuf,
    file: File,
    parquet: ArrowReaderMetadata,
    metadata: Metadata,
}

impl Explanation {
    /// Opens a file and checks that the columns are there that its entry names.
    pub fn open(path: &Path) -> Result<Self, ExplanationError> {
        let read = |source| ExplanationError::Read { path: path.to_owned(), source };
        let format = |reason: String| ExplanationError::Format { path: path.to_owned(), reason };
        let file = File::open(path).map_err(read)?;
        let parquet = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
            .map_err(|error| format(error.to_string()))?;
        let entries = parquet.metadata().file_metadata().key_value_metadata();
        let entry = entries.into_iter().flatten().find(|entry| entry.key == METADATA_KEY);
        let text = entry.and_then(|entry| entry.value.as_deref());
        let text = text.ok_or_else(|| format(format!("it has no entry `{METADATA_KEY}` in its metadata")))?;
        let metadata: Metadata = serde_json::from_str(text)
            .map_err(|error| format(format!("its entry `{METADATA_KEY}` is not understood: {error}")))?;
        if metadata.version > VERSION {
            let found = metadata.version;
            return Err(format(format!("version {found} of the format is newer than {VERSION}")));
        }
        metadata.check(parquet.schema()).map_err(format)?;
        Ok(Self { path: path.to_owned(), file, parquet, metadata })
    }

    /// What the file says of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        self.parquet.schema()
    }

    /// The rows, in order, with these columns only; they come in the order of the file.
    pub fn batches(
        &self,
        columns: &[&str],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ExplanationError>> + use<>, ExplanationError> {
        let format = {
            let path = self.path.clone();
            move |reason: String| ExplanationError::Format { path: path.clone(), reason }
        };
        let file = self
            .file
            .try_clone()
            .map_err(|source| ExplanationError::Read { path: self.path.clone(), source })?;
        let roots = self.schema().fields().iter().enumerate();
        let roots = roots.filter(|(_, field)| columns.contains(&field.name().as_str())).map(|(at, _)| at);
        let roots: Vec<usize> = roots.collect();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.parquet.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader: ParquetRecordBatchReader = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| format(error.to_string()))?;
        Ok(reader.map(move |batch| batch.map_err(|error| format(error.to_string()))))
    }
}

impl Metadata {
    /// Lists that must be of the same length are, and columns exist.
    fn check(&self, schema: &SchemaRef) -> Result<(), String> {
        let (features, columns) = (self.features.len(), &self.columns);
        let pairs = features * (features + 1) / 2;
        let whole = columns.inputs.len() == features
            && columns.outputs.len() == self.outputs.len()
            && columns.outputs.iter().all(|output| {
                output.values.len() == features
                    && [0, features].contains(&output.errors.len())
                    && [0, pairs].contains(&output.interactions.len())
            });
        if !whole {
            return Err(format!("lists of its entry `{METADATA_KEY}` differ in length"));
        }
        let known: HashSet<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        match columns.names().into_iter().find(|name| !known.contains(name)) {
            Some(missing) => Err(format!("it has no column `{missing}`")),
            None => Ok(()),
        }
    }
}

/// A column of numbers, booleans or dates as numbers, nulls as NaN; `None` when there is no such column or it is text.
pub fn numbers(batch: &RecordBatch, column: &str) -> Option<Float64Array> {
    let array = batch.column_by_name(column)?;
    let kind = array.data_type();
    if !(kind.is_numeric() || kind.is_temporal() || *kind == DataType::Boolean) {
        return None;
    }
    // Dates are whole numbers first.
    let whole = if kind.is_temporal() { &cast(array, &DataType::Int64).ok()? } else { array };
    let array = cast(whole, &DataType::Float64).ok()?;
    let array = array.as_primitive::<Float64Type>();
    if array.null_count() == 0 {
        return Some(array.clone());
    }
    Some(array.iter().map(|value| value.unwrap_or(f64::NAN)).map(Some).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn columns_have_names_of_their_own() {
        let all = Extras { sum: true, errors: true, interactions: true };
        let columns =
            Columns::new(names("id prediction a"), &names("a b"), &names("0"), OutputKind::Raw, all);
        assert_eq!(
            columns.names(),
            [
                "id",
                "prediction",
                "a",
                "base_value",
                "a_",
                "b",
                "error_a",
                "error_b",
                "raw_prediction",
                "prediction_",
                "a*a",
                "a*b",
                "b*b",
                "value_a",
                "value_b"
            ]
        );
        let columns =
            Columns::new(Vec::new(), &names("a"), &names("0 1"), OutputKind::Raw, Extras::default());
        assert_eq!(
            columns.names(),
            ["base_value@0", "a@0", "prediction@0", "base_value@1", "a@1", "prediction@1", "value_a"]
        );
    }

    #[test]
    fn columns_can_have_other_names() {
        let extras = Extras { errors: true, ..Extras::default() };
        let columns = Columns::new(names("id"), &names("a"), &names("0 1"), OutputKind::Raw, extras);
        let others: Vec<String> = (0..columns.names().len()).map(|at| format!("c{at}")).collect();
        let model = ModelIdentity {
            name: "m".to_owned(),
            version: None,
            sha256: String::new(),
            format: String::new(),
        };
        let unit = (OutputKind::Raw, Unit::Prediction);
        let metadata = Metadata::new(model, (Method::Kernel, None), unit, names("a"), names("0 1"), columns);
        let renamed = metadata.with_names(&others);
        assert_eq!(renamed.columns.names(), others);
        assert_eq!(renamed.columns.outputs[1].sum, renamed.columns.outputs[1].prediction);
        assert_eq!(renamed.features, metadata.features);
    }

    #[test]
    fn pairs_are_found_in_the_triangle() {
        let features = names("a b c d");
        let extras = Extras { interactions: true, ..Extras::default() };
        let columns = Columns::new(Vec::new(), &features, &names("0"), OutputKind::Raw, extras);
        let model = ModelIdentity {
            name: "m".to_owned(),
            version: None,
            sha256: String::new(),
            format: String::new(),
        };
        let metadata = Metadata::new(
            model,
            (Method::Path, None),
            (OutputKind::Raw, Unit::Prediction),
            features.clone(),
            names("0"),
            columns,
        );
        for (a, name_a) in features.iter().enumerate() {
            for (b, name_b) in features.iter().enumerate() {
                let (first, second) = if a <= b { (name_a, name_b) } else { (name_b, name_a) };
                let name = &metadata.columns.outputs[0].interactions[metadata.pair(a, b)];
                assert_eq!(*name, format!("{first}*{second}"));
            }
        }
    }
}
