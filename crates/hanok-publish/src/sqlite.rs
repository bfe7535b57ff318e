//! SQLite: everything in one transaction of a database in WAL mode, so that readers go on with what was there.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::RecordBatch;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use crate::cell::{
    Cell, NOT_FINITE, Problem, cell, date_text, decimal_text, plain_columns, time_text, timestamp_text,
};
use crate::error::Result;
use crate::kind::Kind;
use crate::names::{RECORDS, quoted, quoted_list};
use crate::publisher::{Origin, Place};
use crate::{PublishError, TableSpec};

/// How long to wait for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// SQLite's limit of parameters of a statement.
const PARAMETERS_MAX: usize = 32_766;
/// Rows of a statement; more gain nothing.
const ROWS_MAX: usize = 256;

/// A publication into SQLite.
pub(crate) struct Sqlite {
    connection: SqliteConnection,
    path: PathBuf,
    origin: Origin,
    kinds: Vec<Vec<Kind>>,
}

impl Sqlite {
    pub(crate) async fn begin(path: &Path, tables: &[TableSpec], origin: Origin) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // Looked at once, at the end.
            .foreign_keys(false)
            .busy_timeout(BUSY_TIMEOUT);
        let connection = options.connect().await.map_err(|error| PublishError::Connect {
            target: format!("sqlite:{}", path.display()),
            reason: error.to_string(),
        })?;
        let kinds = tables.iter().map(TableSpec::kinds).collect::<Result<_>>()?;
        let mut this = Self { connection, path: path.to_owned(), origin, kinds };
        this.run("begin", "BEGIN IMMEDIATE".to_owned()).await?;
        this.run("create its record of publications", records()).await?;
        for table in tables {
            this.drop_published(table).await?;
        }
        for table in tables {
            this.run(&format!("create {}", table.name), create(table, tables)?).await?;
        }
        Ok(this)
    }

    /// Drops the table of an earlier publication.
    async fn drop_published(&mut self, table: &TableSpec) -> Result<()> {
        let sql = format!(
            "SELECT s.name, s.type = 'table' AND s.sql IS r.definition FROM sqlite_schema s
             LEFT JOIN {RECORDS} r ON r.table_name = s.name WHERE s.name = ? COLLATE NOCASE"
        );
        let found =
            sqlx::query(AssertSqlSafe(sql)).bind(&table.name).fetch_optional(&mut self.connection).await;
        let Some(row) = found.map_err(failed("look up tables"))? else { return Ok(()) };
        if !row.get::<bool, _>(1) {
            return Err(PublishError::Foreign {
                what: format!("the table {} of {}", table.name, self.path.display()),
                problem: "is there already, and Hanok did not publish it as it is".to_owned(),
            });
        }
        let name = quoted(row.get(0));
        self.run("replace what was published before", format!("DROP TABLE {name}")).await
    }

    pub(crate) async fn write(&mut self, table: usize, place: &Place<'_>, batch: &RecordBatch) -> Result<()> {
        let action = format!("write {}", place.table.name);
        let columns = plain_columns(batch)
            .map_err(|error| PublishError::Database { action: action.clone(), reason: error.to_string() })?;
        let fields = place.table.columns.fields();
        let key: Vec<bool> = fields.iter().map(|f| place.table.primary_key.contains(f.name())).collect();
        let rows_max = (PARAMETERS_MAX / columns.len().max(1)).clamp(1, ROWS_MAX);
        let mut row = 0;
        while row < batch.num_rows() {
            let rows = rows_max.min(batch.num_rows() - row);
            let mut arguments = SqliteArguments::default();
            for at in row..row + rows {
                for (index, column) in columns.iter().enumerate() {
                    let value = |problem| place.value(index, at, problem);
                    let cell = cell(column.as_ref(), at).map_err(value)?;
                    if cell == Cell::Null && key[index] {
                        // SQLite would make up a number.
                        return Err(value("is part of the primary key and has no value"));
                    }
                    bind(&mut arguments, self.kinds[table][index], cell).map_err(value)?;
                }
            }
            let sql = insert(&place.table.name, columns.len(), rows);
            let done = sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut self.connection).await;
            done.map_err(|error| broken(error, "a key", place.table))?;
            row += rows;
        }
        Ok(())
    }

    pub(crate) async fn commit(mut self, tables: &[TableSpec], rows: &[u64]) -> Result<()> {
        for table in tables {
            for (what, sql) in indexes(table) {
                let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await;
                done.map_err(|error| broken(error, &what, table))?;
            }
        }
        self.check_references(tables).await?;
        for (table, rows) in tables.iter().zip(rows) {
            self.run("analyze", format!("ANALYZE {}", quoted(&table.name))).await?;
            let sql = format!(
                "INSERT OR REPLACE INTO {RECORDS} (table_name, branch, version, row_count, published_at, definition)
                 SELECT name, ?, ?, ?, datetime('now'), sql FROM sqlite_schema WHERE type = 'table' AND name = ?"
            );
            let done = sqlx::query(AssertSqlSafe(sql))
                .bind(&self.origin.branch)
                .bind(&self.origin.version)
                .bind(*rows as i64)
                .bind(&table.name)
                .execute(&mut self.connection)
                .await;
            done.map_err(failed("record the publication"))?;
        }
        self.run("commit", "COMMIT".to_owned()).await?;
        // Moves the log into the file; what is committed is safe in the log as well.
        let _ = self.connection.close().await;
        Ok(())
    }

    /// References from and to the tables, those of other tables in the file among them.
    async fn check_references(&mut self, tables: &[TableSpec]) -> Result<()> {
        let sql = "SELECT \"table\", \"parent\", count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2";
        let found = sqlx::query(sql).fetch_all(&mut self.connection).await;
        let ours: HashSet<String> = tables.iter().map(|table| table.name.to_lowercase()).collect();
        for row in found.map_err(failed("check references"))? {
            let (table, parent, rows): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
            if ours.contains(&table.to_lowercase()) || ours.contains(&parent.to_lowercase()) {
                return Err(PublishError::Key {
                    what: format!("the reference to {parent}"),
                    table,
                    problem: format!("has {rows} rows that refer to rows which are not there"),
                });
            }
        }
        Ok(())
    }

    async fn run(&mut self, action: &str, sql: String) -> Result<()> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await;
        done.map(|_| ()).map_err(failed(action))
    }
}

