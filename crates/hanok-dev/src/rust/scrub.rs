//! Blanks comments and the contents of literals, so that the checks see code only.

/// `text` with every byte of a comment and of a literal's contents replaced by a space, and every non-ASCII byte by `_`.
/// Length and lines stay as they are; a literal keeps its quotes.
pub(crate) fn scrub(text: &str) -> String {
    let mut scrubber = Scrubber { text: text.as_bytes(), out: Vec::with_capacity(text.len()) };
    scrubber.run();
    scrubber.out.into_iter().map(char::from).collect()
}

struct Scrubber<'a> {
    text: &'a [u8],
    /// What is done; its length is the position in `text`.
    out: Vec<u8>,
}

impl Scrubber<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'/' if self.peek(1) == Some(b'/') => self.blank_while(|byte| byte != b'\n'),
                b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
                b'"' => self.string(),
                b'\'' => self.quote(),
                b'r' if !self.after_word() || self.after_literal_prefix() => self.raw_string(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.out.len() + ahead).copied()
    }

    fn keep(&mut self) {
        let byte = self.text[self.out.len()];
        self.out.push(if byte.is_ascii() { byte } else { b'_' });
    }

    fn blank(&mut self, bytes: usize) {
        for _ in 0..bytes {
            let Some(byte) = self.peek(0) else { return };
            self.out.push(if byte == b'\n' { b'\n' } else { b' ' });
        }
    }

    fn blank_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&wanted) {
            self.blank(1);
        }
    }

    fn after_word(&self) -> bool {
        self.out.last().is_some_and(|byte| super::is_word(*byte))
    }

    /// After the `b` or `c` of `br"…"` and `cr"…"`, when that letter is a word's start.
    fn after_literal_prefix(&self) -> bool {
        let n = self.out.len();
        n > 0 && matches!(self.out[n - 1], b'b' | b'c') && (n == 1 || !super::is_word(self.out[n - 2]))
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.blank(2);
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.blank(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.blank(1),
            }
        }
    }

    fn string(&mut self) {
        self.keep();
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => return self.keep(),
                b'\\' => self.blank(2),
                _ => self.blank(1),
            }
        }
    }

    /// A character or the quote of a lifetime.
    fn quote(&mut self) {
        self.keep();
        let Some(first) = self.peek(0) else { return };
        let width = match first {
            b'\\' => {
                self.blank(2);
                self.blank_while(|byte| byte != b'\'' && byte != b'\n');
                0
            }
            0..0x80 => 1,
            0x80..0xE0 => 2,
            0xE0..0xF0 => 3,
            _ => 4,
        };
        if self.peek(width) == Some(b'\'') {
            self.blank(width);
            self.keep();
        }
    }

    /// At an `r`: a raw string when hashes and a quote follow, otherwise only a letter.
    fn raw_string(&mut self) {
        let mut hashes = 0;
        while self.peek(1 + hashes) == Some(b'#') {
            hashes += 1;
        }
        if self.peek(1 + hashes) != Some(b'"') {
            return self.keep();
        }
        for _ in 0..hashes + 2 {
            self.keep();
        }
        while let Some(byte) = self.peek(0) {
            if byte == b'"' && (1..=hashes).all(|i| self.peek(i) == Some(b'#')) {
                for _ in 0..=hashes {
                    self.keep();
                }
                return;
            }
            self.blank(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        for (text, expected) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("a\"}b")"#, r#"f("     ")"#),
            (r##"r#"a"}"# x"##, r##"r#"   "# x"##),
            (r#"br"a" x"#, r#"br" " x"#),
            ("bar\"a\"", "bar\" \""),
            ("r#match", "r#match"),
            (r"'{' x", "' ' x"),
            (r"'\'' x", "'  ' x"),
            (r"'\u{7D}' x", "'      ' x"),
            ("'é' x", "'  ' x"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("\"한\"", "\"   \""),
            ("é", "__"),
        ] {
            assert_eq!(scrub(text), expected, "{text}");
        }
    }

    #[test]
    fn unfinished_literals_end_with_the_text() {
        for text in ["\"a", "/* a", "r#\"a\"", "'", "'\\", "//"] {
            assert_eq!(scrub(text).len(), text.len());
        }
    }
}
