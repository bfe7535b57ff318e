//! Files to batches and rejects.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::{OptionError, ReadError};
use crate::input::{SourceFile, encoding};
use crate::options::{Format, ReadOptions};
use crate::parquet::ParquetBatches;
use crate::pipeline::{Done, Pass, Step, TextSource, take_in};
use crate::plan::{Plan, Registry};
use crate::reject::Reject;

/// What comes out of files, in the order of their rows.
#[derive(Debug)]
pub enum Event {
    /// Rows, in the schema of [`FileBatches::schema`] at this moment.
    Batch(RecordBatch),
    /// Rows that could not be loaded.
    Rejects(Vec<Reject>),
    /// A file is through.
    FileEnd(FileCounts),
    /// Everything so far is void: the types turned out too narrow. The files start again from the first one, with the
    /// schema of [`FileBatches::schema`] from now on. Comes once at most.
    Restart,
}

/// What came out of one file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileCounts {
    /// The place of the file in the list given to [`FileBatches::open`].
    pub file: usize,
    /// Rows in batches.
    pub rows: u64,
    /// Rows in rejects.
    pub rejects: u64,
    /// Bytes of text, unpacked; 0 for Parquet.
    pub bytes: u64,
}

/// The rows of a source's files as Arrow batches. A blocking iterator: not for async threads; see
/// [`FileBatches::into_channel`].
///
/// Types that are not declared and not given by an existing table are inferred over all files: the narrowest of bool,
/// int64, float64, date, timestamp, string that fits every value without loss. They are guessed from the first rows of
/// each file, and almost always right; a value that does not fit makes the rest be looked at for types only, and one
/// second pass. Memory is bounded by the limits, not by the files.
///
/// After an error there is nothing more, and nothing of what came before is to be loaded.
pub struct FileBatches {
    inner: Inner,
}

enum Inner {
    Text(Box<TextBatches>),
    Parquet(Box<ParquetBatches>),
}

impl FileBatches {
    /// Opens the files, which are read in the order given. `existing` is the table's schema, without the loader's own
    /// columns, if there is a table to append to.
    pub fn open(
        files: &[PathBuf],
        options: ReadOptions,
        existing: Option<SchemaRef>,
    ) -> Result<Self, ReadError> {
        let Some(first) = files.first() else { return Err(ReadError::NoFiles(Vec::new())) };
        let format = options
            .format
            .or_else(|| Format::of_path(first))
            .ok_or_else(|| ReadError::Option(OptionError::Format(first.clone())))?;
        check_characters(&options)?;
        let files: Vec<SourceFile> = files.iter().map(|path| SourceFile::new(path)).collect();
        let inner = if format == Format::Parquet {
            Inner::Parquet(Box::new(ParquetBatches::open(files, options, existing)?))
        } else {
            Inner::Text(Box::new(TextBatches::open(files, format, options, existing)?))
        };
        Ok(Self { inner })
    }

    /// The schema of the batches: the existing table's columns, then new ones in the order of the files.
    pub fn schema(&self) -> SchemaRef {
        match &self.inner {
            Inner::Text(text) => Arc::clone(&text.plan.schema),
            Inner::Parquet(parquet) => parquet.schema(),
        }
    }

