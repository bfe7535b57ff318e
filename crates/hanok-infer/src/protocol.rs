//! What servers expect and how they answer.

use std::fmt::Write as _;

use crate::error::EndpointError;

/// How rows are sent and predictions come back, as JSON. Numbers are written so that they are read back as the same f64; NaN, a missing
/// value, is `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Hanok's own `POST /predict/MODEL`: `{"columns": [name, …], "rows": [[value, …], …]}` →
    /// `{"outputs": [name, …], "predictions": [[value, …], …]}`.
    Hanok,
    /// MLflow's scoring protocol, `POST /invocations`: `{"dataframe_split": {"columns": […], "data": [[…], …]}}` →
    /// `{"predictions": [value or [value, …], …]}`.
    Mlflow,
    /// KServe's version 1 (of TensorFlow Serving), `POST /v1/models/MODEL:predict`: `{"instances": [[…], …]}` →
    /// `{"predictions": [value or [value, …], …]}`. Columns have no names there.
    Kserve,
}

impl Protocol {
    /// The body of a request for rows of as many values as there are columns.
    pub(crate) fn body(self, columns: &[String], rows: &[f64]) -> Result<Vec<u8>, EndpointError> {
        let names = serde_json::Value::from(columns).to_string();
        let (start, end) = match self {
            Protocol::Hanok => (format!("{{\"columns\":{names},\"rows\":["), "]}"),
            Protocol::Mlflow => (format!("{{\"dataframe_split\":{{\"columns\":{names},\"data\":["), "]}}"),
            Protocol::Kserve => ("{\"instances\":[".to_owned(), "]}"),
        };
        let mut body = start;
        for (at, row) in rows.chunks(columns.len().max(1)).enumerate() {
            body.push_str(if at == 0 { "[" } else { ",[" });
            for (column, value) in row.iter().enumerate() {
                if value.is_infinite() {
                    let column = columns[column].clone();
                    return Err(EndpointError::Infinite { row: at, column });
                }
                if column > 0 {
                    body.push(',');
                }
                if value.is_nan() {
                    body.push_str("null");
                } else {
                    // With a point or an exponent, so that servers do not take whole numbers for integers.
                    let _ = write!(body, "{value:?}");
                }
            }
            body.push(']');
        }
        body.push_str(end);
        Ok(body.into_bytes())
    }
}
