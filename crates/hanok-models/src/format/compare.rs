//! Comparisons of other formats as tests that send `x <= threshold` left.
//!
//! `x < t` is `x <= u` with u the next number below t, in the precision in which values are compared; what is "greater" has its children
//! swapped. `x = t` is a set with one member, known by the bits of its f32: see `Dialect::category`.

use crate::categories::CategorySet;
use crate::ensemble::{Dialect, Missing, Split, Test};

/// A comparison of a value with a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `=`
    Equal,
    /// `≠`
    Unequal,
}

/// Where a node leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branches {
    /// The child where the comparison holds.
    pub(super) yes: u32,
    /// The child where it does not.
    pub(super) no: u32,
    /// Whether NaN goes to `yes`.
    pub(super) nan_to_yes: bool,
}

impl Branches {
    /// A split that goes left where the comparison of `test` holds or, if `swapped`, where it does not.
    pub(super) fn split(self, feature: u32, test: Test, swapped: bool) -> Split {
        let (left, right) = if swapped { (self.no, self.yes) } else { (self.yes, self.no) };
        Split { feature, test, missing: Missing::Nan { left: self.nan_to_yes != swapped }, left, right }
    }
}

/// A split that compares; none if no threshold says the same. Values are compared in f32 if they are `single`.
pub(super) fn split(
    feature: u32,
    compare: Compare,
    threshold: f64,
    single: bool,
    branches: Branches,
) -> Option<Split> {
    let next_below = || {
        let below = if single { f64::from((threshold as f32).next_down()) } else { threshold.next_down() };
        (threshold > f64::NEG_INFINITY).then_some(below)
    };
    let (test, swapped) = match compare {
        Compare::AtMost => (Test::Below(threshold), false),
        Compare::Above => (Test::Below(threshold), true),
        Compare::Below => (Test::Below(next_below()?), false),
        Compare::AtLeast => (Test::Below(next_below()?), true),
        Compare::Equal | Compare::Unequal => {
            let test = Test::Category { set: members(&[threshold])?, members_left: true };
            (test, compare == Compare::Unequal)
        }
    };
    Some(branches.split(feature, test, swapped))
}

/// The set of some values; none if one of them is no f32.
pub(super) fn members(values: &[f64]) -> Option<CategorySet> {
    let codes: Option<Vec<u32>> = values.iter().map(|value| Dialect::OnnxF64.category(*value)).collect();
    codes.map(CategorySet::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_is_the_same_in_both_precisions() {
        let values =
            [-1.5, -0.0, 0.0, f64::from(1.0e-45_f32), 1.0, f64::from(1.0_f32.next_up()), 3.25, f64::INFINITY];
        for threshold in values {
            for value in values {
                let is_equal = (value + 0.0).total_cmp(&(threshold + 0.0)).is_eq();
                for (compare, holds) in [
                    (Compare::AtMost, value <= threshold),
                    (Compare::Below, value < threshold),
                    (Compare::AtLeast, value >= threshold),
                    (Compare::Above, value > threshold),
                    (Compare::Equal, is_equal),
                    (Compare::Unequal, !is_equal),
                ] {
                    for (single, dialect) in [(true, Dialect::OnnxF32), (false, Dialect::OnnxF64)] {
                        let branches = Branches { yes: 1, no: 2, nan_to_yes: holds };
                        let split = split(0, compare, threshold, single, branches).unwrap();
                        let child = |left: bool| if left { split.left } else { split.right };
                        let found = child(split.goes_left(dialect, value)) == 1;
                        assert_eq!(found, holds, "{value} {compare:?} {threshold}");
                        assert_eq!(child(split.goes_left(dialect, f64::NAN)) == 1, holds);
                    }
                }
            }
        }
        let branches = Branches { yes: 1, no: 2, nan_to_yes: false };
        assert!(split(0, Compare::Below, f64::NEG_INFINITY, true, branches).is_none());
        assert!(split(0, Compare::Equal, 0.1, false, branches).is_none());
    }
}
