//! Names that every target takes, so that a plan that works with one works with the others.

use std::collections::HashMap;

use crate::error::Result;
use crate::{PublishError, TableSpec};

/// PostgreSQL cuts longer names off, so that two could become one.
const NAME_BYTES_MAX: usize = 63;
/// PostgreSQL's limit; SQLite's is 2,000.
const COLUMNS_MAX: usize = 1600;
/// The table that remembers what Hanok has published.
pub(crate) const RECORDS: &str = "hanok_published";
/// Columns that every table of PostgreSQL has.
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// `name` as an identifier of SQL. Quoted, so that keywords, case and scripts do not matter.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A list of identifiers.
pub(crate) fn quoted_list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// Refuses what a target would refuse, cut off, or take for something else.
pub(crate) fn check(tables: &[TableSpec], with_schemas: bool) -> Result<()> {
    let mut places = HashMap::new();
    for table in tables {
        let schema = table.schema.to_lowercase();
        check_one("schema", &table.schema)?;
        if with_schemas && (schema.starts_with("pg_") || schema == "information_schema") {
            return Err(refused("schema", &table.schema, "is one that PostgreSQL keeps for itself"));
        }
        let name = table.name.to_lowercase();
        check_one("table", &table.name)?;
        if name == RECORDS || name.starts_with("sqlite_") {
            return Err(refused("table", &table.name, "is one that Hanok or SQLite keeps for itself"));
        }
        let place = if with_schemas { (schema, name) } else { (String::new(), name) };
        if let Some(other) = places.insert(place, table.title()) {
            let problem = match with_schemas {
                true => format!("differs from {other} only by case, or has the same place"),
                false => format!("would have the same place as {other}: SQLite has no schemas"),
            };
            return Err(refused("table", &table.title(), &problem));
        }
        check_columns(table)?;
    }
    Ok(())
}

fn check_columns(table: &TableSpec) -> Result<()> {
    let what = format!("column of {}", table.title());
    let fields = table.columns.fields();
    if fields.len() > COLUMNS_MAX {
        let problem = format!("has more than {COLUMNS_MAX} columns");
        return Err(refused("table", &table.title(), &problem));
    }
    let mut seen = HashMap::new();
    for field in fields {
        let name = field.name();
        check_one(&what, name)?;
        let folded = name.to_lowercase();
        if SYSTEM_COLUMNS.contains(&folded.as_str()) {
            return Err(refused(&what, name, "is one that PostgreSQL keeps for itself"));
        }
        if let Some(other) = seen.insert(folded, name) {
            return Err(refused(&what, name, &format!("differs from `{other}` only by case")));
        }
    }
    Ok(())
}

fn check_one(what: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.contains('\0') {
        return Err(refused(what, name, "is empty or has a NUL character"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(refused(what, name, &format!("is longer than {NAME_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn refused(what: &str, name: &str, problem: &str) -> PublishError {
    PublishError::Name { what: what.to_owned(), name: name.to_owned(), problem: problem.to_owned() }
}
