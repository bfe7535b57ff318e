//! `hanok monitor`.

use hanok_engine::{
    Alarm, Found, MonitorReport, MonitorRequest, MonitorStatus, Monitored, Notice, ReportFile, StatusReport,
    WindowResult, Written,
};

use super::drift::form;
use crate::args::{MonitorArgs, MonitorCommand, MonitorRunArgs, MonitorStatusArgs};
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration, fraction, time};
use crate::status::ExitStatus;

/// Findings of a window that are named on its line.
const NAMED_MAX: usize = 3;
/// What there is to say where there are no monitors.
const NONE: &str = "nothing to monitor: the project has no monitors (see monitors/)\n";

/// Runs monitors or shows how they stand. Alarms, failures and alerts that could not be delivered are unhealthy.
pub(crate) async fn monitor(context: &Context, args: MonitorArgs) -> Result<ExitStatus, CliError> {
    match args.command {
        Some(MonitorCommand::Status(args)) => status(context, &args).await,
        None => run(context, args.run).await,
    }
}

async fn run(context: &Context, args: MonitorRunArgs) -> Result<ExitStatus, CliError> {
    let range_us = args.from.zip(args.to);
    if range_us.is_some_and(|(from, to)| from >= to) {
        return Err(CliError::Usage("--from must be before --to".to_owned()));
    }
    if args.output.is_some() && args.monitors.len() != 1 {
        return Err(CliError::Usage("-o is for a run of one monitor: name it".to_owned()));
    }
    let report = match args.output {
        Some(path) => {
            form(&path)?;
            Some(ReportFile { path, language: args.lang.into() })
        }
        None => None,
    };
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let (monitors, at_us, dry_run) = (args.monitors, args.at, args.dry_run);
    let request = MonitorRequest { monitors, at_us, range_us, dry_run, report };
    let report = engine.monitor(request, &progress.observer()).await?;
    drop(progress);
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(if report.healthy { ExitStatus::Success } else { ExitStatus::Unhealthy })
}

