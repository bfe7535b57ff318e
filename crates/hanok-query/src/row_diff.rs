//! Which rows differ between two states of a table.
//!
//! Rows are counted, not paired: each row of the later state counts one, each of the earlier state minus one, and rows
//! that come to nothing have only moved between files. Only files that one of the states does not have are read. Where
//! a key tells rows apart, what is left of one key on both sides is one row, before and after.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableProvider;
use hanok_lake::FileDifference;

use crate::{QueryError, QueryStream, Session};

/// The column that says how a row differs: `added`, `removed`, or `before` and `after` of a changed one.
pub const CHANGE_COLUMN: &str = "_hanok_change";
/// The column that says how many such rows there are.
pub const COUNT_COLUMN: &str = "_hanok_rows";

/// The schema in which the two states stand as tables during the query.
const SCHEMA: &str = "__hanok_difference";

struct Side {
    schema: SchemaRef,
    table: Option<&'static str>,
}

impl Session {
    /// The rows that only one of two states has, ordered by `key` where there is one.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] when a column of the key is in neither state.
    pub async fn row_difference(
        &self,
        files: FileDifference,
        key: &[String],
    ) -> Result<QueryStream, QueryError> {
        let mut opened: HashMap<String, Arc<dyn TableProvider>> = HashMap::new();
        let mut sides = Vec::new();
        for (name, side) in [("before", files.before), ("after", files.after)] {
            let Some((table, paths)) = side else {
                sides.push(Side { schema: Arc::new(arrow::datatypes::Schema::empty()), table: None });
                continue;
            };
            let schema = table.schema()?.unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
            if paths.is_empty() {
                sides.push(Side { schema, table: None });
            } else {
                opened.insert(format!("{SCHEMA}.{name}"), table.provider_of_files(paths).await?);
                sides.push(Side { schema, table: Some(name) });
            }
        }
        let sql = statement(&sides[0], &sides[1], key)?;
        self.sql_over(&sql, opened).await
    }
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns of both states: those of the later one, then what only the earlier one has. A column whose type differs
/// is compared as text.
fn columns(before: &SchemaRef, after: &SchemaRef) -> Vec<(String, Option<DataType>)> {
    let mut columns: Vec<(String, Option<DataType>)> = Vec::new();
    for field in after.fields().iter().chain(before.fields()) {
        match columns.iter_mut().find(|(name, _)| name == field.name()) {
            Some((_, known)) if known.as_ref().is_some_and(|known| known != field.data_type()) => {
                *known = None;
            }
            Some(_) => {}
            None => columns.push((field.name().clone(), Some(field.data_type().clone()))),
        }
    }
    columns
}

fn statement(before: &Side, after: &Side, key: &[String]) -> Result<String, QueryError> {
    let columns = columns(&before.schema, &after.schema);
    if let Some(missing) = key.iter().find(|key| columns.iter().all(|(name, _)| name != *key)) {
        return Err(QueryError::Invalid { reason: format!("there is no column `{missing}` for the key") });
    }
    let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
    let list = names.join(", ");
    let mut parts = Vec::new();
    for (side, sign) in [(before, -1), (after, 1)] {
        let Some(table) = side.table else { continue };
        let selected = columns.iter().map(|(name, known)| {
            let quoted = quoted(name);
            match (side.schema.field_with_name(name), known) {
                (Err(_), _) => format!("null as {quoted}"),
                (Ok(_), Some(_)) => quoted,
                (Ok(_), None) => format!("cast({quoted} as varchar) as {quoted}"),
            }
        });
        let selected = selected.collect::<Vec<_>>().join(", ");
        parts.push(format!("select {selected}, {sign} as _hanok_sign from {SCHEMA}.{table}"));
    }
    if parts.is_empty() {
        parts.push(format!(
            "select {}, 0 as _hanok_sign where false",
            names.iter().map(|name| format!("null as {name}")).collect::<Vec<_>>().join(", ")
        ));
    }
    let counted = format!(
        "select {list}, sum(_hanok_sign) as _hanok_n from ({}) group by {list} having sum(_hanok_sign) <> 0",
        parts.join(" union all ")
    );
    let kind = "case when _hanok_n > 0 then 'added' else 'removed' end";
    if key.is_empty() {
        return Ok(format!(
            "select {kind} as {CHANGE_COLUMN}, abs(_hanok_n) as {COUNT_COLUMN}, {list} from ({counted})"
        ));
    }
    let key = key.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let mut sql = String::new();
    // Writing into a string does not fail.
    let _ = write!(
        sql,
        "select case when _hanok_n > 0 and _hanok_low < 0 then 'after'
             when _hanok_n < 0 and _hanok_high > 0 then 'before' else {kind} end as {CHANGE_COLUMN},
         abs(_hanok_n) as {COUNT_COLUMN}, {list}
         from (select *, min(_hanok_n) over (partition by {key}) as _hanok_low,
                      max(_hanok_n) over (partition by {key}) as _hanok_high from ({counted}))
         order by {key}, _hanok_n"
    );
    Ok(sql)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{Field, Schema};

    #[test]
    fn columns_of_both_states_and_types_that_differ() {
        let schema = |fields: &[(&str, DataType)]| -> SchemaRef {
            let fields = fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        };
        let before = schema(&[("id", DataType::Int64), ("old", DataType::Utf8), ("x", DataType::Int64)]);
        let after = schema(&[("id", DataType::Int64), ("x", DataType::Utf8)]);
        let expected = [("id", Some(DataType::Int64)), ("x", None), ("old", Some(DataType::Utf8))]
            .map(|(n, t)| (n.to_owned(), t));
        assert_eq!(columns(&before, &after), expected);
        let side = |schema: &SchemaRef, table| Side { schema: schema.clone(), table };
        let sql = statement(&side(&before, Some("before")), &side(&after, None), &["id".to_owned()]).unwrap();
        assert!(sql.contains("cast(\"x\" as varchar)") && sql.contains("order by \"id\""), "{sql}");
        let missing = statement(&side(&before, None), &side(&after, None), &["no".to_owned()]);
        assert!(matches!(missing, Err(QueryError::Invalid { .. })));
    }
}