    /// Moves the reading to a thread of its own; at most `depth` events wait in the channel.
    pub fn into_channel(
        mut self,
        depth: usize,
    ) -> tokio::sync::mpsc::Receiver<Result<ChannelEvent, ReadError>> {
        let (sender, receiver) = tokio::sync::mpsc::channel(depth.max(1));
        std::thread::spawn(move || {
            while let Some(event) = self.next() {
                let event = event.map(|event| match event {
                    Event::Restart => ChannelEvent { event: Event::Restart, schema: Some(self.schema()) },
                    event => ChannelEvent { event, schema: None },
                });
                // Nobody listens any more: the load was given up.
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        receiver
    }
}

/// An event on its way to an async task.
#[derive(Debug)]
pub struct ChannelEvent {
    /// The event.
    pub event: Event,
    /// The new schema, with [`Event::Restart`] only.
    pub schema: Option<SchemaRef>,
}

impl Iterator for FileBatches {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.inner {
            Inner::Text(text) => text.next(),
            Inner::Parquet(parquet) => parquet.next(),
        }
    }
}

fn check_characters(options: &ReadOptions) -> Result<(), ReadError> {
    let delimiter = options.csv.delimiter.unwrap_or(b',');
    let quote = options.csv.quote;
    let good = |byte: u8| byte.is_ascii() && byte != b'\n' && byte != b'\r' && byte != 0;
    if good(delimiter) && quote.is_none_or(|quote| good(quote) && quote != delimiter) {
        return Ok(());
    }
    let (delimiter, quote) = (char::from(delimiter), quote.map(char::from));
    Err(ReadError::Option(OptionError::Characters { delimiter, quote }))
}

/// CSV and JSON lines.
struct TextBatches {
    source: Arc<TextSource>,
    registry: Registry,
    plan: Arc<Plan>,
    pass: Option<Pass>,
    /// Whether the types are final.
    second: bool,
    /// Whether a misfit was met and the pass goes on for types only.
    scanning: bool,
    counts: FileCounts,
    /// A batch whose rejects went first.
    batch: Option<RecordBatch>,
}

impl TextBatches {
    fn open(
        files: Vec<SourceFile>,
        format: Format,
        options: ReadOptions,
        existing: Option<SchemaRef>,
    ) -> Result<Self, ReadError> {
        // JSON is UTF-8 (RFC 8259); a byte-order mark may say otherwise.
        let label = if format == Format::Csv { options.csv.encoding.as_str() } else { "utf-8" };
        let encoding = encoding(label)?;
        let options = Arc::new(options);
        let source = Arc::new(TextSource { files, format, encoding, options: Arc::clone(&options) });
        let mut registry = Registry::new(options, existing);
        source.look_at_heads(&mut registry)?;
        let plan = Arc::new(registry.plan()?);
        let pass = Some(Pass::start(&source, &plan)?);
        let counts = FileCounts::default();
        Ok(Self { source, registry, plan, pass, second: false, scanning: false, counts, batch: None })
    }

    fn next(&mut self) -> Option<Result<Event, ReadError>> {
        if let Some(batch) = self.batch.take() {
            return Some(Ok(Event::Batch(batch)));
        }
        match self.advance() {
            Ok(event) => event.map(Ok),
            Err(error) => {
                self.pass = None;
                Some(Err(error))
            }
        }
    }

    fn advance(&mut self) -> Result<Option<Event>, ReadError> {
        loop {
            let Some(pass) = &mut self.pass else { return Ok(None) };
            match pass.next()? {
                None if self.scanning => return self.restart().map(Some),
                None => self.pass = None,
                Some(Step::FileEnd { file, bytes }) => {
                    let counts = FileCounts { file, bytes, ..std::mem::take(&mut self.counts) };
                    if !self.scanning {
                        return Ok(Some(Event::FileEnd(counts)));
                    }
                }
                Some(Step::Block(Done::Types(types))) => {
                    if self.second {
                        let what = "values that were not there before".to_owned();
                        return Err(ReadError::Changed { file: types.file, what });
                    }
                    pass.scan_only();
                    self.scanning = true;
                    take_in(&mut self.registry, &types)?;
                }
                Some(Step::Block(Done::Parsed { batch, rejects, no_float })) => {
                    for at in no_float {
                        self.registry.forbid_float(at);
                    }
                    if let Some(event) = self.parsed(batch, rejects) {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }

    fn parsed(&mut self, batch: RecordBatch, rejects: Vec<Reject>) -> Option<Event> {
        if self.scanning {
            return None;
        }
        self.counts.rows += batch.num_rows() as u64;
        self.counts.rejects += rejects.len() as u64;
        let batch = (batch.num_rows() > 0).then_some(batch);
        if rejects.is_empty() {
            return batch.map(Event::Batch);
        }
        self.batch = batch;
        Some(Event::Rejects(rejects))
    }

    fn restart(&mut self) -> Result<Event, ReadError> {
        tracing::info!(
            files = self.source.files.len(),
            "types turned out wider than the files' starts, reading again"
        );
        self.plan = Arc::new(self.registry.plan()?);
        self.pass = Some(Pass::start(&self.source, &self.plan)?);
        self.second = true;
        self.scanning = false;
        self.counts = FileCounts::default();
        Ok(Event::Restart)
    }
}
