//! Both models row by row.

use hanok_charts::{Chart, Line, Plot, Timeline, number};
use hanok_drift::outputs::Task;
use hanok_drift::outputs::swap::{Deltas, Flips, Mover};

use super::View;
use crate::error::ReportError;
use crate::figures::{count, share, signed};
use crate::markup::{Cell, Row, cell, details, figure, name, paragraph, section, table, text};
use crate::page::picture;
use crate::words::Word;

/// Classes of the matrix of decisions.
const CLASSES_MAX: usize = 8;
/// Rows that are listed.
const MOVERS_MAX: usize = 20;
/// Of these, those that are there at once.
const MOVERS_OPEN: usize = 8;
/// Reasons of a row.
const REASONS_MAX: usize = 4;

pub(super) fn html(view: &View<'_>) -> Result<String, ReportError> {
    let words = view.words;
    let swap = view.swap;
    let mut body = paragraph("", &format!("{} {}", disagreement(view), positives(view)));
    body += "<div class=\"pair\">\n<div>";
    if let Some(flips) = &swap.flips {
        body += &matrix(view, flips);
    }
    if let Some(deltas) = &swap.deltas {
        body += &differences(view, deltas);
    }
    body += "</div>\n";
    if let Some(chart) = swap.deltas.as_ref().and_then(|deltas| spread(view, deltas)) {
        body += &format!("<div>{}</div>\n", picture(words.of(Word::Paired), &chart, words.0)?);
    }
    body += "</div>\n";
    Ok(section("paired", words.of(Word::Paired), &body))
}

fn disagreement(view: &View<'_>) -> String {
    let words = view.words;
    let swap = view.swap;
    let Some(part) = swap.disagreement.map(share) else { return String::new() };
    let between = swap
        .disagreement_interval
        .map_or(String::new(), |interval| format!(" ({} … {})", share(interval.low), share(interval.high)));
    match (swap.task, swap.threshold, swap.tolerance) {
        (Task::Regression, _, Some(tolerance)) => {
            let tolerance = number(tolerance);
            words.choose(
                format!("<b>{part}</b>{between} of the rows differ by more than {tolerance}."),
                format!("행의 <b>{part}</b>{between}에서 차이가 {tolerance}보다 큽니다."),
            )
        }
        (Task::Binary, Some(threshold), _) => {
            let threshold = number(threshold);
            words.choose(
                format!("<b>{part}</b>{between} of the decisions flip at the threshold {threshold}."),
                format!("임계값 {threshold}에서 결정의 <b>{part}</b>{between}가 바뀝니다."),
            )
        }
        _ => words.choose(
            format!("<b>{part}</b>{between} of the rows get another prediction."),
            format!("행의 <b>{part}</b>{between}에서 예측이 바뀝니다."),
        ),
    }
}

/// How often each binary model says yes: what its alerts will be.
fn positives(view: &View<'_>) -> String {
    let (Task::Binary, Some(Flips { counts, .. })) = (view.swap.task, &view.swap.flips) else {
        return String::new();
    };
    let at = |from: usize, to: usize| counts.get(from).and_then(|row| row.get(to)).copied().unwrap_or(0);
    let all = counts.iter().flatten().sum::<u64>().max(1) as f64;
    let yes = [at(1, 0) + at(1, 1), at(0, 1) + at(1, 1)].map(|rows| share(rows as f64 / all));
    let [before, after] = yes;
    view.words.choose(
        format!("M1 says yes to {before} of the rows, M2 to <b>{after}</b>."),
        format!("양성 예측은 M1에서 행의 {before}, M2에서 <b>{after}</b>입니다."),
    )
}

fn matrix(view: &View<'_>, flips: &Flips) -> String {
    let words = view.words;
    let all = flips.counts.iter().flatten().sum::<u64>().max(1) as f64;
    let shown = flips.classes.len().min(CLASSES_MAX);
    let class = |at: usize| match (view.swap.task, at) {
        (Task::Binary, 0) => words.of(Word::No).to_owned(),
        (Task::Binary, _) => words.of(Word::Yes).to_owned(),
        _ => name(&flips.classes[at]),
    };
    let mut heads = vec![format!("{} ↓ {} →", short(&view.names[0]), short(&view.names[1]))];
    heads.extend((0..shown).map(class));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows: Vec<Row> = (0..shown)
        .map(|from| {
            let mut cells = vec![cell(class(from))];
            for to in 0..shown {
                let rows = flips.counts.get(from).and_then(|counts| counts.get(to)).copied().unwrap_or(0);
                let said = format!("{} <small>{}</small>", count(rows), share(rows as f64 / all));
                let one = figure(if from == to || rows == 0 { said } else { format!("<b>{said}</b>") });
                cells.push(one);
            }
            cells.into()
        })
        .collect();
    let mut out = table("matrix", words.of(Word::Agreement), &heads, &rows);
    out += &first_classes(view, shown, flips.classes.len());
    out
}

/// That not all classes are listed, if that is so.
pub(super) fn first_classes(view: &View<'_>, shown: usize, all: usize) -> String {
    if shown >= all {
        return String::new();
    }
    let said = view.words.choose(
        format!("The first {shown} of {all} classes."),
        format!("전체 {all}개 범주 중 처음 {shown}개."),
    );
    paragraph("muted", &said)
}

