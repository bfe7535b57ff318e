//! Blocks of JSON lines as rows of cells.
//!
//! Every line is an object; its members are columns. Objects and arrays within are kept as their JSON text. Of a member
//! that is there twice the last one counts. Strings stay strings, except that a column whose strings are all ISO dates
//! or timestamps becomes one.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::chunk::Chunk;
use crate::column::{Cells, Rows};
use crate::plan::Plan;
use crate::reject::{Reject, raw_text};
use crate::types::{Candidates, Form};

#[derive(Clone, Copy)]
enum Cell<'a> {
    Missing,
    /// In the block as it is.
    Here(&'a [u8], Form),
    /// A string with escapes, unescaped into the block's side buffer.
    Aside(u32, u32),
}

/// A block with its cells.
pub(crate) struct JsonBlock<'a> {
    text: &'a [u8],
    file: &'a str,
    first_line: u64,
    /// Start and end of each row.
    rows: Vec<(u32, u32)>,
    table: Table<'a>,
    raw_bytes_max: usize,
}

/// The cells by column; columns beyond the plan's are new.
struct Table<'a> {
    plan: &'a Plan,
    columns: Vec<Vec<Cell<'a>>>,
    extra: HashMap<String, usize>,
    extra_names: Vec<String>,
    aside: Vec<u8>,
}

impl<'a> JsonBlock<'a> {
    /// Reads the lines of a chunk; those that are no JSON object become rejects.
    pub(crate) fn new(
        chunk: &'a Chunk,
        file: &'a Arc<str>,
        plan: &'a Plan,
        raw_bytes_max: usize,
        rejects: &mut Vec<Reject>,
    ) -> Self {
        let text = &chunk.text[..];
        let mut table = Table {
            plan,
            columns: vec![Vec::new(); plan.columns.len()],
            extra: HashMap::new(),
            extra_names: Vec::new(),
            aside: Vec::new(),
        };
        let mut rows: Vec<(u32, u32)> = Vec::new();
        let mut start = 0;
        for (line, end) in (chunk.first_line..).zip(memchr::memchr_iter(b'\n', text)) {
            let row = &text[start..end];
            if !row.trim_ascii().is_empty() {
                match table.add(row, rows.len()) {
                    Ok(()) => rows.push((start as u32, end as u32)),
                    Err(reason) => {
                        table.columns.iter_mut().for_each(|column| column.truncate(rows.len()));
                        let raw = raw_text(row, raw_bytes_max);
                        rejects.push(Reject { file: Arc::clone(file), line, reason, raw });
                    }
                }
            }
            start = end + 1;
        }
        table.columns.iter_mut().for_each(|column| column.resize(rows.len(), Cell::Missing));
        Self { text, file, first_line: chunk.first_line, rows, table, raw_bytes_max }
    }

    /// The text of a row.
    pub(crate) fn raw(&self, row: usize) -> String {
        let (start, end) = self.rows[row];
        raw_text(&self.text[start as usize..end as usize], self.raw_bytes_max)
    }

    /// Columns that the plan does not have, with what their values are; none that is null everywhere.
    pub(crate) fn new_columns(&self) -> Vec<(String, Candidates)> {
        let known = self.table.plan.columns.len();
        let mut scratch = Vec::new();
        let columns = self.table.extra_names.iter().enumerate().map(|(at, name)| {
            let cells = JsonColumn { cells: &self.table.columns[known + at], aside: &self.table.aside };
            let mut candidates = Candidates::NEW;
            for row in 0..self.rows.len() {
                if let Some((text, form)) = cells.cell(row, &mut scratch) {
                    candidates.narrow(text, form);
                }
            }
            (name.clone(), candidates)
        });
        columns.filter(|(_, candidates)| candidates.seen).collect()
    }
}

