//! Wiring of `hanok staging publish`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use hanok_catalog::{RunCounts, RunKind, TableKind, TableRecord};
use hanok_lake::{Lake, LakeError};
use hanok_load::read_sources;
use hanok_publish::{ForeignKey, Origin, Publisher, TableSpec, Target};
use hanok_query::Session;
use hanok_staging::{Plan, TablePlan};
use hanok_types::{Id, TableName};
use serde::Serialize;

use crate::{Engine, EngineError, Event, Observer};

/// What to publish.
pub struct PublishRequest {
    /// A URL of PostgreSQL or SQLite, or a folder.
    pub to: String,
    /// The password for a URL without one.
    pub password: Option<String>,
    /// Tables and views, `schema.table`; all tables but those of rejected rows when empty.
    pub tables: Vec<String>,
    /// The schema in the target for all tables; that of the URL, else each table's own, when there is none.
    pub schema: Option<String>,
    /// A staging plan, for keys, references and indexes. Keys that it does not give are the catalog's.
    pub plan: Option<PathBuf>,
}

/// `hanok staging publish`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishReport {
    /// The run's id.
    pub run: String,
    /// The branch.
    pub branch: String,
    /// The target, without its password.
    pub target: String,
    /// Table by table.
    pub tables: Vec<PublishedTable>,
    /// References of the plan whose other table is not published, and which are not declared therefore.
    pub references_left_out: Vec<String>,
    /// Wall time.
    pub seconds: f64,
}

/// A published table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedTable {
    /// `schema.table` in the lake.
    pub table: String,
    /// `schema.table` in the target.
    pub published_as: String,
    /// Its rows.
    pub rows: u64,
    /// The columns of its primary key.
    pub primary_key: Vec<String>,
    /// How many references it declares.
    pub references: usize,
    /// How many indexes it declares.
    pub indexes: usize,
}

/// A table or view to be read: `sql` reads the version that was there when the publication began.
struct Source {
    name: TableName,
    sql: String,
}

impl Engine {
    /// Publishes the branch's tables into a database or folder: all of them, or nothing has changed there.
    pub async fn publish(
        &self,
        request: &PublishRequest,
        observer: &Observer,
    ) -> Result<PublishReport, EngineError> {
        let mut target = Target::parse(&request.to, request.password.as_deref())?;
        if let Some(schema) = &request.schema {
            target.set_schema(schema)?;
        }
        let run = self.start(RunKind::Publish, &target.to_string()).await?;
        let done = publish(self, run, request, &target, observer).await;
        let rows = done.as_ref().map(|report| report.tables.iter().map(|table| table.rows).sum());
        let rows = rows.unwrap_or_default();
        self.finish(run, done, RunCounts { rows_in: rows, rows_out: rows, rows_rejected: 0 }).await
    }
}

