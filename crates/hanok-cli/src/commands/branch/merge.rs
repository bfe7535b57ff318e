//! `hanok branch merge`.

use hanok_engine::{MergeMode, MergeReport};

use crate::args::{MergeArgs, ModeArg};
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration};
use crate::status::ExitStatus;

/// Merges a branch into its parent, or says why not.
pub(crate) async fn merge(context: &Context, args: &MergeArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let mode = match args.mode {
        ModeArg::Strict => MergeMode::Strict,
        ModeArg::Lenient => MergeMode::Lenient,
    };
    let spinner = Progress::spinner(context.console.bars(), "comparing");
    let report = engine.merge_branch(&args.name, args.into.as_deref(), mode, args.dry_run).await?;
    drop(spinner);
    context.console.report(&report, || summary(&context.console, &report, args.dry_run))?;
    Ok(if report.outcome.conflicts.is_empty() { ExitStatus::Success } else { ExitStatus::Unhealthy })
}

fn summary(console: &Console, report: &MergeReport, dry_run: bool) -> String {
    let outcome = &report.outcome;
    let (branch, into) = (&outcome.branch, &outcome.into);
    if !outcome.conflicts.is_empty() {
        let mut text = String::new();
        for conflict in &outcome.conflicts {
            let name = console.paint(Tone::Bad, &conflict.table);
            text.push_str(&format!("{name}: {}\n  {}\n", conflict.reason, conflict.remedy));
        }
        let tables = counted(outcome.conflicts.len() as u64, "conflict");
        text.push_str(&format!("\n{branch} is not merged into {into}: {tables}, nothing has changed\n"));
        return text;
    }
    if outcome.tables.is_empty() {
        return format!("{branch} has nothing that {into} does not have\n");
    }
    let rows = outcome.tables.iter().map(|table| {
        let mut facts = Vec::new();
        if table.files_added > 0 {
            facts.push(format!("{} added", counted(table.files_added, "file")));
        }
        if table.files_removed > 0 {
            facts.push(format!("{} removed", counted(table.files_removed, "file")));
        }
        if let Some(rows) = &table.rows {
            for (count, did) in [(rows.added, "added"), (rows.changed, "changed"), (rows.removed, "removed")]
            {
                if count > 0 {
                    facts.push(format!("{} {did}", counted(count, "row")));
                }
            }
        }
        vec![Cell::left(&table.table), Cell::left(table.what), Cell::left(facts.join(", "))]
    });
    let rows: Vec<_> = rows.collect();
    let tables = counted(rows.len() as u64, "table");
    let end = match dry_run {
        true => format!("{tables} of {branch} would be merged into {into}\n"),
        false => format!("{tables} of {branch} merged into {into} in {}\n", duration(report.seconds)),
    };
    format!("{}\n{end}", columns(console, &rows))
}
