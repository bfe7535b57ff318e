//! Joins feature Parquet files to entity rows from a Parquet file and writes the result as Parquet: the contestant
//! "ours" of `bench/run pit` until the command line has it.
//!
//! `pit_join OUT ENTITY KEY TIMESTAMP THREADS {FEATURES KEY TIMESTAMP CREATED TTL_US PREFIX COLUMN,COLUMN…}…`

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use hanok_pit::{EntityFrame, FeatureFile, FeatureSource, JoinOptions, ValueColumn, View, join};
use object_store::local::LocalFileSystem;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn feature_file(path: &Path) -> Result<FeatureFile, Box<dyn Error>> {
    let path = path.canonicalize()?;
    Ok(FeatureFile {
        store: Arc::new(LocalFileSystem::new()),
        path: object_store::path::Path::from_absolute_path(&path)?,
        size: path.metadata()?.len(),
        local: Some(path),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, entity, key, timestamp, threads, views @ ..] = arguments.as_slice() else {
        return Err(
            "usage: pit_join OUT ENTITY KEY TIMESTAMP THREADS {FEATURES KEY TS CREATED TTL PREFIX COLUMNS}…"
                .into(),
        );
    };
    let views = views
        .chunks_exact(7)
        .map(|view| {
            let [path, feature_key, event, created, ttl, prefix, columns] = view else {
                return Err("seven each".into());
            };
            let value = |name: &str| ValueColumn {
                source: name.to_owned(),
                output: format!("{prefix}{name}"),
                target: None,
            };
            Ok(View {
                name: path.clone(),
                source: FeatureSource::Files(vec![feature_file(&PathBuf::from(path))?]),
                keys: vec![(key.clone(), feature_key.clone())],
                timestamp: event.clone(),
                created: Some(created.clone()).filter(|name| !name.is_empty()),
                ttl_us: Some(ttl.parse()?),
                values: columns.split(',').map(value).collect(),
                as_known_at: false,
            })
        })
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;

    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(entity)?)?;
    let schema = reader.schema().clone();
    let batches = reader.with_batch_size(65_536).build()?.collect::<Result<Vec<RecordBatch>, _>>()?;
    let entity = EntityFrame { schema, batches, timestamp: timestamp.clone() };
    let joined = join(entity, views, &JoinOptions { threads: threads.parse()?, ..JoinOptions::default() })?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(out)?, joined.schema(), Some(properties))?;
    for batch in joined {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(())
}
