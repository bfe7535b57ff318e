//! What other thresholds would do, and how predictions go with labels.

use hanok_charts::{
    Chart, Curves, Distribution, Guide, Line, Outline, Plot, Spot, Timeline, Trace, number, percent,
};
use hanok_drift::outputs::{CalibrationBin, ClassScores, Confusion, Cut, Metric, Performance, Task};

use super::paired::first_classes;
use super::{View, metric};
use crate::error::ReportError;
use crate::figures::{count, share};
use crate::markup::{Row, cell, figure, name, paragraph, table};
use crate::page::picture;
use crate::words::Word;

/// Shares of rows that are flagged, of which the table says what they would mean.
const FLAGGED: [f64; 6] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5];
/// Every so manyth point of a curve tells its numbers.
const TOLD_EVERY: usize = 5;
/// Classes that are listed.
const CLASSES_MAX: usize = 20;

/// What depends on the kind of model, below the metrics.
pub(super) fn html(view: &View<'_>) -> Result<String, ReportError> {
    let Some(found) = &view.swap.performance else { return Ok(String::new()) };
    match view.swap.task {
        Task::Binary => Ok(thresholds(view, found)? + &by_label(view, found)?),
        Task::Regression => by_prediction(view, found),
        Task::Multiclass => Ok(classes(view, found)),
    }
}

fn chart(subtitle: impl Into<String>, plot: Plot) -> Chart {
    Chart { title: String::new(), subtitle: subtitle.into(), note: String::new(), sample_of: None, plot }
}

/// Pictures beside each other.
fn pair(view: &View<'_>, of: Word, charts: &[Chart]) -> Result<String, ReportError> {
    let words = view.words;
    let drawn =
        charts.iter().map(|chart| Ok(format!("<div>{}</div>\n", picture(words.of(of), chart, words.0)?)));
    Ok(format!("<div class=\"pair\">\n{}</div>\n", drawn.collect::<Result<String, ReportError>>()?))
}

fn thresholds(view: &View<'_>, found: &[Performance; 2]) -> Result<String, ReportError> {
    let words = view.words;
    let Some(threshold) = found[0].threshold.filter(|_| found.iter().all(|one| !one.cuts.is_empty())) else {
        return Ok(String::new());
    };
    let in_use = found.each_ref().map(|one| one.confusion.as_ref().and_then(|of| cut_of(of, threshold)));
    let said = words.choose(
        format!(
            "From which probability on a row counts as positive is a choice; the large dots are the threshold {}. \
             Pictures and table say what others would do, on the rows with labels.",
            number(threshold)
        ),
        format!(
            "어느 확률부터 양성으로 볼지는 정하기 나름이며, 큰 점은 임계값 {}입니다. 다른 임계값이라면 어떻게 되는지를 라벨이 있는 행으로 보여 줍니다.",
            number(threshold)
        ),
    );
    let charts = [operating(view, found, &in_use), precision(view, found, &in_use)];
    Ok(format!("<h3>{}</h3>\n", words.of(Word::Thresholds))
        + &paragraph("", &said)
        + &pair(view, Word::Thresholds, &charts)?
        + &flagged(view, found, &in_use))
}

/// What the threshold in use does, as a point of the curves; `None` when it flags no row.
fn cut_of(confusion: &Confusion, threshold: f64) -> Option<Cut> {
    let of = |actual: usize, predicted: usize| {
        confusion.counts.get(actual).and_then(|row| row.get(predicted)).map_or(0.0, |rows| *rows as f64)
    };
    let (right, flagged) = (of(1, 1), of(0, 1) + of(1, 1));
    let (positive, negative) = (of(1, 0) + of(1, 1), of(0, 0) + of(0, 1));
    let part = |rows: f64, all: f64| if all > 0.0 { rows / all } else { 0.0 };
    (flagged > 0.0).then(|| Cut {
        threshold,
        flagged: part(flagged, positive + negative),
        recall: part(right, positive),
        false_positive_rate: part(of(0, 1), negative),
        precision: right / flagged,
        f1: part(2.0 * right, flagged + positive),
    })
}

