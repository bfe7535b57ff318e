//! Shipped code does not panic on purpose, and exceptions from lints are `expect`, which reports itself when stale.

use super::tiers::FIXTURES;
use crate::finding::Findings;
use crate::rust::{Source, is_word, line_of};
use crate::tree::{File, Tree};

/// The part of a call, and what to write instead.
const PANICS: &[(&str, &str)] = &[
    (".unwrap()", "return an error, or use a method that cannot fail"),
    (".expect(", "return an error; a method of your own wants another name than `expect`"),
    ("panic!", "return an error"),
    ("todo!", "write it, or leave the feature out"),
    ("unimplemented!", "return a coded error that says what is not supported"),
];

pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        // In fixtures a panic is how a test is told.
        if !file.is_support() && file.krate() != Some(FIXTURES) {
            panics(file, source, findings);
        }
        for open in ["#[allow(", "#![allow("] {
            for (at, _) in source.code.match_indices(open) {
                findings.fail(
                    &file.path,
                    line_of(&source.code, at),
                    format!("`{open}…)]`"),
                    "write `expect` with a `reason`: it is reported when nothing needs it any more",
                );
            }
        }
    }
}

fn panics(file: &File, source: &Source, findings: &mut Findings) {
    for (call, remedy) in PANICS {
        let starts_word = call.as_bytes().first().is_some_and(|byte| is_word(*byte));
        for (at, _) in source.shipped.match_indices(call) {
            let before = at.checked_sub(1).map(|i| source.shipped.as_bytes()[i]);
            if starts_word && before.is_some_and(is_word) {
                continue;
            }
            findings.fail(
                &file.path,
                line_of(&source.shipped, at),
                format!("`{call}` outside tests"),
                *remedy,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::found_lines;
    use super::*;

    const PATH: &str = "crates/hanok-lake/src/a.rs";

    #[test]
    fn panics_are_found() {
        let text = "fn a() {\n    b().unwrap();\n    b()\n        .expect(\"c\");\n    todo!();\n    std::panic!();\n    unimplemented!()\n}\n";
        let mut lines = found_lines(check, PATH, text);
        lines.sort_unstable();
        assert_eq!(lines, [2, 4, 5, 6, 7]);
    }

    #[test]
    fn tests_examples_comments_and_other_calls_pass() {
        let text = "// a.unwrap()\nfn a() { b.unwrap_or(1); c.expect_err(); \"panic!\"; debug_panic!() }\n\
                    #[cfg(test)]\nmod tests { fn d() { e.unwrap(); panic!() } }\n";
        assert_eq!(found_lines(check, PATH, text), []);
        for path in ["crates/a/tests/it/main.rs", "crates/a/examples/b.rs", "crates/hanok-test/src/a.rs"] {
            assert_eq!(found_lines(check, path, "fn a() { b.unwrap() }\n"), []);
        }
    }

    #[test]
    fn allow_is_found_also_in_tests() {
        let text = "#![allow(dead_code)]\n#[cfg(test)]\nmod tests {\n    #[allow(unused)]\n    fn a() {}\n}\n#[expect(unused)]\nfn b() {}\n";
        let mut lines = found_lines(check, PATH, text);
        lines.sort_unstable();
        assert_eq!(lines, [1, 4]);
    }
}
