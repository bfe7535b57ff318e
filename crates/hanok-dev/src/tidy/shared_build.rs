//! Every crate asks for the same external dependencies with the same features, so that the query engine is compiled
//! once whatever is built; the comment in `crates/workspace-hack/Cargo.toml` says how.

use super::tiers::{FIXTURES, HACK};
use crate::finding::Findings;
use crate::manifest::{Dependency, Kind, dependencies};
use crate::tree::Tree;

pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    let Some((_, hack)) = tree.manifests().find(|(krate, _)| *krate == HACK) else { return };
    let shared = dependencies(&hack.text);
    for (krate, file) in tree.manifests().filter(|(krate, _)| *krate != HACK) {
        let own = dependencies(&file.text);
        let external: Vec<&Dependency> =
            own.iter().filter(|dependency| !is_ours(tree, &dependency.name)).collect();
        for dependency in &external {
            let is_shared = shared.iter().any(|shared| shared.name == dependency.name);
            // Fixtures are built for tests only, whose dependencies need not be shared.
            if dependency.kind == Kind::Normal && !is_shared && krate != FIXTURES {
                findings.fail(
                    &file.path,
                    dependency.line,
                    format!("`{}` is not in crates/workspace-hack/Cargo.toml", dependency.name),
                    "add it to [workspace.dependencies] and there, so that the query engine is not compiled twice",
                );
            }
            if is_shared && dependency.has_features {
                findings.fail(
                    &file.path,
                    dependency.line,
                    format!("features of `{}` are asked for in one crate", dependency.name),
                    "name them in [workspace.dependencies], so that what stands on it is not compiled twice",
                );
            }
        }
        let uses_shared = external.iter().any(|dependency| dependency.kind == Kind::Normal);
        if uses_shared && !own.iter().any(|dependency| dependency.name == HACK) {
            findings.fail(
                &file.path,
                1,
                format!("{krate} has external dependencies but not {HACK}"),
                format!("add `{HACK}.workspace = true` to [dependencies]"),
            );
        }
    }
}

fn is_ours(tree: &Tree, name: &str) -> bool {
    tree.manifests().any(|(krate, _)| krate == name)
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    const HACK_MANIFEST: (&str, &str) =
        ("crates/workspace-hack/Cargo.toml", "[dependencies]\nserde.workspace = true\n");

    #[test]
    fn unshared_dependencies_and_features_are_found() {
        let manifest = "[dependencies]\nserde = { workspace = true, features = [\"rc\"] }\ncsv = \"1\"\n";
        let found = found(check, &[HACK_MANIFEST, ("crates/a/Cargo.toml", manifest)]);
        assert_eq!(found.iter().map(|(_, line, _)| *line).collect::<Vec<_>>(), [2, 3, 1]);
    }

    #[test]
    fn shared_own_and_test_dependencies_pass() {
        let found = found(
            check,
            &[
                HACK_MANIFEST,
                (
                    "crates/a/Cargo.toml",
                    "[dependencies]\nb = 1\nserde = 1\nworkspace-hack = 1\n[dev-dependencies]\ncsv = 1\n",
                ),
                ("crates/b/Cargo.toml", "[dependencies]\n"),
            ],
        );
        assert_eq!(found, []);
    }
}
