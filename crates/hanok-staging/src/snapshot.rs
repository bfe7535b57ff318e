//! The parent as the branch begins with it: every table opened once, so that all parts of the work see one version.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, RecordBatch, new_empty_array};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use hanok_catalog::TableRecord;
use hanok_lake::{AsOf, Lake, LakeError, Table};
use hanok_query::Session;
use hanok_types::TableName;

use crate::error::{Result, StagingError};

/// Rows that are looked at to guess what a column holds.
const LOOK_ROWS: usize = 2_000;

/// A table of the parent.
pub(crate) struct Opened {
    pub(crate) record: TableRecord,
    pub(crate) table: Table,
    pub(crate) schema: SchemaRef,
    /// The columns that tell its rows apart, as the catalog knows them.
    pub(crate) key: Vec<String>,
    /// Its first rows.
    look: RecordBatch,
}

/// The tables and views of the parent.
pub(crate) struct Snapshot {
    pub(crate) tables: BTreeMap<TableName, Opened>,
    pub(crate) views: Vec<TableRecord>,
}

impl Snapshot {
    /// Opens all tables, as they were at `as_of` where it is given.
    pub(crate) async fn open(lake: &Lake, session: &Session, as_of: Option<AsOf>) -> Result<Self> {
        if matches!(as_of, Some(AsOf::Version(_))) {
            // Each table counts its own.
            return Err(LakeError::ForkVersion { branch: lake.branch().name.clone() }.into());
        }
        let (lake, records) = lake.at_once().await?;
        let mut snapshot = Self { tables: BTreeMap::new(), views: Vec::new() };
        for record in records {
            if record.directory().is_none() {
                snapshot.views.push(record);
                continue;
            }
            let opened = match as_of {
                None => lake.open_record(&record).await?,
                Some(as_of) => match lake.table_as_of(&record.name, as_of).await {
                    Ok(table) => Some(table),
                    // Younger than that.
                    Err(LakeError::Version { .. } | LakeError::Unknown { .. }) => None,
                    Err(error) => return Err(error.into()),
                },
            };
            let Some(table) = opened else { continue };
            let Some(schema) = table.schema()? else { continue };
            let key = lake.catalog().key_columns(lake.branch_id(), &record.name).await?;
            let look = first_rows(session, &table).await?;
            snapshot.tables.insert(record.name.clone(), Opened { record, table, schema, key, look });
        }
        Ok(snapshot)
    }
}

impl Opened {
    /// Whether there is such a column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.schema.field_with_name(column).is_ok()
    }

    /// Some values of a column.
    pub(crate) fn look(&self, column: &str) -> ArrayRef {
        self.look
            .column_by_name(column)
            .cloned()
            .unwrap_or_else(|| new_empty_array(&arrow::datatypes::DataType::Null))
    }
}

async fn first_rows(session: &Session, table: &Table) -> Result<RecordBatch> {
    let columns: Vec<String> = table
        .schema()?
        .iter()
        .flat_map(|schema| schema.fields().iter().map(|field| field.name().clone()))
        .collect();
    let stream = session.scan(table, &columns, &[], Some(LOOK_ROWS)).await?;
    let schema = stream.schema();
    let batches = stream.collect().await?;
    concat_batches(&schema, &batches)
        .map_err(|source| StagingError::Rows { table: table.name().clone(), source })
}
