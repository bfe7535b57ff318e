//! Files, functions and `main.rs` stay small enough to read.

use crate::finding::Findings;
use crate::tree::Tree;

/// A file of more lines is worth a look.
const FILE_LINES_NOTE: usize = 500;
/// A file of more lines fails. Tests and pure tables do not count.
const FILE_LINES_MAX: usize = 800;
/// A function of more lines fails, from `fn` to the closing brace.
const FUNCTION_LINES_MAX: usize = 100;
/// `main.rs` parses, runs and ends.
const MAIN_LINES_MAX: usize = 30;

/// Files with nothing but rows.
const TABLES: &[&str] = &["crates/hanok-error/src/codes/table"];

pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        if TABLES.iter().any(|table| file.path.starts_with(table)) {
            continue;
        }
        let lines = source.lines - source.test_lines.min(source.lines);
        if file.path.ends_with("src/main.rs") && lines > MAIN_LINES_MAX {
            findings.fail(
                &file.path,
                1,
                format!("main.rs has {lines} lines, more than {MAIN_LINES_MAX}"),
                "move the work to a module or a library crate",
            );
        }
        let what = format!("{lines} lines without tests");
        if file.is_under("tests") || lines <= FILE_LINES_NOTE {
            // Short enough.
        } else if lines > FILE_LINES_MAX {
            findings.fail(&file.path, 1, what, format!("split it; {FILE_LINES_MAX} is the most"));
        } else {
            findings.note(
                &file.path,
                1,
                what,
                format!("see whether it is two things; aim at 300, {FILE_LINES_MAX} fails"),
            );
        }
        for function in source.functions().iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
            findings.fail(
                &file.path,
                function.line,
                format!(
                    "`fn {}` has {} lines, more than {FUNCTION_LINES_MAX}",
                    function.name, function.lines
                ),
                "split it; aim at 50",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{found, found_lines};
    use super::*;

    #[test]
    fn long_files_are_found_without_their_tests() {
        let code = |lines: usize| "static A: u8 = 0;\n".repeat(lines);
        assert_eq!(found(check, &[("a.rs", &code(500))]), []);
        assert_eq!(found(check, &[("a.rs", &code(501))])[0].2, "501 lines without tests");
        let mut findings = Findings::default();
        check(&Tree::sample(&[("a.rs", &code(800)), ("b.rs", &code(801))]), &mut findings);
        let levels: Vec<_> = findings.0.iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [crate::finding::Level::Note, crate::finding::Level::Failure]);
        let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", code(500), code(600));
        assert_eq!(found(check, &[("a.rs", &tested)]), []);
        assert_eq!(found(check, &[("tests/a.rs", &code(900))]), []);
        assert_eq!(found(check, &[(&format!("{}/lake.rs", TABLES[0]), &code(900))]), []);
    }

    #[test]
    fn long_functions_are_found() {
        let function = |lines: usize| format!("\nfn a() {{\n{}}}\n", "b();\n".repeat(lines - 2));
        assert_eq!(found_lines(check, "a.rs", &function(100)), []);
        assert_eq!(found_lines(check, "a.rs", &function(101)), [2]);
    }

    #[test]
    fn long_main_files_are_found() {
        let text = "mod a;\n".repeat(31);
        assert_eq!(found_lines(check, "crates/a/src/main.rs", &text), [1]);
        assert_eq!(found_lines(check, "crates/a/tests/it/main.rs", &text), []);
    }
}
