//! Predictions, equal to the library's own.

mod oblivious;

use crate::blocks::for_blocks;
use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::{Ensemble, EnsembleRef, Kind, Sum};
use crate::error::ExplainError;
use crate::predict::oblivious::Tables;
use crate::table::Table;
use crate::tops::{Top, Tops};

/// Rows of a block.
const BLOCK_ROWS: usize = 512;
/// Bytes of codes that a block may take: less than a core's second-level cache.
const BLOCK_BYTES: usize = 256 << 10;
/// Most levels of a tree's top.
const TOP_LEVELS: u32 = 8;
/// Steps down a tree before it is looked whether all rows have reached a leaf.
const STEPS: u32 = 4;

/// A model made ready to predict.
#[derive(Debug)]
pub struct Predictor<'a> {
    ensemble: EnsembleRef<'a>,
    coding: Coding,
    trees: Vec<Flat>,
    tops: Tops,
    /// By tree and place below its top, the node there.
    ends: Vec<u32>,
    nodes: Vec<FlatNode>,
    /// Values of the leaves, by node.
    values: Vec<f64>,
    has_linear: bool,
    /// When all trees are oblivious.
    tables: Option<Tables>,
}

#[derive(Debug)]
struct Flat {
    root: u32,
    depth: u32,
    output: u32,
    top: Top,
    /// Where its ends begin.
    ends: u32,
    /// Levels below the top.
    rest: u32,
}

/// A node whose children are neighbours: the right one stands after the left one. A leaf is its own left child and no code
/// goes right there, so that a fixed number of steps ends at a leaf without asking whether it has been reached.
#[derive(Clone, Copy, Debug)]
struct FlatNode {
    column: u32,
    bound: i32,
    left: u32,
}

impl FlatNode {
    /// Whether it is, at its own place.
    fn is_leaf(self, at: u32) -> bool {
        self.left == at
    }
}

