//! Wiring of `hanok swap`: the same rows through two models, then how the inputs have moved.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use hanok_catalog::{RunCounts, RunKind};
use hanok_drift::outputs::swap::{Attributions, Inputs, Options, Segments, swap};
use hanok_drift::outputs::{self, Estimated, Metric, Swap, Task, cbpe, chunks};
use hanok_error::{Code, Coded, code};
use hanok_explain::{
    Attributed, ColumnChoice, Latency, Method, Model, PairOptions, Paired, Pairing, RunError, attribute,
    inputs, latency, told,
};
use hanok_report::{DriftReport, Importance, Model as ModelCard, Side, SwapReport};
use sha2::{Digest as _, Sha256};

use crate::drift::{DriftPlace, DriftRequest, DriftSide, Place, columns_of_profile, now};
use crate::engine::file_error;
use crate::predictors::BlockProgress;
use crate::rows::{Rows, blocking};
use crate::{Engine, EngineError, Observer};

/// Rows that moved the farthest and are told one by one.
const MOVERS: usize = 20;
/// Features that are told with each.
const MOVER_FEATURES: usize = 5;
/// Bytes of a file that are hashed at a time.
const HASHED_BYTES: usize = 1 << 20;
/// Parts of the rows whose performance is estimated where there are no labels.
const CHUNKS: usize = 10;

/// Two models, and the rows to compare them on.
#[derive(Clone, Debug)]
pub struct SwapRequest {
    /// The model in use and the one that is to take its place: registered ones or files.
    pub models: [String; 2],
    /// The rows.
    pub rows: DriftSide,
    /// Which columns are what; the label may be null, or be in the reference only.
    pub columns: ColumnChoice,
    /// Columns that divide the rows into segments.
    pub segments: Vec<String>,
    /// The output of models that have several numbers.
    pub output: Option<usize>,
    /// Earlier rows, against which inputs are compared.
    pub reference: Option<DriftSide>,
    /// The column with each row's time, for windows; the only one of its kind when there is none.
    pub time: Option<String>,
    /// Probability from which on a row is positive; of numbers, the difference from which on models disagree.
    pub threshold: Option<f64>,
    /// The metric that gates and segments look at, by its name; the first of the task when there is none.
    pub metric: Option<String>,
    /// Limits of gates, by their names.
    pub gates: Vec<(String, f64)>,
    /// Rows that are explained.
    pub sample_rows: usize,
    /// Draws them.
    pub seed: u64,
}

/// `hanok swap`.
#[derive(Clone, Debug)]
pub struct SwapOutcome {
    /// The run's id.
    pub run: String,
    /// What was found.
    pub report: SwapReport,
    /// How the models were explained; `None` when they could not be.
    pub explained: Option<Method>,
    /// Why not.
    pub unexplained: Option<String>,
    /// Wall time.
    pub seconds: f64,
}

