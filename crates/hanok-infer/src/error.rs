//! What can go wrong with an endpoint.

use std::time::Duration;

use hanok_error::{Code, Coded, code};

/// An endpoint cannot be asked, or does not predict. Addresses are shown without a password.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The address or a limit is of no use.
    #[error("the endpoint {url} cannot be used: {problem}")]
    Address {
        /// As it was given.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// Rows do not have as many values as there are columns.
    #[error("{values} values are no rows of {columns} columns")]
    Width {
        /// Values given.
        values: usize,
        /// Columns of the endpoint.
        columns: usize,
    },
    /// JSON has no infinity.
    #[error("the value of `{column}` in row {row} of the request is infinite, which JSON cannot say")]
    Infinite {
        /// Number of the row in the request.
        row: usize,
        /// The column.
        column: String,
    },
    /// There is no connection, or it broke off.
    #[error("{url} cannot be reached (tried {tries}x): {problem}")]
    Unreachable {
        /// The endpoint.
        url: String,
        /// How often it was tried.
        tries: u32,
        /// What the client says.
        problem: String,
    },
    /// No answer in time.
    #[error("{url} did not answer for {rows} rows within {:.1} s", timeout.as_secs_f64())]
    Timeout {
        /// The endpoint.
        url: String,
        /// Rows of the request.
        rows: usize,
        /// The limit.
        timeout: Duration,
    },
    /// Something else than success.
    #[error("{url} answered {status} (tried {tries}x): {words}")]
    Status {
        /// The endpoint.
        url: String,
        /// HTTP's status.
        status: u16,
        /// How often it was tried.
        tries: u32,
        /// The beginning of what the server says, or where it redirects to.
        words: String,
    },
    /// Success, but no predictions.
    #[error("the answer of {url} is not understood: {problem}")]
    Answer {
        /// The endpoint.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Longer than allowed.
    #[error("the answer of {url} is longer than {limit} bytes")]
    AnswerBytes {
        /// The endpoint.
        url: String,
        /// Most bytes of an answer.
        limit: usize,
    },
}

impl Coded for EndpointError {
    fn code(&self) -> Code {
        match self {
            EndpointError::Address { .. } => code::INFER_ADDRESS,
            EndpointError::Width { .. } | EndpointError::Infinite { .. } => code::INFER_ROWS,
            EndpointError::Unreachable { .. } | EndpointError::Timeout { .. } => code::INFER_ENDPOINT,
            EndpointError::Status { .. } => code::INFER_STATUS,
            EndpointError::Answer { .. } | EndpointError::AnswerBytes { .. } => code::INFER_ANSWER,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            EndpointError::Status { status: 300..=399, .. } => {
                "Redirects are not followed: give the address that the server names."
            }
            EndpointError::Status { status: 401 | 403, .. } => {
                "The server wants to know who asks: put user and password into the address, or let it be asked from here."
            }
            EndpointError::Status { status: 404 | 405, .. } => {
                "Give the whole path of the model: /predict/MODEL (Hanok), /invocations (MLflow), /v1/models/MODEL:predict (KServe)."
            }
            EndpointError::Status { status: 400 | 415 | 422, .. } => {
                "See whether the protocol is the server's and the columns are the model's."
            }
            EndpointError::Status { status: 413, .. } | EndpointError::AnswerBytes { .. } => {
                "Send fewer rows a request."
            }
            EndpointError::Status { status: 429 | 503, .. } => {
                "The server is too busy also after the retries: send fewer rows a request, or try later."
            }
            EndpointError::Timeout { .. } => "Send fewer rows a request, or allow more time.",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
