//! Models behind an endpoint: rows in, outputs out.
//!
//! [`Endpoint`] asks a server that predicts, over HTTP. What it gives is what `hanok_models::Agnostic` takes as a model.
//!
//! Must not exist here: explanations, training, what the features mean.

mod answer;
mod endpoint;
mod error;
mod protocol;

pub use endpoint::{Endpoint, EndpointOptions};
pub use error::EndpointError;
pub use protocol::Protocol;
