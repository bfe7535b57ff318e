//! The project's catalog as DataFusion sees it during one query.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::CatalogProviderList as _;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProviderList, SchemaProvider, TableProvider};
use datafusion::datasource::ViewTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::TableType;
use hanok_catalog::{TableKind, TableRecord};
use hanok_lake::{AsOf, Lake};
use tokio::sync::Mutex;

use crate::{system, time_travel};

/// The one catalog of a session.
pub(crate) const CATALOG: &str = "hanok";
/// Views over views over views: deeper is a cycle or a mistake.
const VIEW_DEPTH_MAX: usize = 32;

/// What the schemas of one query share.
#[derive(Debug)]
struct Shared {
    lake: Lake,
    base: SessionState,
    records: BTreeMap<String, BTreeMap<String, TableRecord>>,
    /// Tables that the query has opened, so that it sees each at one version.
    opened: Mutex<HashMap<String, Arc<dyn TableProvider>>>,
}

/// A session state for one query, whose catalog is `records`. Tables in `opened` are taken as they are there.
pub(crate) fn query_state(
    lake: &Lake,
    base: &SessionState,
    records: Vec<TableRecord>,
    opened: HashMap<String, Arc<dyn TableProvider>>,
) -> SessionState {
    let mut schemas: BTreeMap<String, BTreeMap<String, TableRecord>> = BTreeMap::new();
    for record in records {
        let schema = schemas.entry(record.name.schema.to_string()).or_default();
        schema.insert(record.name.table.to_string(), record);
    }
    // Names that only this query knows need their schema to be there.
    for schema in opened.keys().filter_map(|name| name.split('.').next()) {
        schemas.entry(schema.to_owned()).or_default();
    }
    let shared =
        Shared { lake: lake.clone(), base: base.clone(), records: schemas, opened: Mutex::new(opened) };
    state_at_depth(&Arc::new(shared), 0)
}

fn state_at_depth(shared: &Arc<Shared>, view_depth: usize) -> SessionState {
    let list = MemoryCatalogProviderList::new();
    list.register_catalog(CATALOG.to_owned(), Arc::new(LakeCatalog { shared: shared.clone(), view_depth }));
    SessionStateBuilder::new_from_existing(shared.base.clone()).with_catalog_list(Arc::new(list)).build()
}

#[derive(Debug)]
struct LakeCatalog {
    shared: Arc<Shared>,
    view_depth: usize,
}

impl CatalogProvider for LakeCatalog {
    fn schema_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.shared.records.keys().cloned().collect();
        if !self.shared.records.contains_key(system::SCHEMA) {
            names.push(system::SCHEMA.to_owned());
        }
        names
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        if !self.shared.records.contains_key(name) && name != system::SCHEMA {
            return None;
        }
        let (shared, view_depth) = (self.shared.clone(), self.view_depth);
        Some(Arc::new(LakeSchema { shared, name: name.to_owned(), view_depth }))
    }
}

#[derive(Debug)]
struct LakeSchema {
    shared: Arc<Shared>,
    name: String,
    view_depth: usize,
}

impl LakeSchema {
    fn record(&self, table: &str) -> Option<&TableRecord> {
        self.shared.records.get(&self.name)?.get(table)
    }

    async fn open(
        &self,
        record: &TableRecord,
        as_of: Option<AsOf>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        match (&record.kind, as_of) {
            (TableKind::View { .. }, Some(_)) => Err(DataFusionError::Plan(format!(
                "`{}` is a view: it has no versions of its own",
                record.name
            ))),
            (TableKind::View { sql }, None) => Ok(Some(self.open_view(record, sql).await?)),
            (TableKind::Table { .. }, as_of) => {
                let lake = &self.shared.lake;
                let table = match as_of {
                    Some(as_of) => Some(lake.table_as_of(&record.name, as_of).await.map_err(external)?),
                    None => lake.open_record(record).await.map_err(external)?,
                };
                match table {
                    Some(table) => Ok(Some(table.provider().await.map_err(external)?)),
                    None => Ok(None),
                }
            }
        }
    }

    async fn open_view(&self, record: &TableRecord, sql: &str) -> Result<Arc<dyn TableProvider>> {
        if self.view_depth >= VIEW_DEPTH_MAX {
            return Err(DataFusionError::Plan(format!(
                "`{}` is more than {VIEW_DEPTH_MAX} views deep: views refer to each other in a circle",
                record.name
            )));
        }
        let state = state_at_depth(&self.shared, self.view_depth + 1);
        let rewritten =
            time_travel::rewrite(sql).map_err(|error| DataFusionError::Plan(error.to_string()))?;
        let plan = Box::pin(state.create_logical_plan(&rewritten)).await.map_err(|error| {
            let reason = error.strip_backtrace();
            DataFusionError::Plan(format!("the view `{}` does not work: {reason}", record.name))
        })?;
        Ok(Arc::new(ViewTable::new(plan, Some(sql.to_owned()))))
    }
}

fn external(error: hanok_lake::LakeError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .shared
            .records
            .get(&self.name)
            .map(|tables| tables.keys().cloned().collect())
            .unwrap_or_default();
        if self.name == system::SCHEMA {
            names.extend(system::TABLES.iter().map(ToString::to_string));
        }
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if self.name == system::SCHEMA && system::TABLES.contains(&name) {
            return system::table(&self.shared.lake, name).await.map(Some);
        }
        let key = format!("{}.{name}", self.name);
        if let Some(opened) = self.shared.opened.lock().await.get(&key) {
            return Ok(Some(opened.clone()));
        }
        let (table, as_of) = time_travel::split(name).map_err(DataFusionError::Plan)?;
        let Some(record) = self.record(table) else { return Ok(None) };
        let opened = self.open(record, as_of).await?;
        if let Some(provider) = &opened {
            // Of two that opened it at once, the first to arrive here decides the version.
            let mut all = self.shared.opened.lock().await;
            return Ok(Some(all.entry(key).or_insert_with(|| provider.clone()).clone()));
        }
        Ok(None)
    }

    /// What the information schema asks of every table: answered without opening it, so that one broken view does not
    /// hide all others.
    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        if self.name == system::SCHEMA && system::TABLES.contains(&name) {
            return Ok(Some(TableType::Base));
        }
        Ok(self.record(name).map(|record| match record.kind {
            TableKind::Table { .. } => TableType::Base,
            TableKind::View { .. } => TableType::View,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        time_travel::split(name).is_ok_and(|(table, _)| self.record(table).is_some())
            || (self.name == system::SCHEMA && system::TABLES.contains(&name))
    }
}
