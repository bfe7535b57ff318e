//! Wiring of predictive models: the registry, predictions, explanations.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use hanok_catalog::{ModelVersion, RunCounts, RunKind};
use hanok_explain::{
    Additivity, BACKGROUND_VALUES_MAX, ColumnChoice, ExplainOptions, Explained, Explaining, METADATA_KEY,
    Method, Model, ModelIdentity, ModelRegistry, OutputKind, Predicting, RowExplanation, RowFinder, RowKey,
    RunError,
};
use serde::Serialize;

use crate::output::{Format, NewFile, ResultWriter};
use crate::rows::RowSource;
use crate::{Engine, EngineError, Event, Observer};

/// The folder of the registry's files, in the project's state.
const MODELS_FOLDER: &str = "models";
/// Rows of a part of a background.
const BACKGROUND_BATCH_ROWS: usize = 8192;

/// The data that a model is given.
#[derive(Clone, Debug)]
pub struct DataRequest {
    /// A registered model, one of its versions (`delay@3`), or the path of a model file.
    pub model: String,
    /// The rows.
    pub rows: RowSource,
    /// Which columns are what.
    pub columns: ColumnChoice,
    /// Only so many rows.
    pub rows_max: Option<u64>,
}

/// What to predict.
#[derive(Clone, Debug)]
pub struct PredictRequest {
    /// The model and its data.
    pub data: DataRequest,
    /// The result: Parquet, CSV or JSON lines, by its extension.
    pub output: PathBuf,
}

/// How to explain.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// The model and its data.
    pub data: DataRequest,
    /// What values are measured against.
    pub method: Method,
    /// The rows to compare with, for [`Method::Interventional`].
    pub background: Option<RowSource>,
    /// What is explained.
    pub output: OutputKind,
    /// Whether interaction values are computed too.
    pub interactions: bool,
    /// Whether values that do not add up are an error, and nothing is written then.
    pub check: bool,
}

/// `hanok model add`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AddedModel {
    /// The version.
    #[serde(flatten)]
    pub version: ModelVersion,
    /// Whether it is new: the same bytes are the same version.
    pub new: bool,
}

/// `hanok predict`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictReport {
    /// The run's id.
    pub run: String,
    /// The model.
    pub model: ModelIdentity,
    /// Rows predicted.
    pub rows: u64,
    /// The names of the result's columns.
    pub columns: Vec<String>,
    /// Where it was written.
    pub output: String,
    /// Wall time.
    pub seconds: f64,
}

/// `hanok explain`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainReport {
    /// The run's id.
    pub run: String,
    /// The model.
    pub model: ModelIdentity,
    /// What values are measured against.
    pub method: Method,
    /// Rows of the background.
    pub background_rows: Option<u64>,
    /// What is explained.
    pub output: OutputKind,
    /// Rows explained.
    pub rows: u64,
    /// Where the explanation was written, if it was.
    pub file: Option<String>,
    /// How far values are from adding up.
    pub additivity: Additivity,
    /// By output, the features by the mean of |value| over the rows, the largest first.
    pub importance: Vec<OutputImportance>,
    /// Wall time.
    pub seconds: f64,
}

/// The features of one output, the most important first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputImportance {
    /// The output's name.
    pub output: String,
    /// The features.
    pub features: Vec<FeatureImportance>,
}

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureImportance {
    /// Its name.
    pub feature: String,
    /// The mean of |value| over the rows.
    pub mean_abs: f64,
}

impl Engine {
    /// The registry of predictive models.
    pub fn model_registry(&self) -> ModelRegistry {
        ModelRegistry::new(self.catalog.clone(), self.project.state(MODELS_FOLDER))
    }

    /// Registers a model file as the next version of a name.
    pub async fn add_model(&self, name: &str, file: &Path) -> Result<AddedModel, EngineError> {
        let (version, new) = self.model_registry().add(name, file).await?;
        Ok(AddedModel { version, new })
    }

    /// All versions of all predictive models, or of one: by name, the newest first.
    pub async fn model_versions(&self, name: Option<&str>) -> Result<Vec<ModelVersion>, EngineError> {
        Ok(self.model_registry().versions(name).await?)
    }

    /// A predictive model's newest version (`delay`), or one of its versions (`delay@3`).
    pub async fn model_version(&self, reference: &str) -> Result<ModelVersion, EngineError> {
        Ok(self.model_registry().version(reference).await?)
    }

