//! What leaves are worth that are linear functions of features.
//!
//! **Interventional.** For a row x and a background row z, the game v(S) is the prediction for x on S and z elsewhere. A leaf g(y) = c + Σ aₖ yₖ
//! counts where the tests on its path are met and, for LightGBM, no yₖ is NaN; let P be the features with which x meets its part of these
//! conditions, Q those with which z does. Only P ∪ Q = everything lets any mixture reach the leaf; then with A = P \ Q and B = Q \ P it counts
//! when A ⊆ S and B ∩ S = ∅. A feature k ∈ A has the value xₖ there, one of B has zₖ, and any other zₖ + (xₖ − zₖ) [k ∈ S]. So v is
//!
//! C · u(A, B) + Σ Dₖ · u(A ∪ {k}, B), with C = c + Σ_A aₖ xₖ + Σ_(not A) aₖ zₖ and Dₖ = aₖ (xₖ − zₖ) over the k in neither,
//!
//! where u(A, B) is the game that is 1 when A ⊆ S and B ∩ S = ∅, whose Shapley values are β(|A| − 1, |B|) on A and −β(|A|, |B| − 1) on B,
//! β(a, b) = a! b! / (a + b + 1)!. C and D are linear in z, so background rows of one pattern Q are summed up beforehand.
//!
//! Where a term is NaN, LightGBM takes the leaf's constant V instead. The tables of `interventional.rs` have V for every mixture that reaches
//! the leaf; added here is g − V.
//!
//! **Path-dependent.** What a linear leaf is expected to be when one of its features is not known needs that feature's mean over the leaf's
//! training rows. LightGBM's text does not have it, so the method is refused for it. A linear model, one leaf and no splits, has the values
//! aₖ (xₖ − mean of xₖ) when its file has means.

use std::collections::BTreeMap;

use crate::coding::{CodeTest, Codes, Coding, LANES};
use crate::ensemble::{Ensemble, Kind, Leaf, Linear, Rule, Tree};
use crate::error::ExplainError;
use crate::shap::program::beta;
use crate::table::Table;

/// Most features that decide whether a leaf counts: bits of a pattern.
const PLAYERS_MAX: usize = 64;

fn linear_leaves(tree: &Tree) -> impl Iterator<Item = (usize, &Leaf, &Linear)> {
    tree.nodes.iter().enumerate().filter_map(|(at, node)| match &node.kind {
        Kind::Leaf(leaf) => leaf.linear.as_deref().map(|linear| (at, leaf, linear)),
        Kind::Split(_) => None,
    })
}

/// What a coefficient is multiplied with.
fn factor(linear: &Linear, value: f64) -> f64 {
    if linear.rule == Rule::XgBoost && value.is_nan() { 0.0 } else { value }
}

/// Whether path-dependent values are defined: linear functions stand in trees without splits and have means.
pub(super) fn check_path(ensemble: &Ensemble) -> Result<(), ExplainError> {
    for tree in &ensemble.trees {
        let has_means = |linear: &Linear| tree.nodes.len() == 1 && linear.means.len() == linear.terms.len();
        if linear_leaves(tree).any(|(_, _, linear)| !has_means(linear)) {
            return Err(ExplainError::LinearLeaves);
        }
    }
    Ok(())
}

/// Adds the path-dependent values of linear models.
pub(super) fn add_path(ensemble: &Ensemble, table: &Table, values: &mut [f64]) {
    let (outputs, features) = (ensemble.outputs(), ensemble.features);
    let mut column = Vec::new();
    // Only these can have been accepted.
    for tree in ensemble.trees.iter().filter(|tree| tree.nodes.len() == 1) {
        for (_, _, linear) in linear_leaves(tree) {
            column.resize(table.rows(), 0.0);
            for ((feature, coefficient), mean) in linear.terms.iter().zip(&linear.means) {
                table.fill(*feature as usize, 0, &mut column);
                let start = tree.output as usize * features + *feature as usize;
                let cells = values.iter_mut().skip(start).step_by(outputs * features);
                for (cell, value) in cells.zip(&column) {
                    let value = factor(linear, ensemble.dialect.input(*value));
                    *cell += coefficient * (value - mean) / ensemble.divisor;
                }
            }
        }
    }
}

/// All linear leaves of a model and what the background is like in each.
#[derive(Debug)]
pub(super) struct LinearLeaves<'a> {
    ensemble: &'a Ensemble,
    games: Vec<Game<'a>>,
    /// Features of the terms, ascending.
    features: Vec<u32>,
    /// β(a, b) by a · `PLAYERS_MAX + 2` + b.
    betas: Vec<f64>,
}

