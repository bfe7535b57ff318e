//! Interventional SHAP values: a feature that is not known is taken from a background row, and values are averaged over the background.
//!
//! For a leaf of value V with d distinct features on its path, let P be those whose tests the row meets, Q those that a background row
//! meets. Only P ∪ Q = everything lets any mixture reach the leaf; then a feature of P \ Q is worth V β(|P \ Q| − 1, |Q \ P|), one of
//! Q \ P −V β(|P \ Q|, |Q \ P| − 1), with β(a, b) = a! b! / (a + b + 1)!.
//!
//! Rows and background are therefore only counted by pattern (Woodelf, arXiv 2511.09376, has this idea: the work grows with the sum of
//! their numbers, not with the product). With S the complement of P, |P \ Q| = d − |Q| and |Q \ P| = |S| for every Q ⊇ S, so that the
//! sums over Q are superset sums Z_k[S] of the counts by size, k = d − |Q|, and a table of 2^d rows answers for all patterns.

use std::collections::HashMap;

use crate::blocks::for_blocks;
use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::{Ensemble, Kind, Link, Tree};
use crate::error::ExplainError;
use crate::predict::Predictor;
use crate::shap::program::beta;
use crate::shap::{Explainer, Explanation, FLUSH_TREES, check_size};
use crate::table::Table;

/// Rows that share the tables of a leaf, at least.
const CHUNK_ROWS: usize = 4096;
/// And at most.
const CHUNK_ROWS_MAX: usize = 1 << 16;
/// Most distinct features of a path: bits of a pattern.
const PATH_FEATURES_MAX: usize = 32;
/// Most distinct features for which a table is made.
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
}

