//! `hanok staging publish`.

use hanok_engine::{Engine, PublishReport, PublishRequest};

use crate::args::StagingPublishArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration};
use crate::status::ExitStatus;

/// Publishes a branch's tables and says which.
pub(crate) async fn publish(context: &Context, args: StagingPublishArgs) -> Result<ExitStatus, CliError> {
    let mut project = context.project()?;
    project.branch.value = args.name;
    let engine = Engine::open(project).await?;
    let request = PublishRequest {
        to: args.to,
        password: std::env::var("PGPASSWORD").ok(),
        tables: args.tables,
        schema: args.schema,
        plan: args.plan,
    };
    let progress = Progress::new(context.console.bars());
    let report = engine.publish(&request, &progress.observer()).await?;
    drop(progress);
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &PublishReport) -> String {
    let rows = report.tables.iter().map(|table| {
        let mut facts = Vec::new();
        if !table.primary_key.is_empty() {
            facts.push(format!("key {}", table.primary_key.join(", ")));
        }
        if table.references > 0 {
            facts.push(counted(table.references as u64, "reference"));
        }
        if table.indexes > 0 {
            facts.push(counted_indexes(table.indexes));
        }
        vec![
            Cell::left(&table.published_as),
            Cell::right(counted(table.rows, "row")),
            Cell::left(facts.join("; ")).tone(Tone::Faint),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let mut text = columns(console, &rows);
    for reference in &report.references_left_out {
        let note = console.paint(Tone::Warn, "not declared:");
        text.push_str(&format!("{note} {reference}, whose table is not published\n"));
    }
    let tables = counted(rows.len() as u64, "table");
    let (branch, target) = (&report.branch, &report.target);
    format!("{text}\n{tables} of {branch} published to {target} in {}\n", duration(report.seconds))
}

fn counted_indexes(count: usize) -> String {
    if count == 1 { "1 index".to_owned() } else { format!("{count} indexes") }
}
