//! Whether probabilities come true, of both models.

use hanok_charts::{Bin, Chart, Curve, Plot, Reliability, number};
use hanok_drift::outputs::Calibration;

use super::View;
use crate::error::ReportError;
use crate::figures::{count, probability, signed};
use crate::markup::{Row, cell, figure, paragraph, section, table, text};
use crate::page::picture;
use crate::words::Word;

/// Classes that are drawn.
const CLASSES_MAX: usize = 6;

pub(super) fn html(view: &View<'_>) -> Result<String, ReportError> {
    let words = view.words;
    let shown = &view.swap.calibration[..view.swap.calibration.len().min(CLASSES_MAX)];
    if shown.is_empty() {
        return Ok(String::new());
    }
    let said = words.choose(
        "Near the dashed line probabilities come true as often as they say.",
        "점선에 가까울수록 확률이 실제 비율과 맞습니다.",
    );
    let mut body = paragraph("", said);
    for pair in shown {
        let curve =
            |at: usize| Curve { name: view.names[at].clone(), bins: pair[at].bins.iter().map(bin).collect() };
        let chart = Chart {
            title: String::new(),
            subtitle: pair[0].class.clone().unwrap_or_default(),
            note: String::new(),
            sample_of: None,
            plot: Plot::Reliability(Reliability { curves: vec![curve(0), curve(1)] }),
        };
        let drawn = picture(words.of(Word::Calibration), &chart, words.0)?;
        body += &format!(
            "<div class=\"pair\">\n<div>{drawn}</div>\n<div>{}</div>\n</div>\n",
            figures(view, pair)
        );
    }
    Ok(section("calibration", words.of(Word::Calibration), &body))
}

fn bin(bin: &hanok_drift::outputs::CalibrationBin) -> Bin {
    Bin {
        predicted: bin.predicted,
        observed: bin.observed,
        interval: Some((bin.interval.low, bin.interval.high)),
        count: usize::try_from(bin.count).unwrap_or(usize::MAX),
    }
}

fn figures(view: &View<'_>, pair: &[Calibration; 2]) -> String {
    let words = view.words;
    let line = |en: &str, ko: &str, of: &dyn Fn(&Calibration) -> String| -> Row {
        let [first, second] = pair.each_ref().map(|one| figure(of(one)));
        vec![cell(words.choose(en, ko)), first, second].into()
    };
    let rows = [
        line("expected calibration error", "기대 보정 오차 (ECE)", &|one| number(one.ece)),
        line("the same, bins of equally many rows", "기대 보정 오차 (같은 행 수 구간)", &|one| {
            number(one.ece_equal_mass)
        }),
        line("largest error of a bin", "구간 최대 오차", &|one| number(one.mce)),
        line("Brier score", "브라이어 점수", &|one| number(one.brier)),
        line("predicted less observed", "예측 − 관측", &|one| signed(one.bias)),
        line("p that the probabilities are true", "확률이 맞다는 가설의 p", &|one| {
            one.spiegelhalter_p.map_or_else(|| "–".to_owned(), probability)
        }),
        line("rows", "행 수", &|one| count(one.rows)),
    ];
    table("facts", "", &["", &text(&view.names[0]), &text(&view.names[1])], &rows)
}
