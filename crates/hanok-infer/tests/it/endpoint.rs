//! Every protocol, every way to fail, and that nothing secret is shown.

use std::time::Duration;

use hanok_error::Coded;
use hanok_infer::{Endpoint, EndpointError, EndpointOptions, Protocol};

use crate::server::{Reply, Server, ok};

fn options() -> EndpointOptions {
    EndpointOptions { batch_rows: 2, answer_bytes_max: 1000, ..EndpointOptions::default() }
}

fn endpoint(url: &str, options: EndpointOptions) -> Endpoint {
    Endpoint::new(url, vec!["a".to_owned(), "출발 \"b\"".to_owned()], options).unwrap()
}

fn ask(server: &Server, options: EndpointOptions) -> Result<Vec<f64>, EndpointError> {
    endpoint(&server.url(), options).predict(&[1.0, f64::NAN])
}

#[test]
fn each_protocol_is_spoken() {
    for (protocol, expected) in [
        (Protocol::Hanok, r#"{"columns":["a","출발 \"b\""],"rows":[[1.0,null],[0.1,-1e300]]}"#),
        (
            Protocol::Mlflow,
            r#"{"dataframe_split":{"columns":["a","출발 \"b\""],"data":[[1.0,null],[0.1,-1e300]]}}"#,
        ),
        (Protocol::Kserve, r#"{"instances":[[1.0,null],[0.1,-1e300]]}"#),
    ] {
        let server = Server::new(vec![ok(r#"{"predictions": [[1, 2], [3, 4.5]], "outputs": ["x", "y"]}"#)]);
        let endpoint = endpoint(&server.url(), EndpointOptions { protocol, ..options() });
        assert_eq!(endpoint.predict(&[1.0, f64::NAN, 0.1, -1e300]).unwrap(), [1.0, 2.0, 3.0, 4.5]);
        let request = server.requests().remove(0);
        assert_eq!(request.body, expected);
        assert!(request.head.starts_with("POST /predict/flights HTTP/1.1\r\n"), "{}", request.head);
        assert!(request.head.contains("content-type: application/json\r\n"), "{}", request.head);
    }
}

#[test]
fn rows_go_in_batches_and_come_back_in_order() {
    let answers = ["[1, 2]", "[3, 4]", "[5]"].map(|list| ok(&format!("{{\"predictions\": {list}}}")));
    let server = Server::new(answers.to_vec());
    let found = endpoint(&server.url(), options()).predict(&[0.5; 10]).unwrap();
    assert_eq!(found, [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn busy_servers_and_broken_connections_are_tried_again() {
    let busy = Reply::Http("429 Too Many Requests", "retry-after: 0\r\n", String::new());
    let unavailable = Reply::Http("503 Service Unavailable", "", "starting".to_owned());
    let closed = Reply::Bytes(String::new());
    let half = Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"pred".to_owned());
    for first in [busy, unavailable, closed, half] {
        let server = Server::new(vec![first, ok("{\"predictions\": [7]}")]);
        assert_eq!(ask(&server, options()).unwrap(), [7.0]);
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn retries_end() {
    let server = Server::new(vec![Reply::Http("503 Service Unavailable", "", "starting\n up".to_owned())]);
    let error = ask(&server, EndpointOptions { retries: 1, ..options() }).unwrap_err();
    assert_eq!(error.to_string(), format!("{} answered 503 (tried 2x): starting up", server.url()));
    assert_eq!((error.code().0, server.requests().len()), ("HK1653", 2));
    let server = Server::new(vec![Reply::Bytes(String::new())]);
    let error = ask(&server, EndpointOptions { retries: 1, ..options() }).unwrap_err();
    assert!(matches!(error, EndpointError::Unreachable { tries: 2, .. }), "{error}");
}

#[test]
fn other_refusals_are_not_repeated() {
    for (status, words) in [
        ("500 Internal Server Error", "boom"),
        ("404 Not Found", "no model flights"),
        ("422 Unprocessable Content", "the column b is unknown"),
    ] {
        let server = Server::new(vec![Reply::Http(status, "", words.to_owned())]);
        let error = ask(&server, options()).unwrap_err();
        assert!(matches!(&error, EndpointError::Status { tries: 1, words: found, .. } if found == words));
        assert_eq!(error.hint().is_some(), !status.starts_with("500"));
        assert_eq!(server.requests().len(), 1);
    }
    let server = Server::new(vec![Reply::Http(
        "307 Temporary Redirect",
        "location: http://x.test/\r\n",
        String::new(),
    )]);
    let error = ask(&server, options()).unwrap_err();
    assert!(
        error.to_string().ends_with("answered 307 (tried 1x): it redirects to http://x.test/"),
        "{error}"
    );
    let long = Reply::Http("400 Bad Request", "", "x".repeat(1 << 20));
    let error = ask(&Server::new(vec![long]), options()).unwrap_err();
    assert!(error.to_string().len() < 600);
}

#[test]
fn answers_have_limits() {
    let long = format!("{{\"predictions\": [{}]}}", " ".repeat(2000));
    let unended = Reply::Bytes(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}"));
    for reply in [ok(&long), unended] {
        let server = Server::new(vec![reply]);
        let error = ask(&server, options()).unwrap_err();
        assert!(matches!(error, EndpointError::AnswerBytes { limit: 1000, .. }), "{error}");
        assert_eq!(error.code().0, "HK1654");
    }
    let server = Server::new(vec![ok("<html>")]);
    assert!(matches!(ask(&server, options()), Err(EndpointError::Answer { .. })));
    let server = Server::new(vec![ok("{\"predictions\": [1, 2]}")]);
    let error = ask(&server, options()).unwrap_err();
    assert!(error.to_string().ends_with("is not understood: it has 2 predictions for 1 rows"), "{error}");
    // Not HTTP at all.
    let server = Server::new(vec![Reply::Bytes("hello\r\n\r\n".to_owned())]);
    assert_eq!(ask(&server, EndpointOptions { retries: 0, ..options() }).unwrap_err().code().0, "HK1652");
}

#[test]
fn silence_ends_by_the_timeout() {
    let server = Server::new(vec![Reply::Silence]);
    let timeout = Duration::from_millis(200);
    let error = ask(&server, EndpointOptions { timeout, ..options() }).unwrap_err();
    assert!(matches!(error, EndpointError::Timeout { rows: 1, .. }), "{error}");
    assert_eq!((error.code().0, server.requests().len()), ("HK1652", 1));
}

#[test]
fn nobody_there_is_told_at_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = endpoint(&format!("http://127.0.0.1:{port}/"), options()).predict(&[1.0, 2.0]).unwrap_err();
    assert!(matches!(&error, EndpointError::Unreachable { tries: 1, .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    // TLS is tried where https is asked for, and a server without it is told apart.
    let server = Server::new(vec![ok("{}")]);
    let secure = server.url().replace("http://", "https://");
    let error =
        endpoint(&secure, EndpointOptions { retries: 0, ..options() }).predict(&[1.0, 2.0]).unwrap_err();
    assert!(matches!(&error, EndpointError::Unreachable { .. }), "{error}");
}

#[test]
fn a_password_is_sent_and_never_shown() {
    let server = Server::new(vec![Reply::Http("401 Unauthorized", "", String::new())]);
    let url = server.url().replace("http://", "http://me:s3cret@");
    let endpoint = endpoint(&url, options());
    let error = endpoint.predict(&[1.0, 2.0]).unwrap_err();
    assert!(server.requests()[0].head.contains("authorization: Basic bWU6czNjcmV0\r\n"));
    assert!(error.to_string().contains("//me:***@127.0.0.1"), "{error}");
    assert!(!format!("{error} {error:?} {endpoint:?}").contains("s3cret"));
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let columns = || vec!["a".to_owned()];
    let refused = |url: &str, columns: Vec<String>, options: EndpointOptions| {
        let error = Endpoint::new(url, columns, options).unwrap_err();
        assert!(matches!(error, EndpointError::Address { .. }), "{error}");
        assert_eq!(error.code().0, "HK1655");
    };
    for url in ["", "flights", "127.0.0.1:80", "ftp://a.test/", "file:///etc/passwd"] {
        refused(url, columns(), options());
    }
    refused("http://a.test/", vec![], options());
    refused("http://a.test/", columns(), EndpointOptions { batch_rows: 0, ..options() });
    let endpoint = endpoint("http://127.0.0.1:1/", options());
    assert!(matches!(endpoint.predict(&[1.0; 3]), Err(EndpointError::Width { values: 3, columns: 2 })));
    let error = endpoint.predict(&[1.0, 2.0, 3.0, f64::INFINITY]).unwrap_err();
    assert!(matches!(&error, EndpointError::Infinite { row: 1, column } if column.contains('b')));
    assert_eq!(error.code().0, "HK1656");
    assert!(endpoint.predict(&[]).unwrap().is_empty());
}
