//! Exact SHAP values.

mod interventional;
mod kernel;
mod linear;
mod oblivious;
mod ops;
mod program;
mod real;
mod saabas;
mod simd;
mod single;
#[cfg(test)]
mod tests;
mod worth;

use std::sync::OnceLock;

pub use interventional::Interventional;
use kernel::{Block, Lanes, Stacks, TOGETHER};
use oblivious::Oblivious;
use ops::Program;
use real::Real;
pub use saabas::Saabas;
use simd::Isa;
pub use single::RowExplainer;

use crate::blocks::for_blocks;
use crate::coding::{Codes, Coding, LANES};
use crate::ensemble::{Ensemble, EnsembleRef, Kind};
use crate::error::ExplainError;
use crate::table::Table;

/// Highest degree that f32 has the range for: 1 / (65 · C(64, 32)) is 8e-21, C(64, 32) is 2e18.
const F32_DEGREE_MAX: usize = 64;
/// Highest degree that f64 has the range for.
const F64_DEGREE_MAX: usize = 500;
/// Most rows of a block.
const BLOCK_ROWS: usize = 512;
/// Bytes of codes and values that a block should take: about a core's second-level cache.
const BLOCK_BYTES: usize = 512 << 10;
/// Trees whose values are added up in f32 before they go to f64.
const FLUSH_TREES: usize = 16;

/// Values that explain predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// How many rows were explained.
    pub rows: usize,
    /// How many outputs each has.
    pub outputs: usize,
    /// How many features there are.
    pub features: usize,
    /// The values: rows × outputs × features, or for interactions rows × outputs × features × features. The raw value of an output is its base and the sum of its values.
    pub values: Vec<f64>,
    /// The expected value of each output; for losses, of each row.
    pub base: Vec<f64>,
}

/// A model made ready to be explained by path-dependent SHAP values: a feature that is not known is averaged over by the covers of
/// the training data.
#[derive(Debug)]
pub struct Explainer<'a> {
    ensemble: EnsembleRef<'a>,
    coding: Coding,
    base: Vec<f64>,
    /// Most features of a path.
    degree: usize,
    /// Before the first block of rows.
    programs: OnceLock<Programs>,
    /// For pairs of features, once they are asked for.
    pairs: OnceLock<Programs>,
    isa: Isa,
}

/// Most values of a result.
const VALUES_MAX: usize = 1 << 32;

/// By output, how its trees are computed.
#[derive(Debug)]
enum Programs {
    F32(Vec<Vec<Plan<f32>>>),
    F64(Vec<Vec<Plan<f64>>>),
}

/// How a tree is computed.
#[derive(Debug)]
enum Plan<T> {
    Program(Program<T>),
    Table(Oblivious),
}