impl<'a> Predictor<'a> {
    /// Prepares a model.
    pub fn new(ensemble: impl Into<EnsembleRef<'a>>) -> Predictor<'a> {
        let ensemble = ensemble.into();
        let coding = Coding::new(&ensemble);
        let mut this = Predictor {
            ensemble: ensemble.clone(),
            tables: Tables::new(&ensemble, &coding),
            tops: Tops::new(coding.columns()),
            coding,
            trees: Vec::with_capacity(ensemble.trees.len()),
            ends: Vec::new(),
            nodes: Vec::new(),
            values: Vec::new(),
            has_linear: false,
        };
        for tree in &ensemble.trees {
            let root = this.nodes.len();
            let mut order = vec![0_usize];
            let mut at = 0;
            while let Some(from) = order.get(at).copied() {
                let (node, value) = match &tree.nodes[from].kind {
                    Kind::Split(split) => {
                        let test = this.coding.test(split);
                        let left = root + order.len();
                        order.extend([split.left as usize, split.right as usize]);
                        (FlatNode { column: test.column, bound: test.bound, left: left as u32 }, 0.0)
                    }
                    Kind::Leaf(leaf) => {
                        this.has_linear |= leaf.linear.is_some();
                        (FlatNode { column: 0, bound: i32::MAX, left: (root + at) as u32 }, leaf.value)
                    }
                };
                this.nodes.push(node);
                this.values.push(value);
                at += 1;
            }
            this.add(root as u32, tree.depth() as u32, tree.output);
        }
        this
    }

    /// Adds a tree whose nodes have been added from `root` on, with a top about as large as the tree.
    fn add(&mut self, root: u32, depth: u32, output: u32) {
        let count = self.nodes.len() as u32 - root;
        let levels = depth.min(TOP_LEVELS).min(count.ilog2());
        let mut places = vec![root; 2];
        for place in 1..1_usize << levels {
            let node = self.nodes[places[place] as usize];
            places.extend([node.left, node.left + u32::from(!node.is_leaf(places[place]))]);
        }
        let test = |place: usize| {
            let node = self.nodes[places[place] as usize];
            let test = CodeTest { column: node.column, bound: node.bound };
            (!node.is_leaf(places[place])).then_some(test)
        };
        let top = self.tops.push(levels, test);
        let ends = self.ends.len() as u32;
        self.ends.extend(&places[1 << levels..]);
        self.trees.push(Flat { root, depth, output, top, ends, rest: depth - levels });
    }

    /// Raw values: a row after the other, in each the outputs.
    pub fn raw(&self, table: &Table, threads: usize) -> Result<Vec<f64>, ExplainError> {
        let (outputs, features) = (self.ensemble.outputs(), self.ensemble.features);
        if table.features() != features {
            return Err(ExplainError::Features { found: table.features(), expected: features });
        }
        let values = table.rows().saturating_mul(outputs);
        let mut out = vec![0.0; values];
        let columns = self.coding.columns().max(1);
        let groups = (BLOCK_BYTES / (columns * size_of::<Codes>())).clamp(1, BLOCK_ROWS / LANES);
        let block_rows = groups * LANES;
        for_blocks(&mut out, block_rows * outputs, threads, Vec::new, |codes, block, out| {
            let (start, rows) = (block * block_rows, out.len() / outputs);
            if self.has_linear || self.coding.columns() == 0 {
                self.walk(table, start, out);
                return;
            }
            codes.resize(rows.div_ceil(LANES) * columns, Codes([0; LANES]));
            self.coding.encode(table, start, rows, codes);
            if rows < LANES {
                out.chunks_mut(outputs).enumerate().for_each(|(lane, out)| self.lane(codes, lane, out));
                return;
            }
            self.block(codes, columns, out);
        });
        Ok(out)
    }

    /// Predictions, after the link: a row after the other, in each the outputs.
    pub fn predict(&self, table: &Table, threads: usize) -> Result<Vec<f64>, ExplainError> {
        let mut out = self.raw(table, threads)?;
        for row in out.chunks_mut(self.ensemble.outputs()) {
            self.ensemble.apply_link(row);
        }
        Ok(out)
    }

    /// All groups through a tree, then through the next one: a tree's nodes stay in the first-level cache.
    fn block(&self, codes: &[Codes], columns: usize, out: &mut [f64]) {
        let outputs = self.ensemble.outputs();
        let mut totals = Totals::new(&self.ensemble, codes.len() / columns * LANES);
        if let Some(tables) = &self.tables {
            for tree in tables.trees() {
                tables.leaves(tree, codes, columns, |group, output, values| {
                    totals.add_group(group * LANES, outputs, output as usize, values);
                });
            }
        } else {
            for tree in &self.trees {
                for (group, codes) in codes.chunks_exact(columns).enumerate() {
                    let values = self.leaves(tree, codes).map(|at| self.values[at as usize]);
                    totals.add_group(group * LANES, outputs, tree.output as usize, values);
                }
            }
        }
        let totals = totals.finish(&self.ensemble);
        out.copy_from_slice(&totals[..out.len()]);
    }

    /// The leaves that the rows of a group reach.
    #[inline(always)]
    fn leaves(&self, tree: &Flat, codes: &[Codes]) -> [u32; LANES] {
        let ends = &self.ends[tree.ends as usize..];
        let mut at = self.tops.descend(tree.top, codes).map(|place| ends[place]);
        let mut left = tree.rest;
        while left > 0 {
            let before = at;
            for _ in 0..left.min(STEPS) {
                for (lane, at) in at.iter_mut().enumerate() {
                    let node = &self.nodes[*at as usize];
                    *at = node.left + u32::from(codes[node.column as usize].0[lane] > node.bound);
                }
            }
            if before == at {
                break;
            }
            left -= left.min(STEPS);
        }
        at
    }

    /// One row of a group: trees side by side in place of rows.
    fn lane(&self, codes: &[Codes], lane: usize, out: &mut [f64]) {
        let mut totals = Totals::new(&self.ensemble, 1);
        for trees in self.trees.chunks(LANES) {
            let mut at = [0; LANES];
            at.iter_mut().zip(trees).for_each(|(at, tree)| *at = tree.root);
            let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
            for _ in 0..depth {
                for at in &mut at[..trees.len()] {
                    let node = self.nodes[*at as usize];
                    *at = node.left + u32::from(codes[node.column as usize].0[lane] > node.bound);
                }
            }
            for (tree, at) in trees.iter().zip(at) {
                totals.add(tree.output as usize, self.values[at as usize]);
            }
        }
        out.copy_from_slice(&totals.finish(&self.ensemble));
    }

    /// Row by row with the values themselves, for leaves that are functions of them.
    fn walk(&self, table: &Table, start: usize, out: &mut [f64]) {
        let (outputs, features) = (self.ensemble.outputs(), self.ensemble.features);
        let dialect = self.ensemble.dialect;
        let mut row = vec![0.0; features];
        for (at, out) in out.chunks_mut(outputs).enumerate() {
            for (feature, value) in row.iter_mut().enumerate() {
                table.fill(feature, start + at, std::slice::from_mut(value));
                *value = dialect.input(*value);
            }
            let mut totals = Totals::new(&self.ensemble, 1);
            for tree in &self.ensemble.trees {
                if let Some(leaf) = tree.leaf(dialect, |feature| row[feature as usize]) {
                    totals.add(tree.output as usize, leaf.value_at(&row));
                }
            }
            out.copy_from_slice(&totals.finish(&self.ensemble));
        }
    }
}

/// Sums of leaves, in the precision and the order of the library.
struct Totals {
    f32: Vec<f32>,
    f64: Vec<f64>,
    sum: Sum,
}

impl Totals {
    fn new(ensemble: &Ensemble, rows: usize) -> Totals {
        let base = || ensemble.base.iter().copied().cycle().take(ensemble.base.len() * rows);
        let (mut f32, mut f64) = (Vec::new(), Vec::new());
        match ensemble.sum {
            Sum::F32 => f32.extend(base().map(|base| base as f32)),
            Sum::F64 => f64.extend(base()),
            Sum::F64BaseLast => f64.extend(base().map(|_| 0.0)),
            Sum::F32BaseLast => f32.extend(base().map(|_| 0.0)),
        }
        Totals { f32, f64, sum: ensemble.sum }
    }