fn records() -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {RECORDS} (
            table_name TEXT PRIMARY KEY NOT NULL,
            branch TEXT NOT NULL,
            version TEXT NOT NULL,
            row_count BIGINT NOT NULL,
            published_at DATETIME NOT NULL,
            definition TEXT NOT NULL
        )"
    )
}

/// The table with its keys; SQLite cannot add them later. A single integer key is the row's number, which counts on.
fn create(table: &TableSpec, tables: &[TableSpec]) -> Result<String> {
    let mut parts = Vec::new();
    for (field, kind) in table.columns.fields().iter().zip(table.kinds()?) {
        let name = quoted(field.name());
        let key = table.primary_key.contains(field.name());
        parts.push(match table.integer_key() == Some(field.name()) {
            true => format!("{name} INTEGER PRIMARY KEY NOT NULL"),
            false if key || !field.is_nullable() => format!("{name} {} NOT NULL", kind.sqlite()),
            false => format!("{name} {}", kind.sqlite()),
        });
    }
    if !table.primary_key.is_empty() && table.integer_key().is_none() {
        parts.push(format!("PRIMARY KEY ({})", quoted_list(&table.primary_key)));
    }
    for foreign in &table.foreign_keys {
        parts.push(format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}) DEFERRABLE INITIALLY IMMEDIATE",
            quoted_list(&foreign.columns),
            quoted(&tables[foreign.table].name),
            quoted_list(&foreign.key)
        ));
    }
    Ok(format!("CREATE TABLE {} (\n    {}\n)", quoted(&table.name), parts.join(",\n    ")))
}

/// Unique keys and indexes, each with what it is.
fn indexes(table: &TableSpec) -> Vec<(String, String)> {
    let index = |columns: &[String], what: &str, unique: &str, end: &str| {
        let name = quoted(&format!("{}_{}_{end}", table.name, columns.join("_")));
        let list = quoted_list(columns);
        (
            format!("{what} ({list})"),
            format!("CREATE {unique}INDEX {name} ON {} ({list})", quoted(&table.name)),
        )
    };
    let unique = table.unique.iter().map(|columns| index(columns, "the unique key", "UNIQUE ", "key"));
    unique.chain(table.indexes.iter().map(|columns| index(columns, "the index", "", "idx"))).collect()
}

fn insert(table: &str, columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("INSERT INTO {} VALUES {}", quoted(table), vec![row.as_str(); rows].join(","))
}

fn bind(arguments: &mut SqliteArguments, kind: Kind, cell: Cell<'_>) -> Result<(), Problem> {
    let decimals_are_numbers = kind.sqlite() != "TEXT";
    let added = match cell {
        Cell::Null => arguments.add(None::<i64>),
        Cell::Bool(value) => arguments.add(value),
        Cell::Int(value) | Cell::Duration(value) => arguments.add(value),
        Cell::Float32(value) if !value.is_nan() => arguments.add(f64::from(value)),
        Cell::Float64(value) if !value.is_nan() => arguments.add(value),
        // SQLite would store NULL.
        Cell::Float32(_) | Cell::Float64(_) => return Err(NOT_FINITE),
        Cell::Decimal(value, scale) => {
            let text = decimal_text(value, scale);
            match text.parse::<f64>() {
                Ok(number) if decimals_are_numbers => arguments.add(number),
                _ => arguments.add(text),
            }
        }
        Cell::Text(text) => arguments.add(text),
        Cell::Bytes(bytes) => arguments.add(bytes),
        Cell::Date(days) => arguments.add(date_text(days)?),
        Cell::Time(us) => arguments.add(time_text(us)),
        Cell::Timestamp { us, .. } => arguments.add(timestamp_text(us, ' ')?),
        Cell::Json(text) => arguments.add(text),
    };
    added.map_err(|_| "has a value that SQLite does not take")
}

fn failed(action: &str) -> impl Fn(sqlx::Error) -> PublishError {
    let action = action.to_owned();
    move |error| PublishError::Database { action: action.clone(), reason: reason(&error) }
}

/// The error of rows that break a key, or another one.
fn broken(error: sqlx::Error, what: &str, table: &TableSpec) -> PublishError {
    let constraint =
        error.as_database_error().is_some_and(|error| !matches!(error.kind(), sqlx::error::ErrorKind::Other));
    if !constraint {
        return failed(&format!("write {}", table.name))(error);
    }
    PublishError::Key { what: what.to_owned(), table: table.name.clone(), problem: reason(&error) }
}

fn reason(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(error) => error.message().to_owned(),
        None => error.to_string(),
    }
}
