//! `hanok branch list`, `hanok tag list`.

use hanok_engine::{BranchKind, BranchReport};

use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, columns, number, time};
use crate::status::ExitStatus;

/// Lists branches or tags.
pub(crate) async fn list(context: &Context, kind: BranchKind) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let branches = engine.branches(kind).await?;
    let name = match kind {
        BranchKind::Branch => "branches",
        BranchKind::Tag => "tags",
    };
    let report = serde_json::json!({ name: branches });
    context.console.report(&report, || summary(&context.console, &branches))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, branches: &[BranchReport]) -> String {
    if branches.is_empty() {
        return "there are none\n".to_owned();
    }
    let head = [
        Cell::left("name"),
        Cell::left("from"),
        Cell::left("made (UTC)"),
        Cell::right("tables"),
        Cell::left(""),
    ];
    let head = head.into_iter().map(|cell| cell.tone(Tone::Strong)).collect();
    let rows: Vec<_> = std::iter::once(head).chain(branches.iter().map(row)).collect();
    columns(console, &rows)
}

fn row(report: &BranchReport) -> Vec<Cell> {
    let branch = &report.branch;
    let mut notes = Vec::new();
    if branch.protected {
        notes.push("protected".to_owned());
    }
    match branch.expires_us {
        Some(at) if report.expired => notes.push(format!("expired {}", time(at))),
        Some(at) => notes.push(format!("until {}", time(at))),
        None => {}
    }
    vec![
        Cell::left(&branch.name),
        Cell::left(branch.parent_name.as_deref().unwrap_or_default()),
        Cell::left(time(branch.created_us)),
        Cell::right(number(report.tables)),
        Cell::left(notes.join(", ")).tone(if report.expired { Tone::Warn } else { Tone::Faint }),
    ]
}
