//! Parquet files of a feature source: opening, bytes of column chunks, readers of single columns.

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use crate::error::{PitError, Result};
use crate::spec::FeatureFile;

/// Where the asynchronous storage runs while threads of the join wait for it; made when first needed.
#[derive(Default)]
pub(crate) struct Waiter {
    started: OnceLock<Started>,
}

struct Started {
    handle: Handle,
    own: Option<Runtime>,
}

impl Drop for Started {
    fn drop(&mut self) {
        // A runtime must not be waited for on an asynchronous thread, which this may be.
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}

impl Started {
    /// The surrounding runtime, or one of our own where there is none or only one thread, which waiting would block.
    fn new() -> std::io::Result<Self> {
        match Handle::try_current() {
            Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
                Ok(Self { handle, own: None })
            }
            _ => {
                let own =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
                Ok(Self { handle: own.handle().clone(), own: Some(own) })
            }
        }
    }
}

impl Waiter {
    /// Finds the runtime, unless it is found already. Must happen on the caller's thread: ours know of none.
    pub(crate) fn start(&self) -> std::io::Result<()> {
        if self.started.get().is_none() {
            let _ = self.started.set(Started::new()?);
        }
        Ok(())
    }

    /// Runs the future on the runtime and waits here.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> std::io::Result<T> {
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        let started = self.started.get().ok_or_else(|| std::io::Error::other("no runtime was started"))?;
        started.handle.spawn(async move {
            let _ = send.send(future.await);
        });
        receive.recv().map_err(|_| std::io::Error::other("the runtime was shut down"))
    }
}

/// Buffers of column chunks, used again: fresh memory for each would cost more than reading into it.
#[derive(Clone, Default)]
struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// A buffer in use; its bytes end at `len`.
struct Buffer {
    bytes: Vec<u8>,
    len: usize,
    home: Buffers,
}

/// Buffers kept for later use.
const BUFFERS_MAX: usize = 16;
/// A larger buffer is not kept.
const BUFFER_MAX_BYTES: usize = 32 << 20;

impl Buffers {
    fn take(&self, len: usize) -> Buffer {
        let kept = self.0.lock().ok().and_then(|mut kept| {
            let at = kept.iter().position(|bytes| bytes.len() >= len)?;
            Some(kept.swap_remove(at))
        });
        // Rounded up, so that the next chunk, which is about as large, fits too.
        let bytes = kept.unwrap_or_else(|| vec![0; (len + len / 4).next_multiple_of(1 << 16)]);
        Buffer { bytes, len, home: self.clone() }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Ok(mut kept) = self.home.0.lock()
            && kept.len() < BUFFERS_MAX
            && self.bytes.len() <= BUFFER_MAX_BYTES
        {
            kept.push(std::mem::take(&mut self.bytes));
        }
    }
}

enum Bytesource {
    Local(File, Buffers),
    Store(Arc<dyn ObjectStore>, Arc<Waiter>),
}

/// An open Parquet file.
pub(crate) struct OpenFile {
    source: Bytesource,
    file: FeatureFile,
    /// Path for messages.
    pub path: String,
    pub metadata: Arc<ParquetMetaData>,
    reader: ArrowReaderMetadata,
    /// The columns as Arrow sees them.
    pub schema: SchemaRef,
    /// Number, within the source, of each row group's first row; then of the row behind the last.
    first_rows: Vec<u64>,
}

impl OpenFile {
    /// Opens the file and reads its footer.
    pub(crate) fn open(file: &FeatureFile, waiter: &Arc<Waiter>) -> Result<Self> {
        let path =
            file.local.as_ref().map_or_else(|| file.path.to_string(), |path| path.display().to_string());
        guarded(&path, || Self::open_unguarded(file, waiter, path.clone()))
    }

