//! Charts of both sides of a column.

use hanok_charts::{Bar, BarRow, Chart, Distribution, Outline, Plot};
use hanok_drift::{Column, Kind, Shape, What};

use super::{View, changes};
use crate::figures::share;
use crate::words::Word;

/// Microseconds, which charts count times in.
const MICROS: f64 = 1e6;

/// The picture of a column; none when a side has no values.
pub(super) fn chart(view: &View<'_>, column: &Column) -> Option<Chart> {
    let (plot, note) = match column.shape.as_ref()? {
        Shape::Bins { edges, shares } => {
            (Plot::Distribution(distribution(view, column, edges, shares)), tails(view, shares))
        }
        Shape::Shares { labels, shares, rest } => {
            (Plot::Bar(bars(view, column, labels, shares)), others(view, *rest))
        }
    };
    // What is drawn when it is not the values.
    let subtitle = match column.kinds[0] {
        Kind::Lists if changes::has(column, What::Direction) => view.words.of(Word::Direction),
        Kind::Lists => view.words.of(Word::Length),
        Kind::Texts if changes::has_patterns(column) => {
            view.words.choose("kinds of characters: A letters, 9 digits", "문자 유형: A 글자, 9 숫자")
        }
        _ => "",
    };
    Some(Chart { title: String::new(), subtitle: subtitle.to_owned(), note, sample_of: None, plot })
}

fn distribution(view: &View<'_>, column: &Column, edges: &[f64], shares: &[Vec<f64>; 2]) -> Distribution {
    let is_clock = changes::is_clock(column);
    let times = column.kinds[0] == Kind::Times && !is_clock;
    let unit = if is_clock {
        1.0 / 3600.0
    } else if times {
        MICROS
    } else {
        1.0
    };
    let series = [0, 1].map(|side| Outline {
        name: view.names[side].clone(),
        values: shares[side].get(1..edges.len()).unwrap_or_default().to_vec(),
        // What is known of vectors beside their direction is their length.
        median: column.profiles[side]
            .quantiles
            .filter(|_| !changes::has(column, What::Direction))
            .map(|quantiles| quantiles[2] * unit),
        missing: Some(column.profiles[side].missing_rate()),
    });
    let edges = edges.iter().map(|edge| edge * unit).collect();
    let axis = if is_clock { view.words.of(Word::Hour).to_owned() } else { String::new() };
    Distribution { axis, edges, smooth: false, times, series: series.into() }
}

/// How much the picture leaves out on both ends.
fn tails(view: &View<'_>, shares: &[Vec<f64>; 2]) -> String {
    let out = shares.each_ref().map(|shares| {
        let ends = [shares.first(), shares.last()];
        ends.into_iter().flatten().sum::<f64>()
    });
    if out.iter().all(|out| *out < 0.0005) {
        return String::new();
    }
    let [before, after] = out.map(share);
    view.words.choose(
        format!("Beyond the picture: {before} and {after}."),
        format!("그림 밖의 값: {before}, {after}."),
    )
}

/// The share of categories that have no bar: one for all of them would leave the others no room.
fn others(view: &View<'_>, rest: [f64; 2]) -> String {
    if rest == [0.0, 0.0] {
        return String::new();
    }
    let [before, after] = rest.map(share);
    view.words.choose(format!("All others: {before} and {after}."), format!("그 외: {before}, {after}."))
}

fn bars(view: &View<'_>, column: &Column, labels: &[String], shares: &[Vec<f64>; 2]) -> Bar {
    let rows: Vec<BarRow> = labels
        .iter()
        .enumerate()
        .map(|(at, label)| BarRow {
            name: changes::label(column, label, view.words),
            values: shares.iter().map(|shares| shares[at]).collect(),
        })
        .collect();
    Bar {
        axis: view.words.of(Word::ShareOfRows).to_owned(),
        series: view.names.to_vec(),
        rows_max: rows.len().max(2),
        rows,
        keep_order: true,
        percent: true,
    }
}
