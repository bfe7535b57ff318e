//! What was compared, and where it came from.

use super::View;
use crate::figures::count;
use crate::input::Origin;
use crate::markup::{Row, cell, figure, name, paragraph, section, table, text};
use crate::words::Word;

/// Origins that are listed.
const ORIGINS_MAX: usize = 100;
/// Names of a list.
const NAMES_MAX: usize = 50;

pub(super) fn html(view: &View<'_>) -> String {
    let words = view.words;
    let mut body =
        crate::page::sides(&view.input.sides, [Word::Reference, Word::Current], words, &rows(view));
    for (names, word) in [
        (&view.report.vanished, Word::VanishedColumns),
        (&view.report.new, Word::NewColumns),
        (&view.report.skipped, Word::SkippedColumns),
    ] {
        if names.is_empty() {
            continue;
        }
        let shown: Vec<_> = names.iter().take(NAMES_MAX).map(|column| name(column)).collect();
        let more = if names.len() > shown.len() { ", …" } else { "" };
        body += &paragraph("", &format!("{} ({}): {}{more}", words.of(word), names.len(), shown.join(", ")));
    }
    let mut out = section("compared", words.of(Word::Compared), &body);
    if !view.input.origins.is_empty() {
        out += &section("origins", words.of(Word::Origins), &origins(view));
    }
    out
}

/// Rows as the comparison saw them, for sides whose caller does not say.
fn rows(view: &View<'_>) -> [Option<u64>; 2] {
    [0, 1].map(|side| {
        let seen = view.report.columns.first().map(|column| column.profiles[side].rows);
        view.input.sides[side].rows.or(seen)
    })
}

fn origins(view: &View<'_>) -> String {
    let words = view.words;
    let has_columns = view.input.origins.iter().any(|origin| !origin.columns.is_empty());
    let line = |origin: &Origin| -> Row {
        let side = match origin.side {
            Some(0) => words.of(Word::Reference),
            Some(_) => words.of(Word::Current),
            None => "",
        };
        let columns: Vec<_> = origin.columns.iter().take(NAMES_MAX).map(|column| name(column)).collect();
        let optional = |value: &Option<String>| cell(value.as_deref().map_or(String::new(), text));
        let mut cells = vec![
            cell(text(&origin.source)),
            cell(side),
            optional(&origin.load),
            optional(&origin.at),
            figure(origin.rows.map_or(String::new(), count)),
        ];
        cells.extend(has_columns.then(|| cell(columns.join(", "))));
        cells.into()
    };
    let mut heads = vec![Word::Source, Word::Side, Word::Load, Word::At, Word::Rows];
    heads.extend(has_columns.then_some(Word::Columns));
    let heads: Vec<_> = heads.into_iter().map(|word| words.of(word)).collect();
    let lines: Vec<Row> = view.input.origins.iter().take(ORIGINS_MAX).map(line).collect();
    table("stack", "", &heads, &lines)
}
