//! Where the second model is another, value by value of some columns.

use hanok_charts::number;
use hanok_drift::outputs::swap::{SegmentShift, Segmented};

use super::{View, metric};
use crate::figures::{count, probability, share, signed};
use crate::markup::{Row, cell, details, figure, name, paragraph, section, table};
use crate::words::Word;

/// Columns, and values of a column, that are listed.
const COLUMNS_MAX: usize = 20;
const VALUES_MAX: usize = 12;

pub(super) fn html(view: &View<'_>) -> String {
    let words = view.words;
    let columns = &view.swap.segments[..view.swap.segments.len().min(COLUMNS_MAX)];
    if columns.is_empty() {
        return String::new();
    }
    let worse = worse(view);
    let labelled = view.swap.labelled > 0;
    let said = match worse.len() {
        _ if !labelled => String::new(),
        0 => words.choose(
            "M2 is not worse in any segment beyond the margin and chance.".to_owned(),
            "허용 범위와 우연을 넘어 M2가 나빠진 세그먼트는 없습니다.".to_owned(),
        ),
        n => {
            let listed = worse.iter().take(VALUES_MAX).cloned().collect::<Vec<_>>().join(", ");
            words.choose(
                format!("M2 is worse in {n}: {listed}."),
                format!("M2가 나빠진 세그먼트 {n}개: {listed}."),
            )
        }
    };
    let mut body = paragraph("", &said);
    for column in columns {
        let shown = lines(view, column);
        // What got worse is seen at once.
        body += &if column.segments.iter().any(|segment| segment.is_worse) {
            format!("<h3>{}</h3>\n{shown}", name(&column.column))
        } else {
            details(&name(&column.column), &shown)
        };
    }
    section("segments", words.of(Word::Segments), &body)
}

/// The segments in which the second model is worse, as `column = value`.
pub(super) fn worse(view: &View<'_>) -> Vec<String> {
    let of = |column: &Segmented| -> Vec<String> {
        let worse = column.segments.iter().filter(|segment| segment.is_worse);
        worse.map(|segment| format!("{} = {}", name(&column.column), name(&segment.label))).collect()
    };
    view.swap.segments.iter().flat_map(of).collect()
}

fn lines(view: &View<'_>, column: &Segmented) -> String {
    let words = view.words;
    let is_labelled = column.segments.iter().any(|segment| segment.performance.is_some());
    let own = metric(view.swap.metric, words);
    let mut heads = vec![
        words.of(Word::Segment),
        words.of(Word::Rows),
        words.of(Word::Delta),
        words.of(Word::Disagreement),
    ];
    if is_labelled {
        heads.extend([own, "p"]);
    }
    let line = |segment: &SegmentShift| -> Row {
        let class = if segment.is_worse { "failed" } else { "" };
        let badge = if segment.is_worse {
            format!(" <span class=\"badge failed\">{}</span>", words.of(Word::WorseSegment))
        } else {
            String::new()
        };
        let mut cells = vec![
            cell(format!("<span>{}{badge}</span>", name(&segment.label))),
            figure(count(segment.rows)),
            figure(signed(segment.delta)),
            figure(share(segment.disagreement)),
        ];
        if is_labelled {
            let values = segment.performance.as_ref().map(|found| found.values);
            let said =
                values.and_then(|[first, second]| Some(format!("{} → {}", number(first?), number(second?))));
            cells.push(figure(said.unwrap_or_else(|| "–".to_owned())));
            cells.push(figure(segment.p_adjusted.map_or_else(|| "–".to_owned(), probability)));
        }
        Row { class, cells }
    };
    // The worst first, then those with the most rows.
    let (worse, other): (Vec<_>, Vec<_>) = column.segments.iter().partition(|segment| segment.is_worse);
    let ordered: Vec<_> = worse.into_iter().chain(other).collect();
    let (shown, hidden) = ordered.split_at(ordered.len().min(VALUES_MAX));
    let rows: Vec<Row> = shown.iter().map(|segment| line(segment)).collect();
    let mut out = table("stack", "", &heads, &rows);
    let others = column.other_rows + hidden.iter().map(|segment| segment.rows).sum::<u64>();
    if others > 0 {
        let others = count(others);
        out += &paragraph(
            "muted",
            &words
                .choose(format!("{others} rows are of other values."), format!("그 외 값의 행 {others}개.")),
        );
    }
    out
}
