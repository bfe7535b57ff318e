//! Oblivious trees: the tests of a tree, one after the other, are the bits of the number of a row's leaf. Nothing is walked, and
//! nothing waits for the test before.

use std::ops::Range;

use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::{Ensemble, Kind, Tree};
use crate::levels::Levels;

/// Most levels for which leaves stand in a table.
const LEVELS_MAX: usize = 16;

/// The trees of a model whose trees are all oblivious.
#[derive(Debug)]
pub(super) struct Tables {
    trees: Vec<Table>,
    tests: Vec<CodeTest>,
    values: Vec<f64>,
}

/// A tree.
#[derive(Clone, Debug)]
pub(super) struct Table {
    output: u32,
    /// Places in [`Tables::tests`].
    tests: Range<usize>,
    /// Places in [`Tables::values`].
    values: Range<usize>,
}

impl Tables {
    /// The tables of a model, if all trees are oblivious and no leaf is a function.
    pub(super) fn new(ensemble: &Ensemble, coding: &Coding) -> Option<Tables> {
        let mut tables = Tables { trees: Vec::new(), tests: Vec::new(), values: Vec::new() };
        for tree in &ensemble.trees {
            let levels = Levels::of(tree, coding, LEVELS_MAX)?;
            let leaves = leaves(tree, levels.tests.len())?;
            // The trees of several outputs ask the same, one after the other.
            let tests = match tables.trees.last() {
                Some(last) if tables.tests[last.tests.clone()] == levels.tests => last.tests.clone(),
                _ => {
                    tables.tests.extend(levels.tests);
                    tables.trees.last().map_or(0, |last| last.tests.end)..tables.tests.len()
                }
            };
            let start = tables.values.len();
            tables.values.extend(leaves);
            tables.trees.push(Table { output: tree.output, tests, values: start..tables.values.len() });
        }
        Some(tables)
    }

    /// The trees, in the order in which they are added.
    pub(super) fn trees(&self) -> &[Table] {
        &self.trees
    }

    /// Calls `add` with each group of rows, the tree's output and the values of the leaves that the rows reach.
    #[inline(always)]
    pub(super) fn leaves(
        &self,
        tree: &Table,
        codes: &[Codes],
        columns: usize,
        mut add: impl FnMut(usize, u32, [f64; LANES]),
    ) {
        let (tests, values) = (&self.tests[tree.tests.clone()], &self.values[tree.values.clone()]);
        // There are 2^tests values, so that this takes nothing from a leaf's number, and lets the compiler see that it is below.
        let last = values.len() - 1;
        for (group, codes) in codes.chunks_exact(columns).enumerate() {
            let mut leaf = [0_i32; LANES];
            for test in tests {
                for (leaf, code) in leaf.iter_mut().zip(&codes[test.column as usize].0) {
                    *leaf = *leaf + *leaf + i32::from(*code > test.bound);
                }
            }
            add(group, tree.output, leaf.map(|leaf| values[leaf as usize & last]));
        }
    }
}

/// The values of the leaves from left to right.
fn leaves(tree: &Tree, levels: usize) -> Option<Vec<f64>> {
    let mut level = vec![0_usize];
    for _ in 0..levels {
        let mut next = Vec::with_capacity(2 * level.len());
        for at in level {
            let Kind::Split(split) = &tree.nodes[at].kind else { return None };
            next.extend([split.left as usize, split.right as usize]);
        }
        level = next;
    }
    let value = |at: usize| match &tree.nodes[at].kind {
        Kind::Leaf(leaf) => leaf.linear.is_none().then_some(leaf.value),
        Kind::Split(_) => None,
    };
    level.into_iter().map(value).collect()
}
