//! `hanok staging show`.

use hanok_engine::{Signature, StagingReport};

use super::tables;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, columns, time};
use crate::status::ExitStatus;

/// Shows what was done to make a staging branch.
pub(crate) async fn show(context: &Context, name: &str) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let report = engine.show_staging(name).await?;
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &StagingReport) -> String {
    let manifest = &report.manifest;
    let mut text = format!(
        "staging branch {} of {} as of {} UTC, by hanok {}\nplan {}\n",
        manifest.branch,
        manifest.parent,
        time(manifest.as_of_us),
        manifest.hanok,
        manifest.plan,
    );
    text.push_str(match report.signature {
        Some(Signature::Valid) => "signature valid: whoever wrote this had the project's key\n\n",
        Some(Signature::Invalid) => {
            "SIGNATURE INVALID: this is not what was signed with the project's key\n\n"
        }
        _ => "the project's key is not here, so the signature cannot be checked\n\n",
    });
    text.push_str(&tables(console, report));
    for table in manifest.tables.iter().filter(|table| !table.columns.is_empty()) {
        text.push_str(&format!("\n{}\n", console.paint(Tone::Strong, &table.table.to_string())));
        let row = |column: &hanok_engine::ColumnManifest| {
            let note = column.reason.as_ref().or(column.personal.as_ref());
            vec![
                Cell::left(format!("  {}", column.column)),
                Cell::left(&column.treatment),
                Cell::left(note.map(String::as_str).unwrap_or_default()).tone(Tone::Faint),
            ]
        };
        text.push_str(&columns(console, &table.columns.iter().map(row).collect::<Vec<_>>()));
        if let Some(found) = &table.anonymity {
            text.push_str(&format!(
                "  k-anonymity over {}: smallest of {} classes has {}, asked for {}\n",
                found.quasi_identifiers.join(", "),
                found.classes,
                found.smallest,
                manifest.k
            ));
        }
    }
    text
}
