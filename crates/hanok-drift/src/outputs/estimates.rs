//! Performance without labels.

use serde::Serialize;

use super::{Interval, Metric};

/// A metric of one chunk of rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimatedChunk {
    /// Its first row.
    pub start: u64,
    /// Its rows.
    pub rows: u64,
    /// What the metric is estimated to be; `None` without a finite prediction.
    pub estimate: Option<f64>,
    /// The standard deviation that the metric has from chunk to chunk of this size by chance.
    pub sampling_error: Option<f64>,
    /// Three sampling errors around the estimate, within the metric's range.
    pub interval: Option<Interval>,
    /// What the metric is by labels, where there are any.
    pub realized: Option<f64>,
    /// The estimate is beyond a threshold.
    pub alert: bool,
}

/// A metric over chunks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimatedMetric {
    /// What is estimated.
    pub metric: Metric,
    /// Below it an alert is raised: mean − 3 standard deviations of the metric by labels over the reference's chunks, within the
    /// metric's range.
    pub lower: Option<f64>,
    /// Above it an alert is raised.
    pub upper: Option<f64>,
    /// The reference's chunks.
    pub reference: Vec<EstimatedChunk>,
    /// The current chunks.
    pub current: Vec<EstimatedChunk>,
}

/// Estimated performance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimated {
    /// Whether the probabilities of each class were calibrated on the reference (one for a binary model; none for a regression).
    pub calibrated: Vec<bool>,
    /// Every metric.
    pub metrics: Vec<EstimatedMetric>,
}
