//! Exact path-dependent SHAP values as a straight program of vector operations.
//!
//! For a leaf of value V and the distinct features k of its path, let w_k be the product of the cover shares and s_k ∈ {0, 1}
//! whether the row meets every test on k. With F_k(t) = w_k (1 − t) + s_k t,
//!
//! φ_j = Σ V (s_j − w_j) ∫₀¹ Π_{k ≠ j} F_k(t) dt.
//!
//! A depth-first walk has at each node two polynomials (as Linear TreeSHAP, arXiv 2209.08192, in another basis):
//! - **above**, c(t): the product of the F of features that occur above the node only. It is needed as a functional on what
//!   stands below, thus as its moments M_j = ∫ c (1 − t)^(n−1−j) t^j dt, j < n, where n is the *degree below*. Multiplying c by F
//!   lowers n by one: M'_j = w M_j + s M_{j+1}.
//! - **below**, G(t): the sum over the leaves below of V times their other factors, of degree n in the unscaled Bernstein basis
//!   (1 − t)^(n−j) t^j. Multiplying G by F raises n by one: G'_j = w G_j + s G_{j−1}.
//!
//! Where F_f is multiplied in, φ_f += (s_f − w_f) Σ_j M_j G_j. The degree below is at most the height of the node, and half of
//! all nodes have height 1, so that the work a leaf and row is nearly constant, whatever the depth. All terms of M are positive
//! and no factor exceeds 1: it is stable at any depth, without divisions. Rows only select (s), so lanes are rows.
//!
//! Interactions: for each feature i whose factor is multiplied in above a node, the walk also has M^(i), the moments with s_i − w_i in place
//! of F_i. Where F_f is multiplied in below, twice Φ_if is (s_f − w_f) Σ_j M^(i)_j G_j: each pair of a path is met once, and G is shared.
//!
//! A feature that occurs again below a node is **pending**: its factor is multiplied in only on edges below which it occurs no
//! more, with the product of its shares and the conjunction of its tests.

use std::collections::HashMap;

use crate::coding::CodeTest;
use crate::ensemble::{Kind, Split, Tree};
use crate::shap::ops::{Factor, Fork, Leaves, Op, Pair, Program, Quad};
use crate::shap::real::Real;

/// Most distinct features of a path.
pub(super) fn path_features(tree: &Tree) -> usize {
    Compiler::new(tree).degrees.first().copied().unwrap_or(0)
}

/// Compiles a tree, given the tests of its nodes. The value of a feature goes to `target` of it. With `pairs`, the number of features,
/// that of features i and j goes to i · features + j or to j · features + i instead.
pub(super) fn compile<T: Real>(
    tree: &Tree,
    tests: &[CodeTest],
    pairs: Option<usize>,
    target: impl Fn(u32) -> u32,
) -> Program<T> {
    let compiler = Compiler::new(tree);
    let degree = compiler.degrees.first().copied().unwrap_or(0);
    let mut emitter = Emitter {
        compiler: &compiler,
        tree,
        tests,
        pairs,
        target: &target,
        ops: Vec::new(),
        places: [degree, 0, 0],
    };
    if degree > 0 {
        emitter.node(0, &Above { m: 0, others: Vec::new() }, 0, degree);
    }
    let start = (0..degree).map(|j| T::from_f64(beta(j, degree - 1 - j))).collect();
    Program { start, places: emitter.places, ops: emitter.ops }
}

/// ∫ t^a (1 − t)^b dt = a! b! / (a + b + 1)!
pub(super) fn beta(a: usize, b: usize) -> f64 {
    let (few, many) = (a.min(b), a.max(b));
    (1..=few).fold(1.0, |value, k| value * k as f64 / (many + k) as f64) / (a + b + 1) as f64
}

/// Shares of a split's cover: left, right. Where nothing came by in training, halves.
pub(super) fn shares(tree: &Tree, split: &Split) -> [f64; 2] {
    let cover = |child: u32| tree.nodes[child as usize].cover;
    let (left, right) = (cover(split.left), cover(split.right));
    let sum = left + right;
    if sum > 0.0 { [left / sum, right / sum] } else { [0.5, 0.5] }
}

/// The mean of the leaves below each node, by cover.
pub(super) fn means(tree: &Tree) -> Vec<f64> {
    let mut means = vec![0.0; tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        means[at] = match &node.kind {
            Kind::Leaf(leaf) => leaf.expected(),
            Kind::Split(split) => {
                let [left, right] = shares(tree, split);
                left * means[split.left as usize] + right * means[split.right as usize]
            }
        };
    }
    means
}