async fn publish(
    engine: &Engine,
    run: Id,
    request: &PublishRequest,
    target: &Target,
    observer: &Observer,
) -> Result<PublishReport, EngineError> {
    let started = Instant::now();
    let plan = request.plan.as_deref().map(Plan::read).transpose()?;
    let session = engine.session.at_once().await?;
    let sources = sources(engine, session.lake(), &request.tables).await?;
    let mut left_out = Vec::new();
    let mut specs = Vec::new();
    for source in &sources {
        let declared = plan.as_ref().and_then(|plan| plan.tables.get(&source.name));
        let mut spec = spec(engine, &session, source, declared).await?;
        spec.foreign_keys = references(declared, &sources, &source.name, &mut left_out);
        if let Some(schema) = target.schema() {
            schema.clone_into(&mut spec.schema);
        }
        specs.push(spec);
    }
    let origin =
        Origin { branch: engine.lake.branch().name.clone(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let mut publisher = Publisher::begin(target, specs.clone(), origin).await?;
    for (at, source) in sources.iter().enumerate() {
        copy(&session, source, &mut publisher, at, observer).await?;
    }
    let rows = publisher.rows().to_vec();
    publisher.commit().await?;
    let tables = sources.iter().zip(&specs).zip(rows).map(|((source, spec), rows)| PublishedTable {
        table: source.name.to_string(),
        published_as: target.name_of(spec),
        rows,
        primary_key: spec.primary_key.clone(),
        references: spec.foreign_keys.len(),
        indexes: spec.indexes.len(),
    });
    Ok(PublishReport {
        run: run.to_string(),
        branch: engine.lake.branch().name.clone(),
        target: target.to_string(),
        tables: tables.collect(),
        references_left_out: left_out,
        seconds: started.elapsed().as_secs_f64(),
    })
}

async fn copy(
    session: &Session,
    source: &Source,
    publisher: &mut Publisher,
    at: usize,
    observer: &Observer,
) -> Result<(), EngineError> {
    let name = source.name.to_string();
    observer(Event::Started { what: "publish", name: &name, total: None });
    let mut stream = session.sql(&source.sql).await?;
    while let Some(batch) = stream.next().await? {
        publisher.write(at, &batch).await?;
        observer(Event::Progress { what: "publish", name: &name, done: publisher.rows()[at] });
    }
    observer(Event::Finished { what: "publish", name: &name, rows: publisher.rows()[at], ok: true });
    Ok(())
}

/// The tables to publish, at their versions of now.
async fn sources(engine: &Engine, lake: &Lake, names: &[String]) -> Result<Vec<Source>, EngineError> {
    let mut records = lake.records().await?;
    if names.is_empty() {
        let sources = read_sources(&engine.project.folder)?;
        let rejects: HashSet<TableName> =
            sources.iter().map(|source| source.rejects_table()).collect::<Result<_, _>>()?;
        records.retain(|record| {
            matches!(record.kind, TableKind::Table { .. }) && !rejects.contains(&record.name)
        });
    } else {
        let mut wanted = Vec::new();
        for name in names {
            let name = TableName::parse(name, "main")?;
            let record = records.iter().find(|record| record.name == name).cloned();
            let record = record.ok_or_else(|| LakeError::Unknown { table: name.clone() })?;
            if !wanted.iter().any(|known: &TableRecord| known.name == name) {
                wanted.push(record);
            }
        }
        records = wanted;
    }
    let mut sources = Vec::new();
    for record in records {
        let name = record.name.clone();
        let mut sql = format!("select * from \"{}\".\"{}\"", name.schema, name.table);
        if matches!(record.kind, TableKind::Table { .. }) {
            // A table that was registered and never committed has no rows and no columns; one that was named must exist.
            let Some(table) = lake.open_record(&record).await? else {
                if names.is_empty() {
                    continue;
                }
                return Err(LakeError::Unknown { table: name }.into());
            };
            if let Some(version) = table.version() {
                sql.push_str(&format!(" for version as of {version}"));
            }
        }
        sources.push(Source { name, sql });
    }
    Ok(sources)
}

async fn spec(
    engine: &Engine,
    session: &Session,
    source: &Source,
    declared: Option<&TablePlan>,
) -> Result<TableSpec, EngineError> {
    let name = &source.name;
    let columns = session.plan(&source.sql).await?.0.schema();
    let primary_key = match declared.map(|table| table.key.clone()) {
        Some(key) if !key.is_empty() => key,
        _ => engine.catalog.key_columns(engine.lake.branch_id(), name).await?,
    };
    Ok(TableSpec {
        schema: name.schema.to_string(),
        name: name.table.to_string(),
        columns,
        primary_key,
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: declared
            .map(|table| table.indexes.iter().map(|index| index.0.clone()).collect())
            .unwrap_or_default(),
    })
}

/// The references of a table to tables that are published with it.
fn references(
    declared: Option<&TablePlan>,
    sources: &[Source],
    name: &TableName,
    left_out: &mut Vec<String>,
) -> Vec<ForeignKey> {
    let mut found = Vec::new();
    for reference in declared.iter().flat_map(|table| &table.references) {
        match sources.iter().position(|source| source.name == reference.table) {
            Some(table) => found.push(ForeignKey {
                columns: reference.columns.clone(),
                table,
                key: reference.key.clone(),
            }),
            None => left_out.push(format!("{name}: {reference}")),
        }
    }
    found
}
