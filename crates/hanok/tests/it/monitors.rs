//! `hanok monitor` from the command line, and what a killed run leaves.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use crate::support::Hanok;

/// A project with a table `raw.visits` of nine days, of which the last three are others, and a monitor against the first four.
pub(crate) fn project(channels: &str, names: &str) -> Hanok {
    let hanok = Hanok::with_project();
    let mut text = "at,room,minutes\n".to_owned();
    let mut state = 5_u32;
    for day in 1..=9 {
        for row in 0..300 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let minutes = f64::from(state >> 16) / 6553.6 + if day > 6 { 8.0 } else { 0.0 };
            let room = if day > 7 && row % 3 == 0 { "new" } else { ["a", "b"][row % 2] };
            writeln!(text, "2026-03-{day:02}T{:02}:00:00Z,{room},{minutes:.3}", row % 24).unwrap();
        }
    }
    std::fs::remove_dir_all(hanok.path("data")).unwrap();
    std::fs::create_dir(hanok.path("data")).unwrap();
    hanok.write("data/visits.csv", &text);
    hanok.write(
        "sources/visits.yaml",
        "sources:\n  - { name: visits, files: [data/visits.csv], columns: { at: timestamp } }\n",
    );
    hanok.write(
        "monitors/monitors.yaml",
        &format!(
            "channels:\n{channels}monitors:\n  - name: visits\n    description: Days like the first four\n    table: raw.visits\n    time: at\n    \
             window: day\n    reference: {{ from: 2026-03-01, to: 2026-03-05 }}\n    alert: {{ after: 2, channels: [{names}] }}\n"
        ),
    );
    assert!(hanok.run(&["load"]).status.success());
    hanok
}

#[test]
fn windows_are_compared_recorded_and_told() {
    let hanok = project("  - { name: log, file: alerts.jsonl }\n", "log");
    hanok.check("monitor_status_new", &hanok.show(&["monitor", "status"]));
    hanok.check("monitor_dry", &hanok.show(&["monitor", "--at", "2026-03-06", "--dry-run"]));
    hanok.check("monitor_first", &hanok.show(&["monitor", "--at", "2026-03-06"]));
    hanok.check("monitor_alarm", &hanok.show(&["monitor", "visits", "--at", "2026-03-10"]));
    hanok.check("monitor_nothing_due", &hanok.show(&["monitor", "--at", "2026-03-10"]));
    hanok.check("monitor_status", &hanok.show(&["monitor", "list"]));
    let alerts = "select column_name, aspect, alert, window_start, since from monitor.alerts order by 1, 2";
    hanok.check("monitor_alerts", &hanok.show(&["sql", alerts]));
    hanok.check("monitor_runs", &hanok.show(&["runs", "--limit", "1"]));
    let told = std::fs::read_to_string(hanok.path("alerts.jsonl")).unwrap();
    hanok.check("monitor_told", &told);
    let status = hanok.json(&["monitor", "status", "--json"]);
    assert_eq!(
        (&status["monitors"][0]["state"], &status["monitors"][0]["last"]["end"]),
        (&"alarming".into(), &"2026-03-10T00:00:00Z".into())
    );
}

#[test]
fn a_window_has_a_report() {
    let hanok = project("  - { name: log, file: alerts.jsonl }\n", "log");
    assert!(hanok.run(&["monitor", "--at", "2026-03-08"]).status.success());
    let monitor = |rest: &[&str]| hanok.show(&[&["monitor", "visits", "--at", "2026-03-10"], rest].concat());
    hanok.check("monitor_report", &monitor(&["-o", "days.html"]));
    hanok.check("monitor_report_again", &monitor(&["-o", "days.json"]));
    let page = std::fs::read_to_string(hanok.path("days.html")).unwrap();
    let folder = hanok.path(".").canonicalize().unwrap();
    // Where the rows came from, from the project on.
    assert!(page.contains("raw.visits: data/visits.csv") && !page.contains(folder.to_str().unwrap()));
    assert!(page.contains("<h1>visits: 2026-03-09 – 2026-03-10</h1>") && page.contains("id=\"monitor\""));
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(hanok.path("days.json")).unwrap()).unwrap();
    assert_eq!(report["course"]["windows"].as_array().unwrap().len(), 3);
    assert_eq!(report["origins"][0]["source"], "raw.visits: data/visits.csv");
    hanok.check("monitor_report_korean", &monitor(&["-o", "ko.html", "--lang", "ko", "--quiet"]));
    assert!(std::fs::read_to_string(hanok.path("ko.html")).unwrap().contains("<html lang=\"ko\">"));
    hanok.check("monitor_report_form", &monitor(&["-o", "days.pdf"]));
    hanok.check("monitor_report_which", &hanok.show(&["monitor", "-o", "days.html"]));
}

