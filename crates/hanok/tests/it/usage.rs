//! Mistakes on the command line.

use crate::support::Hanok;

#[test]
fn mistakes_are_explained() {
    let hanok = Hanok::new();
    let mistakes: &[(&str, &[&str])] = &[
        ("usage_unknown_command", &["lod"]),
        ("usage_unknown_flag", &["load", "--al"]),
        ("usage_json", &["load", "--al", "--json"]),
        ("usage_no_command_json", &["--json"]),
        ("usage_join_without_features", &["features", "join", "--entities", "labels.csv", "-o", "x.parquet"]),
        (
            "usage_join_both",
            &["features", "join", "--entities", "a.b", "--features", "v:f", "--service", "s", "-o", "x.csv"],
        ),
        (
            "usage_join_extension",
            &["features", "join", "--entities", "a.b", "--service", "s", "-o", "x.xlsx"],
        ),
        ("usage_entity", &["features", "get", "--features", "v:f", "--entity", "JFK"]),
        (
            "usage_entity_rows",
            &["features", "get", "--features", "v:f", "--entity", "a=1,b=2", "--entity", "a=3"],
        ),
        ("usage_time", &["materialize", "--from", "yesterday"]),
        ("usage_times_swapped", &["materialize", "--from", "2026-02-01", "--to", "2026-01-01"]),
        ("usage_address", &["serve", "--http", "nowhere"]),
        ("usage_var", &["build", "--var", "month"]),
        ("usage_quiet_and_verbose", &["load", "-q", "-v"]),
        ("usage_limit", &["runs", "--limit", "0"]),
    ];
    for (name, arguments) in mistakes {
        hanok.check(name, &hanok.show(arguments));
    }
}

#[test]
fn no_project_here() {
    let hanok = Hanok::new();
    hanok.check("no_project", &hanok.show(&["load"]));
    hanok.check("no_project_json", &hanok.show(&["runs", "--json"]));
    hanok.check("no_project_folder", &hanok.show(&["load", "--project", "nowhere"]));
}

#[test]
fn settings_out_of_range() {
    let hanok = Hanok::with_project();
    hanok.check("threads_zero", &hanok.show(&["load", "--threads", "0"]));
    let shown = hanok.command(&["load"]).env("HANOK_THREADS", "many").output().unwrap();
    hanok.check("threads_environment", &crate::support::shown(&shown));
}

#[test]
fn demo_leaves_other_folders_alone() {
    let hanok = Hanok::with_project();
    hanok.check("demo_other_project", &hanok.show(&["demo", "--dir", "."]));
    std::fs::create_dir(hanok.path("mine")).unwrap();
    hanok.write("mine/notes.txt", "x");
    hanok.check("demo_other_folder", &hanok.show(&["demo", "--dir", "mine"]));
    assert!(!hanok.path("mine/hanok.yaml").exists());
}
