//! Opens sides: where the rows are, as of when, in which window.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hanok_lake::{AsOf, Lake, Table};
use hanok_report::Side;
use hanok_types::TableName;

use super::columns::{Columns, is_time, rows_within};
use super::profile::saved;
use super::run::described;
use super::side::{DriftSide, Place, Window};
use super::{DriftError, DriftPlace};
use crate::output::Format;
use crate::rows::{RowSource, Rows, open_file};
use crate::{Engine, EngineError};

/// Rows of a block of what is read into memory.
const BLOCK_ROWS: usize = 65_536;

/// Which columns of a side are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Those that are compared; all when empty.
    pub(super) columns: Vec<String>,
    /// The column of segments.
    pub(super) by: Option<String>,
    /// The column with times, when it was named.
    pub(super) time: Option<String>,
}

/// A side that was found.
pub(super) struct Found {
    pub(super) source: Source,
    /// The table of the lake that it is, on its branch.
    pub(super) table: Option<(Lake, TableName)>,
    /// That table's version.
    pub(super) version: Option<u64>,
}

/// Rows that were found.
pub(super) enum Source {
    /// Of which columns can be read one by one.
    Files(Columns),
    /// Which come one block after the other.
    Rows(Rows),
}

impl Source {
    pub(super) fn schema(&self) -> &SchemaRef {
        match self {
            Self::Files(columns) => &columns.schema,
            Self::Rows(rows) => &rows.schema,
        }
    }

    /// Leaves only the rows of a side's window, if it has one.
    pub(super) async fn within(
        self,
        window: Option<Window>,
        time: Option<&str>,
    ) -> Result<Self, EngineError> {
        let Some((window, time)) = window.zip(time.map(str::to_owned)) else { return Ok(self) };
        Ok(match self {
            Self::Files(columns) => Self::Files(blocking(move || columns.within(window, &time)).await?),
            Self::Rows(rows) => Self::Rows(rows.keep(move |batch| rows_within(batch, window, &time))),
        })
    }

    /// The rows one batch after the other, the oldest first.
    fn into_rows(self) -> Rows {
        let columns = match self {
            Self::Files(columns) => columns,
            Self::Rows(rows) => return rows,
        };
        Rows::of_thread(columns.schema.clone(), Some(columns.rows), move |send| columns.each_batch(send))
    }
}

/// A side that is ready to be read.
pub(super) struct Opened {
    pub(super) columns: Columns,
    /// Its column with times: the one that was named, or the only one.
    pub(super) time: Option<String>,
    /// As in [`Found`].
    pub(super) table: Option<(Lake, TableName)>,
    /// As in [`Found`].
    pub(super) version: Option<u64>,
}

impl DriftPlace {
    fn engine(&self, side: &DriftSide) -> Result<&Engine, EngineError> {
        self.engine.as_ref().ok_or_else(|| {
            let reason = "it is no file, and there is no project here".to_owned();
            DriftError::Side { side: side.text.clone(), reason }.into()
        })
    }

    /// Opens a side. Rows of Parquet files stay where they are until a column is read.
    pub(super) async fn open(&self, side: &DriftSide, wanted: &Wanted) -> Result<Opened, EngineError> {
        let Found { source, table, version } = self.find(side).await?;
        let time = time_column(side, source.schema(), wanted.time.as_deref())?;
        let columns = match source.within(side.window, time.as_deref()).await? {
            Source::Files(columns) => columns,
            Source::Rows(rows) => self.hold(side, wanted, time.as_deref(), rows).await?,
        };
        Ok(Opened { columns, time, table, version })
    }

    /// The rows of a side that are to be predicted one batch after the other, and what is known of them.
    pub(crate) async fn rows(
        &self,
        side: &DriftSide,
        time: Option<&str>,
    ) -> Result<(Rows, Side), EngineError> {
        if saved(side).is_some() {
            return Err(DriftError::Profiles("predicting").into());
        }
        let Found { source, table, version } = self.find(side).await?;
        let time = time_column(side, source.schema(), time)?;
        let about = described(side, table.as_ref(), version);
        Ok((source.within(side.window, time.as_deref()).await?.into_rows(), about))
    }

    /// Where a side's rows are.
    pub(super) async fn find(&self, side: &DriftSide) -> Result<Found, EngineError> {
        let of = |source: Source| Found { source, table: None, version: None };
        Ok(match &side.place {
            Place::File(path) if !path.is_file() => {
                let reason = "there is no such file".to_owned();
                return Err(DriftError::Side { side: side.text.clone(), reason }.into());
            }
            Place::File(path) if Format::of_path(path) == Some(Format::Parquet) => {
                of(Source::Files(blocking_files(vec![path.clone()], None).await?))
            }
            Place::File(path) => of(Source::Rows(open_file(path).await?)),
            Place::Sql(sql) => of(Source::Rows(RowSource::Sql(sql.clone()).open(self.engine(side)?).await?)),
            Place::Table { name, branch, as_of } => {
                let engine = on_branch(self.engine(side)?, branch.as_deref()).await?;
                let place = Some((engine.lake.clone(), name.clone()));
                let table = table(&engine.lake, name, *as_of).await?;
                let version = table.as_ref().and_then(Table::version);
                let files = match &table {
                    Some(table) => plain_files(table).await?,
                    None => None,
                };
                let source = match files {
                    Some(columns) => Source::Files(columns),
                    None => Source::Rows(RowSource::Sql(sql(name, *as_of, version)).open(&engine).await?),
                };
                Found { source, table: place, version }
            }
        })
    }