    /// A registered model or a model file, ready to predict and to be explained: `delay`, `delay@3`, `models/delay.json`.
    pub async fn load_model(&self, reference: &str) -> Result<Model, EngineError> {
        Ok(self.model_registry().load(reference).await?)
    }

    /// Predicts and writes a file, which appears when it is whole.
    pub async fn predict(
        &self,
        request: PredictRequest,
        observer: Arc<Observer>,
    ) -> Result<PredictReport, EngineError> {
        let run = self.start(RunKind::Predict, &request.data.model).await?;
        let done = self.predict_to_file(run.to_string(), request, observer).await;
        let rows = done.as_ref().map(|report| report.rows).unwrap_or_default();
        self.finish(run, done, RunCounts { rows_in: rows, rows_out: rows, rows_rejected: 0 }).await
    }

    async fn predict_to_file(
        &self,
        run: String,
        request: PredictRequest,
        observer: Arc<Observer>,
    ) -> Result<PredictReport, EngineError> {
        let started = Instant::now();
        let PredictRequest { data, output } = request;
        let model = self.load_model(&data.model).await?;
        let rows = data.rows.open(self).await?;
        let (schema, total, threads) = (rows.schema.clone(), rows.total, self.project.threads.value);
        let rows_max = data.rows_max;
        rows.in_blocks(Predicting::block_rows(&model), rows_max, move |mut blocks| {
            let predicting = Predicting::new(&model, &schema, &data.columns, threads)?;
            let (file, sink) = NewFile::create(&output)?;
            let format = Format::of_path(&output).unwrap_or(Format::Parquet);
            let shown = output.display().to_string();
            let mut writer = ResultWriter::new(format, predicting.schema(), sink, &shown)?;
            let mut progress = BlockProgress::start("predict", &data.model, total, rows_max, observer);
            while let Some(block) = blocks.next()? {
                writer.write(&predicting.predict(&block)?)?;
                progress.advance(&block);
            }
            let (rows, sink) = writer.finish()?;
            file.commit(sink)?;
            progress.finish();
            let columns = predicting.schema().fields().iter().map(|field| field.name().clone()).collect();
            let (model, seconds) = (model.identity.clone(), started.elapsed().as_secs_f64());
            Ok(PredictReport { run, model, rows, columns, output: shown, seconds })
        })
        .await
    }

    /// Explains all rows and, with a file, writes the explanation, which appears when it is whole.
    pub async fn explain(
        &self,
        request: ExplainRequest,
        file: Option<PathBuf>,
        observer: Arc<Observer>,
    ) -> Result<ExplainReport, EngineError> {
        let run = self.start(RunKind::Explain, &request.data.model).await?;
        let done = self.explain_to_file(run.to_string(), request, file, observer).await;
        let rows = done.as_ref().map(|report| report.rows).unwrap_or_default();
        self.finish(run, done, RunCounts { rows_in: rows, rows_out: rows, rows_rejected: 0 }).await
    }

    async fn explain_to_file(
        &self,
        run: String,
        request: ExplainRequest,
        path: Option<PathBuf>,
        observer: Arc<Observer>,
    ) -> Result<ExplainReport, EngineError> {
        let started = Instant::now();
        let (model, background) = self.prepare(&request).await?;
        let options = self.explain_options(&request);
        let rows = request.data.rows.open(self).await?;
        let (schema, total, rows_max) = (rows.schema.clone(), rows.total, request.data.rows_max);
        rows.in_blocks(options.block_rows(&model.ensemble), rows_max, move |mut blocks| {
            let mut explaining = Explaining::new(&model, &schema, background.as_ref(), &options)?;
            let shown = path.as_ref().map(|path| path.display().to_string());
            let mut sink = match &path {
                Some(path) => {
                    let (file, sink) = NewFile::create(path)?;
                    let shown = path.display().to_string();
                    Some((file, ResultWriter::new(Format::Parquet, explaining.schema(), sink, &shown)?))
                }
                None => None,
            };
            let mut progress =
                BlockProgress::start("explain", &request.data.model, total, rows_max, observer);
            while let Some(block) = blocks.next()? {
                let explained = explaining.explain(&block)?;
                if let Some((_, writer)) = &mut sink {
                    writer.write(&explained)?;
                }
                progress.advance(&block);
            }
            let explained = explaining.finish();
            if request.check {
                explained.additivity.check()?;
            }
            if let Some((file, mut writer)) = sink {
                writer.annotate(METADATA_KEY, explained.metadata.to_json())?;
                let (_, sink) = writer.finish()?;
                file.commit(sink)?;
            }
            progress.finish();
            Ok(report(run, explained, shown, started))
        })
        .await
    }

