//! The nodes of ONNX's tree ensembles, from the attributes of the operators.

use std::collections::HashMap;

use super::{Forest, unsupported};
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

    fn text(&self, name: &str) -> Result<&'a str, ReadError> {
        self.0.get(name).map_or(Ok(""), |attribute| attribute.text(4))
    }

    fn texts(&self, name: &str) -> Result<Vec<&'a str>, ReadError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.texts(9))
    }

    fn integers(&self, name: &str) -> Result<Vec<i64>, ReadError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.integers(8))
    }

    /// Numbers, which are floats or a tensor: of this name, or of this name and `_as_tensor`.
    fn numbers(&self, name: &str) -> Result<Vec<f64>, ReadError> {
        let tensor = self.0.get(format!("{name}_as_tensor").as_str());
        let Some(attribute) = tensor.or_else(|| self.0.get(name)) else { return Ok(Vec::new()) };
        if let Some(tensor) = attribute.messages(5)?.last() {
            return self::tensor(*tensor);
        }
        Ok(attribute.floats::<f32>(7)?.into_iter().map(f64::from).collect())
    }
}

/// Numbers of a tensor: float, double, or unsigned bytes.
fn tensor(tensor: Message<'_>) -> Result<Vec<f64>, ReadError> {
    use crate::format::bytes::numbers;

    let raw = tensor.all_bytes(9)?.pop();
    let kind = tensor.integer(2)?.unwrap_or(0);
    Ok(match (kind, raw) {
        (1, Some(raw)) => numbers::<f32>(raw).into_iter().map(f64::from).collect(),
        (1, None) => tensor.floats::<f32>(4)?.into_iter().map(f64::from).collect(),
        (11, Some(raw)) => numbers(raw),
        (11, None) => tensor.floats(10)?,
        (2, Some(raw)) => raw.iter().map(|byte| f64::from(*byte)).collect(),
        (2, None) => tensor.integers(5)?.into_iter().map(|byte| byte as f64).collect(),
        (other, _) => return Err(unsupported("$.graph", format!("a tensor of the type {other}"))),
    })
}

fn wrong(name: &str, problem: impl Into<String>) -> ReadError {
    ReadError::Part { path: format!("$.{name}"), problem: problem.into() }
}

/// A list as long as there are nodes.
fn of_length<T>(list: Vec<T>, length: usize, name: &str) -> Result<Vec<T>, ReadError> {
    if list.len() == length {
        return Ok(list);
    }
    Err(wrong(name, format!("{} elements where {length} are needed", list.len())))
}

fn index(number: i64, name: &str) -> Result<u32, ReadError> {
    u32::try_from(number).map_err(|_| wrong(name, format!("{number} is no index")))
}

fn link(transform: &str) -> Result<Link, ReadError> {
    Ok(match transform {
        "" | "NONE" => Link::Identity,
        "LOGISTIC" => Link::Logistic { factor: 1.0 },
        "SOFTMAX" => Link::Softmax,
        other => return Err(unsupported("$.post_transform", format!("the transform `{other}`"))),
    })
}

/// What sums are divided by; `MIN` and `MAX` of one tree are sums.
fn divisor(aggregate: &str, trees: usize) -> Result<f64, ReadError> {
    match aggregate {
        "AVERAGE" => Ok(trees.max(1) as f64),
        "" | "SUM" => Ok(1.0),
        "MIN" | "MAX" if trees <= 1 => Ok(1.0),
        other => Err(unsupported("$.aggregate_function", format!("the aggregate `{other}`"))),
    }
}

/// A node yet to be told its value.
fn leaf() -> Node {
    Node { cover: 0.0, kind: Kind::Leaf(Leaf { value: 0.0, linear: None }) }
}