    /// Reads rows into memory, as far as it may be taken.
    async fn hold(
        &self,
        side: &DriftSide,
        wanted: &Wanted,
        time: Option<&str>,
        rows: Rows,
    ) -> Result<Columns, EngineError> {
        let schema = rows.schema.clone();
        let is_wanted = |name: &str| {
            wanted.columns.is_empty()
                || wanted.columns.iter().any(|wanted| wanted == name)
                || wanted.by.as_deref() == Some(name)
                || time == Some(name)
        };
        let places: Vec<usize> =
            (0..schema.fields().len()).filter(|at| is_wanted(schema.field(*at).name())).collect();
        // Half of it for each side.
        let (limit, shown) = (self.memory_bytes / 2, side.text.clone());
        let project = move |error: arrow::error::ArrowError| EngineError::Blocks(error.to_string());
        let (schema, batches) = rows
            .in_blocks(BLOCK_ROWS, None, move |mut blocks| {
                let schema = Arc::new(schema.project(&places).map_err(project)?);
                let (mut batches, mut bytes): (Vec<RecordBatch>, u64) = (Vec::new(), 0);
                while let Some(block) = blocks.next()? {
                    let block = block.project(&places).map_err(project)?;
                    bytes += block.get_array_memory_size() as u64;
                    if bytes > limit {
                        return Err(DriftError::Memory { what: shown, limit_mb: limit >> 20 }.into());
                    }
                    batches.push(block);
                }
                Ok((schema, batches))
            })
            .await?;
        Ok(Columns::of_batches(schema, batches))
    }
}

/// The engine on the branch or tag of that name.
async fn on_branch(engine: &Engine, branch: Option<&str>) -> Result<Engine, EngineError> {
    let mut engine = engine.clone();
    if let Some(branch) = branch {
        engine.lake = engine.lake.on_branch(branch).await?;
    }
    Ok(engine)
}

/// The table of that name as it was; `None` for a view, and for nothing, about which a query says more.
async fn table(lake: &Lake, name: &TableName, as_of: Option<AsOf>) -> Result<Option<Table>, EngineError> {
    Ok(match as_of {
        Some(as_of) => Some(lake.table_as_of(name, as_of).await?),
        None => lake.at_once().await?.0.find(name).await?,
    })
}

/// The columns of a table whose files can be read by themselves: without deleted rows.
async fn plain_files(table: &Table) -> Result<Option<Columns>, EngineError> {
    let mut files = table.files().await?;
    files.reverse();
    let local: Option<Vec<PathBuf>> =
        files.into_iter().map(|file| file.local.filter(|_| !file.has_deletions)).collect();
    match (local, table.schema()?) {
        (Some(paths), Some(schema)) => Ok(Some(blocking_files(paths, Some(schema)).await?)),
        _ => Ok(None),
    }
}

/// All rows of a table that was opened at this version, or of a view.
fn sql(name: &TableName, as_of: Option<AsOf>, version: Option<u64>) -> String {
    let clause = match (as_of, version) {
        (Some(_), Some(version)) => format!(" for version as of {version}"),
        _ => String::new(),
    };
    format!("select * from \"{}\".\"{}\"{clause}", name.schema, name.table)
}

/// The column that says when: the one that was named, or the only one of its kind. A window needs one.
pub(super) fn time_column(
    side: &DriftSide,
    schema: &SchemaRef,
    named: Option<&str>,
) -> Result<Option<String>, EngineError> {
    let refused =
        |reason: String| -> EngineError { DriftError::Time { side: side.text.clone(), reason }.into() };
    if let Some(name) = named {
        return match schema.field_with_name(name) {
            Ok(field) if is_time(field.data_type()) => Ok(Some(name.to_owned())),
            Ok(field) => Err(refused(format!("the column `{name}` is of type {}", field.data_type()))),
            Err(_) => Err(refused(format!("it has no column `{name}`"))),
        };
    }
    let times: Vec<&str> = schema
        .fields()
        .iter()
        .filter(|field| is_time(field.data_type()))
        .map(|field| field.name().as_str())
        .collect();
    match (times.as_slice(), side.window) {
        ([only], _) => Ok(Some((*only).to_owned())),
        (_, None) => Ok(None),
        ([], Some(_)) => Err(refused("it has no column with times".to_owned())),
        (several, Some(_)) => {
            Err(refused(format!("it has several columns with times: {}", several.join(", "))))
        }
    }
}

async fn blocking_files(paths: Vec<PathBuf>, schema: Option<SchemaRef>) -> Result<Columns, EngineError> {
    blocking(move || Columns::of_files(&paths, schema)).await
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    crate::rows::blocking(work).await
}
