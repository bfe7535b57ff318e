//! Help, version, completions, error pages: what needs no project.

use crate::support::Hanok;

#[test]
fn help_of_every_command() {
    let hanok = Hanok::new();
    hanok.check("help", &hanok.show(&["--help"]));
    let commands = [
        "init",
        "load",
        "build",
        "sql",
        "apply",
        "materialize",
        "predict",
        "explain",
        "plot",
        "swap",
        "drift",
        "profile",
        "monitor",
        "optimize",
        "vacuum",
        "checkpoint",
        "serve",
        "gc",
        "runs",
        "demo",
        "errors",
        "completions",
    ];
    for command in commands {
        hanok.check(&format!("help_{command}"), &hanok.show(&[command, "--help"]));
    }
    hanok.check("help_branch", &hanok.show(&["branch", "--help"]));
    for command in [
        "create",
        "list",
        "show",
        "diff",
        "merge",
        "rebase",
        "drop",
        "reset",
        "protect",
        "unprotect",
        "expire",
    ] {
        hanok.check(&format!("help_branch_{command}"), &hanok.show(&["branch", command, "--help"]));
    }
    hanok.check("help_tag", &hanok.show(&["tag", "--help"]));
    for command in ["create", "list", "drop"] {
        hanok.check(&format!("help_tag_{command}"), &hanok.show(&["tag", command, "--help"]));
    }
    hanok.check("help_model", &hanok.show(&["model", "--help"]));
    for command in ["add", "list", "show"] {
        hanok.check(&format!("help_model_{command}"), &hanok.show(&["model", command, "--help"]));
    }
    hanok.check("help_features", &hanok.show(&["features", "--help"]));
    for command in ["join", "get"] {
        hanok.check(&format!("help_features_{command}"), &hanok.show(&["features", command, "--help"]));
    }
}

#[test]
fn nothing_to_do_shows_the_help() {
    let output = Hanok::new().run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("Usage: hanok"));
}

#[test]
fn version() {
    let shown = Hanok::new().run(&["--version"]);
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), format!("hanok {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn error_pages() {
    let hanok = Hanok::new();
    hanok.check("errors_page", &hanok.show(&["errors", "hk0001"]));
    hanok.check("errors_page_json", &hanok.show(&["errors", "HK0001", "--json"]));
    hanok.check("errors_unknown", &hanok.show(&["errors", "HK9999"]));
    let list = String::from_utf8(hanok.run(&["errors"]).stdout).unwrap();
    assert_eq!(list.lines().count(), hanok_error::all().count());
}

#[test]
fn completions_of_every_shell() {
    let hanok = Hanok::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = hanok.run(&["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("materialize"), "{shell}: {script}");
    }
    hanok.check("completions_unknown", &hanok.show(&["completions", "cmd"]));
}
