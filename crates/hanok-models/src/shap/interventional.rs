//! Interventional SHAP values: a feature that is not known is taken from a background row, and values are averaged over the background.
//!
//! For a leaf of value V with d distinct features on its path, let P be those whose tests the row meets, Q those that a background row
//! meets. Only P ∪ Q = everything lets any mixture reach the leaf; then a feature of P \ Q is worth V β(|P \ Q| − 1, |Q \ P|), one of
//! Q \ P −V β(|P \ Q|, |Q \ P| − 1), with β(a, b) = a! b! / (a + b + 1)!.
//!
//! Rows and background are therefore only counted by pattern (Woodelf, arXiv 2511.09376, has this idea: the work grows with the sum of
//! their numbers, not with the product). `worth.rs` makes the table of a leaf's values by pattern. The tables of neighbouring leaves are
//! joined to one table of a **unit**, a subtree whose path and tests have at most [`UNIT_BITS`] bits together, so that a row is looked
//! up once for all leaves of the unit.

use std::collections::HashMap;

use crate::blocks::for_blocks;
use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::{Ensemble, Kind, Link, Tree};
use crate::error::ExplainError;
use crate::predict::Predictor;
use crate::shap::linear::LinearLeaves;
use crate::shap::worth::{self, Worths};
use crate::shap::{Explainer, Explanation, FLUSH_TREES, check_size};
use crate::table::Table;

/// Rows that share the tables of a leaf, at least.
const CHUNK_ROWS: usize = 16384;
/// And at most.
const CHUNK_ROWS_MAX: usize = 1 << 16;
/// Bytes of values that a thread should have at work.
const CHUNK_BYTES: usize = 32 << 20;
/// Most distinct features of a path: bits of a pattern.
const PATH_FEATURES_MAX: usize = 32;
/// Bits of a unit's patterns: its tables should fit into the first-level cache.
const UNIT_BITS: usize = 9;
/// Most distinct features for which a leaf that is no part of a unit has a table.
const TABLE_FEATURES_MAX: usize = 16;

/// For each row of a group, which of a path's features it meets the tests of.
type Patterns = [u32; LANES];

/// A model and a background, made ready.
#[derive(Debug)]
pub struct Interventional<'a> {
    ensemble: &'a Ensemble,
    background: Table,
    coding: Coding,
    /// Codes of the background.
    codes: Vec<Codes>,
    base: Vec<f64>,
    linear: LinearLeaves<'a>,
}