impl<'a> Explainer<'a> {
    /// Prepares a model.
    pub fn new(ensemble: impl Into<EnsembleRef<'a>>) -> Result<Explainer<'a>, ExplainError> {
        let explainer = Self::uncompiled(ensemble)?;
        explainer.programs();
        Ok(explainer)
    }

    /// Checks a model. Its programs are compiled when rows come that need them.
    fn uncompiled(ensemble: impl Into<EnsembleRef<'a>>) -> Result<Explainer<'a>, ExplainError> {
        let shared = ensemble.into();
        let ensemble = &*shared;
        if !ensemble.has_cover {
            return Err(ExplainError::NoCover);
        }
        linear::check_path(ensemble)?;
        let degree = ensemble.trees.iter().map(program::path_features).max().unwrap_or(0);
        if degree > F64_DEGREE_MAX {
            return Err(ExplainError::PathFeatures { found: degree, limit: F64_DEGREE_MAX });
        }
        let (coding, base) = (Coding::new(ensemble), expected_values(ensemble));
        let isa = Isa::available().last().copied().unwrap_or(Isa::Base);
        let (programs, pairs) = (OnceLock::new(), OnceLock::new());
        Ok(Explainer { coding, base, degree, programs, pairs, isa, ensemble: shared })
    }

    fn programs(&self) -> &Programs {
        self.programs.get_or_init(|| self.compile(None))
    }

    /// How all trees are computed; for pairs of features if their number is given.
    fn compile(&self, pairs: Option<usize>) -> Programs {
        let (ensemble, coding, isa) = (&*self.ensemble, &self.coding, self.isa);
        if self.degree <= F32_DEGREE_MAX {
            Programs::F32(compile(ensemble, coding, isa, pairs))
        } else {
            Programs::F64(compile(ensemble, coding, isa, pairs))
        }
    }

    /// Explains rows on some threads. The values of a row depend on neither the threads nor the other rows.
    pub fn explain(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        let features = self.ensemble.features;
        check_size(&self.ensemble, table, features)?;
        let values = match self.programs() {
            Programs::F32(programs) => self.values(programs, features, table, threads),
            Programs::F64(programs) => self.values(programs, features, table, threads),
        };
        Ok(self.explanation(table, values))
    }

    /// Interaction values, a symmetric matrix of features for each row and output. Off the diagonal stands half of what a pair of
    /// features does together; on it what remains of the feature's value, so that a row of the matrix sums up to that.
    pub fn interactions(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        let features = self.ensemble.features;
        check_size(&self.ensemble, table, features.saturating_mul(features))?;
        let own = self.explain(table, threads)?;
        let cells = features * features;
        let mut values = match self.pairs.get_or_init(|| self.compile(Some(features))) {
            Programs::F32(programs) => self.values(programs, cells, table, threads),
            Programs::F64(programs) => self.values(programs, cells, table, threads),
        };
        for (matrix, own) in
            values.chunks_exact_mut(cells.max(1)).zip(own.values.chunks_exact(features.max(1)))
        {
            for i in 0..features {
                for j in 0..i {
                    // Twice the interaction, in parts: each path has met the pair in one of its orders.
                    let half = f64::midpoint(matrix[i * features + j], matrix[j * features + i]);
                    matrix[i * features + j] = half;
                    matrix[j * features + i] = half;
                }
            }
            for (i, own) in own.iter().enumerate() {
                let row = &mut matrix[i * features..][..features];
                row[i] = 0.0;
                row[i] = own - row.iter().sum::<f64>();
            }
        }
        Ok(Explanation { values, ..own })
    }

    /// What trees with splits have given, and what linear models add.
    fn explanation(&self, table: &Table, mut values: Vec<f64>) -> Explanation {
        linear::add_path(&self.ensemble, table, &mut values);
        Explanation {
            rows: table.rows(),
            outputs: self.base.len(),
            features: self.ensemble.features,
            values,
            base: self.base.clone(),
        }
    }

    /// Values of each output's programs: rows × outputs × `width`.
    fn values<T: Real>(
        &self,
        programs: &[Vec<Plan<T>>],
        width: usize,
        table: &Table,
        threads: usize,
    ) -> Vec<f64> {
        let (outputs, columns) = (programs.len(), self.coding.columns());
        let mut values = vec![0.0; table.rows() * outputs * width];
        if columns == 0 || width == 0 {
            return values;
        }
        let group_bytes = columns * size_of::<Codes>() + width * size_of::<Lanes<T>>();
        let groups =
            (BLOCK_BYTES / group_bytes).clamp(1, BLOCK_ROWS / LANES).min(table.rows().div_ceil(LANES));
        let block_rows = groups * LANES;
        let state = || {
            let all = || programs.iter().flatten().filter_map(Plan::program);
            let stacks: [Stacks<T>; TOGETHER] = std::array::from_fn(|_| Stacks::new(all()));
            let codes = vec![Codes([0; LANES]); groups * columns];
            let phi = vec![Lanes([T::ZERO; LANES]); groups * width];
            let totals = vec![[0.0_f64; LANES]; groups * width];
            (stacks, codes, phi, totals)
        };
        let row_values = outputs * width;
        for_blocks(&mut values, block_rows * row_values, threads, state, |state, block, out| {
            let (stacks, codes, phi, totals) = state;
            let rows = out.len() / row_values;
            let groups = rows.div_ceil(LANES);
            let codes = &mut codes[..groups * columns];
            let (phi, totals) = (&mut phi[..groups * width], &mut totals[..groups * width]);
            self.coding.encode(table, block * block_rows, rows, codes);
            for (output, programs) in programs.iter().enumerate() {
                totals.fill([0.0; LANES]);
                for programs in programs.chunks(FLUSH_TREES) {
                    phi.fill(Lanes([T::ZERO; LANES]));
                    for program in programs {
                        match program {
                            Plan::Program(program) => {
                                let block = &mut Block { codes, columns, phi, features: width, stacks };
                                T::run(self.isa, program, block);
                            }
                            Plan::Table(table) => table.add(codes, columns, phi, width),
                        }
                    }
                    for (totals, phi) in totals.iter_mut().zip(&*phi) {
                        totals.iter_mut().zip(phi.0).for_each(|(total, phi)| *total += phi.to_f64());
                    }
                }
                for (row, out) in out.chunks_exact_mut(row_values).enumerate() {
                    let out = &mut out[output * width..][..width];
                    for (out, total) in out.iter_mut().zip(&totals[row / LANES * width..]) {
                        *out = total[row % LANES] / self.ensemble.divisor;
                    }
                }
            }
        });
        values
    }
}

/// Whether a table fits a model, and so many values for each row and output a result.
fn check_size(ensemble: &Ensemble, table: &Table, values: usize) -> Result<(), ExplainError> {
    let expected = ensemble.features;
    if table.features() != expected {
        return Err(ExplainError::Features { found: table.features(), expected });
    }
    let values = values.saturating_mul(table.rows().max(1)).saturating_mul(ensemble.outputs());
    if values > VALUES_MAX { Err(ExplainError::Size { values }) } else { Ok(()) }
}

/// The expected raw value of each output, by the covers.
fn expected_values(ensemble: &Ensemble) -> Vec<f64> {
    let mut expected = vec![0.0; ensemble.outputs()];
    for tree in &ensemble.trees {
        expected[tree.output as usize] += program::means(tree).first().copied().unwrap_or(0.0);
    }
    for (expected, base) in expected.iter_mut().zip(&ensemble.base) {
        *expected = *expected / ensemble.divisor + base;
    }
    expected
}

fn no_linear_leaves(ensemble: &Ensemble) -> Result<(), ExplainError> {
    let is_linear = |kind: &Kind| matches!(kind, Kind::Leaf(leaf) if leaf.linear.is_some());
    let mut nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    if nodes.any(|node| is_linear(&node.kind)) { Err(ExplainError::LinearLeaves) } else { Ok(()) }
}

impl<T> Plan<T> {
    fn program(&self) -> Option<&Program<T>> {
        if let Plan::Program(program) = self { Some(program) } else { None }
    }
}

/// How all trees are computed, by output; for pairs of features if their number is given.
fn compile<T: Real>(
    ensemble: &Ensemble,
    coding: &Coding,
    isa: Isa,
    pairs: Option<usize>,
) -> Vec<Vec<Plan<T>>> {
    let mut plans: Vec<Vec<Plan<T>>> = Vec::new();
    plans.resize_with(ensemble.outputs(), Vec::new);
    for tree in &ensemble.trees {
        let table = if pairs.is_none() { Oblivious::new(tree, coding, isa) } else { None };
        let program = || Plan::Program(program::compile(tree, &coding.tests(tree), pairs, |feature| feature));
        plans[tree.output as usize].push(table.map_or_else(program, Plan::Table));
    }
    plans
}
