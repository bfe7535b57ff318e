//! Charts of one row.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use hanok_charts::{Contribution, Plot, Steps, number};

use super::{Asked, PlotKind, Plotted, View};
use crate::row::{RowExplanation, RowFinder, RowKey, RowOutput};
use crate::views::{ViewError, short};

/// Keys that a subtitle names.
const KEYS_SHOWN: usize = 4;
/// Features with a step of their own.
const STEPS: usize = 12;

impl View<'_> {
    /// The row that is asked for, as a batch of one.
    pub(super) fn find(&self, key: &RowKey) -> Result<RecordBatch, ViewError> {
        let mut finder = RowFinder::new(key.clone());
        // Interactions are most of a file, and say nothing here.
        let outputs = self.asked.metadata.columns.outputs.iter();
        let left_out: HashSet<&String> = outputs.flat_map(|output| &output.interactions).collect();
        let names = self.explanation.schema().fields().iter().map(|field| field.name());
        let columns: Vec<&str> = names.filter(|name| !left_out.contains(name)).map(String::as_str).collect();
        for batch in self.explanation.batches(&columns)? {
            finder.look(&batch?)?;
            if finder.is_done() {
                break;
            }
        }
        Ok(finder.finish()?)
    }

    /// The steps from the base value to the prediction.
    pub(super) fn one_row(&self) -> Result<Plotted, ViewError> {
        // Before the file is read for nothing.
        self.asked.output()?;
        let Some(key) = &self.asked.request.row else {
            return Err(ViewError::Request(
                "a chart of one row needs `--row`, such as `--row carrier=B6,flight=725` or a number counted from 1"
                    .to_owned(),
            ));
        };
        self.asked.row(&self.find(key)?)
    }
}

impl Asked<'_> {
    /// The steps of the first row of a batch.
    pub(super) fn row(&self, batch: &RecordBatch) -> Result<Plotted, ViewError> {
        let explained = RowExplanation::new(self.metadata, batch)?;
        let output = &explained.outputs[self.output()?];
        let steps = self.steps(output);
        let plot = match self.request.kind {
            PlotKind::Force => Plot::Force(steps),
            _ => Plot::Waterfall(steps),
        };
        let keys: Vec<String> =
            explained.keys.iter().take(KEYS_SHOWN).map(|(key, value)| format!("{key} {value}")).collect();
        let predicted = self.words.predicted(self.metadata.unit, &number(output.prediction));
        let chart = self.chart(
            self.words.say("Why this prediction", "이 예측의 이유").to_owned(),
            plot,
            keys.into_iter().chain(predicted).collect(),
        );
        Ok(Plotted { chart, table: table(&output.contributions)? })
    }

    fn steps(&self, output: &RowOutput) -> Steps {
        let contributions = output.contributions.iter().map(|one| Contribution {
            name: one.feature.clone(),
            input: match one.input.as_str() {
                "" | "NaN" => self.words.say("missing", "결측").to_owned(),
                input => short(input),
            },
            value: one.value,
        });
        Steps {
            axis: self.words.explained(self.metadata.unit),
            base: output.base_value,
            contributions: contributions.collect(),
            rows_max: self.features_max(STEPS),
        }
    }
}

/// Contributions as rows.
fn table(all: &[crate::row::Contribution]) -> Result<RecordBatch, ArrowError> {
    let text = |of: fn(&crate::row::Contribution) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(all.iter().map(of)))
    };
    let values = Float64Array::from_iter_values(all.iter().map(|one| one.value));
    RecordBatch::try_from_iter([
        ("feature", text(|one| &one.feature)),
        ("input", text(|one| &one.input)),
        ("value", Arc::new(values) as ArrayRef),
    ])
}
