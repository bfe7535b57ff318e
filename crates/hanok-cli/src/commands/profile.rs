//! `hanok profile`.

use std::path::Path;
use std::sync::Arc;

use hanok_engine::{ProfileReport, ProfileRequest, ProfiledColumn, merge_profiles, show_profile};

use super::drift::{percent, place, short, side};
use crate::args::{ProfileArgs, ProfileCommand};
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, bytes, columns, counted, duration, number};
use crate::status::ExitStatus;

/// Columns listed; the rest are counted.
const LISTED_MAX: usize = 60;

/// Profiles a side, adds profiles up, or shows one.
pub(crate) async fn profile(context: &Context, args: ProfileArgs) -> Result<ExitStatus, CliError> {
    let console = &context.console;
    let report = match args.command {
        Some(ProfileCommand::Merge(args)) => {
            is_json(&args.output)?;
            merge_profiles(args.files, args.output).await?
        }
        Some(ProfileCommand::Show(args)) => show_profile(args.file).await?,
        None => {
            args.output.as_deref().map_or(Ok(()), is_json)?;
            let side = side(args.side)?;
            let place = place(context, side.needs_project()).await?;
            let progress = Progress::new(console.bars());
            let request =
                ProfileRequest { side, columns: args.columns, time: args.time, output: args.output };
            let report = place.profile(request, Arc::from(progress.observer())).await?;
            drop(progress);
            report
        }
    };
    console.report(&report, || summary(console, &report))?;
    Ok(ExitStatus::Success)
}

fn is_json(path: &Path) -> Result<(), CliError> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return Ok(());
    }
    Err(CliError::Usage(format!("the name of {} must end in .json", path.display())))
}

fn summary(console: &Console, report: &ProfileReport) -> String {
    let head = ["column", "type", "missing", "different", "median", "5 % – 95 %, or most frequent"];
    let mut rows: Vec<Vec<Cell>> = vec![
        head.iter()
            .map(|name| match *name {
                "missing" | "different" | "median" => Cell::right(*name),
                _ => Cell::left(*name),
            })
            .map(|cell| cell.tone(Tone::Strong))
            .collect(),
    ];
    rows.extend(report.columns.iter().take(LISTED_MAX).map(row));
    let mut text = columns(console, &rows);
    if report.columns.len() > LISTED_MAX {
        text.push_str(&format!("… {}\n", counted((report.columns.len() - LISTED_MAX) as u64, "more column")));
    }
    text.push_str(&format!(
        "\n{}, {}, in {}\n",
        counted(report.rows, "row"),
        counted(report.columns.len() as u64, "column"),
        duration(report.seconds)
    ));
    if !report.skipped.is_empty() {
        text.push_str(&format!("of a type without statistics: {}\n", report.skipped.join(", ")));
    }
    if let (Some(output), Some(size)) = (&report.output, report.bytes) {
        text.push_str(&format!("written to {output}, {}\n", bytes(size)));
    }
    text
}

fn row(column: &ProfiledColumn) -> Vec<Cell> {
    let profile = &column.profile;
    let is_numbers = column.kind == hanok_drift::Kind::Numbers;
    let quantiles = profile.quantiles.filter(|_| is_numbers);
    let seen = if let Some([low, .., high]) = quantiles {
        format!("{} – {}", short(low), short(high))
    } else {
        let names: Vec<&str> = column.frequent.iter().take(3).map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    };
    vec![
        Cell::left(&column.name),
        Cell::left(&column.data_type),
        Cell::right(percent(profile.missing_rate())),
        Cell::right(profile.distinct.map_or_else(String::new, |distinct| number(distinct as u64))),
        Cell::right(quantiles.map_or_else(String::new, |quantiles| short(quantiles[2]))),
        Cell::left(seen),
    ]
}
