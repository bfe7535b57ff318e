//! What servers expect and how they answer.

use std::fmt::{self, Write as _};

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
    /// Whether a text is the address of an endpoint.
    pub fn is_address(text: &str) -> bool {
        text.contains("://")
    }

    /// The protocol that an address stands for, and the address itself. `mlflow+http://…` says it; otherwise the path does: `/invocations`
    /// is MLflow's, `/v1/models/…:predict` KServe's, and any other Hanok's.
    pub fn of_address(address: &str) -> (Protocol, &str) {
        for protocol in [Protocol::Hanok, Protocol::Mlflow, Protocol::Kserve] {
            let rest = address.strip_prefix(protocol.name()).and_then(|rest| rest.strip_prefix('+'));
            if let Some(url) = rest {
                return (protocol, url);
            }
        }
        let path = address.split(['?', '#']).next().unwrap_or(address).trim_end_matches('/');
        let protocol = if path.ends_with("/invocations") {
            Protocol::Mlflow
        } else if path.contains("/v1/models/") && path.ends_with(":predict") {
            Protocol::Kserve
        } else {
            Protocol::Hanok
        };
        (protocol, address)
    }

    /// `hanok`, `mlflow` or `kserve`.
    fn name(self) -> &'static str {
        match self {
            Protocol::Hanok => "hanok",
            Protocol::Mlflow => "mlflow",
            Protocol::Kserve => "kserve",
        }
    }

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

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_spoken() {
        for (address, protocol, url) in [
            ("http://h:1/predict/delay", Protocol::Hanok, "http://h:1/predict/delay"),
            ("http://h/invocations/?x=1", Protocol::Mlflow, "http://h/invocations/?x=1"),
            ("https://h/v1/models/delay:predict", Protocol::Kserve, "https://h/v1/models/delay:predict"),
            ("mlflow+http://h/score", Protocol::Mlflow, "http://h/score"),
            ("hanok+https://h/invocations", Protocol::Hanok, "https://h/invocations"),
        ] {
            assert!(Protocol::is_address(address));
            assert_eq!(Protocol::of_address(address), (protocol, url));
        }
        assert!(!Protocol::is_address("models/delay.onnx"));
    }
}
