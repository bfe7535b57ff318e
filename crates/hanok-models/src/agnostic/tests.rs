//! Every method against enumeration, and the properties that all of them promise.

use std::cell::Cell;
use std::convert::Infallible;

use super::random::Random;
use super::*;
use crate::{Interventional, Predictor, Table, read};

type Function = fn(&[f64]) -> Vec<f64>;

const FEATURES: usize = 6;

/// Not additive, two outputs; the fourth feature is a dummy, the first two are alike in the first output, the fifth may be missing.
fn tangled(row: &[f64]) -> Vec<f64> {
    let fifth = if row[4].is_nan() { 2.0 } else { row[4] * row[5] };
    let first = row[0] * row[1] * row[2] + (row[0] + row[1]).sin() + fifth + row[5].powi(2);
    vec![first, if row[2] > 0.0 { row[0] } else { row[1] * row[5] } + 100.0]
}

/// Features act alone or in pairs.
fn paired(row: &[f64]) -> Vec<f64> {
    vec![row[0] * row[1] + row[2].exp() - row[3] * row[5]]
}

fn model(function: Function) -> impl Fn(&[f64]) -> Result<Vec<f64>, Infallible> {
    move |rows| Ok(rows.chunks(FEATURES).flat_map(function).collect())
}

fn rows(count: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed, &[]);
    let value = |at: usize| match random.unit() {
        unit if at % FEATURES == 4 && unit < 0.3 => f64::NAN,
        unit => 3.0 * unit - 1.5,
    };
    (0..count * FEATURES).map(value).collect()
}

/// v(S) less v of nobody.
fn worth(function: Function, row: &[f64], background: &[f64], is_in: impl Fn(usize) -> bool) -> Vec<f64> {
    let mean = |is_in: &dyn Fn(usize) -> bool| {
        let mut sums: Vec<f64> = Vec::new();
        for other in background.chunks(FEATURES) {
            let mixed: Vec<f64> = (0..FEATURES).map(|f| if is_in(f) { row[f] } else { other[f] }).collect();
            let answer = function(&mixed);
            sums.resize(answer.len(), 0.0);
            sums.iter_mut().zip(answer).for_each(|(sum, answer)| *sum += answer);
        }
        sums.into_iter().map(|sum| sum / (background.len() / FEATURES) as f64).collect::<Vec<_>>()
    };
    mean(&is_in).into_iter().zip(mean(&|_| false)).map(|(worth, base)| worth - base).collect()
}

/// The mean over orders of what each feature adds: outputs × features.
fn by_orders(function: Function, row: &[f64], background: &[f64], orders: &[Vec<usize>]) -> Vec<f64> {
    let outputs = function(row).len();
    let mut values = vec![0.0; outputs * FEATURES];
    for order in orders {
        let mut before = vec![0.0; outputs];
        for (at, feature) in order.iter().enumerate() {
            let with = worth(function, row, background, |f| order[..=at].contains(&f));
            for output in 0..outputs {
                values[output * FEATURES + feature] += (with[output] - before[output]) / orders.len() as f64;
            }
            before = with;
        }
    }
    values
}

fn all_orders(of: &[usize]) -> Vec<Vec<usize>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut orders = Vec::new();
    for first in of {
        let others: Vec<usize> = of.iter().copied().filter(|other| other != first).collect();
        orders.extend(all_orders(&others).into_iter().map(|order| [vec![*first], order].concat()));
    }
    orders
}

/// The orders that keep every group of a tree together.
fn tree_orders(joins: &[[usize; 2]], group: usize) -> Vec<Vec<usize>> {
    let Some(join) = group.checked_sub(FEATURES) else { return vec![vec![group]] };
    let [a, b] = joins[join].map(|part| tree_orders(joins, part));
    let both =
        |a: &Vec<usize>, b: &Vec<usize>| [[a.clone(), b.clone()].concat(), [b.clone(), a.clone()].concat()];
    a.iter().flat_map(|a| b.iter().flat_map(move |b| both(a, b))).collect()
}

fn explain(
    function: Function,
    background: &[f64],
    rows: &[f64],
    method: &Method,
    options: Options,
) -> Estimate {
    let mut agnostic = Agnostic::new(model(function), background.to_vec(), FEATURES, options).unwrap();
    agnostic.explain(rows, method).unwrap()
}

fn budget(max_evals: usize) -> Options {
    Options { max_evals: Some(max_evals), ..Options::default() }
}

