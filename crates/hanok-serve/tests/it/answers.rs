//! What a good request gets.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use serde_json::{Value, json};

use crate::kit::{TestServer, column, put, read_answer, stamps};

#[test]
fn an_answer_is_byte_for_byte_as_documented() {
    let server = TestServer::start();
    let body = r#"{"entities":{"driver_id":[1,9999]},"features":["driver:trips"],"feature_service":null,
        "full_feature_names":false,"include_feature_view_version_metadata":true}"#;
    let (status, answer) = server.send("POST", "/get-online-features", body.as_bytes());
    assert_eq!(status, 200);
    assert_eq!(
        answer,
        concat!(
            r#"{"results":[{"values":[1,9999],"statuses":["PRESENT","PRESENT"],"#,
            r#""event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]},"#,
            r#"{"values":[10,null],"statuses":["PRESENT","NOT_FOUND"],"#,
            r#""event_timestamps":["2026-11-22T00:00:00Z","1970-01-01T00:00:00Z"]}],"#,
            r#""metadata":{"feature_names":["driver_id","trips"],"feature_view_metadata":[{"name":"driver","version":1}]}}"#,
        )
    );
}

#[test]
fn every_type_has_its_form_and_a_stored_null_is_present() {
    let server = TestServer::start();
    let answer = server.features(r#"{"entities":{"driver_id":[1,2,3]},"feature_service":"driver_all"}"#);
    let expected = [
        ("trips", json!([10, null, i64::MAX])),
        ("rate", json!([0.229, null, "NaN"])),
        ("score", json!(["Infinity", null, "-Infinity"])),
        ("name", json!(["한\"옥\n", null, ""])),
        ("photo", json!(["AP9hYg==", null, ""])),
        ("active", json!([true, null, false])),
        ("level", json!([-4, null, 0])),
        ("hired", json!([1_700_000_000, null, -1])),
    ];
    for (name, values) in expected {
        let column = column(&answer, name);
        assert_eq!(column["values"], values, "{name}");
        assert_eq!(column["statuses"], json!(["PRESENT", "PRESENT", "PRESENT"]));
        assert_eq!(
            column["event_timestamps"],
            json!(["2026-11-22T00:00:00Z", "2026-11-22T00:00:00.120Z", "2026-11-22T00:00:00.000001Z"])
        );
    }
}

#[test]
fn full_names_group_by_view_and_tell_same_features_apart() {
    let server = TestServer::start();
    let answer = server.features(
        r#"{"entities":{"origin":["JFK"],"unused":["x"],"driver_id":[1]},"full_feature_names":true,
            "features":["driver:trips","weather:trips","driver:level"]}"#,
    );
    assert_eq!(
        answer["metadata"]["feature_names"],
        json!(["origin", "driver_id", "driver__trips", "driver__level", "weather__trips"])
    );
    assert_eq!(column(&answer, "driver__trips")["values"], json!([10]));
    assert_eq!(column(&answer, "weather__trips")["values"], json!([1]));
}

#[test]
fn a_service_maps_join_keys_under_an_alias() {
    let server = TestServer::start();
    let answer = server.features(
        r#"{"entities":{"origin":["JFK","LGA"],"dest":["LAX","ORD"]},"feature_service":"both_ends","full_feature_names":true,
            "include_feature_view_version_metadata":true}"#,
    );
    assert_eq!(column(&answer, "weather__temp")["values"], json!([3.5, null]));
    assert_eq!(column(&answer, "dest_weather__temp")["values"], json!([20.0, null]));
    assert_eq!(column(&answer, "dest_weather__temp")["statuses"], json!(["PRESENT", "NOT_FOUND"]));
    assert_eq!(column(&answer, "route__delay")["values"], json!([1.5, 2.0]));
    assert_eq!(answer["metadata"]["feature_view_metadata"][2], json!({"name": "route", "version": 2}));
}

