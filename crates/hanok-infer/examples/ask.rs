//! Asks an endpoint for predictions: what `tests/models/` runs against servers of other makers.
//!
//! `ask URL hanok|mlflow|kserve COLUMN,COLUMN… ROWS OUT [BATCH]`: rows and predictions are plain little-endian f64, row after row.

use std::error::Error;

use hanok_infer::{Endpoint, EndpointOptions, Protocol};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, protocol, columns, rows, out, batch @ ..] = arguments.as_slice() else {
        return Err("usage: ask URL hanok|mlflow|kserve COLUMN,COLUMN… ROWS OUT [BATCH]".into());
    };
    let protocol = match protocol.as_str() {
        "hanok" => Protocol::Hanok,
        "mlflow" => Protocol::Mlflow,
        "kserve" => Protocol::Kserve,
        other => return Err(format!("no protocol {other}").into()),
    };
    let batch_rows = batch.first().map_or(Ok(1000), |rows| rows.parse())?;
    let columns = columns.split(',').map(str::to_owned).collect();
    let endpoint =
        Endpoint::new(url, columns, EndpointOptions { protocol, batch_rows, ..EndpointOptions::default() })?;
    let bytes = std::fs::read(rows)?;
    let rows: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect();
    let found = endpoint.predict(&rows)?;
    std::fs::write(out, found.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}
