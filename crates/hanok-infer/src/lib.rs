//! Models behind an ONNX graph or an endpoint: rows in, outputs out.
//!
//! [`Graph`] computes an ONNX graph; [`Endpoint`] asks a server that predicts, over HTTP. What they give is what
//! `hanok_models::Agnostic` takes as a model.
//!
//! Must not exist here: explanations, training, what the features mean.

mod answer;
mod endpoint;
mod error;
mod graph;
mod protocol;

pub use endpoint::{Endpoint, EndpointOptions, shown_address};
pub use error::EndpointError;
pub use graph::{Graph, GraphError, GraphInput};
pub use protocol::Protocol;