#[test]
fn a_row_past_its_ttl_is_outside_max_age() {
    let server = TestServer::start();
    let answer = server.features(r#"{"entities":{"origin":["OLD","JFK"]},"features":["weather:temp"]}"#);
    let temp = column(&answer, "temp");
    assert_eq!(temp["values"], json!([null, 3.5]));
    assert_eq!(temp["statuses"], json!(["OUTSIDE_MAX_AGE", "PRESENT"]));
    assert_ne!(temp["event_timestamps"][0], json!("1970-01-01T00:00:00Z"));
    let (_, metrics) = server.send("GET", "/metrics", b"");
    assert!(metrics.contains("hanok_rows_total{state=\"expired\"} 1\n"), "{metrics}");
    assert!(metrics.contains("hanok_rows_total{state=\"found\"} 1\n"));
    assert!(metrics.contains("hanok_requests_total{status=\"200\"} 1\n"));
    assert!(metrics.contains("hanok_online_keys{view=\"driver\"} 3\n"));
    assert!(metrics.contains("hanok_request_seconds_count 1\n"));
}

#[test]
fn a_view_that_was_never_materialized_is_not_found() {
    let server = TestServer::start();
    let answer =
        server.features(r#"{"entities":{"driver_id":[1]},"features":["planned:plan","driver:trips"]}"#);
    assert_eq!(column(&answer, "plan")["values"], json!([null]));
    assert_eq!(column(&answer, "plan")["statuses"], json!(["NOT_FOUND"]));
    assert_eq!(column(&answer, "trips")["values"], json!([10]));
}

#[test]
fn integers_may_come_as_text_and_lists_may_be_empty() {
    let server = TestServer::start();
    let answer = server.features(
        r#"{"entities":{"driver_id":["1",2]},"features":["driver@v1:level","driver@latest:trips"]}"#,
    );
    assert_eq!(column(&answer, "driver_id")["values"], json!([1, 2]));
    assert_eq!(column(&answer, "level")["values"], json!([-4, null]));
    let answer = server.features(r#"{"entities":{"driver_id":[]},"features":["driver:level"]}"#);
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(*result, json!({"values": [], "statuses": [], "event_timestamps": []}));
    }
}

#[test]
fn large_requests_and_repeated_entities_are_answered() {
    let server = TestServer::start();
    let ids: Vec<i64> = (0..5_000).map(|n| n % 5).collect();
    let body = json!({"entities": {"driver_id": ids}, "features": ["driver:trips", "driver:name"]});
    let answer = server.features(&body.to_string());
    let values = column(&answer, "trips")["values"].as_array().unwrap();
    assert_eq!(values.len(), 5_000);
    for (at, value) in values.iter().enumerate() {
        assert_eq!(*value, [Value::Null, json!(10), Value::Null, json!(i64::MAX), Value::Null][at % 5]);
    }
}

#[test]
fn many_requests_share_a_connection_and_may_be_pipelined() {
    let server = TestServer::start();
    let mut stream = server.connect();
    let body = r#"{"entities":{"driver_id":[1]},"features":["driver:trips"]}"#;
    let request = format!(
        "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..100 {
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream).0, 200);
    }
    // A chunked body in pieces.
    let (first, second) = body.split_at(11);
    let chunks = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    write!(
        stream,
        "POST /get-online-features HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
    )
    .unwrap();
    assert_eq!(read_answer(&mut stream).0, 200);
}

#[test]
fn new_rows_and_a_new_serving_set_show_without_a_restart() {
    let mut server = TestServer::start();
    let ask = r#"{"entities":{"driver_id":[1]},"features":["driver:trips"]}"#;
    assert_eq!(column(&server.features(ask), "trips")["values"], json!([10]));
    put(
        &mut server.writer,
        "driver",
        [
            ("driver_id", Arc::new(Int64Array::from(vec![1]))),
            ("at", stamps(&[1_895_305_600_000_000])),
            ("trips", Arc::new(Int64Array::from(vec![11]))),
            ("rate", Arc::new(Float32Array::from(vec![0.5]))),
            ("score", Arc::new(Float64Array::from(vec![0.5]))),
            ("name", Arc::new(StringArray::from(vec!["a longer name than before"]))),
            ("photo", Arc::new(BinaryArray::from(vec![&b""[..]]))),
            ("active", Arc::new(BooleanArray::from(vec![true]))),
            ("level", Arc::new(Int32Array::from(vec![1]))),
            ("hired", Arc::new(TimestampMicrosecondArray::from(vec![0]))),
        ],
    );
    let until = Instant::now() + Duration::from_secs(10);
    while column(&server.features(ask), "trips")["values"] != json!([11]) {
        assert!(Instant::now() < until, "the commit never showed");
    }
    let mut set = (*server.sets.current()).clone();
    set.views.remove(0);
    server.sets.swap(set);
    assert_eq!(server.refusal(ask).0, 404);
}
