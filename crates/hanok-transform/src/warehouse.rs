//! One node's work: a query's rows into a table, a query into a view, a test's rows counted.

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Int64Type;
use hanok_error::{Code, Coded, code};
use hanok_lake::{CommitMode, CommitOptions, LakeError, TableWriter, WriterOptions};
use hanok_query::{QueryError, Session};

use crate::config::Materialized;
use crate::data_tests::DataTest;
use crate::locate::line_of_message;
use crate::place::Place;
use crate::project::Model;

/// A model was not built, or a test did not pass.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The engine refused the SQL or failed while it ran.
    #[error("{source}")]
    Sql {
        /// The line of the template when it can be found, or that of the test.
        place: Place,
        /// The engine's reason.
        source: Box<QueryError>,
    },
    /// The lake refused to store the rows or the view.
    #[error("{source}")]
    Lake {
        /// The model's file.
        place: Place,
        /// The lake's reason.
        source: Box<LakeError>,
    },
    /// The test found rows.
    #[error("{failures} {} the rule", if *failures == 1 { "row breaks" } else { "rows break" })]
    Rows {
        /// How many.
        failures: u64,
        /// Where the test is written.
        place: Place,
    },
    /// The test's query did not return one number.
    #[error("the test's query returned no number")]
    NoNumber {
        /// Where the test is written.
        place: Place,
    },
    /// The query engine panicked.
    #[error("the query engine stopped unexpectedly")]
    Stopped,
}

impl Coded for NodeError {
    fn code(&self) -> Code {
        match self {
            Self::Sql { source, .. } => match source.as_ref() {
                QueryError::Invalid { .. } | QueryError::Failed { .. } | QueryError::NotAQuery { .. } => {
                    code::MODEL_SQL
                }
                other => other.code(),
            },
            Self::Lake { source, .. } => source.code(),
            Self::Rows { .. } => code::MODEL_TEST,
            Self::NoNumber { .. } | Self::Stopped => code::MODEL_SQL,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Sql { source, .. } => source.hint(),
            Self::Lake { source, .. } => source.hint(),
            _ => None,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Sql { place, .. }
            | Self::Lake { place, .. }
            | Self::Rows { place, .. }
            | Self::NoNumber { place } => Some(place.to_string()),
            Self::Stopped => None,
        }
    }
}

/// Builds a model; returns the rows of a table.
pub(crate) async fn build(session: &Session, model: &Model) -> Result<Option<u64>, NodeError> {
    let sql_error = |source: QueryError| NodeError::Sql {
        place: Place::new(&model.file, line_of_message(model, &source.to_string()).unwrap_or(0)),
        source: Box::new(source),
    };
    let lake_error =
        |source: LakeError| NodeError::Lake { place: Place::new(&model.file, 0), source: Box::new(source) };
    match model.config.materialized {
        Materialized::View => {
            // Planning finds what would otherwise fail at the first read.
            session.plan(&model.sql).await.map_err(sql_error)?;
            session.lake().put_view(&model.table, &model.sql).await.map_err(lake_error)?;
            Ok(None)
        }
        Materialized::Table => {
            let mut rows = session.sql(&model.sql).await.map_err(sql_error)?;
            let mut table = session.lake().table_for_write(&model.table).await.map_err(lake_error)?;
            let mut writer =
                TableWriter::new(&table, &rows.schema(), WriterOptions::default()).map_err(lake_error)?;
            while let Some(batch) = rows.next().await.map_err(sql_error)? {
                writer.write(batch).await.map_err(lake_error)?;
            }
            let mut key = model.key.clone();
            if model.config.unique_key.is_none() {
                // The test of a column that is not there says so itself.
                key.retain(|column| writer.schema().field_with_name(column).is_ok());
            }
            let staged = writer.finish().await.map_err(lake_error)?;
            let count = staged.rows;
            let options = CommitOptions { key: Some(key), ..CommitOptions::default() };
            table.commit(staged, CommitMode::Replace, &options).await.map_err(lake_error)?;
            Ok(Some(count))
        }
    }
}

/// Counts the rows that break a test's rule.
pub(crate) async fn count(session: &Session, test: &DataTest) -> Result<u64, NodeError> {
    let sql_error =
        |source: QueryError| NodeError::Sql { place: test.place.clone(), source: Box::new(source) };
    let rows = session.sql(&test.count_sql()).await.map_err(sql_error)?;
    let batches = rows.collect().await.map_err(sql_error)?;
    batches
        .iter()
        .find(|batch| batch.num_rows() == 1)
        .and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>())
        .filter(|counts| counts.is_valid(0))
        .and_then(|counts| u64::try_from(counts.value(0)).ok())
        .ok_or_else(|| NodeError::NoNumber { place: test.place.clone() })
}
