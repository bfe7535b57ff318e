//! One publication, from the first check to the commit.

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::folder::Folder;
use crate::postgres::Postgres;
use crate::spec::checked;
use crate::sqlite::Sqlite;
use crate::{PublishError, TableSpec, Target};

/// Where the rows come from, for the record in the target.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The branch.
    pub branch: String,
    /// Hanok's version.
    pub version: String,
}

/// A publication that has begun. Without [`commit`](Self::commit) the target stays as it was.
pub struct Publisher {
    tables: Vec<TableSpec>,
    rows: Vec<u64>,
    sink: Sink,
}

enum Sink {
    Postgres(Box<Postgres>),
    Sqlite(Box<Sqlite>),
    Folder(Box<Folder>),
}

/// A table while rows are written: where a value stands, for errors.
pub(crate) struct Place<'a> {
    pub(crate) table: &'a TableSpec,
    /// Rows written before.
    pub(crate) row: u64,
}

impl Place<'_> {
    /// The error of a value in column `column` of the row that is `offset` after this place.
    pub(crate) fn value(&self, column: usize, offset: usize, problem: &'static str) -> PublishError {
        PublishError::Value {
            table: self.table.title(),
            column: self.table.columns.field(column).name().clone(),
            row: self.row + offset as u64,
            problem,
        }
    }
}

impl Publisher {
    /// Checks the tables, opens the target and makes the tables there, unseen by others.
    ///
    /// # Errors
    /// Names, types and keys that do not fit are found before the target is opened.
    pub async fn begin(target: &Target, tables: Vec<TableSpec>, origin: Origin) -> Result<Self> {
        let tables = checked(tables, !matches!(target, Target::Sqlite(_)))?;
        let sink = match target {
            Target::Postgres(target) => {
                Sink::Postgres(Box::new(Postgres::begin(target, &tables, origin).await?))
            }
            Target::Sqlite(path) => Sink::Sqlite(Box::new(Sqlite::begin(path, &tables, origin).await?)),
            Target::Folder { path, .. } => Sink::Folder(Box::new(Folder::begin(path, &tables, origin)?)),
        };
        Ok(Self { rows: vec![0; tables.len()], tables, sink })
    }

    /// Writes rows of the table at this place of the list. The rows of a table come one after another.
    pub async fn write(&mut self, table: usize, batch: &RecordBatch) -> Result<()> {
        let place = Place { table: &self.tables[table], row: self.rows[table] };
        match &mut self.sink {
            Sink::Postgres(sink) => sink.write(table, &place, batch).await?,
            Sink::Sqlite(sink) => sink.write(table, &place, batch).await?,
            Sink::Folder(sink) => sink.write(table, &place, batch)?,
        }
        self.rows[table] += batch.num_rows() as u64;
        Ok(())
    }

    /// Rows written so far, by table.
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// Declares the keys and indexes, and shows all tables to readers at once.
    pub async fn commit(self) -> Result<()> {
        match self.sink {
            Sink::Postgres(sink) => sink.commit(&self.tables, &self.rows).await,
            Sink::Sqlite(sink) => sink.commit(&self.tables, &self.rows).await,
            Sink::Folder(sink) => sink.commit(&self.tables, &self.rows),
        }
    }
}
