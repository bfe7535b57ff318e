//! Saabas values: what each test on a row's path changes the expected value by goes to the test's feature.
//!
//! They add up to the prediction as SHAP values do and cost no more than predicting, but they are no Shapley values: a feature that
//! is tested far from the root gets more than one that does the same near it. Known as `approximate=True` in shap and as
//! `approx_contribs` in XGBoost; from A. Saabas, "Interpreting random forests", 2014.

use crate::blocks::for_blocks;
use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::{Ensemble, Kind, Tree};
use crate::error::ExplainError;
use crate::shap::{Explanation, check_size, expected_values, no_linear_leaves, program};
use crate::table::Table;

/// Rows of a block.
const BLOCK_ROWS: usize = 64;

/// A model made ready.
#[derive(Debug)]
pub struct Saabas<'a> {
    ensemble: &'a Ensemble,
    coding: Coding,
    base: Vec<f64>,
    /// By tree, its nodes.
    trees: Vec<Vec<Node>>,
}

#[derive(Debug)]
struct Node {
    /// Expected value.
    mean: f64,
    /// Test, feature and children, if it is no leaf.
    split: Option<(CodeTest, u32, [u32; 2])>,
}

impl<'a> Saabas<'a> {
    /// Prepares a model.
    pub fn new(ensemble: &'a Ensemble) -> Result<Saabas<'a>, ExplainError> {
        if !ensemble.has_cover {
            return Err(ExplainError::NoCover);
        }
        no_linear_leaves(ensemble)?;
        let coding = Coding::new(ensemble);
        let trees = ensemble.trees.iter().map(|tree| nodes(tree, &coding)).collect();
        Ok(Saabas { ensemble, base: expected_values(ensemble), coding, trees })
    }

    /// Explains rows on some threads. The values of a row depend on neither the threads nor the other rows.
    pub fn explain(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        let (features, outputs, columns) = (self.ensemble.features, self.base.len(), self.coding.columns());
        check_size(self.ensemble, table, features)?;
        let row_values = features * outputs;
        let mut values = vec![0.0; table.rows() * row_values];
        if columns > 0 && features > 0 {
            let codes = || vec![Codes([0; LANES]); BLOCK_ROWS / LANES * columns];
            for_blocks(&mut values, BLOCK_ROWS * row_values, threads, codes, |codes, block, out| {
                let rows = out.len() / row_values;
                let codes = &mut codes[..rows.div_ceil(LANES) * columns];
                self.coding.encode(table, block * BLOCK_ROWS, rows, codes);
                for (row, out) in out.chunks_exact_mut(row_values).enumerate() {
                    let codes = &codes[row / LANES * columns..][..columns];
                    for (tree, nodes) in self.ensemble.trees.iter().zip(&self.trees) {
                        walk(
                            nodes,
                            |column| codes[column].0[row % LANES],
                            &mut out[tree.output as usize * features..],
                        );
                    }
                    for value in out {
                        *value /= self.ensemble.divisor;
                    }
                }
            });
        }
        Ok(Explanation { rows: table.rows(), outputs, features, values, base: self.base.clone() })
    }
}

fn nodes(tree: &Tree, coding: &Coding) -> Vec<Node> {
    let node = |(node, mean): (&crate::ensemble::Node, f64)| match &node.kind {
        Kind::Split(split) => {
            Node { mean, split: Some((coding.test(split), split.feature, [split.left, split.right])) }
        }
        Kind::Leaf(_) => Node { mean, split: None },
    };
    tree.nodes.iter().zip(program::means(tree)).map(node).collect()
}

/// Adds what the tests on a row's path change.
fn walk(nodes: &[Node], code: impl Fn(usize) -> i32, out: &mut [f64]) {
    let mut node = &nodes[0];
    while let Some((test, feature, children)) = &node.split {
        let next = &nodes[children[usize::from(code(test.column as usize) > test.bound)] as usize];
        out[*feature as usize] += next.mean - node.mean;
        node = next;
    }
}
