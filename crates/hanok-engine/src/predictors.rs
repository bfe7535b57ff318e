//! Wiring of predictive models: the registry, predictions, explanations.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use hanok_catalog::{ModelVersion, RunCounts, RunKind};
use hanok_explain::{
    Additivity, Asked, AskingOptions, BACKGROUND_VALUES_MAX, ColumnChoice, ExplainOptions, Explained,
    Explaining, METADATA_KEY, Metadata, Method, Model, ModelIdentity, ModelRegistry, OutputKind, Predicting,
    RowExplanation, RowFinder, RowKey, RunError,
};
use hanok_types::TableName;
use serde::Serialize;

use crate::rows::RowSource;
use crate::sink::{Sink, Target};
use crate::{Engine, EngineError, Event, Observer};

/// The folder of the registry's files, in the project's state.
const MODELS_FOLDER: &str = "models";
/// Rows of a part of a background.
const BACKGROUND_BATCH_ROWS: usize = 8192;

/// The data that a model is given.
#[derive(Clone, Debug)]
pub struct DataRequest {
    /// A registered model, one of its versions (`delay@3`), the path of a model file, or the address of a server that predicts.
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
    /// How values are computed; see [`ExplainOptions::method`].
    pub method: Option<Method>,
    /// The rows to compare with; see [`Method::has_background`].
    pub background: Option<RowSource>,
    /// For methods that ask the model, see [`Method::asks`].
    pub asking: AskingOptions,
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
    /// How values were computed.
    pub method: Method,
    /// Rows of the background.
    pub background_rows: Option<u64>,
    /// How the model was asked, by methods that do so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// The largest standard error of a value, of those that are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_error_max: Option<f64>,
    /// What is explained.
    pub output: OutputKind,
    /// Rows explained.
    pub rows: u64,
    /// The file or table that it was written to, if any.
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

    /// A registered model, a model file or an endpoint, ready to predict and to be explained: `delay`, `delay@3`,
    /// `models/delay.json`, `http://host/predict/delay`.
    pub async fn load_model(&self, reference: &str) -> Result<Model, EngineError> {
        Ok(self.model_registry().load(reference).await?)
    }

    /// Predicts and writes a file, which appears when it is whole.
    pub async fn predict(
        &self,
        request: PredictRequest,
        observer: Arc<Observer>,
    ) -> Result<PredictReport, EngineError> {
        self.predict_into(request.data, Target::File(request.output), observer).await
    }

    /// Predicts and replaces the rows of a table, `schema.table`.
    pub async fn predict_table(
        &self,
        data: DataRequest,
        table: &str,
        observer: Arc<Observer>,
    ) -> Result<PredictReport, EngineError> {
        self.lake.may_write()?;
        self.predict_into(data, Target::Table(TableName::parse(table, "main")?), observer).await
    }

    async fn predict_into(
        &self,
        data: DataRequest,
        target: Target,
        observer: Arc<Observer>,
    ) -> Result<PredictReport, EngineError> {
        let run = self.start(RunKind::Predict, &data.model).await?;
        let done = self.predict_rows(run.to_string(), data, target, observer).await;
        let rows = done.as_ref().map(|report| report.rows).unwrap_or_default();
        self.finish(run, done, RunCounts { rows_in: rows, rows_out: rows, rows_rejected: 0 }).await
    }

