//! What a table is, as it is published.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use crate::kind::{Kind, plain};
use crate::names;
use crate::{PublishError, error::Result};

/// A table to be published: its columns as Arrow has them, and what databases declare beside them.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// The schema in the target. SQLite has none; it is left out there.
    pub schema: String,
    /// The table's name.
    pub name: String,
    /// Its columns, in order. Rows come with these names and types.
    pub columns: SchemaRef,
    /// The columns of the primary key; none when empty.
    pub primary_key: Vec<String>,
    /// Further sets of columns that tell rows apart.
    pub unique: Vec<Vec<String>>,
    /// References to tables of the same publication.
    pub foreign_keys: Vec<ForeignKey>,
    /// Indexes, each the columns in order.
    pub indexes: Vec<Vec<String>>,
}

/// A reference of some columns to those of a table. That one gets a unique key over them if it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table that they refer to, by its place in the publication; it may be their own.
    pub table: usize,
    /// Its columns, as many.
    pub key: Vec<String>,
}

impl TableSpec {
    /// `schema.table`, for messages.
    pub(crate) fn title(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// The kind of each column.
    pub(crate) fn kinds(&self) -> Result<Vec<Kind>> {
        let kinds = self.columns.fields().iter().map(|field| {
            Kind::of(field.data_type()).ok_or_else(|| PublishError::Type {
                table: self.title(),
                column: field.name().clone(),
                data_type: Box::new(field.data_type().clone()),
            })
        });
        kinds.collect()
    }

    /// Whether the table has a single key column of integers, which services expect to be filled for new rows.
    pub(crate) fn integer_key(&self) -> Option<&str> {
        let [name] = self.primary_key.as_slice() else { return None };
        let field = self.columns.field_with_name(name).ok()?;
        let integer = Kind::of(field.data_type()).is_some_and(|kind| kind.is_integer());
        integer.then_some(name.as_str())
    }

    fn is_unique(&self, columns: &[String]) -> bool {
        let same = |key: &Vec<String>| key.len() == columns.len() && key.iter().all(|c| columns.contains(c));
        same(&self.primary_key) || self.unique.iter().any(same)
    }

    fn key_error(&self, what: &str, problem: String) -> PublishError {
        PublishError::Key { what: what.to_owned(), table: self.title(), problem }
    }

    /// That `columns` are columns of the table, each once.
    fn check_columns(&self, what: &str, columns: &[String]) -> Result<()> {
        if columns.is_empty() {
            return Err(self.key_error(what, "has no columns".to_owned()));
        }
        for (at, column) in columns.iter().enumerate() {
            if self.columns.index_of(column).is_err() {
                return Err(self.key_error(what, format!("names `{column}`, which is not a column")));
            }
            if columns[..at].contains(column) {
                return Err(self.key_error(what, format!("names `{column}` twice")));
            }
        }
        Ok(())
    }
}

/// Checks everything that can be known before anything is written, and adds the unique keys that references need.
pub(crate) fn checked(mut tables: Vec<TableSpec>, with_schemas: bool) -> Result<Vec<TableSpec>> {
    names::check(&tables, with_schemas)?;
    for table in &tables {
        table.kinds()?;
        if !table.primary_key.is_empty() {
            table.check_columns("the primary key", &table.primary_key)?;
        }
        for columns in &table.unique {
            table.check_columns("a unique key", columns)?;
        }
        for columns in &table.indexes {
            table.check_columns("an index", columns)?;
        }
        for foreign in &table.foreign_keys {
            let what = format!("the reference ({})", foreign.columns.join(", "));
            table.check_columns(&what, &foreign.columns)?;
            let Some(target) = tables.get(foreign.table) else {
                return Err(table.key_error(&what, "is to a table that is not published".to_owned()));
            };
            target.check_columns(&format!("what {} refers to", table.title()), &foreign.key)?;
            if foreign.key.len() != foreign.columns.len() {
                return Err(table.key_error(&what, "is to another number of columns".to_owned()));
            }
        }
    }
    let wanted: Vec<(usize, Vec<String>)> = tables
        .iter()
        .flat_map(|table| table.foreign_keys.iter().map(|foreign| (foreign.table, foreign.key.clone())))
        .collect();
    for (table, key) in wanted {
        if !tables[table].is_unique(&key) {
            tables[table].unique.push(key);
        }
    }
    for table in &mut tables {
        let mut seen = Vec::new();
        table.indexes.retain(|columns| {
            let fresh = !seen.contains(columns) && *columns != table.primary_key;
            seen.push(columns.clone());
            fresh
        });
    }
    Ok(tables)
}

/// The schema without dictionaries and views. Every column may be empty: what the target declares is in the specification.
pub(crate) fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let fields =
        schema.fields().iter().map(|field| field.as_ref().clone().with_data_type(plain(field.data_type())));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use hanok_error::Coded as _;

    use super::*;

    fn table(name: &str, columns: &[&str]) -> TableSpec {
        let fields = columns.iter().map(|column| Field::new(*column, DataType::Int64, true));
        TableSpec {
            schema: "mart".to_owned(),
            name: name.to_owned(),
            columns: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            primary_key: Vec::new(),
            unique: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
        }
    }

    fn code(tables: Vec<TableSpec>, with_schemas: bool) -> String {
        checked(tables, with_schemas).map_or_else(|error| error.code().to_string(), |_| "ok".to_owned())
    }

    #[test]
    fn names_that_a_target_would_change_or_keep_for_itself_are_refused() {
        assert_eq!(code(vec![table("순서", &["order", "select", "한글"])], true), "ok");
        let long = "가".repeat(22);
        for columns in [["a", "A"], ["a", "xmin"], ["a", ""], ["a", "b\0"], ["a", &long]] {
            assert_eq!(code(vec![table("t", &columns)], true), "HK1402", "{columns:?}");
        }
        for name in ["hanok_published", "sqlite_x", &long] {
            assert_eq!(code(vec![table(name, &["a"])], true), "HK1402", "{name}");
        }
        let raw = TableSpec { schema: "raw".to_owned(), ..table("T", &["a"]) };
        assert_eq!(code(vec![table("t", &["a"]), raw.clone()], true), "ok");
        assert_eq!(code(vec![table("t", &["a"]), raw], false), "HK1402");
    }

    #[test]
    fn a_reference_makes_its_target_unique_and_indexes_are_declared_once() {
        let mut one = table("one", &["id", "code"]);
        one.primary_key = vec!["id".to_owned()];
        one.indexes = vec![vec!["id".to_owned()], vec!["code".to_owned()], vec!["code".to_owned()]];
        let mut other = table("other", &["one_id", "one_code"]);
        for (column, key) in [("one_id", "id"), ("one_code", "code")] {
            let (columns, key) = (vec![column.to_owned()], vec![key.to_owned()]);
            other.foreign_keys.push(ForeignKey { columns, table: 0, key });
        }
        let tables = checked(vec![one, other.clone()], true).unwrap();
        assert_eq!(tables[0].unique, [["code"]]);
        assert_eq!(tables[0].indexes, [["code"]]);
        assert_eq!(code(vec![other], true), "HK1408");
    }
}
