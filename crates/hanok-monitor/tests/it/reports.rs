//! Reports of windows, with what the monitor has seen before.

use hanok_charts::Language;
use hanok_monitor::{ReportFile, Request};
use serde_json::Value;

use crate::{Project, days, lines, monitor};

/// A monitor that writes a report of each window.
fn reporting(alert: &str, path: &str) -> String {
    monitor(alert).replace("    time: at\n", &format!("    time: at\n    report: \"{path}\"\n"))
}

fn read(project: &Project, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(project.path(name)).unwrap()).unwrap()
}

fn asked(project: &Project, name: &str) -> Request {
    let report = Some(ReportFile { path: project.path(name), language: Language::En });
    Request { report, ..Request::default() }
}

/// Day 5 is as the reference, 6 to 8 are bad, 9 and 10 good again.
async fn a_week(yaml: &str) -> Project {
    let project = Project::new(yaml).await;
    project.add(0..11, |day| if (6..9).contains(&day) { 3.0 } else { 0.0 }, 0).await;
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn each_window_has_a_report_that_knows_those_before() {
    let project = a_week(&reporting("after: 2", "reports/{window}.json")).await;
    project.run(6).await;
    let ran = project.run(8).await;
    let written: Vec<_> = ran.monitors[0].reports.iter().map(|report| report.path.as_str()).collect();
    assert_eq!(written, ["reports/2026-03-07.json", "reports/2026-03-08.json"]);
    let told = lines(&project.path("alerts.jsonl"));
    assert_eq!((told.len(), &told[0]["report"]), (1, &"reports/2026-03-08.json".into()));
    assert!(told[0]["text"].as_str().unwrap().ends_with("\nreport reports/2026-03-08.json\n"), "{told:?}");

    let report = read(&project, "reports/2026-03-08.json");
    assert_eq!(
        (&report["verdict"], &report["title"]),
        (&"drifted".into(), &"t: 2026-03-08 – 2026-03-09".into())
    );
    let [reference, current] = &report["sides"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!(
        (&reference["rows"], &current["rows"], &current["table"]),
        (&800.into(), &200.into(), &"raw.t".into())
    );
    assert_eq!(reference["time"], serde_json::json!(["2026-03-01", "2026-03-05"]));
    // What is reported is what is recorded.
    let columns = report["report"]["columns"].as_array().unwrap();
    let x = columns.iter().find(|column| column["name"] == "x").unwrap();
    for aspect in x["aspects"].as_array().unwrap() {
        let name = aspect["what"].as_str().unwrap();
        let sql = format!(
            "select count(*) from monitor.results where window_start = '2026-03-08T00:00:00Z' and column_name = 'x' and aspect = '{name}' \
             and abs(value - {}) <= 1e-12 and abs(p_adjusted - {}) <= 1e-12",
            aspect["effect"]["value"], aspect["p_adjusted"]
        );
        assert_eq!(project.count(&sql).await, 1, "{aspect}");
    }
    // The windows so far, and since when.
    let course = &report["course"];
    let starts: Vec<_> = course["windows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|window| window["start"].as_f64().unwrap())
        .collect();
    let day = |day: i64| days(day..day + 1).start_us as f64 / 1e6;
    assert_eq!(starts, [day(5), day(6), day(7)]);
    let x = course["columns"].as_array().unwrap().iter().find(|column| column["name"] == "x").unwrap();
    let effects: Vec<f64> =
        x["effects"].as_array().unwrap().iter().map(|effect| effect.as_f64().unwrap()).collect();
    let threshold = x["threshold"].as_f64().unwrap();
    assert!(effects[0] < threshold && effects[1] > threshold && effects[2] > threshold, "{effects:?}");
    assert_eq!((&x["began"]["time"], &x["began"]["window"]), (&day(6).into(), &1.into()));
    let monitored = &report["monitored"];
    assert_eq!(monitored["windows"], serde_json::json!(["2026-03-06", "2026-03-07", "2026-03-08"]));
    assert_eq!(
        (&monitored["checks"][0]["aspect"], &monitored["checks"][0]["value"]),
        (&"rows".into(), &200.0.into())
    );
    let alarms = monitored["alarms"].as_array().unwrap();
    assert!(!alarms.is_empty() && alarms.iter().all(|alarm| alarm["is_on"] == true && alarm["window"] == 2));

    // It is over, and the report of that day says both.
    project.run(11).await;
    let report = read(&project, "reports/2026-03-10.json");
    let turns: Vec<_> =
        report["monitored"]["alarms"].as_array().unwrap().iter().map(|alarm| &alarm["is_on"]).collect();
    assert!(
        turns.len() == 2 * alarms.len() && turns[0] == false && turns[turns.len() - 1] == true,
        "{turns:?}"
    );
    assert_ne!(report["verdict"], "drifted");
    assert!(report["course"]["columns"].as_array().unwrap().iter().all(|column| column["began"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_can_be_asked_for_before_and_after_a_window_is_recorded() {
    let project = a_week(&reporting("", "reports/{window}.json")).await;
    let dry = Request { is_dry: true, ..asked(&project, "dry.json") };
    let ran = project.try_run(&dry, 7).await.unwrap();
    assert_eq!(ran.monitors[0].reports.len(), 1);
    assert!(!project.path("reports").exists());
    project.run(7).await;
    // Nothing is due: the last window that is recorded.
    let ran = project.try_run(&asked(&project, "last.json"), 7).await.unwrap();
    let one = &ran.monitors[0];
    assert_eq!((one.windows.len(), one.reports.len(), one.reports[0].window), (0, 1, days(6..7)));
    let document = |name: &str| {
        let mut document = read(&project, name);
        document["made"].take();
        document
    };
    assert_eq!(document("last.json"), document("reports/2026-03-07.json"));
    assert_eq!(document("dry.json"), document("last.json"));
    assert_eq!(project.count("select count(distinct window_start) from monitor.results").await, 1);
    // The last one of a range, as HTML in the reader's language.
    project.run(10).await;
    let range = Request {
        range: Some(days(5..9)),
        report: Some(ReportFile { path: project.path("a/range.html"), language: Language::Ko }),
        ..Request::default()
    };
    let ran = project.try_run(&range, 10).await.unwrap();
    assert_eq!(ran.monitors[0].reports[0].window, days(5..6), "{ran:?}");
    let again = project.try_run(&range, 10).await.unwrap();
    assert_eq!(again.monitors[0].reports[0].window, days(8..9), "{again:?}");
    let page = std::fs::read_to_string(project.path("a/range.html")).unwrap();
    assert!(page.contains("<html lang=\"ko\">") && page.contains("id=\"monitor\""));
    assert!(std::fs::read_dir(project.path("a")).unwrap().count() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_keeps_nobody_from_being_told() {
    let project = a_week(&reporting("", "monitor.lock/{window}.html")).await;
    let ran = project.run(7).await;
    let error = ran.monitors[0].error.as_deref().unwrap();
    assert!(
        error.starts_with("HK0005: cannot write the report") && error.contains("monitor.lock"),
        "{error}"
    );
    assert!(ran.monitors[0].reports.is_empty() && !ran.is_healthy());
    assert_eq!((ran.monitors[0].windows.len(), ran.deliveries.len()), (1, 1), "{ran:?}");
    assert_eq!(project.count("select count(distinct window_start) from monitor.results").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_references_and_no_window_at_all() {
    let trailing = monitor("").replace("{ from: 2026-03-01, to: 2026-03-05 }", "{ trailing: 3 }");
    let project = a_week(&trailing).await;
    project.try_run(&asked(&project, "a.json"), 7).await.unwrap();
    let report = read(&project, "a.json");
    assert_eq!(report["sides"][0]["time"], serde_json::json!(["2026-03-04", "2026-03-07"]));
    project.define(&trailing.replace("window: day", "window: { rows: 5000 }").replace("name: t", "name: u"));
    let ran = project.try_run(&asked(&project, "b.json"), 7).await.unwrap();
    let error = ran.monitors[0].error.as_deref().unwrap();
    assert!(error.starts_with("HK1856") && !project.path("b.json").exists(), "{error}");
    // A window without rows.
    project.define(&trailing.replace("name: t", "name: v"));
    project.try_run(&asked(&project, "c.html"), 20).await.unwrap();
    assert!(std::fs::read_to_string(project.path("c.html")).unwrap().contains("Beside the columns: rows."));
}
