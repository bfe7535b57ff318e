//! Wiring of `hanok profile`: rows into profiles, profiles into files, and profiles as sides.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use hanok_drift::profile::{TableProfile, compare_profiles};
use hanok_drift::{Kind, Profile};
use hanok_report::{DriftReport, Side};
use serde::Serialize;

use super::columns::{Columns, no_column};
use super::compare::is_data;
use super::importance::{ImportanceSource, explained_importance};
use super::open::{Source, blocking, time_column};
use super::side::{DriftSide, Place};
use super::{DriftError, DriftOutcome, DriftPlace, DriftRequest};
use crate::engine::file_error;
use crate::output::NewFile;
use crate::{EngineError, Event, Observer};

/// Rows that are looked at together: few, so that thousands of columns need little memory.
const BATCH_ROWS: usize = 8_192;
/// What the first bytes of a saved profile have.
const MARK: &[u8] = b"\"hanok-profile\"";
/// Where the mark is.
const MARK_WITHIN: u64 = 256;
/// Frequent texts that are shown.
const FREQUENT_MAX: usize = 5;

/// What to profile.
#[derive(Clone, Debug)]
pub struct ProfileRequest {
    /// The rows.
    pub side: DriftSide,
    /// Columns; all when empty.
    pub columns: Vec<String>,
    /// The column with each row's time, for a window.
    pub time: Option<String>,
    /// The file to write, if any.
    pub output: Option<PathBuf>,
}

/// `hanok profile`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileReport {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: Vec<ProfiledColumn>,
    /// Columns of a type without statistics.
    pub skipped: Vec<String>,
    /// The file that was written.
    pub output: Option<String>,
    /// Its size.
    pub bytes: Option<u64>,
    /// Wall time.
    pub seconds: f64,
}

/// What a profile says of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfiledColumn {
    /// Its name.
    pub name: String,
    /// The type of its first rows.
    #[serde(rename = "type")]
    pub data_type: String,
    /// How it is compared.
    pub kind: Kind,
    /// Counts, range, quantiles, moments.
    #[serde(flatten)]
    pub profile: Profile,
    /// How far the quantiles' shares may be from the truth.
    pub quantiles_error: f64,
    /// The most frequent texts.
    pub frequent: Vec<(String, u64)>,
}

impl DriftPlace {
    /// Profiles rows and writes the profile, which appears when it is whole.
    pub async fn profile(
        &self,
        request: ProfileRequest,
        observer: Arc<Observer>,
    ) -> Result<ProfileReport, EngineError> {
        let started = Instant::now();
        let profile =
            self.profiled(&request.side, &request.columns, request.time.as_deref(), observer).await?;
        let bytes = request.output.as_deref().map(|path| write_profile(&profile, path)).transpose()?;
        Ok(report(&profile, request.output, bytes, started))
    }

    /// The profile of a side: the saved one, or that of its rows.
    async fn profiled(
        &self,
        side: &DriftSide,
        columns: &[String],
        time: Option<&str>,
        observer: Arc<Observer>,
    ) -> Result<TableProfile, EngineError> {
        if let Some(path) = saved(side) {
            return blocking(move || read_profile(&path)).await;
        }
        let source = self.find(side).await?.source;
        let schema = source.schema().clone();
        let time = time_column(side, &schema, time)?;
        let names: Vec<String> = match columns {
            [] => {
                let all = schema.fields().iter().map(|field| field.name().clone());
                all.filter(|name| is_data(name)).collect()
            }
            columns => columns.to_vec(),
        };
        if let Some(name) = names.iter().find(|name| schema.field_with_name(name).is_err()) {
            return Err(no_column(&schema, name));
        }
        let (threads, name) = (self.threads, side.text.clone());
        match source.within(side.window, time.as_deref()).await? {
            Source::Files(columns) => {
                blocking(move || profile_of_columns(&columns, &names, threads, &name, observer.as_ref()))
                    .await
            }
            Source::Rows(rows) => {
                let total = rows.total;
                rows.in_blocks(BATCH_ROWS, None, move |mut blocks| {
                    let mut profiling = Profiling::new(&schema, &names, threads, total, name, observer)?;
                    while let Some(block) = blocks.next()? {
                        let block = block.project(&profiling.places);
                        profiling.take(&block.map_err(failed)?)?;
                    }
                    Ok(profiling.finish())
                })
                .await
            }
        }
    }

