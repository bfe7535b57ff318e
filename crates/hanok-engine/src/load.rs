//! Wiring of `hanok load`.

use std::collections::BTreeMap;
use std::time::Instant;

use hanok_load::{LoadOutcome, Source, read_sources};
use hanok_types::Id;

use crate::report::{LoadReport, LoadedTable, RunCounts};
use crate::staging;
use crate::{Engine, EngineError, Event, Observer};

impl LoadReport {
    pub(crate) fn counts(&self) -> RunCounts {
        RunCounts {
            rows_in: self.tables.iter().map(|table| table.rows_in).sum(),
            rows_out: self.rows_loaded,
            rows_rejected: self.rows_rejected,
        }
    }
}

pub(crate) async fn load(
    engine: &Engine,
    run: Id,
    names: &[String],
    observer: &Observer,
) -> Result<LoadReport, EngineError> {
    let started = Instant::now();
    let sources = read_sources(&engine.project.folder)?;
    let chosen = choose(&sources, names)?;
    staging::may_load(engine, &chosen).await?;
    let mut written = Vec::new();
    let mut report = LoadReport { run: run.to_string(), ..LoadReport::default() };
    for source in chosen {
        let name = source.name.to_string();
        let begun = Instant::now();
        observer(Event::Started { what: "load", name: &name, total: None });
        let progress = |progress: hanok_load::Progress| {
            observer(Event::Progress { what: "load", name: &name, done: progress.rows });
        };
        let outcome = hanok_load::load(&engine.lake, &engine.project.folder, source, &progress).await;
        let rows = outcome.as_ref().map(|outcome| outcome.rows_loaded).unwrap_or_default();
        observer(Event::Finished { what: "load", name: &name, rows, ok: outcome.is_ok() });
        let outcome = outcome?;
        // A load with nothing new has no id.
        written.extend(outcome.load_id.iter().flat_map(|_| outcome.tables.iter().cloned()));
        let table = loaded(outcome, begun);
        report.rows_loaded += table.rows_loaded;
        report.rows_rejected += table.rows_rejected;
        report.tables.push(table);
    }
    engine.compact_after_load(&written).await;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

fn choose<'a>(sources: &'a [Source], names: &[String]) -> Result<Vec<&'a Source>, EngineError> {
    if names.is_empty() {
        return Ok(sources.iter().collect());
    }
    let by_name: BTreeMap<String, &Source> =
        sources.iter().map(|source| (source.name.to_string(), source)).collect();
    names
        .iter()
        .map(|name| {
            by_name.get(name.as_str()).copied().ok_or_else(|| EngineError::UnknownSource {
                name: name.clone(),
                known: by_name.keys().cloned().collect::<Vec<_>>().join(", "),
            })
        })
        .collect()
}

fn loaded(outcome: LoadOutcome, begun: Instant) -> LoadedTable {
    LoadedTable {
        table: outcome.tables.first().cloned().unwrap_or_default(),
        files: outcome.files.len() as u64 - outcome.files_skipped,
        files_skipped: outcome.files_skipped,
        rows_in: outcome.rows_in,
        rows_loaded: outcome.rows_loaded,
        rows_rejected: outcome.rows_rejected,
        load_id: outcome.load_id.unwrap_or_default(),
        seconds: begun.elapsed().as_secs_f64(),
        source: outcome.source,
    }
}
