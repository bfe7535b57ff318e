//! Metrics of one class against the rest.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::Metric;
use super::measured::Measured;
use crate::sort::order;

/// Rows with the probability of a class. A label is 1 where a row is of the class and 0 where not; a probability as a label gives metrics
/// as they are expected to be, but then no influences.
#[derive(Debug)]
pub(super) struct OneClass<'a> {
    labels: Cow<'a, [f64]>,
    probabilities: Cow<'a, [f64]>,
    /// Whether the class is predicted.
    said: Cow<'a, [bool]>,
    order: OnceCell<Vec<u32>>,
}

/// Rows of one probability, in ascending order.
#[derive(Clone, Copy, Debug)]
struct Tie<'a> {
    places: &'a [u32],
    /// Rows of lower probability, all labels and those of the class.
    below: usize,
    below_positive: f64,
    /// The labels of these rows.
    positive: f64,
}

impl<'a> OneClass<'a> {
    pub(super) fn new(
        labels: impl Into<Cow<'a, [f64]>>,
        probabilities: impl Into<Cow<'a, [f64]>>,
        said: impl Into<Cow<'a, [bool]>>,
    ) -> OneClass<'a> {
        OneClass {
            labels: labels.into(),
            probabilities: probabilities.into(),
            said: said.into(),
            order: OnceCell::new(),
        }
    }

    /// The rows by ascending probability.
    pub(super) fn order(&self) -> &[u32] {
        self.order.get_or_init(|| order(&self.probabilities))
    }

    /// Probabilities in ascending order with their labels.
    pub(super) fn sorted(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let row = |place: &u32| (self.probabilities[*place as usize], self.labels[*place as usize]);
        self.order().iter().map(row)
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Rows of the class.
    pub(super) fn positive(&self) -> f64 {
        self.labels.iter().sum()
    }

    /// Rows for which the class is predicted.
    pub(super) fn predicted(&self) -> usize {
        self.said.iter().filter(|said| **said).count()
    }

    fn rows(&self) -> impl Iterator<Item = (f64, f64)> + Clone + '_ {
        self.labels.iter().zip(self.said.iter()).map(|(label, said)| (*label, f64::from(u8::from(*said))))
    }

    fn ties(&self, mut each: impl FnMut(Tie)) {
        let order = self.order();
        let at = |place: &u32| self.probabilities[*place as usize];
        let (mut below, mut below_positive) = (0, 0.0);
        for places in order.chunk_by(|a, b| at(a) == at(b)) {
            let positive = places.iter().map(|place| self.labels[*place as usize]).sum();
            each(Tie { places, below, below_positive, positive });
            below += places.len();
            below_positive += positive;
        }
    }

    /// Area under the receiver operating characteristic, with influences by which the variance is DeLong's. `None` of one class only.
    pub(super) fn auc(&self) -> Option<Measured> {
        let (rows, positive) = (self.len() as f64, self.positive());
        let negative = rows - positive;
        if positive <= 0.0 || negative <= 0.0 {
            return None;
        }
        let mut area = 0.0;
        let mut influence = vec![0.0; self.len()];
        self.ties(|tie| {
            let tied_negative = tie.places.len() as f64 - tie.positive;
            let negative_below = tie.below as f64 - tie.below_positive + 0.5 * tied_negative;
            area += tie.positive * negative_below;
            // The share of the other class that a row is on the right side of.
            let of_positive = negative_below / negative;
            let of_negative = (positive - tie.below_positive - 0.5 * tie.positive) / positive;
            for place in tie.places {
                let label = self.labels[*place as usize];
                influence[*place as usize] = label * of_positive + (1.0 - label) * of_negative;
            }
        });
        let value = area / (positive * negative);
        // DeLong divides each class's squares by its rows less one; of one row nothing is known.
        let scale = |count: f64| rows / count * libm::sqrt(count / (count - 1.0) * (rows - 1.0) / rows);
        let (of_positive, of_negative) = (scale(positive), scale(negative));
        for (influence, label) in influence.iter_mut().zip(self.labels.iter()) {
            *influence = (*influence - value) * if *label == 1.0 { of_positive } else { of_negative };
        }
        Some(Measured { value, influence, share: None })
    }

    /// Average precision. `None` without a row of the class.
    pub(super) fn average_precision(&self) -> Option<Measured> {
        let (rows, positive) = (self.len(), self.positive());
        if positive <= 0.0 {
            return None;
        }
        let mut value = 0.0;
        let mut influence = vec![0.0; rows];
        // Of the positives up to here: Σ 1 / rows at or above, Σ precision / rows at or above.
        let (mut reach, mut precise) = (0.0, 0.0);
        self.ties(|tie| {
            let above = (rows - tie.below) as f64;
            let precision = (positive - tie.below_positive) / above;
            value += tie.positive * precision;
            reach += tie.positive / above;
            precise += tie.positive * precision / above;
            for place in tie.places {
                influence[*place as usize] = self.labels[*place as usize] * (precision + reach) - precise;
            }
        });
        value /= positive;
        let scale = rows as f64 / positive;
        for (influence, label) in influence.iter_mut().zip(self.labels.iter()) {
            *influence = (*influence - label * value) * scale;
        }
        Some(Measured { value, influence, share: None })
    }

    /// Mean of −ln(probability of what came true).
    pub(super) fn log_loss(&self) -> Option<Measured> {
        let terms = self.labels.iter().zip(self.probabilities.iter());
        Measured::mean(
            terms.map(|(label, p)| label * surprise(*p) + (1.0 - label) * surprise(1.0 - p)).collect(),
        )
    }

    /// Mean squared error of the probabilities.
    pub(super) fn brier(&self) -> Option<Measured> {
        let terms = self.labels.iter().zip(self.probabilities.iter());
        Measured::mean(terms.map(|(label, p)| label * (1.0 - p).powi(2) + (1.0 - label) * p * p).collect())
    }

    /// Share of rows that are of the class and said to be, or neither.
    pub(super) fn accuracy(&self) -> Option<Measured> {
        Measured::share(self.rows().map(|(label, said)| (label * said + (1.0 - label) * (1.0 - said), 1.0)))
    }

    pub(super) fn precision(&self) -> Option<Measured> {
        Measured::share(self.rows().map(|(label, said)| (label * said, said)))
    }

    pub(super) fn recall(&self) -> Option<Measured> {
        Measured::share(self.rows().map(|(label, said)| (label * said, label)))
    }

    pub(super) fn specificity(&self) -> Option<Measured> {
        Measured::share(self.rows().map(|(label, said)| ((1.0 - label) * (1.0 - said), 1.0 - label)))
    }

    pub(super) fn f1(&self) -> Option<Measured> {
        Measured::ratio(self.rows().map(|(label, said)| (2.0 * label * said, label + said)))
    }

    pub(super) fn measure(&self, metric: Metric) -> Option<Measured> {
        match metric {
            Metric::Auc => self.auc(),
            Metric::AveragePrecision => self.average_precision(),
            Metric::LogLoss => self.log_loss(),
            Metric::Brier => self.brier(),
            Metric::Accuracy => self.accuracy(),
            Metric::Precision => self.precision(),
            Metric::Recall => self.recall(),
            Metric::Specificity => self.specificity(),
            Metric::F1 => self.f1(),
            _ => None,
        }
    }

    /// Whether what is said of a row is what it is.
    pub(super) fn is_right(&self, row: usize) -> bool {
        self.said[row] == (self.labels[row] == 1.0)
    }

    /// Rows by what they are and what is said of them.
    pub(super) fn confusion(&self) -> [[u64; 2]; 2] {
        let mut counts = [[0; 2]; 2];
        for (label, said) in self.rows() {
            counts[label as usize][said as usize] += 1;
        }
        counts
    }

    /// Points for curves over thresholds: a tie of probabilities, with the rows and the positives at or above it. At most 101,
    /// descending.
    pub(super) fn cuts(&self) -> Vec<(f64, usize, f64)> {
        let (rows, positive) = (self.len(), self.positive());
        let mut cuts: Vec<(usize, (f64, usize, f64))> = Vec::new();
        self.ties(|tie| {
            let flagged = rows - tie.below;
            let percent = flagged * 100 / rows;
            let cut = (self.probabilities[tie.places[0] as usize], flagged, positive - tie.below_positive);
            match cuts.last_mut() {
                // Of those that flag a hundredth of the rows alike the first stands for all, but the highest is always there.
                Some(last) if last.0 == percent && percent > 0 => {}
                Some(last) if last.0 == percent => *last = (percent, cut),
                _ => cuts.push((percent, cut)),
            }
        });
        cuts.into_iter().rev().map(|(_, cut)| cut).collect()
    }
}