fn tree() -> Hierarchy {
    Hierarchy::new(FEATURES, vec![[0, 4], [2, 1], [6, 5], [8, 3], [9, 7]]).unwrap()
}

fn methods() -> [Method; 5] {
    [Method::Exact, Method::Permutation, Method::Sampling, Method::Kernel, Method::Partition(tree())]
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < tolerance, "{at}: {found} is not {expected}");
    }
}

#[test]
fn exact_values_and_a_kernel_of_all_coalitions_are_those_of_enumeration() {
    let (background, row) = (rows(7, 1), rows(1, 2));
    let expected = by_orders(tangled, &row, &background, &all_orders(&[0, 1, 2, 3, 4, 5]));
    for method in [Method::Exact, Method::Kernel] {
        let found = explain(tangled, &background, &row, &method, Options::default());
        assert_near(&found.explanation.values, &expected, 1e-12);
        assert!(found.errors.is_none_or(|errors| errors.iter().all(|error| *error == 0.0)));
    }
}

#[test]
fn partition_values_are_those_of_orders_that_keep_groups_together() {
    let (background, row) = (rows(7, 1), rows(1, 2));
    let tree = tree();
    let orders = tree_orders(tree.joins(), 2 * FEATURES - 2);
    assert_eq!(orders.len(), 32);
    let expected = by_orders(tangled, &row, &background, &orders);
    let found = explain(tangled, &background, &row, &Method::Partition(tree), Options::default());
    assert_near(&found.explanation.values, &expected, 1e-12);
    assert_eq!(found.errors.unwrap(), vec![0.0; 2 * FEATURES]);
}

#[test]
fn one_pair_of_orders_is_exact_for_what_acts_in_pairs() {
    let (background, row) = (rows(7, 1), rows(1, 2));
    let expected = explain(paired, &background, &row, &Method::Exact, Options::default());
    let found = explain(paired, &background, &row, &Method::Permutation, budget(2 * FEATURES));
    assert_near(&found.explanation.values, &expected.explanation.values, 1e-12);
    assert!(found.errors.unwrap().iter().all(|error| error.is_nan()), "one pair tells nothing of its error");
}

#[test]
fn values_add_up_whatever_the_budget() {
    for seed in 0..20 {
        let (background, rows) = (rows(1 + seed as usize % 9, seed), rows(4, 100 + seed));
        for method in methods() {
            for max_evals in [24, 30, 50, 400] {
                let options = Options { seed, ..budget(max_evals) };
                let found = explain(tangled, &background, &rows, &method, options).explanation;
                for (cell, values) in found.values.chunks(FEATURES).enumerate() {
                    let expected = tangled(&rows[cell / 2 * FEATURES..][..FEATURES])[cell % 2];
                    let sum = values.iter().sum::<f64>() + found.base[cell % 2];
                    assert!(
                        (sum - expected).abs() < 1e-10,
                        "{method:?} {max_evals}: {sum} is not {expected}"
                    );
                }
            }
        }
    }
}

/// Ten features of which a few act together; wide enough that the kernel draws.
fn wide(row: &[f64]) -> Vec<f64> {
    let product: f64 = row[..5].iter().map(|value| 1.0 + value).product();
    vec![product + row[5] * row[6] * row[7] + row[8].abs(), (row[2] * row[7] * row[9]).tanh()]
}

#[test]
fn errors_are_as_large_as_they_say() {
    let mut random = Random::new(5, &[]);
    let mut draw = |count: usize| (0..count * 10).map(|_| 2.0 * random.unit() - 1.0).collect::<Vec<_>>();
    let (background, row) = (draw(20), draw(1));
    let explain = |method: &Method, options: Options| {
        let model = |rows: &[f64]| Ok::<_, Infallible>(rows.chunks(10).flat_map(wide).collect());
        Agnostic::new(model, background.clone(), 10, options).unwrap().explain(&row, method).unwrap()
    };
    let exact = explain(&Method::Exact, Options::default()).explanation.values;
    for (method, max_evals) in [(Method::Permutation, 1000), (Method::Sampling, 4000), (Method::Kernel, 300)]
    {
        let (mut squares, mut count, mut beyond) = (0.0, 0.0, 0.0);
        for seed in 0..100 {
            let found = explain(&method, Options { seed, ..budget(max_evals) });
            let errors = found.errors.unwrap();
            for ((found, exact), error) in found.explanation.values.iter().zip(&exact).zip(errors) {
                if error > 1e-12 {
                    let off = (found - exact) / error;
                    squares += off * off;
                    count += 1.0;
                    beyond += f64::from(u8::from(off.abs() > 3.0));
                } else {
                    assert!(
                        (found - exact).abs() < 1e-9,
                        "{method:?}: {found} is not {exact}, error {error}"
                    );
                }
            }
        }
        let spread: f64 = (squares / count).sqrt();
        assert!(count > 1000.0, "{method:?}: {count} estimates");
        assert!(
            (0.8..1.25).contains(&spread),
            "{method:?}: errors are {spread} times what they are said to be"
        );
        assert!(beyond / count < 0.02, "{method:?}: {beyond} of {count} are beyond three standard errors");
    }
}