/// A model's cuts as a line, with the one in use among them.
fn line(
    view: &View<'_>,
    at: usize,
    cuts: &[Cut],
    in_use: Option<&Cut>,
    place: impl Fn(&Cut) -> (f64, f64),
) -> Trace {
    let spot = |cut: &Cut, is_told: bool, marked: bool| {
        let (x, y) = place(cut);
        let tip = || {
            let lines = [
                (Word::Cut, number(cut.threshold)),
                (Word::Flagged, percent(cut.flagged)),
                (Word::Recall, percent(cut.recall)),
                (Word::Precision, percent(cut.precision)),
                (Word::FalsePositives, percent(cut.false_positive_rate)),
            ];
            told_of(view, at, &lines)
        };
        Spot { x, y, interval: None, tip: if is_told { tip() } else { String::new() }, marked }
    };
    let told = |(place, cut): (usize, &Cut)| spot(cut, place.is_multiple_of(TOLD_EVERY), false);
    let mut points: Vec<Spot> = cuts.iter().enumerate().map(told).collect();
    if let Some(cut) = in_use {
        let before = cuts.partition_point(|other| other.flagged <= cut.flagged);
        points.insert(before, spot(cut, true, true));
    }
    Trace { name: view.names[at].clone(), points }
}

/// The receiver operating characteristic of both.
fn operating(view: &View<'_>, found: &[Performance; 2], in_use: &[Option<Cut>; 2]) -> Chart {
    let words = view.words;
    let line = |at: usize| {
        let place = |cut: &Cut| (cut.false_positive_rate, cut.recall);
        let mut line = line(view, at, &found[at].cuts, in_use[at].as_ref(), place);
        // A threshold above all probabilities flags nothing.
        line.points.insert(0, Spot::default());
        line
    };
    let guide = Guide { name: words.of(Word::Chance).to_owned(), from: (0.0, 0.0), to: (1.0, 1.0) };
    let plot = Curves {
        x: words.of(Word::FalsePositives).to_owned(),
        y: words.of(Word::Recall).to_owned(),
        percent: true,
        guide: Some(guide),
        lines: vec![line(0), line(1)],
    };
    let said =
        words.choose("ROC curve: further up and left is better", "ROC 곡선: 왼쪽 위에 가까울수록 좋음");
    chart(said, Plot::Curves(plot))
}

/// Precision over recall of both.
fn precision(view: &View<'_>, found: &[Performance; 2], in_use: &[Option<Cut>; 2]) -> Chart {
    let words = view.words;
    let line =
        |at: usize| line(view, at, &found[at].cuts, in_use[at].as_ref(), |cut| (cut.recall, cut.precision));
    let average = found[0].metrics.iter().find(|found| found.metric == Metric::AveragePrecision);
    let guide = average.and_then(|found| found.baseline).map(|baseline| Guide {
        name: words.of(Word::Chance).to_owned(),
        from: (0.0, baseline),
        to: (1.0, baseline),
    });
    let plot = Curves {
        x: words.of(Word::Recall).to_owned(),
        y: words.of(Word::Precision).to_owned(),
        percent: true,
        guide,
        lines: vec![line(0), line(1)],
    };
    let said = words.choose(
        "precision over recall: further up and right is better",
        "정밀도–재현율 곡선: 오른쪽 위에 가까울수록 좋음",
    );
    chart(said, Plot::Curves(plot))
}

