//! Every client mistake is a 4xx with a code, in the form that Feast's client reads.

use hanok_serve::{Limits, ServeOptions};

use crate::kit::{TestServer, feast_error};

#[test]
fn each_mistake_has_its_status_and_code() {
    let server = TestServer::start();
    let trips = r#""features":["driver:trips"]"#;
    let cases = [
        (String::new(), 400, "FeastError", "HK0802"),
        ("nonsense".to_owned(), 400, "FeastError", "HK0802"),
        ("[]".to_owned(), 400, "FeastError", "HK0802"),
        (format!(r#"{{"entities":{{"driver_id":[1]}},{trips}"#), 400, "FeastError", "HK0802"),
        (format!(r"{{{trips}}}"), 400, "FeastError", "HK0802"),
        (format!(r#"{{"entities":{{}},{trips}}}"#), 400, "FeastError", "HK0802"),
        (format!(r#"{{"entities":[1],{trips}}}"#), 400, "FeastError", "HK0802"),
        (r#"{"entities":{"driver_id":[1]}}"#.to_owned(), 400, "FeastError", "HK0802"),
        (r#"{"entities":{"driver_id":[1]},"features":[]}"#.to_owned(), 400, "FeastError", "HK0802"),
        (r#"{"entities":{"driver_id":[1]},"features":["trips"]}"#.to_owned(), 400, "FeastError", "HK0802"),
        (r#"{"entities":{"driver_id":[1]},"features":[":"]}"#.to_owned(), 400, "FeastError", "HK0802"),
        (
            r#"{"entities":{"driver_id":[1]},"features":["x:trips"]}"#.to_owned(),
            404,
            "FeatureViewNotFoundException",
            "HK0804",
        ),
        (
            r#"{"entities":{"driver_id":[1]},"features":["driver:x"]}"#.to_owned(),
            404,
            "SpecifiedFeaturesNotPresentError",
            "HK0804",
        ),
        (
            r#"{"entities":{"driver_id":[1]},"features":["driver@v9:trips"]}"#.to_owned(),
            404,
            "FeatureViewVersionNotFound",
            "HK0804",
        ),
        (
            r#"{"entities":{"driver_id":[1]},"feature_service":"x"}"#.to_owned(),
            404,
            "FeatureServiceNotFoundException",
            "HK0804",
        ),
        (
            r#"{"entities":{"driver_id":[1]},"feature_service":"broken"}"#.to_owned(),
            404,
            "FeatureViewNotFoundException",
            "HK0804",
        ),
        (
            r#"{"entities":{"driver_id":[1],"origin":["JFK"]},"features":["driver:trips","weather:trips"]}"#
                .to_owned(),
            422,
            "FeatureNameCollisionError",
            "HK0805",
        ),
        (format!(r#"{{"entities":{{"driver":[1]}},{trips}}}"#), 422, "FeastError", "HK0805"),
        (
            r#"{"entities":{"origin":["JFK"]},"features":["route:delay"]}"#.to_owned(),
            422,
            "FeastError",
            "HK0805",
        ),
        (
            r#"{"entities":{"origin":["JFK","LGA"],"dest":["LAX"]},"features":["route:delay"]}"#.to_owned(),
            422,
            "FeastError",
            "HK0805",
        ),
        (format!(r#"{{"entities":{{"driver_id":[1,null]}},{trips}}}"#), 422, "FeastError", "HK0805"),
        (format!(r#"{{"entities":{{"driver_id":["x"]}},{trips}}}"#), 422, "FeastError", "HK0805"),
        (format!(r#"{{"entities":{{"driver_id":[1.5]}},{trips}}}"#), 422, "FeastError", "HK0805"),
        (format!(r#"{{"entities":{{"driver_id":[true]}},{trips}}}"#), 422, "FeastError", "HK0805"),
        (format!(r#"{{"entities":{{"driver_id":[[1]]}},{trips}}}"#), 422, "FeastError", "HK0805"),
        (
            format!(r#"{{"entities":{{"driver_id":[9223372036854775808]}},{trips}}}"#),
            422,
            "FeastError",
            "HK0805",
        ),
        (
            r#"{"entities":{"origin":[7]},"features":["weather:temp"]}"#.to_owned(),
            422,
            "FeastError",
            "HK0805",
        ),
    ];
    for (body, status, class, code) in cases {
        let found = server.refusal(&body);
        assert_eq!((found.0, found.1.as_str()), (status, class), "{body}: {}", found.2);
        assert!(found.2.starts_with(&format!("{code}: ")), "{body}: {}", found.2);
    }
    server.check_up();
}

#[test]
fn mistakes_name_the_culprit() {
    let server = TestServer::start();
    let message = |body: &str| server.refusal(body).2;
    assert!(
        message(r#"{"entities":{"driver_id":[4,null]},"features":["driver:trips"]}"#)
            .contains("value 1 of the join key `driver_id` is null")
    );
    assert!(message(r#"{"entities":{"origin":["JFK"]},"feature_service":"both_ends"}"#).contains("`dest`"));
    assert!(message("{\n \"entities\": nope").contains("line 2"));
}

#[test]
fn limits_are_told_as_413() {
    let limits =
        Limits { body_bytes_max: 2_000, entities_max: 10, features_max: 2, values_max: 25, reasons_max: 25 };
    let server = TestServer::start_with(ServeOptions { limits, ..ServeOptions::default() });
    let ids = |count: usize| vec!["1"; count].join(",");
    let ask = |count: usize, features: &str| {
        server.refusal(&format!(r#"{{"entities":{{"driver_id":[{}]}},"features":[{features}]}}"#, ids(count)))
    };
    assert_eq!(ask(11, r#""driver:trips""#).0, 413);
    assert_eq!(ask(1, r#""driver:trips","driver:level","driver:name""#).0, 413);
    assert_eq!(ask(10, r#""driver:trips","driver:level""#).0, 413);
    assert_eq!(ask(1_500, r#""driver:trips""#).0, 413);
    // A service's features count, too.
    let (status, _, message) =
        server.refusal(r#"{"entities":{"driver_id":[1]},"feature_service":"driver_all"}"#);
    assert_eq!(status, 413);
    assert!(message.starts_with("HK0803: "), "{message}");
    server.check_up();
}

#[test]
fn other_addresses_and_methods_are_coded_too() {
    let server = TestServer::start();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("POST", "/get-online-feature", 404),
        ("GET", "/get-online-features", 405),
        ("POST", "/health", 405),
        ("DELETE", "/metrics", 405),
    ] {
        let (found, answer) = server.send(method, path, b"");
        assert_eq!(found, status, "{method} {path}");
        assert!(feast_error(&answer).1.starts_with("HK0804: "));
    }
}