#[test]
fn more_evaluations_bring_estimates_nearer() {
    let (background, row) = (rows(7, 1), rows(1, 2));
    let exact = explain(tangled, &background, &row, &Method::Exact, Options::default()).explanation.values;
    let off = |method: &Method, max_evals: usize| {
        let sum = (0..40).map(|seed| {
            let found = explain(tangled, &background, &row, method, Options { seed, ..budget(max_evals) });
            found
                .explanation
                .values
                .iter()
                .zip(&exact)
                .map(|(found, exact)| (found - exact).powi(2))
                .sum::<f64>()
        });
        (sum.sum::<f64>() / 40.0).sqrt()
    };
    for method in [Method::Permutation, Method::Sampling] {
        let (few, many) = (off(&method, 48), off(&method, 48 * 64));
        assert!(many < few / 5.0, "{method:?}: off by {few}, then by {many}");
    }
    // 24 of 62 coalitions are drawn, then all taken.
    assert!(off(&Method::Kernel, 62) < 1e-12 && off(&Method::Kernel, 24) > 1e-6);
}

#[test]
fn a_partition_that_breaks_off_spreads_what_is_left() {
    let (background, row) = (rows(7, 1), rows(1, 2));
    let total = worth(tangled, &row, &background, |_| true);
    let found = explain(tangled, &background, &row, &Method::Partition(tree()), budget(1));
    let expected: Vec<f64> = total.iter().flat_map(|total| [total / FEATURES as f64; FEATURES]).collect();
    // The whole is one group of six.
    assert_near(&found.explanation.values, &expected, 1e-12);
    assert!(found.errors.unwrap().iter().all(|error| error.is_nan()));
}

#[test]
fn values_depend_on_neither_batches_nor_other_rows() {
    let (background, rows) = (rows(7, 1), rows(5, 2));
    for method in methods() {
        let options = |batch_rows| Options { batch_rows, seed: 3, ..budget(100) };
        let expected = explain(tangled, &background, &rows, &method, options(1_000_000));
        for batch_rows in [0, 1, 5, 64] {
            assert_eq!(
                explain(tangled, &background, &rows, &method, options(batch_rows)),
                expected,
                "{method:?}"
            );
        }
        let alone = explain(tangled, &background, &rows[3 * FEATURES..4 * FEATURES], &method, options(64));
        assert_eq!(alone.explanation.values, expected.explanation.values[3 * 2 * FEATURES..4 * 2 * FEATURES]);
    }
}

#[test]
fn the_model_gets_no_more_rows_than_it_was_said_to() {
    let background: Vec<f64> = rows(8, 1).iter().map(|value| f64::from(u8::from(*value > 0.0))).collect();
    let row = [1.0; FEATURES];
    for method in methods() {
        let (asked, most) = (Cell::new(0), Cell::new(0));
        let model = |rows: &[f64]| {
            asked.set(asked.get() + rows.len() / FEATURES);
            most.set(most.get().max(rows.len() / FEATURES));
            Ok::<_, Infallible>(rows.chunks(FEATURES).flat_map(paired).collect())
        };
        let options = Options { batch_rows: 10, ..budget(100) };
        let mut agnostic = Agnostic::new(model, background.clone(), FEATURES, options).unwrap();
        assert_eq!(asked.replace(0), 8);
        let found = agnostic.explain(&row, &method).unwrap();
        assert_eq!(found.model_rows, asked.get());
        assert!(most.get() <= 10, "{method:?}: {} rows at a time", most.get());
        if method == Method::Exact {
            // Every other feature of the background agrees with the row, so about half of the mixtures are those of the step before.
            assert!(asked.get() < 64 * 8 * 2 / 3, "{} rows", asked.get());
        }
    }
}

