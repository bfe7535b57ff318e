//! What pairs of features do together.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use serde::Serialize;

use super::importance::Spread;
use super::{Partner, ViewError, floats};
use crate::explanation::Explanation;

/// The interaction of two features over all rows: what they do together, which is twice their interaction value. Of a
/// feature with itself, its main effect: what it does alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The output of the model.
    pub output: String,
    /// The feature that comes first in the model's order.
    pub feature: String,
    /// The other one, or the same.
    pub other: String,
    /// How many rows.
    pub rows: u64,
    /// Mean of |effect|; like the mean NaN without rows.
    pub mean_abs: f64,
    /// Mean of the effects.
    pub mean: f64,
}

impl Pair {
    /// A table with a row each and the fields as columns.
    pub fn table(all: &[Self]) -> Result<RecordBatch, ArrowError> {
        let text = |of: fn(&Self) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(all.iter().map(of)))
        };
        let number = |of: fn(&Self) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(all.iter().map(of)))
        };
        let rows = Int64Array::from_iter_values(all.iter().map(|one| one.rows as i64));
        RecordBatch::try_from_iter_with_nullable([
            ("output", text(|one| &one.output), false),
            ("feature", text(|one| &one.feature), false),
            ("other", text(|one| &one.other), false),
            ("rows", Arc::new(rows) as ArrayRef, false),
            ("mean_abs", number(|one| one.mean_abs), false),
            ("mean", number(|one| one.mean), false),
        ])
    }
}

/// How strongly each other feature acts together with one (by place), strongest first: mean |interaction value|. Nothing
/// when the explanation has no interaction values. Reads the columns of these pairs once.
pub fn pairs_of(explanation: &Explanation, output: usize, feature: usize) -> Result<Vec<Partner>, ViewError> {
    let metadata = explanation.metadata();
    let columns = &metadata.columns.outputs[output].interactions;
    let others = (0..metadata.features.len()).filter(|other| *other != feature);
    let column = |other: usize| columns.get(metadata.pair(feature, other));
    let found: Vec<(usize, &str)> =
        others.filter_map(|other| Some((other, column(other)?.as_str()))).collect();
    let names: Vec<&str> = found.iter().map(|(_, name)| *name).collect();
    let mut spreads = vec![Spread::default(); names.len()];
    if !names.is_empty() {
        add_all(explanation, &names, &mut spreads)?;
    }
    let partner = |((feature, _), spread): (&(usize, &str), Spread)| Partner {
        feature: *feature,
        strength: spread.mean_abs(),
    };
    let mut partners: Vec<Partner> = found.iter().zip(spreads).map(partner).collect();
    partners.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    Ok(partners)
}

fn add_all(explanation: &Explanation, columns: &[&str], spreads: &mut [Spread]) -> Result<(), ViewError> {
    for batch in explanation.batches(columns)? {
        let batch = batch?;
        for (column, spread) in columns.iter().zip(&mut *spreads) {
            floats(&batch, column)?.values().iter().for_each(|value| spread.add(*value));
        }
    }
    Ok(())
}

/// All pairs of an output (by place), in the order of [`OutputColumns::interactions`](crate::OutputColumns). Reads the
/// file once.
pub fn pairs(explanation: &Explanation, output: usize) -> Result<Vec<Pair>, ViewError> {
    let metadata = explanation.metadata();
    let features = &metadata.features;
    let columns: Vec<&str> =
        metadata.columns.outputs[output].interactions.iter().map(String::as_str).collect();
    if columns.is_empty() {
        return Err(ViewError::Request(
            "the explanation has no interaction values; explain with `--interactions`".to_owned(),
        ));
    }
    let mut spreads = vec![Spread::default(); columns.len()];
    add_all(explanation, &columns, &mut spreads)?;
    let places = (0..features.len()).flat_map(|a| (a..features.len()).map(move |b| (a, b)));
    let pair = |((a, b), spread): ((usize, usize), Spread)| {
        let times = if a == b { 1.0 } else { 2.0 };
        Pair {
            output: metadata.outputs[output].clone(),
            feature: features[a].clone(),
            other: features[b].clone(),
            rows: spread.rows,
            mean_abs: spread.mean_abs() * times,
            mean: if spread.rows == 0 { f64::NAN } else { spread.mean * times },
        }
    };
    Ok(places.zip(spreads).map(pair).collect())
}
