//! One HTTP connection. The hot address is answered here; everything else goes to the router.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower_service::Service as _;

use crate::error::RequestError;
use crate::respond::Responder;

/// Bytes of a request's head and of what hyper reads ahead.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How much of a body that is too large is read and thrown away, so that the client gets to read the answer.
const DISCARD_BODIES: usize = 4;

type Answer = Response<Either<Full<Bytes>, Body>>;

/// What every connection of a worker shares.
pub(crate) struct Shared {
    pub responder: Responder,
    pub router: Router,
    pub head_timeout: Duration,
    pub body_timeout: Duration,
}

/// Serves a connection until it ends, or until `closing` and its request in flight is answered.
pub(crate) async fn serve(stream: TcpStream, shared: Arc<Shared>, mut closing: watch::Receiver<bool>) {
    let _open = Open::new(&shared);
    let service = service_fn(|request| answer(request, &shared));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(shared.head_timeout);
    builder.max_buf_size(BUFFER_BYTES_MAX).pipeline_flush(true);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        _ = closing.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Counts a connection as open, also when its task is cut off.
struct Open<'s>(&'s Shared);

impl<'s> Open<'s> {
    fn new(shared: &'s Shared) -> Self {
        shared.responder.metrics().connections.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.responder.metrics().connections.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Result<Answer, Infallible> {
    if request.method() == Method::POST && request.uri().path() == "/get-online-features" {
        return Ok(features(request.into_body(), shared).await);
    }
    let mut router = shared.router.clone();
    router.call(request).await.map(|response| response.map(Either::Right))
}

/// `POST /get-online-features`.
async fn features(body: Incoming, shared: &Shared) -> Answer {
    let begun = Instant::now();
    let responder = &shared.responder;
    let read =
        tokio::time::timeout(shared.body_timeout, read_body(body, responder.limits().body_bytes_max)).await;
    let answered = match read {
        Ok(Ok(body)) => responder.answer(&body),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(RequestError::Timeout { timeout_ms: shared.body_timeout.as_millis() as u64 }),
    };
    let (status, answer) = match answered {
        Ok(body) => (200, json(StatusCode::OK, body)),
        Err(error) => (error.status(), refusal(&error).map(Either::Left)),
    };
    responder.metrics().request(status, begun.elapsed());
    answer
}

fn json(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer to a request that cannot be answered, in Feast's form.
pub(crate) fn refusal(error: &RequestError) -> Response<Full<Bytes>> {
    tracing::debug!(status = error.status(), %error, "request refused");
    let mut response = Response::new(Full::new(Bytes::from(error.feast_body())));
    *response.status_mut() =
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if matches!(
        error,
        RequestError::Timeout { .. } | RequestError::BodyTooLarge { .. } | RequestError::BodyBroken
    ) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn read_body(mut body: Incoming, bytes_max: usize) -> Result<Bytes, RequestError> {
    let too_large = RequestError::BodyTooLarge { bytes_max };
    if body.size_hint().lower() > bytes_max as u64 {
        discard(body, bytes_max.saturating_mul(DISCARD_BODIES)).await;
        return Err(too_large);
    }
    // Usually the whole body comes in one frame and is not copied.
    let first = match body.frame().await {
        None => return Ok(Bytes::new()),
        Some(frame) => frame.map_err(|_| RequestError::BodyBroken)?.into_data().unwrap_or_default(),
    };
    if body.is_end_stream() && first.len() <= bytes_max {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while whole.len() <= bytes_max {
        match body.frame().await {
            None => return Ok(whole.freeze()),
            Some(frame) => {
                let data = frame.map_err(|_| RequestError::BodyBroken)?.into_data().unwrap_or_default();
                whole.extend_from_slice(&data);
            }
        }
    }
    discard(body, bytes_max.saturating_mul(DISCARD_BODIES)).await;
    Err(too_large)
}

async fn discard(mut body: Incoming, bytes_max: usize) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > bytes_max {
            return;
        }
    }
}
