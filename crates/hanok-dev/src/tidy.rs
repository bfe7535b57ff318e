//! The checks. Each takes the whole tree and reports all it finds, so that one run shows everything.

mod calls;
mod docs;
mod owners;
mod paths;
mod references;
mod shared_build;
mod sizes;
mod tiers;

use crate::finding::{Finding, Findings};
use crate::generated;
use crate::tree::Tree;

/// All findings in the order of files and lines.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Findings::default();
    tiers::check(tree, &mut findings);
    owners::check(tree, &mut findings);
    shared_build::check(tree, &mut findings);
    sizes::check(tree, &mut findings);
    docs::check(tree, &mut findings);
    calls::check(tree, &mut findings);
    paths::check(tree, &mut findings);
    references::check(tree, &generated::documents(), &mut findings);
    let mut findings = findings.0;
    findings.sort_by(|a, b| (a.level, &a.path, a.line).cmp(&(b.level, &b.path, b.line)));
    findings
}

/// What a check says about a tree of these files: `(path, line, what)` of each finding.
#[cfg(test)]
fn found(check: fn(&Tree, &mut Findings), files: &[(&str, &str)]) -> Vec<(String, usize, String)> {
    let mut findings = Findings::default();
    check(&Tree::sample(files), &mut findings);
    findings.0.into_iter().map(|finding| (finding.path, finding.line, finding.what)).collect()
}

/// The lines of the findings of a check on one file.
#[cfg(test)]
fn found_lines(check: fn(&Tree, &mut Findings), path: &str, text: &str) -> Vec<usize> {
    found(check, &[(path, text)]).into_iter().map(|(_, line, _)| line).collect()
}
