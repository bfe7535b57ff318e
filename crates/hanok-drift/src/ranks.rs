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

/// Distinct values whose terms are added up together.
const BLOCK: usize = 256;
/// Terms that are added up at the same time.
const LANES: usize = 4;

/// The pass. Both samples are sorted, without NaN, and not empty; a sample has fewer than 2³¹ values, so that the product of the
/// counts is exact.
pub(crate) fn ranks(reference: &[f64], current: &[f64]) -> Ranks {
    let (n, m) = (reference.len(), current.len());
    // Each step of a merge waits for the one before: two halves by turns keep a processor busy.
    let middle = reference[n / 2];
    let below = |side: &[f64]| side.partition_point(|value| *value < middle);
    let cut = [below(reference), below(current)];
    let mut lower = Merge::new([reference, current], [0, 0], cut);
    let mut upper = Merge::new([reference, current], cut, [n, m]);
    let mut sums = Sums::new(n, m);
    while lower.is_open() || upper.is_open() {
        lower.block.clear();
        upper.block.clear();
        while lower.has_room() && upper.has_room() {
            lower.step();
            upper.step();
        }
        while lower.has_room() {
            lower.step();
        }
        while upper.has_room() {
            upper.step();
        }
        sums.add(&mut lower);
        sums.add(&mut upper);
    }
    let [wasserstein, squared, cramer, anderson, smaller, ties] = sums.parts.map(|part| part.iter().sum());
    let (nf, mf) = (n as f64, m as f64);
    Ranks {
        n,
        m,
        above: lower.above.max(upper.above),
        below: lower.below.max(upper.below),
        wasserstein,
        squared,
        cramer,
        anderson: anderson * (nf + mf - 1.0) / ((nf + mf) * nf * mf),
        smaller,
        ties,
        distinct: [0, 1, 2].map(|at| lower.distinct[at] + upper.distinct[at]),
    }
}

/// A stretch of the pooled values, walked through in ascending order.
struct Merge<'a> {
    sides: [&'a [f64]; 2],
    /// Places of the next values, and where the stretch ends.
    at: [usize; 2],
    end: [usize; 2],
    /// The next values; NaN after the last.
    next: [f64; 2],
    above: i64,
    below: i64,
    distinct: [usize; 3],
    block: Block,
}

/// Distinct values, from place 1 on; place 0 has what was before them.
struct Block {
    len: usize,
    value: [f64; BLOCK + 2],
    /// How many values of each side are not above this one.
    i: [f64; BLOCK + 1],
    j: [f64; BLOCK + 1],
    /// i·m − j·n.
    difference: [f64; BLOCK + 1],
}

