//! Streams of text to blocks of whole rows, with bounded memory whatever the stream holds.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};

use crate::error::ReadError;
use crate::input::{Part, stream_error};
use crate::options::Limits;
use crate::reject::{Reject, raw_text};

/// Rows of a chunk. Millions of rows of a byte or two, each a reject with its reason, would fill the memory.
const CHUNK_ROWS_MAX: usize = 32 << 10;
/// The smallest piece that is read at once.
const FILL_BYTES_MIN: usize = 16 << 10;

/// How rows end: at every line end, or at line ends outside quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowSyntax {
    pub(crate) delimiter: u8,
    /// None: a row is a line.
    pub(crate) quote: Option<u8>,
}

/// Whole rows, each with a line end.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) text: Vec<u8>,
    /// The physical line of the first byte, from 1.
    pub(crate) first_line: u64,
    /// Rows before it that could not be cut.
    pub(crate) rejects: Vec<Reject>,
}

/// Cuts a stream into [`Chunk`]s.
///
/// A quote opens only at the start of a field, and then only a quote that is not doubled closes it. A row that does not
/// end within the limit, or a quote that is open at the end of the stream, costs its first physical line: that line is
/// rejected and cutting starts afresh at the next one.
pub(crate) struct Chunker<'r> {
    text: &'r mut dyn Read,
    name: Arc<str>,
    compressed: bool,
    syntax: RowSyntax,
    block_bytes: usize,
    /// How much is read at once: less than a block while rows are so short that a block has too many.
    fill_bytes: usize,
    row_bytes_max: usize,
    raw_bytes_max: usize,
    /// Starts at the start of a row. Never longer than `row_bytes_max + 1`.
    buffer: Vec<u8>,
    /// Everything before is cut or known to hold no row end.
    scanned: usize,
    /// Whether `scanned` is within quotes.
    open: bool,
    ended: bool,
    /// Of the buffer's first byte.
    line: u64,
    /// Before the buffer's first byte.
    bytes: u64,
    outside: Vec<Range<usize>>,
}

impl<'r> Chunker<'r> {
    pub(crate) fn new(part: Part<'r>, syntax: RowSyntax, block_bytes: usize, limits: &Limits) -> Self {
        let row_bytes_max = limits.row_bytes_max.clamp(1, 1 << 30);
        Self {
            text: part.text,
            name: part.name,
            compressed: part.compressed,
            syntax,
            block_bytes: block_bytes.clamp(1, row_bytes_max + 1),
            fill_bytes: block_bytes.clamp(1, row_bytes_max + 1),
            row_bytes_max,
            raw_bytes_max: limits.raw_bytes_max,
            buffer: Vec::new(),
            scanned: 0,
            open: false,
            ended: false,
            line: 1,
            bytes: 0,
            outside: Vec::new(),
        }
    }

    /// The stream's name.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Bytes of text cut so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next chunk; none at the end. `spare` is a used buffer to read into.
    pub(crate) fn next(&mut self, spare: Vec<u8>) -> Result<Option<Chunk>, ReadError> {
        let mut rejects = Vec::new();
        let mut rejects_bytes = 0;
        let mut want = self.fill_bytes;
        loop {
            self.fill(want)?;
            let end = self.last_row_end();
            if end > 0 {
                return Ok(Some(self.cut(end, spare, rejects)));
            }
            if self.ended && self.buffer.is_empty() {
                let last = Chunk { text: Vec::new(), first_line: self.line, rejects };
                return Ok((!last.rejects.is_empty()).then_some(last));
            }
            if self.ended || self.buffer.len() > self.row_bytes_max {
                let reject = self.give_up_first_line()?;
                rejects_bytes += reject.raw.len();
                rejects.push(reject);
                if rejects_bytes > self.block_bytes {
                    return Ok(Some(Chunk { text: Vec::new(), first_line: self.line, rejects }));
                }
                want = self.block_bytes;
            } else {
                want = (self.buffer.len() * 2).clamp(self.block_bytes, self.row_bytes_max + 1);
            }
        }
    }

