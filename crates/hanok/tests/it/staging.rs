//! Staging branches of the school from the command line.

use std::path::Path;
use std::time::Duration;

use crate::support::Hanok;

const CREATE: [&str; 5] = ["staging", "create", "dev", "--plan", "staging.yaml"];

/// The school, loaded and built, with a masking key.
fn school() -> Hanok {
    let hanok = Hanok::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/school"), &hanok.path(""));
    hanok.write("key", &"0123456789abcdef".repeat(4));
    for command in [&["load"][..], &["build"]] {
        assert!(hanok.run(command).status.success());
    }
    hanok
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(path, target).unwrap();
        }
    }
}

/// Sizes of compressed files vary, and the width of columns with them.
fn squeezed(text: &str) -> String {
    let words = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let shown = words.iter().enumerate().filter(|(at, word)| {
            let is_unit = |word: &str| matches!(word, "bytes" | "kB" | "MB");
            !is_unit(word) && !words.get(at + 1).is_some_and(|next| is_unit(next))
        });
        shown.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_staging_branch_from_its_preview_to_its_end() {
    let hanok = school();
    let keyed = [&CREATE[..], &["--key-file", "key"]].concat();
    hanok.check("staging_preview", &squeezed(&hanok.show(&[&keyed[..], &["--preview"]].concat())));
    hanok.check("staging_list_none", &hanok.show(&["staging", "list"]));
    hanok.check("staging_create", &squeezed(&hanok.show(&keyed)));
    hanok.check("staging_create_again", &hanok.show(&keyed));
    hanok.check("staging_list", &hanok.show(&["staging", "list"]));
    hanok.check("staging_show", &squeezed(&hanok.show(&["staging", "show", "dev"])));
    hanok.check("staging_show_main", &hanok.show(&["staging", "show", "main"]));
    hanok.check("staging_load", &hanok.show(&["load", "--branch", "dev"]));
    hanok.check("staging_reset", &hanok.show(&["branch", "reset", "dev"]));
    // Models are built from masked rows, and their tests hold: no reference dangles.
    assert_eq!(hanok.json(&["build", "--branch", "dev", "--json"])["tests_failed"], 0);
    let shown = hanok.json(&["staging", "show", "dev", "--json"]);
    assert_eq!(shown["signature"], "valid");
    std::fs::write(hanok.path(".hanok/staging.key"), "f".repeat(64)).unwrap();
    assert_eq!(hanok.json(&["staging", "show", "dev", "--json"])["signature"], "invalid");
    assert!(hanok.run(&["branch", "drop", "dev"]).status.success());
    assert_eq!(std::fs::read_dir(hanok.path(".hanok/lake")).unwrap().count(), 1);
}

#[test]
fn a_plan_that_leaves_something_personal_is_refused() {
    let hanok = school();
    hanok.write("staging.yaml", "tables:\n  raw.students: {key: student_id}\n  raw.teachers: {}\n");
    hanok.check("staging_refused", &hanok.show(&CREATE));
    hanok.write("staging.yaml", "tables:\n  raw.students:\n    columns:\n      name: fake(kind=cat)\n");
    hanok.check("staging_plan", &hanok.show(&CREATE));
    hanok.write("staging.yaml", "tables: {}\n");
    hanok.check("staging_key", &hanok.show(&[&CREATE[..], &["--key-file", "staging.yaml"]].concat()));
    assert_eq!(std::fs::read_dir(hanok.path(".hanok/lake")).unwrap().count(), 1, "nothing was made");
}

/// Killed at any moment, a creation leaves a whole branch or none, a free name, and nothing that `gc` does not find.
#[test]
fn process_a_killed_creation_leaves_no_half_branch() {
    let hanok = school();
    let mut killed = 0;
    for (at, delay_ms) in [5, 20, 35, 50, 65, 80, 100, 120, 150, 200, 300].into_iter().enumerate() {
        let name = format!("k{at}");
        let mut child =
            hanok.command(&["staging", "create", &name, "--plan", "staging.yaml"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        let list = hanok.json(&["staging", "list", "--json"]);
        let listed =
            list["branches"].as_array().unwrap().iter().find(|branch| branch["branch"] == name.as_str());
        let Some(manifest) = listed else {
            killed += 1;
            let branches = hanok.json(&["branch", "list", "--json"]).to_string();
            assert!(!branches.contains(&format!("\"{name}\"")), "{branches}");
            continue;
        };
        for table in manifest["tables"].as_array().unwrap().iter().filter(|table| table["fate"] == "masked") {
            let sql = format!("select count(*) as n from {}", table["table"].as_str().unwrap());
            let found = hanok.json(&["sql", &sql, "--branch", &name, "--json"]);
            assert_eq!(found["data"][0]["n"], table["rows"]);
        }
    }
    assert!(killed > 0, "nothing was killed in time");
    assert!(hanok.run(&["staging", "create", "k0", "--plan", "staging.yaml"]).status.success());
    assert!(hanok.run(&["gc", "--grace-hours", "0"]).status.success());
    let branches = hanok.json(&["branch", "list", "--json"]);
    let ids = branches["branches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|branch| branch["id"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = ids.collect();
    let folders = std::fs::read_dir(hanok.path(".hanok/lake")).unwrap();
    let folders = folders.map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let mut folders: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    ids.sort();
    folders.sort();
    assert_eq!(folders, ids);
}
