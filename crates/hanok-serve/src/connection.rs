//! One HTTP connection. The hot addresses are answered here; everything else goes to the router.

use std::borrow::Cow;
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
use crate::metrics::Route;
use crate::model::{ModelError, Task};
use crate::respond::Responder;

/// Bytes of a request's head and of what hyper reads ahead.
pub(crate) const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How much of a body that is too large is read and thrown away, so that the client gets to read the answer.
const DISCARD_BODIES: usize = 4;
/// Bodies of predictions that are answered at once; longer ones could keep other connections waiting.
const PREDICT_AT_ONCE_BYTES_MAX: usize = 4 << 10;

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
    let (head, body) = request.into_parts();
    if head.method == Method::POST {
        let path = head.uri.path();
        if path == "/get-online-features" {
            return Ok(features(body, shared).await);
        }
        if let Some((task, model)) = asked_model(path) {
            return Ok(self::model(task, &model, head.uri.query(), body, shared).await);
        }
    }
    let mut router = shared.router.clone();
    router.call(Request::from_parts(head, body)).await.map(|response| response.map(Either::Right))
}

/// `POST /get-online-features`.
async fn features(body: Incoming, shared: &Shared) -> Answer {
    let begun = Instant::now();
    let answered = match whole(body, shared).await {
        Ok(body) => shared.responder.answer(&body),
        Err(error) => Err(error),
    };
    told(answered, Route::Features, begun, shared)
}

/// `POST /predict/MODEL` and `POST /explain/MODEL`.
async fn model(task: Task, model: &str, query: Option<&str>, body: Incoming, shared: &Shared) -> Answer {
    let begun = Instant::now();
    let answered = match (whole(body, shared).await, with_query(task, query)) {
        (Ok(body), Ok(task @ Task::Predict)) if body.len() <= PREDICT_AT_ONCE_BYTES_MAX => {
            shared.responder.model(task, model, &body)
        }
        (Ok(body), Ok(task)) => {
            let (responder, model) = (shared.responder.clone(), model.to_owned());
            let answered = tokio::task::spawn_blocking(move || responder.model(task, &model, &body)).await;
            answered.unwrap_or(Err(RequestError::Internal))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    told(answered, task.into(), begun, shared)
}

/// Which model an address names, and what is asked of it.
pub(crate) fn asked_model(path: &str) -> Option<(Task, Cow<'_, str>)> {
    let (task, model) = match path.strip_prefix("/predict/") {
        Some(model) => (Task::Predict, model),
        None => (Task::Explain(None), path.strip_prefix("/explain/")?),
    };
    Some((task, decoded(model)))
}

/// The text behind `%` and two hexadecimal digits. What is no such text stays as it is: no model is called so.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else { return Cow::Borrowed(text) };
        bytes.push(byte);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The task with what the address says of it: `top_k`.
fn with_query(task: Task, query: Option<&str>) -> Result<Task, RequestError> {
    let top_k =
        query.into_iter().flat_map(|query| query.split('&')).find_map(|part| part.strip_prefix("top_k="));
    match (task, top_k) {
        (Task::Explain(_), Some(text)) => match text.parse() {
            Ok(top_k) => Ok(Task::Explain(Some(top_k))),
            Err(_) => Err(ModelError::Malformed { reason: "`top_k` is not a number".to_owned() }.into()),
        },
        (task, _) => Ok(task),
    }
}

/// The whole body, if it comes in time.
async fn whole(body: Incoming, shared: &Shared) -> Result<Bytes, RequestError> {
    let read = read_body(body, shared.responder.limits().body_bytes_max);
    let late = |_| RequestError::Timeout { timeout_ms: shared.body_timeout.as_millis() as u64 };
    tokio::time::timeout(shared.body_timeout, read).await.map_err(late)?
}

/// The answer, counted.
fn told(answered: Result<Vec<u8>, RequestError>, route: Route, begun: Instant, shared: &Shared) -> Answer {
    let (status, answer) = match answered {
        Ok(body) => (200, json(StatusCode::OK, body)),
        Err(error) => (error.status(), refusal(&error, route)),
    };
    shared.responder.metrics().request(route, status, begun.elapsed());
    answer.map(Either::Left)
}

pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer to a request that cannot be answered, in Feast's form where Feast's clients ask.
pub(crate) fn refusal(error: &RequestError, route: Route) -> Response<Full<Bytes>> {
    tracing::debug!(status = error.status(), %error, "request refused");
    let body = match route {
        Route::Features => error.feast_body(),
        Route::Predict | Route::Explain => error.plain_body(),
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, body);
    if matches!(
        error,
        RequestError::Timeout { .. } | RequestError::BodyTooLarge { .. } | RequestError::BodyBroken
    ) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

pub(crate) async fn read_body(mut body: Incoming, bytes_max: usize) -> Result<Bytes, RequestError> {
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