    #[inline(always)]
    fn add(&mut self, at: usize, value: f64) {
        match self.sum {
            Sum::F32 | Sum::F32BaseLast => self.f32[at] += value as f32,
            Sum::F64 | Sum::F64BaseLast => self.f64[at] += value,
        }
    }

    /// Adds the values of a group of rows, of which `row` is the first.
    #[inline(always)]
    fn add_group(&mut self, row: usize, outputs: usize, output: usize, values: [f64; LANES]) {
        let (from, to) = (row * outputs, (row + LANES) * outputs);
        match self.sum {
            Sum::F32 | Sum::F32BaseLast => {
                let sums = self.f32[from..to].chunks_exact_mut(outputs);
                sums.zip(values).for_each(|(sums, value)| sums[output] += value as f32);
            }
            Sum::F64 | Sum::F64BaseLast if outputs == 1 => {
                self.f64[from..to].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            Sum::F64 | Sum::F64BaseLast => {
                let sums = self.f64[from..to].chunks_exact_mut(outputs);
                sums.zip(values).for_each(|(sums, value)| sums[output] += value);
            }
        }
    }

    fn finish(mut self, ensemble: &Ensemble) -> Vec<f64> {
        let outputs = ensemble.outputs();
        match self.sum {
            Sum::F32 => self.f32.iter().map(|v| f64::from(*v)).collect(),
            Sum::F32BaseLast => {
                let divisor = ensemble.divisor as f32;
                let value = |(at, value): (usize, &f32)| {
                    f64::from((f64::from(value / divisor) + ensemble.base[at % outputs]) as f32)
                };
                self.f32.iter().enumerate().map(value).collect()
            }
            Sum::F64 => self.f64,
            Sum::F64BaseLast => {
                for (at, value) in self.f64.iter_mut().enumerate() {
                    *value = *value / ensemble.divisor + ensemble.base[at % outputs];
                }
                self.f64
            }
        }
    }
}
