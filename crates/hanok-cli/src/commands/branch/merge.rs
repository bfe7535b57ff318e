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
    let spinner = Progress::spinner(context.console.bars(), "comparing");
    let report = engine.merge_branch(&args.name, args.into.as_deref(), mode(args.mode), args.dry_run).await?;
    drop(spinner);
    tell(context, &report, args.dry_run, "merged into", |branch, into| {
        format!("{branch} has nothing that {into} does not have\n")
    })
}

pub(super) fn mode(mode: ModeArg) -> MergeMode {
    match mode {
        ModeArg::Strict => MergeMode::Strict,
        ModeArg::Lenient => MergeMode::Lenient,
    }
}

/// Tells how a merge or a rebase ended: what was done, or `nothing` where there was nothing to do.
pub(super) fn tell(
    context: &Context,
    report: &MergeReport,
    dry_run: bool,
    done: &str,
    nothing: impl Fn(&str, &str) -> String,
) -> Result<ExitStatus, CliError> {
    let outcome = &report.outcome;
    context.console.report(report, || match outcome.tables.is_empty() && outcome.conflicts.is_empty() {
        true => nothing(&outcome.branch, &outcome.into),
        false => summary(&context.console, report, dry_run, done),
    })?;
    Ok(if outcome.conflicts.is_empty() { ExitStatus::Success } else { ExitStatus::Unhealthy })
}

fn summary(console: &Console, report: &MergeReport, dry_run: bool, done: &str) -> String {
    let outcome = &report.outcome;
    let (branch, into) = (&outcome.branch, &outcome.into);
    if !outcome.conflicts.is_empty() {
        let mut text = String::new();
        for conflict in &outcome.conflicts {
            let name = console.paint(Tone::Bad, &conflict.table);
            text.push_str(&format!("{name}: {}\n  {}\n", conflict.reason, conflict.remedy));
        }
        let tables = counted(outcome.conflicts.len() as u64, "conflict");
        text.push_str(&format!("\n{branch} is not {done} {into}: {tables}, nothing has changed\n"));
        return text;
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
        true => format!("{tables} of {branch} would be {done} {into}\n"),
        false => format!("{tables} of {branch} {done} {into} in {}\n", duration(report.seconds)),
    };
    format!("{}\n{end}", columns(console, &rows))
}
