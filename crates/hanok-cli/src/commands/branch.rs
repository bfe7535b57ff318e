//! `hanok branch` and `hanok tag`.

mod create;
mod diff;
mod drop;
mod expire;
mod list;
mod merge;
mod protect;
mod rebase;
mod reset;
mod show;

use hanok_engine::{BranchKind, Change, TableDifference};

use crate::args::{BranchCommand, TagCommand};
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, bytes, columns, counted, number};
use crate::status::ExitStatus;

/// Runs a command about branches.
pub(crate) async fn branch(context: &Context, command: BranchCommand) -> Result<ExitStatus, CliError> {
    match command {
        BranchCommand::Create(args) => create::create(context, args, BranchKind::Branch).await,
        BranchCommand::List => list::list(context, BranchKind::Branch).await,
        BranchCommand::Show(args) => show::show(context, &args.name).await,
        BranchCommand::Diff(args) => diff::diff(context, &args).await,
        BranchCommand::Merge(args) => merge::merge(context, &args).await,
        BranchCommand::Rebase(args) => rebase::rebase(context, &args).await,
        BranchCommand::Drop(args) => drop::drop(context, &args.name, BranchKind::Branch).await,
        BranchCommand::Reset(args) => reset::reset(context, &args).await,
        BranchCommand::Protect(args) => protect::protect(context, &args.name, true).await,
        BranchCommand::Unprotect(args) => protect::protect(context, &args.name, false).await,
        BranchCommand::Expire => expire::expire(context).await,
    }
}

/// Runs a command about tags.
pub(crate) async fn tag(context: &Context, command: TagCommand) -> Result<ExitStatus, CliError> {
    match command {
        TagCommand::Create(args) => create::create(context, args, BranchKind::Tag).await,
        TagCommand::List => list::list(context, BranchKind::Tag).await,
        TagCommand::Drop(args) => drop::drop(context, &args.name, BranchKind::Tag).await,
    }
}

fn kind(kind: BranchKind) -> &'static str {
    match kind {
        BranchKind::Branch => "branch",
        BranchKind::Tag => "tag",
    }
}

/// Differences, a line each.
fn differences(console: &Console, differences: &[TableDifference]) -> String {
    let rows: Vec<_> = differences.iter().map(difference).collect();
    columns(console, &rows)
}

fn difference(change: &TableDifference) -> Vec<Cell> {
    let (sign, tone) = match change.change {
        Change::Added => ("+", Tone::Good),
        Change::Removed => ("-", Tone::Bad),
        Change::Changed | Change::Replaced => ("~", Tone::Warn),
    };
    let rows = match (change.rows_before, change.rows_after) {
        (Some(before), Some(after)) => format!("{} → {}", number(before), counted(after, "row")),
        (None, Some(rows)) | (Some(rows), None) => counted(rows, "row"),
        (None, None) => String::new(),
    };
    let mut facts = Vec::new();
    if change.change == Change::Replaced {
        facts.push("another table of the same name".to_owned());
    }
    if change.files_added > 0 {
        facts.push(format!("{} added ({})", counted(change.files_added, "file"), bytes(change.bytes_added)));
    }
    if change.files_removed > 0 {
        facts.push(format!("{} removed", counted(change.files_removed, "file")));
    }
    for (what, names) in [("new", &change.columns_added), ("gone", &change.columns_removed)] {
        if !names.is_empty() {
            facts.push(format!("{what} columns {}", names.join(", ")));
        }
    }
    facts.extend(change.columns_changed.iter().cloned());
    vec![
        Cell::left(sign).tone(tone),
        Cell::left(&change.table),
        Cell::left(rows),
        Cell::left(facts.join(", ")),
    ]
}
