//! A CSV block as rows of cells.

use std::sync::Arc;

use super::index::{Index, unquote};
use crate::chunk::{Chunk, RowSyntax};
use crate::column::{Cells, Rows};
use crate::options::CsvOptions;
use crate::reject::{Reject, raw_text};
use crate::types::Form;

/// What the parser needs to know of a CSV source.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    pub(crate) syntax: RowSyntax,
    nulls: Vec<Vec<u8>>,
    /// A bit for each length that a null token has; longer ones share the last bit.
    null_lengths: u64,
    encoding: String,
    pub(crate) raw_bytes_max: usize,
}

impl Dialect {
    pub(crate) fn new(csv: &CsvOptions, delimiter: u8, raw_bytes_max: usize) -> Self {
        let nulls: Vec<Vec<u8>> = csv.nulls.iter().map(|token| token.clone().into_bytes()).collect();
        let null_lengths = nulls.iter().fold(0, |bits, token| bits | 1 << token.len().min(63));
        let syntax = RowSyntax { delimiter, quote: csv.quote };
        Self { syntax, nulls, null_lengths, encoding: csv.encoding.clone(), raw_bytes_max }
    }

    #[inline]
    fn is_null(&self, text: &[u8]) -> bool {
        self.null_lengths >> text.len().min(63) & 1 == 1 && self.nulls.iter().any(|token| token == text)
    }
}

/// A block with the places of its fields.
pub(crate) struct CsvBlock<'a> {
    text: &'a [u8],
    file: &'a str,
    first_line: u64,
    dialect: &'a Dialect,
    index: &'a Index,
    /// The field of each column of the plan.
    fields: &'a [Option<usize>],
}

impl<'a> CsvBlock<'a> {
    /// Finds the rows of `chunk.text[from..]`. Rows with another number of fields than `fields_len`, and rows that are
    /// not text, become rejects.
    #[expect(
        clippy::too_many_arguments,
        reason = "one caller; a struct would only name the same things again"
    )]
    pub(crate) fn new(
        chunk: &'a Chunk,
        from: usize,
        file: &'a Arc<str>,
        dialect: &'a Dialect,
        fields_len: usize,
        fields: &'a [Option<usize>],
        index: &'a mut Index,
        rejects: &mut Vec<Reject>,
    ) -> Self {
        let text = &chunk.text[..];
        index.fill(text, from, dialect.syntax.delimiter, dialect.syntax.quote, fields_len);
        let mut bad: Vec<(usize, usize, String)> = index
            .bad
            .iter()
            .map(|row| {
                let reason = format!("expected {fields_len} fields, found {}", row.fields);
                (row.start as usize, row.end as usize, reason)
            })
            .collect();
        if std::str::from_utf8(&text[from..]).is_err() {
            index.retain(|start, end| {
                let valid = std::str::from_utf8(&text[start..end]).is_ok();
                if !valid {
                    bad.push((start, end, format!("bytes that are not valid {}", dialect.encoding)));
                }
                valid
            });
            bad.sort_unstable_by_key(|(start, ..)| *start);
        }
        let mut lines = Lines { text, at: 0, line: chunk.first_line };
        rejects.extend(bad.into_iter().map(|(start, end, reason)| Reject {
            file: Arc::clone(file),
            line: lines.of(start),
            reason,
            raw: raw_text(&text[start..end], dialect.raw_bytes_max),
        }));
        Self { text, file, first_line: chunk.first_line, dialect, index, fields }
    }

    /// The text of a row.
    pub(crate) fn raw(&self, row: usize) -> String {
        let (start, end) = self.index.row(row);
        raw_text(&self.text[start..end], self.dialect.raw_bytes_max)
    }
}

/// Counts lines forwards.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, at: usize) -> u64 {
        self.line += memchr::memchr_iter(b'\n', &self.text[self.at..at]).count() as u64;
        self.at = at;
        self.line
    }
}

impl Rows for CsvBlock<'_> {
    type Column<'c>
        = CsvColumn<'c>
    where
        Self: 'c;

    fn rows(&self) -> usize {
        self.index.rows()
    }

    fn column(&self, column: usize) -> Option<CsvColumn<'_>> {
        let field = self.fields.get(column).copied().flatten()?;
        Some(CsvColumn { text: self.text, index: self.index, dialect: self.dialect, field })
    }

    fn file(&self) -> &str {
        self.file
    }

    fn line(&self, row: usize) -> u64 {
        let (start, _) = self.index.row(row);
        Lines { text: self.text, at: 0, line: self.first_line }.of(start)
    }
}

/// One column of a block.
pub(crate) struct CsvColumn<'a> {
    text: &'a [u8],
    index: &'a Index,
    dialect: &'a Dialect,
    field: usize,
}

impl Cells for CsvColumn<'_> {
    #[expect(clippy::inline_always, reason = "called for every field; the compiler left it out of line")]
    #[inline(always)]
    fn cell<'s>(&'s self, row: usize, scratch: &'s mut Vec<u8>) -> Option<(&'s [u8], Form)> {
        let (start, end, quoted) = self.index.field(row, self.field);
        let mut text = &self.text[start..end];
        if quoted && let Some(quote) = self.dialect.syntax.quote {
            text = unquote(text, quote, scratch);
        }
        if self.dialect.is_null(text) { None } else { Some((text, Form::Text)) }
    }
}
