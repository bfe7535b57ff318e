//! Two models on the same rows, from the command line.

use crate::predictors::{fixture, project};
use crate::support::Hanok;

/// The project with `rows.parquet`: its rows with the five features under the names of XGBoost's fixtures and of LightGBM's, and
/// `truth`, which is what the registered model `delay` says.
fn prepared() -> Hanok {
    let hanok = project();
    assert!(hanok.run(&["model", "add", "delay", &fixture("xgboost-binary.json")]).status.success());
    let scored = ["predict", "delay", "--data", "raw.visits", "--keys", "id", "--table", "mart.scored"];
    assert!(hanok.run(&scored).status.success());
    assert!(hanok.run(&["sql", &rows_with(""), "-o", "rows.parquet"]).status.success());
    hanok
}

/// The query of these rows, with more columns.
fn rows_with(more: &str) -> String {
    let twice: String = (0..5).map(|at| format!(", feature_{at} as \"Column_{at}\"")).collect();
    format!(
        "select v.*{twice}, case when s.prediction > 0.5 then 1 else 0 end as truth{more} \
         from raw.visits v join mart.scored s on v.id = s.id order by v.id"
    )
}

fn swap<'a>(m1: &'a str, m2: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["swap", "--m1", m1, "--m2", m2, "--data", "rows.parquet", "--keys", "id"][..], rest].concat()
}

#[test]
fn a_model_that_is_worse_is_refused_with_reasons() {
    let hanok = prepared();
    let other = fixture("lightgbm-binary.txt");
    let arguments = swap("delay", &other, &["--label", "truth", "--by", "room", "-o", "swap.html"]);
    hanok.check("swap_worse", &hanok.show(&arguments));
    let html = std::fs::read_to_string(hanok.path("swap.html")).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.len() < 500_000, "{}", html.len());
    let korean = swap("delay", &other, &["--label", "truth", "-o", "ko.html", "--lang", "ko"]);
    hanok.run(&korean);
    assert!(std::fs::read_to_string(hanok.path("ko.html")).unwrap().contains("교체 불가"));
    // The same as an object, and as a file.
    let output = hanok.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(3));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["swap"]["verdict"], &found["swap"]["rows"]), (&"fail".into(), &3000.into()));
    assert_eq!((&found["explained"], &found["output"]), (&"path".into(), &"swap.html".into()));
    assert_eq!(found["swap"]["differences"][0]["values"][0], 1.0, "M1 is what made the truth");
    assert_eq!(found["models"][0]["name"], "delay@1");
    assert!(found["models"][1]["bytes"].as_u64().unwrap() > 1000);
    assert!(found["models"][1]["single_micros"][0].as_f64().unwrap() > 0.0);
    assert_eq!(found["data"]["hash"].as_str().unwrap().len(), 64);
    let first = &found["swap"]["movers"][0];
    assert_eq!(found["movers"][0], format!("id={}", first["row"].as_u64().unwrap() + 1));
    assert!(!first["features"].as_array().unwrap().is_empty());
    let runs = hanok.json(&["runs", "--limit", "1", "--json"]);
    assert_eq!((&runs["runs"][0]["kind"], &runs["runs"][0]["rows_out"]), (&"swap".into(), &3000.into()));
}

#[test]
fn a_model_that_is_the_same_passes_and_inputs_have_not_moved() {
    let hanok = prepared();
    let same = fixture("xgboost-binary.json");
    let rest = ["--label", "truth", "--reference", "rows.parquet", "-o", "swap.json"];
    hanok.check("swap_same", &hanok.show(&swap("delay", &same, &rest)));
    let text = std::fs::read_to_string(hanok.path("swap.json")).unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&found["swap"]["verdict"], &found["swap"]["disagreement"]), (&"pass".into(), &0.0.into()));
    assert_eq!(found["inputs"]["counts"]["drifted"], 0);
    // The five features and the truth.
    assert_eq!(found["inputs"]["counts"]["stable"], 6);
}

#[test]
fn numbers_classes_and_rows_without_labels_are_compared_too() {
    let hanok = prepared();
    let (forest, linear) = (fixture("lightgbm-forest.txt"), fixture("lightgbm-linear.txt"));
    let numbers = hanok.show(&swap(&forest, &linear, &["--threshold", "0.5", "--sample", "200"]));
    hanok.check("swap_numbers", &numbers);
    let classes = fixture("lightgbm-multi.txt");
    let found = hanok.json(&swap(&classes, &classes, &["--json"]));
    assert_eq!(
        (&found["swap"]["task"], &found["swap"]["flips"]["classes"][2]),
        (&"multiclass".into(), &"2".into())
    );
    assert_eq!(found["swap"]["verdict"], "review", "without labels it is not known whether it is worse");
    // The truth is known of earlier rows only.
    assert!(hanok.run(&["sql", "select * from raw.visits", "-o", "new.parquet"]).status.success());
    let earlier = hanok.path("rows.parquet").display().to_string();
    let same = fixture("xgboost-binary.json");
    let estimate = [
        &["swap", "--m1", "delay", "--m2", &same, "--data", "new.parquet", "--label", "truth"][..],
        &["--reference", &earlier, "--json"],
    ]
    .concat();
    let found = hanok.json(&estimate);
    assert_eq!(found["swap"]["labelled"], 0);
    let metrics = found["estimated"][1]["metrics"].as_array().unwrap();
    let auc = metrics.iter().find(|metric| metric["metric"] == "auc").unwrap();
    assert_eq!(auc["current"].as_array().unwrap().len(), 10);
}

