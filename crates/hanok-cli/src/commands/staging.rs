//! `hanok staging`.

mod create;
mod list;
mod publish;
mod show;

use hanok_engine::{StagingReport, TableManifest};

use crate::args::StagingCommand;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, bytes, columns, number};
use crate::status::ExitStatus;

/// Runs a command about staging branches.
pub(crate) async fn staging(context: &Context, command: StagingCommand) -> Result<ExitStatus, CliError> {
    match command {
        StagingCommand::Create(args) => create::create(context, args).await,
        StagingCommand::List => list::list(context).await,
        StagingCommand::Show(args) => show::show(context, &args.name).await,
        StagingCommand::Publish(args) => publish::publish(context, args).await,
    }
}

/// What became of each table, a line each, and what remains possible.
fn tables(console: &Console, report: &StagingReport) -> String {
    let head = ["table", "", "rows", "of", "share", "size", "why"];
    let right = |name: &str| matches!(name, "rows" | "of" | "share" | "size");
    let head = head.into_iter().map(|name| if right(name) { Cell::right(name) } else { Cell::left(name) });
    let head = head.map(|cell| cell.tone(Tone::Strong)).collect();
    let rows: Vec<_> = std::iter::once(head).chain(report.manifest.tables.iter().map(table)).collect();
    let mut text = columns(console, &rows);
    let (roots, kept) = report.manifest.inflation();
    if roots > 0 {
        let times = kept as f64 / roots as f64;
        text.push_str(&format!(
            "\n{} sampled rows became {} with what belongs to them: {times:.1} times as many\n",
            number(roots),
            number(kept)
        ));
    }
    for risk in &report.manifest.risks {
        text.push_str(&format!("{} {risk}\n", console.paint(Tone::Warn, "remains:")));
    }
    text
}

fn table(table: &TableManifest) -> Vec<Cell> {
    let tone = match table.fate.as_str() {
        "shared" => Tone::Faint,
        "omitted" => Tone::Warn,
        _ => Tone::Good,
    };
    let known = |rows: Option<u64>| rows.map(number).unwrap_or_default();
    let share = match (table.rows, table.rows_parent) {
        (Some(rows), Some(all)) if all > 0 => format!("{:.1} %", rows as f64 * 100.0 / all as f64),
        _ => String::new(),
    };
    let size = if table.bytes > 0 { bytes(table.bytes) } else { String::new() };
    vec![
        Cell::left(table.table.to_string()),
        Cell::left(&table.fate).tone(tone),
        Cell::right(known(table.rows)),
        Cell::right(known(table.rows_parent)),
        Cell::right(share),
        Cell::right(size),
        Cell::left(why(table)),
    ]
}

/// Why a table's rows are there, or why it is not.
fn why(table: &TableManifest) -> String {
    if let Some(reason) = &table.reason {
        return reason.clone();
    }
    if table.fate != "masked" {
        return String::new();
    }
    let sampled =
        table.sample.as_ref().map_or("taken whole".to_owned(), |sample| format!("sampled ({sample})"));
    let parts = [
        (table.roots, sampled),
        (table.children, "belong to those".to_owned()),
        (table.referenced, "are referred to".to_owned()),
    ];
    let parts = parts.into_iter().filter(|(rows, _)| *rows > 0);
    parts.map(|(rows, why)| format!("{} {why}", number(rows))).collect::<Vec<_>>().join(", ")
}
