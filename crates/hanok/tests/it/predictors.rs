//! Predictive models from the command line: registered, predicting, explained.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::Hanok;

/// The fixtures of hanok-models.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hanok-models/tests/fixtures").join(name);
    path.canonicalize().unwrap().display().to_string()
}

/// A project with a table `raw.visits` of 3,000 rows, their file `rows.csv`, and a model with five named features.
pub(crate) fn project() -> Hanok {
    let hanok = Hanok::with_project();
    let mut text = "id,room,feature 0,feature 1,feature 2,feature 3,feature 4,late\n".to_owned();
    let mut state = 5_u32;
    for id in 1..=3000 {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 16) / 16384.0 - 2.0
        };
        let missing = if id % 7 == 0 { String::new() } else { format!("{:.4}", next()) };
        writeln!(
            text,
            "{id},R{},{missing},{:.4},{:.4},{:.4},{:.4},{}",
            id % 3,
            next(),
            next(),
            next(),
            next(),
            id % 2
        )
        .unwrap();
    }
    std::fs::remove_dir_all(hanok.path("data")).unwrap();
    std::fs::create_dir(hanok.path("data")).unwrap();
    hanok.write("data/rows.csv", &text);
    hanok.write("rows.csv", &text);
    hanok.write("sources/visits.yaml", "sources:\n  - { name: visits, files: [data/rows.csv] }\n");
    assert!(hanok.run(&["load"]).status.success());
    hanok
}

/// The catalog shows where a model came from, which differs from machine to machine.
fn here(text: &str) -> String {
    text.replace(&fixture("xgboost-binary.json"), "xgboost-binary.json")
}

#[test]
fn a_model_is_registered_and_shown() {
    let hanok = project();
    let file = fixture("xgboost-binary.json");
    let add = ["model", "add", "delay", &file];
    hanok.check("model_list_none", &hanok.show(&["model", "list"]));
    hanok.check("model_add", &hanok.show(&add));
    hanok.check("model_add_again", &hanok.show(&add));
    hanok.check("model_add_other", &hanok.show(&["model", "add", "delay", &fixture("lightgbm-multi.txt")]));
    hanok.check("model_list", &hanok.show(&["model", "list"]));
    hanok.check("model_show", &here(&hanok.show(&["model", "show", "delay@1"])));
    hanok.check("model_show_json", &here(&hanok.show(&["model", "show", "delay@1", "--json"])));
    hanok.check("model_unknown", &hanok.show(&["model", "show", "dellay"]));
    hanok.write("broken.json", "{\"learner\": {}}");
    hanok.check("model_broken", &hanok.show(&["model", "add", "delay", "broken.json"]));
}

#[test]
fn rows_are_predicted_from_tables_queries_and_files() {
    let hanok = project();
    assert!(hanok.run(&["model", "add", "delay", &fixture("xgboost-binary.json")]).status.success());
    let keys = ["--keys", "id"];
    let predict = |from: &[&str], output: &str| {
        hanok.show(&[&["predict", "delay"][..], from, &keys, &["-o", output]].concat())
    };
    hanok.check("predict", &predict(&["--data", "raw.visits"], "table.csv"));
    predict(&["--data", "rows.csv"], "file.csv");
    let sql = "select * from raw.visits order by id";
    predict(&["--data-sql", sql], "query.csv");
    assert!(hanok.run(&["sql", sql, "-o", "rows.parquet"]).status.success());
    predict(&["--data", "rows.parquet"], "parquet.csv");
    let read = |name: &str| std::fs::read_to_string(hanok.path(name)).unwrap();
    let expected = read("file.csv");
    assert_eq!(expected.lines().count(), 3001);
    for other in ["table.csv", "query.csv", "parquet.csv"] {
        assert_eq!(read(other), expected, "{other}");
    }
    let first: String = expected.lines().take(4).map(|line| format!("{line}\n")).collect();
    hanok.check("predict_result", &first);
    predict(&["--data", "rows.csv", "--limit", "3"], "three.csv");
    assert_eq!(read("three.csv"), first);
    // The same on a branch, with the model's file by its path.
    assert!(hanok.run(&["branch", "create", "dev"]).status.success());
    let path = fixture("xgboost-binary.json");
    let branch =
        ["predict", &path, "--data", "raw.visits", "--branch", "dev", "--keys", "id", "-o", "dev.csv"];
    assert!(hanok.run(&branch).status.success());
    assert_eq!(read("dev.csv"), expected);
    // Into a table, twice: its rows are replaced.
    for _ in 0..2 {
        let table = ["predict", "delay", "--data", "rows.csv", "--keys", "id", "--table", "mart.late"];
        assert!(hanok.run(&table).status.success());
    }
    assert!(hanok.run(&["sql", "select * from mart.late order by id", "-o", "lake.csv"]).status.success());
    assert_eq!(read("lake.csv"), expected);
    let json = hanok.json(&["predict", "delay", "--data", "rows.csv", "-o", "x.parquet", "--json"]);
    assert_eq!((&json["rows"], &json["model"]["version"]), (&3000.into(), &1.into()));
    assert_eq!(json["columns"], serde_json::json!(["id", "room", "late", "prediction"]));
}

