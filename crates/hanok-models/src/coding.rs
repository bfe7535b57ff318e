//! Values as small integers.
//!
//! All that a tree asks of a value is on which side of a threshold it lies. So each value is looked up once among all
//! thresholds of its feature, by the library's own rule, and from then on a test is `code > threshold number`, whatever the
//! library, the precision, the treatment of missing values and the kind of test.

use std::collections::HashMap;

use crate::categories::CategorySet;
use crate::ensemble::{Dialect, Ensemble, Kind, Missing, Node, Split, Test, Tree};
use crate::table::Table;

/// Rows that are computed side by side.
pub(crate) const LANES: usize = 16;
/// The code of a missing value that goes right at every test of its column.
const ALWAYS_RIGHT: i32 = i32::MAX;

/// The codes of one column for one group of rows. Aligned so that no vector lies across two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Codes(pub(crate) [i32; LANES]);

/// How the values of a model's features become codes.
#[derive(Debug)]
pub(crate) struct Coding {
    dialect: Dialect,
    columns: Vec<Column>,
    ranked: HashMap<(u32, Missing), usize>,
    sets: HashMap<(u32, Missing, bool, CategorySet), usize>,
}

#[derive(Debug)]
struct Column {
    feature: u32,
    missing: Missing,
    codes: Rule,
}

#[derive(Debug)]
enum Rule {
    /// How many of the thresholds, which ascend, the value lies right of.
    Rank(Vec<f64>),
    /// One when the category goes right.
    Category(CategorySet, bool),
}

/// A test of a code: right when the code of `column` is greater than `bound`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeTest {
    pub(crate) column: u32,
    pub(crate) bound: i32,
}

impl Coding {
    /// The coding of a model's tests.
    pub(crate) fn new(ensemble: &Ensemble) -> Coding {
        let mut coding = Coding {
            dialect: ensemble.dialect,
            columns: Vec::new(),
            ranked: HashMap::new(),
            sets: HashMap::new(),
        };
        for tree in &ensemble.trees {
            for node in &tree.nodes {
                if let Kind::Split(split) = &node.kind {
                    coding.add(split);
                }
            }
        }
        for column in &mut coding.columns {
            if let Rule::Rank(thresholds) = &mut column.codes {
                thresholds.sort_unstable_by(f64::total_cmp);
                thresholds.dedup();
            }
        }
        coding.sort();
        coding
    }

    /// Puts columns of one feature beside each other, so that its values are made ready once.
    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|at| (self.columns[*at].feature, self.columns[*at].is_category()));
        let mut places = vec![0; order.len()];
        for (place, at) in order.iter().enumerate() {
            places[*at] = place;
        }
        let mut columns: Vec<Option<Column>> =
            std::mem::take(&mut self.columns).into_iter().map(Some).collect();
        self.columns = order.into_iter().filter_map(|at| columns[at].take()).collect();
        for at in self.ranked.values_mut().chain(self.sets.values_mut()) {
            *at = places[*at];
        }
    }

    fn add(&mut self, split: &Split) {
        let (feature, missing) = (split.feature, split.missing);
        match &split.test {
            Test::Below(threshold) => {
                let at = *self.ranked.entry((feature, missing)).or_insert_with(|| {
                    self.columns.push(Column { feature, missing, codes: Rule::Rank(Vec::new()) });
                    self.columns.len() - 1
                });
                if let Rule::Rank(thresholds) = &mut self.columns[at].codes {
                    // Zeros of both signs are one threshold.
                    thresholds.push(*threshold + 0.0);
                }
            }
            Test::Category { set, members_left } => {
                self.sets.entry((feature, missing, *members_left, set.clone())).or_insert_with(|| {
                    let codes = Rule::Category(set.clone(), *members_left);
                    self.columns.push(Column { feature, missing, codes });
                    self.columns.len() - 1
                });
            }
        }
    }

    /// How many columns there are.
    pub(crate) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// The test of a split of the model that the coding was made of.
    pub(crate) fn test(&self, split: &Split) -> CodeTest {
        let (feature, missing) = (split.feature, split.missing);
        match &split.test {
            Test::Below(threshold) => {
                let column = self.ranked.get(&(feature, missing)).copied().unwrap_or_default();
                let bound = match &self.columns[column].codes {
                    Rule::Rank(thresholds) => thresholds.partition_point(|t| *t < *threshold + 0.0),
                    Rule::Category(..) => 0,
                };
                CodeTest { column: column as u32, bound: bound as i32 }
            }
            Test::Category { set, members_left } => {
                let column = self.sets.get(&(feature, missing, *members_left, set.clone()));
                CodeTest { column: column.copied().unwrap_or_default() as u32, bound: 0 }
            }
        }
    }

    /// The tests of a tree's nodes; leaves have one that means nothing.
    pub(crate) fn tests(&self, tree: &Tree) -> Vec<CodeTest> {
        let test = |node: &Node| match &node.kind {
            Kind::Split(split) => self.test(split),
            Kind::Leaf(_) => CodeTest { column: 0, bound: 0 },
        };
        tree.nodes.iter().map(test).collect()
    }

    /// Codes of the rows from `start` on: `out[group · columns + column][lane]`. Rows past the end repeat the last one.
    pub(crate) fn encode(&self, table: &Table, start: usize, rows: usize, out: &mut [Codes]) {
        let columns = self.columns.len();
        let mut values = vec![0.0; rows];
        let mut filled = None;
        for (at, column) in self.columns.iter().enumerate() {
            let is_category = column.is_category();
            let filling = (column.feature, is_category);
            if filled.replace(filling) != Some(filling) {
                table.fill(column.feature as usize, start, &mut values);
                for value in &mut values {
                    *value = self.dialect.prepare(*value, is_category);
                }
            }
            for (values, codes) in values.chunks(LANES).zip(out.chunks_exact_mut(columns)) {
                let codes = &mut codes[at].0;
                for (code, value) in codes.iter_mut().zip(values) {
                    *code = column.code(self.dialect, *value);
                }
                let last = codes[values.len() - 1];
                codes[values.len()..].fill(last);
            }
        }
    }
}

impl Column {
    fn is_category(&self) -> bool {
        matches!(self.codes, Rule::Category(..))
    }

    #[inline]
    fn code(&self, dialect: Dialect, value: f64) -> i32 {
        let value = match self.missing.resolve(value) {
            Ok(value) => value,
            Err(left) => return if left { 0 } else { ALWAYS_RIGHT },
        };
        match &self.codes {
            // NaN that is not missing is below nothing: every test sends it right.
            Rule::Rank(_) if value.is_nan() => ALWAYS_RIGHT,
            Rule::Rank(thresholds) if dialect.is_strict() => {
                thresholds.partition_point(|t| *t <= value) as i32
            }
            Rule::Rank(thresholds) => thresholds.partition_point(|t| *t < value) as i32,
            Rule::Category(set, members_left) => {
                let is_member = dialect.category(value).is_some_and(|code| set.contains(code));
                i32::from(is_member != *members_left)
            }
        }
    }
}
