//! Start and end.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use hanok_error::Coded as _;
use hanok_online::Reader;
use hanok_serve::{ServeError, ServeOptions, Server, ServingSets};

use crate::kit::{TestServer, read_answer};

#[test]
fn shutdown_finishes_the_request_in_flight_and_takes_no_more() {
    let mut server = TestServer::start();
    let mut busy = server.connect();
    let body = r#"{"entities":{"driver_id":[1]},"features":["driver:trips"]}"#;
    write!(busy, "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len())
        .unwrap();
    // The head is there, the body is not.
    std::thread::sleep(Duration::from_millis(200));
    let mut idle = server.connect();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut idle).0, 200);
    server.ask_to_stop();
    // The idle connection is closed at once.
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    busy.write_all(body.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut busy).0, 200);
    server.join();
    assert!(std::net::TcpStream::connect(server.address).is_err());
}

#[test]
fn shutdown_is_bounded_when_a_client_does_not_finish() {
    let mut server = TestServer::start_with(ServeOptions { drain_ms: 300, ..ServeOptions::default() });
    let mut stuck = server.connect();
    write!(stuck, "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    server.ask_to_stop();
    server.join();
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_address_in_use_is_a_coded_error() {
    let server = TestServer::start();
    let dir = tempfile::tempdir().unwrap();
    let options = ServeOptions { http: server.address, ..ServeOptions::default() };
    let error =
        Server::bind(options, Reader::open(dir.path()).unwrap(), ServingSets::default()).err().unwrap();
    assert!(matches!(error, ServeError::Listen { .. }));
    assert_eq!(error.code().0, "HK0801");
}