#[test]
fn rows_come_from_all_that_drift_compares() {
    let hanok = prepared();
    // An hour a row from 2026-01-01 on: 743 rows are of January.
    let sql = rows_with(", to_timestamp_seconds(1767225600 + v.id * 3600) as at");
    assert!(hanok.run(&["sql", &sql, "-o", "data/timed.parquet"]).status.success());
    let sources = |files: &str| {
        hanok.write("sources/timed.yaml", &format!("sources:\n  - {{ name: timed, files: [{files}] }}\n"));
    };
    sources("data/timed.parquet");
    assert!(hanok.run(&["load"]).status.success());
    assert!(hanok.run(&["branch", "create", "dev"]).status.success());
    let other = fixture("lightgbm-binary.txt");
    let found = |side: &str, rest: &[&str]| {
        let fixed = ["swap", "--m1", "delay", "--m2", &other, "--label", "truth", "--json", "--data", side];
        let output = hanok.run(&[&fixed[..], rest].concat());
        assert_eq!(output.status.code(), Some(3), "{side}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let january = found("data/timed.parquet[2026-01]", &[]);
    assert_eq!((&january["swap"]["rows"], &january["swap"]["labelled"]), (&743.into(), &743.into()));
    assert_eq!(january["data"]["time"][1], "2026-02-01");
    for side in [
        "raw.timed[2026-01]",
        "raw.timed@0[..2026-02]",
        "raw.timed@dev[2026-01]",
        "select * from raw.timed where at < '2026-02-01'",
    ] {
        let same = found(side, &[]);
        for what in ["flips", "labelled", "disagreement"] {
            assert_eq!(same["swap"][what], january["swap"][what], "{side} {what}");
        }
    }
    let dev = found("raw.timed@dev[2026-01]", &["--reference", "raw.timed[2026-02..]"]);
    assert_eq!(
        (&dev["data"]["name"], &dev["data"]["version"]),
        (&"raw.timed@dev[2026-01]".into(), &"0, dev".into())
    );
    assert_eq!(dev["inputs"]["sides"][0]["rows"], 3000 - 743);
    // A profile stands for earlier rows, but cannot be predicted.
    assert!(hanok.run(&["profile", "raw.timed[2026-02..]", "-o", "later.json"]).status.success());
    let profiled = found("raw.timed[2026-01]", &["--reference", "later.json"]);
    let counts = |found: &serde_json::Value| found["inputs"]["counts"].clone();
    assert_eq!(counts(&profiled), counts(&dev));
    hanok.check(
        "swap_profile",
        &hanok.show(&["swap", "--m1", "delay", "--m2", &other, "--data", "later.json"]),
    );
    hanok.write("times.csv", "a,b,x\n2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,1\n");
    let several = ["swap", "--m1", "delay", "--m2", &other, "--data", "times.csv[2026]"];
    hanok.check("swap_time_several", &hanok.show(&several));
}

#[test]
fn what_cannot_be_compared_is_told() {
    let hanok = prepared();
    let (binary, multi) = (fixture("xgboost-binary.json"), fixture("lightgbm-multi.txt"));
    let show = |m2: &str, rest: &[&str]| hanok.show(&swap("delay", m2, rest));
    hanok.check("swap_outputs", &show(&multi, &[]));
    hanok.check("swap_gate", &show(&binary, &["--gate", "psi=0.1"]));
    hanok.check("swap_gate_number", &show(&binary, &["--gate", "score_psi=small"]));
    hanok.check("swap_metric", &show(&binary, &["--metric", "rmse"]));
    hanok.check("swap_label", &show(&binary, &["--label", "room"]));
    hanok.check("swap_label_values", &show(&binary, &["--label", "id"]));
    hanok.check("swap_label_unknown", &show(&binary, &["--label", "lateness"]));
    hanok.check("swap_by_unknown", &show(&binary, &["--by", "rooms"]));
    hanok.check("swap_extension", &show(&binary, &["-o", "swap.txt"]));
    let empty =
        ["swap", "--m1", "delay", "--m2", "delay", "--data-sql", "select * from raw.visits where id < 0"];
    hanok.check("swap_empty", &hanok.show(&empty));
    assert!(!hanok.path("swap.txt").exists());
}
