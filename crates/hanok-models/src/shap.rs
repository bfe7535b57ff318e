//! Exact SHAP values.

mod kernel;
mod program;
mod real;
mod simd;
#[cfg(test)]
mod tests;

use kernel::{Block, Lanes, Stacks, TOGETHER};
use program::Program;
use real::Real;
use simd::Isa;

use crate::blocks::for_blocks;
use crate::coding::{Codes, Coding, LANES};
use crate::ensemble::{Ensemble, Kind};
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
    /// How many values each output has: the features, or their square for interactions.
    pub features: usize,
    /// The values: rows × outputs × features. The raw value of an output is its base and the sum of its values.
    pub values: Vec<f64>,
    /// The expected raw value of each output.
    pub base: Vec<f64>,
}

/// A model made ready to be explained by path-dependent SHAP values: a feature that is not known is averaged over by the covers of
/// the training data.
#[derive(Debug)]
pub struct Explainer {
    coding: Coding,
    features: usize,
    divisor: f64,
    base: Vec<f64>,
    programs: Programs,
    isa: Isa,
}

/// By output, the programs of its trees.
#[derive(Debug)]
enum Programs {
    F32(Vec<Vec<Program<f32>>>),
    F64(Vec<Vec<Program<f64>>>),
}

impl Explainer {
    /// Prepares a model.
    pub fn new(ensemble: &Ensemble) -> Result<Explainer, ExplainError> {
        if !ensemble.has_cover {
            return Err(ExplainError::NoCover);
        }
        let is_linear = |kind: &Kind| matches!(kind, Kind::Leaf(leaf) if leaf.linear.is_some());
        if ensemble.trees.iter().flat_map(|tree| &tree.nodes).any(|node| is_linear(&node.kind)) {
            return Err(ExplainError::LinearLeaves);
        }
        let degree = ensemble.trees.iter().map(program::path_features).max().unwrap_or(0);
        if degree > F64_DEGREE_MAX {
            return Err(ExplainError::PathFeatures { found: degree, limit: F64_DEGREE_MAX });
        }
        let coding = Coding::new(ensemble);
        let mut base = vec![0.0; ensemble.outputs()];
        let programs = if degree <= F32_DEGREE_MAX {
            Programs::F32(compile(ensemble, &coding, &mut base))
        } else {
            Programs::F64(compile(ensemble, &coding, &mut base))
        };
        for (base, of_model) in base.iter_mut().zip(&ensemble.base) {
            *base = *base / ensemble.divisor + of_model;
        }
        let isa = Isa::available().last().copied().unwrap_or(Isa::Base);
        Ok(Explainer { coding, features: ensemble.features, divisor: ensemble.divisor, base, programs, isa })
    }

    /// Explains rows on some threads. The values of a row depend on neither the threads nor the other rows.
    pub fn explain(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        if table.features() != self.features {
            return Err(ExplainError::Features { found: table.features(), expected: self.features });
        }
        let values = match &self.programs {
            Programs::F32(programs) => self.values(programs, table, threads),
            Programs::F64(programs) => self.values(programs, table, threads),
        };
        Ok(Explanation {
            rows: table.rows(),
            outputs: self.base.len(),
            features: self.features,
            values,
            base: self.base.clone(),
        })
    }

    fn values<T: Real>(&self, programs: &[Vec<Program<T>>], table: &Table, threads: usize) -> Vec<f64> {
        let (outputs, features, columns) = (self.base.len(), self.features, self.coding.columns());
        let mut values = vec![0.0; table.rows() * outputs * features];
        if columns == 0 || features == 0 {
            return values;
        }
        let group_bytes = columns * size_of::<Codes>() + features * size_of::<Lanes<T>>();
        let block_rows = (BLOCK_BYTES / group_bytes).clamp(1, BLOCK_ROWS / LANES) * LANES;
        let state = || {
            let groups = block_rows / LANES;
            let stacks = |programs: &Vec<Program<T>>| std::array::from_fn(|_| Stacks::new(programs));
            let stacks: Vec<[Stacks<T>; TOGETHER]> = programs.iter().map(stacks).collect();
            let codes = vec![Codes([0; LANES]); groups * columns];
            let phi = vec![Lanes([T::ZERO; LANES]); groups * features];
            let totals = vec![[0.0_f64; LANES]; groups * features];
            (stacks, codes, phi, totals)
        };
        let row_values = outputs * features;
        for_blocks(&mut values, block_rows * row_values, threads, state, |state, block, out| {
            let (stacks, codes, phi, totals) = state;
            let rows = out.len() / row_values;
            let groups = rows.div_ceil(LANES);
            let codes = &mut codes[..groups * columns];
            let (phi, totals) = (&mut phi[..groups * features], &mut totals[..groups * features]);
            self.coding.encode(table, block * block_rows, rows, codes);
            for (output, (programs, stacks)) in programs.iter().zip(stacks).enumerate() {
                totals.fill([0.0; LANES]);
                for programs in programs.chunks(FLUSH_TREES) {
                    phi.fill(Lanes([T::ZERO; LANES]));
                    for program in programs {
                        T::run(self.isa, program, &mut Block { codes, columns, phi, features, stacks });
                    }
                    for (totals, phi) in totals.iter_mut().zip(&*phi) {
                        totals.iter_mut().zip(phi.0).for_each(|(total, phi)| *total += phi.to_f64());
                    }
                }
                for (row, out) in out.chunks_exact_mut(row_values).enumerate() {
                    let out = &mut out[output * features..][..features];
                    for (out, total) in out.iter_mut().zip(&totals[row / LANES * features..]) {
                        *out = total[row % LANES] / self.divisor;
                    }
                }
            }
        });
        values
    }
}

/// Programs of all trees by output; the means of the trees are added to `base`.
fn compile<T: Real>(ensemble: &Ensemble, coding: &Coding, base: &mut [f64]) -> Vec<Vec<Program<T>>> {
    let mut programs: Vec<Vec<Program<T>>> = (0..ensemble.outputs()).map(|_| Vec::new()).collect();
    for tree in &ensemble.trees {
        let program = program::compile(tree, coding, None);
        base[tree.output as usize] += program.mean;
        programs[tree.output as usize].push(program);
    }
    programs
}
