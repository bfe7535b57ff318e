//! Real requests to a real server on the loopback address.

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
/// Reasons that are asked for.
const REASONS: usize = 3;
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
    /// Why the model predicts what it does for the same entities: the answer of `/explain`.
    pub(super) explanation: Value,
    /// From sending the request to having the answer.
    pub(super) wait_ms: f64,
}

/// Starts a server on a free port, asks it for the features of a flight and for what a model says of it, stops it.
pub(super) async fn lookup(engine: &Engine, service: &str, model: &str) -> Result<LookedUp, CliError> {
    let flight = flight(engine).await?;
    let request = serde_json::json!({
        "feature_service": service,
        "entities": {
            "origin": [flight["origin"]], "dest": [flight["dest"]],
            "carrier": [flight["carrier"]], "tailnum": [flight["tailnum"]],
        },
    });
    let why = serde_json::json!({ "entities": request["entities"], "top_k": REASONS }).to_string();
    let serving = Serving::open(engine).await?;
    serving.with_models(engine).await?;
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
    let (body, path) = (request.to_string(), format!("/explain/{model}"));
    let asked = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let answer = ask(address, "/get-online-features", &body);
        let wait_ms = started.elapsed().as_secs_f64() * 1e3;
        Ok::<_, CliError>((answer?, wait_ms, ask(address, &path, &why)?))
    });
    let answered = asked.await.map_err(|_| CliError::Panicked)?;
    drop(stop);
    server.await.map_err(|_| CliError::Panicked)??;
    let (answer, wait_ms, explanation) = answered?;
    Ok(LookedUp { address, request, answer, explanation, wait_ms })
}

/// What the server answers, which must be a success.
fn ask(address: SocketAddr, path: &str, body: &str) -> Result<Value, CliError> {
    let (status, body) =
        post(address, path, body).map_err(|source| CliError::DemoLookup { address, source })?;
    if status != 200 {
        return Err(CliError::DemoStatus { status, body });
    }
    serde_json::from_str(&body).map_err(|error| CliError::Unexpected(error.to_string()))
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
