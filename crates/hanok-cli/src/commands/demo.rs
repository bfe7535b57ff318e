//! `hanok demo`: the whole way on the flights example, with a summary at the end.

mod july;
mod lookup;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use hanok_charts::{Style, svg};
use hanok_config::{FlagLayer, PROJECT_FILE, Project};
use hanok_engine::{
    AskingOptions, BuildRequest, ColumnChoice, DataRequest, Engine, ExplainRequest, JoinRequest,
    MaterializeRequest, OutputKind, PlotKind, PlotRequest, PredictRequest, RowKey, RowSource, Selection,
    Template, plot_file, write_picture,
};

use self::report::DemoReport;
use super::build::{is_healthy, troubles};
use crate::args::DemoArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration};
use crate::status::ExitStatus;

/// The name in the flights example's `hanok.yaml`.
const PROJECT_NAME: &str = "flights";
/// The feature service of the example.
const SERVICE: &str = "departure_delay";
/// The table of entity rows of the example.
const LABELS: &str = "mart.departure_labels";
/// All departures, which can be entity rows too.
const LABELS_TABLE: &str = "mart.departures";
/// The training set, in the project's folder.
const TRAINING_FILE: &str = "training.parquet";
/// What it is registered as, and the example's model file.
const MODEL: (&str, &str) = ("delay", "trained/delay.json");
/// The predictions, in the project's folder.
const PREDICTIONS_FILE: &str = "predictions.parquet";
/// The explanation, in the project's folder.
const EXPLANATION_FILE: &str = "explanation.parquet";

/// The charts, in the project's folder.
const CHARTS: [(PlotKind, &str); 2] =
    [(PlotKind::Beeswarm, "beeswarm.svg"), (PlotKind::Waterfall, "waterfall.svg")];
/// The row of the training set whose prediction is explained by itself.
const ROW: u64 = 5000;

/// Runs every step of the example and sums them up.
pub(crate) async fn demo(context: &Context, args: &DemoArgs) -> Result<ExitStatus, CliError> {
    let started = Instant::now();
    let console = &context.console;
    let mut report = DemoReport::new(&args.dir);
    let engine = open(context, &args.dir, &mut report).await?;
    load(console, &engine, &mut report).await?;
    if !build(console, &engine, &mut report).await? {
        report.seconds.total = started.elapsed().as_secs_f64();
        if console.json {
            console.object(&report)?;
        }
        return Ok(ExitStatus::Unhealthy);
    }
    apply(console, &engine, &mut report).await?;
    join(console, &engine, &args.dir, &mut report).await?;
    materialize(console, &engine, &mut report).await?;
    predict(console, &engine, &args.dir, &mut report).await?;
    explain(console, &engine, &args.dir, &mut report).await?;
    plot(console, &args.dir, &mut report).await?;
    serve(console, &engine, &mut report).await?;
    july::drift(console, &engine, &args.dir, &mut report).await?;
    july::swap(console, &engine, &args.dir, &mut report).await?;
    report.seconds.total = started.elapsed().as_secs_f64();
    console.report(&report, || report.closing(console))?;
    Ok(ExitStatus::Success)
}

/// One line for a step that has ended.
fn step(console: &Console, name: &str, text: &str, seconds: f64) -> Result<(), CliError> {
    let row = vec![
        Cell::left(format!("{name:<11}")).tone(Tone::Good),
        Cell::left(format!("{text:<66}")),
        Cell::right(format!("{:>8}", duration(seconds))),
    ];
    console.say(&columns(console, &[row]))
}

