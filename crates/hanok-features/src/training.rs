//! Training sets: entity rows with the features as they were known at each row's time.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use hanok_lake::Table;
use hanok_pit::{
    BatchIterator, BatchSource, EntityFrame, FeatureFile, FeatureSource, JoinOptions, Joined, PitError,
    ValueColumn, View,
};
use hanok_query::Session;
use object_store::path::Path as ObjectPath;

use crate::apply::{source_sql, table_name};
use crate::definition::{FeatureSource as Source, FeatureView};
use crate::selection::{SelectedView, Selection};
use crate::{FeatureError, Registry};

/// The timestamp column that entity rows have unless said otherwise.
const TIMESTAMP_DEFAULT: &str = "event_timestamp";

/// How to join.
#[derive(Clone, Debug, Default)]
pub struct TrainingOptions {
    /// The entity rows' timestamp column; `event_timestamp`, or the only timestamp column, when not given.
    pub timestamp: Option<String>,
    /// Columns are named `view__feature` rather than `feature`.
    pub full_feature_names: bool,
    /// Rows written after the entity's time do not count, so that a backfill leaks nothing. Views without a created
    /// timestamp are joined as usual.
    pub as_known_at: bool,
    /// Threads.
    pub threads: usize,
    /// Memory for the join's own structures; beyond it the work is done in parts.
    pub memory_bytes_max: Option<usize>,
}

/// A training set, computed as it is read.
pub struct TrainingSet {
    joined: Joined,
}

impl TrainingSet {
    /// The columns: those of the entity rows, then the features.
    pub fn schema(&self) -> SchemaRef {
        self.joined.schema()
    }

    /// The batches, in the order of the entity rows. Reading blocks: call it where blocking is allowed.
    pub fn into_batches(self) -> impl Iterator<Item = Result<RecordBatch, FeatureError>> + Send {
        self.joined.map(|batch| batch.map_err(FeatureError::from))
    }
}

/// Joins the selected features to the rows of `entities`, a query's result held in memory.
pub async fn training_set(
    session: &Session,
    registry: &Registry,
    entities: (SchemaRef, Vec<RecordBatch>),
    selection: &Selection,
    options: &TrainingOptions,
) -> Result<TrainingSet, FeatureError> {
    let session = &session
        .at_once()
        .await
        .map_err(|source| FeatureError::Query { what: "the feature views".to_owned(), source })?;
    let (schema, batches) = entities;
    let selected = selection.resolve(registry, options.full_feature_names)?;
    let timestamp = timestamp_column(&schema, options.timestamp.as_deref())?;
    check_keys(&schema, &selected)?;
    let frame = EntityFrame { schema, batches, timestamp };
    let views = join_views(session, &selected, options, true).await?;
    let joined = match run_join(frame.clone(), views, options).await {
        // Other writers add columns without saying so: where a file lacks one it is null, as queries know.
        Err(FeatureError::Join(PitError::MissingColumn { .. })) => {
            let views = join_views(session, &selected, options, false).await?;
            run_join(frame, views, options).await?
        }
        done => done?,
    };
    Ok(TrainingSet { joined })
}

async fn run_join(
    frame: EntityFrame,
    views: Vec<View>,
    options: &TrainingOptions,
) -> Result<Joined, FeatureError> {
    let join = JoinOptions {
        threads: options.threads.max(1),
        memory_max_bytes: options.memory_bytes_max,
        ..JoinOptions::default()
    };
    let joined = tokio::task::spawn_blocking(move || hanok_pit::join(frame, views, &join)).await;
    Ok(joined.map_err(|error| FeatureError::Worker(error.to_string()))??)
}

/// The views to join; with `files`, straight from the data files of tables.
async fn join_views(
    session: &Session,
    selected: &[SelectedView],
    options: &TrainingOptions,
    files: bool,
) -> Result<Vec<View>, FeatureError> {
    let mut views = Vec::with_capacity(selected.len());
    for view in selected {
        views.push(join_view(session, view, options, files).await?);
    }
    Ok(views)
}

