//! A card a column: both sides over each other, and what each has.

use hanok_drift::{Column, Kind, Measure, Ranked, Verdict};

use super::banner::since;
use super::{View, changes, shapes};
use crate::effects::{amount, badge, class, measure, short, times, what};
use crate::error::ReportError;
use crate::figures::{count, probability, share};
use crate::markup::{Row, cell, details, figure, name, paragraph, section, table, text};
use crate::page::picture;
use crate::words::Word;

/// Cards that are there at once, also when nothing has drifted.
const OPEN_MIN: usize = 3;
/// New and vanished categories that are listed.
const CATEGORIES_MAX: usize = 8;

pub(super) fn html(view: &View<'_>) -> Result<String, ReportError> {
    Ok(section("cards", view.words.of(Word::Cards), &all(view)?))
}

/// The cards without a heading.
pub(super) fn all(view: &View<'_>) -> Result<String, ReportError> {
    let shown = &view.ranked[..view.ranked.len().min(view.cards_max)];
    let cards = |ranked: &[Ranked]| -> Result<String, ReportError> {
        let cards = ranked.iter().map(|ranked| card(view, ranked)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("<div class=\"cards\">\n{}</div>\n", cards.concat()))
    };
    let mut body = String::new();
    if view.ranked.len() > shown.len() {
        let (most, of) = (shown.len(), count(view.ranked.len() as u64));
        body += &paragraph(
            "muted",
            &view.words.choose(
                format!("The first {most} of {of} columns in the order above."),
                format!("위 순서에서 처음 {most}개 열 (전체 {of}개)."),
            ),
        );
    }
    let worrying = shown.iter().filter(|ranked| ranked.verdict != Verdict::Stable).count();
    let (open, closed) = shown.split_at(shown.len().min(worrying.max(OPEN_MIN)));
    body += &cards(open)?;
    if !closed.is_empty() {
        let n = closed.len();
        let summary = view.words.choose(format!("{n} stable columns"), format!("안정된 열 {n}개"));
        body += &details(&summary, &cards(closed)?);
    }
    Ok(body)
}

fn card(view: &View<'_>, ranked: &Ranked) -> Result<String, ReportError> {
    let words = view.words;
    let column = &view.report.columns[ranked.column];
    let mut out = format!(
        "<article class=\"card {}\" id=\"c{}\">\n<header><h3>{}</h3>{}</header>\n",
        class(column.verdict),
        ranked.column,
        name(&column.name),
        badge(column.verdict, words)
    );
    let since = since(view, column)
        .map_or(String::new(), |at| words.choose(format!(" · since {at}"), format!(" · {at}부터")));
    out += &paragraph("", &format!("{}{since}", changes::sentence(column, words)));
    out += &aspects(view, column);
    if let Some(chart) = shapes::chart(view, column) {
        out += &picture(&column.name, &chart, words.0)?;
    }
    out += &facts(view, column);
    out += &categories(view, column);
    out += &statistics(view, column);
    Ok(out + "</article>\n")
}

/// Every aspect with its verdict, in a line.
fn aspects(view: &View<'_>, column: &Column) -> String {
    let one = |aspect: &hanok_drift::Aspect| {
        format!(
            "<span class=\"badge {}\" title=\"{}\">{} {}</span>",
            class(aspect.verdict),
            text(&short(&aspect.effect, view.words.0)),
            view.words.of(what(aspect.what)),
            times(&aspect.effect)
        )
    };
    let all: Vec<_> = column.aspects.iter().map(one).collect();
    paragraph("aspects", &all.join(" "))
}

