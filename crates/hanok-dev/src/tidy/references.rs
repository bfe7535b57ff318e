//! The generated references say what the code says now.

use crate::finding::Findings;
use crate::generated::Document;
use crate::tree::Tree;

const REMEDY: &str = "run `cargo run --release -p hanok-dev -- generate` and commit the file";

pub(super) fn check(tree: &Tree, documents: &[Document], findings: &mut Findings) {
    for document in documents {
        let Some(file) = tree.files.iter().find(|file| file.path == document.path) else {
            findings.fail(document.path, 1, "the generated reference is missing", REMEDY);
            continue;
        };
        if file.text != document.text {
            let line = file.text.lines().zip(document.text.lines()).take_while(|(a, b)| a == b).count() + 1;
            findings.fail(document.path, line, "the generated reference is out of date", REMEDY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(files: &[(&str, &str)]) -> Vec<usize> {
        let mut findings = Findings::default();
        let document = Document { path: "docs/a.md", text: "one\ntwo\n".to_owned() };
        check(&Tree::sample(files), &[document], &mut findings);
        findings.0.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn missing_and_stale_references_are_found() {
        assert_eq!(lines(&[]), [1]);
        assert_eq!(lines(&[("docs/a.md", "one\nTWO\n")]), [2]);
        assert_eq!(lines(&[("docs/a.md", "one\n")]), [2]);
        assert_eq!(lines(&[("docs/a.md", "one\ntwo\n")]), []);
    }
}
