//! The area under an ROC curve.

/// An area and its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) value: f64,
    pub(super) variance: f64,
}

/// The share of pairs of a positive and another row in which the positive one has the larger score, ties as halves, with DeLong's
/// variance: that of each row's own share, on either side. 0.5 without rows of both kinds.
pub(super) fn area(scores: &[f32], is_positive: &[bool]) -> Area {
    let sorted = |is: bool| {
        let mut side: Vec<f32> = scores
            .iter()
            .zip(is_positive)
            .filter(|(_, positive)| **positive == is)
            .map(|(score, _)| *score)
            .collect();
        side.sort_unstable_by(f32::total_cmp);
        side
    };
    let (others, positives) = (sorted(false), sorted(true));
    if others.is_empty() || positives.is_empty() {
        return Area { value: 0.5, variance: 0.25 };
    }
    // Of each row the share of the other side below it, ties as halves.
    let below = |of: &[f32], side: &[f32]| {
        let (mut less, mut not_more) = (0, 0);
        let share = |score: &f32| {
            less += side[less..].iter().take_while(|other| *other < score).count();
            not_more += side[not_more..].iter().take_while(|other| *other <= score).count();
            (less + not_more) as f64 / (2 * side.len()) as f64
        };
        of.iter().map(share).collect::<Vec<f64>>()
    };
    let moments = |shares: &[f64]| {
        let count = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / count;
        let squares: f64 = shares.iter().map(|share| (share - mean).powi(2)).sum();
        (mean, squares / (count - 1.0).max(1.0) / count)
    };
    let (value, of_positives) = moments(&below(&positives, &others));
    let (_, of_others) = moments(&below(&others, &positives));
    Area { value, variance: of_positives + of_others }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_area_of_the_textbook() {
        // The positives' shares are 1, 0.75 and 0.625, those of positives below the others 2/3, 1/6, 0 and 0.
        let found =
            area(&[0.9, 0.6, 0.5, 0.7, 0.5, 0.3, 0.1], &[true, true, true, false, false, false, false]);
        assert!((found.value - (1.0 + 0.75 + 0.625) / 3.0).abs() < 1e-12, "{found:?}");
        assert!((found.variance - 1.0 / 27.0).abs() < 1e-12, "{found:?}");
        assert_eq!(area(&[1.0, 0.0], &[true, false]).value, 1.0);
        assert_eq!(area(&[1.0], &[true]).value, 0.5);
    }

    proptest! {
        #[test]
        fn it_is_the_share_of_pairs(rows in prop::collection::vec((0_u8..6, any::<bool>()), 2..40)) {
            let (scores, labels): (Vec<f32>, Vec<bool>) = rows.into_iter().map(|(score, label)| (f32::from(score), label)).unzip();
            let of = |is: bool| scores.iter().zip(&labels).filter(move |(_, label)| **label == is).map(|(score, _)| *score);
            let count = of(true).count() * of(false).count();
            prop_assume!(count > 0);
            let pair = |a: f32, b: f32| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
            let sum: f64 = of(true).flat_map(|a| of(false).map(move |b| pair(a, b))).sum();
            prop_assert!((area(&scores, &labels).value - sum / count as f64).abs() < 1e-12);
        }
    }
}
