//! How the reasons of both models differ.

use hanok_charts::{Bar, BarRow, Chart, Plot};
use hanok_drift::outputs::swap::{Attribution, FeatureShift};

use super::View;
use crate::error::ReportError;
use crate::figures::{count, share};
use crate::markup::{Row, cell, figure, name, paragraph, section, table};
use crate::page::picture;
use crate::words::Word;

/// Features that are drawn and listed.
const FEATURES_MAX: usize = 15;

pub(super) fn html(view: &View<'_>) -> Result<String, ReportError> {
    let Some(found) = &view.swap.attribution else { return Ok(String::new()) };
    let words = view.words;
    let rows = count(found.rows);
    let said = match found.ndcg {
        Some(ndcg) => words.choose(
            format!("The ranking of the features agrees with an nDCG of <b>{ndcg:.3}</b> (1 is the same ranking; below 0.9 is an alarm), by {rows} explained rows."),
            format!("특성 순위의 일치도 nDCG는 <b>{ndcg:.3}</b>입니다 (1이면 같은 순위, 0.9 미만이면 경보). 설명된 행 {rows}개 기준."),
        ),
        None => words.choose(format!("{rows} rows were explained."), format!("설명된 행 {rows}개.")),
    };
    let said = format!(
        "{said} {}",
        words.choose(
            "A feature’s share is its part in all that moves the model’s predictions (mean |SHAP value|).",
            "특성의 비중은 모델의 예측을 움직이는 힘 가운데 그 특성의 몫입니다 (평균 |SHAP 값|).",
        )
    );
    let drawn = picture(words.of(Word::Attribution), &chart(view, found), words.0)?;
    let body = format!(
        "{}<div class=\"pair\">\n<div>{drawn}</div>\n<div>{}</div>\n</div>\n",
        paragraph("", &said),
        moves(view, found)
    );
    Ok(section("attribution", words.of(Word::Attribution), &body))
}

fn chart(view: &View<'_>, found: &Attribution) -> Chart {
    let row = |feature: &FeatureShift| BarRow {
        name: feature.name.clone(),
        values: feature.share.iter().map(|share| 100.0 * share.unwrap_or(0.0)).collect(),
    };
    let rows: Vec<BarRow> = found.features.iter().take(FEATURES_MAX).map(row).collect();
    let plot = Plot::Bar(Bar {
        axis: view.words.choose("share of a model’s reasons (%)", "모델 근거에서의 비중 (%)").to_owned(),
        series: view.names.to_vec(),
        rows_max: rows.len().max(2),
        rows,
        keep_order: true,
        // Shares would be marked as new or gone, as categories are.
        percent: false,
    });
    Chart { title: String::new(), subtitle: String::new(), note: String::new(), sample_of: None, plot }
}

fn moves(view: &View<'_>, found: &Attribution) -> String {
    let words = view.words;
    let line = |feature: &FeatureShift| -> Row {
        let rank = |at: usize| feature.rank[at].map_or_else(|| "–".to_owned(), count);
        let part = |at: usize| feature.share[at].map_or_else(|| "–".to_owned(), share);
        let moved = match feature.moved {
            Some(0) | None => String::new(),
            Some(moved) if moved > 0 => format!("<br/><small>▲ {moved}</small>"),
            Some(moved) => format!("<br/><small>▼ {}</small>", moved.unsigned_abs()),
        };
        vec![
            cell(name(&feature.name)),
            figure(format!("{} → {}{moved}", rank(0), rank(1))),
            figure(format!("{} → {}", part(0), part(1))),
        ]
        .into()
    };
    let rows: Vec<Row> = found.features.iter().take(FEATURES_MAX).map(line).collect();
    let heads = [words.of(Word::Feature), words.of(Word::Rank), words.of(Word::Part)];
    let mut out = table("facts", "M1 → M2", &heads, &rows);
    if found.features.len() > FEATURES_MAX {
        let n = found.features.len() - FEATURES_MAX;
        out += &paragraph(
            "muted",
            &words.choose(
                format!("{n} features with smaller shares are not shown."),
                format!("비중이 더 작은 특성 {n}개는 생략했습니다."),
            ),
        );
    }
    out
}
