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
//! A feature that occurs again below a node is **pending**: its factor is multiplied in only on edges below which it occurs no
//! more, with the product of its shares and the conjunction of its tests.

use std::collections::HashMap;

use crate::coding::{CodeTest, Coding};
use crate::ensemble::{Kind, Split, Tree};
use crate::shap::real::Real;

/// One operation. Places are vectors in the stacks of moments (m), coefficients (G) and masks.
#[derive(Debug)]
pub(super) enum Op<T> {
    /// A split with two leaves.
    Pair(Pair<T>),
    /// A split with two such splits.
    Quad(Box<Quad<T>>),
    /// Moments for both children of a split: n at `from` to n − 1 at `left` and `right`.
    Down(Fork<T>),
    /// Back from both: G of degree n − 1 at `left` and `right` to degree n at `left`; the moments stand at `from`.
    Up(Fork<T>),
    /// The same for a split that continues a mask; its shares include those before.
    DownAgain(Fork<T>, u32),
    /// The way back.
    UpAgain(Fork<T>, u32),
    /// The masks of both outcomes of a test, each and the mask `from` if there is one.
    Test { test: CodeTest, from: Option<u32>, to: u32 },
    /// Moments times w (1 − t) + s t: n at `m` to n − 1 at `to`.
    Apply(Factor<T>),
    /// G at `to` times w (1 − t) + s t: degree n − 1 to n; the moments from before the factor stand at `m`.
    Lift(Factor<T>),
    /// Moments times s − w: n at `m` to n at `to`.
    Scale(Factor<T>),
    /// G at `to`, of degree n, times s − w.
    Rescale(Factor<T>),
    /// n moments at `m` to `to_n` at `to`.
    Reduce { m: u32, to: u32, n: u32, to_n: u32 },
    /// G from degree `from` to degree `to`.
    Elevate { g: u32, from: u32, to: u32 },
    /// G of a leaf, of degree n.
    Constant { g: u32, n: u32, value: T },
    /// G of two children added up.
    Join { g: u32, right: u32, n: u32 },
}

/// Two leaves under a test: G = (mean, leaf reached), φ += M · (leaf reached − mean).
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaves<T> {
    pub(super) test: CodeTest,
    pub(super) feature: u32,
    /// The mask that the test continues.
    pub(super) from: Option<u32>,
    pub(super) mean: T,
    pub(super) values: [T; 2],
}

/// Two leaves from the moment at `m` to G at `g`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<T> {
    pub(super) leaves: Leaves<T>,
    pub(super) m: u32,
    pub(super) g: u32,
}

/// Four leaves under three tests, from two moments at `m` to G at `g`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quad<T> {
    pub(super) test: CodeTest,
    pub(super) feature: u32,
    pub(super) shares: [T; 2],
    pub(super) children: [Leaves<T>; 2],
    pub(super) mean: T,
    pub(super) m: u32,
    pub(super) g: u32,
}

/// A split with its two sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fork<T> {
    pub(super) test: CodeTest,
    pub(super) feature: u32,
    pub(super) shares: [T; 2],
    pub(super) n: u32,
    pub(super) from: u32,
    pub(super) left: u32,
    pub(super) right: u32,
}

/// A pending feature's factor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor<T> {
    pub(super) mask: u32,
    pub(super) weight: T,
    pub(super) feature: u32,
    pub(super) n: u32,
    pub(super) m: u32,
    pub(super) to: u32,
}

/// The operations of a tree.
#[derive(Debug)]
pub(super) struct Program<T> {
    pub(super) ops: Vec<Op<T>>,
    /// Moments of c = 1 that the program begins with, at place 0.
    pub(super) start: Vec<T>,
    /// Places needed: moments, coefficients, masks.
    pub(super) places: [usize; 3],
}

/// Most distinct features of a path.
pub(super) fn path_features(tree: &Tree) -> usize {
    Compiler::new(tree, None).degrees.first().copied().unwrap_or(0)
}

