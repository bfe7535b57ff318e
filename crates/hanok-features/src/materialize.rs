//! Materialisation: the newest values of every key into the online store.
//!
//! Incremental by default, and by table version rather than by event time: what the source's commits brought since the
//! last run is written, so that rows which arrive late are not missed. The version reached is committed together with the
//! last rows, so that a crash can only repeat work, which the store's rule "newer event timestamps win" makes harmless.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use hanok_lake::Table;
use hanok_online::{OnlineWrite as _, WriteBatch, WriteOutcome, Writer};
use hanok_query::{QueryStream, Session};

use crate::apply::{source_sql, table_name};
use crate::definition::{FeatureSource, FeatureView};
use crate::serving::online_schema;
use crate::{FeatureError, Registry};

/// Rows of one commit to the store: large enough to sort well, small enough to hold.
const COMMIT_ROWS: usize = 262_144;

/// What to materialise.
#[derive(Clone, Debug, Default)]
pub struct MaterializeOptions {
    /// Views by name; all online views when empty.
    pub views: Vec<String>,
    /// Only rows with an event timestamp from here on, microseconds since 1970-01-01 UTC, inclusive.
    pub from_us: Option<i64>,
    /// Only rows with an event timestamp up to here, inclusive.
    pub to_us: Option<i64>,
}

/// What became of one view.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MaterializedView {
    /// The view.
    pub view: String,
    /// Rows read from its source.
    pub rows_in: u64,
    /// Keys whose value is new.
    pub keys_written: u64,
    /// Keys in the store afterwards.
    pub keys: u64,
    /// Whether nothing had changed since the last time.
    pub up_to_date: bool,
}

/// Writes the newest values of every key of the chosen views to the store in the folder `store`.
///
/// `progress` is called with the view's name and the rows written so far.
pub async fn materialize(
    session: &Session,
    registry: &Registry,
    store: &Path,
    options: &MaterializeOptions,
    progress: &(dyn Fn(&str, u64) + Send + Sync),
) -> Result<Vec<MaterializedView>, FeatureError> {
    let views = chosen(registry, &options.views)?;
    let folder = store.to_owned();
    let mut writer = blocking(move || Ok(Writer::open(&folder)?)).await?;
    let mut done = Vec::with_capacity(views.len());
    for view in views {
        let (back, outcome) = one(session, registry, writer, view, options, progress).await?;
        writer = back;
        done.push(outcome);
    }
    Ok(done)
}

fn chosen<'a>(registry: &'a Registry, names: &[String]) -> Result<Vec<&'a FeatureView>, FeatureError> {
    if names.is_empty() {
        return Ok(registry.views.values().map(|view| &view.definition).filter(|view| view.online).collect());
    }
    names.iter().map(|name| registry.view(name)).collect()
}

/// LMDB blocks, so all of its work happens on blocking threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FeatureError> + Send + 'static,
) -> Result<T, FeatureError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| FeatureError::Worker(error.to_string()))?
}

async fn one(
    session: &Session,
    registry: &Registry,
    mut writer: Writer,
    view: &FeatureView,
    options: &MaterializeOptions,
    progress: &(dyn Fn(&str, u64) + Send + Sync),
) -> Result<(Writer, MaterializedView), FeatureError> {
    let schema = online_schema(registry, view);
    let name = view.name.clone();
    let refused = {
        let name = name.clone();
        move |source| FeatureError::Write { view: name.clone(), source }
    };
    let mark_key = format!("materialized:{name}");
    let (change, mark);
    {
        let (refused, mark_key) = (refused.clone(), mark_key.clone());
        (writer, change, mark) = blocking(move || {
            let change = writer.apply_schema(&schema).map_err(&refused)?;
            let mark = writer.watermark(&mark_key).map_err(&refused)?;
            Ok((writer, change, mark))
        })
        .await?;
    }
    let ranged = options.from_us.is_some() || options.to_us.is_some();
    let stale = change != hanok_online::SchemaChange::Unchanged;
    let source = source_state(session, view).await?;
    let mark = mark.and_then(|bytes| Mark::parse(&bytes)).filter(|_| !stale && !ranged);
    let target = source.as_ref().and_then(|table| Mark::of(table, view));
    let mut outcome =
        MaterializedView { view: name.clone(), rows_in: 0, keys_written: 0, keys: 0, up_to_date: false };
    if mark.is_some() && mark == target {
        outcome.up_to_date = true;
    } else {
        let rows = changes(session, view, source.as_ref(), mark.as_ref(), options).await?;
        let watermark = target.filter(|_| !ranged).map(|mark| (mark_key, mark.text()));
        (writer, outcome) = write_all(writer, view, rows, watermark, outcome, progress).await?;
    }
    let keys = {
        let (name, refused) = (name.clone(), refused.clone());
        move |writer: Writer| {
            let keys = writer.key_count(&name).map_err(&refused)?;
            Ok((writer, keys))
        }
    };
    let (writer, keys) = blocking(move || keys(writer)).await?;
    outcome.keys = keys;
    Ok((writer, outcome))
}

