//! Some dependencies belong to one crate: their types appear nowhere else, so that they can be replaced there.
//! And `unsafe` belongs to the files that argue for it.

use super::tiers::HACK;
use crate::finding::Findings;
use crate::manifest::dependencies;
use crate::rust::{is_word, line_of, words};
use crate::tree::Tree;

/// (dependency, the crates that may name it).
const OWNERS: &[(&str, &[&str])] = &[
    ("axum", &["hanok-serve"]),
    ("clap", &["hanok-cli"]),
    ("clap_complete", &["hanok-cli"]),
    ("datasketches", &["hanok-drift"]),
    ("deltalake", &["hanok-lake"]),
    ("deltalake-core", &["hanok-lake"]),
    ("heed", &["hanok-online"]),
    ("hyper", &["hanok-serve"]),
    ("hyper-util", &["hanok-serve"]),
    ("reqwest", &["hanok-infer", "hanok-monitor"]),
    ("sqlx", &["hanok-catalog", "hanok-publish"]),
    ("tokio-postgres", &["hanok-publish"]),
];

/// The files that may say `unsafe`, each with its proofs.
const UNSAFE: &[&str] = &[
    "crates/hanok-cli/src/memory.rs",
    "crates/hanok-load/src/csv/masks.rs",
    "crates/hanok-models/src/shap/simd.rs",
    "crates/hanok-models/src/tops.rs",
    "crates/hanok-online/src/env.rs",
    "crates/hanok-online/src/fault.rs",
    "crates/hanok-pit/src/kernel.rs",
];

pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    manifests(tree, findings);
    for (file, source) in tree.rust() {
        let krate = file.krate().unwrap_or_default();
        for (dependency, owners) in
            OWNERS.iter().filter(|(_, owners)| !owners.contains(&krate) && krate != HACK)
        {
            let name = dependency.replace('-', "_");
            for at in words(&source.code, &name).filter(|at| names_crate(&source.code, *at, &name)) {
                let line = line_of(&source.code, at);
                let owners = owners.join(" and ");
                findings.fail(
                    &file.path,
                    line,
                    format!("`{name}` is named outside {owners}"),
                    remedy(&owners),
                );
            }
        }
        if UNSAFE.contains(&file.path.as_str()) {
            continue;
        }
        for at in words(&source.code, "unsafe") {
            findings.fail(
                &file.path,
                line_of(&source.code, at),
                "`unsafe` outside the list of files that may use it",
                "write it safely, or argue for it in the module, test it under Miri and add the file to UNSAFE in \
                 crates/hanok-dev/src/tidy/owners.rs",
            );
        }
    }
}

fn manifests(tree: &Tree, findings: &mut Findings) {
    for (krate, file) in tree.manifests().filter(|(krate, _)| *krate != HACK) {
        for dependency in dependencies(&file.text) {
            let owners = OWNERS.iter().find(|(name, _)| *name == dependency.name).map(|(_, owners)| *owners);
            if let Some(owners) = owners.filter(|owners| !owners.contains(&krate)) {
                let owners = owners.join(" and ");
                findings.fail(
                    &file.path,
                    dependency.line,
                    format!("{krate} depends on `{}`, which is {owners}'s own", dependency.name),
                    remedy(&owners),
                );
            }
        }
    }
}

fn remedy(owners: &str) -> String {
    format!("use {owners}'s types, and add there what is missing")
}

/// True when the word at `at` is the crate and not a local item: `name::…`, `use name;`, `extern crate name`.
fn names_crate(code: &str, at: usize, name: &str) -> bool {
    let before = code[..at].trim_end();
    if let Some(path) = before.strip_suffix("::") {
        return !path.bytes().next_back().is_some_and(|byte| is_word(byte) || byte == b'>');
    }
    let after = code[at + name.len()..].trim_start();
    after.starts_with("::") || ["use", "extern crate"].iter().any(|word| before.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::super::{found, found_lines};
    use super::*;

    #[test]
    fn a_foreign_dependency_is_found_in_manifests_and_sources() {
        let found = found(
            check,
            &[
                ("crates/hanok-query/Cargo.toml", "[dependencies]\ndeltalake = 1\n"),
                (
                    "crates/hanok-query/src/a.rs",
                    "use deltalake::Table;\nfn a(b: ::heed::Env) {}\nuse hyper_util as h;\n",
                ),
            ],
        );
        assert_eq!(found.iter().map(|(_, line, _)| *line).collect::<Vec<_>>(), [2, 1, 2, 3]);
    }

    #[test]
    fn the_owner_comments_and_local_items_pass() {
        let found = found(
            check,
            &[
                ("crates/hanok-lake/Cargo.toml", "[dependencies]\ndeltalake = 1\n"),
                ("crates/hanok-lake/src/a.rs", "use deltalake::Table;\n"),
                ("crates/workspace-hack/Cargo.toml", "[dependencies]\ndeltalake = 1\n"),
                (
                    "crates/hanok-query/src/a.rs",
                    "//! Not deltalake::Table.\nuse crate::clap::A;\nlet hyper = 1;\nlet s = \"sqlx::x\";\n",
                ),
            ],
        );
        assert_eq!(found, []);
    }

    #[test]
    fn unsafe_is_found_outside_the_list_only() {
        let text = "#![expect(unsafe_code)]\n// unsafe\nfn a() { unsafe { b() } }\n";
        assert_eq!(found_lines(check, "crates/hanok-load/src/a.rs", text), [3]);
        assert_eq!(found_lines(check, UNSAFE[0], text), []);
    }
}
