//! Tests that measure, signal or serve: one at a time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Hanok;

/// Ends a child by its id when a test fails before it does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end, for ten seconds at most.
    fn exit_code(&mut self) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still running after ten seconds");
    }
}

#[test]
fn process_version_needs_no_runtime() {
    let hanok = Hanok::new();
    let times = (0..10).map(|_| {
        let started = Instant::now();
        assert!(hanok.run(&["--version"]).status.success());
        started.elapsed()
    });
    let best = times.min().unwrap();
    assert!(best < Duration::from_millis(20), "--version took {best:?}");
}

#[test]
fn process_ctrl_c_ends_a_query_with_130_and_leaves_no_file() {
    let hanok = Hanok::with_project();
    let endless = "select sum(a.value * b.value) as s from generate_series(1, 3000000) a, generate_series(1, 3000000) b";
    let mut command = hanok.command(&["sql", endless, "-o", "result.csv"]);
    let mut running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    std::thread::sleep(Duration::from_millis(700));
    running.signal("-INT");
    assert_eq!(running.exit_code(), Some(130));
    let leftovers = std::fs::read_dir(hanok.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(leftovers.into_iter().all(|name| !name.to_string_lossy().starts_with("result")));
}

#[test]
fn process_a_reader_that_goes_away_is_no_failure() {
    let hanok = Hanok::with_project();
    let mut command =
        hanok.command(&["sql", "select value from generate_series(1, 2000000)", "--format", "csv"]);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut first = String::new();
    BufReader::with_capacity(16, running.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "value\n");
    assert_eq!(running.exit_code(), Some(0));
    let mut complaints = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!(complaints, "");
}

#[test]
fn process_serve_answers_until_it_is_told_to_stop() {
    let hanok = Hanok::with_project();
    let (mut running, object) = serving(&hanok);
    assert_eq!((&object["feature_views"], &object["feature_services"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(object["models"], 0);
    let address = object["address"].as_str().unwrap().strip_prefix("http://").unwrap();
    let body = r#"{"feature_service":"how_busy","entities":{"place":["library"]}}"#;
    let (status, served) = post(address, "/get-online-features", body);
    assert_eq!(status, 200, "{served}");
    let read =
        hanok.json(&["features", "get", "--service", "how_busy", "--entity", "place=library", "--json"]);
    assert_eq!(served, read);
    running.signal("-TERM");
    assert_eq!(running.exit_code(), Some(0));
}

/// A server on the project, and what it says when it is ready.
fn serving(hanok: &Hanok) -> (Running, Value) {
    for step in ["load", "build", "apply", "materialize"] {
        assert!(hanok.run(&[step]).status.success(), "{step}");
    }
    let mut command = hanok.command(&["serve", "--http", ":0", "--json"]);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut object = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut object).unwrap();
    let object: Value = serde_json::from_str(&object).unwrap();
    (running, object)
}

/// The status and the object of an answer.
pub(crate) fn post(address: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[test]
fn process_serve_explains_a_model_that_is_added_while_it_runs() {
    let hanok = Hanok::with_project();
    let (mut running, object) = serving(&hanok);
    let address = object["address"].as_str().unwrap().strip_prefix("http://").unwrap();
    let body = r#"{"entities":{"place":["library","nowhere"]},"columns":["hour"],"rows":[[9],[10]]}"#;
    assert_eq!(post(address, "/explain/busy", body).0, 404);
    hanok.write(
        "busy.json",
        r#"{"format":"hanok-trees","version":1,"features":2,"feature_names":["visits","hour"],"compare":"f64",
            "base":[1],"divisor":1,"link":"identity","trees":[{"outputs":[0],"feature":[0,1,-1,-1,-1],
            "threshold":[0,9.5,0,0,0],"left":[2,3,-1,-1,-1],"right":[1,4,-1,-1,-1],"cover":[8,4,4,2,2],
            "value":[0,0,5,1,3]}]}"#,
    );
    assert!(hanok.run(&["model", "add", "busy", "busy.json"]).status.success());
    let started = Instant::now();
    let answer = loop {
        let (status, answer) = post(address, "/explain/busy?top_k=1", body);
        if status == 200 {
            break answer;
        }
        assert!(status == 404 && started.elapsed() < Duration::from_secs(30), "{answer}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(answer["model"], "busy@1");
    assert_eq!(answer["missing"][0]["rows"], serde_json::json!([1]));
    let told = &answer["explanations"][0][0];
    let sum = ["base_value", "rest"].map(|part| told[part].as_f64().unwrap()).iter().sum::<f64>()
        + told["reasons"][0]["contribution"].as_f64().unwrap();
    assert!((sum - told["raw"].as_f64().unwrap()).abs() < 1e-6, "{told}");
    running.signal("-TERM");
    assert_eq!(running.exit_code(), Some(0));
}

#[test]
fn process_the_demo_runs_twice() {
    let hanok = Hanok::new();
    let first = hanok.json(&["demo", "--json"]);
    assert_eq!(first["rows_loaded"], 336_776 + 26_115 + 3_322 + 1_458 + 16);
    assert_eq!((&first["rows_rejected"], &first["tests_failed"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(first["training_rows"], 27_004);
    assert!(first["models_built"].as_u64().unwrap() >= 11 && first["tests_passed"].as_u64().unwrap() >= 10);
    assert!(first["online_keys"].as_u64().unwrap() > 3_000);
    assert!(hanok.path("hanok-demo/training.parquet").is_file());
    let names = first["lookup"]["metadata"]["feature_names"].as_array().unwrap();
    let mean = names.iter().position(|name| name == "mean_dep_delay_7d").unwrap();
    assert_eq!(first["lookup"]["results"][mean]["statuses"][0], "PRESENT");
    assert_eq!((&first["model"], &first["rows_predicted"]), (&Value::from("delay@1"), &Value::from(27_004)));
    assert_eq!(first["most_important"][0], "share_late_3h");
    let told = &first["lookup_explanation"]["explanations"][0][0];
    assert_eq!(told["reasons"].as_array().unwrap().len(), 3);
    assert!((told["raw"].as_f64().unwrap() - told["prediction"].as_f64().unwrap()).abs() < 1e-9);
    assert!(hanok.path("hanok-demo/explanation.parquet").is_file());
    assert!(
        hanok.path("hanok-demo/beeswarm.svg").is_file() && hanok.path("hanok-demo/waterfall.svg").is_file()
    );
    assert!(first["drifted"].as_array().unwrap().iter().any(|column| column == "temp_f"));
    let errors = [0, 1].map(|model| first["swap_errors"][model].as_f64().unwrap());
    assert!(errors[1] + 2.0 < errors[0], "the model of May and June is the better one in July: {errors:?}");
    assert_eq!(first["swap_verdict"], "look closer");
    for report in ["drift", "swap"] {
        let page = std::fs::read_to_string(hanok.path(&format!("hanok-demo/{report}.html"))).unwrap();
        assert!(page.ends_with("</html>\n") && page.len() < 500_000, "{report}: {}", page.len());
    }
    for step in [
        "init",
        "load",
        "build",
        "apply",
        "join",
        "materialize",
        "predict",
        "explain",
        "serve",
        "drift",
        "swap",
        "total",
    ] {
        assert!(first["seconds"][step].as_f64().unwrap() > 0.0, "{step}");
    }
    let again = hanok.json(&["demo", "--json"]);
    assert_eq!(again["rows_loaded"], 0);
    for same in ["training_rows", "online_keys", "lookup", "models_built", "tests_passed", "model"] {
        assert_eq!(first[same], again[same], "{same}");
    }
}
