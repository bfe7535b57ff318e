//! Branches and tags from the command line.

use crate::support::{Hanok, shown};

const MORE: &str = "day,place,visits,minutes\n2026-11-09,library,7,9\n";

fn built() -> Hanok {
    let hanok = Hanok::with_project();
    for command in [&["load"][..], &["build"], &["apply"]] {
        assert!(hanok.run(command).status.success());
    }
    hanok
}

#[test]
fn a_branch_from_its_making_to_its_end() {
    let hanok = built();
    hanok.check("branch_create", &hanok.show(&["branch", "create", "ci-123", "--ttl", "7d"]));
    hanok.check("branch_create_again", &hanok.show(&["branch", "create", "ci-123"]));
    hanok.check("branch_create_name", &hanok.show(&["branch", "create", "ci 123"]));
    hanok.check("branch_create_version", &hanok.show(&["branch", "create", "x", "--from", "main@0"]));
    hanok.check("branch_create_from", &hanok.show(&["branch", "create", "x", "--from", "mian"]));
    hanok.check("branch_show_new", &hanok.show(&["branch", "show", "ci-123"]));
    hanok.write("data/more.csv", MORE);
    hanok.check("branch_load", &hanok.show(&["load", "--branch", "ci-123"]));
    hanok.check("branch_build", &hanok.show(&["build", "--branch", "ci-123"]));
    hanok.check("branch_materialize", &hanok.show(&["materialize", "--branch", "ci-123"]));
    hanok.check("branch_show", &hanok.show(&["branch", "show", "ci-123"]));
    hanok.check("branch_diff", &hanok.show(&["branch", "diff", "main..ci-123"]));
    hanok.check("branch_diff_json", &hanok.show(&["branch", "diff", "main..ci-123", "--json"]));
    let rows = ["branch", "diff", "main..ci-123", "--table", "raw.visits", "--rows"];
    hanok.check("branch_diff_rows", &hanok.show(&rows));
    hanok.check("branch_diff_rows_key", &hanok.show(&[&rows[..], &["--key", "nothing"]].concat()));
    let count = |arguments: &[&str]| -> serde_json::Value {
        let query = ["sql", "select count(*) as n from raw.visits", "--json"];
        hanok.json(&[&query[..], arguments].concat())["data"][0]["n"].clone()
    };
    assert_eq!((count(&[]), count(&["--branch", "ci-123"])), (6.into(), 7.into()));
    hanok.check("branch_unknown", &hanok.show(&["sql", "select 1", "--branch", "ci-12"]));
    // The environment names a branch too, and commands about branches work on any.
    let list = hanok.command(&["branch", "list"]).env("HANOK_BRANCH", "nowhere").output().unwrap();
    hanok.check("branch_list", &shown(&list));
    let get = ["features", "get", "--features", "visits:visits", "--entity", "place=library"];
    let on_branch = hanok.command(&get).env("HANOK_BRANCH", "ci-123").output().unwrap();
    hanok.check("branch_get", &shown(&on_branch));
    hanok.check("runs_branch", &hanok.show(&["runs", "--limit", "2"]));
    assert!(hanok.run(&["branch", "protect", "ci-123"]).status.success());
    hanok.check("branch_drop_protected", &hanok.show(&["branch", "drop", "ci-123"]));
    assert!(hanok.run(&["branch", "unprotect", "ci-123"]).status.success());
    hanok.check("branch_reset", &hanok.show(&["branch", "reset", "ci-123"]));
    assert_eq!(count(&["--branch", "ci-123"]), 6);
    hanok.check("branch_drop", &hanok.show(&["branch", "drop", "ci-123"]));
    hanok.check("branch_drop_main", &hanok.show(&["branch", "drop", "main"]));
    let folders = std::fs::read_dir(hanok.path(".hanok/lake")).unwrap().count();
    assert_eq!(folders, 1, "the branch's folder is gone");
    hanok.check("gc", &hanok.show(&["gc", "--grace-hours", "0"]));
}

#[test]
fn tags_refuse_and_expire() {
    let hanok = built();
    hanok.check("tag_create", &hanok.show(&["tag", "create", "v1"]));
    hanok.write("data/more.csv", MORE);
    hanok.check("tag_load", &hanok.show(&["load", "--branch", "v1"]));
    hanok.check("tag_apply", &hanok.show(&["apply", "--branch", "v1"]));
    hanok.check("tag_build", &hanok.show(&["build", "--branch", "v1"]));
    hanok.check("tag_list", &hanok.show(&["tag", "list"]));
    hanok.check("tag_as_branch", &hanok.show(&["branch", "drop", "v1"]));
    assert!(hanok.run(&["branch", "create", "after", "--from", "v1", "--ttl", "1s"]).status.success());
    hanok.check("tag_in_use", &hanok.show(&["tag", "drop", "v1"]));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    hanok.check("branch_expire", &hanok.show(&["branch", "expire"]));
    hanok.check("tag_drop", &hanok.show(&["tag", "drop", "v1"]));
    hanok.check("branch_expire_none", &hanok.show(&["branch", "expire"]));
}