#[test]
fn features_without_a_difference_are_worth_nothing_and_count_nowhere() {
    // 40 features, of which the row differs in three.
    let mut row = vec![1.0; 40];
    let background = [row.clone(), row.clone()].concat();
    row[3] = 4.0;
    row[17] = 2.0;
    row[39] = f64::NAN;
    let model = |rows: &[f64]| {
        let value = |row: &[f64]| row[3] * row[17] + f64::from(u8::from(row[39].is_nan()));
        Ok::<_, Infallible>(rows.chunks(40).map(value).collect())
    };
    let mut agnostic = Agnostic::new(model, background, 40, Options::default()).unwrap();
    let found = agnostic.explain(&row, &Method::Exact).unwrap();
    let mut expected = vec![0.0; 40];
    (expected[3], expected[17], expected[39]) = (4.5, 2.5, 1.0);
    assert_near(&found.explanation.values, &expected, 1e-12);
    // Eight coalitions; the empty and the whole one are known; the two rows of the background are asked for each.
    assert_eq!(found.model_rows, 1 + 6 * 2);
    let same = agnostic.explain(&[1.0; 40], &Method::Permutation).unwrap();
    assert_eq!(same.explanation.values, vec![0.0; 40]);
}

#[test]
fn what_cannot_be_explained_is_refused_before_the_model_is_asked() {
    let asked = Cell::new(0);
    let model = |rows: &[f64]| {
        asked.set(asked.get() + rows.len() / 20);
        Ok::<_, Infallible>(rows.chunks(20).map(|row| row.iter().sum()).collect())
    };
    let new = |options: Options| Agnostic::new(model, vec![0.0; 60], 20, options);
    let row = [1.0; 20];
    let refused = |options: Options, method: &Method| {
        let mut agnostic = new(options).unwrap();
        asked.set(0);
        let error = agnostic.explain(&row, method).unwrap_err();
        assert_eq!(asked.get(), 0);
        error
    };
    let error = refused(Options::default(), &Method::Exact);
    assert!(matches!(error, AgnosticError::TooManyFeatures { found: 20, limit: 16 }));
    for (method, least) in [(Method::Permutation, 40), (Method::Sampling, 80), (Method::Kernel, 80)] {
        let error = refused(budget(least - 1), &method);
        assert!(matches!(error, AgnosticError::MaxEvals { least: found, .. } if found == least));
        assert!(new(budget(least)).unwrap().explain(&row, &method).is_ok());
    }
    let tree = Method::Partition(tree());
    assert!(matches!(refused(Options::default(), &tree), AgnosticError::Hierarchy(_)));
    let few = Options { rows_max: 1000, ..Options::default() };
    let error = refused(few, &Method::Permutation);
    assert!(matches!(error, AgnosticError::TooManyRows { planned: 1504, limit: 1000 }));
    assert!(matches!(
        Agnostic::new(model, vec![], 20, Options::default()),
        Err(AgnosticError::EmptyBackground)
    ));
    assert!(matches!(
        Agnostic::new(model, vec![0.0; 21], 20, Options::default()),
        Err(AgnosticError::Width { values: 21, features: 20 })
    ));
    assert!(matches!(
        Agnostic::new(model, vec![0.0; 20], 0, Options::default()),
        Err(AgnosticError::EmptyBackground)
    ));
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let asked = Cell::new(0);
    let explain = |answer: fn(usize, usize) -> Result<Vec<f64>, &'static str>| {
        asked.set(0);
        let model = |rows: &[f64]| {
            asked.set(asked.get() + 1);
            answer(asked.get(), rows.len() / 2)
        };
        let mut agnostic = Agnostic::new(model, vec![0.0; 4], 2, Options::default())?;
        agnostic.explain(&[1.0, 2.0], &Method::Exact)
    };
    assert!(matches!(explain(|_, _| Err("gone")), Err(AgnosticError::Model("gone"))));
    assert!(matches!(
        explain(|_, rows| Ok(vec![0.0; rows + 1])),
        Err(AgnosticError::Outputs { found: 3, rows: 2, expected: None })
    ));
    assert!(matches!(explain(|_, _| Ok(vec![])), Err(AgnosticError::Outputs { found: 0, .. })));
    let later = explain(|call, rows| Ok(vec![0.0; if call == 1 { rows } else { 3 * rows }]));
    let error = later.unwrap_err();
    assert_eq!(error.to_string(), "the model gave 3 outputs for 1 rows where it gave 1 a row before");
    let wide = |rows: &[f64]| Ok::<_, Infallible>(vec![0.0; rows.len() * 2000]);
    let mut agnostic = Agnostic::new(wide, vec![0.0], 1, Options::default()).unwrap();
    let many = agnostic.explain(&vec![0.0; 600_000], &Method::Exact);
    assert!(matches!(many, Err(AgnosticError::TooManyValues { found: 1_200_000_000, .. })));
    let infinite = explain(|call, rows| Ok(vec![if call == 3 { f64::INFINITY } else { 0.0 }; rows]));
    assert!(matches!(infinite, Err(AgnosticError::NotFinite { row, .. }) if row.len() == 2));
}

