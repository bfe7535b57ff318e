//! Which columns to look at first.

use std::cmp::Ordering;

use serde::Serialize;

use crate::compare::{Column, Report};
use crate::verdict::Verdict;

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
    /// Effect × importance.
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
            let effect = effect(column);
            let importance = of_name(&column.name);
            let score = if importance == 0.0 { 0.0 } else { effect * importance };
            Ranked { column: at, verdict: column.verdict, effect, importance, score }
        };
        let mut all: Vec<Ranked> = self.columns.iter().enumerate().map(ranked).collect();
        all.sort_by(worry);
        all
    }
}

fn effect(column: &Column) -> f64 {
    if column.kinds[0] != column.kinds[1] {
        return f64::INFINITY;
    }
    column.worst().map_or(0.0, |aspect| aspect.effect.ratio())
}

fn worry(a: &Ranked, b: &Ranked) -> Ordering {
    b.verdict.cmp(&a.verdict).then(b.score.total_cmp(&a.score)).then(b.effect.total_cmp(&a.effect))
}
