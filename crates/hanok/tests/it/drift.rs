//! Drift from the command line: sides, verdicts, profiles, streams.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use crate::processes::post;
use crate::support::{Hanok, shown};

/// Orders of a hundred days from 2026-01-01 on, forty a day. From day 50 on amounts are larger, a country is new, and notes go missing.
fn orders() -> String {
    let mut text = "id,at,amount,country,note,paid\n".to_owned();
    let mut state = 7_u32;
    for id in 0..4000 {
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let (day, moved) = (id / 40, id >= 2000);
        let month = ["2026-01", "2026-02", "2026-03", "2026-04"]
            [[31, 59, 90].iter().filter(|end| day >= **end).count()];
        let first = [0, 31, 59, 90].into_iter().filter(|first| day >= *first).max().unwrap();
        let amount = 1000 + next(1000) + if moved { 500 } else { 0 };
        let country = match next(10) {
            0 if moved => "칠레",
            0..=4 => "KR",
            _ => "DE",
        };
        let note = if next(100) < if moved { 20 } else { 2 } { "" } else { "n" };
        let (hour, paid) = (next(24), next(2) == 0);
        writeln!(
            text,
            "{id},{month}-{:02}T{hour:02}:00:00Z,{}.{:02},{country},{note},{paid}",
            day - first + 1,
            amount / 10,
            amount % 10
        )
        .unwrap();
    }
    text
}

/// A project with `raw.orders`, and the same in `orders.csv` and `orders.parquet`.
fn project() -> Hanok {
    let hanok = Hanok::with_project();
    std::fs::remove_dir_all(hanok.path("data")).unwrap();
    std::fs::create_dir(hanok.path("data")).unwrap();
    hanok.write("data/orders.csv", &orders());
    hanok.write("orders.csv", &orders());
    hanok.write("sources/visits.yaml", "sources:\n  - { name: orders, files: [data/orders.csv] }\n");
    assert!(hanok.run(&["load"]).status.success());
    let select = "select id, at, amount, country, note, paid from raw.orders order by id";
    assert!(hanok.run(&["sql", select, "-o", "orders.parquet"]).status.success());
    hanok
}

const JANUARY: &str = "raw.orders[2026-01]";
const MARCH: &str = "raw.orders[2026-03..2026-04]";
const COLUMNS: [&str; 2] = ["--columns", "at,amount,country,note,paid"];

fn compare<'a>(reference: &'a str, current: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["drift", "--reference", reference, "--current", current][..], rest].concat()
}

#[test]
fn windows_of_a_table_are_compared() {
    let hanok = project();
    let show = |rest: &[&str]| hanok.show(&compare(JANUARY, MARCH, &[&COLUMNS[..], rest].concat()));
    hanok.check("drift", &show(&[]));
    hanok.check("drift_exit_code", &show(&["--exit-code", "--quiet"]));
    hanok.check("drift_segments", &show(&["--by", "paid"]));
    hanok.check("drift_together", &show(&["--together"]));
    hanok.check("drift_evidently", &show(&["--method", "evidently"]));
    hanok.check("drift_nannyml", &show(&["--method", "nannyml"]));
    let same = compare(JANUARY, "raw.orders[2026-01-01..2026-02-01]", &["--exit-code"]);
    hanok.check("drift_none", &hanok.show(&same));
    // Since when: the whole table against January.
    let json = hanok.json(&compare(JANUARY, "raw.orders", &[&COLUMNS[..], &["--json"]].concat()));
    let columns = json["course"]["columns"].as_array().unwrap();
    let amount = columns.iter().find(|column| column["name"] == "amount").unwrap();
    let began = amount["began"]["time"].as_f64().unwrap();
    // 2026-02-20, and windows of a week at most.
    assert!((began - 1_771_545_600.0).abs() <= 8.0 * 86_400.0, "{began}");
}

