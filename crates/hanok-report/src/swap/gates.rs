//! The verdict, and the conditions behind it.

use hanok_charts::number;
use hanok_drift::outputs::Difference;
use hanok_drift::outputs::swap::{Gate, Verdict};

use super::{View, metric};
use crate::figures::{count, share, signed};
use crate::markup::{Row, cell, figure, name, paragraph, section, table, text};
use crate::page::Banner;
use crate::words::Word;

/// Segments that the first sentence names.
const SEGMENTS_MAX: usize = 3;

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Review => "undecided",
        Verdict::Fail => "failed",
    }
}

pub(super) fn banner(view: &View<'_>) -> String {
    let words = view.words;
    let swap = view.swap;
    let word = match swap.verdict {
        Verdict::Pass => Word::Passed,
        Verdict::Review => Word::Review,
        Verdict::Fail => Word::Failed,
    };
    let among = |is_counted: &dyn Fn(&&Gate) -> bool| swap.gates.iter().filter(is_counted).count() as u64;
    let counts = [
        ("passed", among(&|gate| gate.passed == Some(true)), Word::Holds),
        ("failed", among(&|gate| gate.passed == Some(false) && gate.is_harm), Word::DoesNotHold),
        ("undecided", among(&|gate| gate.passed == Some(false) && !gate.is_harm), Word::Differs),
        ("undecided", among(&|gate| gate.passed.is_none()), Word::NotKnown),
    ];
    let counts = counts.into_iter().filter(|(_, found, _)| *found > 0);
    let counts = counts.map(|(class, found, word)| (class, found, words.of(word))).collect();
    Banner {
        class: class(swap.verdict),
        verdict: words.of(word),
        title: &view.input.title,
        lead: lead(view),
        more: vec![format!("{} {}", disagreement(view), quality(view)), models(view)],
        counts,
    }
    .html()
}

/// One plain sentence.
fn lead(view: &View<'_>) -> String {
    let words = view.words;
    let listed = |is_listed: &dyn Fn(&&Gate) -> bool| {
        let names: Vec<_> =
            view.swap.gates.iter().filter(is_listed).map(|gate| in_full(gate, view)).collect();
        names.join(", ")
    };
    match view.swap.verdict {
        Verdict::Pass => words
            .choose(
                "The new model may take over: every condition holds.",
                "새 모델로 교체할 수 있습니다. 모든 조건을 충족합니다.",
            )
            .to_owned(),
        Verdict::Fail => {
            let harm = listed(&|gate| gate.passed == Some(false) && gate.is_harm);
            words.choose(format!("The new model does harm: {harm}."), format!("교체하면 나빠집니다: {harm}."))
        }
        Verdict::Review => {
            let broken = listed(&|gate| gate.passed == Some(false));
            let unknown = listed(&|gate| gate.passed.is_none());
            if broken.is_empty() {
                words.choose(
                    format!("It is not known whether the new model does harm: {unknown}."),
                    format!("교체하면 나빠질지 알 수 없습니다: {unknown}."),
                )
            } else {
                words.choose(
                    format!("The new model behaves differently: {broken}."),
                    format!("새 모델은 다르게 동작합니다: {broken}."),
                )
            }
        }
    }
}

/// What a condition looks at, with the segments that break it.
fn in_full(gate: &Gate, view: &View<'_>) -> String {
    let own = gate_name(gate, view);
    let worse = super::segments::worse(view);
    if gate.name != "segments" || worse.is_empty() {
        return own;
    }
    let shown = worse[..worse.len().min(SEGMENTS_MAX)].join(", ");
    let more = if worse.len() > SEGMENTS_MAX { ", …" } else { "" };
    format!("{own} ({shown}{more})")
}

/// How often the models disagree.
fn disagreement(view: &View<'_>) -> String {
    let Some(part) = view.swap.disagreement.map(share) else { return String::new() };
    view.words.choose(
        format!("The models disagree on <b>{part}</b> of the rows."),
        format!("두 모델의 예측이 행의 <b>{part}</b>에서 다릅니다."),
    )
}

/// Better or worse, where there are labels.
fn quality(view: &View<'_>) -> String {
    let words = view.words;
    let Some(found) = view.swap.differences.iter().find(|found| found.metric == view.swap.metric) else {
        return words
            .choose(
                "Without labels it is not known which model is better.",
                "라벨이 없어 어느 모델이 나은지 알 수 없습니다.",
            )
            .to_owned();
    };
    let (Some(before), Some(after)) = (found.values[0], found.values[1]) else { return String::new() };
    let name = metric(found.metric, words);
    let (before, after) = (number(before), number(after));
    let said = words.of(judged(found));
    format!("{name} <b>{before} → {after}</b>{}: {said}.", change(found))
}

/// The difference with its interval, in brackets.
fn change(found: &Difference) -> String {
    match (found.difference, found.interval) {
        (Some(difference), Some(interval)) => {
            format!(" ({}, {} … {})", signed(difference), signed(interval.low), signed(interval.high))
        }
        (Some(difference), None) => format!(" ({})", signed(difference)),
        _ => String::new(),
    }
}

/// Better, worse, or within chance.
pub(super) fn judged(found: &Difference) -> Word {
    let is_known = found.interval.is_some_and(|interval| interval.low > 0.0 || interval.high < 0.0);
    match found.is_better {
        Some(true) if is_known => Word::Improves,
        Some(false) if is_known => Word::Worsens,
        _ => Word::Same,
    }
}

