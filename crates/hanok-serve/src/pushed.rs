//! `POST /events`: lines that are pushed, handed on body by body in the order in which they have arrived.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::connection::{BUFFER_BYTES_MAX, json, read_body, refusal};
use crate::error::{RequestError, ServeError};
use crate::metrics::Route;
use crate::options::ServeOptions;
use crate::server::{ACCEPT_PAUSE, bind};

/// Connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 256;

/// Lines that were pushed, and who waits for what becomes of them.
#[derive(Debug)]
pub struct Push {
    /// Whole lines, each with its end.
    pub lines: Vec<u8>,
    /// Takes the answer, a JSON document. Without one the client gets status 500.
    pub answer: oneshot::Sender<Vec<u8>>,
}

/// Listens for events.
#[derive(Debug)]
pub struct EventServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl EventServer {
    /// Listens on an address; port 0 takes a free one. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address, source };
        let listener = bind(address).and_then(TcpListener::from_std).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Hands on what is pushed until nobody takes it any more. A client waits while `queue` is full. `about` answers `GET /events`
    /// with a JSON document.
    pub async fn run(
        self,
        queue: mpsc::Sender<Push>,
        about: impl Fn() -> Vec<u8> + Clone + Send + Sync + 'static,
    ) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = queue.closed() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (queue, about) = (queue.clone(), about.clone());
                    tokio::spawn(async move {
                        connection(stream, &queue, &about).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn connection(stream: TcpStream, queue: &mpsc::Sender<Push>, about: &(impl Fn() -> Vec<u8> + Sync)) {
    let head_timeout = Duration::from_millis(ServeOptions::default().head_timeout_ms);
    let service = service_fn(|request| async move {
        let answer = match answered(request, queue, about).await {
            Ok(body) => json(StatusCode::OK, body),
            Err(error) => refusal(&error, Route::Predict),
        };
        Ok::<_, Infallible>(answer)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(BUFFER_BYTES_MAX);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended early");
    }
}

async fn answered(
    request: Request<Incoming>,
    queue: &mpsc::Sender<Push>,
    about: &impl Fn() -> Vec<u8>,
) -> Result<Vec<u8>, RequestError> {
    let (head, body) = request.into_parts();
    match (head.method, head.uri.path()) {
        (Method::POST, "/events") => {
            let ServeOptions { body_timeout_ms: timeout_ms, limits, .. } = ServeOptions::default();
            let read = read_body(body, limits.body_bytes_max);
            let lines = tokio::time::timeout(Duration::from_millis(timeout_ms), read)
                .await
                .map_err(|_| RequestError::Timeout { timeout_ms })??;
            let (answer, answered) = oneshot::channel();
            let push = Push { lines: with_end(lines), answer };
            queue.send(push).await.map_err(|_| RequestError::Internal)?;
            answered.await.map_err(|_| RequestError::Internal)
        }
        (Method::GET, "/events") => Ok(about()),
        (Method::GET, "/health") => Ok(Vec::new()),
        (method, path @ ("/events" | "/health")) => {
            Err(RequestError::Method { method: method.to_string(), path: path.to_owned() })
        }
        (method, _) => {
            Err(RequestError::Route { method: method.to_string(), path: crate::server::shown(&head.uri) })
        }
    }
}

/// The last line with an end, so that the next body begins a line.
fn with_end(lines: Bytes) -> Vec<u8> {
    let mut lines = Vec::from(lines);
    if lines.last().is_some_and(|last| *last != b'\n') {
        lines.push(b'\n');
    }
    lines
}
