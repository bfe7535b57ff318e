//! What two sorted samples say about each other, in one pass over both.

/// Sums over the pooled values in ascending order. F is the share of the reference that is not above a value, G that of the
/// current sample, H that of both together; n, m and N = n + m count them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranks {
    pub(crate) n: usize,
    pub(crate) m: usize,
    /// max (F − G)·n·m, exactly.
    pub(crate) above: i64,
    /// max (G − F)·n·m, exactly.
    pub(crate) below: i64,
    /// ∫ |F − G| dx.
    pub(crate) wasserstein: f64,
    /// ∫ (F − G)² dx.
    pub(crate) squared: f64,
    /// Σ over pooled values (F − G)².
    pub(crate) cramer: f64,
    /// Scholz and Stephens' A² with midranks (1987, equation 7).
    pub(crate) anderson: f64,
    /// Pairs in which the current value is the smaller, ties as halves.
    pub(crate) smaller: f64,
    /// Σ t³ − t over the ties.
    pub(crate) ties: f64,
    /// Distinct values of the reference, of the current sample, and of both.
    pub(crate) distinct: [usize; 3],
}

/// The pass. Both samples are sorted, without NaN, and not empty; a sample has fewer than 2³¹ values, so that the product of the
/// counts is exact.
pub(crate) fn ranks(reference: &[f64], current: &[f64]) -> Ranks {
    let (n, m) = (reference.len(), current.len());
    let mut sums = Ranks::new(n, m);
    // NaN is after the end: it is neither the smaller one nor equal to anything.
    let at = |side: &[f64], place: usize| side.get(place).copied().unwrap_or(f64::NAN);
    let (mut i, mut j) = (0, 0);
    let (mut left, mut right) = (at(reference, 0), at(current, 0));
    while i < n || j < m {
        let value = left.min(right);
        let before = [i, j];
        // The first step without a branch, because which side is next cannot be predicted.
        i += usize::from(left == value);
        j += usize::from(right == value);
        (left, right) = (at(reference, i), at(current, j));
        while left == value {
            i += 1;
            left = at(reference, i);
        }
        while right == value {
            j += 1;
            right = at(current, j);
        }
        sums.step(before, [i, j], left.min(right) - value);
    }
    sums.finish()
}

/// The same of samples that are given as different values in ascending order, each with how often it is there.
pub(crate) fn ranks_of_runs(reference: &[(f64, usize)], current: &[(f64, usize)]) -> Ranks {
    let count = |side: &[(f64, usize)]| side.iter().map(|(_, count)| count).sum();
    let mut sums = Ranks::new(count(reference), count(current));
    let at = |side: &[(f64, usize)], place: usize| side.get(place).copied().unwrap_or((f64::NAN, 0));
    let (mut i, mut j) = (0, 0);
    let mut before = [0, 0];
    while i < reference.len() || j < current.len() {
        let (left, right) = (at(reference, i), at(current, j));
        let value = left.0.min(right.0);
        let mut after = before;
        if left.0 == value {
            i += 1;
            after[0] += left.1;
        }
        if right.0 == value {
            j += 1;
            after[1] += right.1;
        }
        sums.step(before, after, at(reference, i).0.min(at(current, j).0) - value);
        before = after;
    }
    sums.finish()
}

impl Ranks {
    fn new(n: usize, m: usize) -> Ranks {
        Ranks {
            n,
            m,
            above: 0,
            below: 0,
            wasserstein: 0.0,
            squared: 0.0,
            cramer: 0.0,
            anderson: 0.0,
            smaller: 0.0,
            ties: 0.0,
            distinct: [0; 3],
        }
    }

    /// One value: how many of each side are before it and before the next one, and how far away that is.
    #[inline(always)]
    fn step(&mut self, [i_before, j_before]: [usize; 2], [i, j]: [usize; 2], gap: f64) {
        let (nf, mf, all) = (self.n as f64, self.m as f64, (self.n + self.m) as f64);
        let unit = 1.0 / (nf * mf);
        let (a, b) = (i - i_before, j - j_before);
        self.distinct[0] += usize::from(a > 0);
        self.distinct[1] += usize::from(b > 0);
        self.distinct[2] += 1;
        let difference = i as i64 * self.m as i64 - j as i64 * self.n as i64;
        self.above = self.above.max(difference);
        self.below = self.below.max(-difference);
        let share = difference as f64 * unit;
        // Where the sides agree, a gap to infinity weighs nothing.
        if difference != 0 {
            self.wasserstein += share.abs() * gap;
            self.squared += share * share * gap;
        }
        let tied = (a + b) as f64;
        self.cramer += tied * share * share;
        self.smaller += b as f64 * ((self.n - i) as f64 + 0.5 * a as f64);
        if a + b > 1 {
            self.ties += tied * (tied * tied - 1.0);
        }
        let before = (i_before + j_before) as f64 + 0.5 * tied;
        let spread = before * (all - before) - 0.25 * all * tied;
        if spread > 0.0 {
            let middle = (i_before as f64 + 0.5 * a as f64) * mf - (j_before as f64 + 0.5 * b as f64) * nf;
            self.anderson += tied * middle * middle / spread;
        }
    }

