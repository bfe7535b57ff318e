//! Just enough reading of Rust for the checks: what is code, what is a test, where braces close.

mod scrub;

use scrub::scrub;

/// The scanned code of one file. All texts have the length and the lines of the file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The code with comments, literals' contents and non-ASCII blanked.
    pub(crate) code: String,
    /// [`Self::code`] with the items under `#[cfg(test)]` blanked as well.
    pub(crate) shipped: String,
    /// Lines of the file.
    pub(crate) lines: usize,
    /// Lines of items under `#[cfg(test)]`.
    pub(crate) test_lines: usize,
}

/// A function with a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of `fn`, from 1.
    pub(crate) line: usize,
    /// From the line of `fn` to the closing brace.
    pub(crate) lines: usize,
}

impl Source {
    /// Scans a file's text.
    pub(crate) fn scan(text: &str) -> Self {
        let code = scrub(text);
        let mut shipped = code.clone().into_bytes();
        let mut test_lines = 0;
        for (start, end) in test_items(&code) {
            test_lines += line_of(&code, end - 1) - line_of(&code, start) + 1;
            shipped[start..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        let shipped = shipped.into_iter().map(char::from).collect();
        Self { code, shipped, lines: text.lines().count(), test_lines }
    }

    /// For a file that is as a whole a test module.
    pub(crate) fn mark_all_as_test(&mut self) {
        self.shipped = self.shipped.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        self.test_lines = self.lines;
    }

    /// The names in `#[cfg(test)] mod NAME;`.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let items = test_items(&self.code);
        let declared = items.iter().filter_map(|&(start, end)| {
            let item = self.code[start..end].trim_end().strip_suffix(';')?;
            let (_, name) = item.rsplit_once("mod ")?;
            Some(name.trim().to_owned())
        });
        declared.filter(|name| name.bytes().all(is_word)).collect()
    }

    /// The functions with a body, tests included.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let code = self.code.as_bytes();
        let mut found = Vec::new();
        for at in words(&self.code, "fn") {
            let name: String = self.code[at + 2..]
                .trim_start()
                .bytes()
                .take_while(|b| is_word(*b))
                .map(char::from)
                .collect();
            if name.is_empty() {
                continue; // a function pointer's type
            }
            let Some(open) = item_opening(code, at).filter(|open| code[*open] == b'{') else { continue };
            let line = line_of(&self.code, at);
            let lines = line_of(&self.code, closing(code, open)) - line + 1;
            found.push(Function { name, line, lines });
        }
        found
    }
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Where `word` stands by itself in `code`.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = at.checked_sub(1).is_some_and(|i| is_word(bytes[i]));
        let after = bytes.get(at + word.len()).is_some_and(|b| is_word(*b));
        !before && !after
    })
}

/// A byte of an identifier.
pub(crate) fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// The byte that closes the bracket at `open`; the last byte when nothing does.
pub(crate) fn closing(code: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    code.len() - 1
}

/// The `{` or `;` that ends the head of the item that starts at `from`.
fn item_opening(code: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < code.len() {
        match code[at] {
            b'(' | b'[' => at = closing(code, at),
            b'{' | b';' => return Some(at),
            b'}' => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The byte ranges of items under `#[cfg(test)]` or `#[cfg(all(test, …))]`, the attribute included.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let bytes = code.as_bytes();
    let mut items: Vec<(usize, usize)> = Vec::new();
    for (start, _) in code.match_indices("#[cfg(") {
        if items.last().is_some_and(|(_, end)| start < *end) {
            continue;
        }
        let condition = &code[start + 6..];
        if !condition.starts_with("test)") && !condition.starts_with("all(test,") {
            continue;
        }
        let after = closing(bytes, start + 1) + 1;
        // Further attributes are passed over as brackets.
        let end = match item_opening(bytes, after) {
            Some(at) if bytes[at] == b'{' => closing(bytes, at) + 1,
            Some(at) => at + 1,
            None => after,
        };
        items.push((start, end));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_blanked_and_counted() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { x.unwrap() }\n}\nfn c() {}\n";
        let source = Source::scan(text);
        assert_eq!(source.shipped.len(), text.len());
        assert!(source.shipped.contains("fn a") && source.shipped.contains("fn c"));
        assert!(!source.shipped.contains("unwrap"));
        assert_eq!((source.lines, source.test_lines), (6, 4));
    }

    #[test]
    fn a_test_item_may_have_more_attributes_and_need_not_be_a_module() {
        let source =
            Source::scan("#[cfg(all(test, unix))]\n#[expect(dead_code)]\nfn b() { c() }\nfn d() {}\n");
        assert_eq!(source.shipped.trim(), "fn d() {}");
        let source = Source::scan("#[cfg(any(test, feature))]\nfn b() {}\n");
        assert!(source.shipped.contains("fn b"));
        assert_eq!(Source::scan("#[cfg(test)]\nmod tests;\nmod a;").test_modules(), ["tests"]);
        assert_eq!(Source::scan("#[cfg(test)]\nuse a::b;\n").test_modules(), Vec::<String>::new());
    }

    #[test]
    fn functions_have_their_lengths() {
        let source = Source::scan(
            "trait T { fn none(&self); }\nfn long(a: [u8; 2], f: fn(u8) -> u8)\nwhere\n    A: B,\n{\n    let s = \"}\";\n}\n",
        );
        assert_eq!(source.functions(), [Function { name: "long".to_owned(), line: 2, lines: 6 }]);
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(words("unsafe unsafe_code my_unsafe unsafe{", "unsafe").collect::<Vec<_>>(), [0, 29]);
    }

    #[test]
    fn unfinished_code_does_not_stop_the_scan() {
        for text in ["fn a(", "#[cfg(test)]", "#[cfg(test)]\nmod x {", "}", "fn a() { {", ""] {
            let source = Source::scan(text);
            assert_eq!(source.code.len(), text.len());
            let _ = source.functions();
        }
    }
}
