//! What a leaf's features are worth by pattern.
//!
//! With S the complement of P, the features whose tests the row does not meet, |P \ Q| = d − |Q| and |Q \ P| = |S| for every Q ⊇ S. A
//! feature of P \ Q is worth V ∫ t^(|P \ Q| − 1) (1 − t)^|Q \ P| dt and one of Q \ P −V ∫ t^|P \ Q| (1 − t)^(|Q \ P| − 1) dt. For a given t
//! the sums over Q are superset sums, which take d · 2^(d − 1) additions for all patterns, and the integrands have at most degree d − 1,
//! so that ⌈d / 2⌉ Gauss–Legendre nodes are exact.

use std::collections::HashMap;

use crate::shap::program::beta;

/// Tables, with working memory that is kept from leaf to leaf.
#[derive(Default)]
pub(super) struct Worths {
    /// By d.
    rules: Vec<Option<Rule>>,
    sums: Vec<f32>,
    satisfied: Vec<f32>,
    missed: Vec<f32>,
    values: Vec<f32>,
}

/// Factors of all sets of one d.
struct Rule {
    /// For each node, by set: t^(d − |Q| − 1), and the weights of what is satisfied and missed.
    nodes: Vec<[Vec<f32>; 3]>,
    /// 1 / |S|.
    reciprocals: Vec<f32>,
}

impl Worths {
    /// The values `[bit · 2^d + pattern]` of a leaf of value `value`, from the background's shares by pattern.
    pub(super) fn by_pattern(&mut self, counts: &[f32], value: f32, d: usize) -> &[f32] {
        let size = 1_usize << d;
        if self.rules.len() <= d {
            self.rules.resize_with(d + 1, || None);
        }
        let rule = self.rules[d].get_or_insert_with(|| Rule::new(d));
        for buffer in [&mut self.sums, &mut self.satisfied, &mut self.missed] {
            buffer.clear();
            buffer.resize(size, 0.0);
        }
        for [enter, satisfied, missed] in &rule.nodes {
            self.sums
                .iter_mut()
                .zip(counts)
                .zip(enter)
                .for_each(|((sum, count), enter)| *sum = count * enter);
            superset_sums(&mut self.sums);
            for (set, sum) in self.sums.iter().enumerate() {
                self.satisfied[set] += satisfied[set] * sum;
                self.missed[set] += missed[set] * sum;
            }
        }
        self.values.clear();
        self.values.resize(size * d, 0.0);
        // Where the background row meets all tests, only what the row misses counts.
        let all = counts[size - 1];
        for (bit, values) in self.values.chunks_exact_mut(size).enumerate() {
            for (pattern, worth) in values.iter_mut().enumerate() {
                let set = !pattern & (size - 1);
                let more = set | 1 << bit;
                *worth = if set == more {
                    -value * (self.missed[set] + all * rule.reciprocals[set])
                } else {
                    value * (self.satisfied[set] - self.satisfied[more] - self.missed[more])
                };
            }
        }
        &self.values
    }
}

impl Rule {
    fn new(d: usize) -> Rule {
        let size = |set: usize| set.count_ones() as i32;
        let sets = 0..1_usize << d;
        let by_set =
            |value: &dyn Fn(usize) -> f64| sets.clone().map(|set| value(set) as f32).collect::<Vec<f32>>();
        let node = |(t, weight): (f64, f64)| {
            [
                by_set(&|set| if size(set) < d as i32 { t.powi(d as i32 - size(set) - 1) } else { 0.0 }),
                by_set(&|set| weight * (1.0 - t).powi(size(set))),
                by_set(&|set| if set == 0 { 0.0 } else { weight * t * (1.0 - t).powi(size(set) - 1) }),
            ]
        };
        Rule {
            nodes: gauss_legendre(d.div_ceil(2)).into_iter().map(node).collect(),
            reciprocals: by_set(&|set| if set == 0 { 0.0 } else { 1.0 / f64::from(size(set)) }),
        }
    }
}

/// Values `[bit · places + place]` of the patterns in `places`, from one background pattern after the other with V times its share: for
/// paths too long for a table.
pub(super) fn by_pairs(background: &[(u32, f64)], places: &HashMap<u32, usize>, d: usize) -> Vec<f32> {
    let mut values = vec![0.0; places.len() * d];
    let all = u32::MAX >> (32 - d);
    for (pattern, place) in places {
        let mut sums = vec![0.0; d];
        for (other, weight) in background.iter().filter(|(other, _)| other | pattern == all) {
            let (ours, theirs) = (pattern & !other, other & !pattern);
            let (a, b) = (ours.count_ones() as usize, theirs.count_ones() as usize);
            for (bit, sum) in sums.iter_mut().enumerate() {
                if ours >> bit & 1 == 1 {
                    *sum += weight * beta(a - 1, b);
                } else if theirs >> bit & 1 == 1 {
                    *sum -= weight * beta(a, b - 1);
                }
            }
        }
        for (bit, sum) in sums.iter().enumerate() {
            values[bit * places.len() + place] = *sum as f32;
        }
    }
    values
}

/// In place: to each set the sum over its supersets.
fn superset_sums(sums: &mut [f32]) {
    let mut half = 1;
    while half < sums.len() {
        for pair in sums.chunks_exact_mut(2 * half) {
            let (without, with) = pair.split_at_mut(half);
            without.iter_mut().zip(with).for_each(|(without, with)| *without += *with);
        }
        half *= 2;
    }
}

/// Nodes and weights on [0, 1] that integrate polynomials of degree 2n − 1 exactly: the roots of the Legendre polynomial, by Newton's
/// method.
pub(super) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let legendre = |x: f64| {
        let (mut before, mut last) = (1.0, x);
        for k in 2..=n {
            let k = k as f64;
            (before, last) = (last, ((2.0 * k - 1.0) * x * last - (k - 1.0) * before) / k);
        }
        (last, n as f64 * (x * last - before) / (x * x - 1.0))
    };
    let node = |at: usize| {
        let mut x = (std::f64::consts::PI * (at as f64 + 0.75) / (n as f64 + 0.5)).cos();
        for _ in 0..100 {
            let (value, slope) = legendre(x);
            x -= value / slope;
            if (value / slope).abs() < 1e-16 {
                break;
            }
        }
        let slope = legendre(x).1;
        (0.5 * (x + 1.0), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_integrate_exactly() {
        for n in 1..9 {
            for power in 0..2 * n {
                let sum: f64 =
                    gauss_legendre(n).iter().map(|(t, weight)| weight * t.powi(power as i32)).sum();
                assert!((sum - 1.0 / (power as f64 + 1.0)).abs() < 1e-14, "{n} nodes, t^{power}: {sum}");
            }
        }
    }

    #[test]
    fn tables_and_pairs_agree() {
        for d in 1..11_usize {
            let share = |pattern: usize| ((pattern * 7 + d) % 5) as f32 / 10.0;
            let counts: Vec<f32> = (0..1 << d).map(share).collect();
            let pairs: Vec<(u32, f64)> =
                (0..).zip(counts.iter().map(|count| 1.5 * f64::from(*count))).collect();
            let places = (0..1_u32 << d).map(|pattern| (pattern, pattern as usize)).collect();
            let expected = by_pairs(&pairs, &places, d);
            let mut worths = Worths::default();
            let scale: f32 = counts.iter().sum();
            for (found, expected) in worths.by_pattern(&counts, 1.5, d).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6 * scale, "{d}: {found} is not {expected}");
            }
        }
    }
}
