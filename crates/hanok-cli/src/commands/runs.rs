//! `hanok runs`.

use hanok_engine::{MAIN_BRANCH, RunReport};

use crate::args::RunsArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, columns, duration, number, time};
use crate::status::ExitStatus;

/// Characters of a run's subject that are shown.
const SUBJECT_CHARS: usize = 32;

/// Lists the last runs, newest first.
pub(crate) async fn runs(context: &Context, args: &RunsArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let runs = engine.runs(args.limit).await?;
    let report = serde_json::json!({ "runs": runs });
    context.console.report(&report, || summary(&context.console, &runs))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, runs: &[RunReport]) -> String {
    if runs.is_empty() {
        return "nothing has run yet\n".to_owned();
    }
    let head = ["started (UTC)", "run", "of", "status"].map(Cell::left);
    let numbers = ["took", "rows in", "rows out", "rejected"].map(Cell::right);
    let head = head.into_iter().chain(numbers).map(|cell| cell.tone(Tone::Strong)).collect();
    let mut rows: Vec<Vec<Cell>> = std::iter::once(head).chain(runs.iter().map(row)).collect();
    // Where nobody uses branches, nobody wants to read of them.
    if runs.iter().any(|run| run.branch != MAIN_BRANCH) {
        let names = runs.iter().map(|run| Cell::left(&run.branch));
        let names = std::iter::once(Cell::left("branch").tone(Tone::Strong)).chain(names);
        rows.iter_mut().zip(names).for_each(|(row, name)| row.insert(1, name));
    }
    let mut text = columns(console, &rows);
    for run in runs {
        if let Some(error) = &run.error {
            text.push_str(&format!("\n{} {}: {error}", time(run.started_us), run.kind));
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn row(run: &RunReport) -> Vec<Cell> {
    let status = run.status.to_string();
    let tone = match status.as_str() {
        "succeeded" => Tone::Good,
        "running" => Tone::Strong,
        "interrupted" => Tone::Warn,
        _ => Tone::Bad,
    };
    let took = run.finished_us.map_or_else(String::new, |end| duration((end - run.started_us) as f64 / 1e6));
    let mut subject: String = run.subject.chars().take(SUBJECT_CHARS).collect();
    if subject.len() < run.subject.len() {
        subject.push('…');
    }
    vec![
        Cell::left(time(run.started_us)),
        Cell::left(run.kind.to_string()),
        Cell::left(subject),
        Cell::left(status).tone(tone),
        Cell::right(took),
        Cell::right(number(run.counts.rows_in)),
        Cell::right(number(run.counts.rows_out)),
        Cell::right(number(run.counts.rows_rejected)),
    ]
}
