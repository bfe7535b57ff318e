//! Where the fields of a block are.
//!
//! One pass finds the delimiters, line ends and quotes 64 bytes at a time as bit masks (after Langdale and Lemire,
//! "Parsing Gigabytes of JSON per Second", 2019) and walks over the set bits only.

use super::masks::{Masks, masks};

/// In [`Index::ends`]: the field begins with a quote.
pub(crate) const QUOTED: u32 = 1 << 31;

/// A row that has another number of fields than its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadRow {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) fields: u32,
}

/// The fields of the rows that have the right number of them.
///
/// Field `c` of row `r` starts one after the end of the field before it, or at `starts[r]`, and ends at
/// `ends[r * fields + c]`, quotes included.
#[derive(Default, Debug)]
pub(crate) struct Index {
    pub(crate) fields: usize,
    pub(crate) starts: Vec<u32>,
    pub(crate) ends: Vec<u32>,
    pub(crate) bad: Vec<BadRow>,
}

struct Walk<'a> {
    text: &'a [u8],
    index: &'a mut Index,
    row_start: usize,
    field_start: usize,
    /// Of the row's first field in `index.ends`.
    row_first: usize,
    open: bool,
    quoted: bool,
    /// The second of a doubled quote.
    skip: usize,
}

impl Index {
    /// Finds the fields of `text[from..]`, whole rows that each end with a line end, shorter than 2 GiB. Empty lines
    /// are no rows. A carriage return before a line end belongs to it.
    pub(crate) fn fill(&mut self, text: &[u8], from: usize, delimiter: u8, quote: Option<u8>, fields: usize) {
        self.fields = fields;
        self.starts.clear();
        self.ends.clear();
        self.bad.clear();
        let mut walk = Walk {
            text,
            index: self,
            row_start: from,
            field_start: from,
            row_first: 0,
            open: false,
            quoted: false,
            skip: usize::MAX,
        };
        // Without quoting, a second delimiter mask that is never looked at.
        let quote_byte = quote.unwrap_or(delimiter);
        let (chunks, rest) = text[from..].as_chunks::<64>();
        let mut base = from;
        for chunk in chunks {
            let found = masks(chunk, delimiter, quote_byte);
            walk.step(base, &found, quote);
            base += 64;
        }
        if !rest.is_empty() {
            let mut chunk = [0; 64];
            chunk[..rest.len()].copy_from_slice(rest);
            let within = u64::MAX >> (64 - rest.len());
            let found = masks(&chunk, delimiter, quote_byte);
            let found = Masks {
                delimiters: found.delimiters & within,
                line_ends: found.line_ends & within,
                quotes: found.quotes & within,
            };
            walk.step(base, &found, quote);
        }
    }

    /// The rows found.
    pub(crate) fn rows(&self) -> usize {
        self.starts.len()
    }

    /// The start and end of a field, and whether it begins with a quote.
    #[expect(clippy::inline_always, reason = "called for every field; the compiler left it out of line")]
    #[inline(always)]
    pub(crate) fn field(&self, row: usize, column: usize) -> (usize, usize, bool) {
        let at = row * self.fields + column;
        let end = self.ends[at];
        let start = if column == 0 { self.starts[row] } else { (self.ends[at - 1] & !QUOTED) + 1 };
        (start as usize, (end & !QUOTED) as usize, end & QUOTED != 0)
    }

    /// The start and end of a row without its line end.
    pub(crate) fn row(&self, row: usize) -> (usize, usize) {
        let last = self.ends[row * self.fields + self.fields - 1];
        (self.starts[row] as usize, (last & !QUOTED) as usize)
    }

    /// Keeps the rows that pass.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize, usize) -> bool) {
        let mut kept = 0;
        for row in 0..self.rows() {
            let (start, end) = self.row(row);
            if keep(start, end) {
                self.starts[kept] = self.starts[row];
                self.ends.copy_within(row * self.fields..(row + 1) * self.fields, kept * self.fields);
                kept += 1;
            }
        }
        self.starts.truncate(kept);
        self.ends.truncate(kept * self.fields);
    }
}