    async fn predict_rows(
        &self,
        run: String,
        data: DataRequest,
        target: Target,
        observer: Arc<Observer>,
    ) -> Result<PredictReport, EngineError> {
        let started = Instant::now();
        let model = self.load_model(&data.model).await?;
        let rows = data.rows.open(self).await?;
        let (schema, total, threads) = (rows.schema.clone(), rows.total, self.project.threads.value);
        let (rows_max, lake) = (data.rows_max, self.lake.clone());
        rows.in_blocks(Predicting::block_rows(&model), rows_max, move |mut blocks| {
            let mut next = blocks.next()?;
            let predicting = Predicting::new(&model, &schema, &data.columns, threads, next.as_ref())?;
            let mut sink = Sink::open(&target, &lake, predicting.schema())?;
            let mut progress = BlockProgress::start("predict", &data.model, total, rows_max, observer);
            while let Some(block) = next {
                sink.write(&predicting.predict(&block)?)?;
                progress.advance(&block);
                next = blocks.next()?;
            }
            sink.commit()?;
            let columns = predicting.schema().fields().iter().map(|field| field.name().clone()).collect();
            let (model, seconds) = (model.identity.clone(), started.elapsed().as_secs_f64());
            let rows = progress.finish();
            Ok(PredictReport { run, model, rows, columns, output: target.to_string(), seconds })
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
        self.explain_into(request, file.map(Target::File), observer).await
    }

    /// Explains all rows and replaces those of a table, `schema.table`, whose columns are called as tables of the lake can
    /// call them. Its property `hanok.explanation` says which column is what, as a file's metadata do.
    pub async fn explain_table(
        &self,
        request: ExplainRequest,
        table: &str,
        observer: Arc<Observer>,
    ) -> Result<ExplainReport, EngineError> {
        self.lake.may_write()?;
        let target = Target::Table(TableName::parse(table, "main")?);
        self.explain_into(request, Some(target), observer).await
    }

    async fn explain_into(
        &self,
        request: ExplainRequest,
        target: Option<Target>,
        observer: Arc<Observer>,
    ) -> Result<ExplainReport, EngineError> {
        let run = self.start(RunKind::Explain, &request.data.model).await?;
        let done = self.explain_rows(run.to_string(), request, target, observer).await;
        let rows = done.as_ref().map(|report| report.rows).unwrap_or_default();
        self.finish(run, done, RunCounts { rows_in: rows, rows_out: rows, rows_rejected: 0 }).await
    }

    async fn explain_rows(
        &self,
        run: String,
        request: ExplainRequest,
        target: Option<Target>,
        observer: Arc<Observer>,
    ) -> Result<ExplainReport, EngineError> {
        let started = Instant::now();
        let (model, background, mut options) = self.prepare(&request).await?;
        let rows = request.data.rows.open(self).await?;
        let (schema, total, rows_max) = (rows.schema.clone(), rows.total, request.data.rows_max);
        options.rows = total.into_iter().chain(rows_max).min();
        let lake = self.lake.clone();
        rows.in_blocks(options.block_rows(&model), rows_max, move |mut blocks| {
            let mut explaining = Explaining::new(&model, &schema, background.as_ref(), &options)?;
            let open = |target: &Target| Sink::open(target, &lake, explaining.schema());
            let mut sink = target.as_ref().map(open).transpose()?;
            let mut progress =
                BlockProgress::start("explain", &request.data.model, total, rows_max, observer);
            while let Some(block) = blocks.next()? {
                let explained = explaining.explain(&block)?;
                if let Some(sink) = &mut sink {
                    sink.write(&explained)?;
                }
                progress.advance(&block);
            }
            let explained = explaining.finish();
            if request.check {
                explained.additivity.check()?;
            }
            if let Some(mut sink) = sink {
                let metadata = &explained.metadata;
                let renamed = sink.other_names().map(|names| metadata.with_names(&names));
                sink.annotate(METADATA_KEY, renamed.as_ref().unwrap_or(metadata).to_json())?;
                sink.commit()?;
            }
            progress.finish();
            Ok(report(run, explained, target, started))
        })
        .await
    }

    /// Explains one row.
    pub async fn explain_row(
        &self,
        request: ExplainRequest,
        key: RowKey,
    ) -> Result<RowExplanation, EngineError> {
        let (metadata, row) = self.explained_row(request, key).await?;
        Ok(RowExplanation::new(&metadata, &row).map_err(RunError::from)?)
    }

    /// One row of an explanation that is not written.
    pub(crate) async fn explained_row(
        &self,
        request: ExplainRequest,
        key: RowKey,
    ) -> Result<(Metadata, RecordBatch), EngineError> {
        let (model, background, mut options) = self.prepare(&request).await?;
        (options.interactions, options.rows) = (false, Some(1));
        let rows = request.data.rows.open(self).await?;
        let schema = rows.schema.clone();
        let block_rows = Predicting::block_rows(&model);
        rows.in_blocks(block_rows, request.data.rows_max, move |mut blocks| {
            let mut finder = RowFinder::new(key);
            while let Some(block) = blocks.next()? {
                finder.look(&block)?;
                if finder.is_done() {
                    break;
                }
            }
            let row = finder.finish()?;
            let mut explaining = Explaining::new(&model, &schema, background.as_ref(), &options)?;
            let explained = explaining.explain(&row)?;
            let finished = explaining.finish();
            if request.check {
                finished.additivity.check()?;
            }
            Ok((finished.metadata, explained))
        })
        .await
    }

    /// The model, the background in memory, and how to explain.
    async fn prepare(
        &self,
        request: &ExplainRequest,
    ) -> Result<(Model, Option<RecordBatch>, ExplainOptions), EngineError> {
        let model = self.load_model(&request.data.model).await?;
        let options = ExplainOptions {
            method: request.method,
            output: request.output,
            interactions: request.interactions,
            columns: request.data.columns.clone(),
            threads: self.project.threads.value,
            asking: request.asking.clone(),
            rows: None,
        };
        let background = match &request.background {
            Some(source) if request.method.is_none_or(Method::has_background) => {
                Some(self.background(source).await?)
            }
            _ => None,
        };
        Ok((model, background, options))
    }

    async fn background(&self, source: &RowSource) -> Result<RecordBatch, EngineError> {
        let rows = source.open(self).await?;
        let schema = rows.schema.clone();
        let rows_max = BACKGROUND_VALUES_MAX / schema.fields().len().max(1);
        rows.in_blocks(BACKGROUND_BATCH_ROWS, None, move |mut blocks| {
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
        })
        .await
    }
}

fn report(run: String, explained: Explained, target: Option<Target>, started: Instant) -> ExplainReport {
    let Explained { metadata, additivity, importance, standard_error_max } = explained;
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
        asked: metadata.asked,
        standard_error_max,
        output: metadata.output,
        rows: metadata.rows,
        file: target.map(|target| target.to_string()),
        additivity,
        importance,
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// Tells an observer how far the blocks are.
pub(crate) struct BlockProgress {
    what: &'static str,
    name: String,
    done: u64,
    observer: Arc<Observer>,
}

impl BlockProgress {
    pub(crate) fn start(
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

    pub(crate) fn advance(&mut self, block: &RecordBatch) {
        self.done += block.num_rows() as u64;
        (self.observer)(Event::Progress { what: self.what, name: &self.name, done: self.done });
    }

    /// Returns the rows.
    pub(crate) fn finish(self) -> u64 {
        (self.observer)(Event::Finished { what: self.what, name: &self.name, rows: self.done, ok: true });
        self.done
    }
}