async fn open(context: &Context, folder: &Path, report: &mut DemoReport) -> Result<Engine, CliError> {
    let started = Instant::now();
    let shown = folder.display();
    let text = if folder.join(PROJECT_FILE).is_file() {
        format!("using the project in {shown} again")
    } else if is_empty(folder) {
        let files = hanok_engine::init(folder, Template::Flights)?;
        format!("{} of the flights example in {shown}", counted(files.len() as u64, "file"))
    } else {
        return Err(CliError::DemoFolder(folder.to_owned()));
    };
    let flags = FlagLayer { project: Some(folder.to_owned()), ..context.flags.clone() };
    let project = Project::find(&flags)?;
    if project.name != PROJECT_NAME {
        return Err(CliError::DemoFolder(folder.to_owned()));
    }
    let engine = Engine::open(project).await?;
    report.seconds.init = started.elapsed().as_secs_f64();
    step(&context.console, "init", &text, report.seconds.init)?;
    Ok(engine)
}

/// Whether nothing would be mixed up with the example: no such folder, or an empty one.
fn is_empty(folder: &Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// The features of departures.
fn with_features(entities: RowSource, output: PathBuf) -> JoinRequest {
    JoinRequest {
        entities,
        selection: Selection::Service(SERVICE.to_owned()),
        timestamp: None,
        full_feature_names: false,
        as_known_at: false,
        output,
    }
}

async fn load(console: &Console, engine: &Engine, report: &mut DemoReport) -> Result<(), CliError> {
    let progress = Progress::new(console.bars());
    let loaded = engine.load(&[], &progress.observer()).await?;
    drop(progress);
    report.rows_loaded = loaded.rows_loaded;
    report.rows_rejected = loaded.rows_rejected;
    report.seconds.load = loaded.seconds;
    let tables = counted(loaded.tables.len() as u64, "raw table");
    let text = match loaded.tables.iter().map(|table| table.files).sum::<u64>() {
        0 => format!("{tables} loaded before"),
        _ => {
            format!("{} into {tables}, {} rejected", counted(loaded.rows_loaded, "row"), loaded.rows_rejected)
        }
    };
    step(console, "load", &text, loaded.seconds)
}

/// Returns whether all went well.
async fn build(console: &Console, engine: &Engine, report: &mut DemoReport) -> Result<bool, CliError> {
    let progress = Progress::new(console.bars());
    let built = engine.build(BuildRequest::default(), &progress.observer()).await?;
    drop(progress);
    report.models_built = built.models_built;
    report.tests_passed = built.tests_passed;
    report.tests_failed = built.tests_failed;
    report.seconds.build = built.seconds;
    let (models, tests) = (counted(built.models_built, "model"), counted(built.tests_passed, "test"));
    step(console, "build", &format!("{models} built, {tests} passed"), built.seconds)?;
    console.say(&troubles(console, &built))?;
    Ok(is_healthy(&built))
}

async fn apply(console: &Console, engine: &Engine, report: &mut DemoReport) -> Result<(), CliError> {
    let started = Instant::now();
    let spinner = Progress::spinner(console.bars(), "checking definitions");
    let applied = engine.apply().await?;
    drop(spinner);
    report.seconds.apply = started.elapsed().as_secs_f64();
    let text = format!("{} registered", super::apply::registered(&applied));
    step(console, "apply", &text, report.seconds.apply)
}

async fn join(
    console: &Console,
    engine: &Engine,
    folder: &Path,
    report: &mut DemoReport,
) -> Result<(), CliError> {
    let request = with_features(RowSource::Table(LABELS.to_owned()), folder.join(TRAINING_FILE));
    let progress = Progress::new(console.bars());
    let spinner = Progress::spinner(console.bars(), "joining");
    let joined = engine.join(request, &progress.observer()).await?;
    drop((spinner, progress));
    report.training_rows = joined.rows;
    report.training_file = joined.output;
    report.seconds.join = joined.seconds;
    let (rows, names) = (counted(joined.rows, "row"), counted(joined.columns.len() as u64, "column"));
    step(console, "join", &format!("{rows} with {names} in {TRAINING_FILE}"), joined.seconds)
}

async fn materialize(console: &Console, engine: &Engine, report: &mut DemoReport) -> Result<(), CliError> {
    let progress = Progress::new(console.bars());
    let done = engine.materialize(MaterializeRequest::default(), &progress.observer()).await?;
    drop(progress);
    report.online_keys = done.online_keys;
    report.seconds.materialize = done.seconds;
    let views = counted(done.views.len() as u64, "feature view");
    let text = format!("{} of {views} in the online store", counted(done.online_keys, "key"));
    step(console, "materialize", &text, done.seconds)
}

/// The example's model on the training set's month.
fn data(folder: &Path) -> DataRequest {
    DataRequest {
        model: MODEL.0.to_owned(),
        rows: RowSource::File(folder.join(TRAINING_FILE)),
        columns: ColumnChoice::default(),
        rows_max: None,
    }
}

async fn predict(
    console: &Console,
    engine: &Engine,
    folder: &Path,
    report: &mut DemoReport,
) -> Result<(), CliError> {
    let added = engine.add_model(MODEL.0, &folder.join(MODEL.1)).await?.version;
    let progress = Progress::new(console.bars());
    let request = PredictRequest { data: data(folder), output: folder.join(PREDICTIONS_FILE) };
    let predicted = engine.predict(request, Arc::from(progress.observer())).await?;
    drop(progress);
    report.model = format!("{}@{}", added.name, added.version);
    report.rows_predicted = predicted.rows;
    report.seconds.predict = predicted.seconds;
    let (rows, trees) = (counted(predicted.rows, "row"), counted(added.facts.trees, "tree"));
    let text = format!("{rows} by {trees} of {} in {PREDICTIONS_FILE}", added.facts.format);
    step(console, "predict", &text, predicted.seconds)
}

async fn explain(
    console: &Console,
    engine: &Engine,
    folder: &Path,
    report: &mut DemoReport,
) -> Result<(), CliError> {
    let progress = Progress::new(console.bars());
    let request = ExplainRequest {
        data: data(folder),
        method: None,
        background: None,
        asking: AskingOptions::default(),
        output: OutputKind::Raw,
        interactions: false,
        check: true,
    };
    let file = folder.join(EXPLANATION_FILE);
    let explained = engine.explain(request, Some(file), Arc::from(progress.observer())).await?;
    drop(progress);
    report.explanation_file = explained.file.unwrap_or_default();
    report.seconds.explain = explained.seconds;
    let features = explained.importance.first().map(|output| output.features.as_slice()).unwrap_or_default();
    let most: Vec<_> = features.iter().take(2).map(|feature| feature.feature.clone()).collect();
    report.most_important = most;
    let (rows, most) = (counted(explained.rows, "row"), report.most_important.join(", "));
    step(console, "explain", &format!("{rows}; what matters most: {most}"), explained.seconds)
}

async fn plot(console: &Console, folder: &Path, report: &mut DemoReport) -> Result<(), CliError> {
    let started = Instant::now();
    for (kind, name) in CHARTS {
        let row = (kind == PlotKind::Waterfall).then_some(RowKey::Number(ROW));
        let request = PlotRequest { row, ..PlotRequest::new(kind) };
        let plotted = plot_file(folder.join(EXPLANATION_FILE), request).await?;
        let path = folder.join(name);
        write_picture(&path, svg(&plotted.chart, &Style::default())?.as_bytes())?;
        report.charts.push(path);
    }
    report.seconds.plot = started.elapsed().as_secs_f64();
    let names = CHARTS.map(|(_, name)| name).join(" and ");
    step(console, "plot", &format!("{names}, of all flights and of flight {ROW}"), report.seconds.plot)
}

async fn serve(console: &Console, engine: &Engine, report: &mut DemoReport) -> Result<(), CliError> {
    let started = Instant::now();
    let spinner = Progress::spinner(console.bars(), "asking the server");
    let looked_up = lookup::lookup(engine, SERVICE, MODEL.0).await?;
    drop(spinner);
    report.seconds.serve = started.elapsed().as_secs_f64();
    let text = format!(
        "POST http://{}/get-online-features answered in {:.1} ms",
        looked_up.address, looked_up.wait_ms
    );
    report.lookup_request = looked_up.request;
    report.lookup = looked_up.answer;
    report.lookup_explanation = looked_up.explanation;
    step(console, "serve", &text, report.seconds.serve)
}
