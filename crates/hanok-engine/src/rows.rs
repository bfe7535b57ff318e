//! Rows of tables, queries and files: all at once, or as a stream that keeps their order.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, RecordBatchReader as _};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use hanok_load::{Event as ReadEvent, FileBatches, ReadOptions};
use hanok_query::{QueryStream, Session, SessionOptions};
use hanok_types::TableName;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use tokio::sync::mpsc;

use crate::engine::{file_error, session_options};
use crate::output::Format;
use crate::{Engine, EngineError};

/// Rows of a batch that is read from a Parquet file.
const BATCH_ROWS: usize = 65_536;
/// Rows of a batch of a stream.
const STREAM_ROWS: usize = 8_192;
/// Batches that wait for whoever works on them.
const WAITING_MAX: usize = 2;

/// Where rows come from.
#[derive(Clone, Debug)]
pub enum RowSource {
    /// A Parquet, CSV or JSON lines file.
    File(PathBuf),
    /// A table or view, `schema.table`.
    Table(String),
    /// A query.
    Sql(String),
}

impl RowSource {
    fn table_sql(name: &TableName) -> String {
        format!("select * from \"{}\".\"{}\"", name.schema, name.table)
    }

    /// All rows at once, in any order.
    pub(crate) async fn read(&self, engine: &Engine) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
        let sql = match self {
            Self::File(path) => return read_file(path).await,
            Self::Table(name) => Self::table_sql(&TableName::parse(name, "main")?),
            Self::Sql(sql) => sql.clone(),
        };
        let stream = engine.session.sql(&sql).await?;
        Ok((stream.schema(), stream.collect().await?))
    }

    /// The rows one batch after the other. The order is that of the file, or the one that the query asks for; of a table,
    /// that of its files.
    pub(crate) async fn open(&self, engine: &Engine) -> Result<Rows, EngineError> {
        let (sql, total) = match self {
            Self::File(path) => return open_file(path).await,
            Self::Table(name) => {
                let name = TableName::parse(name, "main")?;
                let table = match engine.lake.find(&name).await {
                    Ok(Some(table)) => table.rows().await?,
                    // A view, or nothing: the query will say.
                    _ => None,
                };
                (Self::table_sql(&name), table)
            }
            Self::Sql(sql) => (sql.clone(), None),
        };
        // Threads of a query hand their rows over as they come; one thread keeps the order.
        let options = SessionOptions { threads: 1, ..session_options(&engine.project, 1) };
        let stream = Session::open(&engine.lake, &options)?.sql(&sql).await?;
        Ok(Rows { schema: stream.schema(), total, inner: Inner::Query(stream), kept: None })
    }
}

/// Leaves some rows of a batch.
type Keep = Box<dyn Fn(&RecordBatch) -> Result<RecordBatch, EngineError> + Send>;

/// A stream of rows.
pub(crate) struct Rows {
    /// The columns.
    pub(crate) schema: SchemaRef,
    /// How many rows will come, when that is known.
    pub(crate) total: Option<u64>,
    inner: Inner,
    kept: Option<Keep>,
}

enum Inner {
    Query(QueryStream),
    Thread(mpsc::Receiver<Result<RecordBatch, EngineError>>),
}