fn models(view: &View<'_>) -> String {
    let words = view.words;
    let model = |at: usize, word: Word| crate::page::named(words.of(word), &view.input.models[at].name);
    let (paired, labelled) = (count(view.swap.paired), count(view.swap.labelled));
    let rows = if view.swap.labelled == 0 {
        words.choose(
            format!("{paired} rows with both predictions"),
            format!("두 예측이 모두 있는 행 {paired}개"),
        )
    } else {
        words.choose(
            format!("{paired} rows with both predictions, {labelled} of them with labels"),
            format!("두 예측이 모두 있는 행 {paired}개, 그중 라벨이 있는 행 {labelled}개"),
        )
    };
    format!("<span class=\"muted\">{} → {} · {rows}</span>", model(0, Word::First), model(1, Word::Second))
}

pub(super) fn html(view: &View<'_>) -> String {
    let words = view.words;
    let line = |gate: &Gate| -> Row {
        let (class, word) = match gate.passed {
            Some(true) => ("passed", Word::Holds),
            Some(false) if gate.is_harm => ("failed", Word::DoesNotHold),
            Some(false) => ("undecided", Word::Differs),
            None => ("undecided", Word::NotKnown),
        };
        let bound = if gate.is_minimum { "≥" } else { "≤" };
        Row {
            class,
            cells: vec![
                cell(format!(
                    "<span>{} <small>{}</small></span>",
                    gate_name(gate, view),
                    meaning(gate, view)
                )),
                figure(gate.value.map_or_else(|| "–".to_owned(), |value| unit(gate, value))),
                figure(format!("{bound} {}", unit(gate, gate.limit))),
                cell(format!("<span class=\"badge {class}\">{}</span>", words.of(word))),
            ],
        }
    };
    let rows: Vec<Row> = view.swap.gates.iter().map(line).collect();
    let heads = [Word::Condition, Word::Found, Word::Allowed, Word::Result].map(|word| words.of(word));
    let mut body = table("gates stack", "", &heads, &rows);
    let rules = view.input.rules(words);
    if !rules.is_empty() {
        let rules: Vec<_> = rules.iter().map(|rule| format!("<li>{}</li>\n", text(rule))).collect();
        body += &format!("<h3>{}</h3>\n<ul>\n{}</ul>\n", words.of(Word::Rollback), rules.concat());
    }
    if view.swap.gates.is_empty() {
        body += &paragraph("muted", words.choose("No conditions were set.", "설정된 조건이 없습니다."));
    }
    section("gates", words.of(Word::Gates), &body)
}

/// What a condition looks at.
fn gate_name(gate: &Gate, view: &View<'_>) -> String {
    let own = metric(view.swap.metric, view.words);
    let (en, ko) = match gate.name {
        "performance" => return view.words.choose(format!("loss of {own}"), format!("{own} 저하")),
        "segments" => ("worse segments", "나빠진 세그먼트"),
        "calibration" => ("growth of the calibration error", "보정 오차 증가"),
        "missing" => ("more predictions missing", "예측값 결측 증가"),
        "disagreement" => ("disagreement", "예측 불일치율"),
        "score_psi" => ("shift of the predictions (PSI)", "예측값 분포 변화 (PSI)"),
        "rank_correlation" => ("order of the rows (rank correlation)", "행의 순서 (순위 상관)"),
        "attribution" => ("ranking of the reasons (nDCG)", "예측 근거의 순위 (nDCG)"),
        other => return name(other),
    };
    view.words.choose(en, ko).to_owned()
}

/// A number of a condition in its unit.
fn unit(gate: &Gate, value: f64) -> String {
    if matches!(gate.name, "disagreement" | "missing") { share(value) } else { number(value) }
}

/// What the number of a condition says, or why there is none.
fn meaning(gate: &Gate, view: &View<'_>) -> String {
    let words = view.words;
    if gate.passed.is_none() {
        return words.choose("labels or rows do not suffice", "라벨이나 행이 부족합니다").to_owned();
    }
    let (en, ko) = match gate.name {
        "performance" => {
            ("by how much M2 is worse; below 0 it is better", "M2가 나쁜 정도, 0보다 작으면 M2가 나음")
        }
        "segments" => {
            ("groups of rows in which M2 is worse beyond chance", "우연을 넘어 M2가 나빠진 행 묶음의 수")
        }
        "calibration" => {
            ("how much farther probabilities are from what comes true", "확률이 실제 비율에서 더 멀어진 정도")
        }
        "missing" => {
            ("rows without a finite prediction, more than by M1", "M1보다 늘어난, 유한한 예측값이 없는 행")
        }
        "disagreement" => match view.swap.tolerance.map(number) {
            Some(tolerance) => {
                return words.choose(
                    format!("rows whose prediction changes by more than {tolerance}"),
                    format!("예측이 {tolerance}보다 크게 바뀌는 행"),
                );
            }
            None => ("rows that get another class", "다른 범주로 예측되는 행"),
        },
        "score_psi" => ("0: predictions are distributed alike", "0이면 예측값의 분포가 같음"),
        "rank_correlation" => {
            ("1: both put the rows in the same order", "1이면 두 모델이 행을 같은 순서로 놓음")
        }
        "attribution" => ("1: the same features matter in the same order", "1이면 중요한 특성의 순위가 같음"),
        _ => return String::new(),
    };
    words.choose(en, ko).to_owned()
}