#[test]
fn all_kinds_of_sides_say_the_same() {
    let hanok = project();
    assert!(hanok.run(&["branch", "create", "dev"]).status.success());
    let effects = |reference: &str, current: &str, rest: &[&str]| {
        let json = hanok.json(&compare(reference, current, &[&COLUMNS[..], rest, &["--json"]].concat()));
        let columns = json["report"]["columns"].as_array().unwrap().clone();
        columns.into_iter().map(|column| column["aspects"].clone()).collect::<Vec<_>>()
    };
    let expected = effects(JANUARY, MARCH, &[]);
    assert_eq!(expected.len(), 5);
    for (reference, current) in [
        ("orders.parquet[2026-01]", MARCH),
        ("orders.csv[2026-01]", "orders.parquet[2026-03]"),
        ("raw.orders@dev[2026-01]", "raw.orders@0[2026-03]"),
        (
            "select * from raw.orders where at < '2026-02-01'",
            "select * from raw.orders where at >= '2026-03-01' and at < '2026-04-01'",
        ),
    ] {
        assert_eq!(effects(reference, current, &[]), expected, "{reference} {current}");
    }
    assert_eq!(effects(JANUARY, MARCH, &["--threads", "1"]), expected);
    // On the branch the rows are others.
    hanok.write("data/more.csv", "id,at,amount,country,note,paid\n9,2026-03-05T00:00:00Z,1.0,KR,n,true\n");
    hanok.write("sources/visits.yaml", "sources:\n  - { name: orders, files: [data/*.csv] }\n");
    assert!(hanok.run(&["load", "--branch", "dev"]).status.success());
    let json = hanok.json(&compare("raw.orders[2026-03]", "raw.orders@dev[2026-03]", &["--json"]));
    let rows = |side: usize| json["sides"][side]["rows"].as_u64().unwrap();
    assert_eq!(rows(1), rows(0) + 1);
    // Without a project.
    let elsewhere = Hanok::new();
    std::fs::copy(hanok.path("orders.parquet"), elsewhere.path("o.parquet")).unwrap();
    let json = elsewhere.json(&compare(
        "o.parquet[2026-01]",
        "o.parquet[2026-03]",
        &[&COLUMNS[..], &["--json"]].concat(),
    ));
    assert_eq!(json["verdict"], "drifted");
}

#[test]
fn reports_are_written_whole() {
    let hanok = project();
    let to = |path: &'static str, rest: &[&'static str]| {
        hanok.show(&compare(JANUARY, MARCH, &[&COLUMNS[..], &["-o", path], rest].concat()))
    };
    assert!(to("drift.html", &[]).contains("written to drift.html"));
    assert!(to("drift-ko.html", &["--lang", "ko"]).contains("exit code: 0"));
    let read = |name: &str| std::fs::read_to_string(hanok.path(name)).unwrap();
    let (english, korean) = (read("drift.html"), read("drift-ko.html"));
    assert!(english.contains("amount") && english.len() < 500_000);
    assert!(!english.contains("src=\"http") && !english.contains("href=\"http"));
    assert!(korean.contains("칠레") && korean.contains("기준"));
    to("drift.json", &["--by", "paid"]);
    let json: serde_json::Value = serde_json::from_str(&read("drift.json")).unwrap();
    assert_eq!(json["format"], "hanok-drift-report");
    assert_eq!(json["segments"]["segments"].as_array().unwrap().len(), 2);
    assert_eq!(json["origins"][0]["rows"], 4000);
    assert!(json["origins"][0]["source"].as_str().unwrap().ends_with("data/orders.csv"));
    hanok.check("drift_extension", &to("drift.txt", &[]));
    assert!(!hanok.path("drift.txt").exists());
}

#[test]
fn columns_are_ranked_by_what_they_mean_to_a_model() {
    let hanok = crate::predictors::project();
    let model = crate::predictors::fixture("xgboost-binary.json");
    assert!(hanok.run(&["model", "add", "delay", &model]).status.success());
    let explain = ["explain", "delay", "--data", "rows.csv", "-o", "e.parquet"];
    assert!(hanok.run(&explain).status.success());
    let sides = compare("raw.visits", "select * from raw.visits where feature_1 > 0", &["--json"]);
    let ranks = |more: &[&str]| {
        let json = hanok.json(&[&sides[..], more].concat());
        (json["ranked"].clone(), json["importance"].clone())
    };
    let (_, none) = ranks(&[]);
    let (ranked, by_model) = ranks(&["--model", "delay"]);
    let (_, by_file) = ranks(&["--importance", "e.parquet"]);
    assert!(none.is_null());
    assert_eq!(by_model["columns"].as_array().unwrap().len(), 5);
    assert_eq!(by_file["columns"].as_array().unwrap().len(), 5);
    assert!(ranked[0]["importance"].as_f64().unwrap() > 0.0);
    let other = compare("orders.csv", "orders.csv", &["--importance", "e.parquet"]);
    hanok.write("orders.csv", "a,b\n1,2\n3,4\n");
    hanok.check("drift_importance_none", &hanok.show(&other));
}

