//! Wiring of `hanok optimize`.

use std::num::NonZeroU64;
use std::time::Instant;

use hanok_catalog::TableKind;
use hanok_types::{Id, TableName};

use crate::engine::OptimizeRequest;
use crate::report::{OptimizeReport, OptimizedTable};
use crate::{Engine, EngineError, Event, Observer};

/// Delta's own default is 100 MB; a power of two of about that size.
const TARGET_BYTES: NonZeroU64 = NonZeroU64::MIN.saturating_add((128 << 20) - 1);

pub(crate) async fn optimize(
    engine: &Engine,
    run: Id,
    request: &OptimizeRequest,
    observer: &Observer,
) -> Result<OptimizeReport, EngineError> {
    let started = Instant::now();
    let mut report = OptimizeReport { run: run.to_string(), ..OptimizeReport::default() };
    for name in tables(engine, &request.tables).await? {
        // A table that was registered and never committed has nothing to join; one that the user named must exist.
        let table = match request.tables.is_empty() {
            true => engine.lake.find(&name).await?,
            false => Some(engine.lake.table(&name).await?),
        };
        let Some(mut table) = table else { continue };
        let (title, begun) = (name.to_string(), Instant::now());
        observer(Event::Started { what: "table", name: &title, total: None });
        let joined = table.optimize(TARGET_BYTES).await?;
        let files_deleted = match request.vacuum_older_than {
            Some(age) => table.vacuum(age).await?.files_deleted,
            None => 0,
        };
        observer(Event::Finished { what: "table", name: &title, rows: 0, ok: true });
        report.tables.push(OptimizedTable {
            table: title,
            files_removed: joined.files_removed,
            files_added: joined.files_added,
            files_deleted,
            seconds: begun.elapsed().as_secs_f64(),
        });
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

async fn tables(engine: &Engine, names: &[String]) -> Result<Vec<TableName>, EngineError> {
    if !names.is_empty() {
        let names = names.iter().map(|name| TableName::parse(name, "main"));
        return Ok(names.collect::<Result<_, _>>()?);
    }
    let records = engine.lake.records().await?;
    let tables = records.into_iter().filter(|record| matches!(record.kind, TableKind::Table { .. }));
    Ok(tables.map(|record| record.name).collect())
}
