//! System tables: the schema `hanok`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use hanok_catalog::TableKind;
use hanok_lake::Lake;

/// The schema of the system tables.
pub(crate) const SCHEMA: &str = "hanok";
/// Its tables.
pub(crate) const TABLES: [&str; 4] = ["branches", "history", "loads", "runs"];
/// Newest rows that are shown of runs, and of each table's history.
const ROWS_MAX: u32 = 10_000;

pub(crate) async fn table(lake: &Lake, name: &str) -> Result<Arc<dyn TableProvider>> {
    let columns = match name {
        "branches" => branches(lake).await?,
        "history" => history(lake).await?,
        "loads" => loads(lake).await?,
        _ => runs(lake).await?,
    };
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )?;
    Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
}

type Columns = Vec<(&'static str, ArrayRef)>;

fn external(error: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn strings(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn instants(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

async fn branches(lake: &Lake) -> Result<Columns> {
    let rows = lake.catalog().branches().await.map_err(external)?;
    let flags = |of: fn(&hanok_catalog::Branch) -> bool| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(of(row))).collect::<BooleanArray>())
    };
    Ok(vec![
        ("name", strings(rows.iter().map(|row| Some(row.name.clone())))),
        ("kind", strings(rows.iter().map(|row| Some(row.kind.name().to_owned())))),
        ("parent", strings(rows.iter().map(|row| row.parent_name.clone()))),
        ("forked_at", instants(rows.iter().map(|row| Some(row.fork_us)))),
        ("created_at", instants(rows.iter().map(|row| Some(row.created_us)))),
        ("expires_at", instants(rows.iter().map(|row| row.expires_us))),
        ("protected", flags(|row| row.protected)),
        ("created_by", strings(rows.iter().map(|row| Some(row.created_by.clone())))),
        ("directory", strings(rows.iter().map(|row| Some(row.id.clone())))),
    ])
}

async fn history(lake: &Lake) -> Result<Columns> {
    let mut rows = Vec::new();
    for record in lake.records().await.map_err(external)? {
        if !matches!(record.kind, TableKind::Table { .. }) {
            continue;
        }
        let Some(table) = lake.find(&record.name).await.map_err(external)? else { continue };
        for entry in table.history(ROWS_MAX as usize).await.map_err(external)? {
            rows.push((record.name.clone(), entry));
        }
    }
    Ok(vec![
        ("table_schema", strings(rows.iter().map(|(name, _)| Some(name.schema.to_string())))),
        ("table_name", strings(rows.iter().map(|(name, _)| Some(name.table.to_string())))),
        ("version", Arc::new(rows.iter().map(|(_, e)| e.version as i64).collect::<Int64Array>())),
        (
            "committed_at",
            instants(rows.iter().map(|(_, e)| e.timestamp_ms.map(|ms| ms.saturating_mul(1000)))),
        ),
        ("operation", strings(rows.iter().map(|(_, e)| e.operation.clone()))),
    ])
}

async fn loads(lake: &Lake) -> Result<Columns> {
    let mut rows = Vec::new();
    for record in lake.records().await.map_err(external)? {
        let table = record.name.to_string();
        rows.extend(lake.catalog().ledger(lake.branch_id(), &table).await.map_err(external)?);
    }
    let count = |of: fn(&hanok_catalog::LedgerEntry) -> u64| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(row) as i64).collect::<Int64Array>())
    };
    Ok(vec![
        ("table_name", strings(rows.iter().map(|row| Some(row.table.clone())))),
        ("file", strings(rows.iter().map(|row| Some(row.file.clone())))),
        ("content_hash", strings(rows.iter().map(|row| Some(row.content_hash.clone())))),
        ("bytes", count(|row| row.bytes)),
        ("rows_loaded", count(|row| row.rows_loaded)),
        ("rows_rejected", count(|row| row.rows_rejected)),
        ("load_id", strings(rows.iter().map(|row| Some(row.load_id.clone())))),
    ])
}

async fn runs(lake: &Lake) -> Result<Columns> {
    let rows = lake.catalog().runs(ROWS_MAX).await.map_err(external)?;
    let count = |of: fn(&hanok_catalog::RunCounts) -> u64| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(&row.counts)).collect::<UInt64Array>())
    };
    Ok(vec![
        ("id", strings(rows.iter().map(|row| Some(row.id.clone())))),
        ("branch", strings(rows.iter().map(|row| Some(row.branch.clone())))),
        ("kind", strings(rows.iter().map(|row| Some(row.kind.to_string())))),
        ("subject", strings(rows.iter().map(|row| Some(row.subject.clone())))),
        ("status", strings(rows.iter().map(|row| Some(row.status.to_string())))),
        ("started_at", instants(rows.iter().map(|row| Some(row.started_us)))),
        ("finished_at", instants(rows.iter().map(|row| row.finished_us))),
        ("rows_in", count(|counts| counts.rows_in)),
        ("rows_out", count(|counts| counts.rows_out)),
        ("rows_rejected", count(|counts| counts.rows_rejected)),
        ("error", strings(rows.iter().map(|row| row.error.clone()))),
    ])
}