/// A leaf.
#[derive(Debug)]
struct Game<'a> {
    output: usize,
    leaf: &'a Leaf,
    linear: &'a Linear,
    /// Features that decide whether the leaf counts, by bit.
    players: Vec<u32>,
    /// Bit, test and side of every condition of the path.
    tests: Vec<(u32, CodeTest, bool)>,
    /// By term: the place of its feature among all, its bit if it has one.
    terms: Vec<(usize, Option<u32>)>,
    /// The background by pattern.
    groups: Vec<Group>,
}

/// Background rows of one pattern.
#[derive(Clone, Debug)]
struct Group {
    pattern: u64,
    /// Of all background rows.
    share: f64,
    /// By term: Σ value / background rows.
    means: Vec<f64>,
}

impl<'a> LinearLeaves<'a> {
    /// Prepares a model's linear leaves with a background and its codes.
    pub(super) fn new(
        ensemble: &'a Ensemble,
        coding: &Coding,
        background: &Table,
        codes: &[Codes],
    ) -> Result<LinearLeaves<'a>, ExplainError> {
        let leaves = || ensemble.trees.iter().flat_map(linear_leaves);
        let mut features: Vec<u32> =
            leaves().flat_map(|(_, _, linear)| linear.terms.iter().map(|(feature, _)| *feature)).collect();
        features.sort_unstable();
        features.dedup();
        let mut this = LinearLeaves { ensemble, games: Vec::new(), features, betas: Vec::new() };
        if this.features.is_empty() && leaves().next().is_none() {
            return Ok(this);
        }
        let side = PLAYERS_MAX + 2;
        this.betas = (0..side * side).map(|at| beta(at / side, at % side)).collect();
        for tree in &ensemble.trees {
            let parents = parents(tree);
            for (at, leaf, linear) in linear_leaves(tree) {
                let game = this.game(tree, &parents, coding, (at, leaf, linear))?;
                this.games.push(game);
            }
        }
        let values = this.values(background, 0, background.rows());
        let (rows, columns) = (background.rows(), coding.columns());
        for game in &mut this.games {
            let mut groups: BTreeMap<u64, Group> = BTreeMap::new();
            for row in 0..rows {
                let pattern = game.pattern(codes, columns, row, &values);
                let group = groups.entry(pattern).or_insert_with(|| Group {
                    pattern,
                    share: 0.0,
                    means: vec![0.0; game.terms.len()],
                });
                group.share += 1.0 / rows as f64;
                for (mean, (place, bit)) in group.means.iter_mut().zip(&game.terms) {
                    // A value that keeps the leaf from counting is never asked for; it may be NaN.
                    if bit.is_none_or(|bit| pattern >> bit & 1 == 1) {
                        *mean += factor(game.linear, values[*place][row]) / rows as f64;
                    }
                }
            }
            game.groups = groups.into_values().collect();
        }
        Ok(this)
    }

    fn game(
        &self,
        tree: &Tree,
        parents: &[Option<(usize, bool)>],
        coding: &Coding,
        (mut at, leaf, linear): (usize, &'a Leaf, &'a Linear),
    ) -> Result<Game<'a>, ExplainError> {
        let (mut players, mut tests) = (Vec::new(), Vec::new());
        while let Some((parent, goes_right)) = parents[at] {
            if let Kind::Split(split) = &tree.nodes[parent].kind {
                tests.push((bit_of(&mut players, split.feature), coding.test(split), goes_right));
            }
            at = parent;
        }
        let mut terms = Vec::with_capacity(linear.terms.len());
        for (feature, _) in &linear.terms {
            // Elsewhere than with LightGBM, NaN switches nothing off: only features of the path decide.
            let bit = if linear.rule == Rule::LightGbm {
                Some(bit_of(&mut players, *feature))
            } else {
                players.iter().position(|player| player == feature).map(|bit| bit as u32)
            };
            terms.push((self.features.partition_point(|other| other < feature), bit));
        }
        if players.len() > PLAYERS_MAX {
            return Err(ExplainError::PathFeatures { found: players.len(), limit: PLAYERS_MAX });
        }
        let output = tree.output as usize;
        Ok(Game { output, leaf, linear, players, tests, terms, groups: Vec::new() })
    }

    /// Values of the terms' features for some rows, by place.
    fn values(&self, table: &Table, start: usize, rows: usize) -> Vec<Vec<f64>> {
        let column = |feature: &u32| {
            let mut column = vec![0.0; rows];
            table.fill(*feature as usize, start, &mut column);
            for value in &mut column {
                *value = self.ensemble.dialect.input(*value);
            }
            column
        };
        self.features.iter().map(column).collect()
    }

    /// Adds the values of rows from `start` on, whose codes are given: rows × outputs × features.
    pub(super) fn add(&self, table: &Table, start: usize, columns: usize, codes: &[Codes], out: &mut [f64]) {
        if self.games.is_empty() {
            return;
        }
        let (outputs, features) = (self.ensemble.outputs(), self.ensemble.features);
        let rows = out.len() / (outputs * features);
        let values = self.values(table, start, rows);
        for game in &self.games {
            for (row, out) in out.chunks_exact_mut(outputs * features).enumerate() {
                let pattern = game.pattern(codes, columns, row, &values);
                let phi = &mut out[game.output * features..][..features];
                let value = |place: usize| factor(game.linear, values[place][row]);
                self.add_one(game, pattern, value, phi);
            }
        }
    }

    fn add_one(&self, game: &Game<'_>, pattern: u64, value: impl Fn(usize) -> f64, phi: &mut [f64]) {
        let divisor = self.ensemble.divisor;
        let beta = |a: u32, b: u32| self.betas[a as usize * (PLAYERS_MAX + 2) + b as usize] / divisor;
        let all = if game.players.is_empty() { 0 } else { u64::MAX >> (64 - game.players.len()) };
        let terms = || game.linear.terms.iter().zip(&game.terms).enumerate();
        for group in game.groups.iter().filter(|group| group.pattern | pattern == all) {
            let (ours, theirs) = (pattern & !group.pattern, group.pattern & !pattern);
            let (a, b) = (ours.count_ones(), theirs.count_ones());
            let is_in = |set: u64, bit: Option<u32>| bit.is_some_and(|bit| set >> bit & 1 == 1);
            let mut constant = group.share * (game.linear.constant - game.leaf.value);
            let mut rises = 0.0;
            for (at, ((feature, coefficient), (place, bit))) in terms() {
                if is_in(ours, *bit) {
                    constant += coefficient * group.share * value(*place);
                    continue;
                }
                constant += coefficient * group.means[at];
                if !is_in(theirs, *bit) {
                    let rise = coefficient * (group.share * value(*place) - group.means[at]);
                    rises += rise;
                    phi[*feature as usize] += rise * beta(a, b);
                }
            }
            for (bit, feature) in game.players.iter().enumerate() {
                let phi = &mut phi[*feature as usize];
                if is_in(ours, Some(bit as u32)) {
                    *phi += constant * beta(a - 1, b) + rises * beta(a, b);
                } else if is_in(theirs, Some(bit as u32)) {
                    *phi -= constant * beta(a, b - 1) + rises * beta(a + 1, b - 1);
                }
            }
        }
    }
}

