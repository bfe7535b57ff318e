//! Metrics of several classes.

use super::Metric;
use super::measured::Measured;
use super::one_class::{OneClass, surprise};
use super::rows::chosen;

/// What is known of the rows' classes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Labels<'a> {
    /// The number of each row's class.
    Hard(&'a [f64]),
    /// Probabilities of all classes, row after row.
    Soft(&'a [f64]),
}

/// Rows with probabilities of several classes.
#[derive(Debug)]
pub(super) struct Several<'a> {
    labels: Labels<'a>,
    values: &'a [f64],
    classes: usize,
    /// The most probable class of each row.
    pub(super) chosen: Vec<usize>,
}

impl<'a> Several<'a> {
    pub(super) fn new(labels: Labels<'a>, values: &'a [f64], classes: usize) -> Several<'a> {
        let chosen = values.chunks_exact(classes).map(chosen).collect();
        Several { labels, values, classes, chosen }
    }

    /// One class against the rest.
    pub(super) fn class(&self, class: usize) -> OneClass<'a> {
        let column =
            |values: &[f64]| values.iter().skip(class).step_by(self.classes).copied().collect::<Vec<f64>>();
        let labels: Vec<f64> = match self.labels {
            Labels::Hard(labels) => {
                labels.iter().map(|label| f64::from(u8::from(*label == class as f64))).collect()
            }
            Labels::Soft(labels) => column(labels),
        };
        let said: Vec<bool> = self.chosen.iter().map(|chosen| *chosen == class).collect();
        OneClass::new(labels, column(self.values), said)
    }

    /// How much of a row is of a class.
    fn label(&self, row: usize, class: usize) -> f64 {
        match self.labels {
            Labels::Hard(labels) => f64::from(u8::from(labels[row] == class as f64)),
            Labels::Soft(labels) => labels[row * self.classes + class],
        }
    }

    pub(super) fn measure(&self, metric: Metric) -> Option<Measured> {
        let rows = 0..self.chosen.len();
        match metric {
            Metric::Accuracy => Measured::share(rows.map(|row| (self.label(row, self.chosen[row]), 1.0))),
            Metric::LogLoss => Measured::mean(
                rows.map(|row| {
                    let of = |class: usize| match self.label(row, class) {
                        0.0 => 0.0,
                        label => label * surprise(self.values[row * self.classes + class]),
                    };
                    (0..self.classes).map(of).sum()
                })
                .collect(),
            ),
            Metric::Brier => Measured::mean(
                rows.map(|row| {
                    let of = |class: usize| {
                        let (label, p) = (self.label(row, class), self.values[row * self.classes + class]);
                        label * (1.0 - p).powi(2) + (1.0 - label) * p * p
                    };
                    (0..self.classes).map(of).sum()
                })
                .collect(),
            ),
            Metric::Auc => self.mean(|class| class.auc()),
            Metric::Precision => self.mean(|class| seen(class, class.precision())),
            Metric::Recall => self.mean(|class| seen(class, class.recall())),
            Metric::F1 => self.mean(|class| seen(class, class.f1())),
            _ => None,
        }
    }

    /// The mean of a metric over the classes that have it.
    fn mean(&self, of: impl Fn(&OneClass) -> Option<Measured>) -> Option<Measured> {
        let mut sum = Measured { value: 0.0, influence: vec![0.0; self.chosen.len()], share: None };
        let mut count = 0.0;
        for class in 0..self.classes {
            if let Some(found) = of(&self.class(class)) {
                sum.value += found.value;
                sum.influence.iter_mut().zip(found.influence).for_each(|(sum, value)| *sum += value);
                count += 1.0;
            }
        }
        if count == 0.0 {
            return None;
        }
        sum.value /= count;
        sum.influence.iter_mut().for_each(|value| *value /= count);
        Some(sum)
    }
}

/// A class that no row is of and that is never said does not count; what is 0 / 0 of another is 0, as sklearn has it.
fn seen(class: &OneClass, found: Option<Measured>) -> Option<Measured> {
    if class.positive() <= 0.0 && class.predicted() == 0 {
        return None;
    }
    let nothing = || Measured { value: 0.0, influence: vec![0.0; class.len()], share: None };
    Some(found.unwrap_or_else(nothing))
}