impl Walk<'_> {
    #[inline]
    fn step(&mut self, base: usize, found: &Masks, quote: Option<u8>) {
        let plain = quote.is_none() || (found.quotes == 0 && !self.open);
        let mut bits = found.delimiters | found.line_ends;
        if plain {
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                let at = base + bit;
                if found.line_ends >> bit & 1 == 0 {
                    self.end_field(at);
                } else {
                    self.end_row(at);
                }
                bits &= bits - 1;
            }
            return;
        }
        bits |= found.quotes;
        while bits != 0 {
            let bit = bits.trailing_zeros() as usize;
            let at = base + bit;
            bits &= bits - 1;
            if found.quotes >> bit & 1 == 1 {
                self.quote(at);
            } else if !self.open {
                if found.line_ends >> bit & 1 == 0 {
                    self.end_field(at);
                } else {
                    self.end_row(at);
                }
            }
        }
    }

    #[inline]
    fn quote(&mut self, at: usize) {
        if at == self.skip {
            return;
        }
        if !self.open {
            if at == self.field_start {
                self.open = true;
                self.quoted = true;
            }
        } else if self.text.get(at + 1) == Some(&self.text[at]) {
            self.skip = at + 1;
        } else {
            self.open = false;
        }
    }

    #[inline]
    fn end_field(&mut self, at: usize) {
        self.index.ends.push(at as u32 | u32::from(self.quoted) << 31);
        self.field_start = at + 1;
        self.quoted = false;
    }

    #[inline]
    fn end_row(&mut self, at: usize) {
        let end = if at > self.field_start && self.text[at - 1] == b'\r' { at - 1 } else { at };
        let empty = end == self.row_start;
        if !empty {
            self.end_field(end);
            let fields = self.index.ends.len() - self.row_first;
            if fields == self.index.fields {
                self.index.starts.push(self.row_start as u32);
                self.row_first += fields;
            } else {
                self.index.ends.truncate(self.row_first);
                self.index.bad.push(BadRow {
                    start: self.row_start as u32,
                    end: end as u32,
                    fields: fields as u32,
                });
            }
        }
        self.row_start = at + 1;
        self.field_start = at + 1;
        self.quoted = false;
    }
}

/// The content of a field that begins with a quote: the quotes taken off, doubled ones halved; text after the closing
/// quote is kept as it is.
pub(crate) fn unquote<'s>(field: &'s [u8], quote: u8, scratch: &'s mut Vec<u8>) -> &'s [u8] {
    let inner = &field[1..];
    if let Some(at) = memchr::memchr(quote, inner)
        && at + 1 == inner.len()
    {
        return &inner[..at];
    }
    scratch.clear();
    let mut rest = inner;
    while let Some(at) = memchr::memchr(quote, rest) {
        scratch.extend_from_slice(&rest[..at]);
        if rest.get(at + 1) == Some(&quote) {
            scratch.push(quote);
            rest = &rest[at + 2..];
        } else {
            rest = &rest[at + 1..];
            break;
        }
    }
    scratch.extend_from_slice(rest);
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(text: &[u8], fields: usize) -> (Vec<Vec<String>>, usize) {
        let mut index = Index::default();
        index.fill(text, 0, b',', Some(b'"'), fields);
        let mut scratch = Vec::new();
        let rows = (0..index.rows()).map(|row| {
            (0..fields)
                .map(|column| {
                    let (start, end, quoted) = index.field(row, column);
                    let field = &text[start..end];
                    let field = if quoted { unquote(field, b'"', &mut scratch) } else { field };
                    String::from_utf8(field.to_vec()).unwrap()
                })
                .collect()
        });
        (rows.collect(), index.bad.len())
    }

    #[test]
    fn fields_quotes_and_line_ends() {
        let (rows, bad) = rows(b"a,\"b,\"\"x\"\"\n\",c\r\n\n\r\n\"d\"e,f\"g\",\r\n1,2\n,,\n", 3);
        assert_eq!(rows, vec![vec!["a", "b,\"x\"\n", "c"], vec!["de", "f\"g\"", ""], vec!["", "", ""]]);
        assert_eq!(bad, 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, max_global_rejects: 100_000, ..ProptestConfig::default() })]
        #[test]
        fn the_csv_crate_agrees(text in "([a-c,\"]|\r?\n){0,150}", fields in 1usize..4) {
            // Only text whose quotes are closed reaches the index.
            let text = text + "\n";
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let all: Vec<Vec<String>> =
                reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
            let closed = {
                let (mut open, mut start) = (false, true);
                let mut bytes = text.bytes().peekable();
                while let Some(b) = bytes.next() {
                    if open && b == b'"' {
                        if bytes.peek() == Some(&b'"') { bytes.next(); } else { open = false; start = false; }
                    } else if !open {
                        if b == b'"' && start { open = true; }
                        start = b == b',' || b == b'\n';
                    }
                }
                !open
            };
            prop_assume!(closed);
            let (got, bad) = rows(text.as_bytes(), fields);
            let right: Vec<_> = all.iter().filter(|row| row.len() == fields).cloned().collect();
            prop_assert_eq!(bad, all.len() - right.len());
            prop_assert_eq!(got, right);
        }
    }
}
