//! The last steps: January's flights against July's, and the model that would take January's place.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hanok_charts::Language;
use hanok_drift::Verdict;
use hanok_engine::{
    ColumnChoice, DriftPlace, DriftRequest, DriftSide, Engine, EngineError, ImportanceSource, RowSource,
    SwapRequest, write_picture,
};

use super::report::DemoReport;
use super::{LABELS_TABLE, MODEL, TRAINING_FILE, step, with_features};
use crate::commands::drift::Form;
use crate::commands::swap;
use crate::console::Console;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::counted;

/// July's flights with their features, in the project's folder.
const JULY_FILE: &str = "july.parquet";
/// The model that was trained on May and June.
const NEXT_MODEL: &str = "trained/delay_next.txt";
/// The reports, in the project's folder.
const DRIFT_FILE: &str = "drift.html";
const SWAP_FILE: &str = "swap.html";
/// The outcome, in minutes.
const LABEL: &str = "dep_delay";
/// What is compared beside the features: all that is no name and no number of a flight.
const FLIGHT_COLUMNS: [&str; 7] =
    ["carrier", "origin", "dest", "sched_dep_hour", "distance_mi", LABEL, "cancelled"];
/// What a flight is called.
const KEYS: [&str; 4] = ["carrier", "flight_number", "dest", "event_timestamp"];
/// What the sides are called.
const MONTHS: [&str; 2] = ["January", "July"];
/// Rows that both models explain.
const SAMPLE_ROWS: usize = 5000;
/// Names of a line of the summary.
const NAMES_SHOWN: usize = 2;

/// January against July, column by column.
pub(super) async fn drift(
    console: &Console,
    engine: &Engine,
    folder: &Path,
    report: &mut DemoReport,
) -> Result<(), CliError> {
    let started = Instant::now();
    let progress = Progress::new(console.bars());
    let entities = RowSource::Sql(format!("select * from {LABELS_TABLE} where month = 7"));
    let request = with_features(entities, folder.join(JULY_FILE));
    engine.join(request, &progress.observer()).await?;
    let features = engine.model_version(MODEL.0).await?.facts.features;
    let columns = FLIGHT_COLUMNS.map(str::to_owned).into_iter().chain(features);
    let request = DriftRequest {
        reference: DriftSide::file(&folder.join(TRAINING_FILE)),
        current: DriftSide::file(&folder.join(JULY_FILE)),
        columns: columns.collect(),
        time: None,
        by: None,
        importance: Some(ImportanceSource::Model(MODEL.0.to_owned())),
        together: true,
        options: hanok_drift::Options::default(),
    };
    let mut found = DriftPlace::of(engine).drift(request, Arc::from(progress.observer())).await?.report;
    drop(progress);
    "Flights from New York: January → July 2013".clone_into(&mut found.title);
    for (side, name) in found.sides.iter_mut().zip(MONTHS) {
        name.clone_into(&mut side.name);
    }
    let path = folder.join(DRIFT_FILE);
    write_picture(&path, found.html(Language::En).map_err(EngineError::from)?.as_bytes())?;
    let importance = found.importance.as_ref().map(|importance| importance.columns.as_slice());
    let ranked = found.report.ranked(importance.unwrap_or_default());
    let drifted = ranked.iter().filter(|ranked| ranked.verdict == Verdict::Drifted);
    report.drifted = drifted.map(|ranked| found.report.columns[ranked.column].name.clone()).collect();
    report.drift_report = path;
    report.seconds.drift = started.elapsed().as_secs_f64();
    let names = report.drifted.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let (drifted, columns) = (report.drifted.len(), counted(ranked.len() as u64, "column"));
    let text = format!("{drifted} of {columns} other in July than in January: {names}, …");
    step(console, "drift", &text, report.seconds.drift)
}

/// The model in use and the next one on July's flights.
pub(super) async fn swap(
    console: &Console,
    engine: &Engine,
    folder: &Path,
    report: &mut DemoReport,
) -> Result<(), CliError> {
    let progress = Progress::new(console.bars());
    let request = SwapRequest {
        models: [MODEL.0.to_owned(), folder.join(NEXT_MODEL).display().to_string()],
        rows: DriftSide::file(&folder.join(JULY_FILE)),
        columns: ColumnChoice {
            features: Vec::new(),
            keys: Some(KEYS.map(str::to_owned).to_vec()),
            label: Some(LABEL.to_owned()),
        },
        segments: vec!["origin".to_owned(), "carrier".to_owned()],
        output: None,
        reference: Some(DriftSide::file(&folder.join(TRAINING_FILE))),
        time: None,
        threshold: None,
        metric: None,
        gates: Vec::new(),
        sample_rows: SAMPLE_ROWS,
        seed: 0,
    };
    let mut found = engine.swap(request, Arc::from(progress.observer())).await?;
    drop(progress);
    for (side, name) in found.report.inputs.iter_mut().flat_map(|inputs| &mut inputs.sides).zip(MONTHS) {
        name.clone_into(&mut side.name);
    }
    let path = folder.join(SWAP_FILE);
    swap::write(&found, Form::Html, &path, Language::En)?;
    let compared = &found.report.swap;
    let decides = compared.differences.iter().find(|difference| difference.metric == compared.metric);
    let [before, after] = decides.map(|difference| difference.values).unwrap_or_default();
    let (word, _) = swap::verdict(compared.verdict);
    word.clone_into(&mut report.swap_verdict);
    report.swap_errors = [before, after];
    report.swap_report = path;
    report.seconds.swap = found.seconds;
    let error = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"));
    let (before, after) = (error(before), error(after));
    let text = format!("for one of May and June: RMSE {before} → {after} min in July; {word}");
    step(console, "swap", &text, found.seconds)
}
