//! The operations of a program: what `program.rs` writes and `kernel.rs` runs.

use crate::coding::CodeTest;

/// One operation. Places are vectors in the stacks of moments (m), coefficients (G) and masks.
#[derive(Debug)]
pub(super) enum Op<T> {
    /// A split with two leaves.
    Pair(Pair<T>),
    /// A split with two such splits.
    Quad(Box<Quad<T>>),
    /// Moments for both children of a split: n at `from` to n − 1 at `left` and `right`; with the mask that the split continues, if it does.
    Down(Fork<T>, Option<u32>),
    /// Back from both: G of degree n − 1 at `left` and `right` to degree n at `left`; the moments stand at `from`.
    Up(Fork<T>, Option<u32>),
    /// The masks of both outcomes of a test, each and the mask `from` if there is one.
    Test { test: CodeTest, from: Option<u32>, to: u32 },
    /// Moments times w (1 − t) + s t: n at `m` to n − 1 at `to`.
    Apply(Factor<T>),
    /// G at `to` times w (1 − t) + s t: degree n − 1 to n; the moments from before the factor stand at `m`.
    Lift(Factor<T>),
    /// Moments with s − w in place of a split's factor, for both children: n at `from` to n − 1 at `left` and `right`.
    Split(Fork<T>, Option<u32>),
    /// The same for a pending feature: n at `m` to n − 1 at `to`.
    Replace(Factor<T>),
    /// φ of a pair, before `Up`: moments at `from`.
    Dot(Fork<T>, Option<u32>),
    /// φ of a pair, before `Lift`: moments at `m`, G of degree n − 1 at `to`.
    DotEdge(Factor<T>),
    /// φ of a pair, before `Pair`.
    DotLeaves(Pair<T>),
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

/// A split with its two sides; the shares include those of a mask that it continues.
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
