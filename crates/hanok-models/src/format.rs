//! Model files, each format in a module of its own.

mod bytes;
mod catboost;
mod compare;
mod document;
mod exchange;
mod flat;
mod json;
mod lightgbm;
mod linear;
mod onnx;
mod protobuf;
mod treelite;
mod ubjson;
mod xgboost;

use crate::ensemble::Ensemble;
use crate::error::ReadError;
use document::Part;
pub use onnx::{tensor, trees};
pub use protobuf::Message;

/// Reads a model from the bytes of its file; the format is recognised by its content.
pub fn read(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    if lightgbm::looks_like(bytes) {
        return lightgbm::read(bytes)?.checked("line 1");
    }
    if catboost::binary::looks_like(bytes) {
        return catboost::binary::read(bytes)?.checked("$");
    }
    if onnx::looks_like(bytes) {
        return onnx::read(bytes)?.checked("$");
    }
    if treelite::looks_like(bytes) {
        return treelite::read(bytes)?.checked("$");
    }
    let start = bytes.trim_ascii_start();
    let document = if start.starts_with(b"{") && !ubjson::looks_like(start) {
        json::parse(start)?
    } else if start.starts_with(b"{") {
        ubjson::parse(start)?
    } else {
        return Err(ReadError::Syntax {
            place: "byte 0".to_owned(),
            problem: "this is none of the formats that are read",
        });
    };
    let root = Part::root(&document);
    if root.find("learner").is_some() {
        return xgboost::read(root)?.checked("$");
    }
    if let Some(format) = root.find("format") {
        return match format.text()? {
            "hanok-trees" => exchange::read(root)?.checked("$"),
            "hanok-linear" => linear::read(root)?.checked("$"),
            _ => Err(format.wrong("this is none of the formats that are read")),
        };
    }
    if root.find("features_info").is_some() {
        return catboost::read(root)?.checked("$");
    }
    Err(root.wrong("this is none of the models that are read"))
}