/// Both models at thresholds by which they flag about as many rows, which is when they can be compared.
fn flagged(view: &View<'_>, found: &[Performance; 2], in_use: &[Option<Cut>; 2]) -> String {
    let words = view.words;
    let nearest = |at: usize, share: f64| {
        let gap = |cut: &&Cut| (cut.flagged - share).abs();
        found[at].cuts.iter().min_by(|a, b| gap(a).total_cmp(&gap(b))).copied()
    };
    let mut cuts: Vec<[Option<Cut>; 2]> =
        FLAGGED.iter().map(|share| [nearest(0, *share), nearest(1, *share)]).collect();
    cuts.dedup();
    let of_one = |cut: &Option<Cut>, of: fn(&Cut) -> f64, said: fn(f64) -> String| {
        cut.as_ref().map_or_else(|| "–".to_owned(), |cut| said(of(cut)))
    };
    let both = |cuts: &[Option<Cut>; 2], of: fn(&Cut) -> f64, said: fn(f64) -> String| {
        let [first, second] = cuts.each_ref().map(|cut| of_one(cut, of, said));
        if first == second { first } else { format!("{first} → {second}") }
    };
    let of_rows = |part: &str| words.choose(format!("{part} of rows"), format!("행의 {part}"));
    let line = |class: &'static str, cuts: &[Option<Cut>; 2]| {
        let own = if class.is_empty() {
            String::new()
        } else {
            format!(" <small>{}</small>", words.of(Word::InUse))
        };
        let cells = vec![
            cell(format!("<span>{}{own}</span>", of_rows(&both(cuts, |cut| cut.flagged, share)))),
            figure(both(cuts, |cut| cut.threshold, number)),
            figure(both(cuts, |cut| cut.recall, share)),
            figure(both(cuts, |cut| cut.precision, share)),
            figure(both(cuts, |cut| cut.false_positive_rate, share)),
        ];
        Row { class, cells }
    };
    let rows: Vec<Row> =
        std::iter::once(line("plain", in_use)).chain(cuts.iter().map(|cuts| line("", cuts))).collect();
    let heads = [
        words.of(Word::Flagged),
        words.of(Word::Cut),
        metric(Metric::Recall, words),
        metric(Metric::Precision, words),
        words.choose("false positive rate", "위양성률"),
    ];
    let caption = words.choose(
        "M1 → M2 at thresholds by which they flag about as many rows",
        "거의 같은 수의 행을 양성으로 보는 임계값에서 M1 → M2",
    );
    table("stack", caption, &heads, &rows)
}

/// How far each model keeps the labels apart.
fn by_label(view: &View<'_>, found: &[Performance; 2]) -> Result<String, ReportError> {
    let words = view.words;
    let one = |at: usize| {
        let sides = found[at].by_label.as_ref()?;
        let series = [0, 1].map(|label| {
            let all = sides[label].counts.iter().sum::<u64>().max(1) as f64;
            Outline {
                name: words.choose(format!("rows with label {label}"), format!("라벨이 {label}인 행")),
                values: sides[label].counts.iter().map(|rows| *rows as f64 / all).collect(),
                median: None,
                missing: None,
            }
        });
        let plot = Distribution {
            axis: words.of(Word::Prediction).to_owned(),
            edges: sides[0].edges.clone(),
            smooth: false,
            times: false,
            series: series.into(),
        };
        Some(chart(view.names[at].clone(), Plot::Distribution(plot)))
    };
    let charts: Vec<Chart> = [0, 1].into_iter().filter_map(one).collect();
    if charts.is_empty() {
        return Ok(String::new());
    }
    let said = words.choose(
        "The less both outlines overlap, the better the model tells the labels apart.",
        "두 윤곽이 덜 겹칠수록 모델이 라벨을 잘 구분합니다.",
    );
    Ok(format!("<h3>{}</h3>\n", words.of(Word::ByLabel))
        + &paragraph("", said)
        + &pair(view, Word::ByLabel, &charts)?)
}