impl<'a> Merge<'a> {
    fn new(sides: [&'a [f64]; 2], at: [usize; 2], end: [usize; 2]) -> Merge<'a> {
        let mut block = Block {
            len: 0,
            value: [0.0; BLOCK + 2],
            i: [0.0; BLOCK + 1],
            j: [0.0; BLOCK + 1],
            difference: [0.0; BLOCK + 1],
        };
        (block.i[0], block.j[0]) = (at[0] as f64, at[1] as f64);
        let next = [0, 1].map(|side| value(sides[side], at[side]));
        Merge { sides, at, end, next, above: 0, below: 0, distinct: [0; 3], block }
    }

    fn is_open(&self) -> bool {
        self.at[0] < self.end[0] || self.at[1] < self.end[1]
    }

    fn has_room(&self) -> bool {
        self.block.len < BLOCK && self.is_open()
    }

    /// Takes all values that are equal to the smallest of the next ones.
    #[inline(always)]
    #[expect(clippy::neg_cmp_op_on_partial_ord, reason = "what is compared with NaN is to be taken")]
    fn step(&mut self) {
        let ([mut i, mut j], [mut left, mut right]) = (self.at, self.next);
        let [n, m] = self.sides.map(<[f64]>::len);
        // Without a branch, because which side is next cannot be predicted; counts are signed, which are floats in one step.
        let takes = [i < n && !(left > right), j < m && !(right > left)];
        let least = left.min(right);
        i += usize::from(takes[0]);
        j += usize::from(takes[1]);
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
        let difference = i as i64 * m as i64 - j as i64 * n as i64;
        self.above = self.above.max(difference);
        self.below = self.below.max(-difference);
        for (count, takes) in self.distinct.iter_mut().zip([takes[0], takes[1], true]) {
            *count += usize::from(takes);
        }
        let block = &mut self.block;
        let place = block.len + 1;
        block.len = place;
        block.value[place] = least;
        block.i[place] = i as i64 as f64;
        block.j[place] = j as i64 as f64;
        block.difference[place] = difference as f64;
    }
}

#[inline(always)]
fn value(side: &[f64], place: usize) -> f64 {
    side.get(place).copied().unwrap_or(f64::NAN)
}

impl Block {
    /// The last values are before the next ones.
    fn clear(&mut self) {
        (self.i[0], self.j[0]) = (self.i[self.len], self.j[self.len]);
        self.len = 0;
    }

    /// Fills a last group of lanes with values that no row has.
    fn pad(&mut self) {
        while !self.len.is_multiple_of(LANES) {
            let place = self.len + 1;
            (self.i[place], self.j[place]) = (self.i[self.len], self.j[self.len]);
            (self.difference[place], self.value[place + 1]) = (0.0, self.value[place]);
            self.len = place;
        }
    }
}

struct Sums {
    n: f64,
    m: f64,
    /// Wasserstein's, squared, Cramér's, Anderson's, of pairs, of ties.
    parts: [[f64; LANES]; 6],
}

impl Sums {
    fn new(n: usize, m: usize) -> Sums {
        Sums { n: n as f64, m: m as f64, parts: [[0.0; LANES]; 6] }
    }

    fn add(&mut self, merge: &mut Merge<'_>) {
        let block = &mut merge.block;
        let len = block.len;
        block.value[len + 1] = merge.next[0].min(merge.next[1]);
        block.pad();
        for start in (1..=len).step_by(LANES) {
            self.add_lanes(block, start);
        }
        block.len = len;
    }

    #[inline(always)]
    fn add_lanes(&mut self, block: &Block, start: usize) {
        let (n, m, all) = (self.n, self.m, self.n + self.m);
        let unit = 1.0 / (n * m);
        let lanes = |values: &[f64], start: usize| -> [f64; LANES] {
            let values = &values[start..start + LANES];
            std::array::from_fn(|lane| values[lane])
        };
        let (i, i_before) = (lanes(&block.i, start), lanes(&block.i, start - 1));
        let (j, j_before) = (lanes(&block.j, start), lanes(&block.j, start - 1));
        let (value, next) = (lanes(&block.value, start), lanes(&block.value, start + 1));
        let difference = lanes(&block.difference, start);
        for lane in 0..LANES {
            let (a, b) = (i[lane] - i_before[lane], j[lane] - j_before[lane]);
            let tied = a + b;
            let share = difference[lane] * unit;
            // Where the sides agree, a gap to infinity weighs nothing.
            let gap = if share == 0.0 { 0.0 } else { next[lane] - value[lane] };
            let before = i_before[lane] + j_before[lane] + 0.5 * tied;
            let spread = before * (all - before) - 0.25 * all * tied;
            let middle = (i_before[lane] + 0.5 * a) * m - (j_before[lane] + 0.5 * b) * n;
            let anderson = tied * middle * middle / spread;
            let terms = [
                share.abs() * gap,
                share * share * gap,
                tied * share * share,
                if spread > 0.0 { anderson } else { 0.0 },
                b * (n - i[lane] + 0.5 * a),
                tied * (tied * tied - 1.0),
            ];
            for (part, term) in self.parts.iter_mut().zip(terms) {
                part[lane] += term;
            }
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