    /// Compares sides of which one at least is a saved profile; `None` when none is.
    pub(super) async fn drift_of_profiles(
        &self,
        request: &DriftRequest,
        observer: &Arc<Observer>,
    ) -> Result<Option<DriftOutcome>, EngineError> {
        let started = Instant::now();
        let sides = [&request.reference, &request.current];
        if sides.iter().all(|side| saved(side).is_none()) {
            return Ok(None);
        }
        let refused = [
            (request.by.is_some(), "--by"),
            (request.together, "--together"),
            (matches!(request.importance, Some(ImportanceSource::Model(_))), "--model"),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(is_asked, _)| *is_asked) {
            return Err(DriftError::Profiles(what).into());
        }
        let mut profiles = Vec::with_capacity(2);
        for side in sides {
            let profile =
                self.profiled(side, &request.columns, request.time.as_deref(), observer.clone()).await?;
            let has = |name: &&String| profile.column(name).is_none();
            if let Some(name) = request.columns.iter().find(has) {
                let known: Vec<&str> = profile.columns().iter().map(|column| column.name()).collect();
                return Err(DriftError::Column { name: name.clone(), known: known.join(", ") }.into());
            }
            profiles.push(profile);
        }
        let mut report = compare_profiles(&profiles[0], &profiles[1], &request.options)?;
        if !request.columns.is_empty() {
            // The p-values of a saved profile's other columns count among the tests.
            report.columns.retain(|column| request.columns.contains(&column.name));
            (report.vanished, report.new) = (Vec::new(), Vec::new());
        }
        let about = [0, 1].map(|at: usize| Side {
            name: sides[at].short_name(),
            table: saved(sides[at]).map(|path| path.display().to_string()),
            rows: Some(profiles[at].rows()),
            ..Side::default()
        });
        let importance = match &request.importance {
            Some(ImportanceSource::Explanation(path)) => {
                let names: Vec<&str> = report.columns.iter().map(|column| column.name.as_str()).collect();
                Some(explained_importance(path, &names).await?)
            }
            _ => None,
        };
        let report = DriftReport {
            made: Some(super::run::now()),
            importance,
            ..DriftReport::new(super::run::title(request), about, report)
        };
        Ok(Some(DriftOutcome { report, segments: None, seconds: started.elapsed().as_secs_f64() }))
    }
}

/// Adds up saved profiles and writes the sum, which appears when it is whole.
pub async fn merge_profiles(files: Vec<PathBuf>, output: PathBuf) -> Result<ProfileReport, EngineError> {
    let started = Instant::now();
    blocking(move || {
        let mut files = files.iter();
        let first = files.next().ok_or(EngineError::Stopped)?;
        let mut sum = read_profile(first)?;
        for file in files {
            sum.merge(&read_profile(file)?)?;
        }
        let bytes = write_profile(&sum, &output)?;
        Ok(report(&sum, Some(output), Some(bytes), started))
    })
    .await
}

/// What a saved profile says.
pub async fn show_profile(file: PathBuf) -> Result<ProfileReport, EngineError> {
    let started = Instant::now();
    blocking(move || Ok(report(&read_profile(&file)?, None, None, started))).await
}

/// The profile of columns that are read one after the other.
fn profile_of_columns(
    columns: &Columns,
    names: &[String],
    threads: usize,
    name: &str,
    observer: &Observer,
) -> Result<TableProfile, EngineError> {
    let schema = projected(&columns.schema, &places_of(&columns.schema, names)?)?;
    observer(Event::Started { what: "profile", name, total: Some(columns.rows) });
    // Rows of all columns, in shares of a row.
    let chunks = AtomicU64::new(0);
    let read = |column: &str, take: &mut dyn FnMut(&ArrayRef) -> Result<(), EngineError>| {
        columns.each_chunk(column, &mut |chunk| {
            take(&chunk)?;
            let values = chunk.len() as u64 + chunks.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            observer(Event::Progress { what: "profile", name, done: values / names.len().max(1) as u64 });
            Ok(())
        })
    };
    let profile = TableProfile::of_columns(&schema, columns.rows, read, threads)?;
    observer(Event::Finished { what: "profile", name, rows: columns.rows, ok: true });
    Ok(profile)
}

