//! The server: one listener, one single-threaded runtime a worker, orderly shutdown.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hanok_online::{OnlineRead as _, Reader};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::connection::{self, Shared, refusal};
use crate::error::{RequestError, ServeError};
use crate::metrics::Route;
use crate::options::ServeOptions;
use crate::respond::Responder;
use crate::set::ServingSets;

const BACKLOG: i32 = 1_024;
/// Threads beside each worker for explanations and large predictions; more of them wait.
const BLOCKING_THREADS: usize = 2;
/// Accepted connections that wait for a worker.
const HANDOVER_MAX: usize = 256;
/// Pause after an accept that failed, e.g. for lack of file descriptors.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
const PATH_CHARS_SHOWN: usize = 200;

/// A server that listens but does not answer yet.
pub struct Server {
    options: ServeOptions,
    listener: std::net::TcpListener,
    address: SocketAddr,
    responder: Responder,
}

/// Serves until `shutdown` completes, then finishes the requests in flight.
pub async fn serve(
    options: ServeOptions,
    reader: Reader,
    sets: ServingSets,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    Server::bind(options, reader, sets)?.run(shutdown).await
}

/// Completes on ctrl-c, and on Unix on SIGTERM.
pub async fn shutdown_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "ctrl-c cannot be waited for");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "SIGTERM cannot be waited for");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// A worker's end of the handover, and how busy it is.
struct Worker {
    streams: mpsc::Sender<std::net::TcpStream>,
    connections: Arc<AtomicUsize>,
    ended: oneshot::Receiver<()>,
}

impl Server {
    /// Listens on the address of `options`.
    pub fn bind(options: ServeOptions, reader: Reader, sets: ServingSets) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { address: options.http, source };
        let listener = bind(options.http).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let responder = Responder::new(reader, sets, options.limits);
        Ok(Self { options, listener, address, responder })
    }

    /// The address it listens on, with the port that was found for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` completes, then finishes the requests in flight. Must run within a tokio runtime, which
    /// only accepts connections.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self { options, listener, address, responder } = self;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let count = if options.workers == 0 { cores } else { options.workers };
        let (close, closing) = watch::channel(false);
        let shared = Arc::new(Shared {
            router: router(&responder),
            responder: responder.clone(),
            head_timeout: Duration::from_millis(options.head_timeout_ms),
            body_timeout: Duration::from_millis(options.body_timeout_ms),
        });
        let drain = Duration::from_millis(options.drain_ms);
        let spawned = (0..count).map(|_| spawn_worker(Arc::clone(&shared), closing.clone(), drain));
        let workers =
            spawned.collect::<Result<Vec<_>, _>>().map_err(|source| ServeError::Worker { source })?;
        let stopped = Arc::new(AtomicBool::new(false));
        let refresher = spawn_refresher(responder.reader().clone(), &options, Arc::clone(&stopped))
            .map_err(|source| ServeError::Worker { source })?;
        let listener =
            TcpListener::from_std(listener).map_err(|source| ServeError::Listen { address, source })?;
        tracing::info!(%address, workers = count, "serving online features");
        tokio::select! {
            () = accept(&listener, &workers, &options) => {}
            () = shutdown => {}
        }
        tracing::info!(drain_ms = options.drain_ms, "stopping");
        drop(listener);
        // The receivers are the workers'; they may all have ended.
        let _ = close.send(true);
        for Worker { streams, ended, .. } in workers {
            drop(streams);
            let _ = ended.await;
        }
        stopped.store(true, Ordering::Relaxed);
        refresher.thread().unpark();
        tracing::info!("stopped");
        Ok(())
    }
}

pub(crate) fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Hands connections to the worker that has the fewest.
async fn accept(listener: &TcpListener, workers: &[Worker], options: &ServeOptions) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let live: usize = workers.iter().map(|worker| worker.connections.load(Ordering::Relaxed)).sum();
        if live >= options.connections_max {
            tracing::warn!(connections_max = options.connections_max, "connection refused: too many");
            refuse_busy(&stream);
            continue;
        }
        if let Err(error) = set_up(&stream, options) {
            tracing::debug!(%error, "connection lost before it began");
            continue;
        }
        let Ok(stream) = stream.into_std() else {
            continue;
        };
        let Some(worker) = workers.iter().min_by_key(|worker| worker.connections.load(Ordering::Relaxed))
        else {
            return;
        };
        worker.connections.fetch_add(1, Ordering::Relaxed);
        if worker.streams.send(stream).await.is_err() {
            tracing::error!("a worker has ended");
            return;
        }
    }
}

