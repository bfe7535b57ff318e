//! What comes first.

use hanok_drift::{Aspect, Column, Verdict, What};

use super::View;
use super::changes;
use super::monitored;
use crate::effects::{class, short, times, word};
use crate::figures::{count, moment};
use crate::markup::{name, paragraph, text};
use crate::page::{Banner, named};
use crate::words::Word;

/// A drifted column among so many of the most important is worth a warning.
const IMPORTANT: usize = 5;

pub(super) fn html(view: &View<'_>) -> String {
    let verdict = view.input.verdict();
    let words = view.words;
    let number = |verdict: Verdict| view.count(verdict) as u64;
    let mut counts: Vec<_> = [Verdict::Drifted, Verdict::Undecided, Verdict::Stable]
        .into_iter()
        .map(|verdict| (class(verdict), number(verdict), words.of(word(verdict))))
        .collect();
    for (names, word) in [
        (&view.report.vanished, Word::VanishedColumns),
        (&view.report.new, Word::NewColumns),
        (&view.report.skipped, Word::SkippedColumns),
    ] {
        if !names.is_empty() {
            let nouns = words.of(word);
            let noun = nouns.strip_suffix('s').filter(|_| names.len() == 1).unwrap_or(nouns);
            counts.push(("plain", names.len() as u64, noun));
        }
    }
    Banner {
        class: class(verdict),
        verdict: words.of(word(verdict)),
        title: &view.input.title,
        lead: lead(view),
        more: vec![first(view), worry(view), beside(view), sides(view)],
        counts,
    }
    .html()
}

/// What comes first of a part of another report.
pub(super) fn part(view: &View<'_>) -> String {
    let said = [lead(view), first(view), worry(view), sides(view)];
    said.iter().map(|said| paragraph("", said)).collect()
}

/// One plain sentence.
fn lead(view: &View<'_>) -> String {
    let (drifted, undecided) = (view.count(Verdict::Drifted), view.count(Verdict::Undecided));
    let all = view.ranked.len();
    let joint = view.input.joint.as_ref().map_or(Verdict::Stable, super::Joint::verdict);
    let gone = view.report.vanished.len();
    let en = match (drifted, undecided) {
        (0, _) if joint == Verdict::Drifted => {
            "No column has drifted by itself, but the columns together have.".to_owned()
        }
        (0, _) if gone == 1 => "A column has vanished.".to_owned(),
        (0, _) if gone > 1 => format!("{gone} columns have vanished."),
        (0, 0) => format!("None of {all} columns has drifted."),
        (0, _) if undecided == all => "There are too few rows to tell.".to_owned(),
        (0, 1) => format!("None of {all} columns is known to have drifted; 1 has too few rows to tell."),
        (0, _) => {
            format!("None of {all} columns is known to have drifted; {undecided} have too few rows to tell.")
        }
        (1, _) if all == 1 => "The column has drifted.".to_owned(),
        (1, _) => format!("1 of {all} columns has drifted."),
        _ => format!("{drifted} of {all} columns have drifted."),
    };
    let ko = match (drifted, undecided) {
        (0, _) if joint == Verdict::Drifted => {
            "개별 열에는 드리프트가 없지만, 열들을 함께 보면 분포가 달라졌습니다.".to_owned()
        }
        (0, _) if gone > 0 => format!("열 {gone}개가 사라졌습니다."),
        (0, 0) => format!("열 {all}개 모두 드리프트가 없습니다."),
        (0, _) if undecided == all => "행이 부족하여 판단할 수 없습니다.".to_owned(),
        (0, _) => format!(
            "열 {all}개 중 확인된 드리프트는 없고, {undecided}개는 행이 부족하여 판단을 보류했습니다."
        ),
        _ => format!("열 {all}개 중 {drifted}개에서 드리프트가 발견되었습니다."),
    };
    view.words.choose(en, ko)
}

