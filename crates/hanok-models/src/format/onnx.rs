//! ONNX models whose graph is one tree ensemble: `TreeEnsembleRegressor`, `TreeEnsembleClassifier` (`ai.onnx.ml` 1 to 4) or `TreeEnsemble`
//! (5).
//!
//! A model is a Protocol Buffer (`onnx.proto`). Before the trees, a graph may cast, and join columns that are inputs of their own, whose names
//! are then those of the features; after them, it may cast, reshape and name classes. Any other operator that the result goes through is
//! refused. By the operators' specification:
//! - nodes are parallel lists; what a node compares is in `nodes_modes`, and NaN goes to the "true" child where
//!   `nodes_missing_value_tracks_true` says so, elsewhere wherever the comparison with NaN sends it: to "false", but for `≠`;
//! - values are compared and leaves added up in f32, or in f64 where the input is double; the base is added at the end;
//! - a classifier of two classes whose leaves are all of one class has one output, the raw value of the positive class;
//! - `MIN` and `MAX` are no sums, and `PROBIT` is an approximation that differs by runtime: they are refused, and so is `SOFTMAX_ZERO`.
//!
//! There are no covers: values are interventional. Graphs around such operators are hanok-infer's, which gets the trees from [`trees`].

mod attributes;
mod separate;
mod tensor;
mod unified;

pub use tensor::tensor;

use std::collections::{HashMap, HashSet};

use super::protobuf::Message;
use crate::ensemble::{Dialect, Ensemble, FEATURES_MAX, Kind, Link, NODES_MAX, Node, OUTPUTS_MAX, Sum, Tree};
use crate::error::ReadError;
use crate::texts::Texts;
use attributes::{Attributes, LeafValue};

/// Latest version of `ai.onnx.ml` that is read.
const VERSION: i64 = 5;
/// ONNX's numbers of types.
const FLOAT: i64 = 1;
const DOUBLE: i64 = 11;
/// Most operators of a graph.
const OPERATORS_MAX: usize = 1_000;
/// Nodes of all trees together that a model may have at least, whatever the number of its leaves' values: an output takes a copy of a tree.
const NODES_ALWAYS: usize = 10_000_000;

/// Whether bytes begin like a model: with the field `ir_version`.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x08)
}

/// An operator of the graph.
struct Operator<'a> {
    kind: &'a str,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    attributes: Attributes<'a>,
}

/// What goes into the trees.
#[derive(Default)]
struct Input {
    names: Vec<String>,
    /// How many columns there are, if it is said.
    columns: Option<usize>,
    is_double: bool,
}

/// A forest, before its features are checked.
struct Forest {
    /// Output, root and nodes of each.
    trees: Vec<(u32, usize, Vec<Node>)>,
    /// How many nodes and how many values of leaves there are.
    nodes: usize,
    values: usize,
    base: Vec<f64>,
    divisor: f64,
    link: Link,
}

/// Reads a model.
pub(super) fn read(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    let model = Message::new(bytes);
    let graph = model.message(7)?;
    let mut version = None;
    for import in model.messages(8)? {
        if import.text(1)? == "ai.onnx.ml" {
            version = import.integer(2)?;
        }
    }
    let path = "$.opset_import".to_owned();
    match version {
        None => return Err(ReadError::Part { path, problem: "`ai.onnx.ml` is not among them".to_owned() }),
        Some(version) if version > VERSION => {
            return Err(ReadError::Version { path, found: version.to_string(), known: "versions 1 to 5" });
        }
        Some(_) => {}
    }
    let operators = operators(graph)?;
    let is_forest = |operator: &&Operator<'_>| operator.kind.starts_with("TreeEnsemble");
    let mut forests = operators.iter().filter(is_forest);
    let (Some(operator), None) = (forests.next(), forests.next()) else {
        let found = operators.iter().filter(is_forest).count();
        return Err(unsupported("$.graph", format!("a graph with {found} tree ensembles")));
    };
    check_after(&operators, operator)?;
    let input = input(graph, &operators, operator)?;
    let (name, version) = (model.text(2)?, model.text(3)?);
    let source = format!("ONNX of {name} {version}").trim_end().to_owned();
    ensemble(operator, input, source)
}

