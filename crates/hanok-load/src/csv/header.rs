//! The first row of a CSV stream.

use super::index::{Index, unquote};
use crate::chunk::Chunk;
use crate::options::CsvOptions;

/// Takes the names off the chunk's first row and gives where the data start, or why there are no names. An empty
/// stream has no columns. Names are as in the file, but distinct: a repeated or an empty one becomes `column_N`.
pub(crate) fn take_header(
    chunk: &Chunk,
    csv: &CsvOptions,
    delimiter: u8,
) -> Result<(Vec<String>, usize), String> {
    if let Some(reject) = chunk.rejects.first() {
        return Err(format!("{} in line {}", reject.reason, reject.line));
    }
    let text = &chunk.text;
    let (start, end, next) = first_row(text, csv.quote, delimiter);
    if start == end {
        return Ok((Vec::new(), text.len()));
    }
    let mut index = Index::default();
    // One row with an unknown number of fields: count them first.
    index.fill(&text[..next], start, delimiter, csv.quote, usize::MAX);
    let fields = index.bad.first().map_or(0, |row| row.fields as usize);
    if !csv.header {
        return Ok(((1..=fields).map(|n| format!("column_{n}")).collect(), start));
    }
    index.fill(&text[..next], start, delimiter, csv.quote, fields);
    let mut names: Vec<String> = Vec::with_capacity(fields);
    let mut taken = std::collections::HashSet::with_capacity(fields);
    let mut scratch = Vec::new();
    for column in 0..fields {
        let (from, to, quoted) = index.field(0, column);
        let field = match csv.quote {
            Some(quote) if quoted => unquote(&text[from..to], quote, &mut scratch),
            _ => &text[from..to],
        };
        let name = std::str::from_utf8(field).map_err(|_| format!("not valid {}", csv.encoding))?.trim();
        if name.contains('\0') {
            let reason = "zero bytes in its names, as in UTF-16 without a byte-order mark";
            return Err(format!("{reason}; if it is, set `csv: {{ encoding: utf-16le }}`"));
        }
        let mut name = if name.is_empty() { format!("column_{}", column + 1) } else { name.to_owned() };
        while !taken.insert(name.clone()) {
            name = format!("{name}_{}", column + 1);
        }
        names.push(name);
    }
    Ok((names, next))
}

/// Start and end of the first row that is not empty, and the start of the next.
fn first_row(text: &[u8], quote: Option<u8>, delimiter: u8) -> (usize, usize, usize) {
    let mut start = 0;
    let (mut open, mut field_start, mut skip) = (false, true, false);
    for (at, &byte) in text.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        if open {
            if Some(byte) == quote {
                skip = text.get(at + 1).copied() == quote;
                open = skip;
            }
        } else if byte == b'\n' {
            if at > start && &text[start..at] != b"\r" {
                return (start, at, at + 1);
            }
            start = at + 1;
            field_start = true;
        } else {
            open = field_start && Some(byte) == quote;
            field_start = byte == delimiter;
        }
    }
    (text.len(), text.len(), text.len())
}
