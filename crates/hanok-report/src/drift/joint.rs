//! What no single column shows.

use hanok_charts::number;
use hanok_drift::Verdict;
use hanok_drift::classifier::Classified;
use hanok_drift::multivariate::{Discrepancy, Reconstruction};

use super::{Joint, View};
use crate::bars::Bar;
use crate::effects::{badge, times, up_to};
use crate::figures::{count, probability, signed};
use crate::markup::{Row, cell, details, figure, name, paragraph, section, table};
use crate::words::{Word, Words};

/// Features of the classifier and pairs of columns that are listed.
const LISTED: usize = 10;

pub(super) fn html(view: &View<'_>) -> String {
    let Some(joint) = &view.input.joint else { return String::new() };
    let words = view.words;
    let mut body = String::new();
    if let Some(found) = &joint.classifier {
        body += &classifier(found, words);
    }
    body += &correlations(joint, words);
    if let Some(found) = &joint.reconstruction {
        body += &reconstruction(found, words);
    }
    if let Some(found) = &joint.discrepancy {
        body += &discrepancy(found, words);
    }
    if body.is_empty() {
        return body;
    }
    let rows = joint.rows.map(count);
    if joint.rows != [0, 0] {
        body += &paragraph(
            "muted",
            &words.choose(
                format!("Rows without a missing value in these columns: {} and {}.", rows[0], rows[1]),
                format!("해당 열에 결측이 없는 행: {}, {}.", rows[0], rows[1]),
            ),
        );
    }
    section("joint", words.of(Word::Joint), &body)
}

fn part(heading: &str, verdict: Verdict, words: Words, sentence: &str, rest: &str) -> String {
    format!("<h3>{heading} {}</h3>\n{}{rest}", badge(verdict, words), paragraph("", sentence))
}

fn classifier(found: &Classified, words: Words) -> String {
    let [low, high] = found.interval.map(three);
    let (auc, threshold) = (three(found.auc), three(found.threshold));
    let sentence = words.choose(
        format!(
            "A classifier tells the rows of the sides apart with an AUC of <b>{auc}</b> ({low} to {high}); 0.5 is guessing, drift from {threshold} on."
        ),
        format!(
            "분류기가 두 쪽의 행을 구별하는 AUC는 <b>{auc}</b> ({low} ~ {high})입니다. 0.5는 무작위 추측, {threshold}부터 드리프트입니다."
        ),
    );
    let most = found.features.iter().map(|(_, lost)| *lost).fold(0.0, f64::max);
    let rows: Vec<Row> = found
        .features
        .iter()
        .filter(|(_, lost)| *lost > 0.0)
        .take(LISTED)
        .map(|(column, lost)| {
            let bar = Bar { ratio: lost / most, up_to: None, most: 1.0 }.plain(column);
            vec![cell(name(column)), cell(format!("{bar} <small>{}</small>", three(*lost)))].into()
        })
        .collect();
    let heads =
        [words.of(Word::Column), words.choose("AUC lost when it is shuffled", "값을 섞으면 줄어드는 AUC")];
    let features = if rows.is_empty() { String::new() } else { table("narrow", "", &heads, &rows) };
    let heading = words.choose("Can the sides be told apart?", "두 쪽을 구별할 수 있는가");
    part(heading, found.verdict, words, &sentence, &features)
}

fn correlations(joint: &Joint, words: Words) -> String {
    let Some(worst) = joint.correlations.iter().map(|change| change.verdict).max() else {
        return String::new();
    };
    let column = |at: usize| joint.columns.get(at).map_or_else(String::new, |column| name(column));
    let rows: Vec<Row> = joint
        .correlations
        .iter()
        .take(LISTED)
        .map(|change| {
            let [first, second] = change.columns.map(column);
            let [before, after] = change.correlation.map(two);
            let effect = &change.effect;
            let said = format!(
                "{} · {}",
                signed(two_of(change.correlation[1] - change.correlation[0])),
                times(effect)
            );
            let up_to = up_to(effect, change.verdict);
            let bar = Bar { ratio: effect.ratio(), up_to, most: 4.0 }.svg(&said);
            Row {
                class: change.verdict.name(),
                cells: vec![
                    cell(format!("{first} × {second}")),
                    cell(badge(change.verdict, words)),
                    figure(format!("{before} → {after}")),
                    cell(format!("<span>{bar}<small>{said}</small></span>")).class("effect"),
                    figure(probability(change.p_adjusted)),
                ],
            }
        })
        .collect();
    let heads = [Word::Pair, Word::Verdict, Word::Correlation, Word::Effect, Word::Probability];
    let all = joint.correlations.len();
    let drifted = joint.correlations.iter().filter(|change| change.verdict == Verdict::Drifted).count();
    let sentence = match drifted {
        0 => words.choose(
            format!("The rank correlation of none of {all} pairs of columns is known to have changed."),
            format!("열 쌍 {all}개 중 순위 상관이 달라진 것으로 확인된 쌍은 없습니다."),
        ),
        _ => words.choose(
            format!("The rank correlation of {drifted} of {all} pairs of columns has changed."),
            format!("열 쌍 {all}개 중 {drifted}개의 순위 상관이 달라졌습니다."),
        ),
    };
    let mut rows = table("rank stack", "", &heads.map(|word| words.of(word)), &rows);
    if drifted == 0 {
        rows = details(words.choose("The largest changes", "가장 큰 변화"), &rows);
    }
    part(words.choose("Relations between columns", "열 사이의 관계"), worst, words, &sentence, &rows)
}

fn reconstruction(found: &Reconstruction, words: Words) -> String {
    let [before, after] = found.error.map(number);
    let n = found.components;
    let (times, p) = (times(&found.effect), probability(found.p));
    let sentence = words.choose(
        format!(
            "How the reference’s columns go together ({n} principal component{}) describes its own rows with an error of {before}, and the current ones with <b>{after}</b> ({times} the threshold, p {p}).",
            if n == 1 { "" } else { "s" }
        ),
        format!(
            "기준에서 열들이 함께 움직이는 방식(주성분 {n}개)으로 행을 복원할 때 오차는 기준 행에서 {before}, 현재 행에서 <b>{after}</b>입니다 (기준치의 {times}, p {p})."
        ),
    );
    part(words.choose("Principal components", "주성분"), found.verdict, words, &sentence, "")
}

fn discrepancy(found: &Discrepancy, words: Words) -> String {
    let (squared, p) = (number(found.squared), probability(found.p));
    let sentence = words.choose(
        format!("The squared maximum mean discrepancy, one number for how far all columns together are apart, is {squared} (0 is not at all); p {p} by permutations. It has no threshold of its own."),
        format!("모든 열을 함께 볼 때 두 쪽이 떨어진 정도인 최대 평균 불일치(MMD)의 제곱은 {squared}(0이면 차이 없음), 순열 검정의 p는 {p}입니다. 별도의 기준치는 없습니다."),
    );
    format!("<h3>{}</h3>\n{}", words.choose("Joint distribution", "결합 분포"), paragraph("", &sentence))
}

fn three(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { number(value) }
}

fn two_of(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn two(value: f64) -> String {
    number(two_of(value))
}