    fn open_unguarded(file: &FeatureFile, waiter: &Arc<Waiter>, path: String) -> Result<Self> {
        let source = match &file.local {
            Some(local) => match File::open(local) {
                Ok(open) => Bytesource::Local(open, Buffers::default()),
                Err(source) => return Err(PitError::Io { path, source }),
            },
            None => Bytesource::Store(Arc::clone(&file.store), Arc::clone(waiter)),
        };
        let footer = Footer { source: &source, file, path: &path };
        let parquet = |source| PitError::Parquet { path: path.clone(), source };
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&footer).map_err(parquet)?;
        let metadata = Arc::new(metadata);
        let reader = ArrowReaderMetadata::try_new(Arc::clone(&metadata), ArrowReaderOptions::new())
            .map_err(parquet)?;
        let schema = Arc::clone(reader.schema());
        if metadata.row_groups().iter().any(|group| group.num_rows() < 0) {
            return Err(parquet(ParquetError::General(
                "a row group has a negative number of rows".to_owned(),
            )));
        }
        Ok(Self { source, file: file.clone(), path, metadata, reader, schema, first_rows: Vec::new() })
    }

    /// Numbers the file's rows from `first`.
    pub(crate) fn number_rows(&mut self, first: u64) {
        let mut next = first;
        self.first_rows = vec![first];
        for group in self.metadata.row_groups() {
            next += group.num_rows() as u64;
            self.first_rows.push(next);
        }
    }

    /// Number of the row group's first row.
    pub(crate) fn first_row_of(&self, row_group: usize) -> u64 {
        self.first_rows[row_group]
    }

    /// Rows in the file.
    pub(crate) fn rows(&self) -> u64 {
        self.metadata.row_groups().iter().map(|group| group.num_rows() as u64).sum()
    }

    /// The position of a column, which must be there.
    pub(crate) fn column(&self, name: &str) -> Result<usize> {
        self.schema.index_of(name).map_err(|_| PitError::MissingColumn {
            column: name.to_owned(),
            place: self.path.clone(),
            known: self.schema.fields().iter().map(|field| field.name().clone()).collect(),
        })
    }

    /// The Parquet leaf of a column that is not nested.
    pub(crate) fn leaf(&self, column: usize) -> Option<usize> {
        let schema = self.metadata.file_metadata().schema_descr();
        let mut leaves = (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == column);
        let leaf = leaves.next()?;
        leaves.next().is_none().then_some(leaf)
    }

    /// Makes readers yield text and bytes columns in a form that is quick to look up: entries of the dictionary
    /// where all pages have one, views otherwise. Other columns stay as they are.
    pub(crate) fn key_schema(&self, columns: &[usize]) -> Result<ArrowReaderMetadata> {
        let mut changed = false;
        let fields: Vec<Arc<Field>> = self
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(at, field)| {
                let (view, plain) = match field.data_type() {
                    DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                        (DataType::Utf8View, DataType::Utf8)
                    }
                    DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                        (DataType::BinaryView, DataType::Binary)
                    }
                    _ => return Arc::clone(field),
                };
                if !columns.contains(&at) {
                    return Arc::clone(field);
                }
                changed = true;
                let to = if self.all_in_dictionaries(at) {
                    DataType::Dictionary(Box::new(DataType::Int32), Box::new(plain))
                } else {
                    view
                };
                Arc::new(field.as_ref().clone().with_data_type(to))
            })
            .collect();
        if !changed {
            return Ok(self.reader.clone());
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), options)
            .map_err(|source| self.broken(source))
    }

    fn all_in_dictionaries(&self, column: usize) -> bool {
        let Some(leaf) = self.leaf(column) else { return false };
        self.metadata.row_groups().iter().all(|group| {
            let chunk = group.column(leaf);
            chunk.dictionary_page_offset().is_some()
                && chunk.page_encoding_stats_mask().is_some_and(|mask| {
                    use parquet::basic::Encoding::{PLAIN_DICTIONARY, RLE_DICTIONARY};
                    mask.is_only(RLE_DICTIONARY) || mask.is_only(PLAIN_DICTIONARY)
                })
        })
    }

    /// A reader of some columns of one row group; their bytes are fetched first, and each column's are freed when the
    /// reader is.
    pub(crate) fn read(
        &self,
        reader: &ArrowReaderMetadata,
        row_group: usize,
        columns: &[usize],
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let schema = self.metadata.file_metadata().schema_descr();
        let group = self.metadata.row_group(row_group);
        let mut chunks = Vec::new();
        for leaf in
            (0..schema.num_columns()).filter(|leaf| columns.contains(&schema.get_column_root_idx(*leaf)))
        {
            let (start, len) = self.byte_range(group.column(leaf))?;
            chunks.push((start, self.fetch(start..start + len)?));
        }
        let chunks = Chunks { chunks, len: self.file.size };
        ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, reader.clone())
            .with_row_groups(vec![row_group])
            .with_projection(ProjectionMask::roots(schema, columns.iter().copied()))
            .with_batch_size(batch_rows)
            .build()
            .map_err(|source| self.broken(source))
    }

    /// The bytes of one column chunk of a row group.
    pub(crate) fn chunk_reader(&self, row_group: usize, leaf: usize) -> Result<Chunks> {
        let (start, len) = self.byte_range(self.metadata.row_group(row_group).column(leaf))?;
        Ok(Chunks { chunks: vec![(start, self.fetch(start..start + len)?)], len: self.file.size })
    }

    /// Where a column chunk is; a damaged footer may say anything.
    fn byte_range(&self, chunk: &ColumnChunkMetaData) -> Result<(u64, u64)> {
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        match (u64::try_from(start), u64::try_from(chunk.compressed_size())) {
            (Ok(start), Ok(len)) if start.checked_add(len).is_some() => Ok((start, len)),
            _ => {
                Err(self
                    .broken(ParquetError::General("a column chunk has an impossible position".to_owned())))
            }
        }
    }

    /// The reader's view of the columns as they are in the file.
    pub(crate) fn plain_schema(&self) -> &ArrowReaderMetadata {
        &self.reader
    }

    /// Bytes of the file.
    pub(crate) fn fetch(&self, range: Range<u64>) -> Result<Bytes> {
        fetch(&self.source, &self.file, &self.path, range)
    }

    /// Runs what decodes the file. The Parquet reader panics on some damaged files; here that is an error like others.
    pub(crate) fn guarded<T>(&self, decode: impl FnOnce() -> Result<T>) -> Result<T> {
        guarded(&self.path, decode)
    }

    /// An error of this file.
    pub(crate) fn broken(&self, source: ParquetError) -> PitError {
        PitError::Parquet { path: self.path.clone(), source }
    }
}

