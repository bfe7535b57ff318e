//! What a comparison of two models found, on a terminal.

use std::path::Path;

use hanok_drift::outputs::swap::{Gate, Mover, Swap};
use hanok_drift::outputs::{Difference, Task};
use hanok_engine::{Method, SwapOutcome, SwapVerdict};

use super::super::drift::percent;
use crate::console::{Console, Tone};
use crate::render::{Cell, bytes, columns, counted, duration, fraction, number};

/// Features of the attribution that are shown.
const FEATURES_SHOWN_MAX: usize = 8;
/// Rows that moved far.
const MOVERS_SHOWN_MAX: usize = 5;
/// Segments in which the second model is worse.
const SEGMENTS_SHOWN_MAX: usize = 8;
/// Characters of what a row is called.
const CALLED_CHARS: usize = 44;
/// Inputs that have drifted.
const INPUTS_SHOWN_MAX: usize = 6;

/// The verdict in words.
pub(in crate::commands) fn verdict(verdict: SwapVerdict) -> (&'static str, Tone) {
    match verdict {
        SwapVerdict::Pass => ("may be swapped", Tone::Good),
        SwapVerdict::Review => ("look closer", Tone::Strong),
        SwapVerdict::Fail => ("do not swap", Tone::Bad),
    }
}

pub(super) fn summary(console: &Console, found: &SwapOutcome, written: Option<&Path>) -> String {
    let swap = &found.report.swap;
    let parts = [
        head(console, found),
        gates(console, swap),
        performance(console, swap),
        segments(console, swap),
        attribution(console, found),
        movers(console, found),
        inputs(console, found),
    ];
    let mut text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    if let Some(path) = written {
        text.push_str(&format!("\nwritten to {}\n", path.display()));
    }
    text
}

fn head(console: &Console, found: &SwapOutcome) -> String {
    let (report, swap) = (&found.report, &found.report.swap);
    let (word, tone) = verdict(swap.verdict);
    let rows = counted(swap.rows, "row");
    let mut text =
        format!("{}: {}, {rows} in {}\n", console.paint(tone, word), report.title, duration(found.seconds));
    let models = report.models.iter().zip(["M1", "M2"]).map(|(model, called)| {
        let single = model.single_micros.map(|[median, _]| format!("{median:.0} µs a row"));
        vec![
            Cell::left(format!("  {called}")).tone(Tone::Strong),
            Cell::left(&model.name),
            Cell::left(model.format.as_deref().unwrap_or_default()),
            Cell::right(counted(model.features.len() as u64, "feature")),
            Cell::right(model.bytes.map(bytes).unwrap_or_default()),
            Cell::right(single.unwrap_or_default()),
            Cell::left(model.hash.as_deref().unwrap_or_default().chars().take(12).collect::<String>())
                .tone(Tone::Faint),
        ]
    });
    text.push_str(&columns(console, &models.collect::<Vec<_>>()));
    for (at, called) in ["M1", "M2"].into_iter().enumerate() {
        let [own, other] = [&report.models[at].features, &report.models[1 - at].features];
        let only: Vec<&str> = own.iter().filter(|name| !other.contains(name)).map(String::as_str).collect();
        if !only.is_empty() {
            text.push_str(&format!("  only {called} reads {}\n", listed(&only)));
        }
    }
    text.push_str(&difference(swap));
    text
}

/// Names, cut short when they are many.
fn listed(names: &[&str]) -> String {
    let shown = names.len().min(FEATURES_SHOWN_MAX);
    let more = names.len() - shown;
    let rest = if more > 0 { format!(" and {}", counted(more as u64, "other")) } else { String::new() };
    format!("{}{rest}", names[..shown].join(", "))
}

/// How far apart the predictions are, and where classes change.
fn difference(swap: &Swap) -> String {
    let mut text = String::new();
    if let (Some(share), Some(deltas)) = (swap.disagreement, &swap.deltas) {
        let by = match (swap.task, swap.tolerance) {
            (Task::Regression, Some(tolerance)) => format!("by more than {}", fraction(tolerance)),
            _ => "on the class".to_owned(),
        };
        text.push_str(&format!(
            "  they disagree {by} in {} of the rows; |Δ| mean {}, 95th percentile {}, largest {}\n",
            percent(share),
            fraction(deltas.mean_absolute),
            fraction(deltas.p95),
            fraction(deltas.max),
        ));
    }
    let Some(flips) = swap.flips.as_ref().filter(|flips| flips.classes.len() <= FEATURES_SHOWN_MAX) else {
        return text;
    };
    let changed = |(from, row): (usize, &Vec<u64>)| {
        let of = |(to, count): (usize, &u64)| {
            let name = format!("{} → {}", flips.classes[from], flips.classes[to]);
            (from != to && *count > 0).then(|| format!("{name} {}", number(*count)))
        };
        row.iter().enumerate().filter_map(of).collect::<Vec<_>>()
    };
    let changes: Vec<String> = flips.counts.iter().enumerate().flat_map(changed).collect();
    if !changes.is_empty() {
        text.push_str(&format!("  flips: {}\n", changes.join(", ")));
    }
    text
}