/// A feature whose factor is yet to be multiplied in.
#[derive(Clone, Copy, Debug)]
struct Pending {
    feature: u32,
    weight: f64,
    mask: u32,
}

impl Pending {
    fn factor<T: Real>(&self, feature: u32, n: usize, m: usize, to: usize) -> Factor<T> {
        Factor {
            mask: self.mask,
            weight: T::from_f64(self.weight),
            feature,
            n: n as u32,
            m: m as u32,
            to: to as u32,
        }
    }
}

/// What the walk will do, by node.
struct Compiler {
    /// Degree below.
    degrees: Vec<usize>,
    /// Factors multiplied in on the edge into a node, beside that of a split which is the last of its feature.
    applied: Vec<Vec<Pending>>,
    /// Whether the split's feature occurs nowhere below it: its factor is multiplied in on both its edges.
    is_last: Vec<bool>,
    /// The pending mask that a split continues, with the shares so far.
    continued: Vec<Option<Pending>>,
    /// The first of the two masks that a split makes which is not the last of its feature.
    masks: Vec<u32>,
}

impl Compiler {
    fn new(tree: &Tree) -> Compiler {
        let count = tree.nodes.len();
        let mut occurrences: HashMap<u32, Vec<usize>> = HashMap::new();
        let mut ends: Vec<usize> = (1..=count).collect();
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            if let Kind::Split(split) = &node.kind {
                ends[at] = ends[split.right as usize];
                occurrences.entry(split.feature).or_default().push(at);
            }
        }
        // Nodes are in preorder, so a subtree is a range; the occurrences descend.
        let occurs = |feature: u32, node: usize| {
            let Some(at) = occurrences.get(&feature) else { return false };
            at.get(at.partition_point(|at| *at >= ends[node])).is_some_and(|at| *at >= node)
        };
        let mut this = Compiler {
            degrees: vec![0; count],
            applied: vec![Vec::new(); count],
            is_last: vec![false; count],
            continued: vec![None; count],
            masks: vec![0; count],
        };
        // (node, pending, level): preorder, so that a node is visited after its parent.
        let mut open = vec![(0, Vec::<Pending>::new(), 0_u32)];
        while let Some((at, pending, level)) = open.pop() {
            let Some(Kind::Split(split)) = tree.nodes.get(at).map(|node| &node.kind) else { continue };
            let feature = split.feature;
            let children = [split.left as usize, split.right as usize];
            let old = pending.iter().find(|p| p.feature == feature).copied();
            let occurs_below = children.iter().any(|child| occurs(feature, *child));
            this.is_last[at] = !occurs_below;
            this.continued[at] = old;
            this.masks[at] = 2 * level;
            for (side, child) in children.into_iter().enumerate() {
                let (mut applied, mut next) = (Vec::new(), Vec::new());
                let mut sort =
                    |p: Pending| if occurs(p.feature, child) { next.push(p) } else { applied.push(p) };
                pending.iter().filter(|p| p.feature != feature).for_each(|p| sort(*p));
                if !this.is_last[at] {
                    let weight = old.map_or(1.0, |old| old.weight) * shares(tree, split)[side];
                    sort(Pending { feature, weight, mask: 2 * level + side as u32 });
                }
                this.applied[child] = applied;
                open.push((child, next, level + 1));
            }
        }
        for at in (0..count).rev() {
            if let Kind::Split(split) = &tree.nodes[at].kind {
                let children = [split.left as usize, split.right as usize];
                let inner = children.map(|child| this.inner(child));
                this.degrees[at] = inner[0].max(inner[1]) + usize::from(this.is_last[at]);
            }
        }
        this
    }

    /// Degree below the edge into a node, without the factor of a split which is the last of its feature.
    fn inner(&self, child: usize) -> usize {
        self.degrees[child] + self.applied[child].len()
    }
}

/// Where the moments above a node stand: those of all factors, and with each feature's factor replaced.
#[derive(Clone)]
struct Above {
    m: usize,
    others: Vec<(u32, usize)>,
}

struct Emitter<'a, T> {
    compiler: &'a Compiler,
    tree: &'a Tree,
    tests: &'a [CodeTest],
    pairs: Option<usize>,
    target: &'a dyn Fn(u32) -> u32,
    ops: Vec<Op<T>>,
    places: [usize; 3],
}

