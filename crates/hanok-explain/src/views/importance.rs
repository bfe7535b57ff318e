//! How much each feature moves the predictions.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use serde::Serialize;

use super::{Cohorts, ViewError, floats};
use crate::explanation::Explanation;

/// The SHAP values of one feature for one output of the model, over all rows or those of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// The output of the model.
    pub output: String,
    /// The cohort; none for all rows.
    pub cohort: Option<String>,
    /// The feature.
    pub feature: String,
    /// How many rows.
    pub rows: u64,
    /// Mean of |value|; like the others NaN without rows.
    pub mean_abs: f64,
    /// Mean of the values.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// The largest |value|.
    pub max_abs: f64,
}

impl Importance {
    /// A table with a row each and the fields as columns.
    pub fn table(all: &[Self]) -> Result<RecordBatch, ArrowError> {
        let text = |of: fn(&Self) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(all.iter().map(of)))
        };
        let number = |of: fn(&Self) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(all.iter().map(of)))
        };
        let cohorts: StringArray = all.iter().map(|one| one.cohort.as_deref()).collect();
        let rows = Int64Array::from_iter_values(all.iter().map(|one| one.rows as i64));
        RecordBatch::try_from_iter_with_nullable([
            ("output", text(|one| &one.output), false),
            ("cohort", Arc::new(cohorts) as ArrayRef, true),
            ("feature", text(|one| &one.feature), false),
            ("rows", Arc::new(rows) as ArrayRef, false),
            ("mean_abs", number(|one| one.mean_abs), false),
            ("mean", number(|one| one.mean), false),
            ("std", number(|one| one.std), false),
            ("max_abs", number(|one| one.max_abs), false),
        ])
    }
}

/// The importance of all features for some outputs (by place), by cohort if there are any: outputs and cohorts in their
/// order, without those that have no rows, features with the largest mean |value| first. Reads the file once.
pub fn importance(
    explanation: &Explanation,
    outputs: &[usize],
    cohorts: Option<&Cohorts>,
) -> Result<Vec<Importance>, ViewError> {
    let metadata = explanation.metadata();
    let (features, groups) = (metadata.features.len(), cohorts.map_or(1, |cohorts| cohorts.names().len()));
    let of_outputs = outputs.iter().map(|output| &metadata.columns.outputs[*output]);
    let values: Vec<&str> = of_outputs.flat_map(|output| &output.values).map(String::as_str).collect();
    let mut columns = values.clone();
    columns.extend(cohorts.map(Cohorts::column));
    let mut spreads = vec![Spread::default(); values.len() * groups];
    for batch in explanation.batches(&columns)? {
        let batch = batch?;
        let members = cohorts.map(|cohorts| cohorts.members(&batch)).transpose()?;
        for (column, spreads) in values.iter().zip(spreads.chunks_mut(groups)) {
            let values = floats(&batch, column)?;
            match &members {
                None => values.values().iter().for_each(|value| spreads[0].add(*value)),
                Some(members) => {
                    members
                        .iter()
                        .zip(values.values())
                        .for_each(|(group, value)| spreads[*group].add(*value));
                }
            }
        }
    }
    let mut found = Vec::with_capacity(spreads.len());
    for (at, output) in outputs.iter().enumerate() {
        for group in 0..groups {
            let begin = found.len();
            let spread = |feature: usize| &spreads[(at * features + feature) * groups + group];
            if groups > 1 && (0..features).all(|feature| spread(feature).rows == 0) {
                continue;
            }
            found.extend(metadata.features.iter().enumerate().map(|(feature, name)| {
                let cohort = cohorts.map(|cohorts| cohorts.names()[group].clone());
                spread(feature).importance(metadata.outputs[*output].clone(), cohort, name.clone())
            }));
            // Equal ones stay in the model's order.
            found[begin..].sort_by(|a, b| b.mean_abs.total_cmp(&a.mean_abs));
        }
    }
    Ok(found)
}

/// Moments of values as they come, by Welford's method (1962).
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    pub(super) rows: u64,
    sum_abs: f64,
    pub(super) mean: f64,
    squares: f64,
    max_abs: f64,
}

impl Spread {
    /// Takes a value, unless it is not finite.
    pub(super) fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.rows += 1;
        self.sum_abs += value.abs();
        self.max_abs = self.max_abs.max(value.abs());
        let off = value - self.mean;
        self.mean += off / self.rows as f64;
        self.squares += off * (value - self.mean);
    }

    pub(super) fn mean_abs(&self) -> f64 {
        self.sum_abs / self.rows as f64
    }

    fn importance(&self, output: String, cohort: Option<String>, feature: String) -> Importance {
        let known = |value: f64| if self.rows == 0 { f64::NAN } else { value };
        Importance {
            output,
            cohort,
            feature,
            rows: self.rows,
            mean_abs: self.mean_abs(),
            mean: known(self.mean),
            std: (self.squares / self.rows as f64).sqrt(),
            max_abs: known(self.max_abs),
        }
    }
}