/// The head of a table: a name, then numbers, then what is told of them.
fn heading(name: &str, numbers: &[&str], told: &str) -> Vec<Cell> {
    let cells = std::iter::once(Cell::left(format!("  {name}")))
        .chain(numbers.iter().map(|text| Cell::right(*text)))
        .chain((!told.is_empty()).then(|| Cell::left(told)));
    cells.map(|cell| cell.tone(Tone::Strong)).collect()
}

fn gates(console: &Console, swap: &Swap) -> String {
    let mut rows = vec![heading("gate", &["found", "allowed"], "")];
    rows.extend(swap.gates.iter().map(|gate| {
        let (word, tone) = match gate.passed {
            Some(true) => ("holds", Tone::Good),
            Some(false) if gate.is_harm => ("FAILS", Tone::Bad),
            Some(false) => ("look closer", Tone::Strong),
            None => ("not known", Tone::Faint),
        };
        let bound = if gate.is_minimum { "≥" } else { "≤" };
        vec![
            Cell::left(format!("  {}", gate.name)),
            Cell::right(gate.value.map_or_else(|| "–".to_owned(), |value| unit(gate, value))),
            Cell::right(format!("{bound} {}", unit(gate, gate.limit))),
            Cell::left(word).tone(tone),
            Cell::left(&gate.why).tone(Tone::Faint),
        ]
    }));
    columns(console, &rows)
}

/// A number of a gate, to what is read of it.
fn unit(gate: &Gate, value: f64) -> String {
    match gate.name {
        "disagreement" | "missing" => percent(value),
        "segments" => format!("{value:.0}"),
        _ => short(value),
    }
}

/// Four significant digits.
fn short(value: f64) -> String {
    let magnitude = value.abs().log10().floor();
    if value == 0.0 || !(-6.0..4.0).contains(&magnitude) {
        return fraction(value);
    }
    if value < 0.0 {
        return format!("−{}", short(-value));
    }
    let digits = format!("{value:.*}", (3.0 - magnitude) as usize);
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}

fn signed(value: f64) -> String {
    format!("{}{}", if value < 0.0 { "−" } else { "+" }, short(value.abs()))
}

fn performance(console: &Console, swap: &Swap) -> String {
    if swap.differences.is_empty() {
        return String::new();
    }
    let mut rows = vec![heading("metric", &["M1", "M2", "difference", "95 % interval"], "")];
    let known = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
    rows.extend(swap.differences.iter().map(|found| {
        let (word, tone) = judged(found);
        let interval = found.interval.map_or_else(String::new, |interval| {
            format!("{} … {}", signed(interval.low), signed(interval.high))
        });
        vec![
            Cell::left(format!("  {}", found.metric.name())),
            Cell::right(known(found.values[0])),
            Cell::right(known(found.values[1])),
            Cell::right(found.difference.map_or_else(|| "–".to_owned(), signed)),
            Cell::right(interval),
            Cell::left(word).tone(tone),
        ]
    }));
    format!(
        "{}{}",
        columns(console, &rows),
        format_args!("  on {}\n", counted(swap.labelled, "labelled row"))
    )
}

/// Better or worse beyond chance.
fn judged(found: &Difference) -> (&'static str, Tone) {
    let is_sure = found.interval.is_some_and(|interval| interval.low > 0.0 || interval.high < 0.0);
    match found.is_better {
        Some(true) if is_sure => ("better", Tone::Good),
        Some(false) if is_sure => ("worse", Tone::Bad),
        _ => ("", Tone::Faint),
    }
}