/// The trees of an operator of a graph, whose node this is. Its input is double or float; features beyond the last one that is tested are
/// unknown to the ensemble.
pub fn trees(node: Message<'_>, is_double: bool) -> Result<Ensemble, ReadError> {
    let input = Input { is_double, ..Input::default() };
    ensemble(&Operator::new(node)?, input, "ONNX".to_owned())?.checked("$.graph")
}

fn ensemble(operator: &Operator<'_>, input: Input, source: String) -> Result<Ensemble, ReadError> {
    let forest = match operator.kind {
        "TreeEnsemble" => unified::read(&operator.attributes, !input.is_double)?,
        _ => separate::read(&operator.attributes, operator.kind, !input.is_double)?,
    };
    let tested = forest.trees.iter().flat_map(|(_, _, nodes)| nodes).filter_map(|node| match &node.kind {
        Kind::Split(split) => Some(split.feature as usize + 1),
        Kind::Leaf(_) => None,
    });
    let tested = tested.max().unwrap_or(0);
    let features = input.columns.unwrap_or(tested);
    if features > FEATURES_MAX {
        return Err(ReadError::Limit { what: "features", found: features, limit: FEATURES_MAX });
    }
    let trees = forest.trees.iter().enumerate().map(|(at, (output, root, nodes))| {
        Tree::arrange(*output, *root, nodes, features, &format!("$.graph.{}[{at}]", operator.kind))
    });
    Ok(Ensemble {
        source,
        dialect: if input.is_double { Dialect::OnnxF64 } else { Dialect::OnnxF32 },
        feature_names: input.names,
        features,
        texts: Texts::new(),
        base: forest.base,
        divisor: forest.divisor,
        link: forest.link,
        sum: if input.is_double { Sum::F64BaseLast } else { Sum::F32BaseLast },
        has_cover: false,
        trees: trees.collect::<Result<_, _>>()?,
    })
}

fn unsupported(path: &str, what: impl Into<String>) -> ReadError {
    ReadError::Unsupported { path: path.to_owned(), what: what.into() }
}

