//! Sixteen trees laid on one another.

use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::{Ensemble, Kind, Split, Tree};
use crate::shap::kernel::Lanes;
use crate::shap::program::shares;

/// The bit of a lane's state that is always set: of tests which are the first of their feature.
const ALWAYS: u32 = 31;

/// One step of the walk through a bundle: at a level, with a fork.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Down to the left.
    Split { level: u32, fork: u32 },
    /// Back from the left, down to the right.
    Right { level: u32 },
    /// Back from the right.
    Join { level: u32, fork: u32 },
    /// A fork with two leaves in all lanes, which are the next two.
    Pair { level: u32, fork: u32 },
    /// The next leaf.
    Leaf,
}

/// A test in each lane.
#[derive(Debug)]
pub(super) struct Fork {
    /// Whose codes are tested; the columns of complements follow after all others.
    pub(super) columns: [u16; LANES],
    /// Right when the code is greater.
    pub(super) bounds: Codes,
    /// The bit of the lane's state that says whether the row has met the feature's tests so far.
    pub(super) known: Codes,
    /// The bit of the fork's level.
    pub(super) bit: i32,
    /// The left child's share of its parent.
    pub(super) left: Lanes<f32>,
    /// Where each lane's values go.
    pub(super) targets: [u16; LANES],
}

/// Sixteen trees of an ensemble.
#[derive(Debug)]
pub(in crate::shap) struct Bundle {
    pub(super) steps: Vec<Step>,
    pub(super) forks: Vec<Fork>,
    /// By fork and node t, κ(t) where the row has met the feature's tests so far.
    pub(super) kappas: Vec<Lanes<f32>>,
    pub(super) leaves: Vec<Lanes<f32>>,
    levels: usize,
}

/// Where a lane is.
#[derive(Clone, Copy)]
enum At {
    Node(usize),
    /// Below a leaf.
    Value(f64),
}

/// A feature that a lane has tested: at which level last, with which product of shares.
#[derive(Clone, Copy)]
struct Tested {
    feature: u32,
    level: u32,
    weight: f64,
}

struct Builder<'a> {
    trees: &'a [&'a Tree],
    tests: Vec<Vec<CodeTest>>,
    features: usize,
    columns: u16,
    nodes: &'a [(f64, f64)],
    /// Of each lane.
    paths: [Vec<Tested>; LANES],
    bundle: Bundle,
}

impl Bundle {
    /// Lays trees on one another, given the nodes of the quadrature.
    pub(super) fn new(ensemble: &Ensemble, coding: &Coding, nodes: &[(f64, f64)], trees: &[&Tree]) -> Bundle {
        let bundle = Bundle {
            steps: Vec::new(),
            forks: Vec::new(),
            kappas: Vec::new(),
            leaves: Vec::new(),
            levels: trees.iter().map(|tree| tree.depth()).max().unwrap_or(0),
        };
        let mut builder = Builder {
            trees,
            tests: trees.iter().map(|tree| coding.tests(tree)).collect(),
            features: ensemble.features,
            columns: coding.columns() as u16,
            nodes,
            paths: Default::default(),
            bundle,
        };
        let at = |lane: usize| if lane < trees.len() { At::Node(0) } else { At::Value(0.0) };
        builder.place(std::array::from_fn(at), 0);
        builder.bundle
    }

    /// Levels of the deepest tree.
    pub(super) fn levels(&self) -> usize {
        self.levels
    }
}

