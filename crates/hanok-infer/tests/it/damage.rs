//! Damaged and hostile files: an answer or a coded error, no panic, no hang, and no memory beyond what a batch may have.

use hanok_error::Coded;
use hanok_infer::{Graph, GraphError};
use hanok_models::onnx::Message;
use hanok_models::{Predictor, Table};

use crate::fixtures::{Fixture, fixtures, one};
use crate::onnx::{concat, field, model, model_of, node, zeros};

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

fn is_coded(error: &GraphError) {
    assert!(error.code().info().is_some() && !error.to_string().is_empty());
}

/// A graph that was read must also be usable, whole and taken apart. Returns whether it computed something.
fn use_it(fixture: &Fixture, bytes: &[u8]) -> bool {
    let graph = match Graph::read(bytes) {
        Ok(graph) => graph,
        Err(error) => {
            is_coded(&error);
            return false;
        }
    };
    let count = fixture.rows.len() / fixture.columns;
    let computed = match graph.predict(&fixture.rows, fixture.columns) {
        Ok(outputs) => {
            assert!(outputs.len().is_multiple_of(count), "{} of {count} rows", outputs.len());
            true
        }
        Err(error) => {
            is_coded(&error);
            false
        }
    };
    if let Ok((trees, before)) = graph.split_trees()
        && trees.features() == fixture.columns
        && let Ok(tested) = before.predict(&fixture.rows, fixture.columns)
    {
        assert_eq!(tested.len(), fixture.rows.len());
        let predicted =
            Predictor::new(&trees).predict(&Table::from_rows(&tested, trees.features()), 1).unwrap();
        assert_eq!(predicted.len(), count * trees.outputs());
    }
    computed
}

/// Files of which some bytes are others.
#[test]
fn changed_bytes_are_survived() {
    let mut random = Random(1);
    let mut computed = 0;
    for fixture in fixtures() {
        for _ in 0..2000 {
            let mut bytes = fixture.model.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] = random.below(256) as u8;
            }
            computed += usize::from(use_it(&fixture, &bytes));
        }
    }
    assert!(computed > 1000, "{computed}");
}

/// Files of which a part is missing, is there twice, or stands elsewhere; lengths mostly no longer fit.
#[test]
fn moved_parts_are_survived() {
    let mut random = Random(2);
    for fixture in fixtures() {
        for _ in 0..1000 {
            let mut bytes = fixture.model.clone();
            let from = random.below(bytes.len());
            let part = bytes[from..(from + 1 + random.below(80)).min(bytes.len())].to_vec();
            match random.below(3) {
                0 => drop(bytes.drain(from..from + part.len())),
                1 => {
                    let to = random.below(bytes.len());
                    bytes.splice(to..to, part);
                }
                _ => {
                    let to = random.below(bytes.len() - part.len() + 1);
                    bytes[to..to + part.len()].copy_from_slice(&part);
                }
            }
            use_it(&fixture, &bytes);
        }
    }
}

/// Operators and inputs of a valid file in another order, twice, or as those of another file: lengths fit, meanings do not.
#[test]
fn operators_in_any_order_are_survived() {
    let mut random = Random(3);
    let parts = |fixture: &Fixture, number: u64| -> Vec<Vec<u8>> {
        let graph = Message::new(&fixture.model).all_bytes(7).unwrap()[0];
        let parts = Message::new(graph).all_bytes(number).unwrap();
        parts.into_iter().map(|part| field(number as u8, part)).collect()
    };
    let all = fixtures();
    let mut computed = 0;
    for fixture in &all {
        for _ in 0..500 {
            let other = &all[random.below(all.len())];
            let mut nodes = parts(fixture, 1);
            let more = parts(other, 1);
            for _ in 0..=random.below(2) {
                let (at, by) = (random.below(nodes.len()), random.below(more.len()));
                match random.below(3) {
                    0 => nodes.swap(0, at),
                    1 => nodes.insert(at, more[by].clone()),
                    _ => nodes[at] = more[by].clone(),
                }
            }
            let rest = [5, 11, 12].map(|number| parts(fixture, number).concat()).concat();
            let constants = parts(other, 5).concat();
            computed += usize::from(use_it(fixture, &field(7, &[nodes.concat(), constants, rest].concat())));
        }
    }
    assert!(computed > 100, "{computed}");
}

#[test]
fn every_end_is_refused_or_computes() {
    for fixture in fixtures() {
        for end in (0..fixture.model.len()).step_by((fixture.model.len() / 600).max(1)) {
            use_it(&fixture, &fixture.model[..end]);
        }
    }
}

#[test]
fn lengths_beyond_the_file_make_no_memory() {
    for fixture in fixtures() {
        let step = (fixture.model.len() / 500).max(1);
        for at in (0..fixture.model.len() - 5).step_by(step) {
            let mut bytes = fixture.model.clone();
            bytes[at..at + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
            use_it(&fixture, &bytes);
        }
    }
}

/// Operators that make a value twice as wide each, from `x` to a value of this name: 2^30 columns.
fn doublings(output: &str) -> Vec<Vec<u8>> {
    let mut names: Vec<String> = (0..30).map(|at| format!("v{at}")).collect();
    names.insert(0, "x".to_owned());
    names.push(output.to_owned());
    names.windows(2).map(|pair| concat(&pair[0], &pair[1])).collect()
}

#[test]
fn a_graph_that_grows_without_end_is_stopped() {
    let graph = Graph::read(&model(&doublings("y"))).unwrap();
    let error = graph.predict(&[1.0; 256], 1).unwrap_err();
    assert!(error.to_string().contains("too many"), "{error}");
}

/// Taking trees off a graph follows each column through it, which must not grow either.
#[test]
fn a_graph_that_grows_before_its_trees_is_not_taken_apart() {
    let forest = one("scaled-forest");
    let graph = Message::new(&forest.model).all_bytes(7).unwrap()[0];
    let nodes = Message::new(graph).all_bytes(1).unwrap();
    let is_trees = |node: &&[u8]| Message::new(node).text(4).unwrap().starts_with("TreeEnsemble");
    let trees = nodes.into_iter().find(is_trees).unwrap();
    let (inputs, outputs) = (Message::new(trees).texts(1).unwrap(), Message::new(trees).texts(2).unwrap());
    let mut nodes = doublings(inputs[0]);
    nodes.push(field(1, trees));
    let bytes = model_of(Some(1), outputs[outputs.len() - 1], &nodes);
    let graph = Graph::read(&bytes).unwrap().split_trees().unwrap_err();
    let error = graph.predict(&[1.0], 1).unwrap_err();
    assert!(error.to_string().contains("too many"), "{error}");
    assert_eq!(error.code().0, "HK1651");
}

/// A number in each row meets a wide constant.
#[test]
fn a_constant_that_makes_rows_wide_is_stopped() {
    let columns = 4_000_000;
    let wide = model(&[node("Add", &["x", "c"], "y", ""), zeros("c", columns)]);
    let graph = Graph::read(&wide).unwrap();
    assert_eq!(graph.predict(&[1.0], 1).unwrap().len(), columns);
    let error = graph.predict(&[1.0; 256], 1).unwrap_err();
    assert!(matches!(&error, GraphError::Shape { .. }), "{error}");
    assert!(error.to_string().contains("4000000 columns are too many"), "{error}");
}