fn set_up(stream: &TcpStream, options: &ServeOptions) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    // A client that does not read its answer, or is gone without a word, must not hold its connection for ever.
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(Duration::from_millis(options.write_timeout_ms)))?;
    Ok(())
}

/// Says so before closing. The client's request may not have been read, in which case it sees the connection reset.
fn refuse_busy(stream: &TcpStream) {
    let _ = stream.try_write(
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
          connection: close\r\ncontent-length: 0\r\n\r\n",
    );
}

/// Starts a worker: a thread with its own runtime, so that a connection never changes cores.
fn spawn_worker(
    shared: Arc<Shared>,
    closing: watch::Receiver<bool>,
    drain: Duration,
) -> std::io::Result<Worker> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()?;
    let (streams, received) = mpsc::channel(HANDOVER_MAX);
    let (end, ended) = oneshot::channel();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    thread::Builder::new().name("hanok-serve".to_owned()).spawn(move || {
        runtime.block_on(work(received, shared, closing, drain, counted));
        let _ = end.send(());
    })?;
    Ok(Worker { streams, connections, ended })
}

/// Counts a connection out even when its task is aborted or panics.
struct Leaving(Arc<AtomicUsize>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn work(
    mut streams: mpsc::Receiver<std::net::TcpStream>,
    shared: Arc<Shared>,
    closing: watch::Receiver<bool>,
    drain: Duration,
    connections: Arc<AtomicUsize>,
) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            stream = streams.recv() => {
                let Some(stream) = stream else { break };
                let leaving = Leaving(Arc::clone(&connections));
                match TcpStream::from_std(stream) {
                    Ok(stream) => {
                        let (shared, closing) = (Arc::clone(&shared), closing.clone());
                        tasks.spawn(async move {
                            connection::serve(stream, shared, closing).await;
                            drop(leaving);
                        });
                    }
                    Err(error) => tracing::warn!(%error, "connection lost at its worker"),
                }
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, all).await.is_err() {
        tracing::warn!(connections = tasks.len(), "connections cut off at the end of the drain time");
        tasks.shutdown().await;
    }
}

/// Keeps the in-memory copy in step with commits.
fn spawn_refresher(
    reader: Reader,
    options: &ServeOptions,
    stopped: Arc<AtomicBool>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let interval = Duration::from_millis(options.refresh_interval_ms.max(1));
    thread::Builder::new().name("hanok-refresh".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            match reader.refresh() {
                Ok(refreshed) if refreshed.rows > 0 || refreshed.views_reloaded > 0 => {
                    let (rows, views) = (refreshed.rows, refreshed.views_reloaded);
                    tracing::debug!(rows, views_reloaded = views, "online store refreshed");
                }
                Ok(_) => {}
                // The rows in memory stay as they are; the age in the metrics tells of it.
                Err(error) => tracing::error!(%error, "online store not refreshed"),
            }
            thread::park_timeout(interval);
        }
    })
}

fn router(responder: &Responder) -> Router {
    let metrics = responder.clone();
    let metrics = move || async move {
        let text = metrics.metrics().render(metrics.reader());
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
    };
    Router::new()
        .route("/health", get(|| async { StatusCode::OK }))
        .route("/metrics", get(metrics))
        .fallback(|method: Method, uri: Uri| async move {
            let (method, path) = (method.to_string(), shown(&uri));
            match connection::asked_model(&path) {
                Some((task, _)) => refused(&RequestError::Method { method, path: path.clone() }, task.into()),
                None if path == "/get-online-features" => {
                    refused(&RequestError::Method { method, path }, Route::Features)
                }
                None => refused(&RequestError::Route { method, path }, Route::Features),
            }
        })
        .method_not_allowed_fallback(|method: Method, uri: Uri| async move {
            refused(&RequestError::Method { method: method.to_string(), path: shown(&uri) }, Route::Features)
        })
}

pub(crate) fn shown(uri: &Uri) -> String {
    uri.path().chars().take(PATH_CHARS_SHOWN).collect()
}

fn refused(error: &RequestError, route: Route) -> Response {
    refusal(error, route).map(axum::body::Body::new).into_response()
}