impl<'a> Interventional<'a> {
    /// Prepares a model with background rows.
    pub fn new(ensemble: &'a Ensemble, background: Table) -> Result<Interventional<'a>, ExplainError> {
        if background.features() != ensemble.features {
            return Err(ExplainError::Features { found: background.features(), expected: ensemble.features });
        }
        if background.rows() == 0 {
            return Err(ExplainError::EmptyBackground);
        }
        let found = ensemble.trees.iter().map(super::program::path_features).max().unwrap_or(0);
        if found > PATH_FEATURES_MAX {
            return Err(ExplainError::PathFeatures { found, limit: PATH_FEATURES_MAX });
        }
        let coding = Coding::new(ensemble);
        let mut codes = vec![Codes([0; LANES]); background.rows().div_ceil(LANES) * coding.columns()];
        if coding.columns() > 0 {
            coding.encode(&background, 0, background.rows(), &mut codes);
        }
        let raw = Predictor::new(ensemble).raw(&background, 1)?;
        let base = mean_rows(&raw, ensemble.outputs());
        let linear = LinearLeaves::new(ensemble, &coding, &background, &codes)?;
        Ok(Interventional { ensemble, background, coding, codes, base, linear })
    }

    /// Explains raw values on some threads; the values of a row depend on neither the threads nor the other rows.
    pub fn explain(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        let (features, outputs, columns) = (self.ensemble.features, self.base.len(), self.coding.columns());
        check_size(self.ensemble, table, features)?;
        let row_values = features * outputs;
        let mut values = vec![0.0; table.rows() * row_values];
        let row_bytes = features.max(1) * (size_of::<f32>() + size_of::<f64>());
        let chunk_rows =
            self.background.rows().clamp(CHUNK_ROWS, CHUNK_ROWS_MAX).min(CHUNK_BYTES / row_bytes + 1);
        let block_rows = chunk_rows.min(table.rows().div_ceil(threads.max(1))).next_multiple_of(LANES);
        if features > 0 {
            for_blocks(
                &mut values,
                block_rows * row_values,
                threads,
                || (),
                |(), block, out| {
                    let rows = out.len() / row_values;
                    let mut codes = vec![Codes([0; LANES]); rows.div_ceil(LANES) * columns];
                    if columns > 0 {
                        self.coding.encode(table, block * block_rows, rows, &mut codes);
                        self.block(&codes, rows, out);
                    }
                    self.linear.add(table, block * block_rows, columns, &codes, out);
                },
            );
        }
        Ok(Explanation { rows: table.rows(), outputs, features, values, base: self.base.clone() })
    }

    /// Explains the probabilities of a logistic link: [`Self::explain`] for another value than the raw one, which needs work for every pair
    /// of rows. The values against each background row are stretched to the difference of the two probabilities, as shap does.
    pub fn explain_probability(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        let Link::Logistic { factor } = self.ensemble.link else {
            return Err(ExplainError::Output("probabilities"));
        };
        let probability = |_: usize, raw: f64| 1.0 / (1.0 + (-factor * raw).exp());
        let mut explained = self.stretched(table, threads, probability)?;
        // The same for all rows.
        let raw = Predictor::new(self.ensemble).raw(&self.background, threads)?;
        let background: Vec<f64> = raw.into_iter().map(|raw| probability(0, raw)).collect();
        explained.base = mean_rows(&background, self.base.len());
        Ok(explained)
    }

    /// Explains the logarithmic loss of a logistic link with one output, given the label of each row, 0 or 1. The base depends on the label:
    /// there is one for each row.
    pub fn explain_log_loss(
        &self,
        table: &Table,
        labels: &[f64],
        threads: usize,
    ) -> Result<Explanation, ExplainError> {
        match self.ensemble.link {
            Link::Logistic { factor } if self.base.len() == 1 && labels.len() == table.rows() => {
                // ln(1 + exp(z)) − y z, without overflow.
                let loss = |row: usize, raw: f64| {
                    let z = factor * raw;
                    z.max(0.0) + (-z.abs()).exp().ln_1p() - labels[row] * z
                };
                self.stretched(table, threads, loss)
            }
            _ => Err(ExplainError::Output("losses")),
        }
    }

    /// Values of a function of the row's number and its raw value; a base for each row and output.
    fn stretched(
        &self,
        table: &Table,
        threads: usize,
        function: impl Fn(usize, f64) -> f64,
    ) -> Result<Explanation, ExplainError> {
        let (features, outputs) = (self.ensemble.features, self.base.len());
        check_size(self.ensemble, table, features)?;
        let predictor = Predictor::new(self.ensemble);
        let raw = predictor.raw(table, threads)?;
        let raw_background = predictor.raw(&self.background, threads)?;
        let mut values = vec![0.0; table.rows() * outputs * features];
        let mut base = vec![0.0; table.rows() * outputs];
        let share = 1.0 / self.background.rows() as f64;
        for at in 0..self.background.rows() {
            let explained = if super::no_linear_leaves(self.ensemble).is_ok() {
                Explainer::new(&self.reference(at))?.explain(table, threads)?
            } else {
                let mut one = vec![0.0; features];
                one.chunks_mut(1)
                    .enumerate()
                    .for_each(|(feature, one)| self.background.fill(feature, at, one));
                Interventional::new(self.ensemble, Table::from_rows(&one, features))?
                    .explain(table, threads)?
            };
            let cells = values.chunks_mut(features.max(1)).zip(explained.values.chunks(features.max(1)));
            for ((cell, base), (to, from)) in base.iter_mut().enumerate().zip(cells) {
                let (row, run_from) = (cell / outputs, raw_background[at * outputs + cell % outputs]);
                let (rise, run) = (function(row, raw[cell]) - function(row, run_from), raw[cell] - run_from);
                // Between equal raw values the slope is the derivative, here by a difference wide enough for f64.
                let derivative =
                    || (function(row, raw[cell] + 1e-5) - function(row, raw[cell] - 1e-5)) / 2e-5;
                let slope = if run.abs() > 1e-9 { rise / run } else { derivative() };
                to.iter_mut().zip(from).for_each(|(to, from)| *to += share * slope * from);
                *base += share * function(row, run_from);
            }
        }
        Ok(Explanation { rows: table.rows(), outputs, features, values, base })
    }

    /// The model with covers as if one background row had been all the training data, on both sides of every split.
    fn reference(&self, row: usize) -> Ensemble {
        let mut reference = self.ensemble.clone();
        reference.has_cover = true;
        let codes = &self.codes[row / LANES * self.coding.columns()..];
        for tree in &mut reference.trees {
            for at in 0..tree.nodes.len() {
                if let Kind::Split(split) = &tree.nodes[at].kind {
                    let test = self.coding.test(split);
                    let is_right = codes[test.column as usize].0[row % LANES] > test.bound;
                    let (left, right) = (split.left as usize, split.right as usize);
                    tree.nodes[left].cover = f64::from(u8::from(!is_right));
                    tree.nodes[right].cover = f64::from(u8::from(is_right));
                }
            }
        }
        reference
    }

    fn block(&self, codes: &[Codes], rows: usize, out: &mut [f64]) {
        let (features, outputs) = (self.ensemble.features, self.base.len());
        let groups = rows.div_ceil(LANES);
        let mut phi = vec![[0.0_f32; LANES]; groups * features];
        let mut totals = vec![[0.0_f64; LANES]; groups * features];
        for output in 0..outputs {
            totals.fill([0.0; LANES]);
            let trees: Vec<&Tree> =
                self.ensemble.trees.iter().filter(|tree| tree.output as usize == output).collect();
            for trees in trees.chunks(FLUSH_TREES) {
                phi.fill([0.0; LANES]);
                for tree in trees {
                    Walk::new(self, tree, codes, &mut phi).node(0);
                }
                for (totals, phi) in totals.iter_mut().zip(&phi) {
                    totals.iter_mut().zip(phi).for_each(|(total, phi)| *total += f64::from(*phi));
                }
            }
            for (row, out) in out.chunks_exact_mut(features * outputs).enumerate() {
                let out = &mut out[output * features..][..features];
                for (out, total) in out.iter_mut().zip(&totals[row / LANES * features..]) {
                    *out = total[row % LANES] / self.ensemble.divisor;
                }
            }
        }
    }
}

/// Mean of each output over rows.
fn mean_rows(values: &[f64], outputs: usize) -> Vec<f64> {
    let rows = (values.len() / outputs) as f64;
    let sum = |output: usize| values.iter().skip(output).step_by(outputs).sum::<f64>();
    (0..outputs).map(|output| sum(output) / rows).collect()
}

/// A walk through a tree with all rows and the whole background at once.
struct Walk<'a> {
    tree: &'a Tree,
    /// Nodes of the subtree of each node.
    sizes: Vec<usize>,
    coding: &'a Coding,
    features: usize,
    /// Codes of the background and of the rows.
    codes: [&'a [Codes]; 2],
    background_rows: usize,
    phi: &'a mut [[f32; LANES]],
    /// Features of the path, by bit.
    path: Vec<u32>,
    /// Patterns of background and rows, by level.
    patterns: Vec<[Vec<Patterns>; 2]>,
    worths: Worths,
}

/// A subtree whose leaves are looked up together.
struct Unit {
    /// Features of the path and of the tests, the path first.
    features: Vec<u32>,
    /// Bits of a pattern: the path's, then for each test whether it sends the row right.
    bits: usize,
    /// The background by pattern.
    counts: Vec<f32>,
    /// Values by feature and pattern.
    values: Vec<f32>,
}

/// A test above a leaf of a unit.
#[derive(Clone, Copy)]
struct Condition {
    /// The test's bit in the unit's patterns, and on which side the leaf is.
    bit: usize,
    goes_right: bool,
    /// The feature's bit in the leaf's patterns, and whether it was set above.
    slot: usize,
    is_known: bool,
}

impl<'a> Walk<'a> {
    fn new(
        model: &'a Interventional<'a>,
        tree: &'a Tree,
        codes: &'a [Codes],
        phi: &'a mut [[f32; LANES]],
    ) -> Walk<'a> {
        let codes = [model.codes.as_slice(), codes];
        let columns = model.coding.columns();
        let first = codes.map(|codes| vec![[0; LANES]; codes.len() / columns]);
        let mut sizes = vec![1; tree.nodes.len()];
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            if let Kind::Split(split) = &node.kind {
                sizes[at] += sizes[split.left as usize] + sizes[split.right as usize];
            }
        }
        Walk {
            tree,
            sizes,
            coding: &model.coding,
            features: model.ensemble.features,
            codes,
            background_rows: model.background.rows(),
            phi,
            path: Vec::new(),
            patterns: vec![first],
            worths: Worths::default(),
        }
    }

    fn node(&mut self, at: usize) {
        let tree = self.tree;
        // Every split has two children, so half of the nodes are splits.
        let tests = self.sizes[at] / 2;
        if self.path.len() + tests <= UNIT_BITS {
            self.unit(at, tests);
            return;
        }
        match &tree.nodes[at].kind {
            Kind::Leaf(leaf) => self.leaf(leaf.value),
            Kind::Split(split) => {
                let test = self.coding.test(split);
                let known = self.path.iter().position(|feature| *feature == split.feature);
                if known.is_none() {
                    self.path.push(split.feature);
                }
                let bit = 1 << known.unwrap_or(self.path.len() - 1);
                for (goes_right, child) in [(false, split.left), (true, split.right)] {
                    self.descend(test, |pattern, is_right| {
                        let met = if is_right == goes_right { bit } else { 0 };
                        if known.is_some() { pattern & (met | !bit) } else { pattern | met }
                    });
                    self.node(child as usize);
                    self.patterns.pop();
                }
                if known.is_none() {
                    self.path.pop();
                }
            }
        }
    }

    /// Patterns one level further down: each from the one above and the outcome of a test.
    fn descend(&mut self, test: CodeTest, next: impl Fn(u32, bool) -> u32) {
        if let Some(mut below) = self.patterns.last().cloned() {
            self.change(&mut below, test, next);
            self.patterns.push(below);
        }
    }

    fn change(&self, patterns: &mut [Vec<Patterns>; 2], test: CodeTest, next: impl Fn(u32, bool) -> u32) {
        for (patterns, codes) in patterns.iter_mut().zip(self.codes) {
            for (patterns, codes) in patterns.iter_mut().zip(codes.chunks_exact(self.coding.columns())) {
                for (pattern, code) in patterns.iter_mut().zip(codes[test.column as usize].0) {
                    *pattern = next(*pattern, code > test.bound);
                }
            }
        }
    }

    fn unit(&mut self, at: usize, tests: usize) {
        let bits = self.path.len() + tests;
        let Some(mut patterns) = self.patterns.last().cloned().filter(|_| bits > 0) else { return };
        let splits = (at..at + self.sizes[at]).filter_map(|at| match &self.tree.nodes[at].kind {
            Kind::Split(split) => Some(split),
            Kind::Leaf(_) => None,
        });
        let mut features = self.path.clone();
        for (number, split) in splits.enumerate() {
            let bit = 1 << (self.path.len() + number);
            self.change(&mut patterns, self.coding.test(split), |pattern, is_right| {
                if is_right { pattern | bit } else { pattern }
            });
            if !features.contains(&split.feature) {
                features.push(split.feature);
            }
        }
        let [background, rows] = patterns;
        let mut counts = vec![0.0; 1 << bits];
        let share = 1.0 / self.background_rows as f32;
        for pattern in background.iter().flatten().take(self.background_rows) {
            counts[*pattern as usize] += share;
        }
        let values = vec![0.0; features.len() << bits];
        let mut unit = Unit { features, bits, counts, values };
        let mut leaf_features = self.path.clone();
        self.unit_node(&mut unit, at, &mut self.path.len().clone(), &mut leaf_features, &mut Vec::new());
        self.look_up(&unit.features, &unit.values, 1 << bits, &rows, |pattern| pattern as usize);
    }

    /// Joins the tables of all leaves below a node to the unit's.
    fn unit_node(
        &mut self,
        unit: &mut Unit,
        at: usize,
        next_bit: &mut usize,
        features: &mut Vec<u32>,
        conditions: &mut Vec<Condition>,
    ) {
        match &self.tree.nodes[at].kind {
            Kind::Split(split) => {
                let bit = *next_bit;
                *next_bit += 1;
                let known = features.iter().position(|feature| *feature == split.feature);
                if known.is_none() {
                    features.push(split.feature);
                }
                let (slot, is_known) = (known.unwrap_or(features.len() - 1), known.is_some());
                for (goes_right, child) in [(false, split.left), (true, split.right)] {
                    conditions.push(Condition { bit, goes_right, slot, is_known });
                    self.unit_node(unit, child as usize, next_bit, features, conditions);
                    conditions.pop();
                }
                if known.is_none() {
                    features.pop();
                }
            }
            Kind::Leaf(leaf) => {
                let d = features.len();
                let path = (1_u32 << self.path.len()) - 1;
                let mut places: Vec<u32> = (0..1_u32 << unit.bits).map(|pattern| pattern & path).collect();
                for condition in conditions.iter() {
                    let side = u32::from(condition.goes_right);
                    for (pattern, place) in (0..).zip(&mut places) {
                        let met = u32::from(pattern >> condition.bit & 1 == side) << condition.slot;
                        *place = if condition.is_known {
                            *place & (met | !(1 << condition.slot))
                        } else {
                            *place | met
                        };
                    }
                }
                let mut counts = vec![0.0; 1 << d];
                for (place, count) in places.iter().zip(&unit.counts) {
                    counts[*place as usize] += count;
                }
                let worth = self.worths.by_pattern(&counts, leaf.value as f32, d);
                for (feature, worth) in features.iter().zip(worth.chunks_exact(1 << d)) {
                    let in_unit = unit.features.iter().position(|other| other == feature).unwrap_or_default();
                    let values = &mut unit.values[in_unit << unit.bits..][..1 << unit.bits];
                    for (value, place) in values.iter_mut().zip(&places) {
                        *value += worth[*place as usize];
                    }
                }
            }
        }
    }

    /// A leaf on its own, whose path is too long for a unit.
    fn leaf(&mut self, value: f64) {
        let d = self.path.len();
        let Some([background, rows]) = self.patterns.pop() else { return };
        let all = background.iter().flatten().take(self.background_rows);
        let share = 1.0 / self.background_rows as f32;
        if d <= TABLE_FEATURES_MAX && (d + 1) << d <= 16 * (CHUNK_ROWS + self.background_rows) {
            let mut counts = vec![0.0; 1 << d];
            all.for_each(|pattern| counts[*pattern as usize] += share);
            let worth = self.worths.by_pattern(&counts, value as f32, d).to_vec();
            let path = self.path.clone();
            self.look_up(&path, &worth, 1 << d, &rows, |pattern| pattern as usize);
        } else {
            let mut counts: HashMap<u32, f64> = HashMap::new();
            all.for_each(|pattern| *counts.entry(*pattern).or_default() += value * f64::from(share));
            let mut counts: Vec<(u32, f64)> = counts.into_iter().collect();
            counts.sort_unstable_by_key(|(pattern, _)| *pattern);
            let mut places: HashMap<u32, usize> = HashMap::new();
            for pattern in rows.iter().flatten() {
                let next = places.len();
                places.entry(*pattern).or_insert(next);
            }
            let worth = worth::by_pairs(&counts, &places, d);
            let path = self.path.clone();
            let place = |pattern| places.get(&pattern).copied().unwrap_or_default();
            self.look_up(&path, &worth, places.len(), &rows, place);
        }
        self.patterns.push([background, rows]);
    }

    /// Adds to the rows' features what stands at the places of their patterns.
    fn look_up(
        &mut self,
        features: &[u32],
        values: &[f32],
        places: usize,
        rows: &[Patterns],
        place: impl Fn(u32) -> usize,
    ) {
        for (patterns, phi) in rows.iter().zip(self.phi.chunks_exact_mut(self.features)) {
            let at = patterns.map(&place);
            for (feature, values) in features.iter().zip(values.chunks_exact(places)) {
                for (phi, at) in phi[*feature as usize].iter_mut().zip(at) {
                    *phi += values[at];
                }
            }
        }
    }
}
