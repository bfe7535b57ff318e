//! What can go wrong with a report.

use hanok_charts::ChartError;
use hanok_error::{Code, Coded, code};

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Numbers of a picture do not fit together.
    #[error("the picture of `{of}` cannot be drawn: {problem}")]
    Picture {
        /// What it shows, e.g. a column.
        of: String,
        /// What does not fit.
        problem: ChartError,
    },
    /// A result could not be written as JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Coded for ReportError {
    fn code(&self) -> Code {
        match self {
            ReportError::Picture { problem, .. } => problem.code(),
            ReportError::Json(_) => code::REPORT_JSON,
        }
    }
}
