//! How good both models are, by labels or as estimated without.

use hanok_charts::{Chart, Language, Level, Line, Plot, Timeline, number};
use hanok_drift::outputs::{Difference, Estimate, EstimatedMetric, Interval, Metric};

use super::gates::judged;
use super::{View, curves, metric};
use crate::error::ReportError;
use crate::figures::{count, probability, share, signed};
use crate::markup::{Row, cell, figure, paragraph, section, table, text};
use crate::page::picture;
use crate::words::Word;

/// Metrics of which an estimate is drawn.
const ESTIMATED_MAX: usize = 4;

pub(super) fn html(view: &View<'_>) -> Result<String, ReportError> {
    let words = view.words;
    if view.swap.differences.is_empty() {
        return Ok(String::new());
    }
    let line = |found: &Difference| -> Row {
        let own = |at: usize| {
            let interval = estimate(view, at, found.metric).and_then(|found| found.interval);
            figure(with_interval(
                found.values[at].map(number),
                interval.map(|of| [number(of.low), number(of.high)]),
            ))
        };
        let interval = found.interval.map(|of| [signed(of.low), signed(of.high)]);
        let (class, word) = match judged(found) {
            Word::Improves => ("passed", Word::Improves),
            Word::Worsens => ("failed", Word::Worsens),
            _ => ("", Word::Same),
        };
        let badge = if class.is_empty() {
            format!("<span class=\"muted\">{}</span>", words.of(word))
        } else {
            format!("<span class=\"badge {class}\">{}</span>", words.of(word))
        };
        Row {
            class,
            cells: vec![
                cell(metric(found.metric, words)),
                own(0),
                own(1),
                figure(with_interval(found.difference.map(signed), interval)),
                figure(found.p.map_or_else(|| "–".to_owned(), probability)),
                cell(badge),
            ],
        }
    };
    let rows: Vec<Row> = view.swap.differences.iter().map(line).collect();
    let names = view.names.each_ref().map(|name| text(name));
    let heads = [
        words.of(Word::Metric),
        &names[0],
        &names[1],
        words.of(Word::Difference),
        "p",
        words.of(Word::Better),
    ];
    let mut body = table("stack", "", &heads, &rows);
    if let Some([first, _]) = &view.swap.performance {
        let (level, rows) = (share(first.level), count(view.swap.labelled));
        body += &paragraph("muted", &words.choose(
            format!("On {rows} rows with labels. Below each number its confidence interval of {level}; that of the difference knows that both models saw the same rows. p is how often chance alone would make so large a difference."),
            format!("라벨이 있는 {rows}개 행 기준. 각 수치 아래는 {level} 신뢰구간이며, 차이의 구간은 두 모델이 같은 행을 예측했음을 반영합니다. p는 우연만으로 이만한 차이가 날 확률입니다."),
        ));
    }
    body += &curves::html(view)?;
    Ok(section("performance", words.of(Word::Performance), &body))
}

fn estimate<'a>(view: &View<'a>, at: usize, metric: Metric) -> Option<&'a Estimate> {
    view.swap.performance.as_ref()?[at].metrics.iter().find(|found| found.metric == metric)
}

fn with_interval(value: Option<String>, interval: Option<[String; 2]>) -> String {
    let value = value.unwrap_or_else(|| "–".to_owned());
    let interval =
        interval.map_or(String::new(), |[low, high]| format!("<br/><small>{low} … {high}</small>"));
    format!("<span>{value}{interval}</span>")
}

/// Estimates without labels, chunk by chunk.
pub(super) fn estimated(view: &View<'_>) -> Result<String, ReportError> {
    let words = view.words;
    let all = |at: usize| view.input.estimated[at].iter().flat_map(|found| &found.metrics);
    let mut body = String::new();
    for at in [0, 1] {
        for found in all(at).take(ESTIMATED_MAX) {
            let chart = course(found, &view.names[at], words.0);
            body += &format!("<div>{}</div>\n", picture(metric(found.metric, words), &chart, words.0)?);
        }
    }
    if body.is_empty() {
        return Ok(body);
    }
    let body = format!("<div class=\"pair\">\n{body}</div>\n");
    Ok(section("estimated", words.of(Word::Estimated), &body))
}

fn course(found: &EstimatedMetric, model: &str, language: Language) -> Chart {
    let words = crate::words::Words(language);
    let chunks: Vec<_> = found.reference.iter().chain(&found.current).collect();
    let of = |of: &dyn Fn(&Interval) -> f64| -> Vec<f64> {
        chunks.iter().map(|chunk| chunk.interval.as_ref().map_or(f64::NAN, of)).collect()
    };
    let alerts = (0..chunks.len()).filter(|at| chunks[*at].alert).collect();
    let mut lines = vec![Line {
        name: words.of(Word::Estimate).to_owned(),
        values: chunks.iter().map(|chunk| chunk.estimate.unwrap_or(f64::NAN)).collect(),
        low: of(&|interval| interval.low),
        high: of(&|interval| interval.high),
        alerts,
    }];
    if chunks.iter().any(|chunk| chunk.realized.is_some()) {
        let values = chunks.iter().map(|chunk| chunk.realized.unwrap_or(f64::NAN)).collect();
        lines.push(Line { name: words.of(Word::Realized).to_owned(), values, ..Line::default() });
    }
    let levels = [found.lower, found.upper].into_iter().flatten();
    let levels = levels.map(|value| Level { name: words.of(Word::Threshold).to_owned(), value }).collect();
    let before = found.reference.len();
    let bands = (before > 0 && before < chunks.len()).then(|| hanok_charts::Band {
        name: words.of(Word::Reference).to_owned(),
        from: 0.0,
        to: before as f64 - 0.5,
    });
    Chart {
        title: String::new(),
        subtitle: format!("{model}: {}", metric(found.metric, words)),
        note: String::new(),
        sample_of: None,
        plot: Plot::Timeline(Timeline {
            axis: metric(found.metric, words).to_owned(),
            times: (0..chunks.len()).map(|at| at as f64).collect(),
            numbers: true,
            time_axis: words.of(Word::Chunk).to_owned(),
            lines,
            levels,
            events: Vec::new(),
            bands: bands.into_iter().collect(),
        }),
    }
}