/// Compiles a tree. With a `conditioned` feature i, the values are those of the tree whose leaves are weighted by s_i − w_i in place of
/// F_i: twice the interactions with i.
pub(super) fn compile<T: Real>(tree: &Tree, coding: &Coding, conditioned: Option<u32>) -> Program<T> {
    let compiler = Compiler::new(tree, conditioned);
    let degree = compiler.degrees.first().copied().unwrap_or(0);
    let mut emitter = Emitter { compiler: &compiler, tree, coding, ops: Vec::new(), places: [degree, 0, 0] };
    if degree > 0 {
        emitter.node(0, 0, 0, degree);
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
            Kind::Leaf(leaf) => leaf.value,
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
    fn factor<T: Real>(&self, n: usize, m: usize, to: usize) -> Factor<T> {
        Factor {
            mask: self.mask,
            weight: T::from_f64(self.weight),
            feature: self.feature,
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
    /// Whether no leaf below can have a value, because the conditioned feature is on no path to it.
    dead: Vec<bool>,
    conditioned: Option<u32>,
}

impl Compiler {
    fn new(tree: &Tree, conditioned: Option<u32>) -> Compiler {
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
            dead: vec![conditioned.is_some(); count],
            conditioned,
        };
        // (node, pending, level): preorder, so that a node is visited after its parent.
        let mut open = vec![(0, Vec::<Pending>::new(), 0_u32)];
        while let Some((at, pending, level)) = open.pop() {
            let Some(Kind::Split(split)) = tree.nodes.get(at).map(|node| &node.kind) else { continue };
            let feature = split.feature;
            let children = [split.left as usize, split.right as usize];
            let old = pending.iter().find(|p| p.feature == feature).copied();
            let occurs_below = children.iter().any(|child| occurs(feature, *child));
            this.is_last[at] = !occurs_below && conditioned != Some(feature);
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
                // Where the conditioned feature is multiplied in, there are values below.
                if applied.iter().any(|p| Some(p.feature) == conditioned) {
                    this.dead[child..ends[child]].fill(false);
                }
                this.applied[child] = applied;
                open.push((child, next, level + 1));
            }
        }
        for at in (0..count).rev() {
            if let Kind::Split(split) = &tree.nodes[at].kind {
                let children = [split.left as usize, split.right as usize];
                this.dead[at] = children.iter().all(|child| this.dead[*child]);
                let inner = children.map(|child| this.inner(child));
                this.degrees[at] = inner[0].max(inner[1]) + usize::from(this.is_last[at]);
            }
        }
        this
    }

    /// Degree below the edge into a node, without the factor of a split which is the last of its feature.
    fn inner(&self, child: usize) -> usize {
        let factors = self.applied[child].iter().filter(|p| Some(p.feature) != self.conditioned);
        if self.dead[child] { 0 } else { self.degrees[child] + factors.count() }
    }
}

struct Emitter<'a, T> {
    compiler: &'a Compiler,
    tree: &'a Tree,
    coding: &'a Coding,
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

    /// G of a node to `g`, from its moments at `m`; moments from `top` on are free.
    fn node(&mut self, at: usize, m: usize, g: usize, top: usize) {
        let Kind::Split(split) = &self.tree.nodes[at].kind else { return };
        let n = self.compiler.degrees[at];
        let right_g = g + n + 1;
        self.need(top, right_g + n + 1, 0);
        if let Some(leaves) = self.leaves(at) {
            self.ops.push(Op::Pair(Pair { leaves, m: m as u32, g: g as u32 }));
        } else if let Some(quad) = self.quad(at, m, g) {
            self.ops.push(Op::Quad(Box::new(quad)));
        } else if self.compiler.is_last[at] {
            self.fork(at, split, m, g, top);
        } else {
            let (test, to) = (self.coding.test(split), self.compiler.masks[at]);
            self.need(0, 0, to as usize + 2);
            self.ops.push(Op::Test { test, from: self.compiler.continued[at].map(|p| p.mask), to });
            self.edge(split.left as usize, m, n, g, top);
            self.edge(split.right as usize, m, n, right_g, top);
            self.ops.push(Op::Join { g: g as u32, right: right_g as u32, n: n as u32 });
        }
    }

    /// A split whose feature occurs nowhere below it.
    fn fork(&mut self, at: usize, split: &Split, m: usize, g: usize, top: usize) {
        let n = self.compiler.degrees[at];
        let (right_g, right_m, left_m) = (g + n + 1, top, top + n - 1);
        let top = top + 2 * (n - 1);
        self.need(top, 0, 0);
        let continued = self.compiler.continued[at];
        let weight = continued.map_or(1.0, |p| p.weight);
        let down = Fork {
            test: self.coding.test(split),
            feature: split.feature,
            shares: shares(self.tree, split).map(|share| T::from_f64(share * weight)),
            n: n as u32,
            from: m as u32,
            left: left_m as u32,
            right: right_m as u32,
        };
        let up = Fork { left: g as u32, right: right_g as u32, ..down };
        let (down, up) = match continued {
            Some(p) => (Op::DownAgain(down, p.mask), Op::UpAgain(up, p.mask)),
            None => (Op::Down(down), Op::Up(up)),
        };
        if n > 1 {
            self.ops.push(down);
        }
        self.edge(split.left as usize, left_m, n - 1, g, top);
        self.edge(split.right as usize, right_m, n - 1, right_g, left_m);
        self.ops.push(up);
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
        if !compiler.is_last[at] || compiler.dead[at] {
            return None;
        }
        let shares = shares(self.tree, split);
        let weight = compiler.continued[at].map_or(1.0, |p| p.weight);
        Some(Leaves {
            test: self.coding.test(split),
            feature: split.feature,
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
        if !compiler.is_last[at] || compiler.continued[at].is_some() {
            return None;
        }
        let shares = shares(self.tree, split);
        let mean = shares[0] * children[0].mean.to_f64() + shares[1] * children[1].mean.to_f64();
        Some(Quad {
            test: self.coding.test(split),
            feature: split.feature,
            shares: shares.map(T::from_f64),
            children,
            mean: T::from_f64(mean),
            m: m as u32,
            g: g as u32,
        })
    }

    /// G of an edge, of degree n, to `g`, from n moments at `m`.
    fn edge(&mut self, child: usize, m: usize, n: usize, g: usize, top: usize) {
        let compiler = self.compiler;
        let applied = &compiler.applied[child];
        let value = match &self.tree.nodes[child].kind {
            _ if compiler.dead[child] => Some(0.0),
            Kind::Leaf(leaf) => Some(leaf.value),
            Kind::Split(_) => None,
        };
        let constant =
            |n: usize, value: f64| Op::Constant { g: g as u32, n: n as u32, value: T::from_f64(value) };
        self.need(top, g + n + 1, 0);
        if let Some(value) = value.filter(|_| applied.is_empty() || compiler.dead[child]) {
            self.ops.push(constant(n, value));
            return;
        }
        let inner = compiler.inner(child);
        let (mut m, mut top) = (m, top);
        if 0 < inner && inner < n {
            self.ops.push(Op::Reduce { m: m as u32, to: top as u32, n: n as u32, to_n: inner as u32 });
            (m, top) = (top, top + n - 1);
        }
        let mut n_now = inner;
        let mut before = Vec::with_capacity(applied.len());
        for p in applied {
            before.push((m, n_now));
            let op = p.factor(n_now, m, top);
            let is_conditioned = Some(p.feature) == compiler.conditioned;
            n_now -= usize::from(!is_conditioned);
            if n_now > 0 {
                self.ops.push(if is_conditioned { Op::Scale(op) } else { Op::Apply(op) });
                (m, top) = (top, top + n_now);
            }
        }
        self.need(top, 0, 0);
        match value {
            Some(value) => self.ops.push(constant(0, value)),
            None => self.node(child, m, g, top),
        }
        for (p, (m, n)) in applied.iter().zip(before).rev() {
            let op = p.factor(n, m, g);
            let is_conditioned = Some(p.feature) == compiler.conditioned;
            self.ops.push(if is_conditioned { Op::Rescale(op) } else { Op::Lift(op) });
        }
        if inner < n {
            self.ops.push(Op::Elevate { g: g as u32, from: inner as u32, to: n as u32 });
        }
    }
}
