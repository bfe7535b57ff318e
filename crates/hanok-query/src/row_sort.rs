//! Sorting the rows of a merge: more of them than fit into memory.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use futures::StreamExt as _;
use hanok_error::{Coded as _, Report};
use hanok_lake::{LakeError, RowSort, SIDE_COLUMN, SideRows, SortedRows};

use crate::row_diff::quoted;
use crate::{QueryError, Session};

/// The schema in which the sides stand as tables during the query.
const SCHEMA: &str = "__hanok_merge";

#[async_trait]
impl RowSort for Session {
    async fn sort_rows(
        &self,
        sides: Vec<SideRows>,
        columns: SchemaRef,
        key: &[String],
    ) -> Result<SortedRows, LakeError> {
        let table = sides.first().map(|side| side.table.name().to_string()).unwrap_or_default();
        let failed = move |error: QueryError| match error {
            QueryError::Lake(error) => error,
            error => LakeError::Sort {
                table: table.clone(),
                code: error.code(),
                reason: Report::new(&error).message,
            },
        };
        let mut opened: HashMap<String, Arc<dyn TableProvider>> = HashMap::new();
        let mut parts = Vec::new();
        for (number, side) in sides.into_iter().enumerate() {
            if side.paths.is_empty() {
                continue;
            }
            let schema = side.table.schema()?;
            let has = |name: &str| schema.as_ref().is_some_and(|schema| schema.field_with_name(name).is_ok());
            let selected: Vec<String> = columns
                .fields()
                .iter()
                .map(|field| match has(field.name()) {
                    true => quoted(field.name()),
                    false => format!("null as {}", quoted(field.name())),
                })
                .collect();
            let selected = selected.join(", ");
            parts.push(format!(
                "select {selected}, cast({number} as bigint) as {SIDE_COLUMN} from {SCHEMA}.side_{number}"
            ));
            opened.insert(format!("{SCHEMA}.side_{number}"), side.table.provider_of_files(side.paths).await?);
        }
        if parts.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let order: Vec<String> = key.iter().map(|name| quoted(name)).collect();
        let sql = format!("{} order by {}, {SIDE_COLUMN}", parts.join(" union all "), order.join(", "));
        let rows = self.sql_over(&sql, opened).await.map_err(&failed)?;
        Ok(futures::stream::try_unfold(rows, |mut rows| async {
            Ok(rows.next().await?.map(|batch| (batch, rows)))
        })
        .map(move |batch| batch.map_err(&failed))
        .boxed())
    }
}
