//! Options of the server, with the defaults.

use std::net::{Ipv4Addr, SocketAddr};

/// What one request may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Entities of a request, or rows for a model.
    pub entities_max: usize,
    /// Features of a request, a service's included.
    pub features_max: usize,
    /// Values in the answer: entities times features; for a model, rows times features or outputs.
    pub values_max: usize,
    /// Values of an explanation: rows times outputs times features, however few are told.
    pub reasons_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 4 << 20,
            entities_max: 50_000,
            features_max: 2_000,
            values_max: 5_000_000,
            reasons_max: 250_000,
        }
    }
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The address to listen on; port 0 takes a free one.
    pub http: SocketAddr,
    /// Worker threads; 0 is one a core.
    pub workers: usize,
    /// Limits of one request.
    pub limits: Limits,
    /// Connections at a time. More are answered with 503 and closed.
    pub connections_max: usize,
    /// How long a connection may take to send a request's head; also how long it may be idle.
    pub head_timeout_ms: u64,
    /// How long a request's body may take to arrive.
    pub body_timeout_ms: u64,
    /// How long a client may leave an answer unread.
    pub write_timeout_ms: u64,
    /// How long requests in flight may take after shutdown was asked for.
    pub drain_ms: u64,
    /// How often commits of other processes are looked for.
    pub refresh_interval_ms: u64,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, 6566)),
            workers: 0,
            limits: Limits::default(),
            connections_max: 4_096,
            head_timeout_ms: 30_000,
            body_timeout_ms: 10_000,
            write_timeout_ms: 30_000,
            drain_ms: 10_000,
            refresh_interval_ms: 50,
        }
    }
}
