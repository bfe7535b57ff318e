//! Attributes of ONNX's operators, and what both kinds of tree ensembles make of them.

use std::collections::HashMap;

use super::unsupported;
use crate::ensemble::{Kind, Leaf, Link, Node};
use crate::error::ReadError;
use crate::format::compare::{self, Branches, Compare};
use crate::format::protobuf::Message;

/// What a leaf adds: the leaf's place in its tree, the output, the value.
pub(super) type LeafValue = (usize, u32, f64);

/// Attributes of an operator by name.
pub(super) struct Attributes<'a>(HashMap<&'a str, Message<'a>>);

impl<'a> Attributes<'a> {
    /// Those of a node of the graph.
    pub(super) fn new(node: Message<'a>) -> Result<Attributes<'a>, ReadError> {
        let attributes = node.messages(5)?.into_iter().map(|attribute| Ok((attribute.text(1)?, attribute)));
        Ok(Attributes(attributes.collect::<Result<_, ReadError>>()?))
    }

    /// An integer.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ReadError> {
        self.0.get(name).map_or(Ok(None), |attribute| attribute.integer(3))
    }

    /// A text, empty if there is none.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, ReadError> {
        self.0.get(name).map_or(Ok(""), |attribute| attribute.text(4))
    }

    /// Texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ReadError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.texts(9))
    }

    /// Integers.
    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>, ReadError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.integers(8))
    }

    /// Numbers, which are floats or a tensor: of this name, or of this name and `_as_tensor`.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, ReadError> {
        let tensor = self.0.get(format!("{name}_as_tensor").as_str());
        let Some(attribute) = tensor.or_else(|| self.0.get(name)) else { return Ok(Vec::new()) };
        match attribute.messages(5)?.last() {
            Some(tensor) => super::tensor(*tensor),
            None => attribute.floats(7),
        }
    }
}

/// The error that an attribute is wrong.
pub(super) fn wrong(name: &str, problem: impl Into<String>) -> ReadError {
    ReadError::Part { path: format!("$.{name}"), problem: problem.into() }
}

/// A list as long as there are nodes.
pub(super) fn of_length<T>(list: Vec<T>, length: usize, name: &str) -> Result<Vec<T>, ReadError> {
    if list.len() == length {
        return Ok(list);
    }
    Err(wrong(name, format!("{} elements where {length} are needed", list.len())))
}

/// An index.
pub(super) fn index(number: i64, name: &str) -> Result<u32, ReadError> {
    u32::try_from(number).map_err(|_| wrong(name, format!("{number} is no index")))
}

/// The link of a transform.
pub(super) fn link(transform: &str) -> Result<Link, ReadError> {
    Ok(match transform {
        "" | "NONE" => Link::Identity,
        "LOGISTIC" => Link::Logistic { factor: 1.0 },
        "SOFTMAX" => Link::Softmax,
        other => return Err(unsupported("$.post_transform", format!("the transform `{other}`"))),
    })
}

/// What sums are divided by; `MIN` and `MAX` of one tree are sums.
pub(super) fn divisor(aggregate: &str, trees: usize) -> Result<f64, ReadError> {
    match aggregate {
        "AVERAGE" => Ok(trees.max(1) as f64),
        "" | "SUM" => Ok(1.0),
        "MIN" | "MAX" if trees <= 1 => Ok(1.0),
        other => Err(unsupported("$.aggregate_function", format!("the aggregate `{other}`"))),
    }
}

/// A node yet to be told its value.
pub(super) fn leaf() -> Node {
    Node { cover: 0.0, kind: Kind::Leaf(Leaf { value: 0.0, linear: None }) }
}

/// A node that compares.
pub(super) fn branch(
    feature: u32,
    compare: Compare,
    threshold: f64,
    single: bool,
    branches: Branches,
) -> Result<Node, ReadError> {
    // A comparison with NaN is false, but for "not equal".
    let nan_to_yes = branches.nan_to_yes || compare == Compare::Unequal;
    let split = compare::split(feature, compare, threshold, single, Branches { nan_to_yes, ..branches });
    let split = split.ok_or_else(|| unsupported("$.nodes_values", format!("{compare:?} {threshold}")))?;
    Ok(Node { cover: 0.0, kind: Kind::Split(split) })
}