#[test]
fn what_cannot_be_predicted_is_told() {
    let hanok = project();
    let model = fixture("xgboost-binary.json");
    let show = |arguments: &[&str]| here(&hanok.show(arguments));
    let data = ["--data", "rows.csv", "-o", "x.parquet"];
    hanok.check("predict_unknown", &show(&[&["predict", "delay"][..], &data].concat()));
    let query = "select id, feature_0 from raw.visits";
    hanok.check("predict_missing", &show(&["predict", &model, "--data-sql", query, "-o", "x.parquet"]));
    hanok.check("predict_extension", &show(&["predict", &model, "--data", "rows.csv", "-o", "x"]));
    let text = "select id as \"feature 0\", 'x' as feature_1, 1 as feature_2, 2 as feature_3, 3 as feature_4 from raw.visits";
    hanok.check("predict_type", &show(&["predict", &model, "--data-sql", text, "-o", "x.parquet"]));
    let unnamed = fixture("xgboost-targets.json");
    hanok.check("predict_unnamed", &show(&[&["predict", &unnamed][..], &data].concat()));
    let columns = "feature_0,feature_1,feature_2,feature_3,feature_4";
    let given = [&["predict", &unnamed, "--columns", columns][..], &data].concat();
    assert!(hanok.run(&given).status.success());
    assert!(!hanok.path("x").exists());
    let left: Vec<_> = std::fs::read_dir(hanok.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("partial")), "{left:?}");
}

fn explain<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["explain", "delay", "--data", "rows.csv"][..], rest].concat()
}

#[test]
fn rows_are_explained() {
    let hanok = project();
    assert!(hanok.run(&["model", "add", "delay", &fixture("xgboost-binary.json")]).status.success());
    let show = |rest: &[&str]| hanok.show(&explain(rest));
    hanok.check("explain", &show(&["--check", "-o", "e.parquet"]));
    hanok.check("explain_row", &show(&["--row", "id=41"]));
    hanok.check("explain_row_number", &show(&["--row", "41", "--keys", "id"]));
    hanok.check("explain_row_json", &six_decimals(&show(&["--row", "id=41", "--json"])));
    hanok.check("explain_row_none", &show(&["--row", "id=-1"]));
    hanok.check("explain_row_several", &show(&["--row", "room=R1"]));
    hanok.check("explain_background", &show(&["--background", "raw.visits", "--limit", "500"]));
    let probability =
        ["--background", "raw.visits", "--output", "probability", "--limit", "20", "--row", "7"];
    hanok.check("explain_probability_row", &show(&probability));
    let loss =
        ["--background", "rows.csv", "--output", "log_loss", "--label", "late", "--limit", "10", "--check"];
    assert!(hanok.run(&explain(&loss)).status.success());
    hanok.check("explain_probability_path", &show(&["--output", "probability"]));
    hanok.check("explain_loss_label", &show(&["--background", "rows.csv", "--output", "log_loss"]));
    hanok.check("explain_no_background", &show(&["--method", "interventional"]));
    hanok.check("explain_extension", &show(&["-o", "e.csv"]));
    // The same bytes again, from threads one and two, and from the table.
    let bytes = |name: &str| std::fs::read(hanok.path(name)).unwrap();
    for (threads, name) in [("1", "one.parquet"), ("2", "two.parquet")] {
        assert!(hanok.run(&explain(&["-o", name, "--threads", threads])).status.success());
        assert_eq!(bytes(name), bytes("e.parquet"));
    }
    let json = hanok.json(&explain(&["--interactions", "-o", "i.parquet", "--json"]));
    assert_eq!(json["importance"][0]["features"].as_array().unwrap().len(), 5);
    assert!(json["additivity"]["gap"].as_f64().unwrap() <= json["additivity"]["tolerance"].as_f64().unwrap());
    assert!(hanok.run(&explain(&["--interactions", "--table", "explain.delay"])).status.success());
    let sql = "select count(*) as c, max(abs(feature_0_feature_0 + feature_0_feature_1 + feature_0_feature_2 \
               + feature_0_feature_3 + feature_0_feature_4 - feature_0)) < 1e-9 as ok from explain.delay";
    let sums = hanok.json(&["sql", sql, "--json"]);
    assert_eq!(sums["data"][0], serde_json::json!({"c": 3000, "ok": true}));
    let runs = hanok.json(&["runs", "--limit", "1", "--json"]);
    assert_eq!((&runs["runs"][0]["kind"], &runs["runs"][0]["rows_out"]), (&"explain".into(), &3000.into()));
}

#[test]
fn the_types_of_a_text_file_are_known_before_its_first_row() {
    let hanok = Hanok::with_project();
    let head = "id,feature 0,feature 1,feature 2,feature 3,feature 4\n";
    let last = "x-1,0.5,1,1,1,1\n";
    // Integers as far as the reader looks ahead, then a fraction and an id that is no number.
    let mut text = head.to_owned();
    for id in 0..60_000 {
        writeln!(text, "{id},{},1,0,2,1", id % 2).unwrap();
    }
    hanok.write("long.csv", &format!("{text}{last}"));
    hanok.write("short.csv", &format!("{head}{last}"));
    let model = fixture("xgboost-binary.json");
    let predict = |data: &str, output: &str| {
        assert!(hanok.run(&["predict", &model, "--data", data, "-o", output]).status.success());
        std::fs::read_to_string(hanok.path(output)).unwrap()
    };
    let (long, short) = (predict("long.csv", "long-out.csv"), predict("short.csv", "short-out.csv"));
    assert_eq!(long.lines().count(), 60_002);
    assert_eq!(long.lines().last(), short.lines().last());
    hanok.write("broken.csv", &format!("{head}{last}x-2,1\n"));
    hanok.check(
        "predict_broken_row",
        &hanok.show(&["predict", &model, "--data", "broken.csv", "-o", "never.csv"]),
    );
    assert!(!hanok.path("never.csv").exists());
}

/// The last digits of explanations depend on what the processor can do.
fn six_decimals(text: &str) -> String {
    let mut decimals = None;
    let is_kept = |letter: &char| {
        decimals = match decimals {
            Some(count) if letter.is_ascii_digit() => Some(count + 1),
            _ => (*letter == '.').then_some(0),
        };
        decimals.is_none_or(|count| count <= 6)
    };
    text.chars().filter(is_kept).collect()
}
