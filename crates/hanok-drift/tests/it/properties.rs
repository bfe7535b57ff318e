//! What must hold for all data.

use arrow::array::ArrayRef;
use hanok_drift::peers::{evidently, nannyml};
use hanok_drift::{Options, Pair, compare};
use proptest::prelude::*;

use crate::draws::{Draws, numbers, words};
use crate::tables::{column, table};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rows_the_batches_and_the_threads_change_nothing(seed: u64, rows in 1_usize..400, cut in 0_usize..400) {
        let mut draws = Draws(seed);
        let values = draws.many(rows, Draws::normal);
        let names = draws.many(rows, |draws| (draws.uniform() * 9.0) as usize);
        let current = table(vec![("n", numbers(draws.many(rows, Draws::normal))), ("w", words(&names))]);
        let reversed = |values: &[f64]| values.iter().rev().copied().collect::<Vec<_>>();
        let back: Vec<usize> = names.iter().rev().copied().collect();
        let one = table(vec![("n", numbers(values.clone())), ("w", words(&names))]);
        let other = table(vec![("n", numbers(reversed(&values))), ("w", words(&back))]).remove(0);
        let cut = cut % rows;
        let parts = [other.slice(0, cut), other.slice(cut, rows - cut)];
        let options = Options::default();
        let expected = compare(&one, &current, &options, 1).unwrap();
        prop_assert_eq!(compare(&parts, &current, &options, 3).unwrap(), expected);
    }

    #[test]
    fn any_numbers_are_survived(
        reference in prop::collection::vec(any::<f64>(), 0..60),
        current in prop::collection::vec(any::<f64>(), 0..60),
        repeat in 1_usize..4,
    ) {
        let (reference, current) = (numbers(reference.repeat(repeat)), numbers(current.repeat(repeat)));
        let found = column(reference.clone(), current.clone());
        for aspect in &found.aspects {
            prop_assert!((0.0..=1.0).contains(&aspect.p) && aspect.p_adjusted <= 1.0);
            prop_assert!(!aspect.effect.beyond_noise.is_nan());
            for statistic in &aspect.statistics {
                prop_assert!(!statistic.value.is_nan(), "{:?}", statistic);
                prop_assert!(statistic.p.is_none_or(|p| (0.0..=1.0).contains(&p)), "{:?}", statistic);
            }
        }
        let pair = Pair { name: "c".to_owned(), reference: vec![reference], current: vec![current] };
        evidently(&pair).unwrap();
        nannyml(&pair).unwrap();
    }

    #[test]
    fn a_column_has_not_drifted_from_itself(seed: u64, rows in 1_usize..3000) {
        let mut draws = Draws(seed);
        let values: ArrayRef = numbers(draws.many(rows, |draws| (draws.normal() * 4.0).round()));
        let found = column(values.clone(), values);
        for aspect in &found.aspects {
            prop_assert_eq!(aspect.effect.value, 0.0);
            prop_assert_eq!(aspect.p, 1.0);
        }
    }

    #[test]
    fn scaling_a_column_changes_no_rank_statistic(seed: u64, factor in 0.001_f64..1000.0) {
        let mut draws = Draws(seed);
        let (a, b) = (draws.many(80, Draws::normal), draws.many(120, Draws::normal));
        let scaled = |values: &[f64]| numbers(values.iter().map(|value| value * factor).collect());
        let (found, other) = (column(numbers(a.clone()), numbers(b.clone())), column(scaled(&a), scaled(&b)));
        for (aspect, other) in found.aspects.iter().zip(&other.aspects) {
            prop_assert_eq!(aspect.p, other.p);
            prop_assert!((aspect.effect.value - other.effect.value).abs() < 1e-9);
        }
    }
}
