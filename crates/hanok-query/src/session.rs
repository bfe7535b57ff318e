//! The session: options, and running one query.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use futures::TryStreamExt as _;
use hanok_lake::{LAKE_URL, Lake, Table};
use url::Url;

use crate::catalog::{CATALOG, query_state};
use crate::row_diff::quoted;
use crate::spill::SpillFolder;
use crate::{QueryError, time_travel};

/// The schema of names without one.
const DEFAULT_SCHEMA: &str = "main";
/// Names of the largest consumers in the message of a query that ran out of memory.
const CONSUMERS_SHOWN: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN;

/// Limits of a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Threads of one query.
    pub threads: usize,
    /// Memory of all its queries together. Sorts, groupings and joins spill beyond their share.
    pub memory_bytes_max: usize,
    /// Where spilled data goes, in a folder of the session's own; removed when the session ends, or when another one
    /// opens after its process was killed.
    pub spill_folder: PathBuf,
}

/// A query's result, computed as it is read.
pub struct QueryStream {
    stream: SendableRecordBatchStream,
    /// The tables that it reads, for errors.
    tables: String,
    /// The stream may spill until it ends, also after its session.
    _spill: Arc<SpillFolder>,
}

impl QueryStream {
    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }

    /// The next batch, `None` at the end.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let tables = &self.tables;
        self.stream.try_next().await.map_err(|error| QueryError::from_engine(&error).in_tables(tables))
    }

    /// All batches at once.
    pub async fn collect(self) -> Result<Vec<RecordBatch>, QueryError> {
        let tables = self.tables;
        self.stream.try_collect().await.map_err(|error| QueryError::from_engine(&error).in_tables(&tables))
    }

    /// DataFusion's own stream, for operators that compose with it.
    pub fn into_stream(self) -> SendableRecordBatchStream {
        self.stream
    }
}

/// SQL over a lake. Cheap to clone; all clones share the memory limit.
#[derive(Clone)]
pub struct Session {
    lake: Lake,
    state: Arc<SessionState>,
    /// After the state, whose files in the folder go first.
    spill: Arc<SpillFolder>,
}