fn branch(
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

/// Forests of the operators for regression and classification, whose nodes are leaves too.
pub(super) fn separate(attributes: &Attributes<'_>, kind: &str, single: bool) -> Result<Forest, ReadError> {
    let is_classifier = kind == "TreeEnsembleClassifier";
    let trees = attributes.integers("nodes_treeids")?;
    let length = trees.len();
    let list = |name: &str| of_length(attributes.integers(name)?, length, name);
    let (ids, features) = (list("nodes_nodeids")?, list("nodes_featureids")?);
    let (yes, no) = (list("nodes_truenodeids")?, list("nodes_falsenodeids")?);
    let values = of_length(attributes.numbers("nodes_values")?, length, "nodes_values")?;
    let modes = of_length(attributes.texts("nodes_modes")?, length, "nodes_modes")?;
    let tracks = attributes.integers("nodes_missing_value_tracks_true")?;
    let tracks = if tracks.is_empty() {
        tracks
    } else {
        of_length(tracks, length, "nodes_missing_value_tracks_true")?
    };

    let prefix = if is_classifier { "class" } else { "target" };
    let weights = attributes.numbers(&format!("{prefix}_weights"))?;
    let of_leaf = |name: &str| {
        let name = format!("{prefix}_{name}");
        of_length(attributes.integers(&name)?, weights.len(), &name)
    };
    let (leaf_trees, leaf_nodes, leaf_outputs) = (of_leaf("treeids")?, of_leaf("nodeids")?, of_leaf("ids")?);
    let base = attributes.numbers("base_values")?;
    let mut outputs = if is_classifier {
        attributes.integers("classlabels_int64s")?.len().max(attributes.texts("classlabels_strings")?.len())
    } else {
        attributes.integer("n_targets")?.and_then(|count| usize::try_from(count).ok()).unwrap_or(1)
    };
    let is_binary = is_classifier && outputs == 2 && leaf_outputs.windows(2).all(|pair| pair[0] == pair[1]);
    if is_binary {
        outputs = 1;
        if base.len() > 1 {
            return Err(unsupported("$.base_values", "two base values of one score"));
        }
    }
    let mut forest = Forest::new(outputs, base, link(attributes.text("post_transform")?)?)?;

    // The nodes of each tree in the order in which the trees occur; by (tree, node), where a node is.
    let mut order: Vec<i64> = Vec::new();
    let mut by_tree: HashMap<i64, Vec<usize>> = HashMap::new();
    let mut place: HashMap<(i64, i64), usize> = HashMap::with_capacity(length);
    for (at, (tree, id)) in trees.iter().zip(&ids).enumerate() {
        let nodes = by_tree.entry(*tree).or_insert_with(|| {
            order.push(*tree);
            Vec::new()
        });
        if place.insert((*tree, *id), nodes.len()).is_some() {
            return Err(wrong("nodes_nodeids", format!("two nodes {id} of the tree {tree}")));
        }
        nodes.push(at);
    }
    let mut leaves: HashMap<i64, Vec<LeafValue>> = HashMap::new();
    for (at, weight) in weights.iter().enumerate() {
        let (tree, node) = (leaf_trees[at], leaf_nodes[at]);
        let node =
            place.get(&(tree, node)).ok_or_else(|| wrong("target_nodeids", format!("no node {node}")))?;
        let output = if is_binary { 0 } else { index(leaf_outputs[at], "target_ids")? };
        leaves.entry(tree).or_default().push((*node, output, *weight));
    }
    let mut total = 0;
    for tree in &order {
        let mut nodes = Vec::new();
        let mut is_child = vec![false; by_tree[tree].len()];
        for at in by_tree[tree].iter().copied() {
            let compare = match modes[at] {
                "BRANCH_LEQ" => Compare::AtMost,
                "BRANCH_LT" => Compare::Below,
                "BRANCH_GTE" => Compare::AtLeast,
                "BRANCH_GT" => Compare::Above,
                "BRANCH_EQ" => Compare::Equal,
                "BRANCH_NEQ" => Compare::Unequal,
                "LEAF" => {
                    nodes.push(leaf());
                    continue;
                }
                other => return Err(unsupported("$.nodes_modes", format!("the mode `{other}`"))),
            };
            let mut child = |id: i64| {
                let place = place.get(&(*tree, id)).copied();
                let place = place.ok_or_else(|| wrong("nodes_truenodeids", format!("no node {id}")))?;
                is_child[place] = true;
                Ok(place as u32)
            };
            let nan_to_yes = tracks.get(at).is_some_and(|tracks| *tracks != 0);
            let branches = Branches { yes: child(yes[at])?, no: child(no[at])?, nan_to_yes };
            let feature = index(features[at], "nodes_featureids")?;
            nodes.push(branch(feature, compare, values[at], single, branches)?);
        }
        let root = is_child.iter().position(|is_child| !is_child);
        let root = root.ok_or_else(|| wrong("nodes_treeids", format!("the tree {tree} has no root")))?;
        forest.push(root, nodes, &leaves.remove(tree).unwrap_or_default(), &mut total)?;
    }
    forest.divisor = divisor(attributes.text("aggregate_function")?, order.len())?;
    Ok(forest)
}

/// A forest of the operator of version 5, whose leaves stand in lists of their own.
pub(super) fn unified(attributes: &Attributes<'_>, single: bool) -> Result<Forest, ReadError> {
    let features = attributes.integers("nodes_featureids")?;
    let length = features.len();
    let list = |name: &str| of_length(attributes.integers(name)?, length, name);
    let nodes = Unified {
        yes: [list("nodes_truenodeids")?, list("nodes_trueleafs")?],
        no: [list("nodes_falsenodeids")?, list("nodes_falseleafs")?],
        splits: of_length(attributes.numbers("nodes_splits")?, length, "nodes_splits")?,
        modes: of_length(attributes.numbers("nodes_modes")?, length, "nodes_modes")?,
        tracks: attributes.integers("nodes_missing_value_tracks_true")?,
        weights: attributes.numbers("leaf_weights")?,
        outputs: attributes.integers("leaf_targetids")?,
        members: members(attributes)?,
        features,
        single,
    };
    let transforms = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
    let aggregates = ["AVERAGE", "SUM", "MIN", "MAX"];
    let name = |names: &[&'static str], attribute: &str, default: i64| -> Result<&'static str, ReadError> {
        let number = attributes.integer(attribute)?.unwrap_or(default);
        let name = usize::try_from(number).ok().and_then(|at| names.get(at).copied());
        name.ok_or_else(|| wrong(attribute, format!("{number} has no meaning")))
    };
    let outputs = attributes.integer("n_targets")?.and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
    let mut forest = Forest::new(outputs, Vec::new(), link(name(&transforms, "post_transform", 0)?)?)?;
    let roots = attributes.integers("tree_roots")?;
    let mut seen = vec![false; length];
    let mut total = 0;
    for root in &roots {
        let (tree, leaves) = nodes.tree(*root, &mut seen)?;
        forest.push(0, tree, &leaves, &mut total)?;
    }
    forest.divisor = divisor(name(&aggregates, "aggregate_function", 1)?, roots.len())?;
    Ok(forest)
}

/// Members of the sets of the nodes that have one, in their order: lists that NaN ends.
fn members(attributes: &Attributes<'_>) -> Result<Vec<Vec<f64>>, ReadError> {
    let all = attributes.numbers("membership_values")?;
    Ok(all.split(|value| value.is_nan()).map(<[f64]>::to_vec).collect())
}

struct Unified {
    features: Vec<i64>,
    /// Numbers of children, and whether they are leaves.
    yes: [Vec<i64>; 2],
    no: [Vec<i64>; 2],
    splits: Vec<f64>,
    modes: Vec<f64>,
    tracks: Vec<i64>,
    weights: Vec<f64>,
    outputs: Vec<i64>,
    members: Vec<Vec<f64>>,
    single: bool,
}

/// The mode of a node that asks for membership.
const MEMBER: usize = 6;

impl Unified {
    /// The nodes of a tree, its root first, and its leaves' values. A leaf that is named twice is two.
    fn tree(&self, root: i64, seen: &mut [bool]) -> Result<(Vec<Node>, Vec<LeafValue>), ReadError> {
        let (mut nodes, mut leaves) = (vec![leaf()], Vec::new());
        let mut open = vec![(root, false, 0)];
        while let Some((number, is_leaf, place)) = open.pop() {
            let at = index(number, "nodes_truenodeids")? as usize;
            if is_leaf {
                let found = self.weights.get(at).zip(self.outputs.get(at));
                let (weight, output) = found.ok_or_else(|| wrong("leaf_weights", format!("no leaf {at}")))?;
                leaves.push((place, index(*output, "leaf_targetids")?, *weight));
                continue;
            }
            match seen.get_mut(at) {
                None => return Err(wrong("nodes_truenodeids", format!("no node {at}"))),
                Some(true) => return Err(wrong("nodes_truenodeids", format!("node {at} is reached twice"))),
                Some(seen) => *seen = true,
            }
            let (yes, no) = (nodes.len(), nodes.len() + 1);
            nodes.extend([leaf(), leaf()]);
            open.push((self.no[0][at], self.no[1][at] != 0, no));
            open.push((self.yes[0][at], self.yes[1][at] != 0, yes));
            let nan_to_yes = self.tracks.get(at).is_some_and(|tracks| *tracks != 0);
            let branches = Branches { yes: yes as u32, no: no as u32, nan_to_yes };
            nodes[place] = self.node(at, branches)?;
        }
        Ok((nodes, leaves))
    }

    fn node(&self, at: usize, branches: Branches) -> Result<Node, ReadError> {
        let feature = index(self.features[at], "nodes_featureids")?;
        let compare = match self.modes[at] as usize {
            0 => Compare::AtMost,
            1 => Compare::Below,
            2 => Compare::AtLeast,
            3 => Compare::Above,
            4 => Compare::Equal,
            5 => Compare::Unequal,
            MEMBER => {
                let before = self.modes[..at].iter().filter(|mode| **mode as usize == MEMBER).count();
                let set = self.members.get(before).and_then(|members| compare::members(members));
                let set =
                    set.ok_or_else(|| wrong("membership_values", format!("no set of f32 for node {at}")))?;
                return Ok(Node { cover: 0.0, kind: Kind::Split(branches.split(feature, set, false)) });
            }
            other => return Err(unsupported("$.nodes_modes", format!("the mode {other}"))),
        };
        branch(feature, compare, self.splits[at], self.single, branches)
    }
}
