//! All columns in the order of worry, a line each.

use hanok_drift::{Column, Measure, Ranked, Verdict};

use super::View;
use super::banner::since;
use crate::bars::{Bar, Course};
use crate::effects::{badge, kind, meaning, short, times, up_to, what};
use crate::figures::{count, probability};
use crate::markup::{Cell, Row, cell, details, figure, name, paragraph, section, table};
use crate::words::Word;

/// Lines that are there at once: all that are not stable, up to the second; with fewer than the first, stable ones too.
const OPEN: std::ops::Range<usize> = 10..40;
/// Lines in all; JSON has the others.
const LINES_MAX: usize = 400;

pub(super) fn html(view: &View<'_>) -> String {
    section("ranking", view.words.of(Word::Ranking), &lines(view))
}

/// The lines without a heading.
pub(super) fn lines(view: &View<'_>) -> String {
    let words = view.words;
    let mut heads = vec![Word::Column, Word::Verdict, Word::Effect, Word::Probability];
    heads.extend(view.input.course.as_ref().map(|_| Word::Since));
    heads.extend(view.input.importance.as_ref().map(|_| Word::Importance));
    let heads: Vec<_> = heads.into_iter().map(|word| words.of(word)).collect();
    let shown = &view.ranked[..view.ranked.len().min(LINES_MAX)];
    let finite = shown.iter().map(|ranked| ranked.effect).filter(|effect| effect.is_finite());
    let most = finite.fold(2.0, f64::max).clamp(2.0, 4.0);
    let lines = |part: &[Ranked], place: usize| -> Vec<Row> {
        part.iter().enumerate().map(|(at, ranked)| line(view, ranked, place + at, most)).collect()
    };
    let worrying = shown.iter().filter(|ranked| ranked.verdict != Verdict::Stable).count();
    let (open, closed) = shown.split_at(shown.len().min(worrying.clamp(OPEN.start, OPEN.end)));
    let is_undecided = shown.iter().any(|ranked| ranked.verdict == Verdict::Undecided);
    let pale = match is_undecided {
        true => words.choose(
            " The pale part is what could have been missed with so few rows.",
            " 옅은 부분은 행이 적어 놓쳤을 수 있는 크기입니다.",
        ),
        false => "",
    };
    let legend = words.choose(
        "The bar says how far a column has moved, in multiples of what would matter (the line), without the noise that so many \
         rows have. What is beyond the line, and not by chance, has drifted.",
        "막대는 행 수에 따른 잡음을 뺀 변화의 크기, 세로선은 의미 있는 변화의 기준치입니다. 기준치를 넘고 우연으로 설명되지 않을 때 드리프트로 판정합니다.",
    );
    let mut body = paragraph("muted", &format!("{legend}{pale}"));
    body += &table("rank stack", "", &heads, &lines(open, 0));
    body += &paragraph("muted", &meanings(view, shown));
    if !closed.is_empty() {
        let n = closed.len();
        let summary = if worrying <= open.len() {
            words.choose(format!("{n} more columns, all stable"), format!("나머지 열 {n}개 (모두 안정)"))
        } else {
            words.choose(format!("{n} more columns"), format!("나머지 열 {n}개"))
        };
        body += &details(&summary, &table("rank stack", "", &heads, &lines(closed, open.len())));
    }
    if view.ranked.len() > LINES_MAX {
        let n = count((view.ranked.len() - LINES_MAX) as u64);
        body += &paragraph(
            "muted",
            &words.choose(
                format!("{n} columns with smaller effects are not listed; the JSON of this report has them."),
                format!("효과가 더 작은 열 {n}개는 생략했습니다. 이 보고서의 JSON에는 모두 있습니다."),
            ),
        );
    }
    body
}

/// The measures that are there, for who does not know them.
fn meanings(view: &View<'_>, shown: &[Ranked]) -> String {
    let of = |ranked: &Ranked| Some(view.report.columns[ranked.column].worst()?.effect.measure);
    let found: Vec<Measure> = shown.iter().filter_map(of).collect();
    let known =
        [Measure::KolmogorovSmirnov, Measure::WassersteinScaled, Measure::LeCam, Measure::RateDifference];
    let said =
        known.iter().filter(|measure| found.contains(measure)).filter_map(|of| meaning(*of, view.words));
    said.collect::<Vec<_>>().join(" ")
}

fn line(view: &View<'_>, ranked: &Ranked, place: usize, most: f64) -> Row {
    let words = view.words;
    let column = &view.report.columns[ranked.column];
    let own = name(&column.name);
    let own = if place < view.cards_max { format!("<a href=\"#c{}\">{own}</a>", ranked.column) } else { own };
    let mut cells = vec![
        cell(own),
        cell(badge(column.verdict, words)),
        effect(view, ranked, column, most),
        figure(column.worst().map_or(String::new(), |aspect| probability(aspect.p_adjusted))),
    ];
    if view.input.course.is_some() {
        cells.push(cell(course(view, column, place)).class("since"));
    }
    if view.input.importance.is_some() {
        let found = view.importance(&column.name).filter(|(_, value)| *value != 0.0);
        cells.push(figure(found.map_or(String::new(), |(place, _)| {
            let percent = crate::figures::share(ranked.importance);
            format!(
                "<span title=\"{percent}\">{}</span>",
                words.choose(format!("#{place}"), format!("{place}위"))
            )
        })));
    }
    Row { class: crate::effects::class(column.verdict), cells }
}

fn effect(view: &View<'_>, ranked: &Ranked, column: &Column, most: f64) -> Cell {
    let words = view.words;
    let Some(aspect) = column.worst().filter(|_| column.kinds[0] == column.kinds[1]) else {
        let [before, after] = column.kinds.map(|of| words.of(kind(of)));
        let said = if before == after {
            words.of(Word::Nothing).to_owned()
        } else {
            format!("{before} → {after}")
        };
        let bar = Bar { ratio: if before == after { 0.0 } else { f64::INFINITY }, up_to: None, most };
        return cell(format!("{}<small>{said}</small>", bar.svg(&said))).class("effect");
    };
    let (times, of) = (times(&aspect.effect), words.of(what(aspect.what)));
    let said = format!("{of} · {}", short(&aspect.effect, words.0));
    let bar = Bar { ratio: ranked.effect, up_to: up_to(&aspect.effect, aspect.verdict), most };
    let drawn = bar.svg(&format!("{times}, {said}"));
    cell(format!("<span>{drawn} <b>{times}</b><small>{said}</small></span>")).class("effect")
}

/// The course of lines that have a card, and since when the column has drifted.
fn course(view: &View<'_>, column: &Column, place: usize) -> String {
    let Some(course) = view.course(&column.name) else { return String::new() };
    let since = since(view, column).filter(|_| column.verdict != Verdict::Stable).unwrap_or_default();
    if place >= OPEN.end {
        return since;
    }
    let values: Vec<f64> = course.effects.iter().map(|effect| effect.unwrap_or(f64::NAN)).collect();
    let change = course.began.map(|change| change.window);
    let svg = Course { values: &values, threshold: course.threshold, change }.svg(&column.name);
    format!("<span>{svg}<small>{since}</small></span>")
}