impl Game<'_> {
    /// Which players meet their part of the conditions.
    fn pattern(&self, codes: &[Codes], columns: usize, row: usize, values: &[Vec<f64>]) -> u64 {
        let mut missed = 0_u64;
        for (bit, test, goes_right) in &self.tests {
            let code = codes[row / LANES * columns + test.column as usize].0[row % LANES];
            missed |= u64::from((code > test.bound) != *goes_right) << bit;
        }
        if self.linear.rule == Rule::LightGbm {
            for (place, bit) in &self.terms {
                missed |= bit.map_or(0, |bit| u64::from(values[*place][row].is_nan()) << bit);
            }
        }
        let all = if self.players.is_empty() { 0 } else { u64::MAX >> (64 - self.players.len()) };
        all & !missed
    }
}

/// The bit of a feature among the players, which it joins if it is new.
fn bit_of(players: &mut Vec<u32>, feature: u32) -> u32 {
    let known = players.iter().position(|player| *player == feature);
    if known.is_none() {
        players.push(feature);
    }
    known.unwrap_or(players.len() - 1) as u32
}

/// By node: its parent and whether it is the right child.
fn parents(tree: &Tree) -> Vec<Option<(usize, bool)>> {
    let mut parents = vec![None; tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate() {
        if let Kind::Split(split) = &node.kind {
            parents[split.left as usize] = Some((at, false));
            parents[split.right as usize] = Some((at, true));
        }
    }
    parents
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shap::tests::{Random, random_model, random_rows, shapley};
    use crate::shap::{Explainer, Interventional};
    use crate::{Link, Predictor};

    /// A random model with linear leaves of some rule, which may use features that their paths do not test.
    fn model(seed: u64, features: usize, depth: usize, rule: Rule) -> Ensemble {
        let mut ensemble = random_model(seed, features, depth, 3, 1);
        let random = &mut Random(seed ^ 9);
        for tree in &mut ensemble.trees {
            for node in &mut tree.nodes {
                if let Kind::Leaf(leaf) = &mut node.kind {
                    let used: Vec<u32> = (0..features as u32).filter(|_| random.below(2) == 0).collect();
                    let terms: Vec<_> = used.into_iter().map(|feature| (feature, random.real())).collect();
                    let means = terms.iter().map(|_| random.real()).collect();
                    if rule != Rule::LightGbm {
                        leaf.value = 0.0;
                    }
                    leaf.linear = (random.below(4) > 0)
                        .then(|| Box::new(Linear { constant: random.real(), terms, means, rule }));
                }
            }
        }
        ensemble
    }

    /// Infinities would make sums of terms NaN, in the library too.
    fn finite(rows: Vec<f64>, with_nan: bool) -> Vec<f64> {
        let bound = |value: f64| if value.is_nan() && !with_nan { 1.5 } else { value.clamp(-3.0, 3.0) };
        rows.into_iter().map(bound).collect()
    }

    fn raw(ensemble: &Ensemble, row: &[f64]) -> f64 {
        Predictor::new(ensemble).raw(&Table::from_rows(row, ensemble.features), 1).unwrap()[0]
    }

    fn mixed(ensemble: &Ensemble, row: &[f64], background: &[f64], known: u32) -> f64 {
        let rows = background.chunks(ensemble.features);
        let count = rows.len() as f64;
        let mix = |other: &[f64]| -> Vec<f64> {
            (0..row.len()).map(|f| if known >> f & 1 == 1 { row[f] } else { other[f] }).collect()
        };
        rows.map(|other| raw(ensemble, &mix(other))).sum::<f64>() / count
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

        #[test]
        fn interventional_values_of_linear_leaves_are_shapleys(
            seed: u64, features in 1_usize..6, depth in 0_usize..6, background in 1_usize..12, rule in 0_usize..3,
        ) {
            let rule = [Rule::LightGbm, Rule::XgBoost, Rule::Plain][rule];
            let ensemble = model(seed, features, depth, rule);
            let rows = finite(random_rows(seed, features, 3), rule != Rule::Plain);
            let others = finite(random_rows(seed ^ 0x77, features, background), rule != Rule::Plain);
            let found = Interventional::new(&ensemble, Table::from_rows(&others, features)).unwrap();
            let found = found.explain(&Table::from_rows(&rows, features), 1).unwrap();
            for (row, found) in rows.chunks(features).zip(found.values.chunks(features)) {
                let expected = shapley(features, |known| mixed(&ensemble, row, &others, known));
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert!((found - expected).abs() < 2e-5, "{} is not {}", found, expected);
                }
            }
        }

        #[test]
        fn probabilities_with_linear_leaves_add_up(seed: u64, features in 1_usize..6, depth in 0_usize..6) {
            let logistic = Link::Logistic { factor: 0.7 };
            let ensemble = Ensemble { link: logistic, ..model(seed, features, depth, Rule::LightGbm) };
            let rows = Table::from_rows(&finite(random_rows(seed, features, 20), true), features);
            let background = Table::from_rows(&finite(random_rows(!seed, features, 5), true), features);
            let found = Interventional::new(&ensemble, background).unwrap().explain_probability(&rows, 1).unwrap();
            let predicted = Predictor::new(&ensemble).predict(&rows, 1).unwrap();
            for (values, predicted) in found.values.chunks(features).zip(&predicted) {
                let sum = found.base[0] + values.iter().sum::<f64>();
                prop_assert!((sum - predicted).abs() < 1e-5, "{} is not {}", sum, predicted);
            }
        }

        #[test]
        fn linear_models_have_path_values_by_their_means(seed: u64, features in 1_usize..6) {
            let ensemble = model(seed, features, 0, Rule::Plain);
            let rows = finite(random_rows(seed, features, 40), false);
            let table = Table::from_rows(&rows, features);
            let explainer = Explainer::new(&ensemble).unwrap();
            let found = explainer.explain(&table, 2).unwrap();
            let interactions = explainer.interactions(&table, 1).unwrap();
            for (at, row) in rows.chunks(features).enumerate() {
                let values = &found.values[at * features..][..features];
                let sum = found.base[0] + values.iter().sum::<f64>();
                prop_assert!((sum - raw(&ensemble, row)).abs() < 1e-9);
                for i in 0..features {
                    let pairs = &interactions.values[(at * features + i) * features..][..features];
                    prop_assert!(pairs.iter().enumerate().all(|(j, pair)| i == j || pair.abs() < 1e-12));
                    prop_assert!((pairs[i] - values[i]).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn path_values_of_linear_trees_are_refused() {
        let mut ensemble = model(3, 3, 4, Rule::LightGbm);
        assert!(matches!(Explainer::new(&ensemble), Err(ExplainError::LinearLeaves)));
        for node in ensemble.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            if let Kind::Leaf(leaf) = &mut node.kind {
                leaf.linear = None;
            }
        }
        assert!(Explainer::new(&ensemble).is_ok());
    }
}