/// −ln p, of a probability that is clipped to what sklearn clips it to.
pub(super) fn surprise(p: f64) -> f64 {
    -libm::log(p.clamp(f64::EPSILON, 1.0 - f64::EPSILON))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model(rows: &[(u8, bool)]) -> OneClass<'static> {
        let labels: Vec<f64> = rows.iter().map(|row| f64::from(u8::from(row.1))).collect();
        let probabilities: Vec<f64> = rows.iter().map(|row| f64::from(row.0) / 8.0).collect();
        let said: Vec<bool> = probabilities.iter().map(|p| *p >= 0.5).collect();
        OneClass::new(labels, probabilities, said)
    }

    proptest! {
        #[test]
        fn areas_are_those_of_their_definitions(rows in prop::collection::vec((0_u8..=8, any::<bool>()), 1..40)) {
            let found = model(&rows);
            let side = |is: bool| rows.iter().filter(move |row| row.1 == is);
            let pair = |a: u8, b: u8| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
            let pairs: f64 = side(true).flat_map(|a| side(false).map(move |b| pair(a.0, b.0))).sum();
            let count = side(true).count() * side(false).count();
            match found.auc() {
                Some(found) => prop_assert!((found.value - pairs / count as f64).abs() < 1e-12),
                None => prop_assert_eq!(count, 0),
            }
            // Of each positive row the share of positives among the rows that are not below it.
            let not_below = |p: u8| rows.iter().filter(move |row| row.0 >= p);
            let precision = |row: &(u8, bool)| not_below(row.0).filter(|row| row.1).count() as f64 / not_below(row.0).count() as f64;
            let sum: f64 = side(true).map(precision).sum();
            match found.average_precision() {
                Some(found) => prop_assert!((found.value - sum / side(true).count() as f64).abs() < 1e-12),
                None => prop_assert_eq!(side(true).count(), 0),
            }
        }

        #[test]
        fn cuts_are_the_highest_and_the_lowest_and_hundredths_between(rows in prop::collection::vec((0_u8..=255, any::<bool>()), 1..400)) {
            let found = model(&rows).cuts();
            let scores = || rows.iter().map(|row| f64::from(row.0) / 8.0);
            prop_assert_eq!(found[0].0, scores().fold(0.0, f64::max));
            prop_assert_eq!(found[found.len() - 1].1, rows.len());
            prop_assert!(found.len() <= 101 && found.is_sorted_by(|a, b| a.0 > b.0));
            for (threshold, flagged, right) in found {
                let is_flagged = |row: &&(u8, bool)| f64::from(row.0) / 8.0 >= threshold;
                prop_assert_eq!(flagged, rows.iter().filter(is_flagged).count());
                prop_assert_eq!(right as usize, rows.iter().filter(is_flagged).filter(|row| row.1).count());
            }
        }

        #[test]
        fn probabilities_as_labels_give_what_is_expected(rows in prop::collection::vec((0_u8..=8, 0_u8..=4), 2..7)) {
            let soft: Vec<f64> = rows.iter().map(|row| f64::from(row.1) / 4.0).collect();
            let probabilities: Vec<f64> = rows.iter().map(|row| f64::from(row.0) / 8.0).collect();
            let said: Vec<bool> = probabilities.iter().map(|p| *p >= 0.5).collect();
            let of = |labels: &[f64]| OneClass::new(labels.to_vec(), probabilities.clone(), said.clone());
            // Over all labels that there can be, by their probabilities.
            let mut expected = [0.0; 3];
            for bits in 0_u32..1 << rows.len() {
                let labels: Vec<f64> = (0..rows.len()).map(|row| f64::from(bits >> row & 1)).collect();
                let weight: f64 = labels.iter().zip(&soft).map(|(label, p)| label * p + (1.0 - label) * (1.0 - p)).product();
                let found = of(&labels);
                for (sum, found) in expected.iter_mut().zip([found.accuracy(), found.brier(), found.log_loss()]) {
                    *sum += weight * found.unwrap().value;
                }
            }
            let found = of(&soft);
            for (expected, found) in expected.into_iter().zip([found.accuracy(), found.brier(), found.log_loss()]) {
                prop_assert!((found.unwrap().value - expected).abs() < 1e-9);
            }
        }
    }
}
