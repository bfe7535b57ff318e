//! One project, opened.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hanok_catalog::{Catalog, RunCounts, RunKind};
use hanok_config::Project;
use hanok_error::Report;
use hanok_features::{
    MaterializeOptions, Registry, Selection, TrainingOptions, read_definitions, training_set,
};
use hanok_lake::Lake;
use hanok_query::{QueryStream, Session, SessionOptions};
use hanok_types::Id;

use crate::output::{Format, NewFile, ResultWriter};
use crate::report::{
    ApplyReport, BuildReport, JoinReport, LoadReport, MaterializeReport, QueryReport, RunReport,
};
use crate::rows::RowSource;
use crate::{EngineError, Event, Observer, build, load};

/// The folder of the branches' online stores.
pub(crate) const ONLINE_BRANCHES: &str = "online-branches";
/// The share of a project's memory that one join's own structures may take: a half leaves room for the entity rows.
const JOIN_MEMORY_SHARE: u64 = 2;

/// What to build.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// Models, folders, tags, with `+` as in dbt; all when empty.
    pub models: Vec<String>,
}

/// What to join.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// The rows that get features.
    pub entities: RowSource,
    /// The features.
    pub selection: Selection,
    /// The entity rows' timestamp column, when it is not `event_timestamp` or the only one.
    pub timestamp: Option<String>,
    /// Columns are named `view__feature`.
    pub full_feature_names: bool,
    /// Rows written after the entity's time do not count.
    pub as_known_at: bool,
    /// The result: Parquet, CSV or JSON lines, by its extension.
    pub output: PathBuf,
}

/// What to materialise.
#[derive(Clone, Debug, Default)]
pub struct MaterializeRequest {
    /// Feature views; all online views when empty.
    pub views: Vec<String>,
    /// First event time, microseconds since 1970-01-01 UTC.
    pub from_us: Option<i64>,
    /// Last event time.
    pub to_us: Option<i64>,
}

impl MaterializeReport {
    fn counts(&self) -> RunCounts {
        RunCounts {
            rows_in: self.views.iter().map(|view| view.rows_in).sum(),
            rows_out: self.views.iter().map(|view| view.keys_written).sum(),
            rows_rejected: 0,
        }
    }
}

/// A project with its catalog, lake and query session open. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) project: Project,
    pub(crate) catalog: Catalog,
    pub(crate) lake: Lake,
    pub(crate) session: Session,
}