/// Labels by tenths of the prediction, and the errors.
fn by_prediction(view: &View<'_>, found: &[Performance; 2]) -> Result<String, ReportError> {
    let words = view.words;
    let bins = || found.iter().flat_map(|one| &one.by_prediction);
    let ends = bins().map(|bin| bin.predicted).filter(|value| value.is_finite());
    let ends = ends.fold(None, |ends: Option<(f64, f64)>, value| {
        Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    });
    let Some((low, high)) = ends else { return Ok(String::new()) };
    let spot = |at: usize, bin: &CalibrationBin| Spot {
        x: bin.predicted,
        y: bin.observed,
        interval: Some((bin.interval.low, bin.interval.high)),
        tip: told_of(
            view,
            at,
            &[
                (Word::Prediction, number(bin.predicted)),
                (Word::MeanLabel, number(bin.observed)),
                (Word::Rows, count(bin.count)),
            ],
        ),
        marked: true,
    };
    let line = |at: usize| Trace {
        name: view.names[at].clone(),
        points: found[at].by_prediction.iter().map(|bin| spot(at, bin)).collect(),
    };
    let plot = Curves {
        x: words.of(Word::Prediction).to_owned(),
        y: words.of(Word::MeanLabel).to_owned(),
        percent: false,
        guide: Some(Guide { name: words.of(Word::Right).to_owned(), from: (low, low), to: (high, high) }),
        lines: vec![line(0), line(1)],
    };
    let said = words.choose(
        "tenths of the rows by their prediction: nearer to the dashed line is better",
        "예측값 순으로 나눈 행의 10분의 1씩: 점선에 가까울수록 좋음",
    );
    let mut charts = vec![chart(said, Plot::Curves(plot))];
    charts.extend(errors(view, found));
    Ok(format!("<h3>{}</h3>\n", words.of(Word::ByPrediction)) + &pair(view, Word::ByPrediction, &charts)?)
}

/// Both models' errors, from the lowest to the highest.
fn errors(view: &View<'_>, found: &[Performance; 2]) -> Option<Chart> {
    let words = view.words;
    let line = |at: usize| {
        let values = found[at].errors.as_ref()?.percentiles.clone();
        (values.len() == 101).then(|| Line { name: view.names[at].clone(), values, ..Line::default() })
    };
    let plot = Timeline {
        axis: words.choose("prediction − label", "예측값 − 라벨").to_owned(),
        times: (0..=100).map(f64::from).collect(),
        numbers: true,
        time_axis: words.of(Word::Percentile).to_owned(),
        lines: vec![line(0)?, line(1)?],
        ..Timeline::default()
    };
    let said = words.choose(
        "errors, from the lowest row to the highest: nearer to 0 is better",
        "행별 오차 (오름차순): 0에 가까울수록 좋음",
    );
    Some(chart(said, Plot::Timeline(plot)))
}

/// Each class against the rest.
fn classes(view: &View<'_>, found: &[Performance; 2]) -> String {
    let words = view.words;
    let pairs: Vec<[&ClassScores; 2]> =
        found[0].classes.iter().zip(&found[1].classes).map(|(first, second)| [first, second]).collect();
    let part = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), share);
    let line = |pair: &[&ClassScores; 2]| -> Row {
        let both = |of: &dyn Fn(&ClassScores) -> String| {
            let [first, second] = pair.map(of);
            figure(format!("{first} → {second}"))
        };
        vec![
            cell(name(&pair[0].class)),
            figure(count(pair[0].actual)),
            both(&|class| count(class.predicted)),
            both(&|class| part(class.precision)),
            both(&|class| part(class.recall)),
            both(&|class| part(class.f1)),
            both(&|class| class.auc.map_or_else(|| "–".to_owned(), number)),
        ]
        .into()
    };
    let rows: Vec<Row> = pairs.iter().take(CLASSES_MAX).map(line).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = [
        words.of(Word::Class),
        words.of(Word::Rows),
        words.choose("predicted", "예측"),
        metric(Metric::Precision, words),
        metric(Metric::Recall, words),
        metric(Metric::F1, words),
        metric(Metric::Auc, words),
    ];
    let mut out = format!("<h3>{}</h3>\n", words.of(Word::ByClass));
    out += &paragraph(
        "",
        words.choose(
            "Precision: of the rows with this prediction, those that are of the class. Recall: of the rows of the class, those that were predicted so.",
            "정밀도: 이 범주로 예측한 행 중 실제로 이 범주인 비율. 재현율: 이 범주인 행 중 그렇게 예측한 비율.",
        ),
    );
    out += &table("stack", "M1 → M2", &heads, &rows);
    out += &first_classes(view, rows.len(), pairs.len());
    out
}

/// What is told of a point of a model: its name, and a line each of numbers.
fn told_of(view: &View<'_>, at: usize, lines: &[(Word, String)]) -> String {
    let lines = lines.iter().map(|(word, value)| format!("\n{} {value}", view.words.of(*word)));
    std::iter::once(view.names[at].clone()).chain(lines).collect()
}