    fn fill(&mut self, want: usize) -> Result<(), ReadError> {
        if self.ended || self.buffer.len() >= want {
            return Ok(());
        }
        let missing = want - self.buffer.len();
        self.buffer.reserve_exact(missing);
        match self.text.take(missing as u64).read_to_end(&mut self.buffer) {
            Ok(read) => self.ended = read < missing,
            Err(source) => return Err(self.failed(source)),
        }
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> ReadError {
        let bytes = self.bytes + self.buffer.len() as u64;
        let line = self.line + memchr_iter(b'\n', &self.buffer).count() as u64;
        stream_error(&self.name, self.compressed, bytes, line, source)
    }

    /// The end of the last whole row, or 0.
    fn last_row_end(&mut self) -> usize {
        let end = match self.syntax.quote {
            None => {
                let found = memrchr(b'\n', &self.buffer[self.scanned..]).map(|at| self.scanned + at + 1);
                self.scanned = self.buffer.len();
                found.unwrap_or(0)
            }
            Some(quote) => self.last_row_end_quoted(quote),
        };
        if self.ended && !self.open && end < self.buffer.len() {
            // The last row needs no line end of its own.
            self.buffer.push(b'\n');
            self.scanned = self.buffer.len();
            return self.buffer.len();
        }
        end
    }

    fn last_row_end_quoted(&mut self, quote: u8) -> usize {
        let text = &self.buffer[..];
        self.outside.clear();
        let mut outside_from = self.scanned;
        let mut skip = usize::MAX;
        let mut stop = text.len();
        for at in memchr_iter(quote, &text[self.scanned..]).map(|at| self.scanned + at) {
            if at == skip {
                continue;
            }
            if self.open {
                match text.get(at + 1) {
                    // The next byte decides whether the quote closes.
                    None if !self.ended => stop = at,
                    Some(&next) if next == quote => skip = at + 1,
                    _ => {
                        self.open = false;
                        outside_from = at + 1;
                    }
                }
            } else if at == 0 || text[at - 1] == self.syntax.delimiter || text[at - 1] == b'\n' {
                self.outside.push(outside_from..at);
                self.open = true;
            }
        }
        if !self.open {
            self.outside.push(outside_from..text.len());
        }
        self.scanned = stop;
        self.outside
            .iter()
            .rev()
            .find_map(|range| memrchr(b'\n', &text[range.clone()]).map(|at| range.start + at + 1))
            .unwrap_or(0)
    }

    /// The end of the last row of a chunk that ends at `end` and has many lines, or of fewer rows when they are too
    /// many. Only right after `last_row_end`, which knows what is within quotes.
    fn limited(&self, end: usize) -> usize {
        let whole = 0..end;
        let outside = match self.syntax.quote {
            None => std::slice::from_ref(&whole),
            Some(_) => &self.outside[..],
        };
        let mut ends = outside
            .iter()
            .flat_map(|range| memchr_iter(b'\n', &self.buffer[range.clone()]).map(|at| range.start + at + 1));
        ends.nth(CHUNK_ROWS_MAX - 1).map_or(end, |limited| limited.min(end))
    }

    fn cut(&mut self, whole_end: usize, mut spare: Vec<u8>, rejects: Vec<Reject>) -> Chunk {
        let whole_lines = memchr_iter(b'\n', &self.buffer[..whole_end]).count();
        let end = if whole_lines < CHUNK_ROWS_MAX { whole_end } else { self.limited(whole_end) };
        spare.clear();
        // Room for the next block at once: growing would copy it.
        spare.reserve_exact(self.fill_bytes.max(self.buffer.len() - end) + 1);
        spare.extend_from_slice(&self.buffer[end..]);
        self.buffer.truncate(end);
        let text = std::mem::replace(&mut self.buffer, spare);
        let first_line = self.line;
        let mut lines = whole_lines;
        if end < whole_end {
            lines = memchr_iter(b'\n', &text).count();
            // Rows are left, to be found again; less is read next, so that little is left then.
            (self.scanned, self.open) = (0, false);
            self.fill_bytes = end.max(FILL_BYTES_MIN).min(self.block_bytes);
        } else {
            self.scanned -= end;
            if lines < CHUNK_ROWS_MAX / 2 {
                self.fill_bytes = (self.fill_bytes * 2).min(self.block_bytes);
            }
        }
        self.line += lines as u64;
        self.bytes += end as u64;
        Chunk { text, first_line, rejects }
    }

    /// Rejects the physical line at the buffer's start, and the rest of it that is not in the buffer.
    fn give_up_first_line(&mut self) -> Result<Reject, ReadError> {
        let reason = match (self.ended, self.open) {
            (true, _) => "unterminated quote".to_owned(),
            (false, true) => {
                format!("unterminated quote: the row does not end within {} bytes", self.row_bytes_max)
            }
            (false, false) => format!("the row is longer than {} bytes", self.row_bytes_max),
        };
        let line_end = memchr(b'\n', &self.buffer);
        let first_line = &self.buffer[..line_end.unwrap_or(self.buffer.len())];
        let raw = raw_text(first_line, self.raw_bytes_max);
        let reject = Reject { file: Arc::clone(&self.name), line: self.line, reason, raw };
        match line_end {
            Some(at) => {
                self.bytes += at as u64 + 1;
                self.buffer.drain(..=at);
            }
            None => self.skip_line()?,
        }
        self.line += 1;
        self.scanned = 0;
        self.open = false;
        Ok(reject)
    }

    fn skip_line(&mut self) -> Result<(), ReadError> {
        loop {
            self.bytes += self.buffer.len() as u64;
            self.buffer.clear();
            // A huge row must not leave a huge buffer behind.
            self.buffer.shrink_to(self.block_bytes);
            if self.ended {
                return Ok(());
            }
            self.fill(self.block_bytes)?;
            if let Some(at) = memchr(b'\n', &self.buffer) {
                self.bytes += at as u64 + 1;
                self.buffer.drain(..=at);
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunks(text: &[u8], quote: Option<u8>, block_bytes: usize, row_bytes_max: usize) -> Vec<Chunk> {
        let limits = Limits { row_bytes_max, ..Limits::default() };
        let mut reader = text;
        let part = Part { name: "t".into(), compressed: false, text: &mut reader };
        let mut chunker = Chunker::new(part, RowSyntax { delimiter: b',', quote }, block_bytes, &limits);
        let mut all = Vec::new();
        while let Some(chunk) = chunker.next(Vec::new()).unwrap() {
            all.push(chunk);
        }
        all
    }

    /// Text that was cut, and rejects as (line, raw).
    fn summary(chunks: &[Chunk]) -> (Vec<u8>, Vec<(u64, String)>) {
        let text = chunks.iter().flat_map(|chunk| chunk.text.clone()).collect();
        let rejects = chunks.iter().flat_map(|chunk| &chunk.rejects);
        (text, rejects.map(|reject| (reject.line, reject.raw.clone())).collect())
    }

    #[test]
    fn quoted_line_ends_do_not_cut() {
        let text = b"a,\"x\ny\"\nb,\"\"\"\n\"\nc,d";
        for block_bytes in 1..30 {
            let all = chunks(text, Some(b'"'), block_bytes, 1000);
            assert_eq!(summary(&all), ([&text[..], b"\n"].concat(), vec![]));
            for chunk in &all {
                assert!(chunk.text.ends_with(b"\n"));
                assert_eq!(memchr_iter(b'"', &chunk.text).count() % 2, 0);
            }
        }
    }

    #[test]
    fn a_stray_quote_costs_its_own_line_only() {
        let text = b"a,1\nb,\"2\nc,3\nd,4\n";
        for block_bytes in 1..30 {
            let (kept, rejects) = summary(&chunks(text, Some(b'"'), block_bytes, 1000));
            assert_eq!(kept, b"a,1\nc,3\nd,4\n");
            assert_eq!(rejects, vec![(2, "b,\"2".to_owned())]);
        }
        // The same where the limit, not the end of the file, ends the row.
        let mut long = text.to_vec();
        (0..100).for_each(|_| long.extend_from_slice(b"e,5\n"));
        let (kept, rejects) = summary(&chunks(&long, Some(b'"'), 16, 40));
        assert_eq!(kept.len(), long.len() - 5);
        assert_eq!(rejects, vec![(2, "b,\"2".to_owned())]);
    }

    #[test]
    fn a_row_over_the_limit_is_rejected_wherever_blocks_end() {
        for block_bytes in 1..40 {
            let text = b"short\n0123456789\n01234567890\nend";
            let (kept, rejects) = summary(&chunks(text, None, block_bytes, 10));
            assert_eq!(kept, b"short\n0123456789\nend\n");
            assert_eq!(rejects, vec![(3, "01234567890".to_owned())]);
        }
    }

    #[test]
    fn many_tiny_rows_come_in_several_chunks() {
        let rows = CHUNK_ROWS_MAX * 2 + CHUNK_ROWS_MAX / 2;
        for (row, quote) in [("x\n", None), ("x\n", Some(b'"')), ("\"\n\"\n", Some(b'"'))] {
            let text = row.repeat(rows);
            let all = chunks(text.as_bytes(), quote, 1 << 20, 16 << 20);
            let lens: Vec<usize> = all.iter().map(|chunk| chunk.text.len() / row.len()).collect();
            assert_eq!(lens, [CHUNK_ROWS_MAX, CHUNK_ROWS_MAX, CHUNK_ROWS_MAX / 2]);
            assert_eq!(summary(&all), (text.into_bytes(), vec![]));
            let lines = 1 + CHUNK_ROWS_MAX * memchr_iter(b'\n', row.as_bytes()).count();
            assert_eq!(all[1].first_line, lines as u64);
        }
    }

    #[test]
    fn a_gigabyte_without_a_line_end_stays_in_bounds() {
        struct Watch<'a>(&'a mut dyn Read);
        impl Read for Watch<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0.read(buffer)
            }
        }
        let mut stream = b"a,1\n".chain(std::io::repeat(b'x').take(1 << 30)).chain(&b"\nb,2\n"[..]);
        let mut watch = Watch(&mut stream);
        let part = Part { name: "t".into(), compressed: false, text: &mut watch };
        let limits = Limits::default();
        let mut chunker =
            Chunker::new(part, RowSyntax { delimiter: b',', quote: Some(b'"') }, limits.block_bytes, &limits);
        let (mut kept, mut rejects) = (Vec::new(), Vec::new());
        while let Some(chunk) = chunker.next(Vec::new()).unwrap() {
            assert!(chunker.buffer.capacity() <= 2 * limits.row_bytes_max);
            kept.extend(chunk.text);
            rejects.extend(chunk.rejects);
        }
        assert_eq!(kept, b"a,1\nb,2\n");
        assert_eq!(rejects.len(), 1);
        assert_eq!((rejects[0].line, rejects[0].raw.len()), (2, limits.raw_bytes_max));
    }

    /// Row by row, byte by byte, without blocks.
    fn brute(text: &[u8], row_bytes_max: usize) -> (Vec<u8>, Vec<(u64, String)>) {
        let (mut kept, mut rejects, mut at) = (Vec::new(), Vec::new(), 0);
        while at < text.len() {
            let mut open = false;
            let mut end = at;
            let mut whole = false;
            while end < text.len() {
                let c = text[end];
                if open && c == b'"' && text.get(end + 1) == Some(&b'"') {
                    end += 1;
                } else if open && c == b'"' {
                    open = false;
                } else if !open && c == b'"' && (end == at || text[end - 1] == b',') {
                    open = true;
                } else if !open && c == b'\n' {
                    end += 1;
                    whole = true;
                    break;
                }
                end += 1;
            }
            let content = end.min(text.len()) - at - usize::from(whole);
            if open || content > row_bytes_max {
                let stop = text[at..].iter().position(|&b| b == b'\n').map_or(text.len(), |found| at + found);
                let line = 1 + memchr_iter(b'\n', &text[..at]).count() as u64;
                // A line that is not in the buffer as a whole is kept as far as it is.
                let shown = &text[at..stop.min(at + row_bytes_max + 1)];
                rejects.push((line, String::from_utf8_lossy(shown).into_owned()));
                at = stop + 1;
            } else {
                kept.extend_from_slice(&text[at..end]);
                if !whole {
                    kept.push(b'\n');
                }
                at = end;
            }
        }
        (kept, rejects)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn chunks_equal_the_byte_by_byte_twin(
            text in "[a,\"\n]{0,60}", block_bytes in 1usize..40, row_bytes_max in 1usize..50
        ) {
            let got = summary(&chunks(text.as_bytes(), Some(b'"'), block_bytes, row_bytes_max));
            prop_assert_eq!(got, brute(text.as_bytes(), row_bytes_max));
        }
    }
}
