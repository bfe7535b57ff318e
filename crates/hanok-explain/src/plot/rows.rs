//! Charts of many rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema};
use hanok_charts::{Contributions, Decision, DecisionRow, Feature, Heatmap, Plot};

use super::{FeatureOrder, PlotKind, Plotted, Rows, SAMPLE_ROWS_MAX, View};
use crate::views::{ViewError, floats, is_text, likeness};

/// Features with a line.
const LINES: usize = 20;
/// Rows that are clustered.
const CLUSTERED_ROWS_MAX: usize = 2000;
/// Paths of a chart.
const PATHS_MAX: usize = 300;

impl View<'_> {
    /// Dots or shapes.
    pub(super) fn swarm(&self) -> Result<Plotted, ViewError> {
        let rows = self.rows(SAMPLE_ROWS_MAX)?;
        let contributions = Contributions {
            axis: self.asked.words.value(self.asked.metadata.unit),
            features: self.features(&rows)?,
            rows_max: self.asked.features_max(LINES),
        };
        let plot = if self.asked.request.kind == PlotKind::Violin {
            Plot::Violin(contributions)
        } else {
            Plot::Beeswarm(contributions)
        };
        let title = self.asked.words.say("What moves the predictions", "예측을 움직이는 특성").to_owned();
        Ok(Plotted { chart: self.asked.chart_of_rows(title, plot, Some(&rows)), table: rows.batch })
    }

    /// Rows as colours, alike ones beside each other; features likewise, if they are wanted so.
    pub(super) fn heatmap(&self) -> Result<Plotted, ViewError> {
        let mut rows = self.rows(CLUSTERED_ROWS_MAX)?;
        let values = values(&rows)?;
        let lines = self.lines(&values);
        let points: Vec<Vec<f64>> =
            (0..rows.batch.num_rows()).map(|row| values.iter().map(|values| values[row]).collect()).collect();
        let sums = floats(&rows.batch, &rows.output.sum)?;
        let order = likeness(&points, sums.values());
        let order = UInt32Array::from_iter_values(order.into_iter().map(|row| row as u32));
        rows.batch = take_record_batch(&rows.batch, &order)?;
        let axis = match self.asked.request.order {
            FeatureOrder::Importance => {
                self.asked.words.say("rows, alike ones beside each other", "행(비슷한 행끼리 이웃)")
            }
            FeatureOrder::Clustered => self
                .asked
                .words
                .say("rows and features, alike ones beside each other", "행과 특성(비슷한 것끼리 이웃)"),
        };
        let features = self.features(&rows)?;
        let plot = Plot::Heatmap(Heatmap {
            axis: axis.to_owned(),
            features: lines.iter().map(|feature| features[*feature].clone()).collect(),
            predictions: numbers(&rows.batch, &rows.output.prediction)?,
            rows_max: self.asked.features_max(LINES),
            keep_order: self.asked.request.order == FeatureOrder::Clustered,
        });
        let title = self
            .asked
            .words
            .say("What moves the predictions, row by row", "행마다 예측을 움직인 특성")
            .to_owned();
        let chart = self.asked.chart_of_rows(title, plot, Some(&rows));
        let names = self.columns_in_order(rows.output, &lines);
        let places = names.iter().map(|name| rows.batch.schema_ref().index_of(name));
        let batch = rows.batch.project(&places.collect::<Result<Vec<_>, _>>()?)?;
        Ok(Plotted { chart, table: with_places(&batch)? })
    }

    /// The features in the order of a heatmap's lines, and after them those that have none, by mean |value|; given the values of each.
    fn lines(&self, values: &[Vec<f64>]) -> Vec<usize> {
        let size = |values: &Vec<f64>| {
            let finite = values.iter().filter(|value| value.is_finite());
            finite.map(|value| value.abs() / values.len() as f64).sum::<f64>()
        };
        let sizes: Vec<f64> = values.iter().map(size).collect();
        let mut lines: Vec<usize> = (0..values.len()).collect();
        lines.sort_by(|a, b| sizes[*b].total_cmp(&sizes[*a]));
        if self.asked.request.order == FeatureOrder::Clustered {
            let shown = self.asked.features_max(LINES).min(lines.len());
            let points: Vec<Vec<f64>> = lines[..shown].iter().map(|line| values[*line].clone()).collect();
            // Of two branches, the one with the larger values comes first.
            let by: Vec<f64> = lines[..shown].iter().map(|line| -sizes[*line]).collect();
            let clustered: Vec<usize> =
                likeness(&points, &by).into_iter().map(|place| lines[place]).collect();
            lines[..shown].copy_from_slice(&clustered);
        }
        lines
    }

    /// Paths of rows; the one that is asked for stands out.
    pub(super) fn decision(&self) -> Result<Plotted, ViewError> {
        let mut rows = self.rows(PATHS_MAX)?;
        if let Some(key) = &self.asked.request.row {
            let row = self.find(key)?;
            let names: Vec<usize> = rows
                .batch
                .schema_ref()
                .fields()
                .iter()
                .map(|field| row.schema_ref().index_of(field.name()))
                .collect::<Result<_, _>>()?;
            rows.batch = concat_batches(rows.batch.schema_ref(), [&row.project(&names)?, &rows.batch])?;
        }
        let bases = floats(&rows.batch, &rows.output.base)?;
        let base = bases.values().first().copied().unwrap_or(f64::NAN);
        if bases.values().iter().any(|other| other.to_bits() != base.to_bits()) {
            return Err(ViewError::Request(
                "the base value differs from row to row, as it does for losses, and paths begin at a common one"
                    .to_owned(),
            ));
        }
        let values = values(&rows)?;
        let path = |row: usize| DecisionRow {
            name: String::new(),
            values: values.iter().map(|values| values[row]).collect(),
            highlight: row == 0 && self.asked.request.row.is_some(),
        };
        let plot = Plot::Decision(Decision {
            axis: self.asked.words.explained(self.asked.metadata.unit),
            base,
            features: self.asked.metadata.features.clone(),
            rows: (0..rows.batch.num_rows()).map(path).collect(),
            rows_max: self.asked.features_max(LINES),
        });
        let title = self
            .asked
            .words
            .say("From the base value to the predictions", "기준값에서 예측까지의 경로")
            .to_owned();
        Ok(Plotted { chart: self.asked.chart_of_rows(title, plot, Some(&rows)), table: rows.batch })
    }

    /// SHAP values and own values by feature. Text has no order that a colour could show.
    fn features(&self, rows: &Rows) -> Result<Vec<Feature>, ViewError> {
        let metadata = self.asked.metadata;
        let columns = metadata.columns.inputs.iter().zip(&rows.output.values);
        let feature = |(name, (input, values)): (&String, (&String, &String))| {
            Ok(Feature {
                name: name.clone(),
                values: numbers(&rows.batch, values)?,
                inputs: if is_text(&rows.batch, input) { Vec::new() } else { numbers(&rows.batch, input)? },
            })
        };
        metadata.features.iter().zip(columns).map(feature).collect()
    }
}

/// Rows with their places, counted from 1, in front: a table of the lake has no order.
fn with_places(batch: &RecordBatch) -> Result<RecordBatch, ViewError> {
    let mut name = "place".to_owned();
    while batch.column_by_name(&name).is_some() {
        name.push('_');
    }
    let places: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=batch.num_rows() as i64));
    let fields = batch.schema_ref().fields().iter().cloned();
    let fields = std::iter::once(Arc::new(Field::new(name, DataType::Int64, false))).chain(fields);
    let columns = std::iter::once(places).chain(batch.columns().iter().cloned());
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns.collect())?)
}

/// SHAP values by feature.
fn values(rows: &Rows) -> Result<Vec<Vec<f64>>, ViewError> {
    rows.output.values.iter().map(|name| numbers(&rows.batch, name)).collect()
}

/// A column of numbers.
pub(super) fn numbers(batch: &RecordBatch, column: &str) -> Result<Vec<f64>, ViewError> {
    Ok(floats(batch, column)?.values().to_vec())
}
