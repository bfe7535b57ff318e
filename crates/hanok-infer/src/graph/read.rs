//! From the bytes of a model to a graph.

use std::collections::{HashMap, HashSet};

use hanok_models::onnx::{self, Message};

use super::error::GraphError;
use super::operator::{Attributes, Operator};
use super::tensor::Constant;
use super::{Graph, GraphInput, Step};

/// Most bytes of a file.
const BYTES_MAX: usize = 256 << 20;
/// Most operators.
const OPERATORS_MAX: usize = 10_000;
/// ONNX's numbers of types.
pub(super) const FLOAT: i64 = 1;
pub(super) const INT32: i64 = 6;
pub(super) const INT64: i64 = 7;
pub(super) const DOUBLE: i64 = 11;

/// Names to slots.
#[derive(Default)]
struct Slots<'a>(HashMap<&'a str, usize>);

impl<'a> Slots<'a> {
    fn of(&mut self, name: &'a str) -> usize {
        let next = self.0.len();
        *self.0.entry(name).or_insert(next)
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Graph, GraphError> {
    limit("bytes", bytes.len(), BYTES_MAX)?;
    let model = Message::new(bytes);
    let graph = model.messages(7)?.pop().ok_or(GraphError::Syntax("the file has no graph"))?;
    let nodes = graph.messages(1)?;
    limit("operators", nodes.len(), OPERATORS_MAX)?;
    let mut slots = Slots::default();
    let mut constants = HashMap::new();
    for tensor in graph.messages(5)? {
        let name = tensor.text(8)?;
        constants.insert(slots.of(name), constant(tensor, name)?);
    }
    let mut inputs = Vec::new();
    for input in graph.messages(11)? {
        let name = input.text(1)?;
        let slot = slots.of(name);
        // Older models list their constants as inputs too.
        if !constants.contains_key(&slot) {
            inputs.push(input_of(input, name, slot)?);
        }
    }
    let (output_name, output) = output_of(graph, &nodes, &mut slots)?;
    // By slot, whether its matrix is float.
    let mut singles: HashMap<usize, bool> =
        inputs.iter().map(|input| (input.slot, !input.is_double)).collect();
    let mut operators = Vec::new();
    for Needed { node, output, place, sources, slot } in needed(nodes, output, &mut slots)? {
        let attributes = Attributes::new(node)?;
        if node.text(4)? == "Constant" {
            let tensor = attributes.tensor("value")?;
            let tensor = tensor.ok_or_else(|| unsupported(&place, "a constant that is no tensor"))?;
            constants.insert(slot, constant(tensor, &place)?);
            continue;
        }
        let mut kinds = sources.iter().flatten().filter_map(|slot| singles.get(slot)).copied();
        let is_double = kinds.clone().next() == Some(false);
        let operator = Operator::read(node, output, &attributes, is_double).map_err(|error| match error {
            super::operator::ReadError::Unsupported(what) => unsupported(&place, what),
            super::operator::ReadError::Graph(error) => error,
        })?;
        singles.insert(slot, operator.is_single(&mut kinds));
        operators.push(Step { place, operator, inputs: sources, output: slot });
    }
    let constants = (0..slots.0.len()).map(|slot| constants.remove(&slot)).collect();
    let source = format!("{} {}", model.text(2)?, model.text(3)?).trim().to_owned();
    let graph = Graph { inputs, constants, operators, output, output_name, source };
    graph.checked()
}

/// A node that the output depends on.
struct Needed<'a> {
    node: Message<'a>,
    /// Which of its outputs.
    output: usize,
    place: String,
    sources: Vec<Option<usize>>,
    slot: usize,
}

/// From the output back: what it depends on, in the order in which it is computed.
fn needed<'a>(
    nodes: Vec<Message<'a>>,
    output: usize,
    slots: &mut Slots<'a>,
) -> Result<Vec<Needed<'a>>, GraphError> {
    let mut wanted = HashSet::from([output]);
    let mut made = HashSet::new();
    let mut all = Vec::new();
    for node in nodes.into_iter().rev() {
        let outputs = node.texts(2)?;
        let is_wanted = |name: &&'a str| !name.is_empty() && wanted.contains(&slots.of(name));
        let Some(output) = outputs.iter().position(is_wanted) else { continue };
        let slot = slots.of(outputs[output]);
        if !made.insert(slot) {
            return Err(GraphError::Syntax("a value is computed twice"));
        }
        let names = node.texts(1)?;
        let sources: Vec<Option<usize>> =
            names.iter().map(|name| (!name.is_empty()).then(|| slots.of(name))).collect();
        wanted.extend(sources.iter().flatten());
        let place = format!("{} {}", node.text(4)?, node.text(3)?).trim_end().to_owned();
        all.push(Needed { node, output, place, sources, slot });
    }
    all.reverse();
    Ok(all)
}