#[test]
fn the_past_of_a_monitor() {
    let hanok = project("  - { name: log, file: alerts.jsonl }\n", "log");
    hanok.check("monitor_past", &hanok.show(&["monitor", "--from", "2026-03-05", "--to", "2026-03-09"]));
    assert!(!hanok.path("alerts.jsonl").exists());
}

#[test]
fn monitors_that_cannot_run_are_told() {
    let hanok = project("  - { name: log, file: alerts.jsonl }\n", "log");
    hanok.check("monitor_unknown", &hanok.show(&["monitor", "visit"]));
    hanok.check(
        "monitor_range",
        &hanok.show(&["monitor", "--from", "2026-03-05", "--to", "2026-03-05T12:00:00Z"]),
    );
    hanok.check("monitor_turned", &hanok.show(&["monitor", "--from", "2026-03-05", "--to", "2026-03-01"]));
    hanok.write("monitors/monitors.yaml", "monitors:\n  - name: visits\n    tabel: raw.visits\n");
    hanok.check("monitor_invalid", &hanok.show(&["monitor"]));
    std::fs::remove_dir_all(hanok.path("monitors")).unwrap();
    hanok.check("monitor_none", &hanok.show(&["monitor"]));
}

/// Reads one request and answers it, or lets the caller do something before it is answered.
fn request(listener: &TcpListener, before_the_answer: impl FnOnce()) -> serde_json::Value {
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    before_the_answer();
    let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    serde_json::from_slice(&body).unwrap()
}

/// What is recorded: windows, rows of more than one of a check, alerts, messages.
fn recorded(hanok: &Hanok) -> [i64; 4] {
    let count = |sql: &str| {
        let text = String::from_utf8(hanok.run(&["sql", sql, "--format", "csv"]).stdout).unwrap();
        text.lines().nth(1).unwrap().parse().unwrap()
    };
    [
        count("select count(distinct window_start) from monitor.results"),
        count(
            "select count(*) from (select 1 from monitor.results group by window_start, column_name, aspect having count(*) > 1)",
        ),
        count("select count(*) from monitor.alerts"),
        count("select count(distinct alert_id) from monitor.alerts"),
    ]
}

#[test]
fn process_a_kill_between_record_and_alert_loses_and_doubles_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let hanok =
        project(&format!("  - {{ name: hook, webhook: {{ url: \"http://{address}/\" }} }}\n"), "hook");
    let monitor = ["monitor", "--at", "2026-03-10"];
    assert!(hanok.run(&["monitor", "--at", "2026-03-08"]).status.success());
    // Killed when the alert is at the door: it is recorded, and nobody knows whether it was heard.
    let mut killed = hanok.command(&monitor).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let first = request(&listener, || {
        killed.kill().unwrap();
        killed.wait().unwrap();
    });
    let before = recorded(&hanok);
    let mut second = hanok.command(&monitor).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let again = request(&listener, || {});
    // The next window has an alert of its own.
    assert_ne!(request(&listener, || {})["id"], again["id"]);
    assert_eq!(second.wait().unwrap().code(), Some(3));
    assert_eq!((&first["id"], &first["text"]), (&again["id"], &again["text"]));
    assert_eq!(recorded(&hanok), before);
    assert_eq!((before[0], before[1]), (3, 0));
    // Heard: nothing more is sent.
    assert_eq!(hanok.run(&monitor).status.code(), Some(3));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

#[test]
fn process_kills_at_any_moment_leave_each_window_once() {
    let hanok = project("  - { name: log, file: alerts.jsonl }\n", "log");
    assert!(hanok.run(&["monitor", "--at", "2026-03-06"]).status.success());
    for pause_ms in (20..400).step_by(20) {
        let monitor = ["monitor", "--at", "2026-03-10"];
        let mut running =
            hanok.command(&monitor).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause_ms));
        running.kill().unwrap();
        running.wait().unwrap();
    }
    assert_eq!(hanok.run(&["monitor", "--at", "2026-03-10"]).status.code(), Some(3));
    let [windows, doubled, alerts, messages] = recorded(&hanok);
    assert_eq!((windows, doubled, messages), (5, 0, 2));
    assert!(alerts >= messages);
    // Every message arrived; one that a kill let arrive twice has one id.
    let told = std::fs::read_to_string(hanok.path("alerts.jsonl")).unwrap();
    let ids: std::collections::BTreeSet<_> = told
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len() as i64, messages);
}
