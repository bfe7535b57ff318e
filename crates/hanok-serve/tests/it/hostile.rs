//! Clients that are slow, huge, gone or malicious.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use hanok_serve::ServeOptions;

use crate::kit::{TestServer, feast_error, read_answer};

fn quick() -> ServeOptions {
    ServeOptions { head_timeout_ms: 300, body_timeout_ms: 300, drain_ms: 2_000, ..ServeOptions::default() }
}

#[test]
fn a_huge_body_is_refused_and_the_server_stays_up() {
    let server = TestServer::start();
    let (status, answer) = server.send("POST", "/get-online-features", &vec![b' '; 5 << 20]);
    assert_eq!(status, 413);
    assert!(feast_error(&answer).1.starts_with("HK0803: "));
    // One that claims more than memory could hold, and one that never says how much it is.
    let mut stream = server.connect();
    write!(stream, "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999\r\n\r\n")
        .unwrap();
    let sent = (0..64).map(|_| stream.write_all(&vec![b' '; 1 << 20])).find(Result::is_err);
    assert!(sent.is_some() || read_answer(&mut stream).0 == 413);
    let mut stream = server.connect();
    write!(stream, "POST /get-online-features HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        .unwrap();
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    let sent = (0..1_000).map(|_| stream.write_all(&chunk)).find(Result::is_err);
    assert!(sent.is_some(), "an endless body was read to its end");
    server.check_up();
}

#[test]
fn slow_heads_and_slow_bodies_time_out() {
    let server = TestServer::start_with(quick());
    // A head that never ends, a byte at a time.
    let begun = Instant::now();
    let mut stream = server.connect();
    let mut closed = false;
    for byte in b"POST /get-online-features HTTP/1.1\r\nhost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        .iter()
        .cycle()
    {
        if stream.write_all(&[*byte]).is_err() {
            closed = true;
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        assert!(begun.elapsed() < Duration::from_secs(15), "still open");
    }
    assert!(closed);
    // A body that stops half way.
    let mut stream = server.connect();
    write!(
        stream,
        "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{\"entities\""
    )
    .unwrap();
    let (status, answer) = read_answer(&mut stream);
    assert_eq!(status, 408);
    assert!(feast_error(&answer).1.starts_with("HK0806: "));
    // A connection that says nothing at all.
    let mut stream = server.connect();
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    server.check_up();
}

#[test]
fn many_slow_clients_do_not_keep_others_from_being_served() {
    let server = TestServer::start_with(quick());
    let slow: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"POST /get-online-features HTTP/1.1\r\nhost").unwrap();
            stream
        })
        .collect();
    server.check_up();
    drop(slow);
}

#[test]
fn abandoned_connections_are_forgotten() {
    let server = TestServer::start_with(quick());
    for round in 0..200 {
        let mut stream = server.connect();
        let request: &[u8] = match round % 4 {
            0 => b"",
            1 => b"POST /get-online-features HTTP/1.1\r\n",
            2 => b"POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{\"entit",
            _ => b"POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
        };
        stream.write_all(request).unwrap();
        drop(stream);
    }
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let (_, metrics) = server.send("GET", "/metrics", b"");
        // The one that asks.
        if metrics.contains("hanok_connections 1\n") {
            break;
        }
        assert!(Instant::now() < until, "{metrics}");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.check_up();
}

#[test]
fn garbage_does_no_harm() {
    let server = TestServer::start_with(quick());
    let mut word = 0x9E37_79B9_7F4A_7C15u64;
    for round in 0..300usize {
        let mut garbage = Vec::new();
        for _ in 0..round * 3 {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            garbage.push((word >> 56) as u8);
        }
        let mut stream = server.connect();
        // As a whole request, and as a body.
        if round % 2 == 0 {
            let _ = stream.write_all(&garbage);
        } else {
            let head = format!(
                "POST /get-online-features HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
                garbage.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&garbage).unwrap();
            assert_eq!(read_answer(&mut stream).0, 400);
        }
    }
    let mut stream = server.connect();
    let mut answer = Vec::new();
    let _ = stream.write_all(&vec![b'G'; 300_000]);
    let _ = stream.read_to_end(&mut answer);
    server.check_up();
}

#[test]
fn connections_over_the_limit_are_refused_and_come_free_again() {
    let server = TestServer::start_with(ServeOptions { connections_max: 4, ..ServeOptions::default() });
    let held: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            assert_eq!(read_answer(&mut stream).0, 200);
            stream
        })
        .collect();
    let mut stream = server.connect();
    assert_eq!(read_answer(&mut stream).0, 503);
    drop(held);
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let mut stream = server.connect();
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        if answer.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(20));
    }
    server.check_up();
}
