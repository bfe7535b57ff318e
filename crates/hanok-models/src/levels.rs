//! Oblivious trees: those that ask the same at all nodes of a level, as CatBoost's.

use crate::coding::{CodeTest, Coding};
use crate::ensemble::{Kind, Tree};

/// What the levels of an oblivious tree ask, the root's first.
#[derive(Debug)]
pub(crate) struct Levels {
    /// By node, its level.
    pub(crate) of_node: Vec<usize>,
    /// By level, the test.
    pub(crate) tests: Vec<CodeTest>,
    /// By level, the feature tested.
    pub(crate) features: Vec<u32>,
}

impl Levels {
    /// The levels of a tree, if it is oblivious, with all leaves on the last level and `levels_max` levels at most.
    pub(crate) fn of(tree: &Tree, coding: &Coding, levels_max: usize) -> Option<Levels> {
        let levels = tree.depth();
        if levels > levels_max || tree.nodes.len() != (2 << levels) - 1 {
            return None;
        }
        let mut of_node = vec![0; tree.nodes.len()];
        let (mut tests, mut features) = (Vec::with_capacity(levels), Vec::with_capacity(levels));
        for (at, node) in tree.nodes.iter().enumerate() {
            let Kind::Split(split) = &node.kind else { continue };
            let (level, test) = (of_node[at], coding.test(split));
            if level == tests.len() {
                tests.push(test);
                features.push(split.feature);
            } else if tests.get(level) != Some(&test) {
                return None;
            }
            of_node[split.left as usize] = level + 1;
            of_node[split.right as usize] = level + 1;
        }
        (tests.len() == levels).then_some(Levels { of_node, tests, features })
    }
}
