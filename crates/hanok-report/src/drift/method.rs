//! How verdicts came about, and what they could have missed.

use hanok_charts::number;
use hanok_drift::{Aspect, Column, Verdict};

use super::View;
use crate::effects::{amount, short, what};
use crate::figures::{count, share};
use crate::markup::{Row, cell, details, figure, name, paragraph, section, table, text};
use crate::words::Word;

/// Columns in the table of what could be detected.
const COLUMNS_MAX: usize = 100;

pub(super) fn html(view: &View<'_>) -> String {
    let words = view.words;
    let options = &view.report.options;
    let tests: usize = view.report.columns.iter().map(|column| column.aspects.len()).sum();
    let (alpha, power) = (share(options.alpha), share(options.power));
    let tests = count(tests as u64);
    let mut body = words.choose(
        [
            format!("<b>Drifted</b>: the effect, less the noise that samples of this size have, is at its threshold or beyond, and chance does not explain it: p, adjusted for all {tests} tests (Benjamini and Hochberg), is at most {alpha}. The size of the tables does not change what counts as drift."),
            format!("<b>Undecided</b>: drift at the threshold would have been found with a probability of less than {power}. It is not a sign of drift, and not of stability."),
            format!("<b>Stable</b>: neither; drift at the threshold would have been found with a probability of {power} or more."),
        ],
        [
            format!("<b>드리프트</b>: 표본 크기에 따른 잡음을 뺀 효과가 기준치 이상이고, 검정 {tests}개 전체에 대해 보정한 p(Benjamini–Hochberg)가 {alpha} 이하인 경우입니다. 행 수가 달라져도 기준은 변하지 않습니다."),
            format!("<b>판단 보류</b>: 기준치만큼의 드리프트를 발견할 확률이 {power}에 못 미칩니다. 드리프트의 징후도, 안정의 증거도 아닙니다."),
            format!("<b>안정</b>: 어느 쪽도 아니며, 기준치만큼의 드리프트라면 {power} 이상의 확률로 발견되었을 것입니다."),
        ],
    )
    .iter()
    .map(|line| paragraph("", line))
    .collect::<String>();
    body += &thresholds(view);
    body += &detectable(view);
    if let Some(made) = &view.input.made {
        body += &format!("<footer>{}: {}</footer>\n", words.of(Word::MadeBy), text(made));
    }
    section("method", words.of(Word::Method), &body)
}

fn thresholds(view: &View<'_>) -> String {
    let words = view.words;
    let options = &view.report.options;
    let line =
        |en: &str, ko: &str, value: String| -> Row { vec![cell(words.choose(en, ko)), figure(value)].into() };
    let rows = [
        line(
            "numbers: Kolmogorov–Smirnov",
            "숫자: 콜모고로프–스미르노프",
            number(options.kolmogorov_smirnov),
        ),
        line(
            "numbers: Wasserstein distance",
            "숫자: 바서슈타인 거리",
            format!("{} σ", number(options.wasserstein_scaled)),
        ),
        line("categories: Le Cam distance", "범주: 르캄 거리", number(options.le_cam)),
        line("missing rate: difference", "결측률: 차이", format!("{}p", share(options.missing))),
        line("out of range: share of values", "범위 이탈: 값의 비율", share(options.outside)),
    ];
    table("narrow", "", &[words.of(Word::Aspect), words.of(Word::Threshold)], &rows)
}

/// Of each column what the test that decides would have found.
fn detectable(view: &View<'_>) -> String {
    let words = view.words;
    let aspects = view.ranked.iter().flat_map(|ranked| {
        let column = &view.report.columns[ranked.column];
        column.aspects.iter().map(move |aspect| (column, aspect))
    });
    // What could not be decided is what one asks about.
    let (undecided, decided): (Vec<_>, Vec<_>) =
        aspects.partition(|(_, aspect)| aspect.verdict == Verdict::Undecided);
    let line = |(column, aspect): &(&Column, &Aspect)| -> Row {
        let effect = &aspect.effect;
        let unit = |value: f64| amount(effect.measure, value);
        vec![
            cell(format!("{} <small>{}</small>", name(&column.name), words.of(what(aspect.what)))),
            figure(short(effect, words.0)),
            figure(unit(effect.threshold)),
            figure(unit(effect.detectable)),
            figure(number(effect.rows_needed)),
        ]
        .into()
    };
    let rows: Vec<Row> = undecided.iter().chain(&decided).take(COLUMNS_MAX).map(line).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = [Word::Column, Word::Effect, Word::Threshold, Word::Detectable, Word::RowsNeeded];
    let said = words.choose(
        "Detectable is the smallest drift that these rows would have shown with the power above; rows needed are those of each side with which it is the threshold. What is undecided comes first.",
        "검출 한계는 현재 행 수에서 위의 검정력으로 발견할 수 있는 가장 작은 드리프트, 필요 행 수는 검출 한계가 기준치와 같아지는 각 쪽의 행 수입니다. 판단 보류 항목이 먼저 나옵니다.",
    );
    let body = paragraph("muted", said) + &table("stack", "", &heads.map(|word| words.of(word)), &rows);
    details(words.choose("Sample sizes and power", "표본 크기와 검정력"), &body)
}