#[test]
fn trees_of_groups_are_checked() {
    let error = |features, joins| Hierarchy::new(features, joins).unwrap_err();
    assert!(matches!(error(3, vec![[0, 1]]), HierarchyError::Joins { found: 1, features: 3 }));
    assert!(matches!(error(0, vec![]), HierarchyError::Joins { .. }));
    assert!(matches!(error(3, vec![[0, 1], [1, 2]]), HierarchyError::Group { join: 1, group: 1 }));
    assert!(matches!(error(3, vec![[0, 4], [1, 2]]), HierarchyError::Group { join: 0, group: 4 }));
    assert!(matches!(error(3, vec![[0, 0], [1, 2]]), HierarchyError::Group { join: 0, group: 0 }));
    assert!(Hierarchy::new(1, vec![]).is_ok());
}

#[test]
fn correlated_features_are_joined_first() {
    let mut random = Random::new(9, &[]);
    let rows: Vec<f64> = (0..200)
        .flat_map(|_| {
            let [a, b, noise] = [random.unit(), random.unit(), random.unit()];
            [a, b, -a + 0.1 * noise, 7.0, b + 0.2 * noise]
        })
        .collect();
    let tree = Hierarchy::by_correlation(&rows, 5).unwrap();
    let first: Vec<[usize; 2]> = tree.joins()[..2].to_vec();
    assert!(first.contains(&[0, 2]) && first.contains(&[1, 4]), "{:?}", tree.joins());
    assert_eq!(Hierarchy::new(5, tree.joins().to_vec()).unwrap(), tree);
    assert!(matches!(Hierarchy::by_correlation(&[], 2001), Err(HierarchyError::TooManyFeatures { .. })));
    assert_eq!(Hierarchy::by_correlation(&[], 3).unwrap().joins().len(), 2);
}

#[test]
fn linear_values_are_the_exact_ones() {
    let coefficients = [1.0, -2.0, 0.5, 0.0, 3.0, 1.0, 0.0, 1.0, 0.0, -1.0, 2.0, 0.25];
    let no_gaps =
        |count, seed| rows(count, seed).iter().map(|v| if v.is_nan() { 0.5 } else { *v }).collect::<Vec<_>>();
    let (background, rows) = (no_gaps(9, 1), no_gaps(3, 2));
    let output = |row: &[f64], o: usize| -> f64 {
        row.iter().zip(&coefficients[o * FEATURES..]).map(|(value, coefficient)| value * coefficient).sum()
    };
    let both = |row: &[f64]| [output(row, 0) + 10.0, output(row, 1) - 1.0];
    let model = |rows: &[f64]| Ok::<_, Infallible>(rows.chunks(FEATURES).flat_map(both).collect::<Vec<_>>());
    let mut agnostic = Agnostic::new(model, background.clone(), FEATURES, Options::default()).unwrap();
    let exact = agnostic.explain(&rows, &Method::Exact).unwrap().explanation;
    let found = agnostic.explain(&rows, &Method::Linear).unwrap();
    assert_near(&found.explanation.values, &exact.values, 1e-12);
    assert_near(&found.explanation.base, &exact.base, 1e-12);
    assert_eq!((found.errors, found.model_rows), (None, 2 * FEATURES + 3));
    // The coefficients are known then.
    assert_eq!(agnostic.explain(&rows, &Method::Linear).unwrap().model_rows, 3);
    // Curves are not linear.
    let curved =
        |rows: &[f64]| Ok::<_, Infallible>(model(rows)?.iter().map(|value| value.max(9.0)).collect());
    let mut curved = Agnostic::new(curved, background, FEATURES, Options::default()).unwrap();
    let error = curved.explain(&rows, &Method::Linear).unwrap_err();
    assert!(matches!(error, AgnosticError::NotLinear { .. }), "{error}");
}

