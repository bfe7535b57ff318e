//! Writing results: CSV, JSON lines, Parquet and tables for people.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::LineDelimitedWriter;
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;

use crate::EngineError;

/// Rows of a table for people; more are counted, not shown.
const TABLE_ROWS_MAX: usize = 1000;
/// Rows of a Parquet row group, which is what is held in memory.
const ROW_GROUP_ROWS_MAX: usize = 128 * 1024;
/// A row group ends at this size too: many columns would make a group of that many rows fill the memory.
const ROW_GROUP_BYTES_MAX: usize = 16 << 20;

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Json,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format that a file's extension stands for.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "parquet" | "pq" => Some(Self::Parquet),
            "txt" => Some(Self::Table),
            _ => None,
        }
    }
}

enum Encoder<W: Write + Send> {
    Table {
        sink: W,
        schema: SchemaRef,
        shown: Vec<RecordBatch>,
        shown_rows: usize,
    },
    Csv(Box<arrow::csv::Writer<W>>),
    Json(LineDelimitedWriter<W>),
    /// The first batch decides how columns are encoded.
    ParquetWaiting(Option<W>),
    Parquet(Box<ArrowWriter<W>>),
}

/// Writes batches in a format.
pub(crate) struct ResultWriter<W: Write + Send> {
    encoder: Encoder<W>,
    schema: SchemaRef,
    shown_as: String,
    rows: u64,
}

impl<W: Write + Send> ResultWriter<W> {
    /// `shown_as` names the sink in errors.
    pub(crate) fn new(
        format: Format,
        schema: &SchemaRef,
        sink: W,
        shown_as: &str,
    ) -> Result<Self, EngineError> {
        // Readers of Parquet outside of Arrow do not know string views.
        let schema = plain(schema);
        let encoder = match format {
            Format::Table => {
                Encoder::Table { sink, schema: schema.clone(), shown: Vec::new(), shown_rows: 0 }
            }
            Format::Csv => Encoder::Csv(Box::new(CsvBuilder::new().with_header(true).build(sink))),
            Format::Json => Encoder::Json(LineDelimitedWriter::new(sink)),
            Format::Parquet => Encoder::ParquetWaiting(Some(sink)),
        };
        let mut writer = Self { encoder, schema, shown_as: shown_as.to_owned(), rows: 0 };
        if format == Format::Csv {
            // A result without rows still has its header.
            writer.write(&RecordBatch::new_empty(writer.schema.clone()))?;
        }
        Ok(writer)
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        let batch =
            hanok_lake::normalize(batch, &self.schema).map_err(|error| refused(&self.shown_as, &error))?;
        self.rows += batch.num_rows() as u64;
        self.begin_parquet(&batch)?;
        let shown_as = &self.shown_as;
        match &mut self.encoder {
            // `begin_parquet` has replaced it.
            Encoder::ParquetWaiting(_) => Ok(()),
            Encoder::Table { shown, shown_rows, .. } => {
                let rows = batch.num_rows().min(TABLE_ROWS_MAX.saturating_sub(*shown_rows));
                *shown_rows += rows;
                if rows > 0 {
                    shown.push(batch.slice(0, rows));
                }
                Ok(())
            }
            Encoder::Csv(writer) => writer.write(&batch).map_err(|error| refused(shown_as, &error)),
            Encoder::Json(writer) => writer.write(&batch).map_err(|error| refused(shown_as, &error)),
            Encoder::Parquet(writer) => {
                let written = writer.write(&batch).and_then(|()| match writer.memory_size() {
                    ..ROW_GROUP_BYTES_MAX => Ok(()),
                    _ => writer.flush(),
                });
                written.map_err(|error| refused(shown_as, &error))
            }
        }
    }

    /// Adds an entry to the metadata of a Parquet file; other formats have no place for it.
    pub(crate) fn annotate(&mut self, key: &str, value: String) -> Result<(), EngineError> {
        self.begin_parquet(&RecordBatch::new_empty(self.schema.clone()))?;
        if let Encoder::Parquet(writer) = &mut self.encoder {
            writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        Ok(())
    }

    fn begin_parquet(&mut self, first: &RecordBatch) -> Result<(), EngineError> {
        let Encoder::ParquetWaiting(sink) = &mut self.encoder else { return Ok(()) };
        let Some(sink) = sink.take() else { return Ok(()) };
        let properties = hanok_lake::writer_properties(first, ROW_GROUP_ROWS_MAX);
        let writer = ArrowWriter::try_new(sink, self.schema.clone(), Some(properties))
            .map_err(|error| refused(&self.shown_as, &error))?;
        self.encoder = Encoder::Parquet(Box::new(writer));
        Ok(())
    }

    /// Ends the result. Returns its rows and the sink.
    pub(crate) fn finish(mut self) -> Result<(u64, W), EngineError> {
        self.begin_parquet(&RecordBatch::new_empty(self.schema.clone()))?;
        let (rows, shown_as) = (self.rows, self.shown_as);
        let sink = match self.encoder {
            Encoder::Table { mut sink, schema, mut shown, shown_rows } => {
                if shown.is_empty() {
                    shown.push(RecordBatch::new_empty(schema));
                }
                let table = pretty_format_batches(&shown).map_err(|error| refused(&shown_as, &error))?;
                writeln!(sink, "{table}").map_err(|error| refused(&shown_as, &error))?;
                if rows > shown_rows as u64 {
                    let more = rows - shown_rows as u64;
                    writeln!(sink, "… {more} more rows").map_err(|error| refused(&shown_as, &error))?;
                }
                sink
            }
            Encoder::Csv(writer) => writer.into_inner(),
            Encoder::Json(mut writer) => {
                writer.finish().map_err(|error| refused(&shown_as, &error))?;
                writer.into_inner()
            }
            Encoder::ParquetWaiting(_) => {
                return Err(refused(&shown_as, &std::io::Error::other("it was not begun")));
            }
            Encoder::Parquet(writer) => writer.into_inner().map_err(|error| refused(&shown_as, &error))?,
        };
        Ok((rows, sink))
    }
}

/// View types and dictionaries as the plain types behind them; other types as they are.
fn plain(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            other => other.clone(),
        };
        Field::new(field.name(), data_type, true)
    });
    std::sync::Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn refused(path: &str, error: &dyn std::error::Error) -> EngineError {
    EngineError::File { action: "write", path: path.to_owned(), reason: error.to_string() }
}

/// A file that takes its name only when it is whole, so that a failure leaves nothing half-written.
pub(crate) struct NewFile {
    path: PathBuf,
    partial: PathBuf,
}

impl NewFile {
    pub(crate) fn create(path: &Path) -> Result<(Self, BufWriter<File>), EngineError> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(name);
        let file = File::create(&partial).map_err(|error| refused(&path.display().to_string(), &error))?;
        Ok((Self { path: path.to_owned(), partial }, BufWriter::with_capacity(1 << 20, file)))
    }

    pub(crate) fn commit(self, sink: BufWriter<File>) -> Result<(), EngineError> {
        let shown = self.path.display().to_string();
        let file = sink.into_inner().map_err(|error| refused(&shown, error.error()))?;
        file.sync_all().map_err(|error| refused(&shown, &error))?;
        std::fs::rename(&self.partial, &self.path).map_err(|error| refused(&shown, &error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Gone after a commit; left over only by a failure, about which somebody is told already.
        let _ = std::fs::remove_file(&self.partial);
    }
}