/// Two models cannot be compared as asked.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// No gate of that name.
    #[error("there is no gate `{name}`; the gates are {known}")]
    Gate {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// No metric of that name for these models.
    #[error("there is no metric `{name}` of these models; they have {known}")]
    Metric {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
}

impl Coded for SwapError {
    fn code(&self) -> Code {
        code::SWAP_GATE
    }
}

/// What comparing the models finds, before the inputs.
struct Found {
    swap: Swap,
    models: [ModelCard; 2],
    /// The columns that a model reads, and the label where the reference may have it too.
    inputs: Vec<String>,
    estimated: [Option<Estimated>; 2],
    explained: Result<Method, String>,
    movers: Vec<String>,
}

impl Engine {
    /// Runs the same rows through two models and tells what differs, and whether one may take the other's place.
    pub async fn swap(
        &self,
        request: SwapRequest,
        observer: Arc<Observer>,
    ) -> Result<SwapOutcome, EngineError> {
        let run = self.start(RunKind::Swap, &request.models.join(" → ")).await?;
        let done = Box::pin(self.compare_models(run.to_string(), request, observer)).await;
        let rows = done.as_ref().map(|outcome| outcome.report.swap.rows).unwrap_or_default();
        self.finish(run, done, RunCounts { rows_in: rows, rows_out: rows, rows_rejected: 0 }).await
    }

    async fn compare_models(
        &self,
        run: String,
        request: SwapRequest,
        observer: Arc<Observer>,
    ) -> Result<SwapOutcome, EngineError> {
        let started = Instant::now();
        let options = limits(&request)?;
        let loaded = [&request.models[0], &request.models[1]];
        let models = Arc::new([self.load_model(loaded[0]).await?, self.load_model(loaded[1]).await?]);
        let (place, time) = (DriftPlace::of(self), request.time.as_deref());
        let (mut reference, mut known) = (None, Vec::new());
        if let Some(side) = &request.reference {
            // A saved profile has no rows to predict, but inputs can be compared with it.
            if let Some(columns) = columns_of_profile(side).await? {
                known = columns;
            } else {
                let (rows, _) = place.rows(side, time).await?;
                known = rows.schema.fields().iter().map(|field| field.name().clone()).collect();
                reference = Some(rows);
            }
        }
        let (rows, data) = place.rows(&request.rows, time).await?;
        let data = Side { hash: hash_of(&request.rows).await?, ..data };
        let choice = self.pair_options(&request, &rows.schema);
        let label = request.columns.label.clone();
        let paired = pair(rows, models.clone(), choice.clone(), &request.models[1], observer.clone()).await?;
        // Where the truth is not known yet, earlier rows of which it is known can stand for it.
        let is_labelled = |paired: &Paired| {
            paired.labels.as_ref().is_some_and(|labels| labels.iter().any(|label| label.is_finite()))
        };
        let earlier = match reference {
            Some(reference)
                if paired.task != Task::Regression && !is_labelled(&paired) && label.is_some() =>
            {
                let choice =
                    PairOptions { segments: Vec::new(), sample_rows: 0, movers: 0, ..choice.clone() };
                let choice = PairOptions {
                    columns: ColumnChoice { label: label.clone(), ..choice.columns },
                    ..choice
                };
                Some(pair(reference, models.clone(), choice, &request.models[0], observer.clone()).await?)
            }
            _ => None,
        };
        let schema = paired.sample.0.schema();
        let work = {
            let (models, choice, request) = (models.clone(), choice.clone(), request.clone());
            move || Found::new(&models, &paired, earlier.as_ref(), &choice, &request, options)
        };
        let mut found = blocking(work).await?;
        let wanted = found.inputs.iter().cloned().chain(label).filter(|name| schema.index_of(name).is_ok());
        let wanted: Vec<String> = wanted.filter(|name| known.contains(name)).collect();
        let drift = match request.reference.clone() {
            Some(reference) => Some(self.inputs(reference, &request, wanted, &found, &observer).await?),
            None => None,
        };
        for (card, name) in found.models.iter_mut().zip(&request.models) {
            self.complete(card, name).await?;
        }
        let title = format!("{} → {}", found.models[0].name, found.models[1].name);
        let data = Side { rows: Some(found.swap.rows), ..data };
        let report = SwapReport {
            made: Some(now()),
            inputs: drift,
            estimated: found.estimated,
            movers: found.movers,
            ..SwapReport::new(title, found.models, data, found.swap)
        };
        let (explained, unexplained) = match found.explained {
            Ok(method) => (Some(method), None),
            Err(reason) => (None, Some(reason)),
        };
        Ok(SwapOutcome { run, report, explained, unexplained, seconds: started.elapsed().as_secs_f64() })
    }

    fn pair_options(&self, request: &SwapRequest, schema: &SchemaRef) -> PairOptions {
        let mut columns = request.columns.clone();
        // Rows whose truth is not known yet need not have the column, if earlier ones do.
        let is_missing = |label: &String| schema.index_of(label).is_err() && request.reference.is_some();
        columns.label = columns.label.filter(|label| !is_missing(label));
        PairOptions {
            columns,
            segments: request.segments.clone(),
            output: request.output,
            sample_rows: request.sample_rows,
            movers: MOVERS,
            seed: request.seed,
            threads: self.project.threads.value,
        }
    }

    /// How the columns have moved since earlier rows.
    async fn inputs(
        &self,
        reference: DriftSide,
        swap: &SwapRequest,
        columns: Vec<String>,
        found: &Found,
        observer: &Arc<Observer>,
    ) -> Result<DriftReport, EngineError> {
        let request = DriftRequest {
            reference,
            current: swap.rows.clone(),
            columns,
            time: swap.time.clone(),
            by: None,
            importance: None,
            together: false,
            options: hanok_drift::Options::default(),
        };
        let mut report = DriftPlace::of(self).drift(request, observer.clone()).await?.report;
        report.importance = found.swap.attribution.as_ref().map(|attribution| Importance {
            model: found.models[1].name.clone(),
            columns: attribution
                .features
                .iter()
                .filter_map(|feature| Some((feature.name.clone(), feature.importance[1]?)))
                .collect(),
        });
        Ok(report)
    }

    /// Adds what the registry or the file system knows of a model.
    async fn complete(&self, card: &mut ModelCard, reference: &str) -> Result<(), EngineError> {
        if reference.contains(['.', '/', '\\']) {
            let path = Path::new(reference);
            let facts = path.metadata().map_err(|error| file_error("read", path, &error))?;
            card.bytes = Some(facts.len());
            return Ok(());
        }
        let version = self.model_version(reference).await?;
        card.bytes = Some(version.facts.bytes);
        Ok(())
    }
}

/// Runs the rows through both models.
async fn pair(
    rows: Rows,
    models: Arc<[Model; 2]>,
    options: PairOptions,
    name: &str,
    observer: Arc<Observer>,
) -> Result<Paired, EngineError> {
    let (schema, total, name) = (rows.schema.clone(), rows.total, name.to_owned());
    let block_rows = Pairing::block_rows([&models[0], &models[1]]);
    rows.in_blocks(block_rows, None, move |mut blocks| {
        let mut pairing = Pairing::new([&models[0], &models[1]], &schema, &options)?;
        let mut progress = BlockProgress::start("swap", &name, total, None, observer);
        while let Some(block) = blocks.next()? {
            pairing.predict(&block)?;
            progress.advance(&block);
        }
        progress.finish();
        Ok(pairing.finish()?)
    })
    .await
}

impl Found {
    fn new(
        models: &[Model; 2],
        paired: &Paired,
        earlier: Option<&Paired>,
        choice: &PairOptions,
        request: &SwapRequest,
        mut options: Options,
    ) -> Result<Self, EngineError> {
        let both = [&models[0], &models[1]];
        let schema = paired.sample.0.schema();
        let inputs = inputs(both, &schema, choice)?;
        match (paired.task, request.threshold) {
            (Task::Regression, tolerance) => options.tolerance = tolerance,
            (_, Some(threshold)) => options.performance.threshold = threshold,
            (_, None) => {}
        }
        options.metric = metric(paired.task, request.metric.as_deref())?;
        let attributed = match attribute(both, paired, choice) {
            Ok(attributed) => Ok(attributed),
            // The models are compared all the same.
            Err(error @ (RunError::Model(_) | RunError::Request(_))) => Err(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        let swap = compared(paired, attributed.as_ref().ok(), options)?;
        let estimated = match earlier {
            Some(earlier) => {
                let of = |at: usize| estimated(earlier, paired, at, &options.performance);
                [Some(of(0)?), Some(of(1)?)]
            }
            None => [None, None],
        };
        let called = told(&paired.movers.0, &inputs.keys)?;
        let of = |row: u64| paired.movers.1.iter().position(|other| *other == row);
        let called = |row: u64| of(row).and_then(|at| called.get(at).cloned()).unwrap_or_default();
        let movers = swap.movers.iter().map(|mover| called(mover.row)).collect();
        let card = |at: usize| {
            let choice = choice.columns_of(&models[at]);
            Ok::<_, RunError>(card(
                &models[at],
                inputs.read[at].clone(),
                paired.seconds[at] / paired.rows as f64,
                latency(&models[at], &paired.sample.0, &choice)?,
            ))
        };
        let mut columns = inputs.read[0].clone();
        columns.extend(inputs.read[1].iter().filter(|name| !inputs.read[0].contains(name)).cloned());
        Ok(Self {
            swap,
            models: [card(0)?, card(1)?],
            inputs: columns,
            estimated,
            explained: attributed.map(|attributed| attributed.method),
            movers,
        })
    }
}

/// The statistics.
fn compared(paired: &Paired, attributed: Option<&Attributed>, options: Options) -> Result<Swap, EngineError> {
    let rows: Vec<u32> = paired.sample.1.iter().map(|row| *row as u32).collect();
    let segments: Vec<Segments<'_>> = paired
        .segments
        .iter()
        .map(|found| Segments { column: &found.column, labels: &found.names, rows: &found.members })
        .collect();
    let attributions = attributed.map(|attributed| Attributions {
        rows: &rows,
        features: attributed.sample.each_ref().map(|found| found.features.as_slice()),
        values: attributed.sample.each_ref().map(|found| found.values.as_slice()),
    });
    let inputs = Inputs {
        models: [paired.of(0), paired.of(1)],
        labels: paired.labels.as_deref(),
        segments: &segments,
        attributions,
    };
    let mut found = swap(&inputs, &Options { movers: MOVERS, mover_features: MOVER_FEATURES, ..options })?;
    // The sample stands for all rows, those that moved the farthest only for themselves.
    if let Some(attributed) = attributed {
        for mover in &mut found.movers {
            if let Some(at) = paired.movers.1.iter().position(|row| *row == mover.row) {
                mover.features = attributed.reasons(at, MOVER_FEATURES);
            }
        }
    }
    Ok(found)
}

/// A model's performance on rows without labels.
fn estimated(
    earlier: &Paired,
    paired: &Paired,
    model: usize,
    options: &outputs::Options,
) -> Result<Estimated, EngineError> {
    let [before, after] = [earlier, paired].map(|paired| {
        let rows = paired.rows as usize;
        chunks(rows, rows.div_ceil(CHUNKS))
    });
    let [reference, current] = [(earlier, &before), (paired, &after)].map(|(paired, chunks)| outputs::Side {
        predictions: paired.of(model),
        labels: paired.labels.as_deref(),
        chunks,
    });
    Ok(cbpe(reference, current, options)?)
}

fn card(model: &Model, features: Vec<String>, row_seconds: f64, one: Option<Latency>) -> ModelCard {
    let identity = &model.identity;
    let version = identity.version.map(|version| format!("@{version}")).unwrap_or_default();
    ModelCard {
        name: format!("{}{version}", identity.name),
        format: Some(identity.format.clone()),
        hash: Some(identity.sha256.clone()),
        made: None,
        features,
        bytes: None,
        row_micros: Some(row_seconds * 1e6),
        single_micros: one.map(|one| [one.p50_us, one.p95_us]),
    }
}

/// The limits that were given, over the defaults.
fn limits(request: &SwapRequest) -> Result<Options, SwapError> {
    let mut options = Options::default();
    for (name, value) in &request.gates {
        let limits = &mut options.limits;
        let limit = match name.as_str() {
            "performance" => options.margin.insert(*value),
            "calibration" => &mut limits.calibration,
            "missing" => &mut limits.missing,
            "disagreement" => &mut limits.disagreement,
            "score_psi" => &mut limits.psi,
            "rank_correlation" => &mut limits.spearman,
            "attribution" => &mut limits.ndcg,
            _ => {
                let known = "performance, calibration, missing, disagreement, score_psi, rank_correlation, attribution";
                return Err(SwapError::Gate { name: name.clone(), known: known.to_owned() });
            }
        };
        *limit = *value;
    }
    Ok(options)
}

fn metric(task: Task, name: Option<&str>) -> Result<Option<Metric>, SwapError> {
    let Some(name) = name else { return Ok(None) };
    let all = Metric::of(task);
    let found = all.iter().find(|metric| metric.name() == name).copied();
    found.map(Some).ok_or_else(|| SwapError::Metric {
        name: name.to_owned(),
        known: all.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", "),
    })
}

/// The hash of a side that is a file.
async fn hash_of(side: &DriftSide) -> Result<Option<String>, EngineError> {
    let Place::File(path) = side.place.clone() else { return Ok(None) };
    blocking(move || sha256(&path)).await.map(Some)
}

fn sha256(path: &Path) -> Result<String, EngineError> {
    let failed = |error: io::Error| file_error("read", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; HASHED_BYTES]);
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            bytes => hash.update(&buffer[..bytes]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
