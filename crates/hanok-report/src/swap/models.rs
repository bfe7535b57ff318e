//! Which models, on which data.

use hanok_charts::number;

use super::{Model, View};
use crate::figures::{bytes, count};
use crate::input::Side;
use crate::markup::{Row, cell, name, paragraph, section, table, text};
use crate::page::{facts, hash};
use crate::words::Word;

/// Names of a list.
const NAMES_MAX: usize = 50;

pub(super) fn html(view: &View<'_>) -> String {
    let words = view.words;
    let models = &view.input.models;
    let both = |of: &dyn Fn(&Model) -> Option<String>| models.each_ref().map(of);
    let micros = |value: f64| format!("{} µs", number(value));
    let single = |[median, p95]: [f64; 2]| format!("{} µs ({} µs)", number(median), number(p95));
    let lines = [
        (Word::Model, both(&|model| Some(name(&model.name)))),
        (Word::Format, both(&|model| model.format.as_deref().map(text))),
        (Word::At, both(&|model| model.made.as_deref().map(text))),
        (Word::Size, both(&|model| model.bytes.map(bytes))),
        (Word::Latency, both(&|model| model.row_micros.map(micros))),
        (Word::Single, both(&|model| model.single_micros.map(single))),
        (Word::Hash, both(&|model| model.hash.as_deref().map(hash))),
    ];
    let mut body = facts(lines, &[words.of(Word::First), words.of(Word::Second)], words);
    body += &only(view, 0, words.choose("Only M1 reads", "M1만 읽는 특성"));
    body += &only(view, 1, words.choose("Only M2 reads", "M2만 읽는 특성"));
    body += &data(view, &view.input.data);
    if let Some(made) = &view.input.made {
        body += &format!("<footer>{}: {}</footer>\n", words.of(Word::MadeBy), text(made));
    }
    section("compared", words.of(Word::Compared), &body)
}

/// Features that the other model does not read.
fn only(view: &View<'_>, at: usize, head: &str) -> String {
    let [own, other] = [&view.input.models[at].features, &view.input.models[1 - at].features];
    let only: Vec<_> = own.iter().filter(|feature| !other.contains(feature)).collect();
    if only.is_empty() || other.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = only.iter().take(NAMES_MAX).map(|feature| name(feature)).collect();
    let more = if only.len() > shown.len() { ", …" } else { "" };
    paragraph("", &format!("{head} ({}): {}{more}", only.len(), shown.join(", ")))
}

fn data(view: &View<'_>, side: &Side) -> String {
    let words = view.words;
    let lines = [
        (Word::Table, side.table.as_deref().map(name)),
        (Word::Version, side.version.as_deref().map(text)),
        (Word::Time, side.time.as_ref().map(|[from, to]| text(&format!("{from} – {to}")))),
        (Word::Filter, side.filter.as_deref().map(name)),
        (Word::Rows, Some(count(view.swap.rows))),
        (Word::Hash, side.hash.as_deref().map(hash)),
    ];
    let rows: Vec<Row> = lines
        .into_iter()
        .filter_map(|(word, value)| Some(vec![cell(words.of(word)), cell(value?)].into()))
        .collect();
    table("facts", "", &[words.of(Word::Data), &text(&side.name)], &rows)
}