impl Graph {
    /// Whether every value that is used is there before it is.
    fn checked(self) -> Result<Graph, GraphError> {
        let mut is_there: Vec<bool> = self.constants.iter().map(Option::is_some).collect();
        for input in &self.inputs {
            is_there[input.slot] = true;
        }
        for step in &self.operators {
            if step.inputs.iter().flatten().any(|slot| !is_there[*slot]) {
                return Err(GraphError::Syntax("an operator uses a value that nothing before it computes"));
            }
            is_there[step.output] = true;
        }
        if !is_there[self.output] {
            return Err(GraphError::Syntax("nothing computes the output"));
        }
        let total = |known: Option<usize>, input: &GraphInput| known?.checked_add(input.columns.unwrap_or(0));
        let columns = self.inputs.iter().fold(Some(0), total).unwrap_or(usize::MAX);
        limit("columns", columns, super::VALUES_MAX / super::BATCH_ROWS)?;
        Ok(self)
    }
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), GraphError> {
    if found > limit { Err(GraphError::Limit { what, found, limit }) } else { Ok(()) }
}

fn unsupported(place: &str, what: impl Into<String>) -> GraphError {
    GraphError::Unsupported { place: place.to_owned(), what: what.into() }
}

/// The type of elements, and the dimensions as far as they are known.
type TensorType = (i64, Vec<Option<usize>>);

/// The type of a tensor; none for lists, maps and the like.
fn tensor_type(info: Message<'_>) -> Result<Option<TensorType>, GraphError> {
    let Some(tensor) = info.message(2)?.messages(1)?.pop() else { return Ok(None) };
    let mut dims = Vec::new();
    for dim in tensor.message(2)?.messages(1)? {
        dims.push(dim.integer(1)?.and_then(|dim| usize::try_from(dim).ok()).filter(|dim| *dim > 0));
    }
    Ok(Some((tensor.integer(1)?.unwrap_or(0), dims)))
}

fn input_of(info: Message<'_>, name: &str, slot: usize) -> Result<GraphInput, GraphError> {
    let (kind, dims) = tensor_type(info)?.ok_or_else(|| unsupported(name, "an input that is no tensor"))?;
    if !matches!(kind, FLOAT | DOUBLE) {
        return Err(unsupported(name, format!("an input of the type {kind}, not float or double,")));
    }
    let columns = match dims[..] {
        [_, columns] => columns,
        // A vector has a number for each row.
        [_] => Some(1),
        _ => return Err(unsupported(name, format!("an input of {} dimensions", dims.len()))),
    };
    Ok(GraphInput { name: name.to_owned(), columns, is_double: kind == DOUBLE, slot })
}

/// The last output of float numbers; in place of a list of maps that `ZipMap` makes for Python, what it makes it of.
fn output_of<'a>(
    graph: Message<'a>,
    nodes: &[Message<'a>],
    slots: &mut Slots<'a>,
) -> Result<(String, usize), GraphError> {
    // By the list of maps, what it is made of.
    let mut maps = HashMap::new();
    for node in nodes {
        if node.text(4)? == "ZipMap" {
            let from = node.texts(1)?.first().copied();
            maps.extend(node.texts(2)?.into_iter().map(|to| (to, from)));
        }
    }
    let mut found = None;
    let mut names = Vec::new();
    for output in graph.messages(12)? {
        let name = output.text(1)?;
        names.push(name);
        match tensor_type(output)? {
            Some((FLOAT | DOUBLE, _)) => found = Some(name),
            Some(_) => {}
            None => found = maps.get(name).copied().unwrap_or(found),
        }
    }
    let name =
        found.ok_or_else(|| unsupported(&names.join(", "), "a graph without an output of float numbers"))?;
    Ok((name.to_owned(), slots.of(name)))
}

pub(super) fn constant(tensor: Message<'_>, name: &str) -> Result<Constant, GraphError> {
    let data = match onnx::tensor(tensor) {
        Err(hanok_models::ReadError::Unsupported { what, .. }) => return Err(unsupported(name, what)),
        data => data?,
    };
    let mut dims = Vec::new();
    let mut size = Some(1_usize);
    for dim in tensor.integers(1)? {
        let dim = usize::try_from(dim).ok();
        size = size.zip(dim).and_then(|(size, dim)| size.checked_mul(dim));
        dims.push(dim.unwrap_or(0));
    }
    if size != Some(data.len()) {
        return Err(GraphError::Syntax("a tensor has more or fewer numbers than its shape says"));
    }
    Ok(Constant { dims, data })
}
