//! Entity rows from a file.

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use hanok_load::{Event as ReadEvent, FileBatches, ReadOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::EngineError;
use crate::engine::file_error;
use crate::output::Format;

/// Reads a whole Parquet, CSV or JSON lines file.
pub(crate) async fn read(path: &Path) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
    let path = path.to_owned();
    let shown = path.clone();
    let task = tokio::task::spawn_blocking(move || match Format::of_path(&path) {
        Some(Format::Parquet) => read_parquet(&path),
        _ => read_text(&path),
    });
    task.await.map_err(|error| file_error("read", &shown, &error))?
}

fn read_parquet(path: &Path) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
    let file = File::open(path).map_err(|error| file_error("read", path, &error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(65_536).build())
        .map_err(|error| file_error("read", path, &error))?;
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| file_error("read", path, &error))?;
    Ok((schema, batches))
}

/// Text files are read as sources are: types inferred over the whole file. A row that cannot be read is an error here,
/// because a training set must have a row for each.
fn read_text(path: &Path) -> Result<(SchemaRef, Vec<RecordBatch>), EngineError> {
    let mut batches = Vec::new();
    let mut events = FileBatches::open(&[path.to_owned()], ReadOptions::default(), None)
        .map_err(|error| file_error("read", path, &error))?;
    for event in events.by_ref() {
        match event.map_err(|error| file_error("read", path, &error))? {
            ReadEvent::Batch(batch) => batches.push(batch),
            ReadEvent::Restart => batches.clear(),
            ReadEvent::FileEnd(_) => {}
            ReadEvent::Rejects(rejects) => {
                if let Some(first) = rejects.first() {
                    return Err(EngineError::File {
                        action: "read",
                        path: format!("{}:{}", path.display(), first.line),
                        reason: first.reason.clone(),
                    });
                }
            }
        }
    }
    Ok((events.schema(), batches))
}