    /// Explains one row.
    pub async fn explain_row(
        &self,
        request: ExplainRequest,
        key: RowKey,
    ) -> Result<RowExplanation, EngineError> {
        let (model, background) = self.prepare(&request).await?;
        let options = ExplainOptions { interactions: false, ..self.explain_options(&request) };
        let rows = request.data.rows.open(self).await?;
        let schema = rows.schema.clone();
        let row =
            rows.in_blocks(options.block_rows(&model.ensemble), request.data.rows_max, move |mut blocks| {
                let mut finder = RowFinder::new(key);
                while let Some(block) = blocks.next()? {
                    finder.look(&block)?;
                    if finder.is_done() {
                        break;
                    }
                }
                Ok(finder.finish()?)
            });
        let row = row.await?;
        let mut explaining = Explaining::new(&model, &schema, background.as_ref(), &options)?;
        let explained = explaining.explain(&row)?;
        let row = RowExplanation::new(explaining.metadata(), &explained).map_err(RunError::from)?;
        if request.check {
            explaining.finish().additivity.check()?;
        }
        Ok(row)
    }

    /// The model, and the background in memory.
    async fn prepare(&self, request: &ExplainRequest) -> Result<(Model, Option<RecordBatch>), EngineError> {
        let model = self.load_model(&request.data.model).await?;
        let Some(source) = request.background.as_ref().filter(|_| request.method == Method::Interventional)
        else {
            return Ok((model, None));
        };
        let rows = source.open(self).await?;
        let schema = rows.schema.clone();
        let rows_max = BACKGROUND_VALUES_MAX / schema.fields().len().max(1);
        let background = rows.in_blocks(BACKGROUND_BATCH_ROWS, None, move |mut blocks| {
            let (mut batches, mut rows) = (Vec::new(), 0);
            while let Some(block) = blocks.next()? {
                rows += block.num_rows();
                if rows > rows_max {
                    let reason = format!("the background has more than {rows_max} rows; take a sample of it");
                    return Err(RunError::Request(reason).into());
                }
                batches.push(block);
            }
            Ok(concat_batches(&schema, &batches).map_err(RunError::from)?)
        });
        Ok((model, Some(background.await?)))
    }

    fn explain_options(&self, request: &ExplainRequest) -> ExplainOptions {
        ExplainOptions {
            method: request.method,
            output: request.output,
            interactions: request.interactions,
            columns: request.data.columns.clone(),
            threads: self.project.threads.value,
        }
    }
}

fn report(run: String, explained: Explained, file: Option<String>, started: Instant) -> ExplainReport {
    let Explained { metadata, additivity, importance } = explained;
    let importance = metadata.outputs.iter().zip(importance).map(|(output, means)| {
        let features = metadata.features.iter().zip(means);
        let mut features: Vec<_> = features
            .map(|(feature, mean_abs)| FeatureImportance { feature: feature.clone(), mean_abs })
            .collect();
        // Equal ones stay in the model's order.
        features.sort_by(|a, b| b.mean_abs.total_cmp(&a.mean_abs));
        OutputImportance { output: output.clone(), features }
    });
    let importance = importance.collect();
    ExplainReport {
        run,
        model: metadata.model,
        method: metadata.method,
        background_rows: metadata.background_rows,
        output: metadata.output,
        rows: metadata.rows,
        file,
        additivity,
        importance,
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// Tells an observer how far the blocks are.
struct BlockProgress {
    what: &'static str,
    name: String,
    done: u64,
    observer: Arc<Observer>,
}

impl BlockProgress {
    fn start(
        what: &'static str,
        name: &str,
        total: Option<u64>,
        rows_max: Option<u64>,
        observer: Arc<Observer>,
    ) -> Self {
        let total = total.map(|total| rows_max.map_or(total, |most| total.min(most)));
        observer(Event::Started { what, name, total });
        Self { what, name: name.to_owned(), done: 0, observer }
    }

    fn advance(&mut self, block: &RecordBatch) {
        self.done += block.num_rows() as u64;
        (self.observer)(Event::Progress { what: self.what, name: &self.name, done: self.done });
    }

    fn finish(self) {
        (self.observer)(Event::Finished { what: self.what, name: &self.name, rows: self.done, ok: true });
    }
}
