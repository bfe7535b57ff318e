//! Against Shapley's formula itself, summed over all subsets, on random trees.

use proptest::prelude::*;

use super::simd::Isa;
use super::*;
use crate::categories::CategorySet;
use crate::ensemble::{Dialect, Kind, Leaf, Link, Missing, Node, Split, Sum, Test, Tree};
use crate::texts::Texts;

/// A small generator: trees are functions of a seed, so that proptest shrinks to small seeds and sizes.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(super) fn real(&mut self) -> f64 {
        self.next() as f64 / f64::from(1_u32 << 31) * 4.0 - 2.0
    }

    /// A value that is sometimes missing, zero or infinite.
    pub(super) fn value(&mut self) -> f64 {
        match self.below(12) {
            0 => f64::NAN,
            1 => 0.0,
            2 => f64::INFINITY,
            3 => f64::NEG_INFINITY,
            _ => (self.real() * 2.0).round() / 2.0,
        }
    }
}

fn grow(random: &mut Random, features: usize, depth: usize, nodes: &mut Vec<Node>) -> u32 {
    let at = nodes.len();
    let cover = if random.below(8) == 0 { 0.0 } else { 1.0 + random.below(20) as f64 };
    let leaf = Leaf { value: random.real(), linear: None };
    nodes.push(Node { cover, kind: Kind::Leaf(leaf) });
    if depth > 0 && (at == 0 || random.below(5) > 0) {
        let is_left = random.below(2) == 0;
        let missing = match random.below(4) {
            0 => Missing::NanIsZero,
            1 => Missing::ZeroOrNan { left: is_left },
            _ => Missing::Nan { left: is_left },
        };
        let test = if random.below(4) == 0 {
            Test::Category { set: CategorySet::new([0, 2]), members_left: is_left }
        } else {
            Test::Below((random.real() * 2.0).round() / 2.0)
        };
        let feature = random.below(features) as u32;
        let left = grow(random, features, depth - 1, nodes);
        let right = grow(random, features, depth - 1, nodes);
        nodes[at].kind = Kind::Split(Split { feature, test, missing, left, right });
    }
    at as u32
}

pub(super) fn random_model(
    seed: u64,
    features: usize,
    depth: usize,
    trees: usize,
    outputs: usize,
) -> Ensemble {
    let random = &mut Random(seed);
    let tree = |output: usize, random: &mut Random| {
        let mut nodes = Vec::new();
        grow(random, features, depth, &mut nodes);
        Tree::arrange(output as u32, 0, &nodes, features, "").unwrap()
    };
    Ensemble {
        source: String::new(),
        dialect: [Dialect::XgBoost, Dialect::LightGbm, Dialect::SklearnF32][random.below(3)],
        feature_names: Vec::new(),
        features,
        texts: Texts::new(),
        base: (0..outputs).map(|_| random.real()).collect(),
        divisor: 1.0 + random.below(3) as f64,
        link: Link::Identity,
        sum: Sum::F64BaseLast,
        has_cover: true,
        trees: (0..trees).map(|at| tree(at % outputs, random)).collect(),
    }
}

/// A model whose trees ask the same at all nodes of a level; features occur again and again.
fn random_oblivious(seed: u64, features: usize, levels: usize) -> Ensemble {
    let mut ensemble = random_model(seed, features, 0, 2, 1);
    let random = &mut Random(seed);
    for tree in &mut ensemble.trees {
        let inner = (1 << levels) - 1;
        let test = |random: &mut Random| (random.below(features) as u32, (random.real() * 2.0).round() / 2.0);
        let tests: Vec<(u32, f64)> = (0..levels).map(|_| test(random)).collect();
        let node = |at: usize, random: &mut Random| {
            let cover = if random.below(5) == 0 { 0.0 } else { 1.0 + random.below(9) as f64 };
            if at >= inner {
                return Node { cover, kind: Kind::Leaf(Leaf { value: random.real(), linear: None }) };
            }
            let (feature, threshold) = tests[(at + 1).ilog2() as usize];
            let (left, right) = (2 * at as u32 + 1, 2 * at as u32 + 2);
            let (test, missing) = (Test::Below(threshold), Missing::Nan { left: true });
            Node { cover, kind: Kind::Split(Split { feature, test, missing, left, right }) }
        };
        let nodes: Vec<Node> = (0..=2 * inner).map(|at| node(at, random)).collect();
        *tree = Tree::arrange(0, 0, &nodes, features, "").unwrap();
    }
    ensemble
}

