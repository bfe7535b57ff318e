//! A model on rows with labels, whatever its task.

use super::measured::Measured;
use super::one_class::OneClass;
use super::rows::Rows;
use super::several::{Labels, Several};
use super::{Method, Metric, Options, Predictions, Task, numbers};

/// A model on rows with labels.
#[derive(Debug)]
pub(super) enum Model<'a> {
    Regression { labels: &'a [f64], predictions: &'a [f64] },
    Binary(OneClass<'a>),
    Multiclass { model: Several<'a>, labels: &'a [f64], names: &'a [String] },
}

impl<'a> Model<'a> {
    pub(super) fn new<const MODELS: usize>(
        rows: &'a Rows<'_, MODELS>,
        side: usize,
        options: &Options,
    ) -> Model<'a> {
        let (labels, values) = (rows.labels.as_ref(), rows.values[side].as_ref());
        match rows.kind {
            Predictions::Numbers(_) => Model::Regression { labels, predictions: values },
            Predictions::Probabilities(_) => {
                let said: Vec<bool> = values.iter().map(|value| *value >= options.threshold).collect();
                Model::Binary(OneClass::new(labels, values, said))
            }
            Predictions::Classes { names, .. } => {
                let model = Several::new(Labels::Hard(labels), values, names.len());
                Model::Multiclass { model, labels, names }
            }
        }
    }

    pub(super) fn task(&self) -> Task {
        match self {
            Model::Regression { .. } => Task::Regression,
            Model::Binary(_) => Task::Binary,
            Model::Multiclass { .. } => Task::Multiclass,
        }
    }

    pub(super) fn measure(&self, metric: Metric) -> Option<Measured> {
        match self {
            Model::Regression { labels, predictions } => numbers::measure(metric, labels, predictions),
            Model::Binary(model) => model.measure(metric),
            Model::Multiclass { model, .. } => model.measure(metric),
        }
    }

    pub(super) fn method(&self, metric: Metric) -> Method {
        match (self, metric) {
            (Model::Binary(_), Metric::Auc) => Method::Delong,
            _ => Method::Influence,
        }
    }

    /// On how many rows only this one is right, and only the other.
    pub(super) fn right_unlike(&self, other: &Model) -> [f64; 2] {
        let is_right = |model: &Model, row: usize| match model {
            Model::Regression { .. } => false,
            Model::Binary(model) => model.is_right(row),
            Model::Multiclass { model, labels, .. } => model.chosen[row] as f64 == labels[row],
        };
        let mut counts = [0.0, 0.0];
        for row in 0..self.len() {
            match (is_right(self, row), is_right(other, row)) {
                (true, false) => counts[0] += 1.0,
                (false, true) => counts[1] += 1.0,
                _ => {}
            }
        }
        counts
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Model::Regression { labels, .. } | Model::Multiclass { labels, .. } => labels.len(),
            Model::Binary(model) => model.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::standard_error;
    use super::*;
    use crate::text::mixed;

    fn uniform(seed: u64) -> f64 {
        (mixed(seed) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The standard error by leaving out one row after the other (Quenouille and Tukey's jackknife).
    fn jackknife(rows: &Rows<1>, metric: Metric) -> f64 {
        let count = rows.len() as u32;
        let without = |row: u32| {
            let others: Vec<u32> = (0..count).filter(|other| *other != row).collect();
            let others = rows.only(&others);
            Model::new(&others, 0, &Options::default()).measure(metric).unwrap().value
        };
        let values: Vec<f64> = (0..count).map(without).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        libm::sqrt(squares * f64::from(count - 1) / f64::from(count))
    }

    #[test]
    fn errors_by_influences_are_those_of_the_jackknife() {
        let count = 300;
        let truth: Vec<f64> = (0..count).map(uniform).collect();
        let near =
            |at: usize, seed: u64| (truth[at] + 0.4 * (uniform(seed + at as u64) - 0.5)).clamp(0.0, 1.0);
        let scores: Vec<f64> = (0..truth.len()).map(|at| near(at, 1000)).collect();
        let labels: Vec<f64> =
            (0..truth.len()).map(|at| f64::from(u8::from(uniform(2000 + at as u64) < truth[at]))).collect();
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let three: Vec<f64> = scores
            .iter()
            .flat_map(|score| [0.6 * score, 0.4 * score, 1.0 - score].map(|p| 0.9 * p + 0.03))
            .collect();
        let classes: Vec<f64> = (0..truth.len())
            .map(|at| if uniform(3000 + at as u64) > truth[at] { 2.0 } else { (at % 2) as f64 })
            .collect();
        let numbers: Vec<f64> = scores.iter().map(|score| 3.0 * score - 1.0).collect();
        let values: Vec<f64> = truth.iter().map(|truth| 3.0 * truth - 0.8).collect();
        let models = [
            (Predictions::Numbers(&numbers), &values),
            (Predictions::Probabilities(&scores), &labels),
            (Predictions::Classes { names: &names, values: &three }, &classes),
        ];
        for (predictions, labels) in models {
            let rows = Rows::new([predictions], Some(labels));
            let model = Model::new(&rows, 0, &Options::default());
            for metric in Metric::of(model.task()) {
                let found = model.measure(*metric).unwrap();
                let sum: f64 = found.influence.iter().sum();
                assert!(sum.abs() < 1e-6, "{metric:?}: {sum}");
                let error = standard_error(found.influence.iter().copied()).unwrap();
                let expected = jackknife(&rows, *metric);
                assert!((error / expected - 1.0).abs() < 0.02, "{metric:?}: {error} is not {expected}");
            }
        }
    }
}