#[test]
fn profiles_stand_for_their_rows() {
    let hanok = project();
    let profile = |side: &str, output: &str| hanok.show(&["profile", side, "-o", output]);
    hanok.check("profile", &profile(JANUARY, "january.json"));
    profile("orders.parquet[2026-03]", "march.json");
    hanok.check("profile_drift", &hanok.show(&compare("january.json", "march.json", &COLUMNS)));
    let verdicts = |reference: &str, current: &str| {
        let json = hanok.json(&compare(reference, current, &[&COLUMNS[..], &["--json"]].concat()));
        let columns = json["report"]["columns"].as_array().unwrap().clone();
        columns
            .into_iter()
            .map(|column| (column["name"].clone(), column["verdict"].clone()))
            .collect::<Vec<_>>()
    };
    let expected = verdicts(JANUARY, MARCH);
    for (reference, current) in
        [("january.json", "march.json"), ("january.json", MARCH), ("orders.csv[2026-01]", "march.json")]
    {
        assert_eq!(verdicts(reference, current), expected, "{reference} {current}");
    }
    // Parts add up to the whole.
    profile("raw.orders[2026-01-01..2026-01-10]", "first.json");
    profile("raw.orders[2026-01-10..2026-02-01]", "rest.json");
    hanok.check(
        "profile_merge",
        &hanok.show(&["profile", "merge", "first.json", "rest.json", "-o", "sum.json"]),
    );
    let show = |file: &str| {
        let mut json = hanok.json(&["profile", "show", file, "--json"]);
        json["seconds"].take();
        json
    };
    let (sum, whole) = (show("sum.json"), show("january.json"));
    assert_eq!(sum["rows"], whole["rows"]);
    assert_eq!(sum["columns"][3], whole["columns"][3]);
    hanok.check("profile_by", &hanok.show(&compare("january.json", MARCH, &["--by", "paid"])));
    hanok.check("profile_method", &hanok.show(&compare("january.json", MARCH, &["--method", "evidently"])));
    hanok.write("broken.json", "{\"format\": \"hanok-profile\", \"version\": 1}");
    hanok.check("profile_broken", &hanok.show(&["profile", "show", "broken.json"]));
}

#[test]
fn what_cannot_be_compared_is_told() {
    let hanok = project();
    let show = |reference: &str, current: &str, rest: &[&str]| hanok.show(&compare(reference, current, rest));
    hanok.check("drift_side", &show("raw.orders[yesterday]", MARCH, &[]));
    hanok.check("drift_unknown", &show("raw.order", MARCH, &[]));
    hanok.check("drift_branch_unknown", &show("raw.orders@dve", MARCH, &[]));
    hanok.check("drift_version_unknown", &show("raw.orders@99", MARCH, &[]));
    hanok.check("drift_column_unknown", &show(JANUARY, MARCH, &["--columns", "amuont"]));
    hanok.check(
        "drift_time_none",
        &show("select id, amount from raw.orders", "orders.csv[2026-01]", &["--time", "amount"]),
    );
    hanok.write("times.csv", "a,b,x\n2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,1\n");
    hanok.check("drift_time_several", &show("times.csv[2026]", "times.csv", &[]));
    hanok.check("drift_by_unknown", &show(JANUARY, MARCH, &["--by", "amount"]));
    hanok.check("drift_option", &show(JANUARY, MARCH, &["--set", "alpha=2"]));
    hanok.check("drift_threshold", &show(JANUARY, MARCH, &["--set", "psi=0.2"]));
    hanok.check("drift_file_none", &show("never.parquet", MARCH, &[]));
    let nowhere = Hanok::new();
    nowhere.check("drift_no_project", &nowhere.show(&compare("raw.orders", "raw.orders", &[])));
}