#[test]
fn what_it_will_cost_is_known_before() {
    let model =
        |rows: &[f64]| Ok::<_, Infallible>(rows.chunks(FEATURES).map(|row| row[0] * row[1]).collect());
    let background = rows(9, 1);
    let made = |rows_max| {
        Agnostic::new(model, background.clone(), FEATURES, Options { rows_max, ..Options::default() })
            .unwrap()
    };
    let mut agnostic = made(1 << 20);
    let rows = rows(5, 2);
    for method in [Method::Exact, Method::Permutation, Method::Sampling, Method::Kernel] {
        let before = agnostic.plan(0, &method).unwrap();
        let planned = agnostic.plan(5, &method).unwrap();
        let found = agnostic.explain(&rows, &method).unwrap();
        assert!(found.model_rows <= planned - before, "{method:?}: {} > {planned}", found.model_rows);
    }
    assert_eq!(made(50).plan(10, &Method::Linear).unwrap(), 9 + 2 * FEATURES + 10);
    // The limit is of all calls together.
    let planned = made(usize::MAX).plan(5, &Method::Exact).unwrap();
    let mut agnostic = made(planned);
    agnostic.explain(&rows, &Method::Exact).unwrap();
    let error = agnostic.explain(&rows, &Method::Exact).unwrap_err();
    assert!(matches!(error, AgnosticError::TooManyRows { .. }), "{error}");
    assert!(made(planned - 1).plan(5, &Method::Exact).is_err());
}

/// The trees' own values are added up in f32.
#[test]
fn exact_values_of_trees_are_the_interventional_ones() {
    for name in ["lightgbm-multi.txt", "sklearn-histogram.json", "xgboost-binary.json"] {
        let bytes = std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let ensemble = read(&bytes).unwrap();
        let features = ensemble.features();
        let mut random = Random::new(4, &[]);
        let mut draw =
            |count: usize| (0..count * features).map(|_| 4.0 * random.unit() - 2.0).collect::<Vec<_>>();
        let (background, rows) = (draw(30), draw(10));
        let trees = Interventional::new(&ensemble, Table::from_rows(&background, features)).unwrap();
        let expected = trees.explain(&Table::from_rows(&rows, features), 1).unwrap();
        let predictor = Predictor::new(&ensemble);
        let model = |rows: &[f64]| predictor.raw(&Table::from_rows(rows, features), 1);
        let mut agnostic = Agnostic::new(model, background, features, Options::default()).unwrap();
        let found = agnostic.explain(&rows, &Method::Exact).unwrap().explanation;
        assert_near(&found.values, &expected.values, 1e-6);
        assert_near(&found.base, &expected.base, 1e-9);
    }
}

#[test]
fn exact_values_are_the_default_where_they_are_the_cheapest() {
    for features in 1..=12 {
        for max_evals in [None, Some(2 * features), Some(100), Some(260), Some(1000)] {
            let options = Options {
                max_evals: max_evals.map(|most: usize| most.max(2 * features)),
                ..Options::default()
            };
            let row: Vec<f64> = (1..=features).map(|at| at as f64).collect();
            let sums = |rows: &[f64]| {
                Ok::<_, Infallible>(rows.chunks(features).map(|row| row.iter().sum()).collect())
            };
            let asked = |method| {
                let mut agnostic =
                    Agnostic::new(sums, vec![0.0; features], features, options.clone()).unwrap();
                agnostic.explain(&row, &method).unwrap().model_rows
            };
            let is_cheap = asked(Method::Exact) <= asked(Method::Permutation);
            assert_eq!(
                options.method(features) == Method::Exact,
                is_cheap,
                "{features} {:?}",
                options.max_evals
            );
        }
    }
    // Beyond what exact values can be had of, whatever is allowed.
    let options = Options { max_evals: Some(usize::MAX), ..Options::default() };
    assert_eq!(
        [8, 9, 16, 17].map(|features| Options::default().method(features) == Method::Exact),
        [true, false, false, false]
    );
    assert_eq!(
        [16, 17, 1000].map(|features| options.method(features) == Method::Exact),
        [true, false, false]
    );
}