impl Session {
    /// Opens a session over `lake`.
    pub fn open(lake: &Lake, options: &SessionOptions) -> Result<Self, QueryError> {
        let invalid = |reason: String| QueryError::Session { reason };
        let spill = claim_spill(&options.spill_folder)
            .map_err(|error| invalid(format!("{}: {error}", options.spill_folder.display())))?;
        let pool = TrackConsumersPool::new(FairSpillPool::new(options.memory_bytes_max), CONSUMERS_SHOWN);
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill.path().to_owned()]));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|error| invalid(error.to_string()))?;
        let url = Url::parse(LAKE_URL).map_err(|error| invalid(error.to_string()))?;
        runtime.register_object_store(&url, Arc::new(lake.router().clone()));
        let mut config = SessionConfig::new()
            .with_target_partitions(options.threads.max(1))
            .with_default_catalog_and_schema(CATALOG, DEFAULT_SCHEMA)
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(true);
        let settings = config.options_mut();
        settings.execution.parquet.pushdown_filters = true;
        settings.execution.time_zone = Some("UTC".to_owned());
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        Ok(Self { lake: lake.clone(), state: Arc::new(state), spill: Arc::new(spill) })
    }

    /// The session's folder for spilled data, for what its user spills: removed with what another session finds in it when
    /// this process was killed. Whoever puts a file there removes it.
    pub fn spill_folder(&self) -> &Path {
        self.spill.path()
    }

    /// The lake that the session reads.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The same session for several reads that belong together: none of them sees a merge that is published later.
    pub async fn at_once(&self) -> Result<Self, QueryError> {
        Ok(Self { lake: self.lake.at_once().await?.0, ..self.clone() })
    }

    /// Runs a query in which `table` stands for some of its data files only.
    pub async fn sql_over_files(
        &self,
        sql: &str,
        table: &Table,
        paths: Vec<String>,
    ) -> Result<QueryStream, QueryError> {
        let provider = table.provider_of_files(paths).await?;
        let opened = HashMap::from([(table.name().to_string(), provider)]);
        self.sql_over(sql, opened).await
    }

    /// Reads columns of a table at the version that it was opened at, in the order of `order_by` or in none. Without
    /// columns, batches say how many rows there are.
    pub async fn scan(
        &self,
        table: &Table,
        columns: &[String],
        order_by: &[String],
        rows_max: Option<usize>,
    ) -> Result<QueryStream, QueryError> {
        let name = table.name();
        let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let selected = if columns.is_empty() { "1".to_owned() } else { list(columns) };
        let mut sql = format!(
            "select {selected} from {}.{}",
            quoted(name.schema.as_str()),
            quoted(name.table.as_str())
        );
        if !order_by.is_empty() {
            sql.push_str(&format!(" order by {}", list(order_by)));
        }
        if let Some(rows) = rows_max {
            sql.push_str(&format!(" limit {rows}"));
        }
        let opened = HashMap::from([(name.to_string(), table.provider().await?)]);
        self.sql_over(&sql, opened).await
    }

    /// Runs a query in which names stand for given tables, whatever the catalog says of them.
    pub(crate) async fn sql_over(
        &self,
        sql: &str,
        opened: HashMap<String, Arc<dyn TableProvider>>,
    ) -> Result<QueryStream, QueryError> {
        run(self.plan_over(sql, opened).await?, &self.spill)
    }

    /// Plans a query. Tables and views are as they are now.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] for SQL that does not make sense, [`QueryError::NotAQuery`] for statements that write.
    pub async fn plan(&self, sql: &str) -> Result<(Arc<dyn ExecutionPlan>, SessionState), QueryError> {
        let Planned { plan, state, .. } = self.plan_over(sql, HashMap::new()).await?;
        Ok((plan, state))
    }

    async fn plan_over(
        &self,
        sql: &str,
        opened: HashMap<String, Arc<dyn TableProvider>>,
    ) -> Result<Planned, QueryError> {
        let sql = time_travel::rewrite(sql)?;
        let (lake, records) = self.lake.at_once().await?;
        let engine = |error| QueryError::from_engine(&error);
        let mut state = query_state(&lake, &self.state, records, opened);
        // now() and its kind are the moment of this mark; without one they cannot be computed.
        state.mark_start_execution();
        let plan = state.create_logical_plan(&sql).await.map_err(engine)?;
        let read_only =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        read_only
            .verify_plan(&plan)
            .map_err(|error| QueryError::NotAQuery { reason: error.strip_backtrace() })?;
        let tables = tables_of(&plan);
        let physical = state
            .create_physical_plan(&plan)
            .await
            .map_err(|error| QueryError::from_engine(&error).in_tables(&tables))?;
        Ok(Planned { plan: physical, state, tables })
    }

    /// Runs a query and returns its result as a stream.
    pub async fn sql(&self, sql: &str) -> Result<QueryStream, QueryError> {
        run(self.plan_over(sql, HashMap::new()).await?, &self.spill)
    }
}

/// A query that is ready to run.
struct Planned {
    plan: Arc<dyn ExecutionPlan>,
    state: SessionState,
    tables: String,
}

fn run(planned: Planned, spill: &Arc<SpillFolder>) -> Result<QueryStream, QueryError> {
    let Planned { plan, state, tables } = planned;
    let stream = execute_stream(plan, state.task_ctx())
        .map_err(|error| QueryError::from_engine(&error).in_tables(&tables))?;
    Ok(QueryStream { stream, tables, _spill: spill.clone() })
}

/// The names of the tables and views that a query reads, for people.
fn tables_of(plan: &LogicalPlan) -> String {
    let mut names = BTreeSet::new();
    let visited = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let schema = scan.table_name.schema().unwrap_or(DEFAULT_SCHEMA);
            names.insert(format!("`{schema}.{}`", scan.table_name.table()));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    // The closure does not fail, and names are a courtesy.
    debug_assert!(visited.is_ok());
    names.into_iter().collect::<Vec<_>>().join(" or ")
}

/// The project's folder for spilled data or, where the project is read-only, one among the system's temporary files.
fn claim_spill(folder: &Path) -> std::io::Result<SpillFolder> {
    match SpillFolder::claim(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
            SpillFolder::claim_temporary()
        }
        claimed => claimed,
    }
}