/// What each side has; a line only where a side has something to say.
fn facts(view: &View<'_>, column: &Column) -> String {
    let words = view.words;
    let sides = &column.profiles;
    let lengths = matches!(column.kinds[0], Kind::Texts | Kind::Lists);
    let mut rows: Vec<Row> = Vec::new();
    let mut push = |word: Word, values: [Option<String>; 2]| {
        if values.iter().any(Option::is_some) {
            let [before, after] = values.map(|value| figure(value.unwrap_or_else(|| "–".to_owned())));
            // Of texts and lists it is the lengths that have a mean.
            let is_of_length = lengths && matches!(word, Word::Mean | Word::Deviation | Word::Range);
            let of = if is_of_length { format!("{}: ", words.of(Word::Length)) } else { String::new() };
            rows.push(vec![cell(format!("{of}{}", words.of(word))), before, after].into());
        }
    };
    push(Word::MissingRate, sides.each_ref().map(|side| Some(share(side.missing_rate()))));
    push(Word::Mean, [0, 1].map(|side| changes::mean(column, side)));
    push(Word::Deviation, [0, 1].map(|side| changes::deviation(column, side, words)));
    push(Word::Range, [0, 1].map(|side| changes::range(column, side)));
    push(Word::Distinct, sides.each_ref().map(|side| side.distinct.map(|distinct| count(distinct as u64))));
    if sides.iter().any(|side| side.infinite > 0) {
        push(Word::Infinite, sides.each_ref().map(|side| Some(count(side.infinite))));
    }
    if column.types[0] != column.types[1] {
        push(Word::Type, column.types.each_ref().map(|of| Some(text(&of.to_string()))));
    }
    let heads = ["", &text(&view.names[0]), &text(&view.names[1])];
    table("facts", "", &heads, &rows)
}

/// Categories of one side only.
fn categories(view: &View<'_>, column: &Column) -> String {
    let Some(found) = &column.categories else { return String::new() };
    let line = |word: Word, names: &[(String, u64)], all: usize, part: f64| {
        if all == 0 {
            return String::new();
        }
        let shown: Vec<_> = names
            .iter()
            .take(CATEGORIES_MAX)
            .map(|(label, rows)| format!("{} <small>{}</small>", name(label), count(*rows)))
            .collect();
        let more = if all > shown.len() { ", …" } else { "" };
        let head = format!("{} ({}, {})", view.words.of(word), count(all as u64), share(part));
        paragraph("", &format!("{head}: {}{more}", shown.join(", ")))
    };
    line(Word::NewOnes, &found.new, found.new_count, found.new_share)
        + &line(Word::VanishedOnes, &found.vanished, found.vanished_count, found.vanished_share)
}

/// What was measured, for who asks.
fn statistics(view: &View<'_>, column: &Column) -> String {
    let words = view.words;
    let mut body = String::new();
    for aspect in &column.aspects {
        let rows: Vec<Row> = aspect
            .statistics
            .iter()
            .map(|found| {
                let value = figure(sketched(found.measure, found.value, found.error));
                let p = figure(found.p.map_or(String::new(), probability));
                vec![cell(measure(found.measure, words.0)), value, p].into()
            })
            .collect();
        let effect = &aspect.effect;
        let unit = |value: f64| amount(effect.measure, value);
        let decided = words.choose(
            format!(
                "{} of {}, {} without noise; threshold {}; detectable {}; adjusted p {}",
                measure(effect.measure, words.0),
                sketched(effect.measure, effect.value, effect.error),
                unit(effect.beyond_noise),
                unit(effect.threshold),
                unit(effect.detectable),
                probability(aspect.p_adjusted)
            ),
            format!(
                "{} {}, 잡음 제외 {}; 기준치 {}; 검출 한계 {}; 보정된 p {}",
                measure(effect.measure, words.0),
                sketched(effect.measure, effect.value, effect.error),
                unit(effect.beyond_noise),
                unit(effect.threshold),
                unit(effect.detectable),
                probability(aspect.p_adjusted)
            ),
        );
        let caption = format!("<b>{}</b>: {decided}", words.of(what(aspect.what)));
        body += &table("facts", &caption, &[words.of(Word::Statistic), words.of(Word::Value), "p"], &rows);
    }
    if body.is_empty() { body } else { details(words.of(Word::AllStatistics), &body) }
}

/// A value in its unit; of a sketch with how far it may be from that of the rows.
fn sketched(measure: Measure, value: f64, error: f64) -> String {
    let value = amount(measure, value);
    if error == 0.0 {
        value
    } else if error.is_finite() {
        format!("{value} ± {}", amount(measure, error))
    } else {
        format!("≈ {value}")
    }
}
