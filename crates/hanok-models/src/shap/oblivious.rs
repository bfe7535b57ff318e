//! Trees that ask the same at all nodes of a level, as CatBoost's: a row's values depend on its leaf only, so that they stand in a table.

use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::Tree;
use crate::levels::Levels;
use crate::shap::kernel::{Block, Lanes, Stacks, TOGETHER};
use crate::shap::program;
use crate::shap::real::Real;
use crate::shap::simd::{self, Isa};

/// Most levels for which there is a table.
const LEVELS_MAX: usize = 10;

/// The values of a tree by leaf.
#[derive(Debug)]
pub(super) struct Oblivious {
    /// By level.
    tests: Vec<CodeTest>,
    features: Vec<u32>,
    /// `values[place of the feature · leaves + leaf]`; bit l of a leaf is set where test l sends a row right.
    values: Vec<f32>,
}

impl Oblivious {
    /// Whether a tree is one of these, and which tests it has.
    fn levels(tree: &Tree, coding: &Coding) -> Option<Levels> {
        Levels::of(tree, coding, LEVELS_MAX).filter(|levels| !levels.tests.is_empty())
    }

    /// Whether a tree is one of these.
    pub(super) fn fits(tree: &Tree, coding: &Coding) -> bool {
        Self::levels(tree, coding).is_some()
    }

    /// The table of a tree, if it is one of these.
    pub(super) fn new(tree: &Tree, coding: &Coding, isa: Isa) -> Option<Oblivious> {
        let Levels { of_node, tests, mut features } = Self::levels(tree, coding)?;
        let levels = tests.len();
        features.sort_unstable();
        features.dedup();
        // The program of the tree, with a column of codes for each level, run on a row for each leaf.
        let by_level =
            of_node.iter().map(|level| CodeTest { column: *level as u32, bound: 0 }).collect::<Vec<_>>();
        let program = program::compile::<f32>(tree, &by_level, None, |feature| {
            features.binary_search(&feature).unwrap_or_default() as u32
        });
        let leaves = 1_usize << levels;
        let groups = leaves.div_ceil(LANES);
        let mut codes = vec![Codes([0; LANES]); groups * levels];
        for (group, codes) in codes.chunks_exact_mut(levels).enumerate() {
            for (level, codes) in codes.iter_mut().enumerate() {
                codes.0 = std::array::from_fn(|lane| ((group * LANES + lane) >> level & 1) as i32);
            }
        }
        let mut phi = vec![Lanes([0.0; LANES]); groups * features.len()];
        let mut stacks: [Stacks<f32>; TOGETHER] =
            std::array::from_fn(|_| Stacks::new(std::iter::once(&program)));
        let (phi_of, width) = (phi.as_mut_slice(), features.len());
        let mut block =
            Block { codes: &codes, columns: levels, phi: phi_of, features: width, stacks: &mut stacks };
        simd::run(isa, &program, &mut block);
        let value = |at: usize| phi[at % leaves / LANES * width + at / leaves].0[at % leaves % LANES];
        Some(Oblivious { tests, values: (0..width * leaves).map(value).collect(), features })
    }

    /// Adds the values of all groups: as [`simd::run`] does.
    pub(super) fn add<T: Real>(
        &self,
        codes: &[Codes],
        columns: usize,
        phi: &mut [Lanes<T>],
        features: usize,
    ) {
        let leaves = 1 << self.tests.len();
        for (codes, phi) in codes.chunks_exact(columns).zip(phi.chunks_exact_mut(features)) {
            let mut leaf = [0_usize; LANES];
            for (level, test) in self.tests.iter().enumerate() {
                for (leaf, code) in leaf.iter_mut().zip(codes[test.column as usize].0) {
                    *leaf |= usize::from(code > test.bound) << level;
                }
            }
            for (feature, values) in self.features.iter().zip(self.values.chunks_exact(leaves)) {
                for (phi, leaf) in phi[*feature as usize].0.iter_mut().zip(leaf) {
                    *phi = *phi + T::from_f64(f64::from(values[leaf]));
                }
            }
        }
    }
}