fn places_of(schema: &Schema, names: &[String]) -> Result<Vec<usize>, EngineError> {
    names.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>().map_err(failed)
}

fn projected(schema: &Schema, places: &[usize]) -> Result<Schema, EngineError> {
    schema.project(places).map_err(failed)
}

fn failed(error: ArrowError) -> EngineError {
    EngineError::Blocks(error.to_string())
}

/// Takes rows, and tells how far it is.
struct Profiling {
    profile: TableProfile,
    /// Where the side's rows have the columns.
    places: Vec<usize>,
    threads: usize,
    name: String,
    observer: Arc<Observer>,
}

impl Profiling {
    fn new(
        schema: &SchemaRef,
        names: &[String],
        threads: usize,
        total: Option<u64>,
        name: String,
        observer: Arc<Observer>,
    ) -> Result<Self, EngineError> {
        let places = places_of(schema, names)?;
        let schema = projected(schema, &places)?;
        observer(Event::Started { what: "profile", name: &name, total });
        Ok(Self { profile: TableProfile::new(&schema)?, places, threads, name, observer })
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        self.profile.update(batch, self.threads)?;
        (self.observer)(Event::Progress { what: "profile", name: &self.name, done: self.profile.rows() });
        Ok(())
    }

    fn finish(self) -> TableProfile {
        let rows = self.profile.rows();
        (self.observer)(Event::Finished { what: "profile", name: &self.name, rows, ok: true });
        self.profile
    }
}

/// The path of a side that is a saved profile.
pub(super) fn saved(side: &DriftSide) -> Option<PathBuf> {
    let Place::File(path) = &side.place else { return None };
    let mut first = Vec::new();
    File::open(path).ok()?.take(MARK_WITHIN).read_to_end(&mut first).ok()?;
    first.windows(MARK.len()).any(|bytes| bytes == MARK).then(|| path.clone())
}

/// The columns of a saved profile; `None` of any other side.
pub(crate) async fn columns_of_profile(side: &DriftSide) -> Result<Option<Vec<String>>, EngineError> {
    let Some(path) = saved(side) else { return Ok(None) };
    let profile = blocking(move || read_profile(&path)).await?;
    Ok(Some(profile.columns().iter().map(|column| column.name().to_owned()).collect()))
}

fn read_profile(path: &Path) -> Result<TableProfile, EngineError> {
    let bytes = std::fs::read(path).map_err(|error| file_error("read", path, &error))?;
    Ok(TableProfile::from_json(&bytes)?)
}

/// Returns the file's size.
fn write_profile(profile: &TableProfile, path: &Path) -> Result<u64, EngineError> {
    let bytes = profile.to_json()?;
    let (file, mut sink) = NewFile::create(path)?;
    sink.write_all(&bytes).map_err(|error| file_error("write", path, &error))?;
    file.commit(sink)?;
    Ok(bytes.len() as u64)
}

fn report(
    profile: &TableProfile,
    output: Option<PathBuf>,
    bytes: Option<u64>,
    started: Instant,
) -> ProfileReport {
    let columns = profile.columns().iter().map(|column| ProfiledColumn {
        name: column.name().to_owned(),
        // How texts were held while they were read is nobody's concern.
        data_type: column.data_type().to_string().replace("Utf8View", "Utf8"),
        kind: column.kind(),
        profile: column.profile(),
        quantiles_error: column.quantiles_error(),
        frequent: column.frequent(FREQUENT_MAX),
    });
    ProfileReport {
        rows: profile.rows(),
        columns: columns.collect(),
        skipped: profile.skipped().to_vec(),
        output: output.map(|path| path.display().to_string()),
        bytes,
        seconds: started.elapsed().as_secs_f64(),
    }
}
