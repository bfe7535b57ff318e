//! One row at a time, for those who wait for an answer: the lanes are sixteen trees in place of sixteen rows.
//!
//! Sixteen trees of any shape are laid on one another to a **bundle**: a tree that has a node where one of the sixteen does. Where a
//! tree has ended already, its leaf's value stands on both sides of a test that decides nothing. For a single row it is known at
//! each test which child is **hot**, so that of the integral in `program.rs`, taken by Gauss–Legendre nodes t with weights ω (⌈d / 2⌉
//! are exact), remains little. Let ρ be the cold child's share of its parent, w the product of the shares on the feature so far, and
//!
//! κ(t) = w (1 − t) / (w (1 − t) + t) if the row has met all tests on the feature so far, else 1.
//!
//! The factors of both children sum up to the one that they replace, so that the products c of all factors above a node go down as
//! c_cold = c ρ κ, c_hot = c − c_cold; the sums g of leaves times the factors below come up as g = g_hot − ρ κ (g_hot − g_cold); and
//!
//! φ += ρ Σ_t ω c κ (1 − κ) (g_hot − g_cold) / (t (1 − t)).
//!
//! That holds for tests that repeat a feature as well as for the first: κ is all that knows of it.

mod bundle;
mod kernel;

pub(super) use bundle::Bundle;

use std::sync::{Mutex, PoisonError};

use crate::coding::{Codes, LANES};
use crate::ensemble::{Ensemble, EnsembleRef, Tree};
use crate::error::ExplainError;
use crate::shap::simd;
use crate::shap::worth::gauss_legendre;
use crate::shap::{Explainer, Explanation, Oblivious};
use crate::table::Table;

pub(super) use kernel::{PLACES, Work, run};

/// Most distinct features of a path: bundles cost as many vectors a node as half of them.
const DEGREE_MAX: usize = 32;
/// Most levels of a tree: bits of a lane's state.
const LEVELS_MAX: usize = 30;
/// Bundles whose values are added up in f32 before they go to f64.
const FLUSH_BUNDLES: usize = 16;

/// A model made ready to explain few rows at once: the values are those of [`Explainer`] within 1e-6 of the sum of the trees' largest
/// leaves, in a fraction of the time that it needs for a row on its own.
#[derive(Debug)]
pub struct RowExplainer<'a> {
    /// Compiled for the first rows that are its own.
    pub(super) explainer: Explainer<'a>,
    /// None where the explainer does better itself.
    pub(super) bundles: Option<Bundles>,
}

#[derive(Debug)]
pub(super) struct Bundles {
    nodes: Vec<(f64, f64)>,
    all: Vec<Bundle>,
    /// Working memory that nobody uses at the moment.
    idle: Mutex<Vec<Work>>,
}

impl<'a> RowExplainer<'a> {
    /// Most rows of a table that are explained one after the other: from about half of the sixteen lanes on, all at once is faster, and
    /// the explainer does it.
    pub const ROWS_MAX: usize = 8;

    /// Prepares a model.
    pub fn new(ensemble: impl Into<EnsembleRef<'a>>) -> Result<RowExplainer<'a>, ExplainError> {
        let explainer = Explainer::uncompiled(ensemble)?;
        let bundles = Bundles::new(&explainer.ensemble, &explainer);
        Ok(RowExplainer { explainer, bundles })
    }

    /// Explains rows; more than [`Self::ROWS_MAX`] on some threads.
    pub fn explain(&self, table: &Table, threads: usize) -> Result<Explanation, ExplainError> {
        let Some(bundles) = self.bundles.as_ref().filter(|_| table.rows() <= Self::ROWS_MAX) else {
            return self.explainer.explain(table, threads);
        };
        let ensemble = &*self.explainer.ensemble;
        super::check_size(ensemble, table, ensemble.features)?;
        // Taking and giving back cannot panic, so a poisoned lock is still whole.
        let idle = || bundles.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut work = idle().pop().unwrap_or_else(|| bundles.work());
        let row = |row| bundles.row(&self.explainer, table, row, &mut work);
        let values = (0..table.rows()).flat_map(row).collect();
        idle().push(work);
        Ok(self.explainer.explanation(table, values))
    }
}

impl Bundles {
    fn new(ensemble: &Ensemble, explainer: &Explainer<'_>) -> Option<Bundles> {
        let coding = &explainer.coding;
        let degree = explainer.degree;
        let levels = ensemble.trees.iter().map(|tree| tree.depth()).max()?;
        if degree == 0
            || degree > DEGREE_MAX
            || levels > LEVELS_MAX
            || 2 * coding.columns() > PLACES
            || ensemble.features.saturating_mul(ensemble.outputs()) > PLACES
            || ensemble.trees.iter().all(|tree| Oblivious::fits(tree, coding))
        {
            return None;
        }
        let nodes = gauss_legendre(degree.div_ceil(2));
        let bundle = |trees: &[&Tree]| Bundle::new(ensemble, coding, &nodes, trees);
        // Trees of a size have more in common.
        let mut trees: Vec<&Tree> = ensemble.trees.iter().collect();
        trees.sort_by_key(|tree| tree.nodes.len());
        let all = trees.chunks(LANES).map(bundle).collect();
        Some(Bundles { all, nodes, idle: Mutex::default() })
    }

    fn work(&self) -> Work {
        Work::new(&self.nodes, self.all.iter().map(Bundle::levels).max().unwrap_or(0))
    }

    /// The values of a row: outputs × features.
    fn row(&self, explainer: &Explainer<'_>, table: &Table, row: usize, work: &mut Work) -> Vec<f64> {
        let Explainer { ensemble, coding, isa, .. } = explainer;
        let mut codes = vec![Codes([0; LANES]); coding.columns()];
        coding.encode(table, row, 1, &mut codes);
        work.set_row(codes.iter().map(|codes| codes.0[0]));
        let mut values = vec![0.0; ensemble.features * ensemble.outputs()];
        for bundles in self.all.chunks(FLUSH_BUNDLES) {
            for bundle in bundles {
                simd::run_row(*isa, bundle, work);
            }
            work.take(&mut values);
        }
        for value in &mut values {
            *value /= ensemble.divisor;
        }
        values
    }
}
