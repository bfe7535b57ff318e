//! What a monitor says beside the columns: its other checks, and when its alarms went on and were over.

use super::View;
use crate::bars::Course;
use crate::effects::badge;
use crate::input::{AlarmTurn, Checked};
use crate::markup::{Row, cell, figure, name, paragraph, section, table, text};
use crate::swap::metric;
use crate::words::{Word, Words};

/// Alarms that are listed; JSON has all.
const ALARMS_MAX: usize = 100;

/// Nothing for a report that is no monitor's, or of one that has nothing to say.
pub(super) fn html(view: &View<'_>) -> String {
    let Some(monitored) = &view.input.monitored else { return String::new() };
    let words = view.words;
    let mut body = String::new();
    if !monitored.checks.is_empty() {
        let heads = [Word::Aspect, Word::Verdict, Word::Value, Word::Windows].map(|word| words.of(word));
        let lines: Vec<Row> = monitored.checks.iter().map(|check| checked(check, words)).collect();
        body += &table("stack", "", &heads, &lines);
    }
    if !monitored.alarms.is_empty() {
        let heads = [Word::At, Word::Alarm, Word::Aspect].map(|word| words.of(word));
        let turned = |alarm: &AlarmTurn| turned(alarm, monitored.windows.get(alarm.window), words);
        let lines: Vec<Row> = monitored.alarms.iter().take(ALARMS_MAX).map(turned).collect();
        body += &paragraph("muted", words.of(Word::Alarms));
        body += &table("stack", "", &heads, &lines);
    }
    if body.is_empty() { body } else { section("monitor", words.of(Word::Monitor), &body) }
}

fn checked(check: &Checked, words: Words) -> Row {
    let value = check.value.map_or(String::new(), hanok_charts::number);
    let metric =
        check.metric.map_or(String::new(), |found| format!(" <small>{}</small>", metric(found, words)));
    let values: Vec<f64> = check.values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    let title = words.of(aspect(&check.aspect));
    let course = Course { values: &values, threshold: f64::NAN, change: None }.svg(title);
    vec![
        cell(format!("<span>{}</span>", subject(&check.aspect, check.column.as_deref(), words))),
        cell(badge(check.verdict, words)),
        figure(format!("<span>{value}{metric}</span>")),
        cell(course).class("since"),
    ]
    .into()
}

fn turned(alarm: &AlarmTurn, window: Option<&String>, words: Words) -> Row {
    let (class, word) = if alarm.is_on { ("drifted", Word::AlarmOn) } else { ("stable", Word::AlarmOver) };
    vec![
        cell(window.map_or(String::new(), |window| text(window))),
        cell(format!("<span class=\"badge {class}\">{}</span>", words.of(word))),
        cell(format!("<span>{}</span>", subject(&alarm.aspect, alarm.column.as_deref(), words))),
    ]
    .into()
}

/// "`dep_delay` (values)".
pub(super) fn subject(aspect: &str, column: Option<&str>, words: Words) -> String {
    let of = words.of(self::aspect(aspect));
    column.map_or_else(|| of.to_owned(), |column| format!("{} ({of})", name(column)))
}

/// The names of aspects in a monitor's tables.
fn aspect(aspect: &str) -> Word {
    match aspect {
        "missing" => Word::Missing,
        "range" => Word::Outside,
        "length" => Word::Length,
        "pattern" => Word::Pattern,
        "token" => Word::Token,
        "element" => Word::Element,
        "hour" => Word::Hour,
        "weekday" => Word::Weekday,
        "direction" => Word::Direction,
        "distance" => Word::Distance,
        "rows" => Word::Rows,
        "schema" => Word::VanishedColumns,
        "kind" => Word::Type,
        "performance" => Word::Performance,
        "estimated_performance" => Word::Estimated,
        _ => Word::Values,
    }
}
