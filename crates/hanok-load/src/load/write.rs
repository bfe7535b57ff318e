//! Events of the reader to staged data files.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hanok_lake::{Lake, StagedFiles, Table, TableWriter, WriterOptions};
use hanok_types::TableName;

use super::LoadError;
use crate::error::ReadError;
use crate::files::{Event, FileBatches, FileCounts};
use crate::options::ReadOptions;
use crate::plan::LOAD_ID_COLUMN;
use crate::reject::Reject;

/// Batches that wait for the writer.
const CHANNEL_DEPTH: usize = 4;

/// How far a load is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Files that are through.
    pub files_done: usize,
    /// Files to load.
    pub files: usize,
    /// Rows so far, rejected ones too. Starts again at 0 when the types of a file turn out wider than its start showed.
    pub rows: u64,
}

/// What waits for its commits.
pub(super) struct Written {
    pub(super) rows: StagedFiles,
    pub(super) rejects: Option<StagedFiles>,
    /// By file.
    pub(super) counts: Vec<FileCounts>,
}

/// The columns of a table of rejects.
pub(super) fn rejects_schema() -> SchemaRef {
    with_load_id(&Reject::schema())
}

fn with_load_id(schema: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(LOAD_ID_COLUMN, DataType::Utf8, true)));
    Arc::new(Schema::new(fields))
}

/// A load id repeated, made once and cut to the rows of each batch.
struct LoadIds<'a> {
    /// By file.
    texts: &'a [String],
    /// The file whose rows come.
    at: usize,
    repeated: Option<(usize, StringArray)>,
}

impl LoadIds<'_> {
    fn column(&mut self, file: usize, rows: usize) -> ArrayRef {
        let made =
            self.repeated.as_ref().filter(|(made_for, array)| *made_for == file && array.len() >= rows);
        let array = match made {
            Some((_, array)) => array.slice(0, rows),
            None => {
                let id = self.texts.get(file).map_or("", String::as_str);
                let array = StringArray::from_iter_values(std::iter::repeat_n(id, rows.max(16 * 1024)));
                let cut = array.slice(0, rows);
                self.repeated = Some((file, array));
                cut
            }
        };
        Arc::new(array)
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        schema: &SchemaRef,
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let mut columns = batch.columns().to_vec();
        columns.push(self.column(self.at, batch.num_rows()));
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}

/// Reads the files into staged data files: rows with their load's id, and rejects except those of files whose
/// `keep_rejects` is false.
#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only name the same things again")]
pub(super) async fn write_files(
    lake: &Lake,
    table: &Table,
    rejects_name: &TableName,
    paths: Vec<PathBuf>,
    options: ReadOptions,
    existing: Option<SchemaRef>,
    ids: &[String],
    keep_rejects: &[bool],
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Written, LoadError> {
    let files = paths.len();
    let opened = tokio::task::spawn_blocking(move || FileBatches::open(&paths, options, existing));
    let batches = opened.await.unwrap_or(Err(ReadError::Stopped))?;
    let mut schema = with_load_id(&batches.schema());
    let mut events = batches.into_channel(CHANNEL_DEPTH);
    let mut rows = TableWriter::new(table, &schema, WriterOptions::default())?;
    let mut rejects: Option<TableWriter> = None;
    let mut ids = LoadIds { texts: ids, at: 0, repeated: None };
    let mut counts: Vec<FileCounts> = Vec::new();
    let mut seen = 0;
    let failed = |source| LoadError::Batch { table: table.name().to_string(), source };
    while let Some(event) = events.recv().await {
        let event = event?;
        match event.event {
            Event::Batch(batch) => {
                seen += batch.num_rows() as u64;
                rows.write(ids.add(&batch, &schema).map_err(failed)?).await?;
            }
            Event::Rejects(found) => {
                seen += found.len() as u64;
                if keep_rejects.get(ids.at).copied().unwrap_or(true) {
                    let batch = Reject::batch(&found).map_err(failed)?;
                    let writer = match &mut rejects {
                        Some(writer) => writer,
                        None => {
                            let table = lake.table_for_write(rejects_name).await?;
                            rejects.insert(TableWriter::new(
                                &table,
                                &rejects_schema(),
                                WriterOptions::default(),
                            )?)
                        }
                    };
                    writer.write(ids.add(&batch, &rejects_schema()).map_err(failed)?).await?;
                }
            }
            Event::FileEnd(file) => {
                counts.push(file);
                ids.at += 1;
            }
            Event::Restart => {
                // What was staged is never committed; a vacuum removes it.
                schema = with_load_id(&event.schema.unwrap_or_else(|| Arc::clone(&schema)));
                rows = TableWriter::new(table, &schema, WriterOptions::default())?;
                rejects = None;
                counts.clear();
                ids.at = 0;
                seen = 0;
            }
        }
        progress(Progress { files_done: counts.len(), files, rows: seen });
    }
    // A reader that ended without its last word did not end well.
    if counts.len() != files {
        return Err(ReadError::Stopped.into());
    }
    let rejects = match rejects {
        Some(writer) => Some(writer.finish().await?),
        None => None,
    };
    Ok(Written { rows: rows.finish().await?, rejects, counts })
}