    fn finish(mut self) -> Ranks {
        let (nf, mf, all) = (self.n as f64, self.m as f64, (self.n + self.m) as f64);
        self.anderson *= (all - 1.0) / all / (nf * mf);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn share(side: &[f64], x: f64) -> f64 {
        side.iter().filter(|v| **v <= x).count() as f64 / side.len() as f64
    }

    fn middle(side: &[f64], x: f64) -> f64 {
        side.iter()
            .map(|v| {
                if *v < x {
                    1.0
                } else if *v == x {
                    0.5
                } else {
                    0.0
                }
            })
            .sum()
    }

    /// Every sum by its definition.
    fn slowly(reference: &[f64], current: &[f64]) -> Ranks {
        let mut pooled: Vec<f64> = reference.iter().chain(current).copied().collect();
        pooled.sort_unstable_by(f64::total_cmp);
        let mut values = pooled.clone();
        values.dedup();
        let (n, m) = (reference.len(), current.len());
        let (nf, mf, all) = (n as f64, m as f64, (n + m) as f64);
        let difference = |x: f64| share(reference, x) - share(current, x);
        let largest = |sign: f64| values.iter().map(|x| sign * difference(*x)).fold(0.0, f64::max);
        let integral = |power: i32| {
            values.windows(2).map(|pair| difference(pair[0]).abs().powi(power) * (pair[1] - pair[0])).sum()
        };
        let tied = |x: f64| pooled.iter().filter(|v| **v == x).count() as f64;
        let anderson = |x: &f64| {
            let before = middle(&pooled, *x);
            let spread = before * (all - before) - all * tied(*x) / 4.0;
            let term = |side: &[f64], count: f64| (all * middle(side, *x) - count * before).powi(2) / count;
            let terms = term(reference, nf) + term(current, mf);
            if spread > 0.0 { tied(*x) / all * terms / spread } else { 0.0 }
        };
        let mut distinct = [reference.to_vec(), current.to_vec(), values.clone()];
        distinct[..2].iter_mut().for_each(|side| {
            side.sort_unstable_by(f64::total_cmp);
            side.dedup();
        });
        Ranks {
            n,
            m,
            above: (largest(1.0) * nf * mf).round() as i64,
            below: (largest(-1.0) * nf * mf).round() as i64,
            wasserstein: integral(1),
            squared: integral(2),
            cramer: pooled.iter().map(|x| difference(*x).powi(2)).sum(),
            anderson: (all - 1.0) / all * values.iter().map(anderson).sum::<f64>(),
            smaller: reference
                .iter()
                .map(|x| {
                    current
                        .iter()
                        .map(|y| {
                            if y < x {
                                1.0
                            } else if y == x {
                                0.5
                            } else {
                                0.0
                            }
                        })
                        .sum::<f64>()
                })
                .sum(),
            ties: values.iter().map(|x| tied(*x).powi(3) - tied(*x)).sum(),
            distinct: distinct.map(|values| values.len()),
        }
    }

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
    }

    proptest! {
        #[test]
        fn the_sums_are_those_of_the_definitions(
            mut reference in prop::collection::vec(-8_i32..8, 1..60),
            mut current in prop::collection::vec(-8_i32..8, 1..60),
            scale in prop::sample::select(vec![1.0, 0.1, 1e-300, 1e9]),
        ) {
            reference.sort_unstable();
            current.sort_unstable();
            let numbers = |side: &[i32]| side.iter().map(|v| f64::from(*v) * scale).collect::<Vec<_>>();
            let (reference, current) = (numbers(&reference), numbers(&current));
            let (found, expected) = (ranks(&reference, &current), slowly(&reference, &current));
            prop_assert_eq!((found.n, found.m, found.above, found.below, found.distinct), (expected.n, expected.m, expected.above, expected.below, expected.distinct));
            for (found, expected) in [
                (found.wasserstein, expected.wasserstein), (found.squared, expected.squared), (found.cramer, expected.cramer),
                (found.anderson, expected.anderson), (found.smaller, expected.smaller), (found.ties, expected.ties),
            ] {
                prop_assert!(near(found, expected), "{} is not {}", found, expected);
            }
        }
    }

    #[test]
    fn infinite_values_are_infinitely_far_only_where_the_sides_differ() {
        let infinity = f64::INFINITY;
        let equal = ranks(&[-infinity, 0.0, infinity], &[-infinity, 1.0, infinity]);
        assert_eq!(equal.wasserstein, 1.0 / 3.0);
        assert_eq!(ranks(&[0.0, 0.0], &[0.0, infinity]).wasserstein, infinity);
        assert_eq!(ranks(&[infinity], &[infinity]).wasserstein, 0.0);
    }

    #[test]
    fn equal_constants_do_not_differ_whatever_the_counts() {
        let found = ranks(&[3.0; 7], &[3.0; 40]);
        assert_eq!(
            (found.above, found.below, found.cramer, found.anderson, found.wasserstein),
            (0, 0, 0.0, 0.0, 0.0)
        );
        assert_eq!(found.smaller, 140.0);
    }
}