#[test]
fn a_project_may_name_its_branch() {
    let hanok = built();
    assert!(hanok.run(&["branch", "create", "dev"]).status.success());
    let settings = std::fs::read_to_string(hanok.path("hanok.yaml")).unwrap();
    hanok.write("hanok.yaml", &format!("{settings}\nbranch: dev\n"));
    hanok.write("data/more.csv", MORE);
    assert!(hanok.run(&["load"]).status.success());
    let count = |arguments: &[&str]| -> serde_json::Value {
        let query = ["sql", "select count(*) as n from raw.visits", "--json"];
        hanok.json(&[&query[..], arguments].concat())["data"][0]["n"].clone()
    };
    assert_eq!((count(&[]), count(&["--branch", "main"])), (7.into(), 6.into()));
}

#[test]
fn write_audit_publish() {
    let hanok = built();
    hanok.check("merge_main", &hanok.show(&["branch", "merge", "main"]));
    assert!(hanok.run(&["branch", "create", "ci-123"]).status.success());
    hanok.check("merge_nothing", &hanok.show(&["branch", "merge", "ci-123"]));
    hanok.write("data/more.csv", MORE);
    for command in ["load", "build"] {
        assert!(hanok.run(&[command, "--branch", "ci-123"]).status.success());
    }
    hanok.check("merge_dry_run", &hanok.show(&["branch", "merge", "ci-123", "--dry-run"]));
    hanok.check("merge_elsewhere", &hanok.show(&["branch", "merge", "ci-123", "--into", "ci-123"]));
    hanok.check("merge", &hanok.show(&["branch", "merge", "ci-123", "--into", "main"]));
    let count = || -> serde_json::Value {
        hanok.json(&["sql", "select count(*) as n from mart.visits_by_day", "--json"])["data"][0]["n"].clone()
    };
    assert_eq!(count(), 7);
    hanok.check("merge_then_load", &hanok.show(&["load"]));
    // Both sides build the same table: whose rows are right, a person has to say.
    hanok.write("data/again.csv", &MORE.replace("2026-11-09", "2026-11-10"));
    for branch in ["ci-123", "main"] {
        assert!(hanok.run(&["build", "--branch", branch]).status.success());
    }
    hanok.check("merge_conflict", &hanok.show(&["branch", "merge", "ci-123"]));
    hanok.check("merge_conflict_json", &hanok.show(&["branch", "merge", "ci-123", "--json"]));
    hanok.check("merge_runs", &hanok.show(&["runs", "--limit", "1"]));
}

#[test]
fn a_declared_key_merges_rows() {
    let hanok = Hanok::with_project();
    let source = |name: &str, key: &str| {
        format!(
            "sources:\n  - {{name: {name}, files: data/{name}.csv, disposition: replace, primary_key: {key}}}\n"
        )
    };
    hanok.write("sources/t.yaml", &source("t", "id"));
    let load = |rows: &str, branch: &str| {
        hanok.write("data/t.csv", &format!("id,v\n{rows}"));
        assert!(hanok.run(&["load", "t", "--branch", branch]).status.success());
    };
    load("1,a\n2,a\n3,a\n", "main");
    assert!(hanok.run(&["branch", "create", "dev"]).status.success());
    load("1,a\n2,b\n4,b\n", "dev");
    hanok.check("key_diff", &hanok.show(&["branch", "diff", "main..dev", "--table", "raw.t", "--rows"]));
    load("1,c\n2,a\n3,a\n5,c\n", "main");
    hanok.check("key_merge", &hanok.show(&["branch", "merge", "dev"]));
    let rows = ["sql", "select id, v from raw.t order by id"];
    hanok.check("key_merged", &hanok.show(&rows));
    load("1,x\n2,x\n", "dev");
    load("1,y\n2,b\n3,y\n", "main");
    hanok.check("key_conflict", &hanok.show(&["branch", "merge", "dev", "--mode", "lenient"]));
    hanok.check("rebase_conflict", &hanok.show(&["branch", "rebase", "dev"]));
    assert_eq!(hanok.show(&[&rows[..], &["--branch", "dev"]].concat()).matches("| x |").count(), 2);
    hanok.write("sources/t.yaml", &source("t", "ident"));
    hanok.check("key_unknown", &hanok.show(&["load", "t"]));
}

#[test]
fn a_branch_is_rebased() {
    let hanok = built();
    hanok.check("rebase_main", &hanok.show(&["branch", "rebase", "main"]));
    assert!(hanok.run(&["branch", "create", "dev"]).status.success());
    hanok.check("rebase_unchanged", &hanok.show(&["branch", "rebase", "dev"]));
    hanok.write("data/more.csv", MORE);
    assert!(hanok.run(&["load", "--branch", "dev"]).status.success());
    assert!(hanok.run(&["sql", "select 1"]).status.success());
    std::fs::remove_file(hanok.path("data/more.csv")).unwrap();
    hanok.write("data/other.csv", &MORE.replace("2026-11-09", "2026-11-10"));
    assert!(hanok.run(&["load"]).status.success());
    hanok.check("rebase_dry_run", &hanok.show(&["branch", "rebase", "dev", "--dry-run"]));
    hanok.check("rebase", &hanok.show(&["branch", "rebase", "dev"]));
    hanok.check("rebase_runs", &hanok.show(&["runs", "--limit", "1"]));
    let query = ["sql", "select count(*) as n from raw.visits", "--json", "--branch", "dev"];
    assert_eq!(hanok.json(&query)["data"][0]["n"], 8);
    // What either side had loaded is known.
    hanok.write("data/more.csv", MORE);
    assert!(hanok.run(&["load", "--branch", "dev"]).status.success());
    assert_eq!(hanok.json(&query)["data"][0]["n"], 8);
}