fn short(name: &str) -> String {
    text(&crate::markup::shortened(name, 16))
}

fn differences(view: &View<'_>, deltas: &Deltas) -> String {
    let words = view.words;
    let lines = [
        ("mean difference", "평균 차이", Some(signed(deltas.mean))),
        ("mean |difference|", "평균 |차이|", Some(number(deltas.mean_absolute))),
        ("95% quantile of |difference|", "|차이|의 95% 분위수", Some(number(deltas.p95))),
        ("largest |difference|", "|차이|의 최댓값", Some(number(deltas.max))),
        ("same to the last bit", "완전히 같은 예측", Some(share(deltas.equal))),
        (
            "rank correlation (Spearman)",
            "순위 상관 (스피어만)",
            view.swap.spearman.map(|value| format!("{value:.3}")),
        ),
    ];
    let rows: Vec<Row> = lines
        .into_iter()
        .filter_map(|(en, ko, value)| Some(vec![cell(words.choose(en, ko)), figure(value?)].into()))
        .collect();
    table("facts", "", &[words.of(Word::Statistic), words.of(Word::Value)], &rows)
}

fn spread(view: &View<'_>, deltas: &Deltas) -> Option<Chart> {
    let words = view.words;
    let line = Line { name: String::new(), values: deltas.percentiles.clone(), ..Line::default() };
    let plot = Timeline {
        axis: words.choose("M2 − M1", "M2 − M1").to_owned(),
        times: (0..deltas.percentiles.len()).map(|at| at as f64).collect(),
        numbers: true,
        time_axis: words.of(Word::Percentile).to_owned(),
        lines: vec![line],
        ..Timeline::default()
    };
    let subtitle =
        words.choose("differences, from the lowest row to the highest", "행별 차이 (오름차순)").to_owned();
    let is_drawn = deltas.percentiles.len() > 1;
    is_drawn.then(|| Chart {
        title: String::new(),
        subtitle,
        note: String::new(),
        sample_of: None,
        plot: Plot::Timeline(plot),
    })
}

/// The rows that move the farthest, with the reasons that differ the most.
pub(super) fn movers(view: &View<'_>) -> String {
    let words = view.words;
    let movers = &view.swap.movers[..view.swap.movers.len().min(MOVERS_MAX)];
    if movers.is_empty() {
        return String::new();
    }
    let is_labelled = movers.iter().any(|mover| mover.label.is_some());
    let is_explained = movers.iter().any(|mover| !mover.features.is_empty());
    let mut heads = vec![words.of(Word::Row), "M1", "M2", words.of(Word::Difference)];
    heads.extend(is_labelled.then(|| words.of(Word::Label)));
    heads.extend(is_explained.then(|| words.of(Word::Reasons)));
    let line = |(at, mover): (usize, &Mover)| -> Row {
        let class = |at: usize| {
            // Of two classes the probability says which.
            let classes = mover.classes.as_ref().filter(|_| view.swap.task == Task::Multiclass);
            classes.map_or(String::new(), |classes| format!(" <small>{}</small>", name(&classes[at])))
        };
        let said = |at: usize| figure(format!("<span>{}{}</span>", number(mover.predictions[at]), class(at)));
        // Rows are counted from 1 wherever people name them.
        let called = view.input.movers.get(at).filter(|called| !called.is_empty());
        let called = called.map_or(String::new(), |called| format!("<br/><small>{}</small>", text(called)));
        let row = count(mover.row + 1);
        let row = format!("<span>{}{called}</span>", words.choose(format!("row {row}"), format!("{row}행")));
        let mut cells = vec![cell(row), said(0), said(1), figure(signed(mover.delta))];
        if is_labelled {
            cells.push(figure(mover.label.map_or_else(|| "–".to_owned(), number)));
        }
        if is_explained {
            cells.push(reasons(mover));
        }
        cells.into()
    };
    let rows: Vec<Row> = movers.iter().enumerate().map(line).collect();
    let (open, closed) = rows.split_at(rows.len().min(MOVERS_OPEN));
    let mut body = table("stack", "", &heads, open);
    if !closed.is_empty() {
        let n = closed.len();
        let summary = words.choose(format!("{n} more rows"), format!("나머지 {n}개 행"));
        body += &details(&summary, &table("stack", "", &heads, closed));
    }
    if is_explained {
        body += &paragraph("muted", words.choose(
            "Reasons are both models’ contributions of a feature to the prediction, the largest difference first.",
            "근거는 특성이 예측에 기여한 값(M1 → M2)이며, 차이가 큰 순서입니다.",
        ));
    }
    section("movers", words.of(Word::Movers), &body)
}

fn reasons(mover: &Mover) -> Cell {
    if mover.features.is_empty() {
        return Cell::default();
    }
    let one = |(feature, values): &(String, [f64; 2])| {
        format!("{} <small>{} → {}</small>", name(feature), signed(values[0]), signed(values[1]))
    };
    let all: Vec<_> = mover.features.iter().take(REASONS_MAX).map(one).collect();
    cell(format!("<span>{}</span>", all.join("; "))).class("long")
}
