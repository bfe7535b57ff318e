//! `hanok staging list`.

use hanok_engine::StagingReport;

use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, columns, number, time};
use crate::status::ExitStatus;

/// Lists the staging branches.
pub(crate) async fn list(context: &Context) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let reports = engine.stagings().await?;
    let report = serde_json::json!({ "branches": reports });
    context.console.report(&report, || summary(&context.console, &reports))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, reports: &[StagingReport]) -> String {
    if reports.is_empty() {
        return "there are none\n".to_owned();
    }
    let head =
        ["name", "from", "as of (UTC)", "protected tables"].map(|name| Cell::left(name).tone(Tone::Strong));
    let row = |report: &StagingReport| {
        let manifest = &report.manifest;
        vec![
            Cell::left(&manifest.branch),
            Cell::left(&manifest.parent),
            Cell::left(time(manifest.as_of_us)),
            Cell::left(number(manifest.protected().count() as u64)),
        ]
    };
    let rows: Vec<_> = std::iter::once(head.to_vec()).chain(reports.iter().map(row)).collect();
    columns(console, &rows)
}
