//! Ranks of samples that are given with weights.

use crate::ranks::Ranks;

/// What [`crate::ranks::ranks`] says, of samples that are given as different values in ascending order, each with how often it is
/// there; a side has fewer than 2³¹ in all.
pub(crate) fn ranks_of_runs(reference: &[(f64, usize)], current: &[(f64, usize)]) -> Ranks {
    let count = |side: &[(f64, usize)]| side.iter().map(|(_, count)| count).sum::<usize>();
    let (n, m) = (count(reference), count(current));
    let (nf, mf, all) = (n as f64, m as f64, (n + m) as f64);
    let unit = 1.0 / (nf * mf);
    let mut sums = Ranks {
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
    };
    // NaN is after the end: it is neither the smaller one nor equal to anything.
    let at = |side: &[(f64, usize)], place: usize| side.get(place).copied().unwrap_or((f64::NAN, 0));
    let (mut left, mut right) = (0, 0);
    let (mut i, mut j) = (0, 0);
    while left < reference.len() || right < current.len() {
        let sides = [at(reference, left), at(current, right)];
        let value = sides[0].0.min(sides[1].0);
        let [a, b] = sides.map(|side| if side.0 == value { side.1 } else { 0 });
        left += usize::from(sides[0].0 == value);
        right += usize::from(sides[1].0 == value);
        let gap = at(reference, left).0.min(at(current, right).0) - value;
        let (before, middle) = (
            (i + j) as f64 + 0.5 * (a + b) as f64,
            (i as f64 + 0.5 * a as f64) * mf - (j as f64 + 0.5 * b as f64) * nf,
        );
        (i, j) = (i + a, j + b);
        for (count, is_there) in sums.distinct.iter_mut().zip([a > 0, b > 0, true]) {
            *count += usize::from(is_there);
        }
        let difference = i as i64 * m as i64 - j as i64 * n as i64;
        sums.above = sums.above.max(difference);
        sums.below = sums.below.max(-difference);
        let share = difference as f64 * unit;
        // Where the sides agree, a gap to infinity weighs nothing.
        if difference != 0 {
            sums.wasserstein += share.abs() * gap;
            sums.squared += share * share * gap;
        }
        let tied = (a + b) as f64;
        sums.cramer += tied * share * share;
        sums.smaller += b as f64 * ((n - i) as f64 + 0.5 * a as f64);
        sums.ties += tied * (tied * tied - 1.0);
        let spread = before * (all - before) - 0.25 * all * tied;
        if spread > 0.0 {
            sums.anderson += tied * middle * middle / spread;
        }
    }
    sums.anderson *= (all - 1.0) / all * unit;
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::ranks;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_those_of_the_values(sides in prop::array::uniform2(prop::collection::btree_map(-20_i32..20, 1_usize..5, 1..12))) {
            let runs = sides.map(|side| side.into_iter().map(|(value, count)| (f64::from(value), count)).collect::<Vec<_>>());
            let values = runs.each_ref().map(|side| {
                side.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count)).collect::<Vec<f64>>()
            });
            let (found, expected) = (ranks_of_runs(&runs[0], &runs[1]), ranks(&values[0], &values[1]));
            prop_assert_eq!((found.n, found.m, found.above, found.below, found.distinct), (expected.n, expected.m, expected.above, expected.below, expected.distinct));
            let sums = |ranks: &Ranks| [ranks.wasserstein, ranks.squared, ranks.cramer, ranks.anderson, ranks.smaller, ranks.ties];
            for (found, expected) in sums(&found).into_iter().zip(sums(&expected)) {
                prop_assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} {expected}");
            }
        }
    }
}