impl<T: Real> Emitter<'_, T> {
    /// Notes that places up to these are used.
    fn need(&mut self, m: usize, g: usize, masks: usize) {
        for (place, need) in self.places.iter_mut().zip([m, g, masks]) {
            *place = (*place).max(need);
        }
    }

    /// Where the value of a feature goes, or with `other` that of a pair.
    fn target(&self, other: u32, feature: u32) -> u32 {
        self.pairs.map_or_else(|| (self.target)(feature), |features| other * features as u32 + feature)
    }

    /// G of a node to `g`, from its moments; moments from `top` on are free.
    fn node(&mut self, at: usize, above: &Above, g: usize, top: usize) {
        let Kind::Split(split) = &self.tree.nodes[at].kind else { return };
        let n = self.compiler.degrees[at];
        let right_g = g + n + 1;
        self.need(top, right_g + n + 1, 0);
        if let Some(leaves) = self.leaves(at) {
            for (other, m) in &above.others {
                let leaves = Leaves { feature: self.target(*other, split.feature), ..leaves };
                self.ops.push(Op::DotLeaves(Pair { leaves, m: *m as u32, g: g as u32 }));
            }
            self.ops.push(Op::Pair(Pair { leaves, m: above.m as u32, g: g as u32 }));
        } else if let Some(quad) = self.quad(at, above.m, g) {
            self.ops.push(Op::Quad(Box::new(quad)));
        } else if self.compiler.is_last[at] {
            self.fork(at, split, above, g, top);
        } else {
            let (test, to) = (self.tests[at], self.compiler.masks[at]);
            self.need(0, 0, to as usize + 2);
            self.ops.push(Op::Test { test, from: self.compiler.continued[at].map(|p| p.mask), to });
            self.edge(split.left as usize, above, n, g, top);
            self.edge(split.right as usize, above, n, right_g, top);
            self.ops.push(Op::Join { g: g as u32, right: right_g as u32, n: n as u32 });
        }
    }

    /// A split whose feature occurs nowhere below it.
    fn fork(&mut self, at: usize, split: &Split, above: &Above, g: usize, mut top: usize) {
        let n = self.compiler.degrees[at];
        let continued = self.compiler.continued[at];
        let (mask, weight) = (continued.map(|p| p.mask), continued.map_or(1.0, |p| p.weight));
        let fork = |feature: u32, from: usize, left: usize, right: usize| Fork {
            test: self.tests[at],
            feature,
            shares: shares(self.tree, split).map(|share| T::from_f64(share * weight)),
            n: n as u32,
            from: from as u32,
            left: left as u32,
            right: right as u32,
        };
        let mut below = [above.clone(), above.clone()];
        if n > 1 {
            let mut downs = Vec::new();
            // The moments of the right side stand first, those of the left after them.
            let mut places = || {
                top += 2 * (n - 1);
                [top - (n - 1), top - 2 * (n - 1)]
            };
            for number in 0..=above.others.len() {
                let from = number.checked_sub(1).map_or(above.m, |other| above.others[other].1);
                let [left, right] = places();
                for (below, to) in below.iter_mut().zip([left, right]) {
                    *(number.checked_sub(1).map_or(&mut below.m, |other| &mut below.others[other].1)) = to;
                }
                let down = fork(split.feature, from, left, right);
                downs.push(Op::Down(down, mask));
            }
            if self.pairs.is_some() {
                let [left, right] = places();
                for (below, to) in below.iter_mut().zip([left, right]) {
                    below.others.push((split.feature, to));
                }
                downs.push(Op::Split(fork(split.feature, above.m, left, right), mask));
            }
            self.ops.extend(downs);
        } else {
            for below in &mut below {
                below.others.clear();
            }
        }
        self.need(top, 0, 0);
        let right_g = g + n + 1;
        let mut ups: Vec<Op<T>> = Vec::new();
        for (other, m) in &above.others {
            let dot = fork(self.target(*other, split.feature), *m, g, right_g);
            ups.push(Op::Dot(dot, mask));
        }
        let up = fork(self.target(split.feature, split.feature), above.m, g, right_g);
        ups.push(Op::Up(up, mask));
        self.edge(split.left as usize, &below[0], n - 1, g, top);
        self.edge(split.right as usize, &below[1], n - 1, right_g, top);
        self.ops.extend(ups);
    }

    /// A split with two leaves on whose edges nothing but its own factor is multiplied in.
    fn leaves(&self, at: usize) -> Option<Leaves<T>> {
        let Kind::Split(split) = &self.tree.nodes[at].kind else { return None };
        let compiler = self.compiler;
        let value = |child: u32| match &self.tree.nodes[child as usize].kind {
            Kind::Leaf(leaf) if compiler.applied[child as usize].is_empty() => Some(leaf.value),
            _ => None,
        };
        let leaves = [value(split.left)?, value(split.right)?];
        if !compiler.is_last[at] {
            return None;
        }
        let shares = shares(self.tree, split);
        let weight = compiler.continued[at].map_or(1.0, |p| p.weight);
        Some(Leaves {
            test: self.tests[at],
            feature: self.target(split.feature, split.feature),
            from: compiler.continued[at].map(|p| p.mask),
            mean: T::from_f64(weight * (shares[0] * leaves[0] + shares[1] * leaves[1])),
            values: leaves.map(T::from_f64),
        })
    }

    /// A split with two such splits on whose edges nothing but its own factor is multiplied in.
    fn quad(&self, at: usize, m: usize, g: usize) -> Option<Quad<T>> {
        let Kind::Split(split) = &self.tree.nodes[at].kind else { return None };
        let compiler = self.compiler;
        let child = |child: u32| {
            let is_bare = compiler.applied[child as usize].is_empty();
            self.leaves(child as usize).filter(|_| is_bare)
        };
        let children = [child(split.left)?, child(split.right)?];
        if !compiler.is_last[at] || compiler.continued[at].is_some() || self.pairs.is_some() {
            return None;
        }
        let shares = shares(self.tree, split);
        let mean = shares[0] * children[0].mean.to_f64() + shares[1] * children[1].mean.to_f64();
        Some(Quad {
            test: self.tests[at],
            feature: self.target(split.feature, split.feature),
            shares: shares.map(T::from_f64),
            children,
            mean: T::from_f64(mean),
            m: m as u32,
            g: g as u32,
        })
    }

    /// G of an edge, of degree n, to `g`, from n moments.
    fn edge(&mut self, child: usize, above: &Above, n: usize, g: usize, mut top: usize) {
        let compiler = self.compiler;
        let applied = &compiler.applied[child];
        let value = match &self.tree.nodes[child].kind {
            Kind::Leaf(leaf) => Some(leaf.value),
            Kind::Split(_) => None,
        };
        let constant =
            |n: usize, value: f64| Op::Constant { g: g as u32, n: n as u32, value: T::from_f64(value) };
        self.need(top, g + n + 1, 0);
        if let Some(value) = value.filter(|_| applied.is_empty()) {
            self.ops.push(constant(n, value));
            return;
        }
        let inner = compiler.inner(child);
        let mut above = above.clone();
        if 0 < inner && inner < n {
            for m in above.places() {
                self.ops.push(Op::Reduce { m: *m as u32, to: top as u32, n: n as u32, to_n: inner as u32 });
                (*m, top) = (top, top + n - 1);
            }
        }
        // What stands above each of the edge's factors.
        let mut before = Vec::with_capacity(applied.len());
        for (n, p) in (1..=inner).rev().zip(applied) {
            before.push((n, above.clone()));
            if n == 1 {
                above.others.clear();
                continue;
            }
            let replaced = p.factor(p.feature, n, above.m, top);
            if self.pairs.is_some() {
                self.ops.push(Op::Replace(replaced));
                top += n - 1;
            }
            for m in above.places() {
                self.ops.push(Op::Apply(p.factor(p.feature, n, *m, top)));
                (*m, top) = (top, top + n - 1);
            }
            if self.pairs.is_some() {
                above.others.push((p.feature, replaced.to as usize));
            }
        }
        self.need(top, 0, 0);
        match value {
            Some(value) => self.ops.push(constant(0, value)),
            None => self.node(child, &above, g, top),
        }
        for (p, (n, above)) in applied.iter().zip(before).rev() {
            for (other, m) in &above.others {
                self.ops.push(Op::DotEdge(p.factor(self.target(*other, p.feature), n, *m, g)));
            }
            self.ops.push(Op::Lift(p.factor(self.target(p.feature, p.feature), n, above.m, g)));
        }
        if inner < n {
            self.ops.push(Op::Elevate { g: g as u32, from: inner as u32, to: n as u32 });
        }
    }
}

impl Above {
    fn places(&mut self) -> impl Iterator<Item = &mut usize> {
        std::iter::once(&mut self.m).chain(self.others.iter_mut().map(|(_, m)| m))
    }
}
