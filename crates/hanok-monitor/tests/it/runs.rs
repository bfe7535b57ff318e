//! Windows, states and what is recorded.

use arrow::array::AsArray as _;
use arrow::datatypes::Float64Type;
use hanok_catalog::BranchKind;
use hanok_drift::outputs::{Metric, Regressed, chunks, dle};
use hanok_drift::profile::TableProfile;
use hanok_lake::ForkRequest;
use hanok_monitor::{MonitorError, Notice, Request, status};
use hanok_types::BranchName;

use crate::{Project, days, lines, monitor};

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_recorded_once_and_alerts_come_and_go() {
    let project = Project::new(&monitor("after: 2, clear_after: 2")).await;
    // Days 0 to 3 are the reference; 6, 7 and 8 are bad.
    project.add(0..5, |_| 0.0, 0).await;
    let ran = project.run(5).await;
    let [t] = &ran.monitors[..] else { panic!("{ran:?}") };
    assert_eq!((t.windows.len(), t.windows[0].rows, t.windows[0].reference_rows), (1, 200, 800));
    assert!(ran.is_healthy() && t.windows[0].found.is_empty(), "{ran:?}");
    // rows; missing, values and range of x; missing and values of room.
    assert_eq!(t.windows[0].checks, 6);
    // Again: nothing is due.
    assert!(project.run(5).await.monitors[0].windows.is_empty());
    project.add(5..11, |day| if (6..9).contains(&day) { 3.0 } else { 0.0 }, 0).await;
    // Days 5, 6 and 7 at once; the alarm is raised by day 7.
    let ran = project.run(8).await;
    let windows = &ran.monitors[0].windows;
    assert_eq!(
        windows.iter().map(|window| window.window).collect::<Vec<_>>(),
        [days(5..6), days(6..7), days(7..8)]
    );
    assert!(windows[1].found.iter().all(|found| found.is_bad && found.alert.is_none()));
    assert!(windows[2].found.iter().any(|found| found.alert == Some(Notice::Raised)), "{windows:?}");
    assert!(!ran.is_healthy() && ran.deliveries.len() == 1);
    let told = lines(&project.path("alerts.jsonl"));
    assert_eq!((told.len(), &told[0]["monitor"], &told[0]["severity"]), (1, &"t".into(), &"warning".into()));
    assert_eq!(told[0]["window"]["start"], "2026-03-08T00:00:00Z");
    assert_eq!(told[0]["findings"][0]["since"], "2026-03-07T00:00:00Z");
    // Day 8 is bad, day 9 good: nothing to tell.
    let ran = project.run(10).await;
    assert!(ran.deliveries.is_empty() && !ran.monitors[0].alarms.is_empty());
    // Day 10 is the second good one.
    let ran = project.run(11).await;
    assert!(ran.is_healthy() && ran.deliveries.len() == 1, "{ran:?}");
    let told = lines(&project.path("alerts.jsonl"));
    assert_eq!((told.len(), &told[1]["findings"][0]["alert"]), (2, &"cleared".into()));
    // One row a window, column and aspect.
    let windows = project
        .sql("select window_start, count(*) from monitor.results group by 1 having count(*) <> 6")
        .await;
    assert_eq!(windows, [] as [String; 0]);
    assert_eq!(project.count("select count(*) from monitor.results").await, 7 * 6);
    let alerts = "select distinct alert, cast(window_start as date) from monitor.alerts order by 2";
    assert_eq!(project.sql(alerts).await, ["raised 2026-03-08", "cleared 2026-03-11"]);
    let states = "select state from monitor.results where column_name = 'x' and aspect = 'values' order by window_start";
    assert_eq!(project.sql(states).await, ["ok", "ok", "pending", "alarming", "alarming", "alarming", "ok"]);
    assert_eq!(project.count("select count(*) from monitor.deliveries where delivered").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_without_rows_is_bad_and_says_nothing_of_columns() {
    let project = Project::new(&monitor("")).await;
    project.add(0..5, |_| 0.0, 0).await;
    project.add(6..7, |_| 3.0, 2).await;
    project.run(5).await;
    let ran = project.run(6).await;
    let [alarm] = &ran.monitors[0].alarms[..] else { panic!("{ran:?}") };
    assert_eq!((alarm.column.as_deref(), alarm.aspect.as_str(), alarm.value), (None, "rows", Some(0.0)));
    assert_eq!(ran.monitors[0].windows[0].undecided, 5);
    // The rows are back; their values and what is missing are other ones.
    let ran = project.run(7).await;
    let alarms: Vec<_> = ran.monitors[0].alarms.iter().map(|alarm| alarm.aspect.as_str()).collect();
    assert_eq!(alarms, ["missing", "range", "values"], "{ran:?}");
    assert!(ran.monitors[0].windows[0].found.iter().any(|found| found.alert == Some(Notice::Cleared)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_recorded_and_told_to_nobody() {
    let project = Project::new(&monitor("")).await;
    project.add(0..10, |day| if day > 5 { 3.0 } else { 0.0 }, 0).await;
    let past = |range| Request { range: Some(days(range)), ..Request::default() };
    let ran = project.try_run(&past(6..8), 10).await.unwrap();
    assert_eq!(
        (ran.monitors[0].windows.len(), ran.deliveries.len(), ran.monitors[0].alarms.len()),
        (2, 0, 2)
    );
    // Before what is recorded: out of turn, and without a state. What is recorded is left alone.
    let ran = project.try_run(&past(4..8), 10).await.unwrap();
    assert_eq!(
        ran.monitors[0].windows.iter().map(|window| window.in_turn).collect::<Vec<_>>(),
        [false, false]
    );
    assert_eq!(project.count("select count(distinct window_start) from monitor.results").await, 4);
    assert_eq!(project.count("select count(*) from monitor.results where state is null").await, 12);
    assert_eq!(project.count("select count(*) from monitor.alerts").await, 0);
    // Without a record, and without a whole window.
    let dry = Request { is_dry: true, ..Request::default() };
    assert_eq!(project.try_run(&dry, 10).await.unwrap().monitors[0].windows.len(), 2);
    assert_eq!(project.count("select count(distinct window_start) from monitor.results").await, 4);
    let narrow = project.try_run(&past(20..21), 10).await.unwrap();
    assert!(narrow.monitors[0].error.as_deref().unwrap().starts_with("HK1856"), "{narrow:?}");
    // The next window tells of the alarm that nobody was told of.
    let ran = project.run(9).await;
    assert_eq!((ran.deliveries.len(), lines(&project.path("alerts.jsonl")).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn references_trail_or_are_versions_and_branches() {
    let yaml = |reference: &str| monitor("").replace("{ from: 2026-03-01, to: 2026-03-05 }", reference);
    let project = Project::new(&yaml("{ trailing: 3 }")).await;
    project.add(0..6, |day| if day == 5 { 3.0 } else { 0.0 }, 0).await;
    let window = project.run(6).await.monitors[0].windows[0].clone();
    assert_eq!((window.rows, window.reference_rows, window.found.len()), (200, 600, 2), "{window:?}");
    project.add(6..8, |_| 3.0, 0).await;
    project.define(&yaml("{ version: 0 }"));
    let window = project.run(7).await.monitors[0].windows[0].clone();
    assert_eq!((window.rows, window.reference_rows), (200, 1200));
    project.define(&yaml("{ branch: dev, from: 2026-03-06, to: 2026-03-07 }"));
    let ran = project.run(8).await;
    assert!(ran.monitors[0].error.is_some() && !ran.is_healthy(), "{ran:?}");
    let dev = ForkRequest {
        name: BranchName::new("dev").unwrap(),
        kind: BranchKind::Branch,
        as_of: None,
        tables: None,
        expires_us: None,
        created_by: String::new(),
    };
    project.lake.fork(&dev).await.unwrap();
    let window = project.run(8).await.monitors[0].windows[0].clone();
    // The window is as that day was.
    assert!(window.reference_rows == 200 && window.found.iter().all(|found| !found.is_bad), "{window:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_profile_is_a_reference() {
    let project =
        Project::new(&monitor("").replace("{ from: 2026-03-01, to: 2026-03-05 }", "{ profile: first.json }"))
            .await;
    project.add(0..6, |day| if day == 5 { 3.0 } else { 0.0 }, 0).await;
    let error = project.run(5).await.monitors[0].error.clone().unwrap();
    assert!(error.starts_with("HK0005") && error.contains("first.json"), "{error}");
    let sql = "select x, room, 1 as gone from raw.t where at < '2026-03-05T00:00:00Z'";
    let mut stream = project.session().sql(sql).await.unwrap();
    let mut profile = TableProfile::new(&stream.schema()).unwrap();
    while let Some(batch) = stream.next().await.unwrap() {
        profile.update(&batch, 1).unwrap();
    }
    std::fs::write(project.path("first.json"), profile.to_json().unwrap()).unwrap();
    let found = async |day| {
        let window = project.run(day).await.monitors[0].windows[0].clone();
        let found: Vec<_> = window.found.iter().map(|found| found.aspect.clone()).collect();
        (window.rows, window.reference_rows, found.join(" "))
    };
    assert_eq!(found(5).await, (200, 800, "schema".to_owned()));
    assert_eq!(found(6).await, (200, 800, "schema values range".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn predictions_are_measured_by_labels() {
    let performance = "    sql: \"select *, x + 0.1 as y from raw.t\"\n    performance: { prediction: x, label: y, task: regression, margin: 0.05 }\n";
    let yaml = monitor("").replace("    table: raw.t\n", performance);
    let project = Project::new(&yaml).await;
    project.add(0..6, |_| 0.0, 0).await;
    let checks = "select aspect, measure, round(value, 6), verdict from monitor.results where aspect = 'performance' order by window_start";
    project.run(5).await;
    assert_eq!(project.sql(checks).await, ["performance rmse 0.1 stable"]);
    project.define(
        &yaml.replace("x + 0.1 as y", "x + case when at < '2026-03-06T00:00:00Z' then 0.1 else 0.4 end as y"),
    );
    let ran = project.run(6).await;
    assert_eq!(project.sql(checks).await[1], "performance rmse 0.4 drifted");
    assert!(ran.monitors[0].alarms.iter().any(|alarm| alarm.aspect == "performance"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_regression_are_expected_before_labels_come() {
    // The error is large in the room `a`, where all rows of day 5 are; its labels are not known yet.
    let moved = "case when at >= '2026-03-06T00:00:00Z' then 'a' else room end as place";
    let label = "case when at >= '2026-03-06T00:00:00Z' then null else x + case room when 'a' then 1 else 0.1 end * (x * 977 - floor(x * 977)) end as y";
    let sql = format!("select at, x, {moved}, {label} from raw.t");
    let performance = format!(
        "    sql: \"{sql}\"\n    performance: {{ prediction: x, label: y, task: regression, metric: mae, features: [place] }}\n"
    );
    let yaml = monitor("").replace("    table: raw.t\n", &performance);
    let project = Project::new(&yaml).await;
    project.add(0..6, |_| 0.0, 0).await;
    project.run(5).await;
    let ran = project.run(6).await;
    let alarms: Vec<_> = ran.monitors[0].alarms.iter().map(|alarm| alarm.aspect.as_str()).collect();
    assert!(alarms.contains(&"estimated_performance") && !alarms.contains(&"performance"), "{ran:?}");
    let verdicts = "select aspect, measure, verdict from monitor.results where aspect like '%performance' order by window_start, aspect desc";
    assert_eq!(
        project.sql(verdicts).await,
        [
            "performance mae stable",
            "estimated_performance mae stable",
            "performance mae undecided",
            "estimated_performance mae drifted"
        ]
    );
    // What hanok-drift says of the same rows: the reference in chunks of a fifth, the window as one.
    let of = async |from: i64, to: i64| {
        let span = days(from..to);
        let rows = format!(
            "select x, y, place from ({sql}) where at >= to_timestamp_micros({}) and at < to_timestamp_micros({}) order by at",
            span.start_us, span.end_us
        );
        let batches = project.session().sql(&rows).await.unwrap().collect().await.unwrap();
        let number = |column: usize| -> Vec<f64> {
            let values =
                batches.iter().flat_map(|batch| batch.column(column).as_primitive::<Float64Type>().iter());
            values.map(|value| value.unwrap_or(f64::NAN)).collect()
        };
        (number(0), number(1), batches)
    };
    let (before, now) = (of(0, 4).await, of(5, 6).await);
    let (parts, whole) = (chunks(800, 160), chunks(200, 200));
    assert_eq!((before.0.len(), now.0.len()), (800, 200));
    let reference =
        Regressed { features: &before.2, predictions: &before.0, labels: Some(&before.1), chunks: &parts };
    let current = Regressed { features: &now.2, predictions: &now.0, labels: None, chunks: &whole };
    let found = dle(reference, current, &["place"]).unwrap();
    let found = found.metric(Metric::Mae).unwrap();
    let recorded = format!(
        "select count(*) from monitor.results where aspect = 'estimated_performance' and verdict = 'drifted' and abs(value - {}) < 1e-12 and abs(threshold - {}) < 1e-12",
        found.current[0].estimate.unwrap(),
        found.upper.unwrap()
    );
    assert_eq!(project.count(&recorded).await, 1, "{found:?}");
    // A feature that nobody has.
    project.define(&yaml.replace("[place]", "[room]"));
    let error = project.run(7).await.monitors[0].error.clone().unwrap();
    assert!(error.starts_with("HK1852") && error.contains("room"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_of_rows_tile_the_table() {
    let project = Project::new(&monitor("").replace("window: day", "window: { rows: 150 }")).await;
    project.add(0..8, |_| 0.0, 0).await;
    let ran = project.run(20).await;
    let windows = &ran.monitors[0].windows;
    // Four days of 200 after the reference; the last window waits for the row that ends it.
    assert_eq!(windows.iter().map(|window| window.rows).collect::<Vec<_>>(), [150; 5]);
    assert!(windows.windows(2).all(|pair| pair[0].window.end_us == pair[1].window.start_us));
    project.add(8..9, |_| 0.0, 0).await;
    assert_eq!(project.run(20).await.monitors[0].windows.len(), 1);
    assert_eq!(project.count("select sum(rows) from monitor.results where aspect = 'rows'").await, 900);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_said_and_does_not_stop_the_others() {
    let project = Project::new(&monitor("")).await;
    project.add(0..6, |_| 0.0, 0).await;
    let yaml = |line: &str| monitor("").replace("    time: at\n", line);
    for (yaml, code) in [
        (yaml("    time: at\n    columns: [y]\n"), "HK1852"),
        (yaml("    time: x\n"), "HK1852"),
        (yaml("    time: when\n"), "HK1852"),
        (yaml("    time: at\n    exclude: [x, room]\n"), "HK1852"),
        (yaml("    time: at\n").replace("raw.t", "raw.u"), "HK0401"),
    ] {
        let other = monitor("").split_once("monitors:\n").unwrap().1.replace("name: t", "name: other");
        project.define(&format!("{yaml}{other}"));
        let ran = project.try_run(&Request { is_dry: true, ..Request::default() }, 6).await.unwrap();
        let error = ran.monitors[0].error.as_deref().unwrap();
        assert!(error.starts_with(code), "{yaml}: {error}");
        assert_eq!((ran.monitors[1].windows.len(), ran.monitors[1].error.as_deref()), (1, None));
    }
    let unknown = Request { names: vec!["u".to_owned()], ..Request::default() };
    assert!(matches!(project.try_run(&unknown, 6).await, Err(MonitorError::Unknown { .. })));
    let lock = std::fs::File::options().create(true).append(true).open(project.path("monitor.lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(project.try_run(&Request::default(), 6).await, Err(MonitorError::Busy)));
}

#[tokio::test(flavor = "multi_thread")]
async fn how_monitors_stand() {
    let project = Project::new(&monitor("after: 2")).await;
    project.add(0..8, |day| if day > 4 { 3.0 } else { 0.0 }, 0).await;
    let stands = async || {
        let definitions = hanok_monitor::read_definitions(project.folder.path()).unwrap();
        let [status] = &status(&project.session(), &definitions, &[]).await.unwrap()[..] else { panic!() };
        (status.state, status.alarms.len(), status.last)
    };
    assert_eq!(stands().await, ("new", 0, None));
    project.run(5).await;
    assert_eq!(stands().await, ("ok", 0, Some(days(4..5))));
    project.run(6).await;
    assert_eq!(stands().await, ("pending", 0, Some(days(5..6))));
    project.run(7).await;
    assert_eq!(stands().await, ("alarming", 2, Some(days(6..7))));
}
