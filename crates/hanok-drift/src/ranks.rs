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
    // Each step waits for the one before: two halves by turns keep a processor busy.
    let middle = reference[reference.len() / 2];
    let below = |side: &[f64]| side.partition_point(|value| *value < middle);
    let cut = [below(reference), below(current)];
    let sides = [reference, current];
    let mut lower = Pass::new(sides, [0, 0], cut);
    let mut upper = Pass::new(sides, cut, sides.map(<[f64]>::len));
    while lower.is_open() && upper.is_open() {
        lower.step();
        upper.step();
    }
    while lower.is_open() {
        lower.step();
    }
    while upper.is_open() {
        upper.step();
    }
    let mut sums = lower.sums.and(&upper.sums);
    let (n, m) = (sums.n as f64, sums.m as f64);
    sums.anderson *= (n + m - 1.0) / ((n + m) * n * m);
    sums
}

/// A stretch of the pooled values.
struct Pass<'a> {
    sides: [&'a [f64]; 2],
    /// Places of the next values.
    at: [usize; 2],
    end: [usize; 2],
    /// The next values. NaN is after the end: it is neither the smaller one nor equal to anything.
    next: [f64; 2],
    sums: Ranks,
}

impl<'a> Pass<'a> {
    fn new(sides: [&'a [f64]; 2], at: [usize; 2], end: [usize; 2]) -> Pass<'a> {
        let sums = Ranks {
            n: sides[0].len(),
            m: sides[1].len(),
            above: 0,
            below: 0,
            wasserstein: 0.0,
            squared: 0.0,
            cramer: 0.0,
            anderson: 0.0,
            smaller: 0.0,
            ties: 0.0,
            distinct: [0; 3],
        };
        let next = [0, 1].map(|side| value(sides[side], at[side]));
        Pass { sides, at, end, next, sums }
    }

    #[inline(always)]
    fn is_open(&self) -> bool {
        self.at[0] < self.end[0] || self.at[1] < self.end[1]
    }

    /// Takes all values that are equal to the smallest of the next ones.
    #[inline(always)]
    fn step(&mut self) {
        let sums = &mut self.sums;
        let (n, m) = (sums.n, sums.m);
        let (nf, mf, all) = (n as f64, m as f64, (n + m) as f64);
        let [mut left, mut right] = self.next;
        let [i_before, j_before] = self.at;
        let least = left.min(right);
        // The first step without a branch, because which side is next cannot be predicted.
        let mut i = i_before + usize::from(left == least);
        let mut j = j_before + usize::from(right == least);
        (left, right) = (value(self.sides[0], i), value(self.sides[1], j));
        while left == least {
            i += 1;
            left = value(self.sides[0], i);
        }
        while right == least {
            j += 1;
            right = value(self.sides[1], j);
        }
        (self.at, self.next) = ([i, j], [left, right]);
        let (a, b) = (i - i_before, j - j_before);
        sums.distinct[0] += usize::from(a > 0);
        sums.distinct[1] += usize::from(b > 0);
        sums.distinct[2] += 1;
        let difference = i as i64 * m as i64 - j as i64 * n as i64;
        sums.above = sums.above.max(difference);
        sums.below = sums.below.max(-difference);
        let share = difference as f64 * (1.0 / (nf * mf));
        // Where the sides agree, a gap to infinity weighs nothing.
        if difference != 0 {
            let gap = left.min(right) - least;
            sums.wasserstein += share.abs() * gap;
            sums.squared += share * share * gap;
        }
        let tied = (a + b) as f64;
        sums.cramer += tied * share * share;
        sums.smaller += b as f64 * ((n - i) as f64 + 0.5 * a as f64);
        if a + b > 1 {
            sums.ties += tied * (tied * tied - 1.0);
        }
        let before = (i_before + j_before) as f64 + 0.5 * tied;
        let spread = before * (all - before) - 0.25 * all * tied;
        if spread > 0.0 {
            let middle = (i_before as f64 + 0.5 * a as f64) * mf - (j_before as f64 + 0.5 * b as f64) * nf;
            sums.anderson += tied * middle * middle / spread;
        }
    }
}

#[inline(always)]
fn value(side: &[f64], place: usize) -> f64 {
    side.get(place).copied().unwrap_or(f64::NAN)
}

impl Ranks {
    /// The sums of two stretches.
    fn and(&self, other: &Ranks) -> Ranks {
        Ranks {
            n: self.n,
            m: self.m,
            above: self.above.max(other.above),
            below: self.below.max(other.below),
            wasserstein: self.wasserstein + other.wasserstein,
            squared: self.squared + other.squared,
            cramer: self.cramer + other.cramer,
            anderson: self.anderson + other.anderson,
            smaller: self.smaller + other.smaller,
            ties: self.ties + other.ties,
            distinct: [0, 1, 2].map(|at| self.distinct[at] + other.distinct[at]),
        }
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