/// A watch of standard input.
fn watching(hanok: &Hanok, arguments: &[&str]) -> Child {
    let mut command = hanok.command(&[&["drift", "watch"][..], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn watched(hanok: &Hanok, arguments: &[&str], input: &str) -> String {
    let mut child = watching(hanok, arguments);
    // A watch that ends early reads no more.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    shown(&child.wait_with_output().unwrap())
}

#[test]
fn streams_are_watched() {
    let hanok = Hanok::new();
    let objects: String = (0..1200)
        .map(|at| {
            format!(
                "{{\"at\": \"t{at}\", \"x\": {}, \"y\": 1, \"who\": \"a\"}}\n",
                at % 3 + if at < 700 { 0 } else { 9 }
            )
        })
        .collect();
    let watch = |arguments: &[&str]| watched(&hanok, arguments, &objects);
    hanok.check("watch", &watch(&["--detector", "adwin", "--time", "at"]));
    hanok.check(
        "watch_json",
        &watch(&["--detector", "page-hinkley", "--column", "x", "--time", "at", "--json"]),
    );
    hanok.check("watch_setting", &watch(&["--detector", "kswin", "--set", "delta=1"]));
    hanok.check("watch_column", &watch(&["--detector", "kswin", "--column", "z"]));
    hanok.check("watch_invalid", &watched(&hanok, &["--detector", "adwin"], "1\n2\nthree\n"));
    hanok.check("watch_skip", &watched(&hanok, &["--detector", "adwin", "--skip-invalid"], "1\n2\nthree\n"));
    hanok.check("watch_empty", &watched(&hanok, &["--detector", "adwin"], ""));
    hanok.write("events.csv", "x,y\n1,2\n,3\n");
    hanok.check("watch_file", &hanok.show(&["drift", "watch", "--detector", "ddm", "--file", "events.csv"]));
}

#[test]
fn process_a_watch_ends_quietly_when_nobody_reads_it() {
    let hanok = Hanok::new();
    // A signal every 2,000 events, and no end of them.
    let numbers: String = (0..20_000).map(|at| if at / 2000 % 2 == 0 { "0\n" } else { "50\n" }).collect();
    for json in [&[][..], &["--json"]] {
        let mut child = watching(&hanok, &[&["--detector", "adwin"], json].concat());
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        input.write_all(numbers.as_bytes()).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.contains("drift"), "{line}");
        // As `head -1`.
        drop(output);
        let refused = (0..1000).find_map(|_| input.write_all(numbers.as_bytes()).err());
        assert_eq!(refused.map(|error| error.kind()), Some(std::io::ErrorKind::BrokenPipe));
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
    }
}

#[test]
fn process_a_watch_ends_when_it_is_told_to() {
    let hanok = Hanok::new();
    let mut child = watching(&hanok, &["--detector", "adwin"]);
    let mut input = child.stdin.take().unwrap();
    for at in 0..2000 {
        writeln!(input, "{}", if at < 1000 { 0 } else { 50 }).unwrap();
    }
    input.flush().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.contains("drift at event"), "{line}");
    // The input stays open.
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(input);
}

#[test]
fn process_events_that_are_pushed_are_watched() {
    let hanok = Hanok::new();
    let mut command =
        hanok.command(&["drift", "watch", "--detector", "adwin", "--column", "x", "--time", "at"]);
    command.args(["--listen", ":0", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut told = || -> serde_json::Value {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    let url = told()["listening"].as_str().unwrap().to_owned();
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/events").unwrap();
    let events = |from: i32, until: i32, value: i32| -> String {
        (from..until).map(|at| format!("{{\"at\": \"t{at}\", \"x\": {value}}}\n")).collect()
    };
    let push = |body: &str| post(address, "/events", body);
    let (status, first) = push(&events(0, 700, 0));
    assert_eq!((status, &first["events"], &first["drifts"]), (200, &700.into(), &0.into()), "{first}");
    // Without an end of the last line, with a line that is none, and one without the column.
    let (_, second) = push("{\"at\": \"late\", \"x\": 0}");
    assert_eq!((&second["events"], &second["invalid"]), (&1.into(), &0.into()), "{second}");
    let (_, third) = push("{\"x\": \"much\"}\n{}\nnothing\n");
    assert_eq!((&third["events"], &third["invalid"]), (&1.into(), &2.into()), "{third}");
    assert!(third["reason"].as_str().unwrap().starts_with("it is no JSON object"), "{third}");
    let (_, fourth) = push(&events(700, 1200, 50));
    assert_eq!((&fourth["drifts"], &fourth["signals"][0]["column"]), (&1.into(), &"x".into()), "{fourth}");
    assert_eq!(told(), fourth["signals"][0]);
    assert_eq!(push("").1["events"], 0);
    let (status, refused) = post(address, "/elsewhere", "");
    assert_eq!((status, &refused["code"]), (404, &"HK0804".into()), "{refused}");
    let (status, refused) = push(&" ".repeat((4 << 20) + 1));
    assert_eq!((status, &refused["code"]), (413, &"HK0803".into()), "{refused}");
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
