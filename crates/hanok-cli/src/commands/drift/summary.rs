//! What people read of a comparison in ten seconds.

use std::path::Path;

use hanok_drift::course::Course;
use hanok_drift::{Column, Measure, Ranked, Verdict};
use hanok_engine::{DriftOutcome, PeerMethod, PeerReport, Segments};

use super::changes::{self, percent, short};
use crate::console::{Console, Tone};
use crate::render::{Cell, columns, counted, duration, number, time};

/// Columns and segments listed; the rest are counted.
const LISTED_MAX: usize = 30;
/// Names listed of what is no row of the table.
const NAMES_MAX: usize = 8;

/// The verdicts ranked, what changed, and counts.
pub(super) fn of_outcome(console: &Console, outcome: &DriftOutcome, written: Option<&Path>) -> String {
    let found = &outcome.report;
    let importance = found.importance.as_ref().map_or(&[][..], |found| found.columns.as_slice());
    let ranked = found.report.ranked(importance);
    let mut text = String::new();
    let sides: Vec<Vec<Cell>> = ["reference", "current"]
        .into_iter()
        .zip(&found.sides)
        .map(|(role, side)| {
            vec![
                Cell::left(role).tone(Tone::Faint),
                Cell::left(&side.name),
                Cell::right(counted(side.rows.unwrap_or_default(), "row")),
            ]
        })
        .collect();
    text.push_str(&columns(console, &sides));
    text.push('\n');
    text.push_str(&table(console, &found.report.columns, &ranked, found.course.as_ref()));
    let of = |verdict: Verdict| ranked.iter().filter(|ranked| ranked.verdict == verdict).count();
    let (drifted, undecided, stable) = (of(Verdict::Drifted), of(Verdict::Undecided), of(Verdict::Stable));
    let head = format!("{drifted} of {} drifted", counted(ranked.len() as u64, "column"));
    let head = console.paint(if drifted > 0 { Tone::Bad } else { Tone::Good }, &head);
    text.push_str(&format!(
        "\n{head}, {undecided} undecided, {stable} stable, in {}\n",
        duration(outcome.seconds)
    ));
    if undecided > 0 {
        text.push_str("undecided: too few rows to rule drift of that size out\n");
    }
    for (names, what) in [
        (&found.report.vanished, "only in the reference"),
        (&found.report.new, "only in the current side"),
        (&found.report.skipped, "of a type without statistics"),
    ] {
        if !names.is_empty() {
            text.push_str(&format!("{what}: {}\n", listed(names)));
        }
    }
    if let Some(joint) = &found.joint {
        text.push_str(&together(console, joint));
    }
    if let Some(segments) = &outcome.segments {
        text.push_str(&by_segment(console, segments));
    }
    for origin in &found.origins {
        let when = origin.at.as_ref().map(|at| format!(", loaded {at}")).unwrap_or_default();
        let rows = origin.rows.map(|rows| format!(", {}", counted(rows, "row"))).unwrap_or_default();
        text.push_str(&console.paint(Tone::Faint, &format!("from {}{rows}{when}", origin.source)));
        text.push('\n');
    }
    if let Some(path) = written {
        text.push_str(&format!("written to {}\n", path.display()));
    }
    text
}

fn table(console: &Console, all: &[Column], ranked: &[Ranked], course: Option<&Course>) -> String {
    let head = ["verdict", "column", "effect", "of", "p", "what changed"];
    let mut rows: Vec<Vec<Cell>> = vec![
        head.iter()
            .map(|name| match *name {
                "of" | "p" => Cell::right(*name),
                _ => Cell::left(*name),
            })
            .map(|cell| cell.tone(Tone::Strong))
            .collect(),
    ];
    rows.extend(ranked.iter().take(LISTED_MAX).map(|ranked| row(&all[ranked.column], course)));
    let mut text = columns(console, &rows);
    if ranked.len() > LISTED_MAX {
        text.push_str(&format!("… {}\n", counted((ranked.len() - LISTED_MAX) as u64, "more column")));
    }
    text
}

fn row(column: &Column, course: Option<&Course>) -> Vec<Cell> {
    let worst = column.worst();
    let effect = worst.map_or_else(String::new, |worst| {
        format!("{} {}", measure(worst.effect.measure), short_effect(worst.effect.beyond_noise))
    });
    let threshold = worst.map_or_else(String::new, |worst| short(worst.effect.threshold));
    let p = worst.map_or_else(String::new, |worst| probability(worst.p_adjusted));
    let mut words = match column.verdict {
        Verdict::Stable => String::new(),
        _ => changes::of(column),
    };
    let course = course.and_then(|course| course.columns.iter().find(|other| other.name == column.name));
    if let Some(began) = course.and_then(|course| course.began) {
        words.push_str(&format!(", since {}", day(began.time)));
    }
    vec![
        verdict(column.verdict),
        Cell::left(&column.name),
        Cell::left(effect),
        Cell::right(threshold),
        Cell::right(p),
        Cell::left(words),
    ]
}