fn segments(console: &Console, swap: &Swap) -> String {
    let all = swap.segments.iter().flat_map(|column| {
        column.segments.iter().filter(|segment| segment.is_worse).map(move |segment| (column, segment))
    });
    let worse: Vec<_> = all.collect();
    if worse.is_empty() {
        return String::new();
    }
    let mut text = console
        .paint(Tone::Bad, &format!("  {} in which M2 is worse\n", counted(worse.len() as u64, "segment")));
    let rows = worse.iter().take(SEGMENTS_SHOWN_MAX).map(|(column, segment)| {
        let values = segment.performance.as_ref().map(|found| found.values).unwrap_or_default();
        let [before, after] = values.map(|value| value.map_or_else(|| "–".to_owned(), short));
        vec![
            Cell::left(format!("  {} = {}", column.column, segment.label)),
            Cell::right(counted(segment.rows, "row")),
            Cell::right(format!("{before} → {after}")),
        ]
    });
    text.push_str(&columns(console, &rows.collect::<Vec<_>>()));
    text
}

fn attribution(console: &Console, found: &SwapOutcome) -> String {
    let Some(attribution) = &found.report.swap.attribution else {
        let reason = found.unexplained.as_deref().unwrap_or_default();
        return if reason.is_empty() { String::new() } else { format!("  not explained: {reason}\n") };
    };
    let against = match found.explained {
        Some(Method::Interventional) => ", against 100 of them",
        _ => "",
    };
    let ndcg = attribution.ndcg.map_or_else(|| "–".to_owned(), |ndcg| format!("{ndcg:.3}"));
    let mut text = format!(
        "  reasons, by the SHAP values of {}{against}: nDCG {ndcg}\n",
        counted(attribution.rows, "row")
    );
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
    let rank = |rank: Option<u64>| rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
    let mut rows = vec![heading("feature", &["M1", "M2", "rank in M1", "in M2"], "")];
    rows.extend(attribution.features.iter().take(FEATURES_SHOWN_MAX).map(|feature| {
        vec![
            Cell::left(format!("  {}", feature.name)),
            Cell::right(share(feature.share[0])),
            Cell::right(share(feature.share[1])),
            Cell::right(rank(feature.rank[0])),
            Cell::right(rank(feature.rank[1])),
        ]
    }));
    text.push_str(&columns(console, &rows));
    text
}

fn movers(console: &Console, found: &SwapOutcome) -> String {
    let swap = &found.report.swap;
    if swap.movers.is_empty() {
        return String::new();
    }
    let has_labels = swap.movers.iter().any(|mover| mover.label.is_some());
    let numbers: &[&str] = if has_labels { &["M1", "M2", "label"] } else { &["M1", "M2"] };
    let mut rows = vec![heading("rows that move the most", numbers, "because of")];
    let row = |(at, mover): (usize, &Mover)| {
        let called = found.report.movers.get(at).filter(|called| !called.is_empty());
        let called = called.cloned().unwrap_or_else(|| format!("row {}", number(mover.row + 1)));
        let reasons: Vec<String> = mover
            .features
            .iter()
            .take(2)
            .map(|(name, [one, two])| format!("{name} {} → {}", signed(*one), signed(*two)))
            .collect();
        let mut cells = vec![
            Cell::left(format!("  {}", cut(&called))),
            Cell::right(short(mover.predictions[0])),
            Cell::right(short(mover.predictions[1])),
        ];
        if has_labels {
            cells.push(Cell::right(mover.label.map_or_else(|| "–".to_owned(), short)));
        }
        cells.push(Cell::left(reasons.join(", ")));
        cells
    };
    rows.extend(swap.movers.iter().take(MOVERS_SHOWN_MAX).enumerate().map(row));
    columns(console, &rows)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CALLED_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The inputs that have moved, those that mean the most to M2 first.
fn inputs(console: &Console, found: &SwapOutcome) -> String {
    let Some(drift) = &found.report.inputs else { return String::new() };
    let importance = drift.importance.as_ref().map(|importance| importance.columns.as_slice());
    let ranked = drift.report.ranked(importance.unwrap_or_default());
    let drifted: Vec<&str> = ranked
        .iter()
        .filter(|ranked| ranked.verdict == hanok_drift::Verdict::Drifted)
        .map(|ranked| drift.report.columns[ranked.column].name.as_str())
        .collect();
    let all = counted(drift.report.columns.len() as u64, "input");
    let text = if drifted.is_empty() {
        format!("no drift in {all} since {}", drift.sides[0].name)
    } else {
        let names = drifted.iter().take(INPUTS_SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
        let more = if drifted.len() > INPUTS_SHOWN_MAX { ", …" } else { "" };
        format!("{} of {all} drifted since {}: {names}{more}", drifted.len(), drift.sides[0].name)
    };
    format!("  {}\n", console.paint(Tone::Strong, &text))
}
