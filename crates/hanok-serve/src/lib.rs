//! The feature server: `POST /get-online-features` as Feast's feature server answers it, `POST /predict/MODEL` and
//! `POST /explain/MODEL` for predictive models, `GET /health` and `GET /metrics`. Apart from it, [`EventServer`] takes events for streaming
//! detectors.
//!
//! The read path goes from request bytes to response bytes without a JSON tree: a borrowing parse, a plan that is
//! cached per shape of request, lookups in the online store's memory, and a hand-written answer. [`Responder`] is that
//! path without a socket; [`Server`] puts it behind HTTP, one single-threaded runtime a core.
//!
//! Must not exist here: feature definitions and their registry (whoever starts the server turns them into a [`ServingSet`]), the
//! offline store, set-up of logging, requests to other servers.

mod connection;
mod error;
mod json;
mod metrics;
mod model;
mod options;
mod plan;
mod pushed;
mod render;
mod request;
mod respond;
mod server;
mod set;

pub use error::{RequestError, ServeError};
pub use model::{ModelError, ModelSet, ServingModel, fuzz_model_request};
pub use options::{Limits, ServeOptions};
pub use pushed::{EventServer, Push};
pub use request::fuzz_request;
pub use respond::Responder;
pub use server::{Server, serve, shutdown_signal};
pub use set::{ServiceProjection, ServingService, ServingSet, ServingSets, ServingView};