/// How far a view's source has been materialised.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    folder: String,
    version: u64,
    /// Whose rows they are: changes when the view reads other columns.
    columns: String,
}

impl Mark {
    fn of(table: &Table, view: &FeatureView) -> Option<Self> {
        let columns = format!("{},{}", view.timestamp, view.created.as_deref().unwrap_or_default());
        Some(Self { folder: table.directory().to_string(), version: table.version()?, columns })
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.folder, self.version, self.columns)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(bytes).ok()?.splitn(3, ' ');
        let (folder, version, columns) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { folder: folder.to_owned(), version: version.parse().ok()?, columns: columns.to_owned() })
    }
}

/// The table behind a view, if it is one: views of the lake and SQL have no version, and are read whole each time.
async fn source_state(session: &Session, view: &FeatureView) -> Result<Option<Table>, FeatureError> {
    match &view.source {
        FeatureSource::Table(text) => Ok(session.lake().find(&table_name(view, text)?).await?),
        FeatureSource::Sql(_) => Ok(None),
    }
}

/// The newest row of every key among the rows to write.
async fn changes(
    session: &Session,
    view: &FeatureView,
    table: Option<&Table>,
    mark: Option<&Mark>,
    options: &MaterializeOptions,
) -> Result<Rows, FeatureError> {
    let query = |source| FeatureError::Query { what: format!("feature view `{}`", view.name), source };
    // Appended files alone, when nothing but appends happened since.
    let since = match (table, mark) {
        (Some(table), Some(mark)) if table.directory().to_string() == mark.folder => {
            table.files_added_since(mark.version).await?
        }
        _ => None,
    };
    let mut sql = source_sql(view)?;
    let quoted = format!("\"{}\"", view.timestamp.replace('"', "\"\""));
    let mut conditions = vec![format!("{quoted} is not null")];
    if let Some(from_us) = options.from_us {
        conditions.push(format!("{quoted} >= to_timestamp_micros({from_us})"));
    }
    if let Some(to_us) = options.to_us {
        conditions.push(format!("{quoted} <= to_timestamp_micros({to_us})"));
    }
    sql = format!("select * from ({sql}) as source where {}", conditions.join(" and "));
    let stream = match (since, table) {
        (Some(files), Some(table)) => session.sql_over_files(&sql, table, files).await.map_err(query)?,
        _ => session.sql(&sql).await.map_err(query)?,
    };
    Ok(Rows { stream })
}

struct Rows {
    stream: QueryStream,
}

async fn write_all(
    mut writer: Writer,
    view: &FeatureView,
    mut rows: Rows,
    watermark: Option<(String, String)>,
    mut outcome: MaterializedView,
    progress: &(dyn Fn(&str, u64) + Send + Sync),
) -> Result<(Writer, MaterializedView), FeatureError> {
    let query = |source| FeatureError::Query { what: format!("feature view `{}`", view.name), source };
    let schema = rows.stream.schema();
    let (mut pending, mut pending_rows) = (Vec::new(), 0);
    loop {
        let next = rows.stream.next().await.map_err(query)?;
        let last = next.is_none();
        if let Some(batch) = next {
            pending_rows += batch.num_rows();
            pending.push(batch);
        }
        if !last && pending_rows < COMMIT_ROWS {
            continue;
        }
        let batch =
            concat_batches(&schema, &pending).map_err(|error| FeatureError::Worker(error.to_string()))?;
        outcome.rows_in += pending_rows as u64;
        (pending, pending_rows) = (Vec::new(), 0);
        let mark = watermark.clone().filter(|_| last);
        let written;
        (writer, written) = write_one(writer, view, batch, mark).await?;
        outcome.keys_written += written.written;
        progress(&view.name, outcome.rows_in);
        if last {
            return Ok((writer, outcome));
        }
    }
}

async fn write_one(
    mut writer: Writer,
    view: &FeatureView,
    batch: RecordBatch,
    watermark: Option<(String, String)>,
) -> Result<(Writer, WriteOutcome), FeatureError> {
    let view = view.clone();
    blocking(move || {
        let rows = WriteBatch {
            rows: &batch,
            event_timestamp: &view.timestamp,
            created: view.created.as_deref(),
            watermark: watermark.as_ref().map(|(key, value)| (key.as_str(), value.as_bytes())),
        };
        let written = writer
            .write(&view.name, &rows)
            .map_err(|source| FeatureError::Write { view: view.name.clone(), source })?;
        Ok((writer, written))
    })
    .await
}
