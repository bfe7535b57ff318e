//! What can go wrong with a graph.

use hanok_error::{Code, Coded, code};
use hanok_models::ReadError;

/// An ONNX graph cannot be read, or not be computed.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The bytes are no ONNX model, or the graph's parts do not fit each other.
    #[error("{0}")]
    Syntax(&'static str),
    /// A message, a tensor or trees of the graph cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A part that is not computed here.
    #[error("{place}: {what} cannot be computed")]
    Unsupported {
        /// The operator's or value's name.
        place: String,
        /// The part, e.g. "the operator `Loop`".
        what: String,
    },
    /// Larger than allowed.
    #[error("the graph has {found} {what}; at most {limit} are allowed")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// Values meet that do not fit each other.
    #[error("{place}: {problem}")]
    Shape {
        /// The operator's name.
        place: String,
        /// What does not fit.
        problem: String,
    },
    /// Rows do not have as many values as the graph has inputs.
    #[error("{values} values are no rows for the graph's inputs, which take {features} columns")]
    Width {
        /// Values given.
        values: usize,
        /// Columns of all inputs.
        features: usize,
    },
}

impl Coded for GraphError {
    fn code(&self) -> Code {
        match self {
            GraphError::Syntax(_)
            | GraphError::Read(_)
            | GraphError::Unsupported { .. }
            | GraphError::Limit { .. } => code::INFER_GRAPH,
            GraphError::Shape { .. } => code::INFER_RUN,
            GraphError::Width { .. } => code::INFER_ROWS,
        }
    }
}
