//! How the reasons of two models differ.

use std::cmp::Ordering;

use super::{Attribution, Attributions, FeatureShift};

pub(super) fn compare(found: &Attributions) -> Attribution {
    let importances = [0, 1].map(|side| importances(found.features[side], found.values[side]));
    let places = importances.each_ref().map(|values| places(values));
    let mut features: Vec<FeatureShift> = Vec::new();
    for side in [0, 1] {
        let sum: f64 = importances[side].iter().sum();
        for (at, name) in found.features[side].iter().enumerate() {
            let place = features.iter().position(|feature| feature.name == *name).unwrap_or_else(|| {
                let name = name.clone();
                features.push(FeatureShift {
                    name,
                    importance: [None; 2],
                    share: [None; 2],
                    rank: [None; 2],
                    moved: None,
                });
                features.len() - 1
            });
            let feature = &mut features[place];
            feature.importance[side] = Some(importances[side][at]);
            feature.share[side] = Some(if sum > 0.0 { importances[side][at] / sum } else { 0.0 });
            feature.rank[side] = Some(places[side][at]);
        }
    }
    for feature in &mut features {
        if let [Some(first), Some(second)] = feature.rank {
            feature.moved = Some(first as i64 - second as i64);
        }
    }
    let ndcg = ndcg(&features);
    let share = |feature: &FeatureShift| feature.share.iter().flatten().copied().fold(0.0, f64::max);
    features.sort_by(|a, b| share(b).total_cmp(&share(a)));
    Attribution { rows: found.rows.len() as u64, features, ndcg }
}

/// Mean absolute attribution of each feature over the rows in which it is finite; 0 without any.
fn importances(features: &[String], values: &[f64]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); features.len()];
    for row in values.chunks_exact(features.len().max(1)) {
        for (sum, value) in sums.iter_mut().zip(row).filter(|(_, value)| value.is_finite()) {
            *sum = (sum.0 + value.abs(), sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| if count > 0.0 { sum / count } else { 0.0 }).collect()
}

/// Each feature's place from 1, the most important; of equal ones the first in the list is before the others.
fn places(importances: &[f64]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..importances.len()).collect();
    order.sort_by(|a, b| importances[*b].total_cmp(&importances[*a]));
    let mut places = vec![0; importances.len()];
    for (place, feature) in order.into_iter().enumerate() {
        places[feature] = place as u64 + 1;
    }
    places
}

/// The first model's importances in the order of the second's, discounted by place, against their best order. Features that the second model
/// does not have come last.
fn ndcg(features: &[FeatureShift]) -> Option<f64> {
    let gain = |feature: &FeatureShift| feature.importance[0].unwrap_or(0.0);
    let discounted = |gains: &[f64]| {
        let term = |(at, gain): (usize, &f64)| gain / libm::log2(at as f64 + 2.0);
        gains.iter().enumerate().map(term).sum::<f64>()
    };
    let by_second = |a: &&FeatureShift, b: &&FeatureShift| match (a.rank[1], b.rank[1]) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.rank[0].cmp(&b.rank[0]),
    };
    let mut order: Vec<&FeatureShift> = features.iter().collect();
    order.sort_by(by_second);
    let found: Vec<f64> = order.into_iter().map(gain).collect();
    let mut best = found.clone();
    best.sort_by(|a, b| b.total_cmp(a));
    let best = discounted(&best);
    (best > 0.0).then(|| discounted(&found) / best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_gain_is_that_of_sklearn_and_a_lost_feature_comes_last() {
        let (first, second) = (names(&["a", "b", "c", "d"]), names(&["d", "b", "a", "e"]));
        // Mean absolute attributions 4, 3, 2, 1 and 5, 3, 1, 2.
        let values: [&[f64]; 2] = [&[4.0, -3.0, 2.0, 0.5, -4.0, 3.0, 2.0, -1.5], &[5.0, 3.0, 1.0, 2.0]];
        let rows = [0, 1];
        let values = [values[0], &values[1].repeat(2)];
        let found = compare(&Attributions { rows: &rows, features: [&first, &second], values });
        // sklearn.metrics.ndcg_score([[4, 3, 2, 1, 0]], [[1, 3, 0, 5, 2]])
        assert!((found.ndcg.unwrap() - 0.735_881_239_952_190_7).abs() < 1e-12, "{:?}", found.ndcg);
        let feature = |name: &str| found.features.iter().find(|feature| feature.name == name).unwrap();
        assert_eq!(feature("d").rank, [Some(4), Some(1)]);
        assert_eq!(feature("d").moved, Some(3));
        assert_eq!((feature("c").rank, feature("c").moved), ([Some(3), None], None));
        assert_eq!(feature("e").importance, [None, Some(2.0)]);
        assert_eq!(found.features[0].name, "d");
    }

    #[test]
    fn the_same_reasons_gain_all_and_none_say_nothing() {
        let features = names(&["a", "b"]);
        let same = |values: &[f64]| {
            compare(&Attributions { rows: &[0], features: [&features, &features], values: [values, values] })
                .ndcg
        };
        assert_eq!(same(&[1.0, 2.0]), Some(1.0));
        assert_eq!(same(&[0.0, f64::NAN]), None);
    }
}