impl<'a> Table<'a> {
    fn add(&mut self, line: &'a [u8], row: usize) -> Result<(), String> {
        let text = std::str::from_utf8(line).map_err(|_| "bytes that are not valid utf-8".to_owned())?;
        let mut json = serde_json::Deserializer::from_str(text);
        let result = json.deserialize_map(RowVisitor { table: self, row, next: 0 }).and_then(|()| json.end());
        result.map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "not a JSON object".to_owned(),
            _ => format!("not valid JSON: {error}"),
        })
    }

    fn place(&mut self, key: &str, guess: usize) -> usize {
        // Objects of a file mostly have the same members in the same order.
        if self.plan.columns.get(guess).is_some_and(|column| column.raw == key) {
            return guess;
        }
        if let Some(&at) = self.plan.by_raw.get(key).or_else(|| self.extra.get(key)) {
            return at;
        }
        let at = self.columns.len();
        self.columns.push(Vec::new());
        self.extra.insert(key.to_owned(), at);
        self.extra_names.push(key.to_owned());
        at
    }

    fn put(&mut self, at: usize, row: usize, value: &'a RawValue) -> Result<(), serde_json::Error> {
        let text = value.get();
        let cell = match text.as_bytes() {
            [b'n', ..] => Cell::Missing,
            [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => {
                Cell::Here(inner, Form::JsonString)
            }
            [b'"', ..] => {
                let unescaped: String = serde_json::from_str(text)?;
                let start = self.aside.len() as u32;
                self.aside.extend_from_slice(unescaped.as_bytes());
                Cell::Aside(start, self.aside.len() as u32)
            }
            [b't' | b'f', ..] => Cell::Here(text.as_bytes(), Form::JsonBool),
            [b'{' | b'[', ..] => Cell::Here(text.as_bytes(), Form::JsonNested),
            _ => Cell::Here(text.as_bytes(), Form::JsonNumber),
        };
        let column = &mut self.columns[at];
        column.resize(row, Cell::Missing);
        column.push(cell);
        Ok(())
    }
}

struct RowVisitor<'t, 'a> {
    table: &'t mut Table<'a>,
    row: usize,
    next: usize,
}

impl<'de: 'a, 'a> Visitor<'de> for RowVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(at) = map.next_key_seed(KeySeed { table: self.table, guess: self.next })? {
            let value: &'de RawValue = map.next_value()?;
            // A repeated member: the last one counts.
            if self.table.columns[at].len() > self.row {
                self.table.columns[at].truncate(self.row);
            }
            self.table.put(at, self.row, value).map_err(A::Error::custom)?;
            self.next = at + 1;
        }
        Ok(())
    }
}

struct KeySeed<'t, 'a> {
    table: &'t mut Table<'a>,
    guess: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<usize, E> {
        Ok(self.table.place(key, self.guess))
    }
}

impl Rows for JsonBlock<'_> {
    type Column<'c>
        = JsonColumn<'c>
    where
        Self: 'c;

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn column(&self, column: usize) -> Option<JsonColumn<'_>> {
        Some(JsonColumn { cells: &self.table.columns[column], aside: &self.table.aside })
    }

    fn file(&self) -> &str {
        self.file
    }

    fn line(&self, row: usize) -> u64 {
        let start = self.rows[row].0 as usize;
        self.first_line + memchr::memchr_iter(b'\n', &self.text[..start]).count() as u64
    }
}

/// One column of a block.
pub(crate) struct JsonColumn<'a> {
    cells: &'a [Cell<'a>],
    aside: &'a [u8],
}

impl Cells for JsonColumn<'_> {
    #[inline]
    fn cell<'s>(&'s self, row: usize, _scratch: &'s mut Vec<u8>) -> Option<(&'s [u8], Form)> {
        match self.cells[row] {
            Cell::Missing => None,
            Cell::Here(text, form) => Some((text, form)),
            Cell::Aside(start, end) => Some((&self.aside[start as usize..end as usize], Form::JsonString)),
        }
    }
}