pub(super) fn random_rows(seed: u64, features: usize, rows: usize) -> Vec<f64> {
    let random = &mut Random(seed ^ 0x5555);
    (0..rows * features).map(|_| random.value()).collect()
}

/// The expected value of a tree when the features of `known` are.
fn expectation(ensemble: &Ensemble, tree: &Tree, at: usize, row: &[f64], known: u32) -> f64 {
    match &tree.nodes[at].kind {
        Kind::Leaf(leaf) => leaf.value,
        Kind::Split(split) => {
            let child = |child: u32| expectation(ensemble, tree, child as usize, row, known);
            if known >> split.feature & 1 == 1 {
                let value = ensemble.dialect.input(row[split.feature as usize]);
                let left = split.goes_left(ensemble.dialect, value);
                return child(if left { split.left } else { split.right });
            }
            let shares = program::shares(tree, split);
            shares[0] * child(split.left) + shares[1] * child(split.right)
        }
    }
}

/// Shapley values of a game over `players` players, by all subsets.
pub(super) fn shapley(players: usize, game: impl Fn(u32) -> f64) -> Vec<f64> {
    let worth: Vec<f64> = (0..1_u32 << players).map(game).collect();
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    let value = |player: usize| {
        let without = (0..worth.len()).filter(|set| set >> player & 1 == 0);
        let term = |set: usize| {
            let size = set.count_ones() as usize;
            let weight = factorial(size) * factorial(players - size - 1) / factorial(players);
            weight * (worth[set | 1 << player] - worth[set])
        };
        without.map(term).sum()
    };
    (0..players).map(value).collect()
}

/// Shapley values of the game of all players but one, whose value is 0.
fn shapley_without(players: usize, absent: usize, game: impl Fn(u32) -> f64) -> Vec<f64> {
    let spread = |set: u32| (set & ((1 << absent) - 1)) | (set >> absent << (absent + 1));
    let mut values = shapley(players - 1, |set| game(spread(set)));
    values.insert(absent, 0.0);
    values
}

/// The game of one output of a model for a row.
pub(super) fn path_game(ensemble: &Ensemble, output: usize, row: &[f64], known: u32) -> f64 {
    let trees = ensemble.trees.iter().filter(|tree| tree.output as usize == output);
    trees.map(|tree| expectation(ensemble, tree, 0, row, known)).sum::<f64>() / ensemble.divisor
}

/// The mean of an output over background rows that take the known features from a row.
fn mixed_game(ensemble: &Ensemble, output: usize, row: &[f64], background: &[f64], known: u32) -> f64 {
    let features = ensemble.features;
    let mixed = |other: &[f64]| -> Vec<f64> {
        (0..features).map(|f| if known >> f & 1 == 1 { row[f] } else { other[f] }).collect()
    };
    let all: Vec<f64> = background
        .chunks(features)
        .map(|other| path_game(ensemble, output, &mixed(other), u32::MAX))
        .collect();
    all.iter().sum::<f64>() / all.len() as f64
}

