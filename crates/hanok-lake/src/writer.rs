//! Data files: Parquet, written as a stream, unseen until they are committed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use deltalake::kernel::Add;
use hanok_types::Id;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parking_lot::Mutex;
use parquet::arrow::ArrowWriter;
use tokio::io::AsyncWriteExt as _;

use crate::encoding::{SAMPLE_MAX, writer_properties};
use crate::schema::{lake_schema, normalize};
use crate::stats::file_stats;
use crate::{LakeError, Table};

/// How data files are cut.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// Rows of a row group: the unit of skipping and of parallel reads, and what is kept in memory while writing.
    pub row_group_rows_max: usize,
    /// A row group ends at this size too: long values would make a group of that many rows fill the memory.
    pub row_group_bytes_max: usize,
    /// A file is closed and the next one begun when it is this large.
    pub file_bytes_max: usize,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            row_group_rows_max: 128 * 1024,
            row_group_bytes_max: 16 * 1024 * 1024,
            file_bytes_max: 128 * 1024 * 1024,
        }
    }
}

/// Data files that are written and wait for their commit. Dropping them leaves files that a vacuum removes.
#[derive(Debug)]
pub struct StagedFiles {
    pub(crate) adds: Vec<Add>,
    pub(crate) schema: SchemaRef,
    /// Rows in all files.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

impl StagedFiles {
    /// No files: a commit of it records transactions or empties a table.
    pub fn none(schema: SchemaRef) -> Self {
        Self { adds: Vec::new(), schema, rows: 0, bytes: 0 }
    }

    /// The columns of the files, in lake types.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

/// The encoder's output between two row groups.
#[derive(Clone, Default)]
struct Encoded(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Encoded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct OpenFile {
    name: String,
    encoder: ArrowWriter<Encoded>,
    encoded: Encoded,
    upload: BufWriter,
    bytes: u64,
}

/// Writes batches into new data files of a table.
pub struct TableWriter {
    table: String,
    store: Arc<dyn ObjectStore>,
    local: Option<std::path::PathBuf>,
    schema: SchemaRef,
    options: WriterOptions,
    open: Option<OpenFile>,
    staged: StagedFiles,
}

impl TableWriter {
    /// A writer for batches of `schema`, whose columns are stored in lake types.
    ///
    /// # Errors
    /// [`LakeError::Type`] when the lake has no type for a column.
    pub fn new(table: &Table, schema: &SchemaRef, options: WriterOptions) -> Result<Self, LakeError> {
        let schema = lake_schema(schema)?;
        Ok(Self {
            table: table.name().to_string(),
            store: table.store(),
            local: table.local_folder().map(ToOwned::to_owned),
            open: None,
            staged: StagedFiles::none(schema.clone()),
            schema,
            options,
        })
    }

    /// The columns as they are stored.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Appends a batch. Encoding happens on a blocking thread; at most one row group is held in memory.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.begin(&batch)?,
        };
        let (schema, table) = (self.schema.clone(), self.table.clone());
        let (rows, bytes_max) = (batch.num_rows() as u64, self.options.row_group_bytes_max);
        let encoded = tokio::task::spawn_blocking(move || {
            let batch = normalize(&batch, &schema)
                .map_err(|source| LakeError::Convert { table: table.clone(), source })?;
            let written = file.encoder.write(&batch).and_then(|()| {
                let bytes = file.encoder.memory_size();
                if bytes < bytes_max {
                    return Ok(());
                }
                // Growing step by step would take the memory twice more.
                file.encoded.0.lock().reserve_exact(bytes);
                file.encoder.flush()
            });
            written.map_err(|source| LakeError::Encode { table, source })?;
            Ok::<_, LakeError>(file)
        });
        let mut file = encoded.await.map_err(|error| self.stopped(&error))??;
        self.staged.rows += rows;
        upload(&mut file).await.map_err(|source| self.refused(source))?;
        if file.bytes as usize + file.encoder.in_progress_size() >= self.options.file_bytes_max {
            self.end(file).await?;
        } else {
            self.open = Some(file);
        }
        Ok(())
    }

    /// Closes the last file and returns what waits for a commit.
    pub async fn finish(mut self) -> Result<StagedFiles, LakeError> {
        if let Some(file) = self.open.take() {
            self.end(file).await?;
        }
        Ok(self.staged)
    }

    fn begin(&self, first: &RecordBatch) -> Result<OpenFile, LakeError> {
        let sample = normalize(&first.slice(0, first.num_rows().min(SAMPLE_MAX)), &self.schema)
            .map_err(|source| LakeError::Convert { table: self.table.clone(), source })?;
        let properties = writer_properties(&sample, self.options.row_group_rows_max);
        let name = format!("part-{}.snappy.parquet", Id::generate());
        let encoded = Encoded::default();
        let encoder = ArrowWriter::try_new(encoded.clone(), self.schema.clone(), Some(properties))
            .map_err(|source| LakeError::Encode { table: self.table.clone(), source })?;
        let upload = BufWriter::new(self.store.clone(), Path::from(name.as_str()));
        Ok(OpenFile { name, encoder, encoded, upload, bytes: 0 })
    }

    async fn end(&mut self, mut file: OpenFile) -> Result<(), LakeError> {
        let table = self.table.clone();
        let closed = tokio::task::spawn_blocking(move || {
            let metadata = file.encoder.finish().map_err(|source| LakeError::Encode { table, source })?;
            Ok::<_, LakeError>((file, metadata))
        });
        let (mut file, metadata) = closed.await.map_err(|error| self.stopped(&error))??;
        upload(&mut file).await.map_err(|source| self.refused(source))?;
        file.upload.shutdown().await.map_err(|error| {
            self.refused(object_store::Error::Generic { store: "lake", source: Box::new(error) })
        })?;
        if let Some(folder) = &self.local {
            sync_file(folder.join(&file.name)).await?;
        }
        self.staged.bytes += file.bytes;
        self.staged.adds.push(Add {
            path: file.name,
            size: file.bytes as i64,
            modification_time: chrono::Utc::now().timestamp_millis(),
            data_change: true,
            stats: Some(file_stats(&metadata, &self.schema)),
            ..Add::default()
        });
        Ok(())
    }

    fn refused(&self, source: object_store::Error) -> LakeError {
        LakeError::Storage { action: "write a data file of", table: self.table.clone(), source }
    }

    fn stopped(&self, error: &tokio::task::JoinError) -> LakeError {
        LakeError::Worker { table: self.table.clone(), reason: error.to_string() }
    }
}

/// Hands finished row groups to the storage.
async fn upload(file: &mut OpenFile) -> Result<(), object_store::Error> {
    let bytes = Bytes::from(std::mem::take(&mut *file.encoded.0.lock()));
    if bytes.is_empty() {
        return Ok(());
    }
    file.bytes += bytes.len() as u64;
    file.upload.put(bytes).await
}

/// Makes a local file survive a power cut. Object stores promise that by themselves.
pub(crate) async fn sync_file(path: std::path::PathBuf) -> Result<(), LakeError> {
    let shown = path.display().to_string();
    let synced = tokio::task::spawn_blocking(move || {
        std::fs::File::open(&path)?.sync_all()?;
        path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
    });
    let failed = |source| LakeError::File { action: "write", path: shown.clone(), source };
    match synced.await {
        Ok(result) => result.map_err(failed),
        Err(error) => Err(failed(std::io::Error::other(error))),
    }
}
