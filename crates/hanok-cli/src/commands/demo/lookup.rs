//! One real request to a real server on the loopback address.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use hanok_engine::{Engine, Format};
use hanok_serve::{ServeOptions, Server};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::error::CliError;
use crate::serving::Serving;

/// How long the server may take for anything.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer about one flight is a few kilobytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// A flight of the year's end whose plane is registered.
const FLIGHT_SQL: &str = "\
    select d.origin, d.dest, d.carrier, d.tailnum from mart.departures d \
    where d.origin = 'JFK' and d.carrier = 'B6' and d.tailnum in (select tailnum from mart.plane) \
    order by case when d.dest = 'LAX' then 0 else 1 end, d.event_timestamp desc, d.tailnum limit 1";

/// What was asked and answered.
pub(super) struct LookedUp {
    pub(super) address: SocketAddr,
    pub(super) request: Value,
    pub(super) answer: Value,
    /// From sending the request to having the answer.
    pub(super) wait_ms: f64,
}

/// Starts a server on a free port, asks it for the features of a flight, stops it.
pub(super) async fn lookup(engine: &Engine, service: &str) -> Result<LookedUp, CliError> {
    let flight = flight(engine).await?;
    let request = serde_json::json!({
        "feature_service": service,
        "entities": {
            "origin": [flight["origin"]], "dest": [flight["dest"]],
            "carrier": [flight["carrier"]], "tailnum": [flight["tailnum"]],
        },
    });
    let serving = Serving::open(engine).await?;
    let options = ServeOptions {
        http: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        workers: 1,
        drain_ms: 1_000,
        ..ServeOptions::default()
    };
    let server = Server::bind(options, serving.reader, serving.sets)?;
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(server.run(async move {
        // Dropping the other end stops the server too.
        let _ = stopped.await;
    }));
    let body = request.to_string();
    let asked = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let answer = post(address, "/get-online-features", &body);
        (answer, started.elapsed().as_secs_f64() * 1e3)
    });
    let (answer, wait_ms) = asked.await.map_err(|_| CliError::Panicked)?;
    drop(stop);
    server.await.map_err(|_| CliError::Panicked)??;
    let (status, body) = answer.map_err(|source| CliError::DemoLookup { address, source })?;
    if status != 200 {
        return Err(CliError::DemoStatus { status, body });
    }
    let answer = serde_json::from_str(&body).map_err(|error| CliError::Unexpected(error.to_string()))?;
    Ok(LookedUp { address, request, answer, wait_ms })
}

async fn flight(engine: &Engine) -> Result<Value, CliError> {
    let mut line = Vec::new();
    engine.query_to(FLIGHT_SQL, Format::Json, &mut line).await?;
    serde_json::from_slice(&line)
        .map_err(|_| CliError::Unexpected("mart.departures has no flight to look up".to_owned()))
}

/// `POST`s JSON over HTTP/1.1. Returns the status and the body.
fn post(address: SocketAddr, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = Vec::new();
    // The server closes after its answer, so that the end of the stream is the end of the body.
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    parse(&answer)
        .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

/// Status and body of an answer with a `content-length`, which may not be cut off.
fn parse(answer: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (body.len() == length).then(|| (status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_whole_or_not_at_all() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parse(answer), Some((200, "{}".to_owned())));
        for cut in 0..answer.len() {
            assert_eq!(parse(&answer[..cut]), None, "cut at {cut}");
        }
    }
}
