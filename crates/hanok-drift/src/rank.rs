//! Which columns to look at first.

use std::cmp::Ordering;

use serde::Serialize;

use crate::compare::{Aspect, Column, Report};
use crate::measure::{Measure, Statistic};
use crate::verdict::Verdict;

/// A share of values out of range has a threshold that is a tenth of Kolmogorov and Smirnov's, which such values move by their share too.
const OUTSIDE_PARTS: f64 = 10.0;
/// What Wasserstein's distance counts at most, in thresholds, for all of Kolmogorov and Smirnov's: one for each hundredth of the rows.
const WASSERSTEIN_MAX: f64 = 100.0;

/// A column's place in the order of worry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// The column, by its place in [`Report::columns`].
    pub column: usize,
    /// Its verdict, which comes first in the order.
    pub verdict: Verdict,
    /// The effect of [`Column::worst`] in thresholds: from 1 on it matters. Infinite when the kinds of the sides differ.
    pub effect: f64,
    /// The column's share of the importance of the most important one, 0 to 1; 0 for columns that were given none, 1 for all when
    /// no importance was given.
    pub importance: f64,
    /// Effect × importance, of effects that few rows can make large only so much as [`Aspect::weight`] says.
    pub score: f64,
}

impl Report {
    /// The columns in the order of worry: by verdict, then by effect × importance, then by effect. `importance` has names of
    /// columns with what a model makes of them, such as mean absolute SHAP values; names that no column has are passed over.
    pub fn ranked(&self, importance: &[(String, f64)]) -> Vec<Ranked> {
        let size = |value: f64| if value.is_finite() { value.abs() } else { 0.0 };
        let largest = importance.iter().map(|(_, value)| size(*value)).fold(0.0, f64::max);
        let of_name = |name: &str| {
            if largest == 0.0 {
                return 1.0;
            }
            let found = importance.iter().find(|(other, _)| other == name);
            found.map_or(0.0, |(_, value)| size(*value) / largest)
        };
        let ranked = |(at, column): (usize, &Column)| {
            let [effect, weight] = effect(column);
            let importance = of_name(&column.name);
            let score = if importance == 0.0 { 0.0 } else { weight * importance };
            Ranked { column: at, verdict: column.verdict, effect, importance, score }
        };
        let mut all: Vec<Ranked> = self.columns.iter().enumerate().map(ranked).collect();
        all.sort_by(worry);
        all
    }
}

impl Aspect {
    /// How much it counts in the order of worry: its effect in thresholds. Two effects may be large although few rows have moved, and once they
    /// are beyond their thresholds they count only as much as the rows that did: a share out of range a tenth, and Wasserstein's distance not
    /// more than one threshold for each hundredth of Kolmogorov and Smirnov's distance. Neither counts less than 1 then.
    pub fn weight(&self) -> f64 {
        let ratio = self.effect.ratio();
        let most = match self.effect.measure {
            Measure::Outside => ratio / OUTSIDE_PARTS,
            Measure::WassersteinScaled => {
                let moved = |found: &&Statistic| found.measure == Measure::KolmogorovSmirnov;
                let moved = self.statistics.iter().find(moved).map_or(1.0, |found| found.value);
                WASSERSTEIN_MAX * moved
            }
            _ => return ratio,
        };
        ratio.min(most.max(1.0))
    }
}

/// The effect of a column's worst aspect, and its weight.
fn effect(column: &Column) -> [f64; 2] {
    if column.kinds[0] != column.kinds[1] {
        return [f64::INFINITY; 2];
    }
    column.worst().map_or([0.0; 2], |aspect| [aspect.effect.ratio(), aspect.weight()])
}

fn worry(a: &Ranked, b: &Ranked) -> Ordering {
    b.verdict.cmp(&a.verdict).then(b.score.total_cmp(&a.score)).then(b.effect.total_cmp(&a.effect))
}