async fn status(context: &Context, args: &MonitorStatusArgs) -> Result<ExitStatus, CliError> {
    let report = context.engine().await?.monitor_status(&args.monitors).await?;
    context.console.report(&report, || standing(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &MonitorReport) -> String {
    let monitors = &report.ran.monitors;
    if monitors.is_empty() {
        return NONE.to_owned();
    }
    let lines = monitors
        .iter()
        .flat_map(|monitor| monitor.windows.iter().map(move |window| window_row(monitor, window)));
    let lines: Vec<_> = lines.collect();
    let windows = lines.len() as u64;
    let mut text = columns(console, &lines);
    for monitor in monitors {
        if let Some(error) = &monitor.error {
            let head = console.paint(Tone::Bad, "failed");
            text.push_str(&format!("\n{head} monitor {}\n  {error}\n", monitor.monitor));
        }
    }
    let alarms: Vec<_> = monitors
        .iter()
        .flat_map(|monitor| monitor.alarms.iter().map(|alarm| alarm_row(&monitor.monitor, alarm)))
        .collect();
    if !alarms.is_empty() {
        text.push_str(&format!("\n{}\n{}", console.paint(Tone::Bad, "alarms"), columns(console, &alarms)));
    }
    for delivery in &report.ran.deliveries {
        text.push_str(&match &delivery.error {
            None => format!("\nalerted {}: {}", delivery.channel, delivery.subject),
            Some(error) => {
                let head = console.paint(Tone::Bad, "not delivered");
                format!("\n{head} to {}: {}\n  {error}", delivery.channel, delivery.subject)
            }
        });
    }
    if !report.ran.deliveries.is_empty() {
        text.push('\n');
    }
    let written: Vec<_> = monitors.iter().filter_map(|monitor| monitor.reports.split_last()).collect();
    for (last, others) in &written {
        let more = if others.is_empty() { String::new() } else { format!(" and {} before", others.len()) };
        text.push_str(&format!("\nreport of {} written to {}{more}", moments(last), last.path));
    }
    if !written.is_empty() {
        text.push('\n');
    }
    for monitor in monitors.iter().filter(|monitor| monitor.has_more) {
        text.push_str(&format!("\n{} has more windows; run again for them\n", monitor.monitor));
    }
    let recorded = match (report.run.is_some(), windows) {
        (_, 0) => "no window is due".to_owned(),
        (true, windows) => format!("{} recorded", counted(windows, "window")),
        (false, windows) => format!("{} compared, nothing recorded", counted(windows, "window")),
    };
    let separator = if text.is_empty() { "" } else { "\n" };
    format!("{text}{separator}{recorded} in {}\n", duration(report.seconds))
}

fn window_row(monitor: &Monitored, window: &WindowResult) -> Vec<Cell> {
    let bad: Vec<_> = window.found.iter().filter(|found| found.is_bad).collect();
    let over = window.found.iter().filter(|found| found.alert == Some(Notice::Cleared)).count();
    let mut parts = Vec::new();
    if !bad.is_empty() {
        let mut names: Vec<_> = bad.iter().take(NAMED_MAX).map(|found| found_name(found)).collect();
        if bad.len() > NAMED_MAX {
            names.push(format!("{} more", bad.len() - NAMED_MAX));
        }
        parts.push(format!("{} drifted: {}", bad.len(), names.join(", ")));
    }
    if over > 0 {
        parts.push(format!("{over} over"));
    }
    if window.undecided > 0 {
        parts.push(format!("{} undecided", window.undecided));
    }
    if !window.in_turn {
        parts.push("out of turn".to_owned());
    }
    let tone = if bad.is_empty() { Tone::Good } else { Tone::Warn };
    let outcome = if parts.is_empty() { "stable".to_owned() } else { parts.join("; ") };
    vec![
        Cell::left(&monitor.monitor),
        Cell::left(moment(window.window.start_us)),
        Cell::left(moment(window.window.end_us)),
        Cell::right(counted(window.rows, "row")),
        Cell::right(counted(window.checks, "check")),
        Cell::left(outcome).tone(tone),
    ]
}

fn alarm_row(monitor: &str, alarm: &Alarm) -> Vec<Cell> {
    let numbers = match (&alarm.measure, alarm.value, alarm.threshold) {
        (Some(measure), Some(value), Some(threshold)) => {
            format!("{measure} {} (threshold {})", fraction(value), fraction(threshold))
        }
        _ => String::new(),
    };
    let since = alarm.since.as_deref().unwrap_or_default();
    let since = since.strip_suffix("T00:00:00Z").unwrap_or(since);
    vec![
        Cell::left(format!("  {monitor}")),
        Cell::left(check_name(alarm.column.as_deref(), &alarm.aspect)).tone(Tone::Strong),
        Cell::left(numbers),
        Cell::left(format!("since {since}")),
    ]
}

fn found_name(found: &Found) -> String {
    check_name(found.column.as_deref(), &found.aspect)
}

/// `dep_delay (values)`, `rows`.
fn check_name(column: Option<&str>, aspect: &str) -> String {
    column.map_or_else(|| aspect.to_owned(), |column| format!("{column} ({aspect})"))
}

/// A date where a time is a midnight.
fn moment(us: i64) -> String {
    let text = time(us);
    text.strip_suffix(" 00:00:00").map(str::to_owned).unwrap_or(text)
}

/// From when to when a report's window is.
fn moments(written: &Written) -> String {
    format!("{} to {}", moment(written.window.start_us), moment(written.window.end_us))
}

fn standing(console: &Console, report: &StatusReport) -> String {
    if report.monitors.is_empty() {
        return NONE.to_owned();
    }
    let head =
        ["monitor", "table", "every", "last window", "state"].map(|head| Cell::left(head).tone(Tone::Strong));
    let rows: Vec<_> = std::iter::once(head.to_vec()).chain(report.monitors.iter().map(status_row)).collect();
    let mut text = columns(console, &rows);
    let alarms = report
        .monitors
        .iter()
        .flat_map(|monitor| monitor.alarms.iter().map(|alarm| alarm_row(&monitor.monitor, alarm)));
    let alarms: Vec<_> = alarms.collect();
    if !alarms.is_empty() {
        text.push_str(&format!("\n{}\n{}", console.paint(Tone::Bad, "alarms"), columns(console, &alarms)));
    }
    text
}

fn status_row(monitor: &MonitorStatus) -> Vec<Cell> {
    let tone = match monitor.state {
        "ok" => Tone::Good,
        "alarming" => Tone::Bad,
        "pending" => Tone::Warn,
        _ => Tone::Faint,
    };
    let last = monitor.last.map_or_else(
        || "none".to_owned(),
        |window| format!("{} to {}", moment(window.start_us), moment(window.end_us)),
    );
    vec![
        Cell::left(&monitor.monitor),
        Cell::left(monitor.table.as_deref().unwrap_or("a query")),
        Cell::left(&monitor.every),
        Cell::left(last),
        Cell::left(monitor.state).tone(tone),
    ]
}
