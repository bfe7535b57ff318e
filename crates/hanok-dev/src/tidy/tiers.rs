//! Crates use crates of lower tiers only.

use crate::finding::Findings;
use crate::manifest::{Kind, dependencies};
use crate::tree::Tree;

/// Every crate directory with its tier; ARCHITECTURE.md says what each is for.
const TIERS: &[(&str, u8)] = &[
    ("hanok-error", 0),
    ("hanok-types", 0),
    ("hanok-config", 0),
    ("hanok-catalog", 1),
    ("hanok-lake", 1),
    ("hanok-query", 1),
    ("hanok-pit", 1),
    ("hanok-online", 1),
    ("hanok-mask", 1),
    ("hanok-publish", 1),
    ("hanok-models", 1),
    ("hanok-charts", 1),
    ("hanok-infer", 1),
    ("hanok-drift", 1),
    ("hanok-load", 2),
    ("hanok-transform", 2),
    ("hanok-features", 2),
    ("hanok-staging", 2),
    ("hanok-explain", 2),
    ("hanok-monitor", 2),
    ("hanok-report", 2),
    ("hanok-engine", 3),
    ("hanok-serve", 3),
    ("hanok-cli", 3),
    ("hanok", 4),
    ("hanok-dev", 4),
    ("hanok-test", 4),
];

/// Within a tier only these: (user, used).
const WITHIN_A_TIER: &[(&str, &str)] = &[
    ("hanok-types", "hanok-error"),
    ("hanok-config", "hanok-error"),
    ("hanok-config", "hanok-types"),
    ("hanok-infer", "hanok-models"),
    ("hanok-lake", "hanok-catalog"),
    ("hanok-query", "hanok-catalog"),
    ("hanok-query", "hanok-lake"),
    ("hanok-query", "hanok-pit"),
    ("hanok-monitor", "hanok-report"),
    ("hanok-serve", "hanok-engine"),
    ("hanok-cli", "hanok-engine"),
    ("hanok-cli", "hanok-serve"),
];

/// Not a room: names the external dependencies once, for every crate.
pub(super) const HACK: &str = "workspace-hack";

/// Tests of every tier may use the fixtures.
pub(super) const FIXTURES: &str = "hanok-test";

pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    for (krate, file) in tree.manifests().filter(|(krate, _)| *krate != HACK) {
        let Some(tier) = tier(krate) else {
            findings.fail(
                &file.path,
                1,
                format!("the crate {krate} has no tier"),
                "add it to ARCHITECTURE.md and to TIERS in crates/hanok-dev/src/tidy/tiers.rs",
            );
            continue;
        };
        for dependency in dependencies(&file.text) {
            let used = dependency.name.as_str();
            if used == FIXTURES && dependency.kind == Kind::Dev {
                continue;
            }
            let Some(used_tier) = self::tier(used) else { continue };
            if used_tier < tier || WITHIN_A_TIER.contains(&(krate, used)) {
                continue;
            }
            findings.fail(
                &file.path,
                dependency.line,
                format!("{krate} (tier {tier}) uses {used} (tier {used_tier})"),
                "move what is shared to a lower tier, or turn the use around with a trait of the lower crate",
            );
        }
    }
}

fn tier(krate: &str) -> Option<u8> {
    TIERS.iter().find(|(name, _)| *name == krate).map(|(_, tier)| *tier)
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn upward_and_sideways_uses_are_found() {
        let found = found(
            check,
            &[
                ("crates/hanok-lake/Cargo.toml", "[dependencies]\nhanok-error = 1\nhanok-engine = 1\n"),
                ("crates/hanok-load/Cargo.toml", "[dependencies]\nhanok-lake = 1\nhanok-features = 1\n"),
                ("crates/hanok-engine/Cargo.toml", "[dependencies]\nhanok-serve = 1\n"),
            ],
        );
        let places: Vec<_> = found.iter().map(|(path, line, _)| (path.as_str(), *line)).collect();
        assert_eq!(
            places,
            [
                ("crates/hanok-lake/Cargo.toml", 3),
                ("crates/hanok-load/Cargo.toml", 3),
                ("crates/hanok-engine/Cargo.toml", 2),
            ]
        );
    }

    #[test]
    fn named_exceptions_fixtures_and_the_hack_pass() {
        let found = found(
            check,
            &[
                ("crates/hanok-query/Cargo.toml", "[dependencies]\nhanok-lake = 1\nworkspace-hack = 1\n"),
                ("crates/hanok-lake/Cargo.toml", "[dev-dependencies]\nhanok-test = 1\n"),
                ("crates/workspace-hack/Cargo.toml", "[dependencies]\naxum = 1\n"),
            ],
        );
        assert_eq!(found, []);
    }

    #[test]
    fn a_crate_without_a_tier_is_found() {
        assert_eq!(found(check, &[("crates/hanok-new/Cargo.toml", "")]).len(), 1);
    }

    #[test]
    fn exceptions_stay_within_a_tier_and_go_one_way() {
        for (user, used) in WITHIN_A_TIER {
            assert_eq!(tier(user), tier(used), "{user} -> {used}");
            assert!(!WITHIN_A_TIER.contains(&(used, user)));
        }
    }
}