impl<'a> Interventional<'a> {
    /// Prepares a model with background rows.
    pub fn new(ensemble: &'a Ensemble, background: Table) -> Result<Interventional<'a>, ExplainError> {
        super::no_linear_leaves(ensemble)?;
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
        Ok(Interventional { ensemble, background, coding, codes, base })
    }

    /// Explains raw values on some threads; the values of a row depend on neither the threads nor the other rows.
    pub fn explain(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        let (features, outputs, columns) = (self.ensemble.features, self.base.len(), self.coding.columns());
        check_size(self.ensemble, table, features)?;
        let row_values = features * outputs;
        let mut values = vec![0.0; table.rows() * row_values];
        let chunk_rows = self.background.rows().clamp(CHUNK_ROWS, CHUNK_ROWS_MAX);
        let block_rows = chunk_rows.min(table.rows().div_ceil(threads.max(1))).next_multiple_of(LANES);
        if columns > 0 && features > 0 {
            for_blocks(
                &mut values,
                block_rows * row_values,
                threads,
                || (),
                |(), block, out| {
                    let rows = out.len() / row_values;
                    let mut codes = vec![Codes([0; LANES]); rows.div_ceil(LANES) * columns];
                    self.coding.encode(table, block * block_rows, rows, &mut codes);
                    self.block(&codes, rows, out);
                },
            );
        }
        Ok(Explanation { rows: table.rows(), outputs, features, values, base: self.base.clone() })
    }

    /// Explains predictions of a logistic link. The values of each background row are stretched to the difference of the two
    /// predictions, as shap does; that needs work for every pair of rows.
    pub fn explain_probability(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        if !matches!(self.ensemble.link, Link::Logistic { .. }) {
            return Err(ExplainError::Output("probabilities"));
        }
        let (features, outputs) = (self.ensemble.features, self.base.len());
        check_size(self.ensemble, table, features)?;
        let predictor = Predictor::new(self.ensemble);
        let link = |raw: &[f64]| {
            let mut predicted = raw.to_vec();
            predicted.chunks_mut(outputs).for_each(|row| self.ensemble.apply_link(row));
            predicted
        };
        let raw = predictor.raw(table, threads)?;
        let predicted = link(&raw);
        let raw_background = predictor.raw(&self.background, threads)?;
        let predicted_background = link(&raw_background);
        let mut values = vec![0.0; table.rows() * outputs * features];
        let share = 1.0 / self.background.rows() as f64;
        for at in 0..self.background.rows() {
            let reference = self.reference(at);
            let explained = Explainer::new(&reference)?.explain(table, threads)?;
            for (cell, (to, from)) in
                values.chunks_mut(features).zip(explained.values.chunks(features)).enumerate()
            {
                let other = at * outputs + cell % outputs;
                let (rise, run) =
                    (predicted[cell] - predicted_background[other], raw[cell] - raw_background[other]);
                // Where both rows have the same raw value, the values cancel out, and the slope is as good as any.
                let slope =
                    if run.abs() > 1e-12 { rise / run } else { predicted[cell] * (1.0 - predicted[cell]) };
                to.iter_mut().zip(from).for_each(|(to, from)| *to += share * slope * from);
            }
        }
        let base = mean_rows(&predicted_background, outputs);
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
        Walk {
            tree,
            coding: &model.coding,
            features: model.ensemble.features,
            codes,
            background_rows: model.background.rows(),
            phi,
            path: Vec::new(),
            patterns: vec![first],
        }
    }

    fn node(&mut self, at: usize) {
        let tree = self.tree;
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
                    self.descend(test, goes_right, bit, known.is_some());
                    self.node(child as usize);
                    self.patterns.pop();
                }
                if known.is_none() {
                    self.path.pop();
                }
            }
        }
    }

    /// Patterns below one side of a test: `bit` is set where its tests are met.
    fn descend(&mut self, test: CodeTest, goes_right: bool, bit: u32, is_known: bool) {
        let columns = self.coding.columns();
        let Some(above) = self.patterns.last() else { return };
        let below = [0, 1].map(|who| {
            let mut below = above[who].clone();
            for (patterns, codes) in below.iter_mut().zip(self.codes[who].chunks_exact(columns)) {
                let codes = &codes[test.column as usize].0;
                for (pattern, code) in patterns.iter_mut().zip(codes) {
                    let met = if (*code > test.bound) == goes_right { bit } else { 0 };
                    *pattern = if is_known { *pattern & (met | !bit) } else { *pattern | met };
                }
            }
            below
        });
        self.patterns.push(below);
    }

    fn leaf(&mut self, value: f64) {
        let d = self.path.len();
        let Some([background, rows]) = self.patterns.last() else { return };
        if d == 0 {
            return;
        }
        let mut counts: HashMap<u32, f64> = HashMap::new();
        let share = value / self.background_rows as f64;
        let mut table = Worth::default();
        if d <= TABLE_FEATURES_MAX && (d + 1) << d <= 16 * (CHUNK_ROWS + self.background_rows) {
            let mut dense = vec![0.0; 1 << d];
            for pattern in background.iter().flatten().take(self.background_rows) {
                dense[*pattern as usize] += share;
            }
            table.fill(&dense, d);
        } else {
            for pattern in background.iter().flatten().take(self.background_rows) {
                *counts.entry(*pattern).or_default() += share;
            }
            let mut by_pattern: Vec<(u32, f64)> = counts.into_iter().collect();
            by_pattern.sort_unstable_by_key(|(pattern, _)| *pattern);
            table.pairs(&by_pattern, d, rows);
        }
        for (patterns, phi) in rows.iter().zip(self.phi.chunks_exact_mut(self.features)) {
            let places = table.places(patterns);
            for (bit, feature) in self.path.iter().enumerate() {
                let column = &table.values[bit * table.rows..][..table.rows];
                for (phi, place) in phi[*feature as usize].iter_mut().zip(places) {
                    *phi += column[place as usize];
                }
            }
        }
    }
}

/// Values of a leaf's features by pattern: `values[bit · rows + place]`.
#[derive(Default)]
struct Worth {
    values: Vec<f32>,
    rows: usize,
    /// Where a pattern stands, unless it is its own place.
    places: HashMap<u32, u32>,
}

