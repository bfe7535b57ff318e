//! How the predictions of both models are distributed.

use hanok_charts::{Chart, Distribution, Line, Outline, Plot, Timeline, number};
use hanok_drift::outputs::{Scores, Task};

use super::View;
use crate::error::ReportError;
use crate::figures::{count, share};
use crate::markup::{Row, cell, figure, paragraph, section, table, text};
use crate::page::picture;
use crate::words::Word;

/// Percentiles of which the table tells.
const PERCENTILES: [usize; 7] = [1, 5, 25, 50, 75, 95, 99];

pub(super) fn html(view: &View<'_>) -> Result<String, ReportError> {
    let words = view.words;
    let mut body = "<div class=\"pair\">\n".to_owned();
    for chart in [histogram(view), quantiles(view)].into_iter().flatten() {
        body += &format!("<div>{}</div>\n", picture(words.of(Word::Scores), &chart, words.0)?);
    }
    body += "</div>\n";
    body += &format!("<div class=\"pair\">\n{}<div>{}</div>\n</div>\n", sides(view), distances(view));
    Ok(section("scores", words.of(Word::Scores), &body))
}

fn chart(subtitle: String, plot: Plot) -> Chart {
    Chart { title: String::new(), subtitle, note: String::new(), sample_of: None, plot }
}

fn histogram(view: &View<'_>) -> Option<Chart> {
    let sides = &view.swap.scores.scores;
    let edges = sides[0].histogram.edges.clone();
    let shares = |scores: &Scores| {
        let all = scores.histogram.counts.iter().sum::<u64>().max(1) as f64;
        scores.histogram.counts.iter().map(|rows| *rows as f64 / all).collect::<Vec<_>>()
    };
    if edges.len() < 2 || sides.iter().any(|side| side.histogram.counts.len() + 1 != edges.len()) {
        return None;
    }
    let series = [0, 1].map(|at| Outline {
        name: view.names[at].clone(),
        values: shares(&sides[at]),
        median: sides[at].percentiles.get(50).copied(),
        missing: None,
    });
    let axis = view.words.of(Word::Prediction).to_owned();
    let plot = Distribution { axis, edges, smooth: false, times: false, series: series.into() };
    Some(chart(view.words.of(Word::Shape).to_owned(), Plot::Distribution(plot)))
}

/// Both quantile functions: the distribution functions turned by a quarter.
fn quantiles(view: &View<'_>) -> Option<Chart> {
    let sides = &view.swap.scores.scores;
    if sides.iter().any(|side| side.percentiles.len() != 101) {
        return None;
    }
    let line = |at: usize| Line {
        name: view.names[at].clone(),
        values: sides[at].percentiles.clone(),
        ..Line::default()
    };
    let plot = Timeline {
        axis: view.words.of(Word::Prediction).to_owned(),
        times: (0..=100).map(f64::from).collect(),
        numbers: true,
        time_axis: view.words.of(Word::Percentile).to_owned(),
        lines: vec![line(0), line(1)],
        ..Timeline::default()
    };
    Some(chart(view.words.choose("quantiles", "분위수").to_owned(), Plot::Timeline(plot)))
}

fn sides(view: &View<'_>) -> String {
    let words = view.words;
    let sides = &view.swap.scores.scores;
    let mut rows: Vec<Row> = Vec::new();
    let mut push = |label: String, of: &dyn Fn(&Scores) -> Option<String>| {
        let [first, second] = sides.each_ref().map(|side| figure(of(side).unwrap_or_else(|| "–".to_owned())));
        rows.push(vec![cell(label), first, second].into());
    };
    push(words.of(Word::Mean).to_owned(), &|side| side.mean.map(number));
    push(words.of(Word::Deviation).to_owned(), &|side| side.deviation.map(number));
    for at in PERCENTILES {
        let label = words.choose(format!("{at}% quantile"), format!("{at}% 분위수"));
        push(label, &|side| side.percentiles.get(at).copied().map(number));
    }
    push(words.of(Word::NotFinite).to_owned(), &|side| Some(count(side.missing + side.infinite)));
    if view.swap.task != Task::Regression {
        push(words.of(Word::Saturation).to_owned(), &|side| {
            Some(format!("{} + {}", share(side.saturated_low), share(side.saturated_high)))
        });
    }
    push(words.of(Word::Tails).to_owned(), &|side| {
        Some(format!("{} + {}", share(side.tail_low), share(side.tail_high)))
    });
    table("facts", "", &["", &text(&view.names[0]), &text(&view.names[1])], &rows)
}

fn distances(view: &View<'_>) -> String {
    let words = view.words;
    let shift = &view.swap.scores;
    let lines = [
        ("PSI", "PSI (모집단 안정성 지수)", shift.psi.map(number)),
        ("Kolmogorov–Smirnov", "콜모고로프–스미르노프", shift.kolmogorov_smirnov.map(number)),
        ("Jensen–Shannon distance", "옌센–섀넌 거리", shift.jensen_shannon.map(number)),
        ("Wasserstein distance", "바서슈타인 거리", shift.wasserstein.map(number)),
        (
            "Wasserstein distance in σ",
            "바서슈타인 거리 (σ 단위)",
            shift.wasserstein_scaled.map(|value| format!("{} σ", number(value))),
        ),
    ];
    let rows: Vec<Row> = lines
        .into_iter()
        .filter_map(|(en, ko, value)| Some(vec![cell(words.choose(en, ko)), figure(value?)].into()))
        .collect();
    let said = words.choose(
        "All are 0 when the predictions are distributed alike. PSI: above 0.25 it is another distribution. Kolmogorov–Smirnov: the \
         largest difference of the shares of rows below one value. Wasserstein: how far predictions have moved on average, in their own unit \
         and in standard deviations σ of M1’s.",
        "예측값의 분포가 같으면 모두 0입니다. PSI: 0.25를 넘으면 다른 분포로 봅니다. 콜모고로프–스미르노프: 어떤 값보다 작은 행의 비율이 가장 크게 벌어진 차이. \
         바서슈타인: 예측값이 평균적으로 움직인 거리 (예측값의 단위, 그리고 M1의 표준편차 σ 단위).",
    );
    table("facts", "", &[words.of(Word::Statistic), words.of(Word::Value)], &rows) + &paragraph("muted", said)
}