/// Where to look first.
fn first(view: &View<'_>) -> String {
    let Some(ranked) = view.ranked.first().filter(|ranked| ranked.verdict == Verdict::Drifted) else {
        return String::new();
    };
    let column = &view.report.columns[ranked.column];
    let change = changes::sentence(column, view.words);
    let own = format!("<a href=\"#c{}\">{}</a>", ranked.column, name(&column.name));
    let effect = column.worst().filter(|aspect| aspect.effect.ratio().is_finite());
    // A share out of range is the change itself.
    let is_said = |aspect: &Aspect| aspect.what == What::Range;
    let effect = effect.map(|aspect| {
        let short = if is_said(aspect) { String::new() } else { short(&aspect.effect, view.words.0) + ", " };
        (short, times(&aspect.effect))
    });
    let since = since(view, column);
    let en_effect =
        effect.as_ref().map_or(String::new(), |(short, times)| format!(" ({short}{times} its threshold)"));
    let ko_effect =
        effect.as_ref().map_or(String::new(), |(short, times)| format!(" ({short}기준치의 {times})"));
    view.words.choose(
        format!(
            "Look first at {own}: {change}{en_effect}{}.",
            since.as_ref().map_or(String::new(), |at| format!(", since {at}"))
        ),
        format!(
            "먼저 확인할 열: {own} – {change}{ko_effect}{}.",
            since.as_ref().map_or(String::new(), |at| format!(", {at}부터"))
        ),
    )
}

/// Since when a column has drifted.
pub(super) fn since(view: &View<'_>, column: &Column) -> Option<String> {
    let began = view.course(&column.name)?.began?;
    // A monitor has names for its windows.
    let windows = view.input.course.as_ref().map_or(&[][..], |course| course.windows.as_slice());
    let is_window = windows.get(began.window).is_some_and(|window| (window.start - began.time).abs() < 1e-6);
    let named = view.input.monitored.as_ref().and_then(|monitored| monitored.windows.get(began.window));
    let when = named.filter(|_| is_window).map_or_else(|| moment(began.time), |name| text(name));
    Some(format!("<span class=\"nb\">{when}</span>"))
}

/// Whether to worry: what drifted and matters to the model, and what could not be decided.
fn worry(view: &View<'_>) -> String {
    let mut said = Vec::new();
    let drifted = || view.report.drifted();
    if let (Some(importance), Some(_)) = (&view.input.importance, drifted().next()) {
        let model = name(&importance.model);
        let important: Vec<String> = drifted()
            .filter(|column| {
                view.importance(&column.name).is_some_and(|(place, value)| place <= IMPORTANT && value != 0.0)
            })
            .map(|column| name(&column.name))
            .collect();
        let n = important.len();
        said.push(if important.is_empty() {
            view.words.choose(
                format!("None of what drifted is among the {IMPORTANT} columns that matter most to {model}."),
                format!("드리프트된 열 중 {model} 모델의 상위 {IMPORTANT}개 중요 열은 없습니다."),
            )
        } else {
            let listed = important.join(", ");
            view.words.choose(
                format!(
                    "Worry: {listed} {} among the {IMPORTANT} columns that matter most to {model}.",
                    if n == 1 { "is" } else { "are" }
                ),
                format!("주의: {listed} – {model} 모델의 상위 {IMPORTANT}개 중요 열에 속합니다."),
            )
        });
    }
    let undecided = view.count(Verdict::Undecided);
    if undecided > 0 && drifted().next().is_some() {
        said.push(view.words.choose(
            format!(
                "{} too few rows to tell.",
                if undecided == 1 { "1 column has".to_owned() } else { format!("{undecided} columns have") }
            ),
            format!("열 {undecided}개는 행이 부족하여 판단을 보류했습니다."),
        ));
    }
    said.join(" ")
}

/// A monitor's checks beside the columns that are bad.
fn beside(view: &View<'_>) -> String {
    let bad: Vec<String> = view
        .input
        .bad_checks()
        .map(|check| monitored::subject(&check.aspect, check.column.as_deref(), view.words))
        .collect();
    if bad.is_empty() {
        return String::new();
    }
    let bad = bad.join(", ");
    view.words.choose(format!("Beside the columns: {bad}."), format!("열 외의 문제: {bad}."))
}

/// What was compared, in a line.
fn sides(view: &View<'_>) -> String {
    let side = |at: usize, word: Word| {
        let rows = view.input.sides[at]
            .rows
            .or_else(|| view.report.columns.first().map(|column| column.profiles[at].rows));
        let rows = rows.map_or(String::new(), |rows| {
            let rows = count(rows);
            format!(" ({})", view.words.choose(format!("{rows} rows"), format!("{rows}행")))
        });
        format!("{}{rows}", named(view.words.of(word), &view.input.sides[at].name))
    };
    format!("<span class=\"muted\">{} → {}</span>", side(0, Word::Reference), side(1, Word::Current))
}