impl Worth {
    fn places(&self, patterns: &Patterns) -> Patterns {
        if self.places.is_empty() {
            return *patterns;
        }
        patterns.map(|pattern| self.places.get(&pattern).copied().unwrap_or_default())
    }

    /// For all 2^d patterns, from background counts by pattern that are already multiplied by V / rows.
    fn fill(&mut self, counts: &[f64], d: usize) {
        let size = 1_usize << d;
        self.rows = size;
        self.values = vec![0.0; size * d];
        // Sums over supersets of S, by k = d − |Q|; only S ⊆ Q with |Q| = d − k count, thus |S| ≤ d − k.
        let mut satisfied = vec![0.0_f64; size];
        let mut satisfied_more = vec![0.0_f64; size];
        let mut missed = vec![0.0_f64; size];
        let mut sums = vec![0.0_f64; size];
        for k in 0..=d {
            for (set, sum) in sums.iter_mut().enumerate() {
                *sum = if d - set.count_ones() as usize == k { counts[set] } else { 0.0 };
            }
            superset_sums(&mut sums);
            let of_size = |size: usize| -> [f64; 3] {
                [
                    if k > 0 { beta(k - 1, size) } else { 0.0 },
                    if k > 0 && size > 0 { beta(k - 1, size - 1) } else { 0.0 },
                    if size > 0 { beta(k, size - 1) } else { 0.0 },
                ]
            };
            let weights: Vec<[f64; 3]> = (0..=d).map(of_size).collect();
            for (set, sum) in sums.iter().enumerate() {
                let weights = &weights[set.count_ones() as usize];
                satisfied[set] += weights[0] * sum;
                satisfied_more[set] += weights[1] * sum;
                missed[set] += weights[2] * sum;
            }
        }
        for (bit, values) in self.values.chunks_exact_mut(size).enumerate() {
            for (pattern, value) in values.iter_mut().enumerate() {
                let set = !pattern & (size - 1);
                *value = if pattern >> bit & 1 == 1 {
                    (satisfied[set] - satisfied_more[set | 1 << bit]) as f32
                } else {
                    -missed[set] as f32
                };
            }
        }
    }

    /// For the patterns that the rows have, one background pattern after the other: for paths too long for a table.
    fn pairs(&mut self, background: &[(u32, f64)], d: usize, rows: &[Patterns]) {
        for pattern in rows.iter().flatten() {
            let next = self.places.len() as u32;
            self.places.entry(*pattern).or_insert(next);
        }
        self.rows = self.places.len();
        self.values = vec![0.0; self.rows * d];
        let all = u32::MAX >> (32 - d);
        for (pattern, place) in &self.places {
            let mut sums = [0.0; PATH_FEATURES_MAX];
            for (other, weight) in background.iter().filter(|(other, _)| other | pattern == all) {
                let (ours, theirs) = (pattern & !other, other & !pattern);
                let (a, b) = (ours.count_ones() as usize, theirs.count_ones() as usize);
                for (bit, sum) in sums.iter_mut().enumerate().take(d) {
                    if ours >> bit & 1 == 1 {
                        *sum += weight * beta(a - 1, b);
                    } else if theirs >> bit & 1 == 1 {
                        *sum -= weight * beta(a, b - 1);
                    }
                }
            }
            for (bit, sum) in sums.iter().enumerate().take(d) {
                self.values[bit * self.rows + *place as usize] = *sum as f32;
            }
        }
    }
}

/// In place: to each set the sum over its supersets.
fn superset_sums(sums: &mut [f64]) {
    let mut half = 1;
    while half < sums.len() {
        for pair in sums.chunks_exact_mut(2 * half) {
            let (without, with) = pair.split_at_mut(half);
            without.iter_mut().zip(with).for_each(|(without, with)| *without += *with);
        }
        half *= 2;
    }
}
