//! Where the rows of a result go: a file that appears when it is whole, or a table of the lake.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use hanok_lake::{CommitMode, CommitOptions, Lake, Table, TableWriter, WriterOptions};
use hanok_types::{TableName, column_name};
use tokio::runtime::Handle;

use crate::EngineError;
use crate::output::{Format, NewFile, ResultWriter};

/// A file or a table.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Parquet, CSV or JSON lines, by its extension.
    File(PathBuf),
    /// Its rows are replaced.
    Table(TableName),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Table(name) => write!(f, "{name}"),
        }
    }
}

/// Takes rows, on a thread that may block. Dropped before its commit it leaves nothing that anybody sees.
pub(crate) enum Sink {
    File { file: NewFile, writer: Box<ResultWriter<BufWriter<File>>> },
    Table { table: Box<Table>, writer: Box<TableWriter>, schema: SchemaRef, options: Box<CommitOptions> },
}

impl Sink {
    pub(crate) fn open(target: &Target, lake: &Lake, schema: &SchemaRef) -> Result<Self, EngineError> {
        match target {
            Target::File(path) => {
                let (file, sink) = NewFile::create(path)?;
                let format = Format::of_path(path).unwrap_or(Format::Parquet);
                let writer = ResultWriter::new(format, schema, sink, &path.display().to_string())?;
                Ok(Self::File { file, writer: Box::new(writer) })
            }
            Target::Table(name) => {
                let table = Handle::current().block_on(lake.table_for_write(name))?;
                let schema = lake_names(schema);
                let writer = TableWriter::new(&table, &schema, WriterOptions::default())?;
                let (table, options) = (Box::new(table), Box::default());
                Ok(Self::Table { table, writer: Box::new(writer), schema, options })
            }
        }
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        match self {
            Self::File { writer, .. } => writer.write(batch),
            Self::Table { writer, schema, .. } => {
                let batch = RecordBatch::try_new(schema.clone(), batch.columns().to_vec())
                    .map_err(|error| EngineError::Blocks(error.to_string()))?;
                Ok(Handle::current().block_on(writer.write(batch))?)
            }
        }
    }

    /// The names that columns have there, in order; none if they are called as they were.
    pub(crate) fn other_names(&self) -> Option<Vec<String>> {
        match self {
            Self::File { .. } => None,
            Self::Table { schema, .. } => {
                Some(schema.fields().iter().map(|field| field.name().clone()).collect())
            }
        }
    }

    /// Adds an entry to a Parquet file's metadata or to a table's properties; other files have no place for it.
    pub(crate) fn annotate(&mut self, key: &str, value: String) -> Result<(), EngineError> {
        match self {
            Self::File { writer, .. } => writer.annotate(key, value),
            Self::Table { options, .. } => {
                options.properties.insert(key.to_owned(), value);
                Ok(())
            }
        }
    }

    /// Makes the rows seen.
    pub(crate) fn commit(self) -> Result<(), EngineError> {
        match self {
            Self::File { file, writer } => file.commit(writer.finish()?.1),
            Self::Table { mut table, writer, options, .. } => Handle::current().block_on(async {
                let staged = writer.finish().await?;
                table.commit(staged, CommitMode::Replace, &options).await?;
                Ok(())
            }),
        }
    }
}

/// The columns under names that tables of the lake have: letters, digits and underscores, told apart without case.
fn lake_names(schema: &Schema) -> SchemaRef {
    let mut taken = HashSet::new();
    let fields = schema.fields().iter().map(|field| {
        let mut name = column_name(field.name());
        while name.is_empty() || !taken.insert(name.to_lowercase()) {
            name.push('_');
        }
        field.as_ref().clone().with_name(name)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    #[test]
    fn names_become_those_of_tables_and_stay_apart() {
        let names = ["a b", "a*b", "A_B", "값", "%"];
        let schema = Schema::new(names.map(|name| Field::new(name, DataType::Int64, true)).to_vec());
        let found = lake_names(&schema);
        let found: Vec<_> = found.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(found, ["a_b", "a_b_", "A_B__", "값", "_"]);
    }
}