impl Rows {
    /// Rows that a thread of its own reads and sends; when nobody takes them any more, sending fails.
    pub(crate) fn of_thread(
        schema: SchemaRef,
        total: Option<u64>,
        read: impl FnOnce(&dyn Fn(RecordBatch) -> Result<(), EngineError>) -> Result<(), EngineError>
        + Send
        + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        std::thread::spawn(move || {
            let send = |batch| sender.blocking_send(Ok(batch)).map_err(|_| EngineError::Stopped);
            if let Err(error) = read(&send) {
                // Nobody may be waiting any more.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self { schema, total, inner: Inner::Thread(receiver), kept: None }
    }

    /// Leaves only some of the rows, so that nobody knows how many will come.
    pub(crate) fn keep(
        self,
        keep: impl Fn(&RecordBatch) -> Result<RecordBatch, EngineError> + Send + 'static,
    ) -> Self {
        Self { total: None, kept: Some(Box::new(keep)), ..self }
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, EngineError> {
        let batch = match &mut self.inner {
            Inner::Query(stream) => stream.next().await?,
            Inner::Thread(batches) => batches.recv().await.transpose()?,
        };
        match &self.kept {
            Some(keep) => batch.as_ref().map(keep).transpose(),
            None => Ok(batch),
        }
    }

    /// Gives the rows, `rows_max` at most, in blocks of `block_rows` to `work`, which runs on a thread of its own. When the
    /// future is dropped, the next block is an error, so that `work` ends and takes back what it has begun.
    pub(crate) async fn in_blocks<T: Send + 'static>(
        mut self,
        block_rows: usize,
        rows_max: Option<u64>,
        work: impl FnOnce(Blocks) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let coalescer = BatchCoalescer::new(self.schema.clone(), block_rows.max(1));
        let done = tokio::task::spawn_blocking(move || work(Blocks { receiver, coalescer, ended: false }));
        let mut left = rows_max.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(batch) = self.next().await? else { break };
            let rows = usize::try_from(left).unwrap_or(usize::MAX).min(batch.num_rows());
            left -= rows as u64;
            // Whoever works on them has failed, and says so below.
            if sender.send(Some(batch.slice(0, rows))).await.is_err() {
                break;
            }
        }
        let _ = sender.send(None).await;
        match done.await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Rows in blocks, on the thread that works on them.
pub(crate) struct Blocks {
    /// Nothing stands for the end.
    receiver: mpsc::Receiver<Option<RecordBatch>>,
    coalescer: BatchCoalescer,
    ended: bool,
}

impl Blocks {
    /// The next block: of the size asked for, but the last.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when nobody waits for the work any more, or reading has failed.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, EngineError> {
        loop {
            if let Some(block) = self.coalescer.next_completed_batch() {
                return Ok(Some(block));
            }
            if self.ended {
                return Ok(None);
            }
            let pushed = match self.receiver.blocking_recv() {
                None => return Err(EngineError::Stopped),
                Some(Some(batch)) => self.coalescer.push_batch(batch),
                Some(None) => {
                    self.ended = true;
                    self.coalescer.finish_buffered_batch()
                }
            };
            pushed.map_err(|error| EngineError::Blocks(error.to_string()))?;
        }
    }
}

/// Reads a whole file.
async fn read_file(path: &Path) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
    let path = path.to_owned();
    blocking(move || match Format::of_path(&path) {
        Some(Format::Parquet) => {
            let (reader, _) = parquet_file(&path, BATCH_ROWS)?;
            let schema = reader.schema();
            let batches = reader.map(|batch| batch.map_err(|error| file_error("read", &path, &error)));
            Ok((schema, batches.collect::<Result<Vec<_>, _>>()?))
        }
        _ => {
            let mut batches = Vec::new();
            let schema = visit_text(&path, None, &mut |batch| {
                match batch {
                    Some(batch) => batches.push(batch),
                    None => batches.clear(),
                }
                true
            })?;
            Ok((schema, batches))
        }
    })
    .await
}

pub(crate) async fn open_file(path: &Path) -> Result<Rows, EngineError> {
    let path = path.to_owned();
    blocking(move || {
        if Format::of_path(&path) == Some(Format::Parquet) {
            let (mut reader, rows) = parquet_file(&path, STREAM_ROWS)?;
            let failed = move |error: ArrowError| file_error("read", &path, &error);
            return Ok(Rows::of_thread(reader.schema(), Some(rows), move |send| {
                reader.try_for_each(|batch| send(batch.map_err(&failed)?))
            }));
        }
        // The types are known when all values have been seen.
        let mut rows = 0;
        let schema = visit_text(&path, None, &mut |batch| {
            rows = batch.map_or(0, |batch| rows + batch.num_rows() as u64);
            true
        })?;
        let changed =
            |path: &Path| file_error("read", path, &std::io::Error::other("it changed while it was read"));
        Ok(Rows::of_thread(schema.clone(), Some(rows), move |send| {
            let mut sent = Ok(());
            visit_text(&path, Some(schema), &mut |batch| {
                sent = batch.ok_or_else(|| changed(&path)).and_then(send);
                sent.is_ok()
            })?;
            sent
        }))
    })
    .await
}

fn parquet_file(path: &Path, batch_rows: usize) -> Result<(ParquetRecordBatchReader, u64), EngineError> {
    let file = File::open(path).map_err(|error| file_error("read", path, &error))?;
    let failed = |error| file_error("read", path, &error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let reader = builder.with_batch_size(batch_rows).build().map_err(failed)?;
    Ok((reader, rows))
}

/// Text files are read as sources are: types inferred over the whole file, unless they are known. A row that cannot be
/// read is an error here, because whoever asks for rows needs a result for each. `visit` gets nothing when all so far is
/// void, and says whether to go on.
fn visit_text(
    path: &Path,
    known: Option<SchemaRef>,
    visit: &mut dyn FnMut(Option<RecordBatch>) -> bool,
) -> Result<SchemaRef, EngineError> {
    let failed = |error| file_error("read", path, &error);
    let mut events = FileBatches::open(&[path.to_owned()], ReadOptions::default(), known).map_err(failed)?;
    for event in events.by_ref() {
        let go_on = match event.map_err(failed)? {
            ReadEvent::Batch(batch) => visit(Some(batch)),
            ReadEvent::Restart => visit(None),
            ReadEvent::FileEnd(_) => true,
            ReadEvent::Rejects(rejects) => match rejects.first() {
                Some(first) => {
                    return Err(EngineError::File {
                        action: "read",
                        path: format!("{}:{}", path.display(), first.line),
                        reason: first.reason.clone(),
                    });
                }
                None => true,
            },
        };
        if !go_on {
            break;
        }
    }
    Ok(events.schema())
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