fn verdict(verdict: Verdict) -> Cell {
    let tone = match verdict {
        Verdict::Drifted => Tone::Bad,
        Verdict::Undecided => Tone::Warn,
        Verdict::Stable => Tone::Good,
    };
    Cell::left(verdict.name()).tone(tone)
}

/// The measures that decide, as people call them.
fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::KolmogorovSmirnov => "KS",
        Measure::WassersteinScaled => "W1/σ",
        Measure::LeCam => "Le Cam",
        Measure::RateDifference => "rate",
        Measure::Outside => "outside",
        other => other.name(),
    }
}

fn short_effect(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "∞".to_owned() }
}

fn probability(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { format!("{p:.3}") }
}

/// Seconds since 1970 as a date, with its time unless it is midnight.
fn day(seconds: f64) -> String {
    let text = time((seconds * 1e6) as i64);
    text.strip_suffix(" 00:00:00").map_or_else(|| text.clone(), str::to_owned)
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {} more", number(more as u64)),
    }
}

fn together(console: &Console, joint: &hanok_engine::Joint) -> String {
    let mut text = String::new();
    if let Some(found) = &joint.classifier {
        let features: Vec<&str> = found
            .features
            .iter()
            .filter(|(_, lost)| *lost > 0.0)
            .take(NAMED_FEATURES)
            .map(|(name, _)| name.as_str())
            .collect();
        let by = if features.is_empty() { String::new() } else { format!(", by {}", features.join(", ")) };
        text.push_str(&format!(
            "rows of the two sides can be told apart with an AUC of {:.3}{by}\n",
            found.auc
        ));
    }
    let mut rows = Vec::new();
    for change in
        joint.correlations.iter().filter(|change| change.verdict == Verdict::Drifted).take(NAMES_MAX)
    {
        let [first, second] = change.columns.map(|at| joint.columns[at].as_str());
        let [before, after] = change.correlation;
        rows.push(vec![
            verdict(change.verdict),
            Cell::left(format!("{first} with {second}")),
            Cell::left(format!("correlation {before:.2} → {after:.2}")),
        ]);
    }
    text.push_str(&columns(console, &rows));
    text
}

/// Features that tell sides apart and are named.
const NAMED_FEATURES: usize = 3;

fn by_segment(console: &Console, found: &Segments) -> String {
    let mut text = format!("\nby {}\n", found.column);
    let mut rows = Vec::new();
    for segment in found.segments.iter().take(LISTED_MAX) {
        let drifted: Vec<String> = segment
            .columns
            .iter()
            .filter(|column| column.verdict == Verdict::Drifted)
            .map(|column| column.name.clone())
            .collect();
        rows.push(vec![
            verdict(segment.verdict),
            Cell::left(&segment.value),
            Cell::right(format!("{} → {}", number(segment.rows[0]), number(segment.rows[1]))),
            Cell::left(listed(&drifted)),
        ]);
    }
    text.push_str(&columns(console, &rows));
    let more = found.segments.len().saturating_sub(LISTED_MAX) as u64;
    if more > 0 {
        text.push_str(&format!("… {}\n", counted(more, "more segment")));
    }
    if found.others > 0 {
        text.push_str(&format!("{} were not compared\n", counted(found.others, "rarer value")));
    }
    text
}

/// What another library would say.
pub(super) fn of_peer(console: &Console, found: &PeerReport) -> String {
    let name = match found.method {
        PeerMethod::Evidently => "Evidently",
        PeerMethod::NannyMl => "NannyML",
    };
    let head = ["drift", "column", "test", "value", "of"].map(|name| Cell::left(name).tone(Tone::Strong));
    let mut rows = vec![head.to_vec()];
    for column in &found.columns {
        let (word, tone) = if column.has_drifted { ("yes", Tone::Bad) } else { ("no", Tone::Good) };
        rows.push(vec![
            Cell::left(word).tone(tone),
            Cell::left(&column.name),
            Cell::left(column.test),
            Cell::left(short(column.value)),
            Cell::left(short(column.threshold)),
        ]);
    }
    let drifted = found.columns.iter().filter(|column| column.has_drifted).count();
    let share = percent(drifted as f64 / found.columns.len().max(1) as f64);
    let mut text = columns(console, &rows);
    text.push_str(&format!(
        "\n{drifted} of {} drifted ({share}), says {name}, in {}\n",
        counted(found.columns.len() as u64, "column"),
        duration(found.seconds)
    ));
    if !found.skipped.is_empty() {
        text.push_str(&format!("not compared: {}\n", listed(&found.skipped)));
    }
    text
}
