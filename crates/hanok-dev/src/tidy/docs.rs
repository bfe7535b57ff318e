//! Every module says what it is; every crate says what must not exist in it; `lib.rs` is docs and exports.

use super::tiers::HACK;
use crate::finding::Findings;
use crate::rust::{closing, line_of};
use crate::tree::Tree;

/// The sentence that every room has in its docs.
const SENTENCE: &str = "Must not exist";

/// Crates without a room.
const WITHOUT_SENTENCE: &[&str] = &["hanok-dev", "hanok-test", HACK];

pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        if !file.text.starts_with("//!") {
            findings.fail(
                &file.path,
                1,
                "the module has no docs",
                "begin the file with `//!` and a sentence that says what the module is for",
            );
        }
        let Some(krate) = file.krate().filter(|krate| file.path == format!("crates/{krate}/src/lib.rs"))
        else {
            continue;
        };
        let docs = || file.text.lines().take_while(|line| line.starts_with("//!"));
        if !WITHOUT_SENTENCE.contains(&krate) && !docs().any(|line| line.contains(SENTENCE)) {
            findings.fail(
                &file.path,
                1,
                format!("the crate's docs have no \"{SENTENCE} here: …\""),
                "say what this room must never contain, as ARCHITECTURE.md does",
            );
        }
        if let Some(at) = first_item(source.shipped.as_bytes()) {
            findings.fail(
                &file.path,
                line_of(&source.shipped, at),
                "lib.rs has more than docs, attributes, `mod` and `use`",
                "move the item to a module and export it from here",
            );
        }
    }
}

/// The first byte of an item that is neither `mod` nor `use`, in scrubbed code. Modules with a body may hold the same.
fn first_item(code: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < code.len() {
        match code[at] {
            b'#' => {
                let open = at + code[at..].iter().position(|byte| *byte == b'[')?;
                at = closing(code, open) + 1;
            }
            byte if byte.is_ascii_whitespace() || matches!(byte, b';' | b'{' | b'}') => at += 1,
            _ => {
                let rest = after_visibility(code, at);
                let is_use = code[rest..].starts_with(b"use ");
                if !is_use && !code[rest..].starts_with(b"mod ") {
                    return Some(at);
                }
                let ends = |byte: &u8| *byte == b';' || (*byte == b'{' && !is_use);
                at = rest + code[rest..].iter().position(ends)?;
            }
        }
    }
    None
}

/// The byte after `pub`, `pub(crate)` and the like.
fn after_visibility(code: &[u8], at: usize) -> usize {
    if !code[at..].starts_with(b"pub") {
        return at;
    }
    let mut next = at + 3;
    if code.get(next) == Some(&b'(') {
        next = closing(code, next) + 1;
    }
    next + code[next..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::super::{found, found_lines};
    use super::*;

    const DOCS: &str = "//! A room.\n//!\n//! Must not exist here: sockets.\n\n";

    fn lib(rest: &str) -> Vec<usize> {
        found_lines(check, "crates/hanok-lake/src/lib.rs", &format!("{DOCS}{rest}"))
    }

    #[test]
    fn modules_without_docs_are_found() {
        assert_eq!(found_lines(check, "crates/a/src/b.rs", "use c;\n"), [1]);
        assert_eq!(found_lines(check, "crates/a/src/b.rs", "//! A b.\nuse c;\n"), []);
    }

    #[test]
    fn the_sentence_is_asked_of_rooms() {
        assert_eq!(found(check, &[("crates/hanok-lake/src/lib.rs", "//! A room.\n")]).len(), 1);
        assert_eq!(found(check, &[("crates/hanok-test/src/lib.rs", "//! Fixtures.\n")]), []);
        assert_eq!(lib(""), []);
    }

    #[test]
    fn items_in_lib_are_found() {
        assert_eq!(lib("mod a;\n\n/// Docs.\n#[derive(Clone)]\npub struct A;\n"), [9]);
        assert_eq!(lib("pub mod a {\n    fn b() {}\n}\n"), [6]);
        assert_eq!(lib("macro_rules! a { () => {} }\n"), [5]);
    }

    #[test]
    fn modules_exports_and_tests_pass_in_lib() {
        let text = "#![expect(unsafe_code)]\nmod a;\npub(crate) mod b;\npub use a::{\n    B, C,\n};\n\
                    /// Names.\npub mod d {\n    pub use crate::b::*;\n}\n#[cfg(test)]\nmod tests {\n    fn e() {}\n}\n";
        assert_eq!(lib(text), []);
    }
}
