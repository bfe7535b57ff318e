//! What Evidently 0.7.23 and NannyML 0.13.1 would say with their defaults, for those who must compare. Their values are reproduced to
//! 1e-9, their faults too: [`compare`](crate::compare) is what to use otherwise.

mod evidently;
mod nannyml;

pub use evidently::{EvidentlyTest, evidently};
pub use nannyml::{NannyMl, nannyml};

use arrow::array::ArrayRef;

use crate::column::Kind;
use crate::compare::Pair;
use crate::error::CompareError;

/// A pair's kind, when it is one for both sides and one that these libraries have.
fn kind(pair: &Pair) -> Result<Kind, CompareError> {
    let of = |chunks: &[ArrayRef]| chunks.first().and_then(|chunk| Kind::of(chunk.data_type()));
    match (of(&pair.reference), of(&pair.current)) {
        (Some(kind @ (Kind::Numbers | Kind::Booleans | Kind::Texts)), Some(other)) if kind == other => {
            Ok(kind)
        }
        _ => Err(CompareError::Type {
            column: pair.name.clone(),
            data_type: Box::new(
                pair.reference
                    .first()
                    .map_or(arrow::datatypes::DataType::Null, |chunk| chunk.data_type().clone()),
            ),
        }),
    }
}
