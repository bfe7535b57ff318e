//! No committed text names a folder of somebody's machine.

use crate::finding::Findings;
use crate::rust::is_word;
use crate::tree::Tree;

/// First folders of absolute paths, put together at run time so that this file is not found.
const FOLDERS: &[&str] = &["root", "work", "tmp", "home"];

pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            for folder in FOLDERS.iter().filter(|folder| names_folder(line, folder)) {
                findings.fail(
                    &file.path,
                    index + 1,
                    format!("an absolute path under /{folder}"),
                    "use a path relative to the repository or the project, `tempfile` in tests, `mktemp -d` in scripts",
                );
            }
        }
    }
}

/// True when the line has an absolute path that begins with this folder and goes on.
fn names_folder(line: &str, folder: &str) -> bool {
    let wanted = format!("/{folder}/");
    line.match_indices(&wanted).any(|(at, _)| {
        let before = at.checked_sub(1).map(|i| line.as_bytes()[i]);
        let inside_a_path = |byte| is_word(byte) || b".-~}*)>%".contains(&byte) || byte >= 0x80;
        !before.is_some_and(inside_a_path)
    })
}

#[cfg(test)]
mod tests {
    use super::super::found_lines;
    use super::*;

    #[test]
    fn absolute_paths_are_found_in_any_text() {
        for folder in FOLDERS {
            for line in [format!("see /{folder}/a"), format!("\"/{folder}/a\""), format!("/{folder}/")] {
                assert_eq!(found_lines(check, "README.md", &format!("text\n{line}\n")), [2], "{line}");
            }
        }
    }

    #[test]
    fn relative_paths_and_addresses_pass() {
        let folder = FOLDERS[1];
        for line in [
            format!("https://example.org/{folder}/a"),
            format!("$HOME/{folder}/a"),
            format!("{{dir}}/{folder}/a"),
            format!("../{folder}/a"),
            format!("/{folder}shop/a"),
        ] {
            assert_eq!(found_lines(check, "bench/run", &line), [], "{line}");
        }
    }
}
