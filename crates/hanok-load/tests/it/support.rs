//! What the tests share.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hanok_load::{Event, FileBatches, ReadError, ReadOptions, Reject};

/// Everything that came out of files.
#[derive(Debug)]
pub(crate) struct Out {
    pub(crate) batch: RecordBatch,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) restarts: usize,
}

impl Out {
    /// `name:type` of every column.
    pub(crate) fn types(&self) -> Vec<String> {
        self.batch
            .schema()
            .fields()
            .iter()
            .map(|f| format!("{}:{}", f.name(), short_type(f.data_type())))
            .collect()
    }

    /// The rows as text, nulls as `∅`.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        rows(&self.batch)
    }

    /// Line and reason of every reject.
    pub(crate) fn reasons(&self) -> Vec<(u64, &str)> {
        self.rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect()
    }
}

fn short_type(kind: &arrow::datatypes::DataType) -> String {
    use arrow::datatypes::DataType;
    match kind {
        DataType::Utf8 => "string".into(),
        DataType::Boolean => "bool".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(..) => "timestamp".into(),
        other => other.to_string().to_lowercase(),
    }
}

pub(crate) fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("∅");
    let columns: Vec<_> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()).collect()
}

pub(crate) fn read(
    files: &[PathBuf],
    options: &ReadOptions,
    existing: Option<SchemaRef>,
) -> Result<Out, ReadError> {
    let mut reader = FileBatches::open(files, options.clone(), existing)?;
    let (mut batches, mut rejects, mut restarts, mut ends) = (Vec::new(), Vec::new(), 0, 0);
    while let Some(event) = reader.next() {
        match event? {
            Event::Batch(batch) => {
                assert_eq!(batch.schema(), reader.schema());
                batches.push(batch);
            }
            Event::Rejects(found) => rejects.extend(found),
            Event::FileEnd(counts) => {
                assert_eq!(counts.file, ends);
                ends += 1;
            }
            Event::Restart => {
                batches.clear();
                rejects.clear();
                restarts += 1;
                ends = 0;
            }
        }
    }
    assert_eq!(ends, files.len());
    let batch = concat_batches(&reader.schema(), &batches).unwrap();
    Ok(Out { batch, rejects, restarts })
}

pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        packer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        packer.write_all(content).unwrap();
    }
    packer.finish().unwrap().into_inner()
}