fn operators(graph: Message<'_>) -> Result<Vec<Operator<'_>>, ReadError> {
    let nodes = graph.messages(1)?;
    if nodes.len() > OPERATORS_MAX {
        return Err(ReadError::Limit { what: "operators", found: nodes.len(), limit: OPERATORS_MAX });
    }
    nodes.into_iter().map(Operator::new).collect()
}

impl<'a> Operator<'a> {
    fn new(node: Message<'a>) -> Result<Operator<'a>, ReadError> {
        Ok(Operator {
            kind: node.text(4)?,
            inputs: node.texts(1)?,
            outputs: node.texts(2)?,
            attributes: Attributes::new(node)?,
        })
    }

    /// The type that a cast leads to, which must be one of floating point numbers.
    fn cast(&self) -> Result<i64, ReadError> {
        match self.attributes.integer("to")?.unwrap_or(0) {
            to @ (FLOAT | DOUBLE) => Ok(to),
            other => Err(unsupported("$.graph", format!("a cast to the type {other}"))),
        }
    }
}

/// Whether what the trees say goes through nothing that changes it.
fn check_after(operators: &[Operator<'_>], forest: &Operator<'_>) -> Result<(), ReadError> {
    // A classifier's first output is the label.
    let mut values: HashSet<&str> = forest.outputs.last().copied().into_iter().collect();
    for operator in operators {
        if !operator.inputs.iter().any(|input| values.contains(input)) {
            continue;
        }
        match operator.kind {
            "Cast" => {
                operator.cast()?;
            }
            "Identity" | "Reshape" | "Flatten" | "Squeeze" | "ZipMap" => {}
            other => return Err(unsupported("$.graph", format!("the operator `{other}` after the trees"))),
        }
        values.extend(&operator.outputs);
    }
    Ok(())
}

/// Follows the trees' input to the graph's.
fn input(graph: Message<'_>, operators: &[Operator<'_>], forest: &Operator<'_>) -> Result<Input, ReadError> {
    let mut input = Input::default();
    let mut names = vec![*forest.inputs.first().unwrap_or(&"")];
    let mut cast = None;
    let mut is_joined = false;
    let makers: HashMap<&str, &Operator<'_>> = operators
        .iter()
        .flat_map(|operator| operator.outputs.iter().map(move |output| (*output, operator)))
        .collect();
    // Every step goes to an operator that stands before, or it is an endless graph.
    for _ in 0..=operators.len() {
        let Some(name) = names.first() else { break };
        let Some(maker) = makers.get(name) else { break };
        match maker.kind {
            "Cast" if !is_joined => {
                let to = maker.cast()?;
                if cast.replace(to).is_some_and(|other| other != to) {
                    return Err(unsupported("$.graph", "casts to different types"));
                }
                names.clone_from(&maker.inputs);
            }
            "Identity" if !is_joined => names.clone_from(&maker.inputs),
            "Concat" if !is_joined && matches!(maker.attributes.integer("axis")?, Some(1 | -1)) => {
                names.clone_from(&maker.inputs);
                is_joined = true;
            }
            other => {
                return Err(unsupported("$.graph", format!("the operator `{other}` before the trees")));
            }
        }
    }
    let mut tensors = HashMap::new();
    for info in graph.messages(11)? {
        tensors.insert(info.text(1)?, info.message(2)?.message(1)?);
    }
    let mut columns = Some(0);
    for name in &names {
        let Some(tensor) = tensors.get(name) else {
            return Err(unsupported(
                "$.graph",
                format!("the trees' input `{name}`, which is none of the graph,"),
            ));
        };
        let dimensions = tensor.message(2)?.messages(1)?;
        let width = dimensions.get(1).map_or(Ok(None), |width| width.integer(1))?;
        let width = width.and_then(|width| usize::try_from(width).ok()).filter(|width| *width > 0);
        columns = columns.zip(width).and_then(|(columns, width): (usize, usize)| columns.checked_add(width));
        if is_joined && width != Some(1) {
            return Err(unsupported(
                "$.graph",
                format!("the input `{name}` of several columns among others"),
            ));
        }
        input.is_double = cast.or(tensor.integer(1)?) == Some(DOUBLE);
    }
    if is_joined {
        input.names = names.into_iter().map(str::to_owned).collect();
    }
    input.columns = columns;
    Ok(input)
}

impl Forest {
    /// A forest without trees, given how many outputs it has and what it does with their sums.
    fn new(outputs: usize, base: Vec<f64>, link: Link) -> Result<Forest, ReadError> {
        if outputs > OUTPUTS_MAX {
            return Err(ReadError::Limit { what: "outputs", found: outputs, limit: OUTPUTS_MAX });
        }
        let base = match base.len() {
            0 => vec![0.0; outputs],
            found if found == outputs => base,
            found => {
                let problem = format!("{found} base values for {outputs} outputs");
                return Err(ReadError::Part { path: "$.base_values".to_owned(), problem });
            }
        };
        Ok(Forest { trees: Vec::new(), nodes: 0, values: 0, base, divisor: 1.0, link })
    }

    /// Adds a tree once for each output that its leaves have values of.
    fn push(&mut self, root: usize, nodes: &[Node], mut values: Vec<LeafValue>) -> Result<(), ReadError> {
        values.sort_by_key(|(_, output, _)| *output);
        self.values = self.values.saturating_add(values.len());
        let of_output = |a: &LeafValue, b: &LeafValue| a.1 == b.1;
        let copies = values.chunk_by(of_output).count();
        self.nodes = self.nodes.saturating_add(nodes.len().saturating_mul(copies));
        let limit = NODES_ALWAYS.max(4 * self.values).min(NODES_MAX);
        if self.nodes > limit {
            return Err(ReadError::Limit { what: "nodes", found: self.nodes, limit });
        }
        for values in values.chunk_by(of_output) {
            let output = values[0].1;
            if output as usize >= self.base.len() {
                let problem = format!("a leaf is of the output {output} of {}", self.base.len());
                return Err(ReadError::Part { path: "$.graph".to_owned(), problem });
            }
            let mut nodes = nodes.to_vec();
            for (node, _, value) in values {
                if let Some(Node { kind: Kind::Leaf(leaf), .. }) = nodes.get_mut(*node) {
                    leaf.value += value;
                }
            }
            self.trees.push((output, root, nodes));
        }
        Ok(())
    }
}
