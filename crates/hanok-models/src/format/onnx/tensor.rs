//! ONNX's tensors.

use super::{DOUBLE, FLOAT, unsupported};
use crate::error::ReadError;
use crate::format::bytes::{Scalar, numbers};
use crate::format::protobuf::Message;

/// ONNX's numbers of types.
const UINT8: i64 = 2;
const INT32: i64 = 6;
const INT64: i64 = 7;

/// The numbers of a tensor of floats, doubles, integers or unsigned bytes, whatever its shape.
pub fn tensor(tensor: Message<'_>) -> Result<Vec<f64>, ReadError> {
    if !tensor.all_bytes(13)?.is_empty() || tensor.integer(14)?.unwrap_or(0) != 0 {
        return Err(unsupported("$.graph", "a tensor in another file"));
    }
    let raw = tensor.all_bytes(9)?.pop();
    let kind = tensor.integer(2)?.unwrap_or(0);
    let integers = |field| Ok(tensor.integers(field)?.into_iter().map(|number| number as f64).collect());
    match (kind, raw) {
        (FLOAT, Some(raw)) => Ok(of::<f32>(raw)),
        (FLOAT, None) => tensor.floats(4),
        (DOUBLE, Some(raw)) => Ok(numbers(raw)),
        (DOUBLE, None) => tensor.doubles(10),
        (INT64, Some(raw)) => Ok(numbers::<i64>(raw).into_iter().map(|number| number as f64).collect()),
        (INT64, None) => integers(7),
        (INT32, Some(raw)) => Ok(of::<i32>(raw)),
        (UINT8, Some(raw)) => Ok(of::<u8>(raw)),
        (INT32 | UINT8, None) => integers(5),
        (other, _) => Err(unsupported("$.graph", format!("a tensor of the type {other}"))),
    }
}

fn of<T: Scalar + Into<f64>>(raw: &[u8]) -> Vec<f64> {
    numbers::<T>(raw).into_iter().map(Into::into).collect()
}