fn timestamp_column(schema: &SchemaRef, wanted: Option<&str>) -> Result<String, FeatureError> {
    let invalid = |reason: String| FeatureError::Entities { reason };
    if let Some(name) = wanted {
        schema.field_with_name(name).map_err(|_| invalid(format!("have no column `{name}`")))?;
        return Ok(name.to_owned());
    }
    if schema.field_with_name(TIMESTAMP_DEFAULT).is_ok() {
        return Ok(TIMESTAMP_DEFAULT.to_owned());
    }
    let timestamps: Vec<_> =
        schema.fields().iter().filter(|field| matches!(field.data_type(), DataType::Timestamp(..))).collect();
    match timestamps[..] {
        [only] => Ok(only.name().clone()),
        [] => Err(invalid("have no timestamp column".to_owned())),
        _ => Err(invalid(format!("have {} timestamp columns; name one of them", timestamps.len()))),
    }
}

fn check_keys(schema: &SchemaRef, selected: &[SelectedView]) -> Result<(), FeatureError> {
    for view in selected {
        if let Some((_, column, _)) =
            view.keys.iter().find(|(_, column, _)| schema.field_with_name(column).is_err())
        {
            return Err(FeatureError::Entities {
                reason: format!("have no column `{column}`, by which `{}` is found", view.name),
            });
        }
    }
    Ok(())
}

async fn join_view(
    session: &Session,
    selected: &SelectedView,
    options: &TrainingOptions,
    files: bool,
) -> Result<View, FeatureError> {
    let values = selected.features.iter().map(|feature| ValueColumn {
        source: feature.name.clone(),
        output: selected.column(feature, options.full_feature_names),
        target: feature.value_type,
    });
    Ok(View {
        name: selected.name.clone(),
        source: feature_source(session, &selected.view, files).await?,
        keys: selected.keys.iter().map(|(own, entity, _)| (entity.clone(), own.clone())).collect(),
        timestamp: selected.view.timestamp.clone(),
        created: selected.view.created.clone(),
        ttl_us: selected.view.ttl_us,
        values: values.collect(),
        as_known_at: options.as_known_at && selected.view.created.is_some(),
    })
}

/// The data files of a table, so that the join reads only what it needs, or the batches of a query.
async fn feature_source(
    session: &Session,
    view: &FeatureView,
    files: bool,
) -> Result<FeatureSource, FeatureError> {
    if let (Source::Table(text), true) = (&view.source, files) {
        let name = table_name(view, text)?;
        if let Some(table) = session.lake().find(&name).await?
            && let Some(files) = plain_files(&table).await?
        {
            return Ok(FeatureSource::Files(files));
        }
    }
    let sql = source_sql(view)?;
    let query = |source| FeatureError::Query { what: format!("feature view `{}`", view.name), source };
    let schema = session.plan(&sql).await.map_err(query)?.0.schema();
    Ok(FeatureSource::Batches(Arc::new(QuerySource {
        place: format!("feature view `{}`", view.name),
        session: session.clone(),
        sql,
        schema,
        runtime: tokio::runtime::Handle::current(),
    })))
}

/// The files, oldest first, when each can be read by itself: no deleted rows, no columns that only later files have.
async fn plain_files(table: &Table) -> Result<Option<Vec<FeatureFile>>, FeatureError> {
    let mut files = table.files().await?;
    if files.iter().any(|file| file.has_deletions) || table.grew() {
        return Ok(None);
    }
    files.reverse();
    let store = table.store();
    let plain = files.into_iter().map(|file| FeatureFile {
        store: store.clone(),
        path: ObjectPath::from(file.path),
        size: file.bytes,
        local: file.local,
    });
    Ok(Some(plain.collect()))
}

/// A query as a source of batches; each pass runs it again.
struct QuerySource {
    place: String,
    session: Session,
    sql: String,
    schema: SchemaRef,
    runtime: tokio::runtime::Handle,
}

impl BatchSource for QuerySource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self) -> Result<BatchIterator, PitError> {
        let place = self.place.clone();
        let failed = move |error| PitError::Source { place: place.clone(), source: Box::new(error) };
        let mut stream = self.runtime.block_on(self.session.sql(&self.sql)).map_err(&failed)?;
        let runtime = self.runtime.clone();
        Ok(Box::new(std::iter::from_fn(move || runtime.block_on(stream.next()).map_err(&failed).transpose())))
    }

    /// A query without an order may yield its rows in another order the next time.
    fn rereadable(&self) -> bool {
        false
    }
}