impl Builder<'_> {
    fn split(&self, lane: usize, at: At) -> Option<(usize, &Split)> {
        let At::Node(at) = at else { return None };
        match &self.trees[lane].nodes[at].kind {
            Kind::Split(split) => Some((at, split)),
            Kind::Leaf(_) => None,
        }
    }

    fn is_leaf(&self, at: &[At; LANES]) -> bool {
        at.iter().enumerate().all(|(lane, at)| self.split(lane, *at).is_none())
    }

    /// Adds what stands at a place, and all below it.
    fn place(&mut self, at: [At; LANES], level: u32) {
        if self.is_leaf(&at) {
            self.bundle.steps.push(Step::Leaf);
            self.leaf(&at);
            return;
        }
        let fork = self.bundle.forks.len() as u32;
        let children = self.fork(&at, level);
        if children.iter().all(|child| self.is_leaf(child)) {
            self.bundle.steps.push(Step::Pair { level, fork });
            for child in &children {
                self.leaf(child);
            }
            return;
        }
        for (side, child) in children.into_iter().enumerate() {
            self.bundle.steps.push(if side == 0 {
                Step::Split { level, fork }
            } else {
                Step::Right { level }
            });
            let above: [usize; LANES] = std::array::from_fn(|lane| self.test(lane, at[lane], side, level));
            self.place(child, level + 1);
            self.paths.iter_mut().zip(above).for_each(|(path, above)| path.truncate(above));
        }
        self.bundle.steps.push(Step::Join { level, fork });
    }

    /// Notes that a lane's test has been passed on a side; how many there were before.
    fn test(&mut self, lane: usize, at: At, side: usize, level: u32) -> usize {
        let before = self.paths[lane].len();
        if let Some((_, split)) = self.split(lane, at) {
            let (_, share) = self.sides(lane, split).0[side];
            let (feature, weight) = (split.feature, self.weight(lane, split.feature) * share);
            self.paths[lane].push(Tested { feature, level, weight });
        }
        before
    }

    fn last(&self, lane: usize, feature: u32) -> Option<&Tested> {
        self.paths[lane].iter().rev().find(|tested| tested.feature == feature)
    }

    fn weight(&self, lane: usize, feature: u32) -> f64 {
        self.last(lane, feature).map_or(1.0, |tested| tested.weight)
    }

    fn leaf(&mut self, at: &[At; LANES]) {
        let value = |lane: usize| match at[lane] {
            At::Value(value) => value as f32,
            At::Node(at) => self.value(lane, at) as f32,
        };
        self.bundle.leaves.push(Lanes(std::array::from_fn(value)));
    }

    fn value(&self, lane: usize, at: usize) -> f64 {
        match &self.trees[lane].nodes[at].kind {
            Kind::Leaf(leaf) => leaf.value,
            Kind::Split(_) => 0.0,
        }
    }

    /// The children of a split with their shares, and whether they stand in the other order: the larger subtree comes first, so that
    /// trees laid on one another have more in common.
    fn sides(&self, lane: usize, split: &Split) -> ([(usize, f64); 2], bool) {
        let nodes = &self.trees[lane].nodes;
        // Nodes are in preorder: a subtree ends at the last node of its right side.
        let mut end = split.right as usize;
        while let Kind::Split(split) = &nodes[end].kind {
            end = split.right as usize;
        }
        let [left, right] = shares(self.trees[lane], split);
        let [left, right] = [(split.left as usize, left), (split.right as usize, right)];
        let turned = right.0 - left.0 < end + 1 - right.0;
        (if turned { [right, left] } else { [left, right] }, turned)
    }

    /// Adds a fork; the places of its children.
    fn fork(&mut self, at: &[At; LANES], level: u32) -> [[At; LANES]; 2] {
        let mut children = [*at; 2];
        let target = |lane: usize| {
            let output = self.trees.get(lane).map_or(0, |tree| tree.output);
            (output * self.features as u32) as u16
        };
        // Where a tree has ended: always left, and the values below are equal.
        let mut fork = Fork {
            columns: [0; LANES],
            bounds: Codes([i32::MAX; LANES]),
            known: Codes([1 << ALWAYS; LANES]),
            bit: 1 << level,
            left: Lanes([1.0; LANES]),
            targets: std::array::from_fn(target),
        };
        let mut weights = [1.0; LANES];
        for lane in 0..LANES {
            let Some((node, split)) = self.split(lane, at[lane]) else {
                if let At::Node(node) = at[lane] {
                    let value = At::Value(self.value(lane, node));
                    for child in &mut children {
                        child[lane] = value;
                    }
                }
                continue;
            };
            let ([left, right], turned) = self.sides(lane, split);
            children[0][lane] = At::Node(left.0);
            children[1][lane] = At::Node(right.0);
            let test = self.tests[lane][node];
            // Not greater than the bound is the same as: the complement is greater than that of the next number.
            (fork.columns[lane], fork.bounds.0[lane]) = if turned {
                (test.column as u16 + self.columns, !(test.bound + 1))
            } else {
                (test.column as u16, test.bound)
            };
            let last = self.last(lane, split.feature).map_or(ALWAYS, |tested| tested.level);
            fork.known.0[lane] = 1 << last;
            fork.left.0[lane] = left.1 as f32;
            fork.targets[lane] += split.feature as u16;
            weights[lane] = self.weight(lane, split.feature);
        }
        for (t, _) in self.nodes {
            let kappa = |weight: f64| (weight * (1.0 - t) / (weight * (1.0 - t) + t)) as f32;
            self.bundle.kappas.push(Lanes(weights.map(kappa)));
        }
        self.bundle.forks.push(fork);
        children
    }
}
