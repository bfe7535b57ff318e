//! Predictions and explanations over HTTP, by values and by keys.

use hanok_infer::Graph;
use hanok_models::{Ensemble, Predictor, RowExplainer, Table};
use hanok_serve::{Limits, ServeOptions, ServingModel};
use serde_json::{Value, json};

use crate::kit::{TestServer, feast_error};

/// Stumps on each of the features, and one tree on the first two, so that features act together.
fn document(features: &[&str], named: bool, cover: bool) -> Vec<u8> {
    let mut trees = Vec::new();
    for feature in 0..features.len() {
        let step = 1.0 + feature as f64;
        trees.push(json!({
            "outputs": [0], "feature": [feature, -1, -1], "threshold": [step, 0, 0], "missing_left": [feature % 2, 0, 0],
            "left": [1, -1, -1], "right": [2, -1, -1], "cover": [10, 4, 6], "value": [0, -0.25 * step, 0.1 + step],
        }));
    }
    trees.push(json!({
        "outputs": [0], "feature": [0, 1, -1, -1, -1], "threshold": [5, 0.3, 0, 0, 0], "left": [1, 2, -1, -1, -1],
        "right": [4, 3, -1, -1, -1], "cover": [10, 7, 3, 4, 3], "value": [0, 0, 0.5, -0.7, 0.3],
    }));
    let mut model = json!({
        "format": "hanok-trees", "version": 1, "source": "a test", "features": features.len(), "compare": "f64",
        "base": [0.125], "divisor": 1, "link": "logistic", "trees": trees,
    });
    if named {
        model["feature_names"] = json!(features);
    }
    if !cover {
        for tree in model["trees"].as_array_mut().unwrap() {
            tree.as_object_mut().unwrap().remove("cover");
        }
    }
    model.to_string().into_bytes()
}

fn ensemble(features: &[&str]) -> Ensemble {
    hanok_models::read(&document(features, true, true)).unwrap()
}

fn predicted(ensemble: &Ensemble, rows: &[f64]) -> Vec<f64> {
    Predictor::new(ensemble).predict(&Table::from_rows(rows, ensemble.features()), 1).unwrap()
}

/// A fixture of hanok-infer, of four features.
fn graph(name: &str) -> Graph {
    let path = format!("{}/../hanok-infer/tests/fixtures/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
    Graph::read(&std::fs::read(path).unwrap()).unwrap()
}

/// A graph of one operator over rows of so many numbers, or of any if it is 0.
fn small_graph(operator: &str, columns: u8) -> Graph {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8][..], bytes].concat();
    let columns = if columns > 0 { vec![8, columns] } else { Vec::new() };
    let shape = field(2, &[field(1, &[]), field(1, &columns)].concat());
    let tensor = field(1, &[vec![8, 1], shape].concat());
    let info = |number, name| field(number, &[field(1, name), field(2, &tensor)].concat());
    let node = field(1, &[field(1, b"x"), field(2, b"y"), field(4, operator.as_bytes())].concat());
    Graph::read(&field(7, &[node, info(11, b"x"), info(12, b"y")].concat())).unwrap()
}

/// The predictions of an answer, to the last bit: serde_json reads some numbers with an error.
fn predictions(server: &TestServer, path: &str, body: &Value) -> Vec<f64> {
    let (status, answer) = server.send("POST", path, body.to_string().as_bytes());
    assert_eq!(status, 200, "{path} {body}: {answer}");
    let (_, list) = answer.split_once("\"predictions\":[").unwrap();
    let list = list.split("]]").next().unwrap();
    list.split([',', '[', ']']).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect()
}

/// A number as serde_json reads it.
fn read(value: f64) -> f64 {
    serde_json::from_str(&format!("{value:?}")).unwrap()
}

const STORED: [&str; 5] = ["driver__trips", "rate", "active", "temp", "hour"];