fn guarded<T>(path: &str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    // Nothing that `decode` changes is used after a panic: the join ends with the error.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let what = format!("it is damaged ({})", text.unwrap_or_default());
        Err(PitError::Parquet { path: path.to_owned(), source: ParquetError::General(what) })
    })
}

fn fetch(source: &Bytesource, file: &FeatureFile, path: &str, range: Range<u64>) -> Result<Bytes> {
    let path = || path.to_owned();
    if range.start > range.end || range.end > file.size {
        let what = format!("bytes {}..{} of {} were asked for", range.start, range.end, file.size);
        return Err(PitError::Parquet { path: path(), source: ParquetError::General(what) });
    }
    match source {
        Bytesource::Local(open, buffers) => {
            let mut buffer = buffers.take((range.end - range.start) as usize);
            let len = buffer.len;
            let read = read_at(open, &mut buffer.bytes[..len], range.start);
            read.map_err(|source| PitError::Io { path: path(), source })?;
            Ok(Bytes::from_owner(buffer))
        }
        Bytesource::Store(store, waiter) => {
            let (store, at) = (Arc::clone(store), file.path.clone());
            let read = waiter.wait(async move { store.get_range(&at, range).await });
            read.map_err(|source| PitError::Io { path: path(), source })?
                .map_err(|source| PitError::Storage { path: path(), source: Box::new(source) })
        }
    }
}

/// Reads at a position without moving the file's shared one: threads read the same file side by side.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, start)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        start += read as u64;
    }
    Ok(())
}

/// Lets the footer's reader read the file.
struct Footer<'a> {
    source: &'a Bytesource,
    file: &'a FeatureFile,
    path: &'a str,
}

impl Length for Footer<'_> {
    fn len(&self) -> u64 {
        self.file.size
    }
}

impl ChunkReader for Footer<'_> {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let rest = usize::try_from(self.file.size.saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(self.get_bytes(start, rest)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let range = start..start.saturating_add(length as u64);
        fetch(self.source, self.file, self.path, range)
            .map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// The fetched column chunks of a row group, at their positions in the file.
pub(crate) struct Chunks {
    chunks: Vec<(u64, Bytes)>,
    len: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.len
    }
}

impl Chunks {
    fn from(&self, start: u64) -> parquet::errors::Result<Bytes> {
        let within = |(at, bytes): &&(u64, Bytes)| start >= *at && start < at + bytes.len() as u64;
        let chunk = self.chunks.iter().find(within);
        let (at, bytes) =
            chunk.ok_or_else(|| ParquetError::General(format!("no column chunk at byte {start}")))?;
        Ok(bytes.slice((start - at) as usize..))
    }
}

impl ChunkReader for Chunks {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF(format!("a page at byte {start} ends behind its column chunk")));
        }
        Ok(bytes.slice(..length))
    }
}
