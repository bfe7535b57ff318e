//! `hanok model`.

use hanok_engine::{AddedModel, ModelVersion};

use crate::args::{ModelAddArgs, ModelCommand};
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, bytes, columns, counted, number, time};
use crate::status::ExitStatus;

/// Runs a command about predictive models.
pub(crate) async fn model(context: &Context, command: ModelCommand) -> Result<ExitStatus, CliError> {
    match command {
        ModelCommand::Add(args) => add(context, &args).await,
        ModelCommand::List => list(context).await,
        ModelCommand::Show(args) => show(context, &args.name).await,
    }
}

async fn add(context: &Context, args: &ModelAddArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let added = engine.add_model(&args.name, &args.file).await?;
    context.console.report(&added, || {
        let AddedModel { version, new } = &added;
        let note = if *new { "" } else { ", which had been added before" };
        format!("{}@{}{note}: {}\n", version.name, version.version, contents(version))
    })?;
    Ok(ExitStatus::Success)
}

/// `XGBoost 3.1.0, 120 trees, 14 features, 1 output`.
fn contents(version: &ModelVersion) -> String {
    let facts = &version.facts;
    let counts = [(facts.trees, "tree"), (facts.feature_count, "feature"), (facts.outputs, "output")];
    // Graphs of other operators have no trees, and may leave the rest open.
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what));
    std::iter::once(facts.format.clone()).chain(counts).collect::<Vec<_>>().join(", ")
}

async fn list(context: &Context) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let versions = engine.model_versions(None).await?;
    let report = serde_json::json!({ "models": versions });
    context.console.report(&report, || match versions.is_empty() {
        true => "there are none; `hanok model add NAME FILE` registers one\n".to_owned(),
        false => table(&context.console, &versions),
    })?;
    Ok(ExitStatus::Success)
}

fn table(console: &Console, versions: &[ModelVersion]) -> String {
    let head = ["model", "added (UTC)", "format"].map(Cell::left);
    let numbers = ["trees", "features", "outputs", "size"].map(Cell::right);
    let head = head.into_iter().chain(numbers).map(|cell| cell.tone(Tone::Strong)).collect();
    let row = |version: &ModelVersion| {
        let facts = &version.facts;
        vec![
            Cell::left(format!("{}@{}", version.name, version.version)),
            Cell::left(time(version.added_us)),
            Cell::left(&facts.format),
            Cell::right(number(facts.trees)),
            Cell::right(number(facts.feature_count)),
            Cell::right(number(facts.outputs)),
            Cell::right(bytes(facts.bytes)),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(versions.iter().map(row)).collect();
    columns(console, &rows)
}

async fn show(context: &Context, reference: &str) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let version = engine.model_version(reference).await?;
    let versions = engine.model_versions(Some(&version.name)).await?;
    context.console.report(&version, || details(&context.console, &version, &versions))?;
    Ok(ExitStatus::Success)
}

fn details(console: &Console, version: &ModelVersion, versions: &[ModelVersion]) -> String {
    let facts = &version.facts;
    let cover = match (facts.has_cover, facts.trees) {
        (true, _) => "path, interventional, and those that ask the model",
        (false, 0) => "those that ask the model, such as permutation",
        (false, _) => "interventional, and those that ask the model: the file has no covers",
    };
    let features = match facts.features.is_empty() {
        true if facts.feature_count == 0 => "any number: give them with --columns".to_owned(),
        true => format!("{}, without names: give them with --columns", number(facts.feature_count)),
        false => facts.features.join(", "),
    };
    let rows = [
        ("model", format!("{}@{}", version.name, version.version)),
        ("contents", contents(version)),
        ("methods", cover.to_owned()),
        ("added", format!("{} UTC from {}", time(version.added_us), facts.source)),
        ("SHA-256", facts.sha256.clone()),
        ("size", bytes(facts.bytes)),
        ("features", features),
    ];
    let rows = rows.map(|(name, text)| vec![Cell::left(name).tone(Tone::Faint), Cell::left(text)]);
    let mut text = columns(console, &rows);
    if versions.len() > 1 {
        text.push('\n');
        text.push_str(&table(console, versions));
    }
    text
}
