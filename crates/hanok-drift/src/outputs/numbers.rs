//! Metrics of regressions.

use super::Metric;
use super::measured::Measured;

/// A metric by labels and predictions of the same rows.
pub(super) fn measure(metric: Metric, labels: &[f64], predictions: &[f64]) -> Option<Measured> {
    let errors = || predictions.iter().zip(labels).map(|(prediction, label)| prediction - label);
    match metric {
        Metric::Bias => Measured::mean(errors().collect()),
        Metric::Mae => Measured::mean(errors().map(f64::abs).collect()),
        Metric::Rmse => {
            let mut found = Measured::mean(errors().map(|error| error * error).collect())?;
            found.value = libm::sqrt(found.value);
            if found.value > 0.0 {
                let scale = 0.5 / found.value;
                found.influence.iter_mut().for_each(|value| *value *= scale);
            }
            Some(found)
        }
        Metric::R2 => {
            let squared = Measured::mean(errors().map(|error| error * error).collect())?;
            let mean = labels.iter().sum::<f64>() / labels.len() as f64;
            let spread = Measured::mean(labels.iter().map(|label| (label - mean).powi(2)).collect())?;
            if spread.value <= 0.0 {
                return None;
            }
            let (slope, ratio) = (1.0 / spread.value, squared.value / spread.value);
            let rows = squared.influence.iter().zip(&spread.influence);
            let influence = rows.map(|(error, label)| (ratio * label - error) * slope).collect();
            Some(Measured { value: 1.0 - ratio, influence, share: None })
        }
        Metric::Mape => {
            Measured::ratio(
                errors().zip(labels).map(|(error, label)| {
                    if *label == 0.0 { (0.0, 0.0) } else { ((error / label).abs(), 1.0) }
                }),
            )
        }
        _ => None,
    }
}

/// What a model has that always says the labels' mean or, for absolute errors, their median.
pub(super) fn baseline(metric: Metric, labels: &[f64]) -> Option<f64> {
    if labels.is_empty() {
        return None;
    }
    let constant = if metric == Metric::Mae {
        let mut sorted = labels.to_vec();
        let (_, median, _) = sorted.select_nth_unstable_by(labels.len() / 2, f64::total_cmp);
        *median
    } else {
        labels.iter().sum::<f64>() / labels.len() as f64
    };
    match metric {
        Metric::Rmse | Metric::Mae | Metric::R2 => {
            measure(metric, labels, &vec![constant; labels.len()]).map(|found| found.value)
        }
        _ => None,
    }
}
