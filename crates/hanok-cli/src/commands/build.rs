//! `hanok build`.

use hanok_engine::{BuildReport, BuildRequest, ModelReport, TestReport};

use crate::args::BuildArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration, indented};
use crate::status::ExitStatus;

/// Builds models, runs their tests, and says how each model and each test that did not pass ended.
pub(crate) async fn build(context: &Context, args: BuildArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let report = engine.build(BuildRequest { models: args.models }, &progress.observer()).await?;
    drop(progress);
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(if is_healthy(&report) { ExitStatus::Success } else { ExitStatus::Unhealthy })
}

/// Whether every model was built and no test failed.
pub(crate) fn is_healthy(report: &BuildReport) -> bool {
    report.models_failed == 0 && report.tests_failed == 0
}

fn summary(console: &Console, report: &BuildReport) -> String {
    if report.models.is_empty() && report.tests.is_empty() {
        return "nothing to build: the project has no models (see models/)\n".to_owned();
    }
    let models: Vec<_> = report.models.iter().map(model_row).collect();
    let mut text = columns(console, &models);
    text.push_str(&troubles(console, report));
    text.push('\n');
    text.push_str(&totals(console, report));
    text.push('\n');
    text
}

/// Why models failed, and which tests did not pass.
pub(crate) fn troubles(console: &Console, report: &BuildReport) -> String {
    let mut text = String::new();
    for model in &report.models {
        if let (Some(message), "failed") = (&model.message, model.status.as_str()) {
            let head = console.paint(Tone::Bad, "failed");
            text.push_str(&format!("\n{head} model {}\n{}", model.name, indented(message, 2)));
        }
    }
    for test in report.tests.iter().filter(|test| test.status != "passed") {
        text.push_str(&test_lines(console, test));
    }
    text
}

fn test_lines(console: &Console, test: &TestReport) -> String {
    let tone = match test.status.as_str() {
        "failed" | "error" => Tone::Bad,
        "warned" => Tone::Warn,
        _ => Tone::Faint,
    };
    // The message tells how many rows break the test, and where it is declared.
    let rest = match &test.message {
        Some(message) => indented(message, 2),
        None if test.failures > 0 => format!("  {} against it\n", counted(test.failures, "row")),
        None => String::new(),
    };
    format!("\n{} test {}\n{rest}", console.paint(tone, &test.status), test.name)
}

fn totals(console: &Console, report: &BuildReport) -> String {
    let mut parts = vec![format!("{} built", counted(report.models_built, "model"))];
    if report.models_failed > 0 {
        parts.push(console.paint(Tone::Bad, &format!("{} failed", report.models_failed)));
    }
    parts.push(format!("{} passed", counted(report.tests_passed, "test")));
    if report.tests_failed > 0 {
        parts.push(console.paint(Tone::Bad, &format!("{} failed", report.tests_failed)));
    }
    if report.tests_warned > 0 {
        parts.push(console.paint(Tone::Warn, &format!("{} warned", report.tests_warned)));
    }
    format!("{} in {}", parts.join(", "), duration(report.seconds))
}

fn model_row(model: &ModelReport) -> Vec<Cell> {
    let outcome = match (model.status.as_str(), model.rows) {
        ("built", Some(rows)) => Cell::right(counted(rows, "row")),
        ("built", None) => Cell::right(""),
        ("failed", _) => Cell::right("failed").tone(Tone::Bad),
        (other, _) => Cell::right(other).tone(Tone::Warn),
    };
    vec![
        Cell::left(&model.table),
        Cell::left(&model.materialized).tone(Tone::Faint),
        outcome,
        Cell::right(duration(model.seconds)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_told_in_lines() {
        let model = |name: &str, status: &str, rows: Option<u64>, message: Option<&str>| ModelReport {
            name: name.into(),
            table: format!("mart.{name}"),
            materialized: if rows.is_some() { "table" } else { "view" }.into(),
            status: status.into(),
            rows,
            seconds: 0.5,
            message: message.map(Into::into),
        };
        let test = |name: &str, status: &str, failures| TestReport {
            name: name.into(),
            status: status.into(),
            failures,
            seconds: 0.1,
            message: (failures > 0).then(|| "models/schema.yml:7".into()),
        };
        let report = BuildReport {
            models: vec![
                model("departures", "built", Some(336_776), None),
                model("flights", "built", None, None),
                model("delay", "failed", None, Some("models/delay.sql:3: no column `x`\nhave: y")),
                model("late", "skipped", None, Some("because of delay")),
            ],
            tests: vec![
                test("unique_departures_id", "passed", 0),
                test("not_null_departures_origin", "failed", 2),
            ],
            models_built: 2,
            models_failed: 2,
            tests_passed: 1,
            tests_failed: 1,
            seconds: 2.0,
            ..Default::default()
        };
        let expected = "\
mart.departures  table  336,776 rows  0.50 s
mart.flights     view                 0.50 s
mart.delay       view         failed  0.50 s
mart.late        view        skipped  0.50 s

failed model delay
  models/delay.sql:3: no column `x`
  have: y

failed test not_null_departures_origin
  models/schema.yml:7

2 models built, 2 failed, 1 test passed, 1 failed in 2.0 s
";
        assert_eq!(summary(&Console::new(false, false), &report), expected);
        assert!(!is_healthy(&report));
    }
}
