//! What writing the tables of a branch needs.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Field, Schema, SchemaRef};
use hanok_lake::{CommitMode, CommitOptions, Draft, Table, TableWriter, WriterOptions};
use hanok_mask::Key;
use hanok_query::{QueryStream, Session};
use hanok_types::TableName;

use crate::closure::rows_of;
use crate::design::{ColumnDesign, Design};
use crate::error::{Result, StagingError};
use crate::snapshot::Snapshot;

/// Told of the rows of a table that are done.
pub type Progress<'a> = dyn Fn(&TableName, u64) + Send + Sync + 'a;

/// Making one branch.
pub(crate) struct Work<'a> {
    pub(crate) session: &'a Session,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) design: &'a Design,
    pub(crate) key: &'a Key,
    pub(crate) draft: &'a Draft,
    /// Of what is held at a time.
    pub(crate) bytes_max: usize,
    pub(crate) progress: &'a Progress<'a>,
    /// The tables that are written already.
    pub(crate) made: BTreeMap<TableName, Table>,
}

impl Work<'_> {
    /// A writer for a new table of these columns.
    pub(crate) fn begin(
        &self,
        name: &TableName,
        fields: Vec<Field>,
    ) -> Result<(Table, TableWriter, SchemaRef)> {
        let table = self.draft.table(name)?;
        let schema: SchemaRef = std::sync::Arc::new(Schema::new(fields));
        let writer = TableWriter::new(&table, &schema, WriterOptions::default())?;
        Ok((table, writer, schema))
    }

    /// Commits what was written as the table's first version.
    pub(crate) async fn finish(&mut self, mut table: Table, writer: TableWriter) -> Result<u64> {
        let staged = writer.finish().await?;
        let rows = staged.rows;
        table.commit(staged, CommitMode::Append, &CommitOptions::default()).await?;
        self.made.insert(table.name().clone(), table);
        Ok(rows)
    }

    /// All of a stream at once.
    pub(crate) async fn collect(&self, name: &TableName, mut stream: QueryStream) -> Result<RecordBatch> {
        let (schema, mut batches, mut bytes) = (stream.schema(), Vec::new(), 0);
        while let Some(batch) = stream.next().await? {
            bytes += batch.get_array_memory_size();
            if bytes > self.bytes_max {
                return Err(self.too_large(name));
            }
            batches.push(batch);
        }
        concat_batches(&schema, &batches).map_err(rows_of(name))
    }

    pub(crate) fn too_large(&self, name: &TableName) -> StagingError {
        StagingError::Memory {
            what: "the rows that are treated together",
            table: name.clone(),
            limit: self.bytes_max,
        }
    }
}

/// A column of a batch in the type that the lake gave it.
pub(crate) fn column(name: &TableName, batch: &RecordBatch, column: &ColumnDesign) -> Result<ArrayRef> {
    let missing = || StagingError::Lake(hanok_lake::LakeError::Unknown { table: name.clone() });
    let values = batch.column_by_name(&column.name).ok_or_else(missing)?;
    if values.data_type() == &column.data_type {
        return Ok(values.clone());
    }
    cast(values, &column.data_type).map_err(rows_of(name))
}