#[test]
fn every_form_of_values_is_predicted_as_the_library_does() {
    let server = TestServer::start();
    let names = ["a", "b", "c"];
    server.serve_models([ServingModel::new("m", 1, ensemble(&names))]);
    let rows = [0.5, 2.5, f64::NAN, 7.0, -0.25, 1e300, f64::INFINITY, 1.0, -3.0];
    let expected = predicted(&ensemble(&names), &rows);
    let bodies = [
        json!({"columns": names, "rows": [[0.5, 2.5, null], [7, -0.25, 1e300], ["Infinity", true, -3]]}),
        json!({"rows": [[null, 2.5, 0.5], [1e300, -0.25, 7], ["NaN", true, "Infinity"]], "columns": ["c", "b", "a"]}),
        json!({"instances": [
            {"a": 0.5, "b": 2.5, "c": null}, {"c": 1e300, "a": 7, "b": -0.25}, {"b": 1, "c": -3, "a": "Infinity"},
        ]}),
        json!({"dataframe_split": {"index": [0, 1, 2], "columns": names,
            "data": [[0.5, 2.5, null], [7, -0.25, 1e300], ["Infinity", 1, -3]]}}),
        json!({"dataframe_records": [
            {"a": 0.5, "b": 2.5, "c": null}, {"a": 7, "b": -0.25, "c": 1e300}, {"a": "Infinity", "b": 1, "c": -3},
        ], "params": {"unknown": 1}}),
    ];
    for (at, body) in bodies.iter().enumerate() {
        let answer = server.ask("/predict/m", body);
        assert_eq!((&answer["model"], &answer["outputs"]), (&json!("m@1"), &json!(["0"])));
        let found = predictions(&server, "/predict/m", body);
        // The second body has NaN in the last row where the others have −3.
        let same = if at == 1 { 2 } else { 3 };
        assert_eq!(found[..same], expected[..same], "{body}");
    }
    assert_eq!(server.ask("/predict/m", &json!({"columns": names, "rows": []}))["predictions"], json!([]));
    let (_, answer) = server.send("POST", "/predict/m", bodies[0].to_string().as_bytes());
    assert!(answer.starts_with(r#"{"model":"m@1","outputs":["0"],"predictions":[["#), "{answer}");
}

#[test]
fn models_of_libraries_answer_as_the_library_said() {
    let server = TestServer::start();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../hanok-models/tests/fixtures");
    let files =
        ["xgboost-multi.ubj", "lightgbm-multi.txt", "sklearn-boosting.json", "catboost-regression.json"];
    // Few rows are explained one by one, many at once.
    for (file, count) in files.iter().flat_map(|file| [(file, 7), (file, 20)]) {
        let model = hanok_models::read(&std::fs::read(format!("{folder}/{file}")).unwrap()).unwrap();
        let (features, names) = (model.features(), model.feature_names().to_vec());
        let rows: Vec<f64> = (0..count * features).map(|at| (at * 37 % 101) as f64 / 25.0 - 2.0).collect();
        let table = Table::from_rows(&rows, features);
        let expected = Predictor::new(&model).predict(&table, 1).unwrap();
        let explained = RowExplainer::new(&model).unwrap().explain(&table, 1).unwrap();
        let outputs = model.outputs();
        server.serve_models([ServingModel::new("m", 1, model)]);
        let mut body = json!({"rows": rows.chunks(features).collect::<Vec<_>>()});
        if !names.is_empty() {
            body["columns"] = json!(names);
        }
        assert_eq!(predictions(&server, "/predict/m", &body), expected, "{file}");
        let answer = server.ask("/explain/m", &body);
        for (row, told) in answer["explanations"].as_array().unwrap().iter().enumerate() {
            for (output, told) in told.as_array().unwrap().iter().enumerate() {
                let at = row * outputs + output;
                assert_eq!(told["prediction"], read(expected[at]), "{file}");
                assert_eq!(told["base_value"], read(explained.base[output]), "{file}");
                let values = &explained.values[at * features..][..features];
                let reasons = told["reasons"].as_array().unwrap();
                let mut sorted = values.to_vec();
                sorted.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
                let sorted: Vec<f64> = sorted.into_iter().map(read).collect();
                let told: Vec<f64> =
                    reasons.iter().map(|reason| reason["contribution"].as_f64().unwrap()).collect();
                assert_eq!(told, sorted, "{file}");
            }
        }
    }
}

#[test]
fn reasons_and_the_rest_add_up_to_the_raw_value() {
    let server = TestServer::start();
    let names = ["a", "b", "c", "d"];
    server.serve_models([ServingModel::new("m", 1, ensemble(&names))]);
    let values = json!({"columns": names, "rows": [[0.5, 2.5, null, 9.0], [7, -0.25, 4, 3.5]]});
    let all = server.ask("/explain/m", &values);
    for top_k in [0, 1, 3, 4, 9] {
        let mut body = values.clone();
        let path = if top_k % 2 == 0 {
            body["top_k"] = json!(top_k);
            "/explain/m".to_owned()
        } else {
            format!("/explain/m?x=1&top_k={top_k}")
        };
        let answer = server.ask(&path, &body);
        for (row, told) in answer["explanations"].as_array().unwrap().iter().enumerate() {
            let (told, all) = (&told[0], &all["explanations"][row][0]);
            let reasons = told["reasons"].as_array().unwrap();
            assert_eq!(reasons.len(), top_k.min(4));
            assert_eq!(reasons[..], all["reasons"].as_array().unwrap()[..reasons.len()]);
            let number = |value: &Value| value.as_f64().unwrap();
            let sum: f64 = reasons.iter().map(|reason| number(&reason["contribution"])).sum();
            let sum = number(&told["base_value"]) + sum + number(&told["rest"]);
            assert!((sum - number(&told["raw"])).abs() < 1e-5, "{told}");
            let linked = 1.0 / (1.0 + (-number(&told["raw"])).exp());
            assert!((linked - number(&told["prediction"])).abs() < 1e-12, "{told}");
        }
    }
    assert!(all["explanations"][0][0].get("rest").is_none());
    let of_c = |reason: &&Value| reason["feature"] == "c";
    let reasons = all["explanations"][0][0]["reasons"].as_array().unwrap();
    assert_eq!(reasons.iter().find(of_c).unwrap()["value"], Value::Null);
    assert_eq!(
        reasons.iter().map(|reason| &reason["feature"]).filter(|name| **name == json!("d")).count(),
        1
    );
}

#[test]
fn features_are_looked_up_by_entity_keys() {
    let server = TestServer::start();
    server.serve_models([ServingModel::new("stored", 1, ensemble(&STORED[..4]))]);
    let entities = json!({"driver_id": [1, 2, 9, 3], "origin": ["JFK", "OLD", "LAX", "LAX"]});
    let nan = f64::NAN;
    let rate = f64::from(0.229_f32);
    #[rustfmt::skip]
    let rows = [
        10.0, rate, 1.0, 3.5,
        nan, nan, nan, nan,
        nan, nan, nan, 20.0,
        i64::MAX as f64, nan, 0.0, 20.0,
    ];
    let expected = predicted(&ensemble(&STORED[..4]), &rows);
    let missing = json!([
        {"features": ["driver__trips", "rate", "active"], "status": "NOT_FOUND", "rows": [2]},
        {"features": ["temp"], "status": "OUTSIDE_MAX_AGE", "rows": [1]},
    ]);
    let features =
        ["driver:rate", "weather:temp", "driver:name", "driver:trips", "driver:active", "driver:rate"];
    for body in [json!({"entities": entities}), json!({"entities": entities, "features": features})] {
        let answer = server.ask("/predict/stored", &body);
        assert_eq!(predictions(&server, "/predict/stored", &body), expected, "{body}");
        assert_eq!(answer["missing"], missing, "{body}");
        let explained = server.ask("/explain/stored?top_k=2", &body);
        assert_eq!(explained["missing"], missing);
        assert_eq!(explained["explanations"][0][0]["prediction"], read(expected[0]));
        assert_eq!(explained["explanations"][3][0]["reasons"].as_array().unwrap().len(), 2);
    }
    let (_, metrics) = server.send("GET", "/metrics", b"");
    assert!(
        metrics.contains("hanok_model_requests_total{route=\"predict\",status=\"200\"} 4\n"),
        "{metrics}"
    );
    assert!(metrics.contains("hanok_model_rows_total{route=\"explain\"} 8\n"), "{metrics}");
    assert!(metrics.contains("hanok_model_request_seconds_count{route=\"explain\"} 2\n"), "{metrics}");
    assert!(metrics.contains("hanok_requests_total{status=\"200\"} 0\n"), "{metrics}");
}

#[test]
fn a_service_and_values_of_the_request_come_together() {
    let server = TestServer::start();
    let names = ["weather__temp", "dest_weather__temp", "delay", "hour"];
    server.serve_models([
        ServingModel::new("route", 1, ensemble(&names)),
        ServingModel::new("mixed", 1, ensemble(&STORED)),
        ServingModel::new("planned", 1, ensemble(&["plan!", "driver__trips"])),
    ]);
    let body = json!({
        "entities": {"origin": ["JFK", "LGA"], "dest": ["LAX", "ORD"]}, "feature_service": "both_ends",
        "columns": ["hour"], "rows": [[7.5], [null]],
    });
    let answer = server.ask("/predict/route", &body);
    let nan = f64::NAN;
    let rows = [3.5, 20.0, 1.5, 7.5, nan, nan, 2.0, nan];
    assert_eq!(predictions(&server, "/predict/route", &body), predicted(&ensemble(&names), &rows));
    assert_eq!(
        answer["missing"][0],
        json!({"features": ["weather__temp"], "status": "NOT_FOUND", "rows": [1]})
    );
    // Features are left out: what the request brings is not looked up.
    let entities = json!({"driver_id": [1], "origin": ["JFK"]});
    let body = json!({"entities": entities, "instances": [{"hour": 3, "temp": -1.5}]});
    let answer = server.ask("/predict/mixed", &body);
    let rows = [10.0, f64::from(0.229_f32), 1.0, -1.5, 3.0];
    assert_eq!(predictions(&server, "/predict/mixed", &body), predicted(&ensemble(&STORED), &rows));
    assert_eq!(answer["missing"], json!([]));
    // Registered, but not materialized yet.
    let answer = server.ask("/predict/planned", &json!({"entities": {"driver_id": [1, 2]}}));
    assert_eq!(answer["missing"], json!([{"features": ["plan!"], "status": "NOT_FOUND", "rows": [0, 1]}]));
}

#[test]
fn a_feature_is_also_found_by_the_name_that_loading_makes_of_it() {
    let server = TestServer::start();
    let names = ["seats (max)", "temp!", "b c", "b-c"];
    server.serve_models([ServingModel::new("m", 1, ensemble(&names))]);
    let expected = predicted(&ensemble(&names), &[2.5, 3.5, 1.0, 2.0]);
    let columns = ["temp", "seats_max", "b-c", "b c"];
    let body = json!({"columns": columns, "rows": [[3.5, 2.5, 2, 1]]});
    assert_eq!(predictions(&server, "/predict/m", &body), expected);
    let values = json!({"seats (max)": 2.5, "b c": 1, "b-c": 2});
    let body = json!({"entities": {"origin": ["JFK"]}, "instances": [values]});
    assert_eq!(predictions(&server, "/predict/m", &body), expected);
    // What two features would be called is nobody's name.
    let body = r#"{"columns":["temp","seats_max","b_c","b c"],"rows":[[1,2,3,4]]}"#;
    assert_eq!(server.refused("/predict/m", body).1, "HK1783");
    let body = r#"{"columns":["temp","temp!","b-c","b c"],"rows":[[1,2,3,4]]}"#;
    assert!(server.refused("/predict/m", body).2.contains("occurs twice"));
}

const GOOD: &str = r#"{"columns":["a","b"],"rows":[[1,2]]}"#;

/// A path, a body, and what its refusal is: status, code and a part of the message.
type Mistake = (&'static str, &'static str, u16, &'static str, &'static str);

fn check(server: &TestServer, mistakes: &[Mistake]) {
    for (path, body, status, code, part) in mistakes {
        let found = server.refused(path, body);
        assert_eq!((found.0, found.1.as_str()), (*status, *code), "{path} {body}: {}", found.2);
        assert!(found.2.contains(part), "{path} {body}: {}", found.2);
    }
    server.check_up();
}

/// A server with models of every kind.
fn server_of_models() -> TestServer {
    let server = TestServer::start();
    let unnamed = hanok_models::read(&document(&["a", "b"], false, true)).unwrap();
    let coverless = hanok_models::read(&document(&["a", "b"], true, false)).unwrap();
    server.serve_models([
        ServingModel::new("m", 1, ensemble(&["a", "b"])),
        ServingModel::new("stored", 1, ensemble(&STORED)),
        ServingModel::new("texts", 1, ensemble(&["name", "rate"])),
        ServingModel::new("unclear", 1, ensemble(&["trips", "rate"])),
        ServingModel::new("unnamed", 1, unnamed),
        ServingModel::new("coverless", 1, coverless),
        ServingModel::broken("damaged", 4, "its file is gone"),
    ]);
    server
}

#[test]
fn graphs_predict_as_they_do_anywhere() {
    let server = TestServer::start();
    let (trees, before) = graph("scaled-forest").split_trees().unwrap();
    let outputs = trees.outputs();
    server.serve_models([
        ServingModel::graph("network", 1, graph("network")),
        ServingModel::graph("columns", 1, graph("columns")),
        ServingModel::prepared("forest", 1, before, trees),
    ]);
    let rows: Vec<f64> = (0..28).map(|at| f64::from(at * 37 % 101) / 25.0 - 2.0).collect();
    let lists: Vec<&[f64]> = rows.chunks(4).collect();
    let backwards: Vec<Vec<f64>> = lists.iter().map(|row| row.iter().rev().copied().collect()).collect();
    let names = ["column_3", "column_2", "column_1", "column_0"];
    for (path, file, body) in [
        ("/predict/network", "network", json!({"rows": lists})),
        ("/predict/columns", "columns", json!({"columns": names, "rows": backwards})),
        ("/predict/forest", "scaled-forest", json!({"rows": lists})),
    ] {
        let found = predictions(&server, path, &body);
        let whole = graph(file).predict(&rows, 4).unwrap();
        // Trees that are taken off have an output for the second of two classes only.
        let outputs = if file == "scaled-forest" { outputs } else { whole.len() / 7 };
        let last = |row: &[f64]| row[row.len() - outputs..].to_vec();
        let expected: Vec<f64> = whole.chunks(whole.len() / 7).flat_map(last).collect();
        assert_eq!(found.len(), expected.len(), "{path}");
        assert!(
            found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 3e-6),
            "{path}: {found:?} {expected:?}"
        );
        if file != "scaled-forest" {
            assert_eq!(found, expected, "{path}");
        }
        let (none, names) = (json!({"rows": []}), json!({"columns": names, "rows": []}));
        let answer = server.ask(path, if file == "columns" { &names } else { &none });
        assert_eq!(
            (&answer["predictions"], answer["outputs"].as_array().unwrap().len()),
            (&json!([]), outputs)
        );
    }
}

#[test]
fn what_graphs_cannot_do_is_told() {
    let server = TestServer::start();
    let (trees, before) = graph("scaled-forest").split_trees().unwrap();
    server.serve_models([
        ServingModel::graph("network", 1, graph("network")),
        ServingModel::prepared("forest", 1, before, trees),
        ServingModel::graph("open", 1, small_graph("Relu", 0)),
        ServingModel::graph("torn", 1, small_graph("ReduceSum", 2)),
    ]);
    let four = r#"{"rows":[[1,2,3,4]]}"#;
    check(
        &server,
        &[
            ("/explain/network", four, 422, "HK1785", "known by its answers only"),
            ("/explain/forest", four, 422, "HK1785", "covers"),
            ("/predict/network", r#"{"rows":[[1,2,3]]}"#, 422, "HK1783", "3 values where 4"),
            ("/predict/network", r#"{"columns":["a"],"rows":[[1]]}"#, 422, "HK1783", "no feature names"),
            ("/predict/open", four, 503, "HK1781", "leaves open how many columns"),
            ("/predict/torn", r#"{"rows":[[1,2]]}"#, 422, "HK1651", "ReduceSum: the axis is no constant"),
        ],
    );
    let (_, answer) = server.send("POST", "/explain/network", four.as_bytes());
    assert!(answer.contains("\"hint\":") && answer.contains("--background"), "{answer}");
}

#[test]
fn unknown_models_and_broken_bodies_are_told_apart() {
    let server = server_of_models();
    let mistakes = [
        ("/predict/x", GOOD, 404, "HK1780", "`x`"),
        ("/predict/m@2", GOOD, 404, "HK1780", "`m@2`"),
        ("/predict/", GOOD, 404, "HK1780", "``"),
        ("/predict/%ED%95%9C", GOOD, 404, "HK1780", "`한`"),
        ("/predict/m%zz", GOOD, 404, "HK1780", "`m%zz`"),
        ("/predict/damaged", GOOD, 503, "HK1781", "damaged@4 could not be loaded: its file is gone"),
        ("/predict/m", "", 400, "HK1782", "line 1"),
        ("/predict/m", "[]", 400, "HK1782", ""),
        ("/predict/m", "{}", 400, "HK1782", "neither `rows`, `instances` nor `entities`"),
        ("/predict/m", r#"{"columns":["a","b"]}"#, 400, "HK1782", "`columns` without `rows`"),
        (
            "/predict/m",
            r#"{"features":["driver:rate"],"rows":[[1]]}"#,
            400,
            "HK1782",
            "`entities` is missing",
        ),
        ("/predict/m", r#"{"rows":[[1,2]],"rows":[[1,2]]}"#, 400, "HK1782", "values occur twice"),
        ("/predict/m", r#"{"rows":[[1,2]],"instances":[{"a":1}]}"#, 400, "HK1782", "values occur twice"),
        (
            "/predict/m",
            r#"{"columns":["a"],"columns":["a"],"rows":[]}"#,
            400,
            "HK1782",
            "`columns` occurs twice",
        ),
        ("/predict/m", r#"{"columns":["a"],"instances":[{"a":1}]}"#, 400, "HK1782", "beside"),
        ("/predict/m", r#"{"columns":["a","b"],"rows":[[1,2]]} x"#, 400, "HK1782", "trailing"),
        ("/predict/m", r#"{"columns":["a","b"],"rows":[1,2]}"#, 400, "HK1782", "a row"),
        ("/predict/m", r#"{"instances":[{"a":1,"b":2},[1,2]]}"#, 400, "HK1782", "a list among objects"),
        ("/predict/m", r#"{"instances":[[1,2],{"a":1,"b":2}]}"#, 400, "HK1782", "an object among lists"),
        ("/predict/m", r#"{"columns":["a","b"],"rows":[[1,2]],"top_k":-1}"#, 400, "HK1782", ""),
        ("/explain/m?top_k=x", GOOD, 400, "HK1782", "`top_k`"),
    ];
    check(&server, &mistakes);
    let (status, answer) = server.send("GET", "/predict/m", b"");
    assert_eq!((status, answer.contains("\"code\":\"HK0804\"")), (405, true), "{answer}");
    let (status, answer) = server.send("POST", "/predict", GOOD.as_bytes());
    assert_eq!((status, feast_error(&answer).0), (404, "FeastError".to_owned()));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let server = server_of_models();
    let mistakes = [
        ("/predict/m", r#"{"columns":["a","b"],"rows":[[1,1e999]]}"#, 422, "HK1783", "beyond the range"),
        ("/predict/m", r#"{"rows":[[1,2]]}"#, 422, "HK1783", "send `columns`"),
        ("/predict/m", r#"{"columns":["a"],"rows":[[1]]}"#, 422, "HK1783", "the feature `b`"),
        ("/predict/m", r#"{"columns":["a","b","c"],"rows":[[1,2,3]]}"#, 422, "HK1783", "`c` is none"),
        ("/predict/m", r#"{"columns":["a","b","a"],"rows":[[1,2,3]]}"#, 422, "HK1783", "`a` occurs twice"),
        ("/predict/m", r#"{"instances":[{"a":1,"b":2,"a":3}]}"#, 422, "HK1783", "`a` occurs twice"),
        ("/predict/m", r#"{"instances":[{"a":1,"b":2},{"a":1,"a":3}]}"#, 422, "HK1783", "`a` occurs twice"),
        ("/predict/m", r#"{"instances":[{"a":1,"b":2},{"b":1}]}"#, 422, "HK1783", "instance 1"),
        ("/predict/m", r#"{"instances":[{"a":1,"b":2},{"b":1,"c":1}]}"#, 422, "HK1783", "`c`"),
        (
            "/predict/m",
            r#"{"columns":["a","b"],"rows":[[1,2],[1]]}"#,
            422,
            "HK1783",
            "row 1 has 1 values where 2",
        ),
        ("/predict/m", r#"{"columns":["a","b"],"rows":[[1]]}"#, 422, "HK1783", "row 0 has 1 values where 2"),
        (
            "/predict/m",
            r#"{"columns":["a","b"],"rows":[[1,2],[1,"x"]]}"#,
            422,
            "HK1783",
            "value 1 of row 1 is a string",
        ),
        ("/predict/m", r#"{"columns":["a","b"],"rows":[[1,[2]]]}"#, 422, "HK1783", "a list"),
        ("/predict/m", r#"{"instances":[{"a":1,"b":{}}]}"#, 422, "HK1783", "value `b` of row 0 is an object"),
        ("/predict/unnamed", GOOD, 422, "HK1783", "no feature names"),
        ("/predict/unnamed", r#"{"entities":{"driver_id":[1]}}"#, 422, "HK1783", "no feature names"),
        ("/predict/unnamed", r#"{"rows":[[1,2,3]]}"#, 422, "HK1783", "3 values where 2"),
        ("/explain/coverless", GOOD, 422, "HK1785", "covers"),
    ];
    check(&server, &mistakes);
    let answer = server.ask("/predict/coverless", &serde_json::from_str(GOOD).unwrap());
    assert_eq!(answer["model"], "coverless@1");
}

#[test]
fn lookups_that_do_not_fit_are_refused() {
    let server = server_of_models();
    let mistakes = [
        (
            "/predict/stored",
            r#"{"entities":{"driver_id":[1,2],"origin":["JFK","JFK"]},"columns":["hour"],"rows":[[1]]}"#,
            422,
            "HK1783",
            "1 rows of values for 2 entities",
        ),
        ("/predict/stored", r#"{"entities":{"driver_id":[1],"origin":["JFK"]}}"#, 422, "HK1784", "`hour`"),
        (
            "/predict/stored",
            r#"{"entities":{"driver_id":[1]},"features":["driver:rate"],"instances":[{"hour":1}]}"#,
            422,
            "HK1784",
            "`driver__trips`",
        ),
        (
            "/predict/m",
            r#"{"entities":{"driver_id":[1]},"features":["driver:rate"],"instances":[{"a":1}]}"#,
            422,
            "HK1784",
            "`b`",
        ),
        ("/predict/texts", r#"{"entities":{"driver_id":[1]}}"#, 422, "HK1784", "`name` is of type"),
        (
            "/predict/unclear",
            r#"{"entities":{"origin":["JFK"],"dest":["LAX"]},"feature_service":"unclear","instances":[{"rate":1}]}"#,
            422,
            "HK1784",
            "`trips`",
        ),
        (
            "/predict/stored",
            r#"{"entities":{"origin":["JFK"],"dest":["LAX"]},"feature_service":"unclear",
                "instances":[{"driver__trips":1,"rate":1,"active":1,"hour":1}]}"#,
            422,
            "HK1784",
            "any of `weather:temp`, `weather:temp`",
        ),
        (
            "/predict/unclear",
            r#"{"entities":{"driver_id":[1]}}"#,
            422,
            "HK1784",
            "`driver:trips`, `weather:trips`",
        ),
        (
            "/predict/unclear",
            r#"{"entities":{"driver_id":[1]},"features":["driver:rate"],"instances":[{"rate":1,"trips":2}]}"#,
            422,
            "HK1784",
            "the column `rate`, `driver:rate`",
        ),
        (
            "/predict/stored",
            r#"{"entities":{"driver_id":[1]},"instances":[{"hour":1}]}"#,
            422,
            "HK0805",
            "`origin`",
        ),
        (
            "/predict/stored",
            r#"{"entities":{"driver_id":["x"],"origin":["JFK"]},"instances":[{"hour":1}]}"#,
            422,
            "HK0805",
            "`driver_id`",
        ),
        ("/predict/stored", r#"{"entities":{"driver_id":[1]},"features":["x:y"]}"#, 404, "HK0804", "`x`"),
        ("/predict/stored", r#"{"entities":{"driver_id":[1]},"feature_service":"x"}"#, 404, "HK0804", "`x`"),
    ];
    check(&server, &mistakes);
}

#[test]
fn limits_are_told_as_413() {
    let limits =
        Limits { body_bytes_max: 2_000, entities_max: 10, features_max: 3, values_max: 20, reasons_max: 10 };
    let server = TestServer::start_with(ServeOptions { limits, ..ServeOptions::default() });
    server.serve_models([
        ServingModel::new("m", 1, ensemble(&["a", "b", "c"])),
        ServingModel::new("stored", 1, ensemble(&STORED[..4])),
    ]);
    let rows = |count: usize| json!({"columns": ["a", "b", "c"], "rows": vec![[1, 2, 3]; count]}).to_string();
    for (path, body) in [
        ("/predict/m", rows(11)),
        ("/predict/m", rows(7)),
        ("/explain/m", rows(4)),
        ("/explain/m?top_k=1", rows(4)),
        ("/predict/m", rows(300)),
        ("/predict/stored", r#"{"entities":{"driver_id":[1],"origin":["JFK"]}}"#.to_owned()),
    ] {
        let found = server.refused(path, &body);
        assert_eq!((found.0, found.1.as_str()), (413, "HK0803"), "{path} {body}: {}", found.2);
    }
    assert_eq!(server.send("POST", "/predict/m", rows(6).as_bytes()).0, 200);
    assert_eq!(server.send("POST", "/explain/m", rows(3).as_bytes()).0, 200);
}

#[test]
fn a_name_is_its_newest_version_and_new_ones_show_without_a_restart() {
    let server = TestServer::start();
    let body = json!({"instances": [{"a": 1, "b": 2}]});
    assert_eq!(server.refused("/predict/m", &body.to_string()).0, 404);
    let version = |version| ServingModel::new("m", version, ensemble(&["a", "b"]));
    server.serve_models([version(2), version(11), version(10)]);
    let model = |path: &str| server.ask(path, &body)["model"].clone();
    assert_eq!(model("/predict/m"), "m@11");
    assert_eq!(model("/predict/m@2"), "m@2");
    assert_eq!(model("/predict/m%402"), "m@2");
    // The same shape of request, other features.
    server.serve_models([ServingModel::new("m", 12, ensemble(&["b", "a"]))]);
    assert_eq!(model("/explain/m"), "m@12");
    assert_eq!(server.refused("/predict/m@11", &body.to_string()).0, 404);
    assert_eq!(predictions(&server, "/predict/m", &body), predicted(&ensemble(&["b", "a"]), &[2.0, 1.0]));
}