impl Engine {
    /// Opens the project's state on the branch that its settings name, making what is missing.
    pub async fn open(project: Project) -> Result<Self, EngineError> {
        let catalog = Catalog::open(&project.state("catalog.sqlite")).await?;
        let lake = Lake::open_local(&project.lake.value, catalog.clone())?;
        lake.recover_merges_if_possible().await;
        let lake = lake.on_branch(&project.branch.value).await?;
        let session = Session::open(&lake, &session_options(&project, 1))?;
        Ok(Self { project, catalog, lake, session })
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Loads sources, all of them when `sources` is empty.
    pub async fn load(&self, sources: &[String], observer: &Observer) -> Result<LoadReport, EngineError> {
        let run = self.start(RunKind::Load, &subject(sources)).await?;
        let done = load::load(self, run, sources, observer).await;
        let counts = done.as_ref().map(LoadReport::counts).unwrap_or_default();
        self.finish(run, done, counts).await
    }

    /// Builds models and runs their tests. Models and tests that fail are in the report.
    pub async fn build(
        &self,
        request: BuildRequest,
        observer: &Observer,
    ) -> Result<BuildReport, EngineError> {
        let run = self.start(RunKind::Build, &subject(&request.models)).await?;
        let done = build::build(self, run, &request, observer).await;
        let rows = done.as_ref().map(BuildReport::rows).unwrap_or_default();
        if let Ok(report) = &done
            && (report.models_failed > 0 || report.tests_failed > 0)
        {
            let message = format!("{} models and {} tests failed", report.models_failed, report.tests_failed);
            self.catalog.finish_run(run, out(rows), Some(&message)).await?;
            return done;
        }
        self.finish(run, done, out(rows)).await
    }

    /// Runs a query.
    pub async fn query(&self, sql: &str) -> Result<QueryStream, EngineError> {
        Ok(self.session.sql(sql).await?)
    }

    /// Runs a query and writes its result to `sink`, batch by batch.
    pub async fn query_to(
        &self,
        sql: &str,
        format: Format,
        sink: &mut (dyn Write + Send),
    ) -> Result<QueryReport, EngineError> {
        let started = Instant::now();
        let mut stream = self.session.sql(sql).await?;
        let mut writer = ResultWriter::new(format, &stream.schema(), sink, "the output")?;
        while let Some(batch) = stream.next().await? {
            writer.write(&batch)?;
        }
        let (rows, sink) = writer.finish()?;
        sink.flush().map_err(|error| file_error("write", Path::new("the output"), &error))?;
        Ok(QueryReport { rows, seconds: started.elapsed().as_secs_f64() })
    }

    /// Runs a query and writes its result to a file, which appears when it is whole.
    pub async fn query_to_file(
        &self,
        sql: &str,
        format: Format,
        path: &Path,
    ) -> Result<QueryReport, EngineError> {
        let started = Instant::now();
        let mut stream = self.session.sql(sql).await?;
        let (file, sink) = NewFile::create(path)?;
        let mut writer = ResultWriter::new(format, &stream.schema(), sink, &path.display().to_string())?;
        while let Some(batch) = stream.next().await? {
            writer.write(&batch)?;
        }
        let (rows, sink) = writer.finish()?;
        file.commit(sink)?;
        Ok(QueryReport { rows, seconds: started.elapsed().as_secs_f64() })
    }

    /// Checks the feature definitions against the lake and registers them.
    pub async fn apply(&self) -> Result<ApplyReport, EngineError> {
        let run = self.start(RunKind::Apply, "features").await?;
        let done = self.apply_definitions(run).await;
        self.finish(run, done, RunCounts::default()).await
    }

    async fn apply_definitions(&self, run: Id) -> Result<ApplyReport, EngineError> {
        let folder = self.project.folder.join("features");
        let definitions = read_definitions(&folder)?;
        let (registry, applied) = hanok_features::apply(&self.session, definitions).await?;
        Ok(ApplyReport {
            run: run.to_string(),
            created: applied.created,
            changed: applied.changed,
            removed: applied.removed,
            unchanged: applied.unchanged,
            entities: registry.entities.len(),
            feature_views: registry.views.len(),
            feature_services: registry.services.len(),
        })
    }

    /// What is registered.
    pub async fn registry(&self) -> Result<Registry, EngineError> {
        Ok(Registry::load(&self.catalog, self.lake.branch_id()).await?)
    }

    /// Joins a training set and writes it to a file, which appears when it is whole.
    pub async fn join(&self, request: JoinRequest, observer: &Observer) -> Result<JoinReport, EngineError> {
        let run = self.start(RunKind::Join, &request.output.display().to_string()).await?;
        let done = self.join_to_file(run, &request, observer).await;
        let rows = done.as_ref().map(|report| report.rows).unwrap_or_default();
        self.finish(run, done, RunCounts { rows_in: rows, rows_out: rows, rows_rejected: 0 }).await
    }

    async fn join_to_file(
        &self,
        run: Id,
        request: &JoinRequest,
        observer: &Observer,
    ) -> Result<JoinReport, EngineError> {
        let started = Instant::now();
        let registry = self.registry().await?;
        let rows = request.entities.read(self).await?;
        let options = TrainingOptions {
            timestamp: request.timestamp.clone(),
            full_feature_names: request.full_feature_names,
            as_known_at: request.as_known_at,
            threads: self.project.threads.value,
            memory_bytes_max: Some(bytes(self.project.memory_mb.value / JOIN_MEMORY_SHARE)),
        };
        let (name, path) = (request.output.display().to_string(), request.output.clone());
        let total = rows.1.iter().map(|batch| batch.num_rows() as u64).sum();
        observer(Event::Started { what: "join", name: &name, total: Some(total) });
        let set = training_set(&self.session, &registry, rows, &request.selection, &options).await?;
        let columns = set.schema().fields().iter().map(|field| field.name().clone()).collect();
        let format = Format::of_path(&path).unwrap_or(Format::Parquet);
        let written = tokio::task::spawn_blocking(move || {
            let (file, sink) = NewFile::create(&path)?;
            let mut writer = ResultWriter::new(format, &set.schema(), sink, &path.display().to_string())?;
            for batch in set.into_batches() {
                writer.write(&batch?)?;
            }
            let (rows, sink) = writer.finish()?;
            file.commit(sink)?;
            Ok::<u64, EngineError>(rows)
        });
        let rows = written.await.map_err(|error| file_error("write", &request.output, &error))??;
        observer(Event::Finished { what: "join", name: &name, rows, ok: true });
        let seconds = started.elapsed().as_secs_f64();
        Ok(JoinReport { run: run.to_string(), rows, columns, output: name, seconds })
    }

    /// Writes the newest feature values to the online store.
    pub async fn materialize(
        &self,
        request: MaterializeRequest,
        observer: &Observer,
    ) -> Result<MaterializeReport, EngineError> {
        let run = self.start(RunKind::Materialize, &subject(&request.views)).await?;
        let done = self.materialize_views(run, request, observer).await;
        let counts = done.as_ref().map(MaterializeReport::counts).unwrap_or_default();
        self.finish(run, done, counts).await
    }

    async fn materialize_views(
        &self,
        run: Id,
        request: MaterializeRequest,
        observer: &Observer,
    ) -> Result<MaterializeReport, EngineError> {
        let started = Instant::now();
        let registry = self.registry().await?;
        let options =
            MaterializeOptions { views: request.views, from_us: request.from_us, to_us: request.to_us };
        let progress =
            |view: &str, rows: u64| observer(Event::Progress { what: "view", name: view, done: rows });
        let views =
            hanok_features::materialize(&self.session, &registry, &self.online_folder(), &options, &progress)
                .await?;
        for view in &views {
            observer(Event::Finished { what: "view", name: &view.view, rows: view.keys_written, ok: true });
        }
        let online_keys = views.iter().map(|view| view.keys).sum();
        Ok(MaterializeReport {
            run: run.to_string(),
            views,
            online_keys,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// Records that a run has started on this branch.
    ///
    /// # Errors
    /// On a tag, for what writes to the lake; nothing is recorded then.
    pub(crate) async fn start(&self, kind: RunKind, subject: &str) -> Result<Id, EngineError> {
        if !matches!(
            kind,
            RunKind::Join | RunKind::Materialize | RunKind::Publish | RunKind::Predict | RunKind::Explain
        ) {
            self.lake.may_write()?;
        }
        Ok(self.catalog.start_run(&self.lake.branch().name, kind, subject).await?)
    }

    /// The folder of the branch's online store, for readers such as the feature server. Each branch has its own, which
    /// is empty at first.
    pub fn online_folder(&self) -> PathBuf {
        match self.lake.branch().is_main() {
            true => self.project.state("online"),
            false => self.project.state(ONLINE_BRANCHES).join(self.lake.branch_id()),
        }
    }

    /// The last runs, newest first.
    pub async fn runs(&self, rows_max: u32) -> Result<Vec<RunReport>, EngineError> {
        Ok(self.catalog.runs(rows_max).await?)
    }

    /// Records how a run ended and passes its result on. A failure to record does not hide the run's own error.
    pub(crate) async fn finish<T>(
        &self,
        run: Id,
        done: Result<T, EngineError>,
        counts: RunCounts,
    ) -> Result<T, EngineError> {
        match done {
            Ok(value) => {
                self.catalog.finish_run(run, counts, None).await?;
                Ok(value)
            }
            Err(error) => {
                let report = Report::new(&error);
                let _ = self
                    .catalog
                    .finish_run(run, counts, Some(&format!("{}: {}", report.code, report.message)))
                    .await;
                Err(error)
            }
        }
    }
}

/// A session's limits, with this part of the memory setting.
pub(crate) fn session_options(project: &Project, part: u64) -> SessionOptions {
    SessionOptions {
        threads: project.threads.value,
        memory_bytes_max: bytes(project.memory_mb.value / part),
        spill_folder: project.state("spill"),
    }
}

pub(crate) fn subject(names: &[String]) -> String {
    if names.is_empty() { "all".to_owned() } else { names.join(" ") }
}

fn out(rows_out: u64) -> RunCounts {
    RunCounts { rows_out, ..RunCounts::default() }
}

pub(crate) fn bytes(mebibytes: u64) -> usize {
    usize::try_from(mebibytes.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX)
}

pub(crate) fn file_error(action: &'static str, path: &Path, error: &dyn std::error::Error) -> EngineError {
    EngineError::File { action, path: path.display().to_string(), reason: error.to_string() }
}