pub(super) fn close(found: f64, expected: f64, scale: f64) -> bool {
    (found - expected).abs() <= 2e-6 * scale
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn values_are_shapleys(seed: u64, features in 1_usize..8, depth in 0_usize..9, outputs in 1_usize..3) {
        let ensemble = random_model(seed, features, depth, 2 * outputs, outputs);
        let rows = random_rows(seed, features, 5);
        let explainer = Explainer::new(&ensemble).unwrap();
        let found = explainer.explain(&Table::from_rows(&rows, features), 1).unwrap();
        for (at, row) in rows.chunks(features).enumerate() {
            for output in 0..outputs {
                let expected = shapley(features, |known| path_game(&ensemble, output, row, known));
                let found = &found.values[(at * outputs + output) * features..][..features];
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert!(close(*found, *expected, 4.0), "{} is not {}", found, expected);
                }
            }
        }
        for (output, base) in found.base.iter().enumerate() {
            let expected = ensemble.base[output] + path_game(&ensemble, output, &rows[..features], 0);
            prop_assert!((base - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn interventional_values_are_shapleys(
        seed: u64, features in 1_usize..7, depth in 0_usize..8, outputs in 1_usize..3, background in 1_usize..40,
    ) {
        let ensemble = random_model(seed, features, depth, 2 * outputs, outputs);
        let rows = random_rows(seed, features, 3);
        let others = random_rows(seed ^ 0x77, features, background);
        let model = Interventional::new(&ensemble, Table::from_rows(&others, features)).unwrap();
        let found = model.explain(&Table::from_rows(&rows, features), 1).unwrap();
        for (at, row) in rows.chunks(features).enumerate() {
            for output in 0..outputs {
                let expected = shapley(features, |known| mixed_game(&ensemble, output, row, &others, known));
                let found = &found.values[(at * outputs + output) * features..][..features];
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert!(close(*found, *expected, 4.0), "{} is not {}", found, expected);
                }
            }
        }
        for (output, base) in found.base.iter().enumerate() {
            let expected = ensemble.base[output] + mixed_game(&ensemble, output, &others, &others, 0);
            prop_assert!((base - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn probabilities_add_up(seed: u64, features in 1_usize..7, depth in 0_usize..8) {
        let logistic = Link::Logistic { factor: 0.7 };
        let ensemble = Ensemble { link: logistic, ..random_model(seed, features, depth, 3, 1) };
        let rows = Table::from_rows(&random_rows(seed, features, 20), features);
        let model =
            Interventional::new(&ensemble, Table::from_rows(&random_rows(!seed, features, 9), features)).unwrap();
        let found = model.explain_probability(&rows, 1).unwrap();
        let predicted = crate::Predictor::new(&ensemble).predict(&rows, 1).unwrap();
        for (values, predicted) in found.values.chunks(features).zip(&predicted) {
            let sum = found.base[0] + values.iter().sum::<f64>();
            prop_assert!(close(sum, *predicted, 2.0), "{} is not {}", sum, predicted);
        }
        let labels: Vec<f64> = (0..20).map(|row| f64::from(row % 2)).collect();
        let losses = model.explain_log_loss(&rows, &labels, 2).unwrap();
        for (row, (values, predicted)) in losses.values.chunks(features).zip(predicted).enumerate() {
            let sum = losses.base[row] + values.iter().sum::<f64>();
            let loss = -if labels[row] > 0.0 { predicted } else { 1.0 - predicted }.ln();
            prop_assert!(close(sum, loss, 4.0 + loss), "{} is not {}", sum, loss);
        }
        prop_assert!(model.explain_log_loss(&rows, &labels[1..], 1).is_err());
    }

    #[test]
    fn predictions_are_sums_of_leaves(
        seed: u64, features in 1_usize..9, depth in 0_usize..14, outputs in 1_usize..3, count in 1_usize..70,
    ) {
        let ensemble = random_model(seed, features, depth, 20 * outputs, outputs);
        let rows = random_rows(seed, features, count);
        let predictor = crate::Predictor::new(&ensemble);
        let table = Table::from_rows(&rows, features);
        let found = predictor.raw(&table, 1).unwrap();
        prop_assert_eq!(&found, &predictor.raw(&table, 3).unwrap());
        for (row, found) in rows.chunks(features).zip(found.chunks(outputs)) {
            let inputs: Vec<f64> = row.iter().map(|value| ensemble.dialect.input(*value)).collect();
            let mut sums = vec![0.0; outputs];
            for tree in &ensemble.trees {
                sums[tree.output as usize] += tree.leaf(ensemble.dialect, |f| inputs[f as usize]).unwrap().value;
            }
            for ((sum, base), found) in sums.iter().zip(&ensemble.base).zip(found) {
                prop_assert_eq!((sum / ensemble.divisor + base).to_bits(), found.to_bits());
            }
            prop_assert_eq!(&predictor.raw(&Table::from_rows(row, features), 1).unwrap(), found);
        }
    }

    #[test]
    fn saabas_values_are_the_changes_on_the_path(seed: u64, features in 1_usize..9, depth in 0_usize..10) {
        let ensemble = random_model(seed, features, depth, 6, 2);
        let rows = random_rows(seed, features, 70);
        let table = Table::from_rows(&rows, features);
        let found = Saabas::new(&ensemble).unwrap().explain(&table, 1).unwrap();
        prop_assert_eq!(&found, &Saabas::new(&ensemble).unwrap().explain(&table, 3).unwrap());
        prop_assert_eq!(&found.base, &Explainer::new(&ensemble).unwrap().base);
        for (row, found) in rows.chunks(features).zip(found.values.chunks(features * 2)) {
            let mut expected = vec![0.0; features * 2];
            for tree in &ensemble.trees {
                let mut at = 0;
                while let Kind::Split(split) = &tree.nodes[at].kind {
                    let value = ensemble.dialect.input(row[split.feature as usize]);
                    let left = split.goes_left(ensemble.dialect, value);
                    let next = if left { split.left } else { split.right } as usize;
                    let mean = |at| expectation(&ensemble, tree, at, row, 0);
                    expected[tree.output as usize * features + split.feature as usize] += mean(next) - mean(at);
                    at = next;
                }
            }
            for (found, expected) in found.iter().zip(&expected) {
                let expected = expected / ensemble.divisor;
                prop_assert!((found - expected).abs() < 1e-12, "{} is not {}", found, expected);
            }
        }
    }

    #[test]
    fn values_of_single_rows_are_those_of_blocks(
        seed: u64, features in 1_usize..30, depth in 1_usize..12, trees in 1_usize..40, outputs in 1_usize..3,
    ) {
        let ensemble = random_model(seed, features, depth, trees.next_multiple_of(outputs), outputs);
        let table = Table::from_rows(&random_rows(seed, features, RowExplainer::ROWS_MAX), features);
        let mut single = RowExplainer::new(&ensemble).unwrap();
        let expected = single.explainer.explain(&table, 1).unwrap();
        // Both add up values of the size of leaves in f32.
        let largest = |tree: &Tree| {
            let value = |node: &Node| if let Kind::Leaf(leaf) = &node.kind { leaf.value.abs() } else { 0.0 };
            tree.nodes.iter().map(value).fold(0.0, f64::max)
        };
        let sum: f64 = ensemble.trees.iter().map(largest).sum();
        let scale = (sum / ensemble.divisor / outputs as f64).max(1.0);
        for isa in Isa::available() {
            single.explainer.isa = isa;
            let found = single.explain(&table, 1).unwrap();
            prop_assert_eq!(&found.base, &expected.base);
            for (found, expected) in found.values.iter().zip(&expected.values) {
                prop_assert!((found - expected).abs() <= 1e-6 * scale, "{} is not {}", found, expected);
            }
        }
        // What nobody needs is not compiled.
        let unused = RowExplainer::new(&ensemble).unwrap();
        unused.explain(&table, 1).unwrap();
        prop_assert_eq!(unused.explainer.programs.get().is_none(), unused.bundles.is_some());
        // Many rows are the explainer's.
        let many = Table::from_rows(&random_rows(seed, features, RowExplainer::ROWS_MAX + 1), features);
        prop_assert_eq!(single.explain(&many, 2).unwrap(), single.explainer.explain(&many, 1).unwrap());
    }

    #[test]
    fn tables_of_oblivious_trees_are_shapleys(seed: u64, features in 1_usize..7, levels in 1_usize..7) {
        let ensemble = random_oblivious(seed, features, levels);
        let explainer = Explainer::new(&ensemble).unwrap();
        let is_table = |plan: &Plan<f32>| matches!(plan, Plan::Table(_));
        assert!(matches!(explainer.programs(), Programs::F32(plans) if plans.iter().flatten().all(is_table)));
        let rows = random_rows(seed, features, 5);
        let found = explainer.explain(&Table::from_rows(&rows, features), 1).unwrap();
        for (row, found) in rows.chunks(features).zip(found.values.chunks(features)) {
            let expected = shapley(features, |known| path_game(&ensemble, 0, row, known));
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!(close(*found, *expected, 4.0), "{} is not {}", found, expected);
            }
        }
    }

    #[test]
    fn interactions_are_shapleys(seed: u64, features in 1_usize..6, depth in 0_usize..7) {
        let ensemble = random_model(seed, features, depth, 3, 1);
        let rows = random_rows(seed, features, 3);
        let explainer = Explainer::new(&ensemble).unwrap();
        let found = explainer.interactions(&Table::from_rows(&rows, features), 1).unwrap();
        for (row, found) in rows.chunks(features).zip(found.values.chunks(features * features)) {
            let game = |known| path_game(&ensemble, 0, row, known);
            let own = shapley(features, game);
            for i in 0..features {
                // Of the others: what a feature is worth with i, less what it is worth without, is twice the interaction.
                let with = shapley_without(features, i, |known| game(known | 1 << i) - game(known));
                for j in 0..features {
                    let pair = |j: usize| with[j] / 2.0;
                    let rest = own[i] - (0..features).filter(|j| *j != i).map(pair).sum::<f64>();
                    let expected = if i == j { rest } else { pair(j) };
                    prop_assert!(close(found[i * features + j], expected, 6.0));
                }
            }
        }
    }

    #[test]
    fn values_and_base_add_up_to_the_prediction(seed: u64, features in 1_usize..30, depth in 0_usize..14) {
        let ensemble = random_model(seed, features, depth, 3, 1);
        let rows = random_rows(seed, features, 40);
        let table = Table::from_rows(&rows, features);
        let found = Explainer::new(&ensemble).unwrap().explain(&table, 1).unwrap();
        let raw = crate::Predictor::new(&ensemble).raw(&table, 1).unwrap();
        for (values, raw) in found.values.chunks(features).zip(raw) {
            let sum = found.base[0] + values.iter().sum::<f64>();
            prop_assert!(close(sum, raw, 8.0), "{} is not {}", sum, raw);
        }
    }

    #[test]
    fn instruction_sets_agree_and_threads_and_blocks_change_nothing(seed: u64, depth in 1_usize..8) {
        let ensemble = random_model(seed, 6, depth, 20, 2);
        let rows = random_rows(seed, 6, 700);
        let table = Table::from_rows(&rows, 6);
        let mut explainer = Explainer::new(&ensemble).unwrap();
        let all: Vec<Explanation> = Isa::available().into_iter().map(|isa| {
            explainer.isa = isa;
            let one = explainer.explain(&table, 1).unwrap();
            assert_eq!(one, explainer.explain(&table, 3).unwrap());
            let model = Interventional::new(&ensemble, Table::from_rows(&rows[..60], 6)).unwrap();
            let against = model.explain(&table, 1).unwrap();
            assert_eq!(against, model.explain(&table, 3).unwrap());
            let last = Table::from_rows(&rows[699 * 6..], 6);
            assert_eq!(against.values[699 * 12..], model.explain(&last, 1).unwrap().values);
            assert_eq!(one.values[699 * 12..], explainer.explain(&last, 1).unwrap().values);
            one
        }).collect();
        for other in &all[1..] {
            let scale = all[0].values.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
            for (a, b) in all[0].values.iter().zip(&other.values) {
                prop_assert!((a - b).abs() <= 1e-6 * scale, "{} is not {}", a, b);
            }
        }
    }
}

#[test]
fn long_paths_are_compared_pair_by_pair() {
    let ensemble = chain(30);
    let random = &mut Random(1);
    let table = |rows: usize, random: &mut Random| {
        Table::from_rows(&(0..rows * 30).map(|_| random.real() - 0.5).collect::<Vec<_>>(), 30)
    };
    let (rows, background) = (table(50, random), table(7, random));
    let found = Interventional::new(&ensemble, background.clone()).unwrap().explain(&rows, 2).unwrap();
    let raw = crate::Predictor::new(&ensemble).raw(&rows, 1).unwrap();
    for (values, raw) in found.values.chunks(30).zip(raw) {
        assert!(close(found.base[0] + values.iter().sum::<f64>(), raw, 10.0));
    }
    let long = chain(33);
    let error = Interventional::new(&long, Table::from_rows(&[0.0; 33], 33));
    assert!(matches!(error, Err(ExplainError::PathFeatures { found: 33, limit: 32 })));
    assert!(matches!(
        Interventional::new(&ensemble, Table::from_rows(&[], 30)),
        Err(ExplainError::EmptyBackground)
    ));
}

/// A chain: every split tests a feature of its own, one child is a leaf.
fn chain(depth: usize) -> Ensemble {
    let mut nodes = Vec::new();
    for level in 0..depth {
        let at = nodes.len() as u32;
        let split = Split {
            feature: level as u32,
            test: Test::Below(0.0),
            missing: Missing::Nan { left: true },
            left: at + 1,
            right: at + 2,
        };
        nodes.push(Node { cover: 0.0, kind: Kind::Split(split) });
        let leaf = Leaf { value: (level % 3) as f64 - 1.0, linear: None };
        nodes.push(Node { cover: 1.0, kind: Kind::Leaf(leaf) });
    }
    nodes.push(Node { cover: 2.0, kind: Kind::Leaf(Leaf { value: 5.0, linear: None }) });
    // The cover of a split is not asked for; that of its children is: each chain goes on with as much as half of what is left.
    for at in (0..nodes.len() - 1).rev().filter(|at| at % 2 == 0) {
        nodes[at].cover = nodes[at + 1].cover + nodes[at + 2].cover;
    }
    Ensemble {
        trees: vec![Tree::arrange(0, 0, &nodes, depth, "").unwrap()],
        features: depth,
        ..random_model(0, 1, 0, 0, 1)
    }
}

#[test]
fn chains_of_any_depth_are_exact() {
    for depth in [1, 2, 30, 63, 64, 65, 200, 500] {
        let ensemble = chain(depth);
        let rows: Vec<f64> = (0..depth * 20).map(|at| if at % 7 == 0 { -1.0 } else { 1.0 }).collect();
        let table = Table::from_rows(&rows, depth);
        let found = Explainer::new(&ensemble).unwrap().explain(&table, 1).unwrap();
        let raw = crate::Predictor::new(&ensemble).raw(&table, 1).unwrap();
        for (values, raw) in found.values.chunks(depth).zip(raw) {
            let sum = found.base[0] + values.iter().sum::<f64>();
            assert!(close(sum, raw, 10.0), "depth {depth}: {sum} is not {raw}");
        }
    }
    assert!(matches!(
        Explainer::new(&chain(501)),
        Err(ExplainError::PathFeatures { found: 501, limit: 500 })
    ));
}
