//! Isotonic regression: the rising function nearest to the labels.

/// A function that rises, linear between its points and constant beyond them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Isotonic {
    points: Vec<(f64, f64)>,
}

/// Neighbours of one mean.
struct Block {
    first: f64,
    last: f64,
    sum: f64,
    count: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.sum / self.count
    }
}

impl Isotonic {
    /// Fits (place, label) in ascending order of the places, by pooling neighbours that fall (Ayer and others 1955).
    pub(super) fn fit(rows: impl Iterator<Item = (f64, f64)>) -> Isotonic {
        let mut blocks: Vec<Block> = Vec::new();
        let mut tie: Option<Block> = None;
        for (place, label) in rows {
            match &mut tie {
                Some(tie) if tie.last == place => {
                    tie.sum += label;
                    tie.count += 1.0;
                }
                _ => {
                    let next = Block { first: place, last: place, sum: label, count: 1.0 };
                    pool(&mut blocks, tie.replace(next));
                }
            }
        }
        pool(&mut blocks, tie);
        let ends = |block: &Block| {
            let mean = block.mean();
            [Some((block.first, mean)), (block.last != block.first).then_some((block.last, mean))]
        };
        Isotonic { points: blocks.iter().flat_map(ends).flatten().collect() }
    }

    /// Its value; NaN of NaN, and without points.
    pub(super) fn at(&self, place: f64) -> f64 {
        let after = self.points.partition_point(|(at, _)| *at <= place);
        let before = after.checked_sub(1).and_then(|before| self.points.get(before));
        match (before, self.points.get(after)) {
            _ if place.is_nan() => f64::NAN,
            (Some((x, low)), Some((next, high))) => (high - low) / (next - x) * (place - x) + low,
            (Some((_, end)), None) | (None, Some((_, end))) => *end,
            (None, None) => f64::NAN,
        }
    }
}

fn pool(blocks: &mut Vec<Block>, next: Option<Block>) {
    let Some(mut next) = next else { return };
    while let Some(last) = blocks.pop_if(|last| last.mean() >= next.mean()) {
        next = Block {
            first: last.first,
            last: next.last,
            sum: last.sum + next.sum,
            count: last.count + next.count,
        };
    }
    blocks.push(next);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_falls_is_pooled_and_ties_are_one_point() {
        // sklearn.isotonic.IsotonicRegression(out_of_bounds="clip")
        let rows = [(0.1, 0.0), (0.2, 1.0), (0.2, 0.0), (0.3, 0.0), (0.5, 1.0), (0.9, 1.0)];
        let found = Isotonic::fit(rows.into_iter());
        let third = 1.0 / 3.0;
        let expected =
            [(0.0, 0.0), (0.1, 0.0), (0.15, third / 2.0), (0.25, third), (0.4, 2.0 * third), (2.0, 1.0)];
        for (place, value) in expected {
            assert!((found.at(place) - value).abs() < 1e-12, "{place}: {} is not {value}", found.at(place));
        }
        assert!(found.at(f64::NAN).is_nan() && Isotonic::default().at(0.5).is_nan());
    }

    proptest! {
        #[test]
        fn a_value_is_the_largest_least_mean(labels in prop::collection::vec(0_u8..2, 1..40)) {
            let rows: Vec<(f64, f64)> = labels.iter().enumerate().map(|(at, label)| (at as f64, f64::from(*label))).collect();
            let found = Isotonic::fit(rows.iter().copied());
            for at in 0..rows.len() {
                // The definition by means of intervals (Barlow and others 1972): max over starts of min over ends.
                let mean = |from: usize, to: usize| rows[from..=to].iter().map(|row| row.1).sum::<f64>() / (to - from + 1) as f64;
                let least = |from: usize| (at..rows.len()).map(|to| mean(from, to)).fold(f64::INFINITY, f64::min);
                let expected = (0..=at).map(least).fold(0.0, f64::max);
                prop_assert!((found.at(at as f64) - expected).abs() < 1e-12);
            }
        }
    }
}
